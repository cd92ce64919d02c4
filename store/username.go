package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type formerRow struct {
	bun.BaseModel `bun:"table:former_usernames"`

	MAC       string `bun:"mac,pk"`
	UserID    string `bun:"user_id"`
	CreatedAt micros `bun:"created_at"`
	UntilAt   micros `bun:"until_at"`
}

// UsernameHolders returns who has a username, ignoring case, and who has given it
// up and keeps it as of a time, by its MAC: nobody else may take it. It is one
// statement, so that a name is never seen to be free on its way from one to the other.
func (db *DB) UsernameHolders(ctx context.Context, username, mac string, at time.Time) ([]broker.UserID, error) {
	const what = "find holders of username"
	if !storable(username, mac) {
		return nil, nil
	}
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var ids []broker.UserID
	err = on.NewRaw(`SELECT id FROM users WHERE username_key = ? AND username_key <> ''
		UNION ALL SELECT user_id FROM former_usernames WHERE mac = ? AND (until_at = 0 OR until_at > ?)`,
		broker.FoldCase(username), mac, micro(at)).Scan(ctx, &ids)
	return ids, db.failed(what, err)
}

// GiveUpUsername keeps a username for the user who had it; until is zero for ever.
// Who kept it before does so no more.
func (db *DB) GiveUpUsername(ctx context.Context, f broker.FormerUsername) error {
	_, err := db.exec(ctx, "give up username", `INSERT INTO former_usernames (mac, user_id, created_at, until_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (mac) DO UPDATE SET user_id = excluded.user_id, created_at = excluded.created_at, until_at = excluded.until_at`,
		f.MAC, string(f.UserID), micro(f.CreatedAt), micro(f.Until))
	return err
}

// TakeUpUsername forgets that a user had given up a username. It is fine where they
// had not.
func (db *DB) TakeUpUsername(ctx context.Context, user broker.UserID, mac string) error {
	_, err := db.exec(ctx, "take up username", "DELETE FROM former_usernames WHERE mac = ? AND user_id = ?", mac, string(user))
	return err
}

// ReleaseUsername lets anybody take a username that was given up.
// broker.ErrNotFound: nobody keeps it.
func (db *DB) ReleaseUsername(ctx context.Context, mac string) error {
	n, err := db.exec(ctx, "release username", "DELETE FROM former_usernames WHERE mac = ?", mac)
	return must(n, err, broker.ErrNotFound, "release username")
}

// FormerUsernamesOf returns what a user has given up and keeps, oldest first.
func (db *DB) FormerUsernamesOf(ctx context.Context, user broker.UserID) ([]broker.FormerUsername, error) {
	rows, err := many[formerRow](ctx, db, "list former usernames", "created_at, mac", all, "user_id = ?", string(user))
	return each(rows, func(r *formerRow) broker.FormerUsername {
		return broker.FormerUsername{MAC: r.MAC, UserID: broker.UserID(r.UserID), CreatedAt: r.CreatedAt.time(), Until: r.UntilAt.time()}
	}), err
}
