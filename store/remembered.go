package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type rememberedRow struct {
	bun.BaseModel `bun:"table:remembered_browsers"`

	ID         string `bun:"id,pk"`
	UserID     string `bun:"user_id"`
	Hash       string `bun:"hash"`
	Stamp      string `bun:"stamp"`
	Browser    string `bun:"browser"`
	IP         string `bun:"ip"`
	CreatedAt  micros `bun:"created_at"`
	LastUsedAt micros `bun:"last_used_at"`
	ExpiresAt  micros `bun:"expires_at"`
}

func (r *rememberedRow) remembered() broker.RememberedBrowser {
	return broker.RememberedBrowser{
		ID: r.ID, UserID: broker.UserID(r.UserID), Hash: r.Hash, Stamp: r.Stamp, Browser: r.Browser, IP: r.IP,
		CreatedAt: r.CreatedAt.time(), LastUsedAt: r.LastUsedAt.time(), ExpiresAt: r.ExpiresAt.time(),
	}
}

// CreateRemembered writes a remembered browser. broker.ErrConflict where the user
// has one with that hash.
func (db *DB) CreateRemembered(ctx context.Context, b broker.RememberedBrowser) error {
	return db.insert(ctx, "create remembered browser", &rememberedRow{
		ID: b.ID, UserID: string(b.UserID), Hash: b.Hash, Stamp: b.Stamp, Browser: b.Browser, IP: b.IP,
		CreatedAt: micro(b.CreatedAt), LastUsedAt: micro(b.LastUsedAt), ExpiresAt: micro(b.ExpiresAt),
	})
}

// Remembered returns a user's remembered browser by the hash of its cookie, one
// that does not count any more too, or broker.ErrNotFound.
func (db *DB) Remembered(ctx context.Context, user broker.UserID, hash string) (broker.RememberedBrowser, error) {
	r, err := one[rememberedRow](ctx, db, "read remembered browser", "user_id = ? AND hash = ?", string(user), hash)
	if err != nil {
		return broker.RememberedBrowser{}, err
	}
	return r.remembered(), nil
}

// RememberedOf returns a user's remembered browsers, those too that do not count
// any more, the one used last first.
func (db *DB) RememberedOf(ctx context.Context, user broker.UserID) ([]broker.RememberedBrowser, error) {
	rows, err := many[rememberedRow](ctx, db, "list remembered browsers", "last_used_at DESC, id", all, "user_id = ?", string(user))
	return each(rows, (*rememberedRow).remembered), err
}

// TouchRemembered notes that a remembered browser was used. broker.ErrSpent where it
// is gone.
func (db *DB) TouchRemembered(ctx context.Context, id string, at time.Time) error {
	n, err := db.exec(ctx, "touch remembered browser", "UPDATE remembered_browsers SET last_used_at = ? WHERE id = ?", micro(at), id)
	return must(n, err, broker.ErrSpent, "touch remembered browser")
}

// RehashRemembered gives those who share a browser its new cookie.
func (db *DB) RehashRemembered(ctx context.Context, before, now string) error {
	_, err := db.exec(ctx, "rehash remembered browsers", "UPDATE remembered_browsers SET hash = ? WHERE hash = ?", now, before)
	return err
}

// DeleteRemembered removes a user's remembered browser. broker.ErrNotFound.
func (db *DB) DeleteRemembered(ctx context.Context, user broker.UserID, id string) error {
	n, err := db.exec(ctx, "delete remembered browser", "DELETE FROM remembered_browsers WHERE user_id = ? AND id = ?", string(user), id)
	return must(n, err, broker.ErrNotFound, "delete remembered browser")
}

// ForgetBrowsers removes every remembered browser of a user.
func (db *DB) ForgetBrowsers(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "forget browsers", "DELETE FROM remembered_browsers WHERE user_id = ?", string(user))
	return err
}
