package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
)

type clientCommands struct {
	Create       clientsCreate  `cmd:"" help:"Register an application."`
	List         clientsList    `cmd:"" help:"List applications."`
	Show         clientsShow    `cmd:"" help:"Show an application's registration."`
	Delete       clientsDelete  `cmd:"" help:"Delete an application with all its tokens and consents."`
	Disable      clientsDisable `cmd:"" help:"Turn an application away: its tokens end at once; nothing is deleted."`
	Enable       clientsEnable  `cmd:"" help:"Let a disabled application in again."`
	RotateSecret clientsRotate  `cmd:"" help:"Give an application a new secret; the old one goes on for a while."`
	Token        tokenCommands  `cmd:"" help:"Let applications register themselves."`
	Doctor       clientsDoctor  `cmd:"" help:"Tell what an application may do, what would fail and why, and what failed lately."`
}

type clientView struct {
	ID         string       `json:"client_id"`
	Secret     string       `json:"client_secret,omitempty"` // only where it was just made
	Name       string       `json:"client_name"`
	AuthMethod string       `json:"token_endpoint_auth_method"`
	Redirects  []string     `json:"redirect_uris"`
	Logouts    []string     `json:"post_logout_redirect_uris,omitempty"`
	Grants     []string     `json:"grant_types"`
	Responses  []string     `json:"response_types"`
	Scopes     []string     `json:"scopes"`
	Alg        string       `json:"id_token_signed_response_alg"`
	FirstParty bool         `json:"first_party"`
	PKCE       bool         `json:"require_pkce"`
	JWKSURI    string       `json:"jwks_uri,omitempty"`
	RequirePAR bool         `json:"require_pushed_authorization_requests,omitempty"`
	RequireSig bool         `json:"require_signed_request_object,omitempty"`
	Encrypted  []string     `json:"encrypted,omitempty"`
	LoginURI   string       `json:"initiate_login_uri,omitempty"`
	ACR        []string     `json:"default_acr_values,omitempty"`
	Factor     bool         `json:"second_factor,omitempty"`
	URI        string       `json:"client_uri,omitempty"`
	Policy     string       `json:"policy_uri,omitempty"`
	Terms      string       `json:"tos_uri,omitempty"`
	Contacts   []string     `json:"contacts,omitempty"`
	Secrets    []secretView `json:"secrets"`
	CreatedAt  time.Time    `json:"created_at"`
	DisabledAt time.Time    `json:"disabled_at,omitzero"`
	Issuer     string       `json:"issuer,omitempty"`
	logoutView
}

type secretView struct {
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Live      bool      `json:"live"`
}

func viewClient(c broker.Client, at time.Time) clientView {
	v := clientView{
		ID: c.ID, Name: c.Name, AuthMethod: c.AuthMethod, Redirects: c.RedirectURIs, Logouts: c.PostLogoutRedirectURIs, Grants: c.GrantTypes,
		Scopes: c.Scopes, Alg: orElse(c.IDTokenAlg, broker.RS256), FirstParty: c.FirstParty, JWKSURI: c.Metadata.JWKSURI, RequirePAR: c.Metadata.RequirePAR, PKCE: c.RequirePKCE || c.Public(),
		URI: c.ClientURI, Policy: c.PolicyURI, Terms: c.TermsURI, Contacts: c.Contacts, CreatedAt: c.CreatedAt, DisabledAt: c.DisabledAt,
		RequireSig: c.Metadata.RequireSignedObject, Encrypted: encrypted(c.Metadata), LoginURI: c.Metadata.InitiateLoginURI, ACR: c.Metadata.DefaultACRValues, Factor: c.Metadata.SecondFactor,
		Secrets: []secretView{}, Responses: responsesOf(c), logoutView: viewLogout(c.Metadata),
	}
	for _, s := range c.Secrets {
		v.Secrets = append(v.Secrets, secretView{CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt, Live: s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt)})
	}
	return v
}

