package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type mailCodeRow struct {
	bun.BaseModel `bun:"table:mail_codes"`

	ID          string `bun:"id,pk"`
	Purpose     string `bun:"purpose"`
	LoginID     string `bun:"login_id"`
	BrowserHash string `bun:"browser_hash"`
	Email       string `bun:"email"`
	UserID      string `bun:"user_id"`
	Version     int    `bun:"version"`
	MAC         string `bun:"mac"`
	Tries       int    `bun:"tries"`
	Hour        micros `bun:"hour"`
	Nth         int    `bun:"nth"`
	CreatedAt   micros `bun:"created_at"`
	ExpiresAt   micros `bun:"expires_at"`
	UsedAt      micros `bun:"used_at"`
}

func (r *mailCodeRow) code() broker.MailCode {
	return broker.MailCode{
		ID: r.ID, Purpose: broker.CodePurpose(r.Purpose), LoginID: broker.LoginID(r.LoginID), BrowserHash: r.BrowserHash,
		Email: r.Email, UserID: broker.UserID(r.UserID), Version: r.Version, MAC: r.MAC, Tries: r.Tries, Hour: r.Hour.time(), Nth: r.Nth,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(), UsedAt: r.UsedAt.time(),
	}
}

// CreateMailCode writes a new code. broker.ErrConflict where the address has had
// its Nth one in this hour.
func (db *DB) CreateMailCode(ctx context.Context, c broker.MailCode) error {
	return db.insert(ctx, "create mail code", &mailCodeRow{
		ID: c.ID, Purpose: string(c.Purpose), LoginID: string(c.LoginID), BrowserHash: c.BrowserHash,
		Email: c.Email, UserID: string(c.UserID), Version: c.Version, MAC: c.MAC, Tries: c.Tries, Hour: micro(c.Hour), Nth: c.Nth,
		CreatedAt: micro(c.CreatedAt), ExpiresAt: micro(c.ExpiresAt), UsedAt: micro(c.UsedAt),
	})
}

// MailCode returns a code by its id, used or expired ones too, or
// broker.ErrNotFound.
func (db *DB) MailCode(ctx context.Context, id string) (broker.MailCode, error) {
	r, err := one[mailCodeRow](ctx, db, "read mail code", "id = ?", id)
	if err != nil {
		return broker.MailCode{}, err
	}
	return r.code(), nil
}

// LastMailCode returns the newest code of a login, used or expired ones too, or
// broker.ErrNotFound.
func (db *DB) LastMailCode(ctx context.Context, login broker.LoginID) (broker.MailCode, error) {
	rows, err := many[mailCodeRow](ctx, db, "last mail code", "created_at DESC, id DESC", 1, "login_id = ?", string(login))
	if err != nil {
		return broker.MailCode{}, err
	}
	if len(rows) == 0 {
		return broker.MailCode{}, broker.ErrNotFound
	}
	return rows[0].code(), nil
}

// CountMailCodes counts the codes of an hour: to an address, of one kind; and from a browser.
func (db *DB) CountMailCodes(ctx context.Context, email, browserHash string, hour time.Time, kind broker.MailCodeKind) (toAddress, fromBrowser int, err error) {
	const what = "count mail codes"
	toAddress, err = db.count(ctx, what, "SELECT count(*) FROM mail_codes WHERE email = ? AND hour = ? AND nth > ? AND nth < ?",
		email, micro(hour), int(kind), int(kind)+broker.MailCodesOfAKind)
	if err != nil {
		return 0, 0, err
	}
	fromBrowser, err = db.count(ctx, what, "SELECT count(*) FROM mail_codes WHERE browser_hash = ? AND hour = ?", browserHash, micro(hour))
	return toAddress, fromBrowser, err
}

// ReplaceMailCodes uses up every open code of a login.
func (db *DB) ReplaceMailCodes(ctx context.Context, login broker.LoginID, at time.Time) error {
	_, err := db.exec(ctx, "replace mail codes", "UPDATE mail_codes SET used_at = ? WHERE login_id = ? AND used_at = 0", micro(at), string(login))
	return err
}

// DeleteMailCodesTo removes every code that was asked for with an address.
func (db *DB) DeleteMailCodesTo(ctx context.Context, email string) error {
	_, err := db.exec(ctx, "delete mail codes", "DELETE FROM mail_codes WHERE email = ?", email)
	return err
}

// AddressMailCode tells whom a code opens, once. broker.ErrSpent where that is
// known already, or the code is used, replaced or expired.
func (db *DB) AddressMailCode(ctx context.Context, id string, user broker.UserID, version int, at time.Time) error {
	n, err := db.exec(ctx, "address mail code",
		"UPDATE mail_codes SET user_id = ?, version = ? WHERE id = ? AND user_id = '' AND used_at = 0 AND expires_at > ?",
		string(user), version, id, micro(at))
	return must(n, err, broker.ErrSpent, "address mail code")
}

// TryMailCode counts a guess before anybody looks whether it is right.
// broker.ErrSpent where there were most of them, or the code is used, replaced,
// expired, or never was.
func (db *DB) TryMailCode(ctx context.Context, id string, most int, at time.Time) error {
	n, err := db.exec(ctx, "try mail code",
		"UPDATE mail_codes SET tries = tries + 1 WHERE id = ? AND tries < ? AND used_at = 0 AND expires_at > ?", id, most, micro(at))
	return must(n, err, broker.ErrSpent, "try mail code")
}

// SpendMailCode uses a code up. broker.ErrSpent where it was used or replaced,
// has expired, or never was.
func (db *DB) SpendMailCode(ctx context.Context, id string, at time.Time) error {
	n, err := db.exec(ctx, "spend mail code",
		"UPDATE mail_codes SET used_at = ? WHERE id = ? AND used_at = 0 AND expires_at > ?", micro(at), id, micro(at))
	return must(n, err, broker.ErrSpent, "spend mail code")
}
