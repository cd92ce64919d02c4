package providers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// ErrOtherPerson: the provider answered a refresh token with tokens of somebody
// else. Nothing of the answer is used.
var ErrOtherPerson = &broker.Error{Kind: broker.KindConflict, Message: "provider.other_person"}

// refresher gets new tokens for a refresh token of subject's. Tokens that it does
// not hand on it has dropped.
type refresher interface {
	renew(ctx context.Context, subject string, t broker.RemoteToken) (broker.Renewal, error)
}

var (
	_ refresher = (*openID)(nil)
	_ refresher = (*githubProvider)(nil)
)

// Refresh uses the refresh token of a remote token, once, and returns what came
// for it. subject is whom the token must belong to. Errors: ErrRestart (and
// ErrDenied) where the provider takes the refresh token no more, ErrOtherPerson,
// ErrUnavailable where it is down, slow or asks us to wait, ErrMisconfigured,
// ErrUpstream, ErrUnknown. The Renewal says beside an error whether the provider may
// have acted.
func (r *Registry) Refresh(ctx context.Context, id, subject string, t broker.RemoteToken) (renewal broker.Renewal, err error) {
	e, err := r.served(id)
	if err != nil {
		return broker.Renewal{}, err
	}
	defer func() {
		panicked := recover()
		if panicked != nil {
			renewal = broker.Renewal{Unanswered: true}
		}
		err = r.finish(ctx, e, panicked, err)
	}()
	p, ok := e.provider.(refresher)
	if !ok || t.RefreshToken == "" {
		return broker.Renewal{}, ErrRestart.Becausef("there is nothing to refresh with")
	}
	ctx, cancel := context.WithTimeout(ctx, completeTimeout)
	defer cancel()
	return p.renew(ctx, subject, t)
}

// dropTimeout bounds the clean-up after a refused refresh.
const dropTimeout = 5 * time.Second

// renewed makes a remote token of an answer to a refresh token of was.
func renewed(t *oauth2.Token, was broker.RemoteToken, idle time.Duration, at time.Time) broker.RemoteToken {
	own := session{token: t}
	fresh := own.tokens(was.Scopes, at)[0] // told scopes, or those of before (RFC 6749, section 6)
	fresh.AccountID, fresh.Kind = was.AccountID, was.Kind
	fresh.RefreshExpiresAt = refreshEnds(t, at, idle)
	if fresh.RefreshToken == was.RefreshToken {
		fresh.RefreshToken = "" // x/oauth2 repeats it
	}
	return fresh
}

// renew implements refresher. An ID token in the answer must be the provider's,
// for us and about subject (OpenID Connect Core 1.0, section 12.2). The keys to
// verify it with are had first: an answer that cannot be verified is an answer
// lost.
func (p *openID) renew(ctx context.Context, subject string, was broker.RemoteToken) (broker.Renewal, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return broker.Renewal{}, err
	}
	cfg, err := p.config(m)
	if err != nil {
		return broker.Renewal{}, err
	}
	keys, err := p.dir.keySet(ctx)
	if err != nil {
		return broker.Renewal{}, err
	}
	if _, err := keys.get(ctx, metadataFresh); err != nil {
		return broker.Renewal{}, err
	}
	t, renewal, err := p.env.client.renew(ctx, cfg, was.RefreshToken)
	if err != nil {
		return renewal, err
	}
	if err := p.checkRenewed(ctx, m, &t, was.Kind, subject); err != nil {
		p.dropRenewed(ctx, t)
		return broker.Renewal{Unanswered: true}, err
	}
	return broker.Renewal{Token: renewed(t, was, p.rules.refreshIdle, p.env.now())}, nil
}

// checkRenewed picks the token of a kind out of an answer, and refuses what is not
// subject's.
func (p *openID) checkRenewed(ctx context.Context, m metadata, t **oauth2.Token, kind, subject string) error {
	if p.rules.renewed != nil {
		picked, err := p.rules.renewed(*t, kind, subject)
		if err != nil {
			return err
		}
		*t = picked
	}
	if (*t).Extra("id_token") == nil {
		return nil
	}
	c, err := p.verify(ctx, m, *t, "", p.env.now())
	if err != nil {
		return err
	}
	if c.str("sub") != subject {
		return ErrOtherPerson.Becausef("the ID token of a refresh has another sub")
	}
	return nil
}

// dropRenewed ends what came for a refresh token and nobody is going to use.
func (p *openID) dropRenewed(ctx context.Context, t *oauth2.Token) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer cancel()
	fresh := broker.RemoteToken{AccessToken: broker.Secret(t.AccessToken), RefreshToken: broker.Secret(t.RefreshToken)}
	if err := p.Revoke(ctx, []broker.RemoteToken{fresh}); err != nil {
		p.env.log.WarnContext(ctx, "tokens of a refused refresh not revoked", "err", redact(err))
	}
}

// renew implements refresher. Both tokens are new afterwards, and the old ones are
// dead: it is never repeated.
func (p *githubProvider) renew(ctx context.Context, _ string, was broker.RemoteToken) (broker.Renewal, error) {
	t, renewal, err := p.env.client.renew(ctx, &p.oauth, was.RefreshToken)
	if err != nil {
		return renewal, err
	}
	return broker.Renewal{Token: renewed(t, was, 0, p.env.now())}, nil
}

// renew uses a refresh token, once, and says beside an error whether the provider
// may have acted.
func (c *client) renew(ctx context.Context, cfg *oauth2.Config, token broker.Secret) (*oauth2.Token, broker.Renewal, error) {
	w := &watched{next: c.http.Transport}
	own := *c.http
	own.Transport = w
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { w.sent.Store(true) }})
	t, err := (&client{http: &own, limits: c.limits}).refresh(ctx, cfg, token)
	if err == nil {
		return t, broker.Renewal{}, nil
	}
	renewal := broker.Renewal{RetryAfter: w.retryAfter}
	switch kind := broker.KindOf(err); {
	case !w.sent.Load(), w.status >= 400 && w.status <= 499:
	case w.status >= 200 && w.status <= 299 && (kind == broker.KindGone || kind == broker.KindForbidden || errors.Is(err, ErrMisconfigured)): // GitHub refuses with 200
	default:
		renewal.Unanswered = true
	}
	return nil, renewal, err
}

// watched is a transport that remembers how far a request came.
type watched struct {
	next       http.RoundTripper
	sent       atomic.Bool
	status     int // 0: no answer
	retryAfter time.Duration
}

// RoundTrip implements http.RoundTripper.
func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.status = resp.StatusCode
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		w.retryAfter = time.Duration(seconds) * time.Second
	}
	return resp, nil
}
