package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type retiredRow struct {
	bun.BaseModel `bun:"table:retired"`

	ID        string                    `bun:"id,pk"`
	UserID    string                    `bun:"user_id"`
	Kind      string                    `bun:"kind"`
	Since     micros                    `bun:"since"`
	RemovedAt micros                    `bun:"removed_at"`
	Passkey   document[*broker.Passkey] `bun:"passkey"`
	ExpiresAt micros                    `bun:"expires_at"`
}

func (r *retiredRow) retired() broker.Retired {
	return broker.Retired{
		ID: r.ID, UserID: broker.UserID(r.UserID), Kind: broker.FactorKind(r.Kind), Since: r.Since.time(), RemovedAt: r.RemovedAt.time(),
		Passkey: r.Passkey.v, ExpiresAt: r.ExpiresAt.time(),
	}
}

// Retire writes what somebody has removed, in the unit of work that removes it.
func (db *DB) Retire(ctx context.Context, r broker.Retired) error {
	return db.insert(ctx, "retire", &retiredRow{
		ID: r.ID, UserID: string(r.UserID), Kind: string(r.Kind), Since: micro(r.Since), RemovedAt: micro(r.RemovedAt),
		Passkey: doc(r.Passkey), ExpiresAt: micro(r.ExpiresAt),
	})
}

// RetiredSince returns what a user has removed at a time or after it, the oldest first.
func (db *DB) RetiredSince(ctx context.Context, user broker.UserID, since time.Time) ([]broker.Retired, error) {
	rows, err := many[retiredRow](ctx, db, "list retired", "removed_at, id", all, "user_id = ? AND removed_at >= ?", string(user), micro(since))
	return each(rows, (*retiredRow).retired), err
}

// ForgetRetired removes what was kept of something that a user has removed; nothing
// where there is nothing.
func (db *DB) ForgetRetired(ctx context.Context, user broker.UserID, id string) error {
	_, err := db.exec(ctx, "forget retired", "DELETE FROM retired WHERE user_id = ? AND id = ?", string(user), id)
	return err
}

// ForgetAllRetired removes what was kept of everything that a user has removed.
func (db *DB) ForgetAllRetired(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "forget all retired", "DELETE FROM retired WHERE user_id = ?", string(user))
	return err
}
