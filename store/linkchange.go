package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type linkChangeRow struct {
	bun.BaseModel `bun:"table:link_changes"`

	ID        string                         `bun:"id,pk"`
	UserID    string                         `bun:"user_id"`
	Provider  string                         `bun:"provider"`
	Added     document[*broker.LinkSnapshot] `bun:"added"`
	Removed   document[*broker.LinkSnapshot] `bun:"removed"`
	UndoHash  string                         `bun:"undo_hash"`
	ChangedAt micros                         `bun:"changed_at"`
	ExpiresAt micros                         `bun:"expires_at"`
	UndoneAt  micros                         `bun:"undone_at"`
}

func (r *linkChangeRow) change() broker.LinkChange {
	return broker.LinkChange{
		ID: r.ID, UserID: broker.UserID(r.UserID), Provider: r.Provider, Added: r.Added.v, Removed: r.Removed.v, UndoHash: r.UndoHash,
		ChangedAt: r.ChangedAt.time(), ExpiresAt: r.ExpiresAt.time(), UndoneAt: r.UndoneAt.time(),
	}
}

// CreateLinkChange writes what was changed, in the unit of work that changes it.
func (db *DB) CreateLinkChange(ctx context.Context, c broker.LinkChange) error {
	return db.insert(ctx, "create link change", &linkChangeRow{
		ID: c.ID, UserID: string(c.UserID), Provider: c.Provider, Added: doc(c.Added), Removed: doc(c.Removed), UndoHash: c.UndoHash,
		ChangedAt: micro(c.ChangedAt), ExpiresAt: micro(c.ExpiresAt), UndoneAt: micro(c.UndoneAt),
	})
}

// LinkChange returns the change whose mailed secret has a hash, undone or
// expired ones too, or broker.ErrNotFound.
func (db *DB) LinkChange(ctx context.Context, undoHash string) (broker.LinkChange, error) {
	r, err := one[linkChangeRow](ctx, db, "read link change", "undo_hash = ? AND undo_hash <> ''", undoHash)
	if err != nil {
		return broker.LinkChange{}, err
	}
	return r.change(), nil
}

// LinkChangesOf returns at most limit changes of a user's links, the last first.
func (db *DB) LinkChangesOf(ctx context.Context, user broker.UserID, limit int) ([]broker.LinkChange, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := many[linkChangeRow](ctx, db, "list link changes", "changed_at DESC, id DESC", limit, "user_id = ?", string(user))
	return each(rows, (*linkChangeRow).change), err
}

// LinkChangesSince returns the changes of a user's links that were made at a time or
// after it, the last first.
func (db *DB) LinkChangesSince(ctx context.Context, user broker.UserID, since time.Time) ([]broker.LinkChange, error) {
	rows, err := many[linkChangeRow](ctx, db, "list link changes since", "changed_at DESC, id DESC", all, "user_id = ? AND changed_at >= ?", string(user), micro(since))
	return each(rows, (*linkChangeRow).change), err
}

// UndoLinkChange marks a change as taken back. broker.ErrSpent where it was, has
// expired, or never was.
func (db *DB) UndoLinkChange(ctx context.Context, id string, at time.Time) error {
	n, err := db.exec(ctx, "undo link change",
		"UPDATE link_changes SET undone_at = ? WHERE id = ? AND undone_at = 0 AND expires_at > ?", micro(at), id, micro(at))
	return must(n, err, broker.ErrSpent, "undo link change")
}

// VoidLinkChanges makes the mailed secrets of a user's changes of links unknown that
// were made at a time or after it; of all of them where it is zero.
func (db *DB) VoidLinkChanges(ctx context.Context, user broker.UserID, since time.Time) error {
	_, err := db.exec(ctx, "void link changes", "UPDATE link_changes SET undo_hash = '' WHERE user_id = ? AND undo_hash <> '' AND changed_at >= ?", string(user), micro(since))
	return err
}
