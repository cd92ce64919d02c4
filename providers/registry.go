package providers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/markbates/goth"
	"golang.org/x/oauth2"

	"idbroker/broker"
)

// Options configures a Registry.
type Options struct {
	Apps         []App
	BaseURL      string       // our external URL; redirect URIs are BaseURL + "/oauth/authorized/<id>/"
	Log          *slog.Logger // nil: discard
	AllowPrivate bool         // http issuers, loopback and private addresses: tests and the demo

	now    func() time.Time // nil: time.Now; tests move it
	limits limits           // zero: the defaults; tests shorten them
}

// Registry holds the configured remote apps. It does not change after New and
// is safe for concurrent use.
type Registry struct {
	entries []*entry
	byID    map[string]*entry
	log     *slog.Logger
	now     func() time.Time
}

// entry is one remote app.
type entry struct {
	app         App // with the defaults of its kind
	provider    goth.Provider
	redirectURI string

	signedOutURI, logoutURI string
}

// completeTimeout is how long the whole of a callback may take: a few calls of
// ten seconds each would be more patience than a person has.
const completeTimeout = 25 * time.Second

// AppError is what is wrong with one of the apps of a Registry.
type AppError struct {
	N   int // its place in Options.Apps, from 1
	ID  string
	Err error
}

// Error implements error.
func (e *AppError) Error() string { return fmt.Sprintf("provider %d (%q): %v", e.N, e.ID, e.Err) }

// Unwrap returns the cause.
func (e *AppError) Unwrap() error { return e.Err }

