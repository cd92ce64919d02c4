package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"idbroker/broker"
)

type revocationCommands struct {
	List  revocationsList  `cmd:"" help:"List tokens at providers that could not be ended yet."`
	Retry revocationsRetry `cmd:"" help:"Ask the providers again."`
}

// revocationEntry is a revocation that has failed so far; its tokens are not
// shown.
type revocationEntry struct {
	troubled
	Provider string `json:"provider"`
	Subject  string `json:"subject"`
}

func viewRevocation(e broker.OutboxEntry) revocationEntry {
	v := revocationEntry{troubled: viewTroubled(e)}
	var r broker.Revocation
	if json.Unmarshal(e.Payload, &r) == nil { // otherwise its key is gone: the rest is worth seeing
		v.Provider, v.Subject = r.Provider, r.Subject
	}
	return v
}

type revocationsList struct{ troubledList }

// Help teaches.
func (revocationsList) Help() string {
	return `When a link is removed, what it gave us is ended at the provider. "waiting" ones failed and will be tried again, for about two days. Ones "given up" are kept for a month; when what LAST ERROR says is mended, ask again with "broker revocations retry".`
}

// Run lists revocations.
func (c revocationsList) Run(ctx context.Context, p *program) error {
	return listTroubled(ctx, p, c.troubledList, broker.OutboxRevoke, viewRevocation, func(w io.Writer, all []revocationEntry) {
		row(w, "ID", "PROVIDER", "SUBJECT", "STATE", "ATTEMPTS", "SINCE", "NEXT", "LAST ERROR")
		for _, v := range all {
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
	return retryTroubled(ctx, p, c.output, broker.OutboxRevoke, c.ID, func(e broker.OutboxEntry) bool { return c.All || viewRevocation(e).Provider == c.Provider }, "broker revocations list")
}
