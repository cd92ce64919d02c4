package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type identityRow struct {
	bun.BaseModel `bun:"table:user_identities"`

	ID         string `bun:"id,pk"`
	UserID     string `bun:"user_id"`
	Provider   string `bun:"provider"`
	Issuer     string `bun:"issuer"`
	Subject    string `bun:"subject"`
	CreatedAt  micros `bun:"created_at"`
	LastUsedAt micros `bun:"last_used_at"`
}

func (r *identityRow) identity() broker.UserIdentity {
	return broker.UserIdentity{
		ID: r.ID, UserID: broker.UserID(r.UserID), Provider: r.Provider, Issuer: r.Issuer, Subject: r.Subject,
		CreatedAt: r.CreatedAt.time(), LastUsedAt: r.LastUsedAt.time(),
	}
}

// Identity returns the identity of subject at provider, or broker.ErrNotFound.
func (db *DB) Identity(ctx context.Context, provider, issuer, subject string) (broker.UserIdentity, error) {
	r, err := one[identityRow](ctx, db, "read identity", "provider = ? AND issuer = ? AND subject = ?", provider, issuer, subject)
	if err != nil {
		return broker.UserIdentity{}, err
	}
	return r.identity(), nil
}

// IdentitiesOf returns what opens an account, oldest first.
func (db *DB) IdentitiesOf(ctx context.Context, user broker.UserID) ([]broker.UserIdentity, error) {
	rows, err := many[identityRow](ctx, db, "list identities", "created_at, id", all, "user_id = ?", string(user))
	return each(rows, (*identityRow).identity), err
}

// CreateIdentity writes a new identity. broker.ErrConflict where it opens an
// account already, this or another.
func (db *DB) CreateIdentity(ctx context.Context, id broker.UserIdentity) error {
	return db.insert(ctx, "create identity", &identityRow{
		ID: id.ID, UserID: string(id.UserID), Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject,
		CreatedAt: micro(id.CreatedAt), LastUsedAt: micro(id.LastUsedAt),
	})
}

// TouchIdentity notes that an identity was signed in with. broker.ErrNotFound.
func (db *DB) TouchIdentity(ctx context.Context, id string, at time.Time) error {
	n, err := db.exec(ctx, "touch identity", "UPDATE user_identities SET last_used_at = ? WHERE id = ?", micro(at), id)
	return must(n, err, broker.ErrNotFound, "touch identity")
}

// DeleteIdentity removes an identity. broker.ErrNotFound.
func (db *DB) DeleteIdentity(ctx context.Context, id string) error {
	n, err := db.exec(ctx, "delete identity", "DELETE FROM user_identities WHERE id = ?", id)
	return must(n, err, broker.ErrNotFound, "delete identity")
}
