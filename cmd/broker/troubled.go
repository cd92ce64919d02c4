package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
)

// maxTroubled bounds a list.
const maxTroubled = 10000

// troubled is work after a commit that has failed so far.
type troubled struct {
	ID        string    `json:"id"`
	State     string    `json:"state"` // "given up", "waiting"
	Attempts  int       `json:"attempts"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Error     string    `json:"last_error"`
}

func viewTroubled(e broker.OutboxEntry) troubled {
	v := troubled{ID: e.ID, State: "given up", Attempts: e.Attempts, CreatedAt: e.CreatedAt, Error: e.LastError}
	if e.FailedAt.IsZero() {
		v.State, v.NextAt = "waiting", e.NextAt
	}
	return v
}

// troubledList are the flags of a list of such work.
type troubledList struct {
	Limit int `default:"100" help:"How many at most, the newest first."`
	output
}

// listTroubled prints what has failed of a kind, as view and table show it.
func listTroubled[V any](ctx context.Context, p *program, c troubledList, kind string, view func(broker.OutboxEntry) V, table func(w io.Writer, all []V)) error {
	if c.Limit < 1 || c.Limit > maxTroubled {
		return fmt.Errorf("--limit %d: give a number from 1 to %d", c.Limit, maxTroubled)
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.TroubledOutbox(ctx, kind, c.Limit)
	if err != nil {
		return err
	}
	views := make([]V, 0, len(entries))
	for _, e := range entries {
		views = append(views, view(e))
	}
	return c.print(p.out, views, func(w io.Writer) { table(w, views) })
}

// retryTroubled gives work of a kind back to the outbox: by ids, or what is
// chosen. list is the command that shows the ids.
func retryTroubled(ctx context.Context, p *program, o output, kind string, ids []string, chosen func(broker.OutboxEntry) bool, list string) error {
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	revived, err := revive(ctx, db, kind, ids, chosen, list)
	if err != nil {
		return err
	}
	return o.print(p.out, map[string][]string{"retried": revived}, func(w io.Writer) { fmt.Fprintf(w, "given back to the outbox: %d\n", len(revived)) })
}
