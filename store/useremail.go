package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// A mailbox at a domain in letters of its own language can be written in several ways. So beside
// such an address its row has the folded one, under a unique index. Any other address is the
// only spelling of its mailbox: its own unique index suffices, and the column is "".
//
// Before there was this column one mailbox could have several accounts. They were kept: the oldest has the
// folded address, and the others have behind it what sorts them by age. So the
// oldest that is there is found, and a new one is never made beside them.

// foldedEmail is what the column of an address holds, but in a doubled account.
func foldedEmail(email string) string {
	if !broker.International(email) {
		return ""
	}
	return broker.FoldEmail(email)
}

// doubledEmail is what the column of a doubled account holds. No address has a space in it.
func doubledEmail(folded string, createdAt micros, id string) string {
	return fmt.Sprintf("%s %020d %s", folded, createdAt, id)
}

// doubled is the condition that an older account has the mailbox.
const doubled = "email_folded LIKE '% %'"

// byEmail finds the one account that a folded address stands for. The second look, at the address as
// it was typed, is for what a program from before the column has written meanwhile.
const byEmail = `id = COALESCE(
	(SELECT id FROM users WHERE email_folded >= ? AND email_folded < ? AND email_folded <> '' ORDER BY email_folded LIMIT 1),
	(SELECT id FROM users WHERE email = ? AND email <> '' AND email_folded = ''))`

// UserByEmail returns the user whose mailbox an address (as broker.NormalizeEmail returns
// it) is, in whatever spelling, or broker.ErrNotFound. Of several that there were before
// spellings were compared it is the oldest.
func (db *DB) UserByEmail(ctx context.Context, email string) (broker.User, error) {
	const what = "read user by e-mail"
	if email == "" {
		return broker.User{}, broker.ErrNotFound.Becausef("%s", what)
	}
	if !broker.International(email) {
		return db.userWhere(ctx, what, "email = ? AND email <> ''", email)
	}
	folded := broker.FoldEmail(email)
	u, err := db.userWhere(ctx, what, byEmail, folded, folded+"!", email)
	if err == nil && broker.FoldEmail(u.Email) != folded { // such a program gave the account another address
		return broker.User{}, broker.ErrNotFound.Becausef("%s", what)
	}
	return u, err
}

// refold keeps the column where the address stays, or is another spelling of a doubled
// account's, and otherwise writes the new one.
const refold = "email_folded = CASE WHEN email = ? OR substr(email_folded, 1, length(?)) = ? THEN email_folded ELSE ? END"

// refoldArgs are the arguments of refold.
func refoldArgs(email string) []any {
	mark := broker.FoldEmail(email) + " "
	return []any{email, mark, mark, foldedEmail(email)}
}

// foldsEmails is the migration with the column. Its rows are filled here, since no database folds domains.
const foldsEmails = "0033"

// foldEmails fills the column of every account that needs one, the oldest first. There are few: those with
// letters beyond ASCII in their address, or with what stands for them. A domain in other forms of
// ASCII letters, which NormalizeEmail leaves to nobody any more, becomes the plain one; where somebody has that, they keep it.
func foldEmails(ctx context.Context, tx bun.Tx) error {
	var rows []struct {
		ID        string `bun:"id"`
		Email     string `bun:"email"`
		CreatedAt micros `bun:"created_at"`
	}
	if err := tx.NewRaw(`SELECT id, email, created_at FROM users
		WHERE octet_length(email) <> length(email) OR email LIKE '%xn--%' ORDER BY created_at, id`).Scan(ctx, &rows); err != nil {
		return err
	}
	has := map[string]bool{}
	for _, r := range rows {
		if !broker.International(r.Email) { // it is what stands before the @
			continue
		}
		folded := broker.FoldEmail(r.Email)
		email, column := r.Email, folded
		if !broker.International(folded) {
			var n int
			if err := tx.NewRaw("SELECT count(*) FROM users WHERE email = ?", folded).Scan(ctx, &n); err != nil {
				return err
			}
			if has[folded] = n > 0; n == 0 {
				email, column = folded, ""
			}
		}
		if has[folded] {
			column = doubledEmail(folded, r.CreatedAt, r.ID)
		}
		has[folded] = true
		if _, err := tx.NewRaw("UPDATE users SET email = ?, email_folded = ? WHERE id = ?", email, column, r.ID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
