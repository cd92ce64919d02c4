package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
)

type tokenCommands struct {
	Create tokenCreate `cmd:"" help:"Make an initial access token, with which applications register themselves."`
	List   tokenList   `cmd:"" help:"List initial access tokens."`
	Delete tokenDelete `cmd:"" help:"Delete an initial access token. Applications that used it stay."`
}

const (
	// tokenIDLength is how many characters of a hash name a token: 48 bits.
	tokenIDLength = 8
	maxTokenUses  = 1_000_000
	maxTokenLife  = 10 * 365 * 24 * time.Hour
)

type tokenView struct {
	ID        string    `json:"id"`
	Token     string    `json:"token,omitempty"` // only where it was just made
	Note      string    `json:"note,omitempty"`
	UsesLeft  int       `json:"uses_left"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Live      bool      `json:"live"`
}

// tokenID names a token on the command line: in hexadecimal, since a hash can
// begin like a flag.
func tokenID(hash string) string {
	return hex.EncodeToString([]byte(hash[:min(tokenIDLength, len(hash))]))
}

func viewToken(t broker.InitialAccessToken, at time.Time) tokenView {
	return tokenView{
		ID: tokenID(t.Hash), Note: t.Note, UsesLeft: t.UsesLeft, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		Live: t.Live(at),
	}
}

type tokenCreate struct {
	Note    string        `help:"Who gets it, for your own memory."`
	Uses    int           `default:"1" help:"How many applications it may register."`
	Expires time.Duration `default:"168h" help:"How long it can be used; 0s for ever."`
	output
}

// Help teaches.
func (tokenCreate) Help() string {
	return `The token is printed once and kept only as a hash. It works while registration.mode is token or open.

	broker clients token create --note "physics department" --uses 5

The application sends it as a bearer token with its registration (RFC 7591).`
}

// Run makes a token.
func (c tokenCreate) Run(ctx context.Context, p *program) error {
	note, ok := broker.CleanName(c.Note)
	switch {
	case c.Uses < 1 || c.Uses > maxTokenUses:
		return fmt.Errorf("--uses %d: give a number from 1 to %d", c.Uses, maxTokenUses)
	case c.Expires < 0 || c.Expires > maxTokenLife:
		return fmt.Errorf("--expires %s: give a time from 0s to %s", c.Expires, maxTokenLife)
	case c.Note != "" && (!ok || len(note) > 200):
		return errors.New("--note: use at most 200 printable characters")
	}
	cfg, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	at, token := time.Now(), broker.NewSecret()
	t := broker.InitialAccessToken{Hash: token.Hash(), Note: note, UsesLeft: c.Uses, CreatedAt: at}
	if c.Expires > 0 {
		t.ExpiresAt = at.Add(c.Expires)
	}
	if err := db.CreateInitialAccessToken(ctx, t); err != nil {
		return err
	}
	v := viewToken(t, at)
	v.Token = token.Reveal()
	return c.print(p.out, v, func(w io.Writer) {
		row(w, "token", v.Token+"   (shown once: copy it now)")
		row(w, "id", v.ID)
		row(w, "applications", v.UsesLeft)
		row(w, "expires", v.ExpiresAt)
		if cfg.Registration.Mode == "off" {
			fmt.Fprintln(w, "\nNobody can use it yet: set registration.mode to token.")
		}
	})
}

type tokenList struct{ output }

// Run lists tokens.
func (c tokenList) Run(ctx context.Context, p *program) error {
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.InitialAccessTokens(ctx)
	if err != nil {
		return err
	}
	views := make([]tokenView, 0, len(all))
	for _, t := range all {
		views = append(views, viewToken(t, time.Now()))
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "NOTE", "USES LEFT", "CREATED", "EXPIRES")
		for _, v := range views {
			row(w, v.ID, v.Note, v.UsesLeft, v.CreatedAt, v.ExpiresAt)
		}
	})
}

type tokenDelete struct {
	ID string `arg:"" help:"Id, as the list shows it."`
	output
}

// Run deletes a token.
func (c tokenDelete) Run(ctx context.Context, p *program) error {
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.InitialAccessTokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		if tokenID(t.Hash) == c.ID {
			if err := db.DeleteInitialAccessToken(ctx, t.Hash); err != nil {
				return err
			}
			return c.print(p.out, map[string]string{"deleted": c.ID}, func(w io.Writer) { fmt.Fprintf(w, "deleted: %s\n", c.ID) })
		}
	}
	return fmt.Errorf("there is no initial access token %s; see: broker clients token list", printable(c.ID))
}
