package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// clientSecretRow is a secret that is needed in the clear, beside its hash in
// the row of the client.
type clientSecretRow struct {
	bun.BaseModel `bun:"table:client_secrets"`

	ClientID string `bun:"client_id,pk"`
	Hash     string `bun:"hash,pk"`
	Secret   []byte `bun:"secret"`
}

// KeepSecret seals a secret of a client. broker.ErrConflict where it is kept.
func (db *DB) KeepSecret(ctx context.Context, client string, secret broker.Secret) error {
	const what = "keep client secret"
	hash := secret.Hash()
	sealed, err := db.ring().seal(inRow("client_secrets", "secret", client, hash), []byte(secret.Reveal()))
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, &clientSecretRow{ClientID: client, Hash: hash, Secret: sealed})
}

// KeptSecrets returns the secrets of a client that are kept, by their hashes.
func (db *DB) KeptSecrets(ctx context.Context, client string) (map[string]broker.Secret, error) {
	const what = "read client secrets"
	rows, err := many[clientSecretRow](ctx, db, what, "hash", all, "client_id = ?", client)
	if err != nil {
		return nil, err
	}
	kept := map[string]broker.Secret{}
	for _, r := range rows {
		secret, err := db.ring().open(inRow("client_secrets", "secret", r.ClientID, r.Hash), r.Secret)
		if err != nil {
			return nil, db.failed(what, err)
		}
		kept[r.Hash] = broker.Secret(secret)
	}
	return kept, nil
}

// ForgetSecrets removes the kept secrets of a client, but those with a hash that
// is named.
func (db *DB) ForgetSecrets(ctx context.Context, client string, but ...string) error {
	_, err := db.exec(ctx, "forget client secrets", "DELETE FROM client_secrets WHERE client_id = ? AND hash NOT IN (?)",
		client, bun.List(append([]string{""}, but...)))
	return err
}

// ForgetSecret removes the kept secret of a client that has a hash, if it is there.
func (db *DB) ForgetSecret(ctx context.Context, client, hash string) error {
	_, err := db.exec(ctx, "forget client secret", "DELETE FROM client_secrets WHERE client_id = ? AND hash = ?", client, hash)
	return err
}
