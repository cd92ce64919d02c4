package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type troubleRow struct {
	bun.BaseModel `bun:"table:client_troubles"`

	ClientID string `bun:"client_id,pk"`
	Endpoint string `bun:"endpoint,pk"`
	Code     string `bun:"code,pk"`
	Reason   string `bun:"reason,pk"`
	Times    int    `bun:"times"`
	LastAt   micros `bun:"last_at"`
}

func (r *troubleRow) trouble() broker.Trouble {
	return broker.Trouble{ClientID: r.ClientID, Endpoint: r.Endpoint, Code: r.Code, Reason: r.Reason, Times: r.Times, LastAt: r.LastAt.time()}
}

// AddTrouble counts a kind of refusal: Times more of it. Nothing is written for
// a client that does not exist.
func (db *DB) AddTrouble(ctx context.Context, t broker.Trouble) error {
	_, err := db.exec(ctx, "count trouble", `INSERT INTO client_troubles (client_id, endpoint, code, reason, times, last_at)
		SELECT id, CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS bigint), CAST(? AS bigint) FROM clients WHERE id = ?
		ON CONFLICT (client_id, endpoint, code, reason) DO UPDATE SET
		times = client_troubles.times + excluded.times, last_at = excluded.last_at`,
		t.Endpoint, t.Code, t.Reason, t.Times, micro(t.LastAt), t.ClientID)
	return err
}

// Troubles returns at most limit kinds of refusal that a client met, the last
// first.
func (db *DB) Troubles(ctx context.Context, client string, limit int) ([]broker.Trouble, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := many[troubleRow](ctx, db, "list troubles", "last_at DESC, endpoint, code, reason", all, "client_id = ?", client)
	return each(rows[:min(limit, len(rows))], (*troubleRow).trouble), err
}
