package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type eventRow struct {
	bun.BaseModel `bun:"table:events"`

	ID        string                      `bun:"id,pk"`
	At        micros                      `bun:"happened_at"`
	Name      string                      `bun:"name"`
	UserID    string                      `bun:"user_id"`
	ClientID  string                      `bun:"client_id"`
	Provider  string                      `bun:"provider"`
	SID       string                      `bun:"sid"`
	RequestID string                      `bun:"request_id"`
	IP        string                      `bun:"ip"`
	Detail    document[map[string]string] `bun:"detail"`
}

func (r *eventRow) event() broker.Event {
	return broker.Event{
		ID: r.ID, At: r.At.time(), Name: r.Name, UserID: broker.UserID(r.UserID), ClientID: r.ClientID, Provider: r.Provider,
		SID: r.SID, RequestID: r.RequestID, IP: r.IP, Detail: r.Detail.v,
	}
}

// AddEvent writes a line of the audit trail, in the unit of work that it tells
// of.
func (db *DB) AddEvent(ctx context.Context, e broker.Event) error {
	return db.insert(ctx, "add event", &eventRow{
		ID: e.ID, At: micro(e.At), Name: e.Name, UserID: string(e.UserID), ClientID: e.ClientID, Provider: e.Provider,
		SID: e.SID, RequestID: e.RequestID, IP: e.IP, Detail: doc(e.Detail),
	})
}

// begins is 1 for the beginning of an account, else 0: nothing was done with it before,
// also where the request that began it and signed its person in has an earlier time.
func (r eventRow) begins() int {
	if r.Name == broker.EventUserCreated {
		return 1
	}
	return 0
}

// Events returns at most limit lines of the audit trail, the last first: those
// of a user, or of everybody where user is "". The beginning of an account comes
// last of its own, and of what happened in one moment.
func (db *DB) Events(ctx context.Context, user broker.UserID, limit int) ([]broker.Event, error) {
	if limit <= 0 {
		return nil, nil
	}
	where, args := "happened_at >= 0", []any(nil)
	if user != "" {
		where, args = "user_id = ? AND user_id <> ''", []any{string(user)}
	}
	rows, err := many[eventRow](ctx, db, "list events", "happened_at DESC, id DESC", limit, where, args...)
	slices.SortStableFunc(rows, func(a, b eventRow) int {
		if begins := a.begins() - b.begins(); begins != 0 && (user != "" || a.At == b.At) {
			return begins
		}
		return cmp.Compare(b.At, a.At)
	})
	return each(rows, (*eventRow).event), err
}