// New checks every app and makes its provider. It makes no network call, and
// reports all problems at once.
func New(o Options) (*Registry, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	r := &Registry{byID: map[string]*entry{}, log: o.Log, now: o.now}
	var errs []error
	if len(o.Apps) > 0 {
		if err := checkURL(o.BaseURL, true); err != nil {
			errs = append(errs, fmt.Errorf("base URL: %w", err))
		}
	}
	clients := newClients(o.AllowPrivate, o.limits)
	for i, app := range o.Apps {
		problem := func(err error) {
			errs = append(errs, &AppError{N: i + 1, ID: app.ID, Err: err})
		}
		if r.byID[app.ID] != nil {
			problem(errors.New("id: another provider has it"))
			continue
		}
		if err := app.check(); err != nil {
			problem(err)
			continue
		}
		site := strings.TrimRight(o.BaseURL, "/")
		e := &entry{
			app: app, redirectURI: site + "/oauth/authorized/" + app.ID + "/",
			signedOutURI: site + "/oauth/signed-out/" + app.ID + "/", logoutURI: site + "/oauth/backchannel/" + app.ID + "/",
		}
		provider, err := kinds[app.Kind](&e.app, env{
			redirectURI: e.redirectURI, signedOutURI: e.signedOutURI, logoutURI: e.logoutURI, client: clients.of(app), log: o.Log.With("provider", app.ID),
			allowPrivate: o.AllowPrivate, now: o.now,
		})
		if err != nil {
			problem(err)
			continue
		}
		if len(e.app.AllowedDomains) > 0 && e.app.EmailTrust == EmailNever {
			problem(errors.New("allowed_domains: email_trust is never, so no address is proven and everybody would be refused; change one of them"))
			continue
		}
		if e.app.EmailTrust == EmailNever && (e.app.SignUp == broker.SignUpAutomatic || e.app.Unmailed || e.app.LinkByEmail) {
			problem(errors.New("sign_up, confirm_email, link_by_email: email_trust is never, so no word of its for an address counts; change one of them"))
			continue
		}
		e.provider = provider
		r.entries, r.byID[app.ID] = append(r.entries, e), e
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortStableFunc(r.entries, func(a, b *entry) int { return cmp.Compare(a.app.Order, b.app.Order) })
	return r, nil
}

// Providers returns what pages and rules need to know, in the operator's order,
// hidden ones included.
func (r *Registry) Providers() []broker.Provider {
	all := make([]broker.Provider, 0, len(r.entries))
	for _, e := range r.entries {
		all = append(all, e.describe())
	}
	return all
}

// Provider returns the description of one app.
func (r *Registry) Provider(id string) (broker.Provider, bool) {
	e, ok := r.byID[id]
	if !ok {
		return broker.Provider{}, false
	}
	return e.describe(), true
}

func (e *entry) describe() broker.Provider {
	return broker.Provider{
		ID: e.app.ID, Kind: e.app.Kind, Title: e.app.Title, Icon: e.app.Icon, Issuer: e.app.Issuer,
		Hidden: e.app.Hidden, LinkOnly: e.app.LinkOnly, Second: e.app.Second,
		SignUp: e.app.SignUp, Unmailed: e.app.Unmailed, LinkByEmail: e.app.LinkByEmail, Profile: e.app.Profile,
		SignOut: e.app.SignOut,
	}
}

// Begin makes the address to send a person to, with the caller's state in it,
// and what to keep until they return. ErrUnknown, ErrUnavailable, ErrUpstream
// or ErrMisconfigured.
func (r *Registry) Begin(ctx context.Context, id, state string, o broker.BeginOptions) (out broker.Outward, err error) {
	e, err := r.served(id)
	if err != nil {
		return broker.Outward{}, err
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	o = e.app.forwarded(o)
	var s goth.Session
	if p, ok := e.provider.(contextBeginner); ok {
		s, err = p.BeginAuthContext(ctx, state, o)
	} else {
		s, err = e.provider.BeginAuth(state)
	}
	if err != nil {
		return broker.Outward{}, err
	}
	url, err := s.GetAuthURL()
	if err != nil {
		return broker.Outward{}, err
	}
	return broker.Outward{URL: url, RedirectURI: e.redirectURI, ClientID: e.app.ClientID, Session: broker.Secret(s.Marshal())}, nil
}

// Complete turns a callback into a profile. The caller has found the attempt by
// its state, checked whose it is, and spent it: Complete never tries a code
// twice. Every error of this package can come out. Beside an error the profile
// holds the tokens that came all the same, for the caller to end, with issuer and
// subject as far as they are known, and nothing else.
func (r *Registry) Complete(ctx context.Context, id string, a broker.Attempt, cb broker.Callback) (p broker.Profile, err error) {
	e, err := r.served(id)
	if err != nil {
		return broker.Profile{}, err
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	if a.Provider != id || a.ClientID != e.app.ClientID || a.RedirectURI != e.redirectURI {
		return broker.Profile{}, ErrRestart.Becausef("the attempt was made for another provider or configuration")
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	if err := e.checkIssuer(ctx, cb); err != nil {
		return broker.Profile{}, err
	}
	switch {
	case cb.Error != "":
		return broker.Profile{}, callbackError(cb)
	case cb.Code == "":
		return broker.Profile{}, ErrIncomplete
	}
	s, err := e.provider.UnmarshalSession(a.Session.Reveal())
	if err != nil {
		return broker.Profile{}, ErrRestart.Because(redact(err))
	}
	p, err = e.fetch(ctx, s, cb.Code)
	if err != nil {
		return e.brought(s, r.now()), err
	}
	return p, nil
}

// fetch exchanges the code and reads the profile.
func (e *entry) fetch(ctx context.Context, s goth.Session, code broker.Secret) (broker.Profile, error) {
	authorizer, ok := s.(contextAuthorizer)
	fetcher, ok2 := e.provider.(profileFetcher)
	if !ok || !ok2 {
		return broker.Profile{}, fmt.Errorf("%T lacks a context or a profile", e.provider)
	}
	if _, err := authorizer.AuthorizeContext(ctx, e.provider, codeParam(code)); err != nil {
		return broker.Profile{}, err
	}
	p, err := fetcher.FetchProfile(ctx, s)
	if err != nil {
		return broker.Profile{}, err
	}
	if p.Issuer == "" || !validSubject(p.Subject) {
		return broker.Profile{}, ErrUpstream.Becausef("the provider tells no usable subject")
	}
	return p, e.app.admits(p)
}

// brought is what a refused sign-in left behind, as far as it can be read:
// nobody is going to use its tokens.
func (e *entry) brought(s goth.Session, at time.Time) broker.Profile {
	own, ok := s.(*session)
	if !ok || own.token == nil {
		return broker.Profile{}
	}
	p := broker.Profile{Issuer: e.app.Issuer, Subject: own.claims.str("sub"), Tokens: own.tokens(nil, at)}
	if lister, ok := e.provider.(tokenLister); ok {
		p.Tokens = lister.allTokens(own.token)
	}
	return p
}

// Revoke ends tokens at the provider, where it offers that. Tokens that are
// already gone are no error; a provider that is no longer configured is
// ErrUnknown, and ErrUnavailable is worth another try later.
func (r *Registry) Revoke(ctx context.Context, id string, tokens []broker.RemoteToken) (err error) {
	e, ok := r.byID[id]
	if !ok {
		return ErrUnknown.With("provider", id)
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	p, ok := e.provider.(revoker)
	if !ok || len(tokens) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	return p.Revoke(ctx, tokens)
}

// RevokeOnly is Revoke for tokens of a person who has given us others since:
// those stay good, also where Revoke would end everything at once (GitHub).
func (r *Registry) RevokeOnly(ctx context.Context, id string, tokens []broker.RemoteToken) (err error) {
	e, ok := r.byID[id]
	if !ok {
		return ErrUnknown.With("provider", id)
	}
	p, ok := e.provider.(tokenDropper)
	if !ok {
		return r.Revoke(ctx, id, tokens)
	}
	defer func() { err = r.finish(ctx, e, recover(), err) }()
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	var errs []error
	for _, t := range tokens {
		errs = append(errs, p.dropTokens(ctx, &oauth2.Token{AccessToken: t.AccessToken.Reveal(), RefreshToken: t.RefreshToken.Reveal()}))
	}
	return errors.Join(errs...)
}

// served returns an app that people may come through.
func (r *Registry) served(id string) (*entry, error) {
	e, ok := r.byID[id]
	if !ok || e.app.Hidden {
		return nil, ErrUnknown.With("provider", id)
	}
	return e, nil
}

// finish makes the error that leaves the package, also of a panic: whatever a
// provider sends, one person's sign-in ends and the process lives.
func (r *Registry) finish(ctx context.Context, e *entry, panicked any, err error) error {
	if panicked != nil {
		r.log.ErrorContext(ctx, "panic in a provider", "provider", e.app.ID, "stack", string(debug.Stack()))
		err = ErrUpstream.Becausef("panic: %T", panicked) // its text may hold what the provider sent
	}
	if err == nil {
		return nil
	}
	return classify(err).With("provider", e.app.Title)
}
