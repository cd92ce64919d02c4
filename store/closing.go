package store

import (
	"context"
	"errors"
	"time"

	"idbroker/broker"
)

// UsersToErase returns at most limit ids of accounts that were to be erased by a
// time, the longest due first.
func (db *DB) UsersToErase(ctx context.Context, at time.Time, limit int) ([]broker.UserID, error) {
	const what = "users to erase"
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var ids []broker.UserID
	err = on.NewRaw("SELECT id FROM users WHERE erase_at <> 0 AND erase_at <= ? ORDER BY erase_at LIMIT ?", micro(at), limit).Scan(ctx, &ids)
	return ids, db.failed(what, err)
}

// LockAdmins returns the ids of the administrators who are not disabled, and
// keeps others from changing them until the unit of work ends. It must be called
// inside one, before any of them is locked alone.
func (db *DB) LockAdmins(ctx context.Context) ([]broker.UserID, error) {
	const what = "lock administrators"
	query := "SELECT id FROM users WHERE admin AND disabled_at = 0 ORDER BY id"
	if db.flavour == flavourPostgres {
		query += " FOR UPDATE"
	}
	u := db.unit(ctx)
	if u == nil {
		return nil, errors.New("lock administrators: not in a unit of work")
	}
	if err := u.usable(); err != nil {
		return nil, db.failed(what, err)
	}
	var ids []broker.UserID
	err := u.tx.NewRaw(query).Scan(ctx, &ids)
	return ids, db.failed(what, err)
}
