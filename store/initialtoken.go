package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type initialTokenRow struct {
	bun.BaseModel `bun:"table:initial_access_tokens"`

	Hash      string `bun:"hash,pk"`
	Note      string `bun:"note"`
	UsesLeft  int    `bun:"uses_left"`
	CreatedAt micros `bun:"created_at"`
	ExpiresAt micros `bun:"expires_at"`
}

func (r *initialTokenRow) token() broker.InitialAccessToken {
	return broker.InitialAccessToken{Hash: r.Hash, Note: r.Note, UsesLeft: r.UsesLeft, CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time()}
}

// CreateInitialAccessToken writes a new token. broker.ErrConflict where it is
// there.
func (db *DB) CreateInitialAccessToken(ctx context.Context, t broker.InitialAccessToken) error {
	return db.insert(ctx, "create initial access token", &initialTokenRow{
		Hash: t.Hash, Note: t.Note, UsesLeft: t.UsesLeft, CreatedAt: micro(t.CreatedAt), ExpiresAt: micro(t.ExpiresAt),
	})
}

// InitialAccessTokens returns all tokens, those that are used up too, oldest
// first.
func (db *DB) InitialAccessTokens(ctx context.Context) ([]broker.InitialAccessToken, error) {
	rows, err := many[initialTokenRow](ctx, db, "list initial access tokens", "created_at, hash", all, "hash <> ''")
	return each(rows, (*initialTokenRow).token), err
}

// InitialAccessToken returns a token, used up or not, or broker.ErrNotFound.
func (db *DB) InitialAccessToken(ctx context.Context, hash string) (broker.InitialAccessToken, error) {
	r, err := one[initialTokenRow](ctx, db, "read initial access token", "hash = ?", hash)
	if err != nil {
		return broker.InitialAccessToken{}, err
	}
	return r.token(), nil
}

// SpendInitialAccessToken takes one use of a token. broker.ErrSpent: it is
// unknown, used up or expired.
func (db *DB) SpendInitialAccessToken(ctx context.Context, hash string, at time.Time) error {
	n, err := db.exec(ctx, "spend initial access token",
		"UPDATE initial_access_tokens SET uses_left = uses_left - 1 WHERE hash = ? AND uses_left > 0 AND (expires_at = 0 OR expires_at > ?)", hash, micro(at))
	return must(n, err, broker.ErrSpent, "spend initial access token")
}

// DeleteInitialAccessToken removes a token. broker.ErrNotFound.
func (db *DB) DeleteInitialAccessToken(ctx context.Context, hash string) error {
	n, err := db.exec(ctx, "delete initial access token", "DELETE FROM initial_access_tokens WHERE hash = ?", hash)
	return must(n, err, broker.ErrNotFound, "delete initial access token")
}

// Registrations counts the applications that registered themselves since a time:
// from an address, or from everywhere where ip is "". Those that were deleted
// meanwhile count.
func (db *DB) Registrations(ctx context.Context, ip string, since time.Time) (int, error) {
	// The name stands in the text, as in the index that serves it.
	const query = "SELECT count(*) FROM events WHERE name = 'client.registered' AND happened_at >= ?"
	if ip == "" {
		return db.count(ctx, "count registrations", query, micro(since))
	}
	return db.count(ctx, "count registrations", query+" AND ip = ?", micro(since), ip)
}
