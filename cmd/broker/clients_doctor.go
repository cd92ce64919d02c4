package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/tokens"
)

const (
	// expiresSoon is how long before a secret ends an operator should act.
	expiresSoon = 14 * 24 * time.Hour
	// lastTroubles is how many kinds of refusal are told.
	lastTroubles = 20
)

// Levels of a finding.
const (
	levelFine    = "ok"      // what it may do
	levelNote    = "note"    // good to know
	levelWarning = "warning" // works, and will not always
	levelError   = "error"   // fails
)

// finding is something that the doctor says about an application.
type finding struct {
	Level string `json:"level"`
	About string `json:"about"`
	Text  string `json:"text"`
}

type troubleView struct {
	At       time.Time `json:"last_at"`
	Times    int       `json:"times"`
	Endpoint string    `json:"endpoint"`
	Code     string    `json:"error"`
	Reason   string    `json:"reason"`
}

type diagnosis struct {
	ID       string        `json:"client_id"`
	Name     string        `json:"client_name"`
	Findings []finding     `json:"findings"`
	Troubles []troubleView `json:"last_errors"`
}

type clientsDoctor struct {
	Client string `arg:"" help:"Client id."`
	output
}

// Help teaches.
func (clientsDoctor) Help() string {
	return `What a running broker refused is written down once a minute. Anybody can send a request in an application's name, so an error may be a stranger's.

	broker clients doctor wiki`
}

// Run examines an application.
func (c clientsDoctor) Run(ctx context.Context, p *program) error {
	cfg, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	client, err := findClient(ctx, db, c.Client)
	if err != nil {
		return err
	}
	keys, err := db.Keys(ctx)
	if err != nil {
		return err
	}
	troubles, err := db.Troubles(ctx, client.ID, lastTroubles)
	if err != nil {
		return err
	}
	d := diagnosis{ID: client.ID, Name: client.Name, Findings: examine(client, keys, cfg.Registration.Unused, time.Now()), Troubles: []troubleView{}}
	for _, t := range troubles {
		d.Troubles = append(d.Troubles, troubleView{At: t.LastAt, Times: t.Times, Endpoint: t.Endpoint, Code: t.Code, Reason: t.Reason})
	}
	return c.print(p.out, d, d.text)
}

func (d diagnosis) text(w io.Writer) {
	row(w, "client", d.ID, d.Name)
	for _, f := range d.Findings {
		row(w, f.Level, f.About, f.Text)
	}
	if len(d.Troubles) == 0 {
		fmt.Fprintln(w, "\nNothing was refused in the last 30 days.")
		return
	}
	fmt.Fprintln(w)
	row(w, "LAST REFUSED", "TIMES", "ENDPOINT", "ERROR", "REASON")
	for _, t := range d.Troubles {
		row(w, t.At, t.Times, t.Endpoint, t.Code, t.Reason)
	}
}

// examine says what a registration allows, and what it would fail at. It is
// pure; unused is the life of dynamic clients.
func examine(c broker.Client, keys []broker.Key, unused time.Duration, at time.Time) []finding {
	x := examination{c: c, at: at, all: []finding{}}
	if !c.DisabledAt.IsZero() {
		x.add(levelError, "client", "disabled since "+when(c.DisabledAt)+": every request is refused")
	}
	for _, p := range c.Problems(tokens.Offer()) {
		x.add(levelError, p.Field, p.Text)
	}
	x.redirects()
	x.grants()
	x.scopes()
	x.secrets()
	x.signature(keys)
	x.encryption()
	x.browser()
	if c.Metadata.SoftwareStatement != "" {
		x.add(levelNote, "software_statement", "vouched for when it registered; it is not looked at again until it changes its registration")
	}
	if c.Metadata.Dynamic {
		last := c.Metadata.LastUsedAt
		if last.IsZero() {
			last = c.CreatedAt
		}
		x.add(levelNote, "registration", "registered itself; removed when unused until "+when(last.Add(unused)))
	}
	return x.all
}

type examination struct {
	c   broker.Client
	at  time.Time
	all []finding
}

func (x *examination) add(level, about, text string) {
	x.all = append(x.all, finding{level, about, text})
}

func (x *examination) redirects() {
	for _, uri := range x.c.RedirectURIs {
		if broker.RedirectProblem(uri, x.c.Public()) != "" {
			continue // told already
		}
		u, err := url.Parse(uri)
		switch {
		case err != nil || u.Scheme != "http":
			x.add(levelFine, "redirect_uris", uri+", character for character")
		case u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost"):
			x.add(levelNote, "redirect_uris", uri+": this port only; with 127.0.0.1 any port would do (RFC 8252, section 7.3)")
		default:
			x.add(levelFine, "redirect_uris", uri+", on any port")
		}
	}
	if x.c.MayGrant(broker.GrantCode) && len(x.c.PostLogoutRedirectURIs) == 0 {
		x.add(levelNote, "post_logout_redirect_uris", "none: sign-out ends on a page of the broker, and a request that names one fails")
	}
}

