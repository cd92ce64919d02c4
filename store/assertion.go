package store

import (
	"context"
	"time"

	"idbroker/broker"
)

// SpendAssertion notes that a client has used an assertion (RFC 7523, section 3:
// "jti"), until it expires by itself. broker.ErrSpent where it was noted before.
// One statement, so that of two at once one loses.
func (db *DB) SpendAssertion(ctx context.Context, client, jtiHash string, expires time.Time) error {
	const what = "spend assertion"
	n, err := db.exec(ctx, what,
		"INSERT INTO spent_assertions (client_id, jti_hash, expires_at) VALUES (?, ?, ?) ON CONFLICT (client_id, jti_hash) DO NOTHING",
		client, jtiHash, micro(expires))
	return must(n, err, broker.ErrSpent, what)
}
