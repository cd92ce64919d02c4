package store

import (
	"context"
	"slices"
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

// knownIdentitySQL reads an identity, its owner, and what is known of the person
// at the provider.
func knownIdentitySQL() string {
	return "SELECT " + namesIn("i", identityColumns) + ", " + namesOrNone[userRow]("u", userColumns) + ", " + namesOrNone[accountRow]("a", accountColumns) +
		` FROM user_identities i LEFT JOIN users u ON u.id = i.user_id
			LEFT JOIN remote_accounts a ON a.provider = i.provider AND a.issuer = i.issuer AND a.subject = i.subject
		WHERE i.provider = ? AND i.issuer = ? AND i.subject = ?`
}

// KnownIdentity returns the identity of subject at provider with its owner and
// remote account, or broker.ErrNotFound.
func (db *DB) KnownIdentity(ctx context.Context, provider, issuer, subject string) (broker.KnownIdentity, error) {
	identity, user, account := new(identityRow), new(userRow), new(accountRow)
	dest := slices.Concat(targets(identity, identityColumns), targets(user, userColumns), targets(account, accountColumns))
	if err := db.hotScan(ctx, db.read, hotKnownIdentity, "read known identity", dest, provider, issuer, subject); err != nil {
		return broker.KnownIdentity{}, err
	}
	return broker.KnownIdentity{UserIdentity: identity.identity(), Owner: user.user(), Account: account.account()}, nil
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
	n, err := db.hotExec(ctx, hotTouchIdentity, "touch identity", int64(micro(at)), id)
	return must(n, err, broker.ErrNotFound, "touch identity")
}

// DeleteIdentity removes an identity. broker.ErrNotFound.
func (db *DB) DeleteIdentity(ctx context.Context, id string) error {
	n, err := db.exec(ctx, "delete identity", "DELETE FROM user_identities WHERE id = ?", id)
	return must(n, err, broker.ErrNotFound, "delete identity")
}
