package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
)

type providerCommands struct {
	List    providersList    `cmd:"" help:"List the configured providers and what they may do."`
	Check   providersCheck   `cmd:"" help:"Try a provider from here: metadata, keys, clock, our credentials, the redirect URI to register."`
	Explain providersExplain `cmd:"" help:"Tell whether somebody with given claims would be let in, and why."`
}

// registryOf opens what a command about providers needs beside the database.
func (p *program) registryOf() (*providers.Registry, error) {
	cfg, err := p.load()
	if err != nil {
		return nil, err
	}
	base := orElse(cfg.Server.BaseURL, "http://"+cfg.Server.Address)
	return registry(cfg, base, nil)
}

type providerView struct {
	ID          string         `json:"id"`
	Kind        string         `json:"kind"`
	Title       string         `json:"title"`
	Issuer      string         `json:"issuer"`
	RedirectURI string         `json:"redirect_uri"`
	SignedOut   string         `json:"post_logout_redirect_uri,omitempty"`
	Logout      string         `json:"backchannel_logout_uri,omitempty"`
	SignOut     broker.SignOut `json:"sign_out"`
	Hidden      bool           `json:"hidden"`
	LinkOnly    bool           `json:"link_only"`
	Second      broker.Second  `json:"second"`
	Only        []string       `json:"only,omitempty"`

	SignUp       broker.SignUpBy `json:"sign_up"`
	ConfirmEmail bool            `json:"confirm_email"`
	LinkByEmail  bool            `json:"link_by_email"`
	Profile      profileView     `json:"profile"`
}

// profileView says who sets what of an account.
type profileView struct {
	Name     broker.ProfileRule `json:"name"`
	Username broker.ProfileRule `json:"username"`
	Locale   broker.ProfileRule `json:"locale"`
}

// may says in words what a provider is for.
func (v providerView) may() string {
	switch {
	case v.Hidden:
		return "hidden"
	case v.LinkOnly:
		return "link"
	case v.SignUp == broker.SignUpNo:
		return "sign in, link"
	case v.SignUp == broker.SignUpAutomatic:
		return "sign in, sign up at once, link"
	}
	return "sign in, sign up, link"
}

// byEmail says in words what an address from there is good for.
func (v providerView) byEmail() string {
	var all []string
	if v.LinkByEmail {
		all = append(all, "finds accounts")
	}
	if !v.ConfirmEmail {
		all = append(all, "needs no mail")
	}
	return orElse(strings.Join(all, ", "), "-")
}

type providersList struct{ output }

// Run lists providers.
func (c providersList) Run(p *program) error {
	r, err := p.registryOf()
	if err != nil {
		return err
	}
	views := []providerView{}
	for _, x := range r.Providers() {
		views = append(views, providerView{
			ID: x.ID, Kind: x.Kind, Title: x.Title, Issuer: x.Issuer, RedirectURI: r.RedirectURI(x.ID),
			SignedOut: r.SignedOutURI(x.ID), Logout: r.LogoutURI(x.ID), SignOut: broker.SignOut(orElse(string(x.SignOut), string(broker.SignOutAsk))),
			Hidden: x.Hidden, LinkOnly: x.LinkOnly, Second: broker.Second(orElse(string(x.Second), string(broker.SecondRefuse))),
			Only: r.Rules(x.ID), SignUp: broker.SignUpBy(orElse(string(x.SignUp), string(broker.SignUpByForm))), ConfirmEmail: !x.Unmailed, LinkByEmail: x.LinkByEmail,
			Profile: profileView(x.Profile.Full()),
		})
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "KIND", "TITLE", "MAY", "A SECOND ONE", "BY E-MAIL", "ONLY", "SIGN-OUT THERE", "REDIRECT URI")
		for _, v := range views {
			row(w, v.ID, v.Kind, v.Title, v.may(), v.Second, v.byEmail(), orElse(strings.Join(v.Only, "; "), "everybody"), v.SignOut, v.RedirectURI)
		}
		for _, v := range views {
			if v.SignedOut != "" {
				_, _ = fmt.Fprintf(w, "\n%s: for sign-out, register there too\n  post_logout_redirect_uri  %s\n  backchannel_logout_uri    %s\n", v.ID, v.SignedOut, v.Logout)
			}
		}
	})
}

type providersCheck struct {
	App string `arg:"" help:"Id of the provider."`
	output
}

// Help teaches.
func (providersCheck) Help() string {
	return `It asks the provider what a sign-in would, but for a person: its metadata and keys, the time, and whether its token endpoint knows our credentials, by trying to redeem what is no code. Nothing changes there. The exit code is 1 where nobody could sign in.

	broker providers check orcid`
}

// errCheck makes the exit code of a check that found an error.
var errCheck = errors.New("nobody can sign in with this provider as it is; see the errors above")

