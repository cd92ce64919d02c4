package store

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type userRow struct {
	bun.BaseModel `bun:"table:users"`

	ID              string                   `bun:"id,pk"`
	Email           string                   `bun:"email"`
	EmailFolded     string                   `bun:"email_folded"` // foldedEmail
	EmailVerifiedAt micros                   `bun:"email_verified_at"`
	EmailVouchedBy  string                   `bun:"email_vouched_by"`
	Username        string                   `bun:"username"`
	UsernameKey     string                   `bun:"username_key"`
	Name            string                   `bun:"name"`
	Locale          string                   `bun:"locale"`
	Phone           string                   `bun:"phone"`
	Address         document[broker.Address] `bun:"address"`
	Details         document[broker.Details] `bun:"details"`
	PasswordHash    string                   `bun:"password_hash"`
	PasswordSetAt   micros                   `bun:"password_set_at"`
	Admin           bool                     `bun:"admin"`
	VerifiedAt      micros                   `bun:"verified_at"`
	VerifiedBy      string                   `bun:"verified_by"`
	DisabledAt      micros                   `bun:"disabled_at"`
	BlockedAt       micros                   `bun:"blocked_at"`
	BlockedReason   string                   `bun:"blocked_reason"`
	WaitingAt       micros                   `bun:"waiting_at"`
	EraseAt         micros                   `bun:"erase_at"`
	SecondFactorAt  micros                   `bun:"second_factor_at"`
	SignedOutAt     micros                   `bun:"signed_out_at"`
	KnownSince      micros                   `bun:"known_since"`
	CreatedAt       micros                   `bun:"created_at"`
	UpdatedAt       micros                   `bun:"updated_at"`
	Version         int                      `bun:"version"`
}

func rowOfUser(u broker.User) *userRow {
	return &userRow{
		ID: string(u.ID), Email: u.Email, EmailFolded: foldedEmail(u.Email), EmailVerifiedAt: micro(u.EmailVerifiedAt), EmailVouchedBy: u.EmailVouchedBy,
		Username: u.Username, UsernameKey: broker.FoldCase(u.Username), Name: u.Name, Locale: u.Locale, Phone: u.Phone, Address: doc(u.Address), Details: doc(u.Details),
		PasswordHash: u.PasswordHash.Reveal(), PasswordSetAt: micro(u.PasswordSetAt), Admin: u.Admin,
		VerifiedAt: micro(u.VerifiedAt), VerifiedBy: u.VerifiedBy, BlockedAt: micro(u.BlockedAt), BlockedReason: u.BlockedReason, WaitingAt: micro(u.WaitingAt),
		DisabledAt: micro(u.DisabledAt), EraseAt: micro(u.EraseAt), SecondFactorAt: micro(u.SecondFactorAt), SignedOutAt: micro(u.SignedOutAt), KnownSince: micro(u.KnownSince), CreatedAt: micro(u.CreatedAt), UpdatedAt: micro(u.UpdatedAt), Version: u.Version,
	}
}

func (r *userRow) user() broker.User {
	return broker.User{
		ID: broker.UserID(r.ID), Email: r.Email, EmailVerifiedAt: r.EmailVerifiedAt.time(), EmailVouchedBy: r.EmailVouchedBy,
		Username: r.Username, Name: r.Name, Locale: r.Locale, Phone: r.Phone, Address: r.Address.v, Details: r.Details.v,
		PasswordHash: broker.Secret(r.PasswordHash), PasswordSetAt: r.PasswordSetAt.time(), Admin: r.Admin,
		VerifiedAt: r.VerifiedAt.time(), VerifiedBy: r.VerifiedBy, BlockedAt: r.BlockedAt.time(), BlockedReason: r.BlockedReason, WaitingAt: r.WaitingAt.time(),
		DisabledAt: r.DisabledAt.time(), EraseAt: r.EraseAt.time(), SecondFactorAt: r.SecondFactorAt.time(), SignedOutAt: r.SignedOutAt.time(), KnownSince: r.KnownSince.time(), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(), Version: r.Version,
	}
}

// User returns the user with an id, or broker.ErrNotFound.
func (db *DB) User(ctx context.Context, id broker.UserID) (broker.User, error) {
	r, err := hotRead[userRow](ctx, db, db.read, hotUser, "read user", userColumns, string(id))
	if err != nil {
		return broker.User{}, err
	}
	return r.user(), nil
}

// UserByUsername returns the user with a username, ignoring case, or
// broker.ErrNotFound.
func (db *DB) UserByUsername(ctx context.Context, username string) (broker.User, error) {
	return db.userWhere(ctx, "read user by username", "username_key = ? AND username_key <> ''", broker.FoldCase(username))
}

func (db *DB) userWhere(ctx context.Context, what, where string, args ...any) (broker.User, error) {
	r, err := one[userRow](ctx, db, what, where, args...)
	if err != nil {
		return broker.User{}, err
	}
	return r.user(), nil
}

