package tokens

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"idbroker/broker"
)

// Options configures a Service. The zero value of a field is its default.
type Options struct {
	// Issuer is our issuer identifier, an http or https URL without query and
	// fragment (OpenID Connect Discovery 1.0, section 3). Required.
	Issuer string
	// Secret authenticates access and refresh tokens; every purpose has a key
	// of its own that is derived from it. Required: 32 random bytes.
	Secret [32]byte
	// OldSecrets still verify tokens that were issued under them, newest first.
	// The last makes the pairwise subjects: without it they would change.
	OldSecrets [][32]byte
	Log        *slog.Logger // nil: discard
	// Fetcher gets the keys and request objects that clients publish; nil: those
	// that are registered by value are all that there are.
	Fetcher Fetcher

	CodeLifetime    time.Duration // 0: 1 minute
	AccessLifetime  time.Duration // 0: 10 minutes
	IDTokenLifetime time.Duration // 0: 10 minutes
	RefreshIdle     time.Duration // 0: 30 days without use end a grant
	RefreshAbsolute time.Duration // 0: 365 days end it whatever happens
	RefreshGrace    time.Duration // 0: 1 minute in which the predecessor of a refresh token is answered again; negative: none
	KeyOverlap      time.Duration // 0: 1 hour between publishing a new key and signing with it
	KeyLifetime     time.Duration // 0: a key signs for 90 days, then its successor does; negative: until somebody rotates

	// RequirePAR has every client push its authorization requests; otherwise
	// those that are registered so.
	RequirePAR bool
	// RequireSigned has every client sign them (RFC 9101, section 10.5).
	RequireSigned bool

	Registration Registration // who may register clients

	// Notices tells applications of sign-outs; nil: nobody does, and what they
	// should hear waits in the outbox.
	Notices Poster

	Paths Paths // where the endpoints are mounted below the issuer

	// Phone and Address offer the scopes of these names (OpenID Connect Core 1.0,
	// section 5.4). Off, nobody is told a telephone number or a postal address.
	Phone, Address bool

	// Claims are what the operator lets applications have beside the standard
	// claims, each under a scope. They cannot take the place of one.
	Claims []broker.ProfileClaim

	NoSignUp bool // newcomers cannot begin accounts, so prompt=create is not offered
	// SecondFactor: people can show a second factor, so broker.ACRSecond is offered.
	SecondFactor bool

	UILocales     []string // languages of the pages, for discovery; nil: not told
	Documentation string   // service_documentation; "" not told
	PolicyURI     string   // op_policy_uri; "" not told
	TermsURI      string   // op_tos_uri; "" not told
}

// Paths are the paths of the endpoints, with a slash in front. "" is the
// default of each.
type Paths struct {
	Authorize, Token, UserInfo, Introspect, Revoke, JWKS, Logout, PAR, Register, CheckSession string
}

const (
	codeLifetime    = time.Minute // RFC 6749, section 4.1.2, recommends ten minutes at most; a browser needs seconds
	accessLifetime  = 10 * time.Minute
	idTokenLifetime = 10 * time.Minute
	refreshIdle     = 30 * 24 * time.Hour
	refreshAbsolute = 365 * 24 * time.Hour
	refreshGrace    = time.Minute
	keyOverlap      = time.Hour // relying parties that obey jwksMaxAge have seen a key six times by then
	keyLifetime     = 90 * 24 * time.Hour

	maxCodeLifetime = 10 * time.Minute // RFC 6749, section 4.1.2
)

// complete checks o and fills in the defaults.
func (o Options) complete() (Options, error) {
	var problems []error
	if err := checkIssuer(o.Issuer); err != nil {
		problems = append(problems, err)
	}
	if o.Secret == ([32]byte{}) {
		problems = append(problems, errors.New("tokens: the secret is missing"))
	}
	for _, d := range []struct {
		name    string
		value   *time.Duration
		preset  time.Duration
		ceiling time.Duration
	}{
		{"code lifetime", &o.CodeLifetime, codeLifetime, maxCodeLifetime},
		{"access token lifetime", &o.AccessLifetime, accessLifetime, 24 * time.Hour},
		{"ID token lifetime", &o.IDTokenLifetime, idTokenLifetime, 24 * time.Hour},
		{"refresh idle time", &o.RefreshIdle, refreshIdle, 10 * refreshAbsolute},
		{"refresh absolute time", &o.RefreshAbsolute, refreshAbsolute, 10 * refreshAbsolute},
		{"key overlap", &o.KeyOverlap, keyOverlap, 30 * 24 * time.Hour},
	} {
		switch {
		case *d.value == 0:
			*d.value = d.preset
		case *d.value < time.Second || *d.value > d.ceiling:
			problems = append(problems, fmt.Errorf("tokens: the %s is %s; it must be between 1s and %s", d.name, *d.value, d.ceiling))
		}
	}
	switch {
	case o.KeyLifetime == 0:
		o.KeyLifetime = keyLifetime
	case o.KeyLifetime > 0 && o.KeyLifetime < 2*o.KeyOverlap:
		problems = append(problems, fmt.Errorf("tokens: a key signs for %s; it must be at least twice the key overlap of %s", o.KeyLifetime, o.KeyOverlap))
	}
	if o.RefreshGrace == 0 {
		o.RefreshGrace = refreshGrace
	}
	o.RefreshGrace = max(o.RefreshGrace, 0)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Paths = o.Paths.complete()
	problems = append(problems, o.checkCustom()...)
	o.Registration = o.Registration.complete(o.offeredScopes())
	if m := o.Registration.Mode; m != RegisterOff && m != RegisterToken && m != RegisterOpen {
		problems = append(problems, fmt.Errorf("tokens: registration %q must be %s, %s or %s", m, RegisterOff, RegisterToken, RegisterOpen))
	}
	return o, errors.Join(problems...)
}

func (p Paths) complete() Paths {
	for _, d := range []struct {
		path   *string
		preset string
	}{
		{&p.Authorize, "/oauth2/authorize"},
		{&p.Token, "/oauth2/token"},
		{&p.UserInfo, "/oauth2/userinfo"},
		{&p.Introspect, "/oauth2/introspect"},
		{&p.Revoke, "/oauth2/revoke"},
		{&p.JWKS, "/oauth2/jwks.json"},
		{&p.Logout, "/oauth2/logout"},
		{&p.PAR, "/oauth2/par"},
		{&p.Register, "/oauth2/register"},
		{&p.CheckSession, "/oauth2/check-session"},
	} {
		if *d.path == "" {
			*d.path = d.preset
		}
	}
	return p
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil:
		return fmt.Errorf("tokens: issuer: %w", err)
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, strings.ContainsAny(issuer, "?#"):
		return fmt.Errorf("tokens: issuer %q must be an http or https URL without query and fragment", issuer)
	}
	return nil
}

// loopback tells whether a host can only be this machine.
func loopback(host string) bool { return broker.Loopback(host) }
