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

type logoutCommands struct {
	List  logoutsList  `cmd:"" help:"List applications that could not be told of a sign-out."`
	Retry logoutsRetry `cmd:"" help:"Tell them again."`
}

// logoutEntry is a notice that did not arrive.
type logoutEntry struct {
	ID        string    `json:"id"`
	Client    string    `json:"client_id"`
	URI       string    `json:"uri"`
	User      string    `json:"sub"`
	SID       string    `json:"sid,omitempty"`
	State     string    `json:"state"` // "given up", "waiting"
	Attempts  int       `json:"attempts"`
	CreatedAt time.Time `json:"created_at"`
	NextAt    time.Time `json:"next_at,omitzero"`
	Error     string    `json:"last_error"`
}

func viewNotice(e broker.OutboxEntry) logoutEntry {
	v := logoutEntry{ID: e.ID, State: "given up", Attempts: e.Attempts, CreatedAt: e.CreatedAt, Error: e.LastError}
	if e.FailedAt.IsZero() {
		v.State, v.NextAt = "waiting", e.NextAt
	}
	var n broker.LogoutNotice
	if json.Unmarshal(e.Payload, &n) == nil { // otherwise its key is gone: the rest is worth seeing
		v.Client, v.URI, v.User, v.SID = n.ClientID, n.URI, n.Subject, n.SID
	}
	return v
}

// maxNotices bounds a list.
const maxNotices = 10000

type logoutsList struct {
	Limit int `default:"100" help:"How many at most, the newest first."`
	output
}

// Help teaches.
func (logoutsList) Help() string {
	return `"waiting" ones failed and will be tried again, for about two days. Ones "given up" are kept for a month; when what LAST ERROR says is mended, tell the applications with "broker logouts retry".`
}

// Run lists notices.
func (c logoutsList) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > maxNotices {
		return fmt.Errorf("--limit %d: give a number from 1 to %d", c.Limit, maxNotices)
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	entries, err := db.TroubledOutbox(ctx, broker.OutboxLogout, c.Limit)
	if err != nil {
		return err
	}
	views := make([]logoutEntry, 0, len(entries))
	for _, e := range entries {
		views = append(views, viewNotice(e))
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "CLIENT ID", "STATE", "ATTEMPTS", "SINCE", "NEXT", "LAST ERROR")
		for _, v := range views {
			row(w, v.ID, v.Client, v.State, v.Attempts, v.CreatedAt, v.NextAt, v.Error)
		}
	})
}

type logoutsRetry struct {
	ID     []string `arg:"" optional:"" help:"Ids, as \"broker logouts list\" shows them."`
	All    bool     `help:"Every one that was given up."`
	Client string   `placeholder:"ID" help:"Those of one application that were given up."`
	output
}

// Help teaches.
func (logoutsRetry) Help() string {
	return `A running broker sends them within seconds. Sign-outs stay true, so telling an application late or twice does no harm.

	broker logouts retry --client wiki`
}

// Run gives notices back to the outbox.
func (c logoutsRetry) Run(ctx context.Context, p *program) error {
	if !oneWay(len(c.ID) > 0, c.All, c.Client != "") {
		return errors.New("say which: ids, --client ID or --all; see: broker logouts list")
	}
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	revived, err := revive(ctx, db, broker.OutboxLogout, c.ID, func(e broker.OutboxEntry) bool { return c.All || viewNotice(e).Client == c.Client }, "broker logouts list")
	if err != nil {
		return err
	}
	return c.print(p.out, map[string][]string{"retried": revived}, func(w io.Writer) { fmt.Fprintf(w, "given back to the outbox: %d\n", len(revived)) })
}