// LockUser reads a user and keeps others from changing what hangs on the row
// (which they do under the same lock) until the unit of work ends. It must be
// called inside one. broker.ErrNotFound.
func (db *DB) LockUser(ctx context.Context, id broker.UserID) (broker.User, error) {
	const what = "lock user"
	u := db.unit(ctx)
	switch {
	case u == nil:
		return broker.User{}, errors.New("lock user: not in a unit of work")
	case db.flavour == flavourSQLite: // the unit holds the one writer already
		return db.userWhere(ctx, what, "id = ?", string(id))
	case !storable(id):
		return broker.User{}, broker.ErrNotFound.Becausef("%s", what)
	}
	if err := u.usable(); err != nil {
		return broker.User{}, db.failed(what, err)
	}
	r := new(userRow)
	if err := u.tx.NewSelect().Model(r).Where("id = ?", string(id)).For("UPDATE").Scan(ctx); err != nil {
		return broker.User{}, db.failed(what, err)
	}
	return r.user(), nil
}

// CreateUser writes a new user, with the Version that u has. broker.ErrConflict,
// with the Field "email" or "username", where another has it.
func (db *DB) CreateUser(ctx context.Context, u broker.User) error {
	return db.insert(ctx, "create user", rowOfUser(u))
}

// UpdateUser writes every field of u but CreatedAt and KnownSince, and Version as one more
// than u has. broker.ErrSpent where the row has another version by now (or
// none is there), broker.ErrConflict as CreateUser.
func (db *DB) UpdateUser(ctx context.Context, u broker.User) error {
	args := append(refoldArgs(u.Email), string(u.ID), u.Version)
	n, err := db.update(ctx, "update user", rowOfUser(u), []string{"id", "email_folded", "created_at", "known_since", "version"},
		"version = version + 1, "+refold, "id = ? AND version = ?", args...)
	return must(n, err, broker.ErrSpent, "update user")
}

// ForgetKnown makes the browsers that a user was signed in to before a time strangers to
// the account. It counts as no change of the user: no form that is open is late for
// it. broker.ErrNotFound.
func (db *DB) ForgetKnown(ctx context.Context, id broker.UserID, at time.Time) error {
	n, err := db.exec(ctx, "forget known browsers", "UPDATE users SET known_since = ? WHERE id = ?", micro(at), string(id))
	return must(n, err, broker.ErrNotFound, "forget known browsers")
}

// DeleteUser removes a user, with identities, remote accounts and their tokens,
// consents and changes of links. broker.ErrNotFound.
func (db *DB) DeleteUser(ctx context.Context, id broker.UserID) error {
	n, err := db.exec(ctx, "delete user", "DELETE FROM users WHERE id = ?", string(id))
	return must(n, err, broker.ErrNotFound, "delete user")
}

// Users returns at most limit users by id, those behind after.
func (db *DB) Users(ctx context.Context, after broker.UserID, limit int) ([]broker.User, error) {
	return db.UsersWho(ctx, broker.UserFilter{}, after, limit)
}

// likeEscaper makes a text match itself alone in LIKE … ESCAPE '\'.
var likeEscaper = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// UsersWho is Users for those whom a filter selects. Search and Domains read the
// addresses from after on, until limit are found.
func (db *DB) UsersWho(ctx context.Context, f broker.UserFilter, after broker.UserID, limit int) ([]broker.User, error) {
	if limit <= 0 {
		return nil, nil
	}
	where := "id > ?"
	for _, c := range []struct {
		wanted bool
		column string
	}{{f.Disabled, "disabled_at"}, {f.Blocked, "blocked_at"}, {f.Waiting, "waiting_at"}, {f.Verified, "verified_at"}, {f.Closed, "erase_at"}} {
		if c.wanted {
			where += " AND " + c.column + " <> 0"
		}
	}
	if f.Active {
		where += " AND disabled_at = 0"
	}
	if f.Unconfirmed {
		where += " AND email_verified_at = 0"
	}
	if f.Doubled {
		where += " AND " + doubled
	}
	args := []any{string(after)}
	if f.Search != "" {
		where += ` AND (email LIKE ? ESCAPE '\' OR username_key LIKE ? ESCAPE '\' OR name ` + db.matches() + ` ?)`
		for _, part := range []string{strings.ToLower(f.Search), broker.FoldCase(f.Search)} {
			args = append(args, "%"+likeEscaper.Replace(part)+"%")
		}
		args = append(args, db.anyCase(f.Search))
	}
	if len(f.Domains) > 0 {
		var any []string
		for _, name := range f.Domains {
			any = append(any, "substr(email, length(email) - ?) IN (?, ?)") // the address begins with something
			args = append(args, utf8.RuneCountInString(name), "@"+name, "."+name)
		}
		where += " AND (" + strings.Join(any, " OR ") + ")"
	}
	rows, err := many[userRow](ctx, db, "list users", "id", limit, where, args...)
	return each(rows, (*userRow).user), err
}

// CountUsers counts all users.
func (db *DB) CountUsers(ctx context.Context) (int, error) {
	return db.count(ctx, "count users", "SELECT count(*) FROM users")
}

// CountAdmins counts the administrators, disabled ones included.
func (db *DB) CountAdmins(ctx context.Context) (int, error) {
	return db.count(ctx, "count administrators", "SELECT count(*) FROM users WHERE admin")
}
