package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/fields"
	"idbroker/store"
)

// asked reads the fields that the operator asks for; nil none.
func asked(cfg config.Config) (*fields.Schema, error) {
	const path = "accounts.profile.fields"
	text, err := cfg.Accounts.Profile.FieldsText()
	if err != nil {
		return nil, config.Unreadable(path, cfg.Accounts.Profile.Fields, err, "name a file with a JSON Schema that the broker may read (docs/profile.md)")
	}
	if text == nil {
		return nil, nil
	}
	s, err := fields.Read(text)
	if err != nil {
		return nil, located(path, err)
	}
	return s, nil
}

// located says of each of several errors which setting it is about.
func located(path string, err error) error {
	const fix = "mend the schema there; docs/profile.md says what it may hold"
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		var out config.Problems
		for _, one := range all.Unwrap() {
			out = append(out, config.Problem{Path: path, What: one.Error(), Fix: fix})
		}
		return out
	}
	return config.Problem{Path: path, What: err.Error(), Fix: fix}
}

// usernames is which usernames people may choose.
func usernames(cfg config.Config, ring store.Keyring) (local.Usernames, error) {
	a := cfg.Accounts
	u := local.Usernames{
		Min: a.Username.Min, Max: a.Username.Max, Reserved: a.Username.Reserved, KeepFor: a.Username.KeepFormer, Key: ring.DeriveOldest("usernames"),
		NoSignIn: !identifies(cfg, "username"), OnlyThis: !identifies(cfg, "email"),
	}
	if a.Username.Pattern == "" {
		return u, nil
	}
	var err error
	if u.Pattern, err = regexp.Compile(`\A(?:` + a.Username.Pattern + `)\z`); err != nil {
		return u, fmt.Errorf("accounts.username.pattern: %w", err)
	}
	return u, nil
}

// identifies tells whether people sign in with what a name of accounts.identifiers
// stands for.
func identifies(cfg config.Config, what string) bool {
	return cfg.Accounts.Identifiers == nil || slices.Contains(cfg.Accounts.Identifiers, what)
}

// fielder is s as accounts want it: an interface that holds nothing would not be nil.
func fielder(s *fields.Schema) local.Fielder {
	if s == nil {
		return nil
	}
	return s
}

// askedFields are the fields of s, which may be nil.
func askedFields(s *fields.Schema) []broker.ProfileField {
	if s == nil {
		return nil
	}
	return s.Fields()
}

// profileClaims are the claims that the operator lets applications have beside the
// standard ones.
func profileClaims(cfg config.Config, s *fields.Schema) []broker.ProfileClaim {
	var all []broker.ProfileClaim
	text := func(v any) json.RawMessage {
		raw, err := json.Marshal(v)
		if err != nil { // texts and lists of them
			return nil
		}
		return raw
	}
	if cfg.Accounts.Profile.Affiliations {
		all = append(all, broker.ProfileClaim{Name: "affiliations", Scope: "affiliations", Value: func(u broker.User) json.RawMessage {
			if len(u.Details.Affiliations) == 0 {
				return nil
			}
			return text(u.Details.Affiliations)
		}})
	}
	if cfg.Accounts.Profile.Visibility {
		d := cfg.Accounts.Defaults
		all = append(all,
			broker.ProfileClaim{Name: "profile_visibility", Scope: "visibility", Value: func(u broker.User) json.RawMessage {
				return text(u.Details.Visibility.Or(broker.Visibility(d.Visibility)))
			}},
			broker.ProfileClaim{Name: "email_visibility", Scope: "visibility", Value: func(u broker.User) json.RawMessage {
				return text(u.Details.EmailVisibility.Or(broker.Visibility(d.EmailVisibility)))
			}})
	}
	if s == nil {
		return all
	}
	for _, f := range s.Fields() {
		if f.Claim == "" {
			continue
		}
		all = append(all, broker.ProfileClaim{Name: f.Claim, Scope: f.Scope, Title: f.Title, Value: func(u broker.User) json.RawMessage {
			return u.Details.Fields[f.Name]
		}})
	}
	return all
}

type usersUsername struct {
	User     string `arg:"" help:"Id, e-mail address or username."`
	Username string `arg:"" optional:"" help:"The new username."`
	Remove   bool   `help:"Take the username away."`
	output
}

// Help teaches.
func (usersUsername) Help() string {
	return `Applications may know the person by their username: after a change they may take them for somebody else. So nobody else can take the old one (accounts.username.keep_former); they can have it back. accounts.username.pattern and reserved names do not bind you. The person is told by mail.

	broker users username ada@example.org countess
	broker users release ada`
}

// Run changes a username.
func (c usersUsername) Run(ctx context.Context, p *program) error {
	if (c.Username == "") != c.Remove {
		return errors.New("give the new username, or --remove")
	}
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	u, err = r.accounts.SetUsername(ctx, u.ID, c.Username)
	switch {
	case errors.Is(err, local.ErrUsernameTaken):
		return fmt.Errorf("%s: somebody has this username, or has given it up; see broker users show %s, and broker users release %s", printable(c.Username), printable(c.Username), printable(c.Username))
	case errors.Is(err, local.ErrUsernameBad):
		return fmt.Errorf("%s: a username has letters and digits, with dots, dashes and underscores between them, and up to %d characters", printable(c.Username), broker.MaxUsername)
	case err != nil:
		return err
	}
	v := viewUser(u)
	return c.print(p.out, v, v.text)
}

type usersRelease struct {
	Username string `arg:"" help:"A username that somebody gave up, or whose account is gone."`
	output
}

// Help teaches.
func (usersRelease) Help() string {
	return `From then on anybody may take the name. Applications that know people by their username may take whoever does for the person who had it.

	broker users release ada`
}

// Run releases a username.
func (c usersRelease) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.accounts.ReleaseUsername(ctx, c.Username); errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("%s is kept for nobody; whoever has it now: broker users show %s", printable(c.Username), printable(c.Username))
	} else if err != nil {
		return err
	}
	return c.print(p.out, map[string]string{"released": c.Username}, func(w io.Writer) {
		fmt.Fprintf(w, "released: %s\n", printable(c.Username))
	})
}
