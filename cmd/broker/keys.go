package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
)

type keyCommands struct {
	List    keysList    `cmd:"" help:"List the signing keys, what each does and what happens to it next."`
	Rotate  keysRotate  `cmd:"" help:"Make new signing keys before it is their time; the old ones stay published until nothing needs them."`
	Revoke  keysRevoke  `cmd:"" help:"Withdraw a signing key that somebody else may have, at once."`
	Keyring keysKeyring `cmd:"" help:"Make a keyring, which seals what the database holds."`
}

type keyView struct {
	ID         string          `json:"kid"`
	Alg        string          `json:"alg"`
	Generation int             `json:"generation,omitempty"`
	State      broker.KeyState `json:"state"`
	Next       string          `json:"next"` // in plain words
	CreatedAt  time.Time       `json:"created_at"`
	SignsFrom  time.Time       `json:"signs_from"`
	RetiresAt  time.Time       `json:"retires_at,omitzero"`
	ExpiresAt  time.Time       `json:"expires_at,omitzero"`
	RevokedAt  time.Time       `json:"revoked_at,omitzero"`
}

func viewKeys(keys []broker.Key, c config.SigningKeys, at time.Time) []keyView {
	views := make([]keyView, 0, len(keys))
	for _, k := range keys {
		views = append(views, keyView{
			ID: k.ID, Alg: k.Alg, Generation: k.Generation, State: k.State(at), Next: nextOf(k, c, at),
			CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, RetiresAt: k.RetiresAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
		})
	}
	return views
}

// nextOf says what happens to a key next.
func nextOf(k broker.Key, c config.SigningKeys, at time.Time) string {
	switch k.State(at) {
	case broker.KeyPublished:
		return "signs from " + when(k.SignsFrom)
	case broker.KeySigning:
		begins := k.SignsFrom.Add(c.RotateEvery - c.PublishBefore)
		switch {
		case !k.RetiresAt.IsZero():
			return "its successor signs from " + when(k.RetiresAt)
		case c.RotateEvery == 0:
			return "signs until somebody rotates (tokens.signing_keys.rotate_every is 0s)"
		case !at.Before(begins):
			return "a running broker makes its successor within seconds"
		}
		return "its successor is published on " + when(begins) + ", and signs from " + when(k.SignsFrom.Add(c.RotateEvery))
	case broker.KeyVerifying:
		return "leaves the JWKS on " + when(k.ExpiresAt) + ", when its last token has expired"
	case broker.KeyRetired:
		return "nothing; old ID tokens that it signed are still good as hints"
	}
	return "nothing; it was withdrawn on " + when(k.RevokedAt) + " and verifies nothing"
}

func printKeys(o output, p *program, c config.SigningKeys, keys []broker.Key) error {
	views := viewKeys(keys, c, time.Now())
	return o.print(p.out, views, func(w io.Writer) {
		row(w, "KID", "ALG", "STATE", "NEXT")
		for _, v := range views {
			row(w, v.ID, v.Alg, v.State, v.Next)
		}
	})
}

type keysList struct{ output }

// Help teaches.
func (keysList) Help() string {
	return `A key is first published, then signing, then verifying until the last token that it signed has expired, then retired: out of the JWKS, but good for the hints of applications. A revoked one verifies nothing. Running brokers do all that by themselves (tokens.signing_keys).`
}

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
	return printKeys(c.output, p, r.cfg.Tokens.SigningKeys, keys)
}

type keysRotate struct {
	Alg string `enum:"all,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" default:"all" help:"Which key: ${enum}."`
	Now bool   `help:"The new key signs after a minute, when every replica publishes it, and not after tokens.signing_keys.publish_before."`
	output
}

// Help teaches.
func (keysRotate) Help() string {
	return `Keys rotate by themselves every tokens.signing_keys.rotate_every; this is for in between. The new key is published at once and signs after tokens.signing_keys.publish_before, when applications have had time to fetch it. Running brokers notice within seconds; nothing is interrupted.

	broker keys rotate
	broker keys list

--now does not wait: applications that look for a key which they do not know go on, others refuse sign-ins for up to ten minutes. The old key stays good. Where somebody else may have it, that is not enough: use "broker keys revoke".`
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
	rotate := r.tokens.RotateKeys
	if c.Now {
		rotate = r.tokens.RotateKeysNow
	}
	keys, err := rotate(ctx, alg)
	if err != nil {
		return err
	}
	return printKeys(c.output, p, r.cfg.Tokens.SigningKeys, keys)
}

type keysRevoke struct {
	KID string `arg:"" name:"kid" help:"The key, as \"broker keys list\" shows it."`
	Yes bool   `help:"Do it. Without, it is only said what would happen."`
	output
}

// Help teaches.
func (keysRevoke) Help() string {
	return `For a key that somebody else may have. It is published no longer and verifies nothing with us; its successor signs at once. Running brokers obey within seconds. It cannot be taken back.

	broker keys list
	broker keys revoke KID --yes

What it breaks: sign-ins that are under way fail at applications which have not fetched the new key yet, for up to ten minutes; tokens that the key signed are worth nothing as hints, so people who sign out with one are asked first. What it cannot do: an application that keeps our keys may believe the stolen one for ten minutes more, and sessions that were begun there with forged tokens stay until that application ends them. Access and refresh tokens are not signed with it and stay good.`
}

// Run revokes.
func (c keysRevoke) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	if !c.Yes {
		return fmt.Errorf("revoking %s cannot be taken back, and interrupts sign-ins at applications for up to ten minutes (broker keys revoke --help); add --yes to do it", printable(c.KID))
	}
	done, err := r.tokens.RevokeKey(ctx, c.KID)
	if err != nil {
		return err
	}
	keys := []broker.Key{done.Key}
	if done.Heir.ID != "" {
		keys = append(keys, done.Heir)
	}
	views := viewKeys(keys, r.cfg.Tokens.SigningKeys, time.Now())
	return c.print(p.out, views, func(w io.Writer) {
		fmt.Fprintf(w, "%s (%s) is withdrawn. It was %s.\n", done.Key.ID, done.Key.Alg, done.Before)
		if done.Heir.ID != "" {
			fmt.Fprintf(w, "%s signs from now on.\n", done.Heir.ID)
		} else {
			fmt.Fprintf(w, "No application wants %s: nothing signs with it.\n", done.Key.Alg)
		}
		fmt.Fprintf(w, "Running brokers obey within %s. Applications that keep our keys may believe it for ten minutes more;\nwhere forged tokens may have been used, have them end their sessions.\n", keysObeyed)
	})
}

type keysKeyring struct {
	File string `placeholder:"FILE" help:"Write it there, for its owner alone (0600). Otherwise it is printed."`
}

// Help teaches.
func (keysKeyring) Help() string {
	return `The keyring seals signing keys and the tokens of remote accounts in the database. Every replica needs the same one. Keep a copy apart from the backups of the database.

	broker keys keyring --file broker.key

To change the key, use "broker secrets rotate".`
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
