package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"idbroker/broker"
)

type logoutCommands struct {
	List  logoutsList  `cmd:"" help:"List applications that could not be told of a sign-out."`
	Retry logoutsRetry `cmd:"" help:"Tell them again."`
}

// logoutEntry is a notice that did not arrive.
type logoutEntry struct {
	troubled
	Client string `json:"client_id"`
	URI    string `json:"uri"`
	User   string `json:"sub"`
	SID    string `json:"sid,omitempty"`
}

func viewNotice(e broker.OutboxEntry) logoutEntry {
	v := logoutEntry{troubled: viewTroubled(e)}
	var n broker.LogoutNotice
	if json.Unmarshal(e.Payload, &n) == nil { // otherwise its key is gone: the rest is worth seeing
		v.Client, v.URI, v.User, v.SID = n.ClientID, n.URI, n.Subject, n.SID
	}
	return v
}

type logoutsList struct{ troubledList }

// Help teaches.
func (logoutsList) Help() string {
	return `"waiting" ones failed and will be tried again, for about two days. Ones "given up" are kept for a month; when what LAST ERROR says is mended, tell the applications with "broker logouts retry".`
}

// Run lists notices.
func (c logoutsList) Run(ctx context.Context, p *program) error {
	return listTroubled(ctx, p, c.troubledList, broker.OutboxLogout, viewNotice, func(w io.Writer, all []logoutEntry) {
		row(w, "ID", "CLIENT ID", "STATE", "ATTEMPTS", "SINCE", "NEXT", "LAST ERROR")
		for _, v := range all {
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
	return retryTroubled(ctx, p, c.output, broker.OutboxLogout, c.ID, func(e broker.OutboxEntry) bool { return c.All || viewNotice(e).Client == c.Client }, "broker logouts list")
}
