package providers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Finding is something that Check saw.
type Finding struct {
	Level string // LevelFine, LevelWarning or LevelError
	About string // what it is about: "discovery", "credentials"
	Text  string // what was seen, and what to do about it
}

// Levels of a Finding.
const (
	LevelFine    = "ok"
	LevelWarning = "warning" // people can sign in, and not always will
	LevelError   = "error"   // nobody can sign in
)

// examiner looks at a provider from outside, as far as that goes without a
// person.
type examiner interface {
	examine(ctx context.Context) []Finding
}

// probeCode is no code: a provider that knows our credentials refuses it, one
// that does not refuses them.
const probeCode = "idbroker-probe"

// RedirectURI is what must be registered at the provider; "" for an unknown id.
func (r *Registry) RedirectURI(id string) string {
	if e, ok := r.byID[id]; ok {
		return e.redirectURI
	}
	return ""
}

// Check asks a provider for everything that a sign-in needs of it but a person:
// metadata, keys, the time, and whether it knows our credentials. It changes
// nothing there. ErrUnknown.
func (r *Registry) Check(ctx context.Context, id string) ([]Finding, error) {
	e, ok := r.byID[id]
	if !ok {
		return nil, ErrUnknown.With("provider", id)
	}
	all := []Finding{{LevelFine, "redirect URI", "register exactly " + e.redirectURI + " there"}}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	if x, ok := e.provider.(examiner); ok {
		all = append(all, x.examine(ctx)...)
	}
	return all, nil
}

// examine implements examiner.
func (p *openID) examine(ctx context.Context) []Finding {
	var all []Finding
	add := func(level, about, format string, args ...any) {
		all = append(all, Finding{level, about, fmt.Sprintf(format, args...)})
	}
	address := strings.TrimSuffix(p.app.Issuer, "/") + wellKnown
	if a, err := p.env.client.get(ctx, address, "", ""); err == nil {
		all = append(all, skew(a, p.env.now())...)
	}
	m, err := p.metadata(ctx)
	if err != nil {
		add(LevelError, "discovery", "%v", redact(err))
		return all
	}
	add(LevelFine, "discovery", "%s: authorization at %s, tokens at %s", m.Issuer, withoutQuery(m.AuthEndpoint), withoutQuery(m.TokenEndpoint))
	if m.Revocation == "" && p.rules.revoke == nil {
		add(LevelWarning, "revocation", "there is no revocation endpoint: tokens of people who unlink end when they expire")
	}
	if p.app.PKCE == PKCES256 && !m.S256 {
		add(LevelWarning, "pkce", "its metadata does not offer S256; it is sent all the same. Should it refuse, set pkce: off")
	}
	all = append(all, p.examineLogout(m)...)
	set, err := p.dir.keySet(ctx)
	if err == nil {
		_, err = set.get(ctx, lookupPause)
	}
	if err != nil {
		add(LevelError, "keys", "%v", redact(err))
	} else {
		add(LevelFine, "keys", "%s; ID tokens may be signed with %s", withoutQuery(m.Keys), strings.Join(m.SigningAlgs, ", "))
	}
	style, err := m.authStyle(p.app)
	if err != nil {
		add(LevelError, "credentials", "%v; set auth_style", err)
		return all
	}
	return append(all, p.env.client.credentials(ctx, m.TokenEndpoint, p.env.redirectURI, p.app, style))
}

// skew compares the clocks by the Date of an answer.
func skew(a answer, now time.Time) []Finding {
	told, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return nil
	}
	switch d := now.Sub(told).Abs(); {
	case d > clockSkew:
		return []Finding{{LevelError, "clock", fmt.Sprintf("the clocks differ by %s: ID tokens seem expired, or not valid yet; set this machine's clock by NTP", d.Round(time.Second))}}
	case d > clockSkew/2:
		return []Finding{{LevelWarning, "clock", fmt.Sprintf("the clocks differ by %s, %s is too much; set this machine's clock by NTP", d.Round(time.Second), clockSkew)}}
	}
	return []Finding{{LevelFine, "clock", "the clocks agree"}}
}

// credentials tries to redeem what is no code.
func (c *client) credentials(ctx context.Context, endpoint, redirectURI string, app App, style string) Finding {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {probeCode}, "redirect_uri": {redirectURI}}
	if app.PKCE == PKCES256 {
		form.Set("code_verifier", strings.Repeat(probeCode, 4))
	}
	a, err := c.postForm(ctx, endpoint, form, app, style)
	if err != nil {
		return Finding{LevelError, "credentials", redact(err).Error()}
	}
	var told struct {
		Error string `json:"error"`
	}
	_ = decodeJSON(a.Body, &told) // "" where it is no JSON
	switch told.Error {
	case "invalid_grant", "bad_verification_code":
		return Finding{LevelFine, "credentials", "the token endpoint knows them"}
	case "invalid_client", "unauthorized_client", "incorrect_client_credentials":
		return Finding{LevelError, "credentials", fmt.Sprintf("the token endpoint refuses them (%s, sent as %q): compare client_id, client_secret and auth_style with what is registered there", told.Error, style)}
	case "redirect_uri_mismatch":
		return Finding{LevelError, "credentials", "the redirect URI is not registered there: " + redirectURI}
	}
	if unavailable(a.Status) {
		return Finding{LevelError, "credentials", fmt.Sprintf("the token endpoint is not available: status %d", a.Status)}
	}
	return Finding{LevelWarning, "credentials", fmt.Sprintf("the token endpoint says status %d, error %q: whether it knows them will show at the first sign-in", a.Status, clean(told.Error))}
}

// examine implements examiner.
func (p *githubProvider) examine(ctx context.Context) []Finding {
	var all []Finding
	a, err := p.env.client.get(ctx, p.api+"/meta", "", "application/json")
	switch {
	case err != nil:
		all = append(all, Finding{LevelError, "api", redact(err).Error()})
	case unavailable(a.Status):
		all = append(all, Finding{LevelError, "api", fmt.Sprintf("%s is not available: status %d", p.api, a.Status)})
	default:
		all = append(append(all, skew(a, p.env.now())...), Finding{LevelFine, "api", p.api + " answers"})
	}
	return append(all, p.env.client.credentials(ctx, p.oauth.Endpoint.TokenURL, p.env.redirectURI, p.app, p.app.AuthStyle))
}
