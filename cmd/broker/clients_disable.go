package main

import (
	"context"
	"time"

	"idbroker/broker"
)

type clientsDisable clientsShow

// Run disables an application: nobody is sent there, its tokens end, and it is
// told that its people are signed out.
func (c clientsDisable) Run(ctx context.Context, p *program) error {
	return clientsShow(c).set(ctx, p, true)
}

type clientsEnable clientsShow

// Run enables an application again.
func (c clientsEnable) Run(ctx context.Context, p *program) error {
	return clientsShow(c).set(ctx, p, false)
}

func (c clientsShow) set(ctx context.Context, p *program, disabled bool) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	at := time.Now()
	var shown broker.Client
	err = r.kept.InTx(ctx, func(ctx context.Context) error {
		found, err := findClient(ctx, r.db, c.Client)
		if err != nil {
			return err
		}
		shown = found
		if found.DisabledAt.IsZero() != disabled {
			return nil // as it is wished
		}
		name := broker.EventClientEnabled
		found.DisabledAt, found.UpdatedAt = time.Time{}, at
		if disabled {
			name, found.DisabledAt = broker.EventClientDisabled, at
			// Before the client is disabled: afterwards it is told nothing.
			if _, err := r.tokens.EndGrants(ctx, broker.GrantFilter{ClientID: found.ID}, "operator", at); err != nil {
				return err
			}
		}
		if err := r.db.UpdateClient(ctx, found); err != nil {
			return err
		}
		shown = found
		return r.db.AddEvent(ctx, event(ctx, name, found.ID, at))
	})
	if err != nil {
		return err
	}
	v := viewClient(shown, at)
	return c.print(p.out, v, v.text)
}
