package linking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// farewellTimeout bounds the question whether a provider has a way out: the person
// is signed out here already and waits for the page that says so.
const farewellTimeout = 3 * time.Second

// LeaveLifetime is how long the way out of a provider is open: long enough to read
// the page that offers it and to answer what the provider asks.
const LeaveLifetime = 15 * time.Minute

// Leaving is a way to sign out at a provider, offered to somebody who has just
// signed out here. The zero value: there is none.
type Leaving struct {
	Title     string
	URL       string        // page of the provider's that signs them out; "" State leads there
	State     broker.Secret // of the journey, for Depart
	Automatic bool          // the operator wants it in any case, and the provider brings them back
}

// Offered tells whether there is anything.
func (l Leaving) Offered() bool { return l.URL != "" || l.State != "" }

// LeaveRequest asks how somebody can sign out at the provider that they signed in
// with. Their session here has ended.
type LeaveRequest struct {
	Provider  string
	Upstream  broker.Upstream // zero: not known
	Browser   broker.Secret   // cookie of this journey; binds the way back to the browser
	Request   string          // the application's logout request, to be taken up on the way back; "" none
	UILocales string
}

// leaving is what a journey to sign out keeps until the way back.
type leaving struct {
	URL     string `json:"url"` // with the hint
	Request string `json:"request,omitempty"`
}

// Upstream returns from which session at a provider a session came; zero where
// that is not known.
func (l *Linker) Upstream(ctx context.Context, s broker.Session) (broker.Upstream, error) {
	if s.Provider == "" {
		return broker.Upstream{}, nil
	}
	u, err := l.store.Upstream(ctx, s.IDHash)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Upstream{}, nil
	}
	if err != nil {
		return u, fmt.Errorf("upstream session: %w", err)
	}
	return u, nil
}

// Leave finds the way out of a provider, as its policy has it. A provider that is
// down, or not configured any more, has none: the log tells, the person is signed
// out here all the same.
func (l *Linker) Leave(ctx context.Context, r LeaveRequest) (Leaving, error) {
	p, ok := l.apps.Provider(r.Provider)
	if !ok || p.SignOut == broker.SignOutNone {
		return Leaving{}, nil
	}
	at, state := time.Now(), broker.NewSecret()
	asked, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	f, err := l.apps.Farewell(asked, p.ID, broker.SignOutRequest{Upstream: r.Upstream, State: state, UILocales: r.UILocales})
	if err != nil {
		l.log.WarnContext(ctx, "no way to sign out at the provider", "provider", p.ID, "err", err)
		return Leaving{}, nil
	}
	switch {
	case f.URL == "":
		return Leaving{}, nil
	case !f.Returns:
		return Leaving{Title: p.Title, URL: f.URL}, nil
	case r.Browser == "":
		return Leaving{}, fmt.Errorf("leave %s: no browser cookie", p.ID)
	}
	kept, err := json.Marshal(leaving{URL: f.URL, Request: r.Request})
	if err != nil {
		return Leaving{}, fmt.Errorf("leave %s: not JSON", p.ID) // the cause may quote it
	}
	err = l.store.CreateAttempt(ctx, broker.Attempt{
		StateHash: state.Hash(), BrowserHash: r.Browser.Hash(), Provider: p.ID, Purpose: broker.PurposeSignOut,
		Session: broker.Secret(kept), CreatedAt: at, ExpiresAt: at.Add(LeaveLifetime),
	})
	if err != nil {
		return Leaving{}, fmt.Errorf("leave %s: %w", p.ID, err)
	}
	return Leaving{Title: p.Title, State: state, Automatic: f.Automatic && p.SignOut == broker.SignOutAlways}, nil
}

// Depart returns where to send a person who signs out at a provider now. The
// address holds their ID token: it is for a redirect of this very browser and
// for nothing else. It spends nothing. Errors: those of attempts.
func (l *Linker) Depart(ctx context.Context, provider string, browser, state broker.Secret) (string, error) {
	_, kept, err := l.journeyOut(ctx, provider, browser, state, time.Now())
	return kept.URL, err
}

// Return ends a journey, once, and gives back the application's request that it
// began with; "" none. Errors: those of attempts; there is nothing else to do about
// them than to say that the person is signed out here.
func (l *Linker) Return(ctx context.Context, provider string, browser, state broker.Secret) (request string, err error) {
	at := time.Now()
	a, kept, err := l.journeyOut(ctx, provider, browser, state, at)
	if err != nil {
		return "", err
	}
	switch err := l.store.SpendAttempt(ctx, a.StateHash, at); {
	case errors.Is(err, broker.ErrSpent):
		return "", ErrAttemptEnded
	case err != nil:
		return "", fmt.Errorf("spend attempt: %w", err)
	}
	l.log.InfoContext(ctx, "back from signing out", "provider", a.Provider)
	return kept.Request, nil
}

// journeyOut finds a journey of this browser to sign out at a provider.
func (l *Linker) journeyOut(ctx context.Context, provider string, browser, state broker.Secret, at time.Time) (broker.Attempt, leaving, error) {
	var kept leaving
	if state == "" {
		return broker.Attempt{}, kept, ErrIncomplete
	}
	a, err := l.store.Attempt(ctx, state.Hash())
	switch {
	case errors.Is(err, broker.ErrNotFound), err == nil && a.Purpose != broker.PurposeSignOut:
		return broker.Attempt{}, kept, ErrAttempt
	case err != nil:
		return broker.Attempt{}, kept, fmt.Errorf("find attempt: %w", err)
	case !browser.Matches(a.BrowserHash):
		return broker.Attempt{}, kept, ErrOtherBrowser
	case a.Provider != provider:
		return broker.Attempt{}, kept, ErrOtherProvider
	case !a.UsedAt.IsZero(), !at.Before(a.ExpiresAt):
		return broker.Attempt{}, kept, ErrAttemptEnded
	}
	if err := json.Unmarshal([]byte(a.Session.Reveal()), &kept); err != nil {
		return broker.Attempt{}, kept, errors.New("find attempt: it is not what Leave wrote")
	}
	return a, kept, nil
}
