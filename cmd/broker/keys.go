package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

type keyCommands struct {
	List    keysList    `cmd:"" help:"List the signing keys."`
	Rotate  keysRotate  `cmd:"" help:"Make new signing keys; the old ones stay published until nothing needs them."`
	Keyring keysKeyring `cmd:"" help:"Make a keyring, which seals what the database holds."`
}

type keyView struct {
	ID        string    `json:"kid"`
	Alg       string    `json:"alg"`
	State     string    `json:"state"` // "waiting", "signing", "retired", "expired"
	CreatedAt time.Time `json:"created_at"`
	SignsFrom time.Time `json:"signs_from"`
	RetiresAt time.Time `json:"retires_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func viewKeys(keys []broker.Key, at time.Time) []keyView {
	views := make([]keyView, 0, len(keys))
	for _, k := range keys {
		v := keyView{ID: k.ID, Alg: k.Alg, State: "signing", CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, RetiresAt: k.RetiresAt, ExpiresAt: k.ExpiresAt}
		switch {
		case !k.ExpiresAt.IsZero() && !at.Before(k.ExpiresAt):
			v.State = "expired"
		case !k.RetiresAt.IsZero() && !at.Before(k.RetiresAt):
			v.State = "retired"
		case at.Before(k.SignsFrom):
			v.State = "waiting"
		}
		views = append(views, v)
	}
	return views
}

func printKeys(o output, p *program, keys []broker.Key) error {
	views := viewKeys(keys, time.Now())
	return o.print(p.out, views, func(w io.Writer) {
		row(w, "KID", "ALG", "STATE", "SIGNS FROM", "RETIRES", "EXPIRES")
		for _, v := range views {
			row(w, v.ID, v.Alg, v.State, v.SignsFrom, v.RetiresAt, v.ExpiresAt)
		}
	})
}

type keysList struct{ output }

// Run lists the keys.
func (c keysList) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	keys, err := r.tokens.ListKeys(ctx)
	if err != nil {
		return err
	}
	return printKeys(c.output, p, keys)
}

type keysRotate struct {
	Alg string `enum:"all,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" default:"all" help:"Which key: ${enum}."`
	output
}

// Help teaches.
func (keysRotate) Help() string {
	return `The new key is published at once and signs after tokens.key_overlap, when applications have had time to fetch it. Running brokers notice within a minute; nothing is interrupted.

	broker keys rotate
	broker keys list`
}

// Run rotates.
func (c keysRotate) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	alg := c.Alg
	if alg == "all" {
		alg = ""
	}
	keys, err := r.tokens.RotateKeys(ctx, alg)
	if err != nil {
		return err
	}
	return printKeys(c.output, p, keys)
}

type keysKeyring struct {
	File string `placeholder:"FILE" help:"Write it there, for its owner alone (0600). Otherwise it is printed."`
}

// Help teaches.
func (keysKeyring) Help() string {
	return `The keyring seals signing keys and the tokens of remote accounts in the database. Every replica needs the same one. Keep a copy apart from the backups of the database.

	broker keys keyring --file broker.key

To change the key, put a new line before the old ones: the first seals, all of them open.`
}

// Run makes a keyring.
func (c keysKeyring) Run(p *program) error {
	text := store.NewKeyring().Marshal()
	if c.File == "" {
		_, err := p.out.Write(text)
		return err
	}
	if err := writeSecret(c.File, text); err != nil {
		return fmt.Errorf("%w; an existing keyring is never replaced", err)
	}
	fmt.Fprintf(p.out, "%s holds a new keyring. Name it as secrets.keyring_file, and keep a copy in a safe place.\n", c.File)
	return nil
}
