package store

import (
	"context"
	"time"

	"idbroker/broker"
)

// Participants returns who took part in what f selects, each once: clients with
// the user and the session that they got tokens for. Grants that have ended
// count, since an application's own session outlasts its tokens, and so do
// those with offline_access, whatever f says. A filter without any restriction
// selects nobody.
func (db *DB) Participants(ctx context.Context, f broker.GrantFilter) ([]broker.Participant, error) {
	const what = "list participants"
	where, args := selecting(f)
	if where == "" || !storable(args...) {
		return nil, nil
	}
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []struct {
		ClientID string `bun:"client_id"`
		UserID   string `bun:"user_id"`
		SID      string `bun:"sid"`
	}
	err = on.NewSelect().Table("grants").Distinct().Column("client_id", "user_id", "sid").
		Where("user_id <> ''"+where, args...).OrderExpr("client_id, user_id, sid").Scan(ctx, &rows)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var list []broker.Participant
	for _, r := range rows {
		list = append(list, broker.Participant{ClientID: r.ClientID, UserID: broker.UserID(r.UserID), SID: r.SID})
	}
	return list, nil
}

// TroubledOutbox returns at most limit entries of a kind that were given up, or
// failed and will be tried again, with their payloads; the newest first. An entry
// whose payload does not open comes without it.
func (db *DB) TroubledOutbox(ctx context.Context, kind string, limit int) ([]broker.OutboxEntry, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := many[outboxRow](ctx, db, "list troubled outbox entries", "created_at DESC, id", limit,
		"kind = ? AND done_at = 0 AND last_error <> ''", kind)
	var entries []broker.OutboxEntry
	for _, r := range rows {
		e, opened := db.entry(r)
		if opened != nil {
			e.Payload = nil
		}
		entries = append(entries, e)
	}
	return entries, err
}

// ReviveOutbox lets an entry of a kind that was given up be tried from the
// beginning. broker.ErrNotFound where there is none, or it was not given up.
func (db *DB) ReviveOutbox(ctx context.Context, kind, id string, at time.Time) error {
	n, err := db.exec(ctx, "revive outbox entry",
		"UPDATE outbox SET failed_at = 0, attempts = 0, claimed_until = 0, next_at = ? WHERE id = ? AND kind = ? AND failed_at <> 0 AND done_at = 0",
		micro(at), id, kind)
	return must(n, err, broker.ErrNotFound, "revive outbox entry")
}

// DropOutbox removes an entry of a kind that has failed, given up or not.
// broker.ErrNotFound where there is none, it has not failed yet, or a worker is at it.
func (db *DB) DropOutbox(ctx context.Context, kind, id string, at time.Time) error {
	n, err := db.exec(ctx, "drop outbox entry",
		"DELETE FROM outbox WHERE id = ? AND kind = ? AND done_at = 0 AND last_error <> '' AND claimed_until <= ?", id, kind, micro(at))
	return must(n, err, broker.ErrNotFound, "drop outbox entry")
}
