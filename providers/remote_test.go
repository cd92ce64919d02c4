package providers

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// brokerURL is what the broker of these tests is called.
const brokerURL = "https://broker.example"

// trip is one journey: the attempt that is kept, and the callback that came.
type trip struct {
	attempt  broker.Attempt
	callback broker.Callback
	url      *url.URL
}

// registryOf makes a registry of apps that may be on loopback. Its log goes to
// the buffer.
func registryOf(t testing.TB, apps ...App) (*Registry, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	r, err := New(Options{
		Apps: apps, BaseURL: brokerURL, AllowPrivate: true, Log: slog.New(slog.NewTextHandler(log, nil)),
		limits: limits{call: 2 * time.Second, retry: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, log
}

// begin begins an attempt with the state, as linking does.
func begin(t testing.TB, r *Registry, id, state string, o broker.BeginOptions) (broker.Outward, broker.Attempt) {
	t.Helper()
	out, err := r.Begin(context.Background(), id, state, o)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return out, broker.Attempt{Provider: id, RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session, Purpose: broker.PurposeSignIn}
}

// arrive makes the trip of a callback URL, which must echo the state.
func arrive(t testing.TB, a broker.Attempt, state string, u *url.URL) trip {
	t.Helper()
	cb, err := broker.ParseCallback(u.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	if cb.State.Reveal() != state {
		t.Fatalf("state came back as %q", cb.State.Reveal())
	}
	if got := u.Scheme + "://" + u.Host + u.Path; got != a.RedirectURI {
		t.Fatalf("came back to %s, want %s", got, a.RedirectURI)
	}
	return trip{a, cb, u}
}

// visit goes there and back as person, who says yes.
func visit(t testing.TB, r *Registry, id string, v *providertest.Visitor, person string, pairs ...string) trip {
	t.Helper()
	const state = "s+t/a%t e"
	out, a := begin(t, r, id, state, broker.BeginOptions{})
	return arrive(t, a, state, v.Allow(t, out.URL, person, pairs...))
}

func complete(r *Registry, tr trip) (broker.Profile, error) {
	return completed(r, tr.attempt, tr.callback)
}

// signIn is visit and complete, and must succeed.
func signIn(t testing.TB, r *Registry, id string, v *providertest.Visitor, person string, pairs ...string) broker.Profile {
	t.Helper()
	p, err := complete(r, visit(t, r, id, v, person, pairs...))
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	return p
}

// wantRefusal holds an error against a sentinel, and its text against secrets.
func wantRefusal(t testing.TB, err error, want *broker.Error, secrets ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %s", err, want.Message)
	}
	wantNoSecret(t, err.Error(), secrets...)
}

func wantNoSecret(t testing.TB, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("a secret is in %q", text)
		}
	}
}

// clientOver is a client with our rules over the way to a fake under real names.
func clientOver(hc *http.Client) *client {
	return &client{
		limits: limits{call: 2 * time.Second, retry: time.Millisecond}.withDefaults(),
		http:   &http.Client{Transport: &transport{way: reachAll, next: hc.Transport}, CheckRedirect: checkRedirect},
	}
}

// basicOf reads HTTP Basic from a header.
func basicOf(h http.Header) (id, secret string, ok bool) {
	return (&http.Request{Header: h}).BasicAuth()
}
