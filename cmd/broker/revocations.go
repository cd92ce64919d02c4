package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
)

type revocationCommands struct {
	List  revocationsList  `cmd:"" help:"List tokens at providers that could not be ended yet."`
	Retry revocationsRetry `cmd:"" help:"Ask the providers again."`
}

// revocationEntry is a revocation that has failed so far; its tokens are not
// shown.
type revocationEntry struct {
	ID        string    `json:"id"`
	Provider  string    `json:"provider"`
	Subject   string    `json:"subject"`
	State     string    `json:"state"` // "given up", "waiting"
	Attempts  int       `json:"attempts"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Error     string    `json:"last_error"`
}

func viewRevocation(e broker.OutboxEntry) revocationEntry {
	v := revocationEntry{ID: e.ID, State: "given up", Attempts: e.Attempts, CreatedAt: e.CreatedAt, Error: e.LastError}
	if e.FailedAt.IsZero() {
		v.State, v.NextAt = "waiting", e.NextAt
	}
	var r broker.Revocation
	if json.Unmarshal(e.Payload, &r) == nil { // otherwise its key is gone: the rest is worth seeing
		v.Provider, v.Subject = r.Provider, r.Subject
	}
	return v
}

type revocationsList struct {
	Limit int `default:"100" help:"How many at most, the newest first."`
	output
}

// Help teaches.
func (revocationsList) Help() string {
	return `When a link is removed, what it gave us is ended at the provider. "waiting" ones failed and will be tried again, for about two days. Ones "given up" are kept for a month; when what LAST ERROR says is mended, ask again with "broker revocations retry".`
}

// Run lists revocations.
func (c revocationsList) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > maxNotices {
		return fmt.Errorf("--limit %d: give a number from 1 to %d", c.Limit, maxNotices)
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.TroubledOutbox(ctx, broker.OutboxRevoke, c.Limit)
	if err != nil {
		return err
	}
	views := make([]revocationEntry, 0, len(entries))
	for _, e := range entries {
		views = append(views, viewRevocation(e))
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "PROVIDER", "SUBJECT", "STATE", "ATTEMPTS", "SINCE", "NEXT", "LAST ERROR")
		for _, v := range views {
			row(w, v.ID, v.Provider, v.Subject, v.State, v.Attempts, v.CreatedAt, v.NextAt, v.Error)
		}
	})
}

type revocationsRetry struct {
	ID       []string `arg:"" optional:"" help:"Ids, as \"broker revocations list\" shows them."`
	All      bool     `help:"Every one that was given up."`
	Provider string   `placeholder:"ID" help:"Those at one provider that were given up."`
	output
}

// Help teaches.
func (revocationsRetry) Help() string {
	return `A running broker asks within seconds. What has ended there already is no error.

	broker revocations retry --provider github`
}

// Run gives revocations back to the outbox.
func (c revocationsRetry) Run(ctx context.Context, p *program) error {
	if !oneWay(len(c.ID) > 0, c.All, c.Provider != "") {
		return errors.New("say which: ids, --provider ID or --all; see: broker revocations list")
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	revived, err := revive(ctx, db, broker.OutboxRevoke, c.ID, func(e broker.OutboxEntry) bool { return c.All || viewRevocation(e).Provider == c.Provider }, "broker revocations list")
	if err != nil {
		return err
	}
	return c.print(p.out, map[string][]string{"retried": revived}, func(w io.Writer) { fmt.Fprintf(w, "given back to the outbox: %d\n", len(revived)) })
}