// Run examines a provider.
func (c providersCheck) Run(ctx context.Context, p *program) error {
	r, err := p.registryOf()
	if err != nil {
		return err
	}
	found, err := r.Check(ctx, c.App)
	if errors.Is(err, providers.ErrUnknown) {
		return fmt.Errorf("no provider %s is configured; see: broker providers list", printable(c.App))
	}
	if err != nil {
		return err
	}
	views, bad := []finding{}, false
	for _, f := range found {
		views = append(views, finding{f.Level, f.About, f.Text})
		bad = bad || f.Level == providers.LevelError
	}
	err = c.print(p.out, views, func(w io.Writer) {
		for _, f := range views {
			row(w, f.Level, f.About, f.Text)
		}
	})
	if err == nil && bad {
		err = errCheck
	}
	return err
}

type providersExplain struct {
	App    string `arg:"" help:"Id of the provider."`
	Claims string `required:"" placeholder:"FILE" help:"File with the claims of an ID token (and userinfo) as one JSON object; - reads standard input."`
	output
}

// Help teaches.
func (providersExplain) Help() string {
	return `Nothing is verified and nothing changes: it tells what the broker would make of these claims, with its configuration and database as they are.

	echo '{"sub": "1815", "email": "ada@example.org", "email_verified": true}' | broker providers explain campus --claims -`
}

// explanation is what became of claims.
type explanation struct {
	Provider      string        `json:"provider"`
	Subject       string        `json:"sub,omitempty"`
	Username      string        `json:"username,omitempty"`
	Name          string        `json:"name,omitempty"`
	Email         string        `json:"email,omitempty"`
	EmailVerified bool          `json:"email_verified"`
	Owner         broker.UserID `json:"opens_account,omitempty"`
	Holder        broker.UserID `json:"email_of_account,omitempty"`
	Outcome       string        `json:"outcome"`
	Reason        string        `json:"reason,omitempty"`
}

// maxClaims bounds the file: no ID token is larger.
const maxClaims = 1 << 20

// Run explains claims.
func (c providersExplain) Run(ctx context.Context, p *program) error {
	in := p.in
	if c.Claims != "-" {
		f, err := os.Open(c.Claims)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxClaims))
	if err != nil {
		return err
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	apps, err := p.registryOf()
	if err != nil {
		return err
	}
	x := explanation{Provider: c.App, Outcome: "refused"}
	profile, err := apps.Explain(ctx, c.App, text)
	switch {
	case errors.Is(err, providers.ErrUnknown):
		return fmt.Errorf("no provider %s is configured; see: broker providers list", printable(c.App))
	case errors.Is(err, providers.ErrNotExplained):
		return err
	}
	x.Subject, x.Username, x.Name, x.Email, x.EmailVerified = profile.Subject, profile.Username, profile.Name, profile.Email, profile.EmailVerified
	if err == nil {
		var facts linking.Facts
		var outcome linking.Outcome
		facts, outcome, err = r.linker.Explain(ctx, profile)
		x.Owner, x.Holder = facts.Owner, facts.Holder
		if err == nil {
			x.Outcome, x.Reason = string(outcome), whyAsked(facts, outcome)
		} else if _, refused := errors.AsType[*broker.Error](err); !refused {
			return err
		}
	}
	if err != nil {
		x.Reason = err.Error()
	}
	return c.print(p.out, x, x.text)
}

// whyAsked says what kept a new person from coming in without a question, where a
// policy might have let them.
func whyAsked(f linking.Facts, outcome linking.Outcome) string {
	if outcome != linking.NewPerson || !f.LinkByEmail && f.SignUp != broker.SignUpAutomatic {
		return ""
	}
	switch {
	case !f.Vouched:
		return "the address does not count as proven: see email_trust and email_domains"
	case f.Holder == "" && f.SignUp != broker.SignUpAutomatic:
		return "no account has the address"
	case f.Holder == "":
		return "the name cannot stand in an account, the domain of the address is blocked, or there is no username to give (accounts.identifiers: [username])"
	case !f.LinkByEmail:
		return "an account has the address, and link_by_email is off"
	case !f.Asserted:
		return "the provider does not say itself that it verified the address"
	case !f.HolderProven:
		return "the account that has the address has not proven it here: at most a provider vouches for it"
	case f.HolderDisabled:
		return "the account that has the address is disabled"
	}
	return "the account that has the address has another identity of this provider"
}

func (x explanation) text(w io.Writer) {
	row(w, "provider", x.Provider)
	row(w, "sub", x.Subject)
	row(w, "username", x.Username)
	row(w, "name", x.Name)
	row(w, "e-mail", strings.TrimSpace(x.Email+map[bool]string{true: " (counts as proven)", false: " (does not count as proven)"}[x.EmailVerified]))
	row(w, "opens account", x.Owner)
	row(w, "e-mail of", x.Holder)
	row(w, "outcome", x.Outcome)
	row(w, "reason", x.Reason)
}