func (v clientView) text(w io.Writer) {
	row(w, "client id", v.ID)
	if v.Secret != "" {
		row(w, "client secret", v.Secret+"   (shown once: copy it now)")
	}
	if v.Issuer != "" {
		row(w, "issuer", v.Issuer)
	}
	row(w, "name", v.Name)
	row(w, "authenticates with", v.AuthMethod)
	row(w, "keys", v.JWKSURI)
	if v.RequirePAR {
		row(w, "pushes its requests", yesNo(true))
	}
	if v.RequireSig {
		row(w, "signs its requests", yesNo(true))
	}
	row(w, "redirect URIs", v.Redirects)
	row(w, "after sign-out", v.Logouts)
	v.logoutView.text(w)
	row(w, "grant types", v.Grants)
	row(w, "response types", strings.Join(v.Responses, ", "))
	row(w, "scopes", v.Scopes)
	row(w, "ID token", v.Alg)
	row(w, "PKCE required", yesNo(v.PKCE))
	row(w, "first party", yesNo(v.FirstParty))
	for _, what := range v.Encrypted {
		row(w, "encrypted", what)
	}
	if v.LoginURI != "" {
		row(w, "a sign-in begins at", v.LoginURI)
	}
	if len(v.ACR) > 0 {
		row(w, "people sign in by", v.ACR)
	}
	if v.Factor {
		row(w, "second factor", "of everybody")
	}
	row(w, "home page", v.URI)
	row(w, "contacts", v.Contacts)
	row(w, "created", v.CreatedAt)
	row(w, "disabled", v.DisabledAt)
	for _, s := range v.Secrets {
		row(w, "secret", "made "+when(s.CreatedAt)+", expires "+when(s.ExpiresAt))
	}
}

// findClient gets an application, or says what to do.
func findClient(ctx context.Context, db *store.DB, id string) (broker.Client, error) {
	c, err := db.Client(ctx, id)
	if errors.Is(err, broker.ErrNotFound) {
		return c, fmt.Errorf("there is no application %s; see: broker clients list", printable(id))
	}
	return c, err
}

// event is the line of the audit trail that belongs to a change of an
// application.
func event(ctx context.Context, name, client string, at time.Time) broker.Event {
	e := broker.NewEvent(ctx, name, at)
	e.ClientID = client
	return e
}

type clientsList struct{ output }

// Run lists applications.
func (c clientsList) Run(ctx context.Context, p *program) error {
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.Clients(ctx)
	if err != nil {
		return err
	}
	views := make([]clientView, 0, len(all))
	for _, one := range all {
		views = append(views, viewClient(one, time.Now()))
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "CLIENT ID", "NAME", "AUTHENTICATES WITH", "GRANT TYPES", "CREATED")
		for _, v := range views {
			row(w, v.ID, v.Name, v.AuthMethod, v.Grants, v.CreatedAt)
		}
	})
}

type clientsShow struct {
	Client string `arg:"" help:"Client id."`
	output
}

// Run shows an application.
func (c clientsShow) Run(ctx context.Context, p *program) error {
	cfg, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := findClient(ctx, db, c.Client)
	if err != nil {
		return err
	}
	v := viewClient(found, time.Now())
	v.Issuer = issuer(cfg)
	return c.print(p.out, v, v.text)
}

// issuer is what an application must be given beside its id; "" where only the
// running broker knows it.
func issuer(cfg config.Config) string { return cfg.Server.BaseURL }

type clientsDelete struct {
	Client string `arg:"" help:"Client id."`
	Yes    bool   `help:"Do it: people signed in there have to sign in again, elsewhere."`
	output
}

// Run deletes an application.
func (c clientsDelete) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	found, err := findClient(ctx, r.db, c.Client)
	if err != nil {
		return err
	}
	if !c.Yes {
		return fmt.Errorf("deleting %q (%s) ends its tokens and cannot be undone; run it again with --yes", found.Name, found.ID)
	}
	err = r.kept.InTx(ctx, func(ctx context.Context) error {
		at := time.Now()
		if _, err := r.tokens.EndGrants(ctx, broker.GrantFilter{ClientID: found.ID}, "operator", at); err != nil {
			return err
		}
		if err := r.db.DeleteClient(ctx, found.ID); err != nil {
			return err
		}
		return r.db.AddEvent(ctx, event(ctx, broker.EventClientDeleted, found.ID, at))
	})
	if err != nil {
		return err
	}
	return c.print(p.out, map[string]string{"deleted": found.ID}, func(w io.Writer) { fmt.Fprintf(w, "deleted: %s (%s)\n", found.ID, found.Name) })
}

// splitWords lets one flag hold several words, as in --scope "openid email".
func splitWords(texts []string) []string {
	var all []string
	for _, t := range texts {
		all = append(all, strings.Fields(t)...)
	}
	return all
}
