package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type pushedRow struct {
	bun.BaseModel `bun:"table:pushed_requests"`

	URIHash   string `bun:"uri_hash,pk"`
	ClientID  string `bun:"client_id"`
	Params    string `bun:"params"`
	CreatedAt micros `bun:"created_at"`
	ExpiresAt micros `bun:"expires_at"`
	UsedAt    micros `bun:"used_at"`
}

// CreatePushedRequest writes a new pushed request.
func (db *DB) CreatePushedRequest(ctx context.Context, p broker.PushedRequest) error {
	return db.insert(ctx, "create pushed request", &pushedRow{
		URIHash: p.URIHash, ClientID: p.ClientID, Params: p.Params,
		CreatedAt: micro(p.CreatedAt), ExpiresAt: micro(p.ExpiresAt), UsedAt: micro(p.UsedAt),
	})
}

// PushedRequest returns a pushed request, used or expired ones too, or
// broker.ErrNotFound.
func (db *DB) PushedRequest(ctx context.Context, uriHash string) (broker.PushedRequest, error) {
	r, err := one[pushedRow](ctx, db, "read pushed request", "uri_hash = ?", uriHash)
	if err != nil {
		return broker.PushedRequest{}, err
	}
	return broker.PushedRequest{
		URIHash: r.URIHash, ClientID: r.ClientID, Params: r.Params,
		CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(), UsedAt: r.UsedAt.time(),
	}, nil
}

// SpendPushedRequest uses a pushed request up, also one that has expired since a
// browser brought it. broker.ErrSpent where it was used, or never was.
func (db *DB) SpendPushedRequest(ctx context.Context, uriHash string, at time.Time) error {
	const what = "spend pushed request"
	n, err := db.exec(ctx, what, "UPDATE pushed_requests SET used_at = ? WHERE uri_hash = ? AND used_at = 0", micro(at), uriHash)
	return must(n, err, broker.ErrSpent, what)
}