func (x *examination) grants() {
	c := x.c
	for _, g := range c.GrantTypes {
		x.add(levelFine, "grant_types", g)
	}
	if !c.MayGrant(broker.GrantCode) {
		x.add(levelNote, "grant_types", "without "+broker.GrantCode+" nobody can sign in there")
		return
	}
	offline := slices.Contains(c.Scopes, "offline_access")
	switch {
	case c.MayGrant(broker.GrantRefresh) && !offline:
		x.add(levelWarning, "scope", "offline_access is missing, so it never gets the refresh token that it is registered for")
	case !c.MayGrant(broker.GrantRefresh) && offline:
		x.add(levelWarning, "grant_types", "refresh_token is missing, so offline_access gives it nothing")
	case c.MayGrant(broker.GrantRefresh):
		x.add(levelNote, "scope", "a refresh token comes only with the scope offline_access")
	}
	if c.Public() || c.RequirePKCE {
		x.add(levelFine, "PKCE", "required: a request without code_challenge and code_challenge_method=S256 fails; plain fails too")
	} else {
		x.add(levelWarning, "PKCE", "not required; register it again without --no-pkce once it sends code_challenge (RFC 9700, section 2.1.1)")
	}
}

func (x *examination) scopes() {
	c := x.c
	if len(c.Scopes) == 0 {
		x.add(levelError, "scope", "none: every request for one fails")
		return
	}
	x.add(levelFine, "scope", strings.Join(c.Scopes, " ")+"; any other fails with invalid_scope")
	if c.MayGrant(broker.GrantCode) && !slices.Contains(c.Scopes, "openid") {
		x.add(levelWarning, "scope", "openid is missing: it gets no ID token, and userinfo refuses it")
	}
}

func (x *examination) secrets() {
	c := x.c
	if c.Public() {
		x.add(levelFine, "token_endpoint_auth_method", "none: it sends its client_id alone; a secret, were it sent, fails")
		return
	}
	x.add(levelFine, "token_endpoint_auth_method", c.AuthMethod+" alone; another method fails with invalid_client")
	if c.AuthMethod == broker.AuthPrivateKeyJWT {
		return // it has keys
	}
	live, lasting := 0, false
	var end time.Time
	for _, s := range c.Secrets {
		if !s.ExpiresAt.IsZero() && !x.at.Before(s.ExpiresAt) {
			continue
		}
		live++
		lasting = lasting || s.ExpiresAt.IsZero()
		if s.ExpiresAt.After(end) {
			end = s.ExpiresAt
		}
	}
	switch {
	case live == 0:
		x.add(levelError, "client_secret", "none is live: it cannot authenticate; run broker clients rotate-secret "+c.ID)
	case !lasting && end.Sub(x.at) < expiresSoon:
		x.add(levelWarning, "client_secret", "the last one expires "+when(end)+"; run broker clients rotate-secret "+c.ID)
	case live > 1:
		x.add(levelNote, "client_secret", fmt.Sprintf("%d are live: a rotation is under way", live))
		for _, s := range c.Secrets {
			if !s.ExpiresAt.IsZero() && x.at.Before(s.ExpiresAt) && s.ExpiresAt.Sub(x.at) < expiresSoon {
				x.add(levelWarning, "client_secret", "the one made "+when(s.CreatedAt)+" expires "+when(s.ExpiresAt)+": has the application got the new one?")
			}
		}
	}
}

func (x *examination) signature(keys []broker.Key) {
	alg := orElse(x.c.IDTokenAlg, broker.RS256)
	if len(keys) == 0 {
		x.add(levelNote, "id_token_signed_response_alg", "the broker makes its first keys when it first runs")
		return
	}
	for _, k := range keys {
		if k.Alg == alg && !x.at.Before(k.SignsFrom) && (k.RetiresAt.IsZero() || x.at.Before(k.RetiresAt)) {
			x.add(levelFine, "id_token_signed_response_alg", alg+"; an application that insists on another fails")
			return
		}
	}
	x.add(levelNote, "id_token_signed_response_alg", "no key signs with "+alg+" yet: the broker makes one when the application first asks")
}

func (x *examination) encryption() {
	m := x.c.Metadata
	for _, what := range encrypted(m) {
		x.add(levelFine, "encryption", what)
	}
	if m.JWKSURI != "" && m.IDTokenEncryptedResponseAlg+m.UserInfoEncryptedAlg != "" {
		x.add(levelNote, "jwks_uri", "needs a public key with \"use\": \"enc\" that fits; without one every sign-in fails with server_error, and is counted below under the endpoint keys")
	}
	if m.RequireSignedObject {
		x.add(levelFine, "require_signed_request_object", "a request without a signature fails with invalid_request")
	}
	if m.RequestObjectEncryptionAlg != "" {
		x.add(levelNote, "request_object_encryption_alg", "a running broker publishes the key within a minute; request objects without encryption work too")
	}
}

func (x *examination) browser() {
	if all := tokens.ClientOrigins(x.c); len(all) > 0 {
		x.add(levelFine, "browser", "scripts may call the token endpoint from "+strings.Join(all, " "))
	} else if x.c.Public() {
		x.add(levelNote, "browser", "it has no web origin: scripts in a browser cannot call the token endpoint")
	}
}
