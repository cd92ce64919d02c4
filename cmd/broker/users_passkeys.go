package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

type usersPasskeys struct {
	List   usersPasskeysList   `cmd:"" help:"List the passkeys of an account."`
	Remove usersPasskeysRemove `cmd:"" help:"Remove a passkey that was lost: the person is told."`
}

// passkeyView is a passkey as an operator sees it.
type passkeyView struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Syncable   bool      `json:"backup_eligible"`
	Synced     bool      `json:"backup_state"`
	Transports []string  `json:"transports,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// passkeysView are the passkeys of an account.
type passkeysView struct {
	User     broker.UserID `json:"user"`
	Works    bool          `json:"enabled"` // accounts.passkeys, and the base URL has a name
	Passkeys []passkeyView `json:"passkeys"`
	Removed  string        `json:"removed,omitempty"` // id
}

func viewPasskeys(u broker.User, works bool, all []broker.Passkey) passkeysView {
	v := passkeysView{User: u.ID, Works: works, Passkeys: []passkeyView{}}
	for _, p := range all {
		v.Passkeys = append(v.Passkeys, passkeyView{
			ID: p.ID, Name: p.Name, Syncable: p.Syncable, Synced: p.Synced, Transports: p.Transports, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt,
		})
	}
	return v
}

func (v passkeysView) print(w io.Writer) {
	row(w, "user", v.User)
	if !v.Works {
		row(w, "note", "passkeys open no account here (accounts.passkeys, server.base_url)")
	}
	if v.Removed != "" {
		row(w, "removed", v.Removed)
	}
	if len(v.Passkeys) == 0 {
		row(w, "passkeys", "none")
	}
	for _, p := range v.Passkeys {
		row(w, "passkey", p.ID)
		row(w, "  name", p.Name)
		row(w, "  synced", p.Synced)
		row(w, "  added", p.CreatedAt)
		row(w, "  last used", p.LastUsedAt)
	}
}

type usersPasskeysList struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	output
}

// Run lists.
func (c usersPasskeysList) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	all, err := r.accounts.PasskeysOf(ctx, u.ID)
	if err != nil {
		return err
	}
	v := viewPasskeys(u, r.accounts.Passkeys(), all)
	return c.print(p.out, v, v.print)
}

type usersPasskeysRemove struct {
	User    string `arg:"" help:"Id, e-mail address or username."`
	Passkey string `arg:"" help:"Id of the passkey, as \"broker users passkeys list\" shows it."`
	output
}

// Help teaches.
func (usersPasskeysRemove) Help() string {
	return `For somebody who has lost a device and does not get in to remove its passkey themselves. Make sure who asks you, by something other than a mail.

	broker users passkeys list ada@example.org
	broker users passkeys remove ada@example.org ID

The sessions that it may have opened end with their tokens; the others stay, and "broker users sign-out" ends those. Where it was their only way in, they choose a password by mail ("lost password"). The audit trail has passkey.reset, and a mail tells of it.`
}

// Run removes.
func (c usersPasskeysRemove) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	err = r.accounts.ResetPasskey(ctx, u.ID, c.Passkey)
	if errors.Is(err, local.ErrPasskeyGone) {
		return fmt.Errorf("%s has no passkey %q; see: broker users passkeys list %s", u.ID, c.Passkey, u.ID)
	}
	if err != nil {
		return err
	}
	all, err := r.accounts.PasskeysOf(ctx, u.ID)
	if err != nil {
		return err
	}
	v := viewPasskeys(u, r.accounts.Passkeys(), all)
	v.Removed = c.Passkey
	return c.print(p.out, v, v.print)
}
