package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type encryptionKeyRow struct {
	bun.BaseModel `bun:"table:encryption_keys"`

	ID        string `bun:"id,pk"`
	Kty       string `bun:"kty"`
	Private   []byte `bun:"private"`
	CreatedAt micros `bun:"created_at"`
	RetiresAt micros `bun:"retires_at"`
	ExpiresAt micros `bun:"expires_at"`
}

// EncryptionKeys returns all keys that applications encrypt to, opened, newest
// first.
func (db *DB) EncryptionKeys(ctx context.Context) ([]broker.EncryptionKey, error) {
	const what = "read encryption keys"
	rows, err := many[encryptionKeyRow](ctx, db, what, "created_at DESC, id", all, "id <> ''")
	if err != nil {
		return nil, err
	}
	var keys []broker.EncryptionKey
	for _, r := range rows {
		private, err := db.ring().open(inRow("encryption_keys", "private", r.ID), r.Private)
		if err != nil {
			return nil, db.failed(what, err)
		}
		keys = append(keys, broker.EncryptionKey{
			ID: r.ID, Kty: r.Kty, Private: broker.Secret(private), CreatedAt: r.CreatedAt.time(), RetiresAt: r.RetiresAt.time(), ExpiresAt: r.ExpiresAt.time(),
		})
	}
	return keys, nil
}

// CreateEncryptionKey writes a new key. broker.ErrConflict where the id is taken.
func (db *DB) CreateEncryptionKey(ctx context.Context, k broker.EncryptionKey) error {
	const what = "create encryption key"
	private, err := db.ring().seal(inRow("encryption_keys", "private", k.ID), []byte(k.Private.Reveal()))
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, &encryptionKeyRow{
		ID: k.ID, Kty: k.Kty, Private: private, CreatedAt: micro(k.CreatedAt), RetiresAt: micro(k.RetiresAt), ExpiresAt: micro(k.ExpiresAt),
	})
}

// RetireEncryptionKey writes when a key retires and expires, once: one that
// retired stays as it is.
func (db *DB) RetireEncryptionKey(ctx context.Context, k broker.EncryptionKey) error {
	_, err := db.exec(ctx, "retire encryption key", "UPDATE encryption_keys SET retires_at = ?, expires_at = ? WHERE id = ? AND retires_at = 0",
		micro(k.RetiresAt), micro(k.ExpiresAt), k.ID)
	return err
}
