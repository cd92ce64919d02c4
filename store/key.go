package store

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type keyRow struct {
	bun.BaseModel `bun:"table:signing_keys"`

	ID        string `bun:"id,pk"`
	Alg       string `bun:"alg"`
	Number    int    `bun:"generation"`
	Private   []byte `bun:"private"`
	CreatedAt micros `bun:"created_at"`
	SignsFrom micros `bun:"signs_from"`
	RetiresAt micros `bun:"retires_at"`
	ExpiresAt micros `bun:"expires_at"`
	RevokedAt micros `bun:"revoked_at"`
}

func (db *DB) rowOfKey(k broker.Key) (*keyRow, error) {
	private, err := db.ring().seal(inRow("signing_keys", "private", k.ID), []byte(k.Private.Reveal()))
	return &keyRow{
		ID: k.ID, Alg: k.Alg, Number: k.Generation, Private: private, CreatedAt: micro(k.CreatedAt),
		SignsFrom: micro(k.SignsFrom), RetiresAt: micro(k.RetiresAt), ExpiresAt: micro(k.ExpiresAt), RevokedAt: micro(k.RevokedAt),
	}, err
}

// Keys returns all signing keys, opened, oldest first.
func (db *DB) Keys(ctx context.Context) ([]broker.Key, error) {
	const what = "read signing keys"
	rows, err := many[keyRow](ctx, db, what, "created_at, id", all, "id <> ''")
	if err != nil {
		return nil, err
	}
	var keys []broker.Key
	for _, r := range rows {
		private, err := db.ring().open(inRow("signing_keys", "private", r.ID), r.Private)
		if err != nil {
			return nil, db.failed(what, err)
		}
		keys = append(keys, broker.Key{
			ID: r.ID, Alg: r.Alg, Generation: r.Number, Private: broker.Secret(private), CreatedAt: r.CreatedAt.time(),
			SignsFrom: r.SignsFrom.time(), RetiresAt: r.RetiresAt.time(), ExpiresAt: r.ExpiresAt.time(), RevokedAt: r.RevokedAt.time(),
		})
	}
	return keys, nil
}

// CreateKey writes a new signing key. broker.ErrConflict where the id
// is taken, or the generation of the algorithm: another replica was faster.
func (db *DB) CreateKey(ctx context.Context, k broker.Key) error {
	const what = "create signing key"
	row, err := db.rowOfKey(k)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, row)
}

// UpdateKey writes when a key signs, retires, expires and was revoked, and
// nothing else of it. broker.ErrNotFound, also where it was revoked meanwhile:
// that is never taken back.
func (db *DB) UpdateKey(ctx context.Context, k broker.Key) error {
	n, err := db.exec(ctx, "update signing key", "UPDATE signing_keys SET signs_from = ?, retires_at = ?, expires_at = ?, revoked_at = ? WHERE id = ? AND revoked_at = 0",
		micro(k.SignsFrom), micro(k.RetiresAt), micro(k.ExpiresAt), micro(k.RevokedAt), k.ID)
	return must(n, err, broker.ErrNotFound, "update signing key")
}

// LockKeys keeps others from changing signing keys until the unit of work ends;
// they can be read meanwhile. It must be called inside one, before it reads or
// writes keys.
func (db *DB) LockKeys(ctx context.Context) error {
	const what = "lock signing keys"
	if db.unit(ctx) == nil {
		return errors.New("lock signing keys: not in a unit of work")
	}
	if db.flavour == flavourSQLite { // the unit holds the one writer already
		return nil
	}
	_, err := db.exec(ctx, what, "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
	return err
}
