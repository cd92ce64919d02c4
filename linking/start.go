package linking

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// StartRequest asks to send a person to a provider.
type StartRequest struct {
	Provider string
	Purpose  broker.Purpose
	Browser  broker.Secret  // the browser's cookie; binds the way back to it
	Session  broker.Session // of this browser; for link and reauth it must belong to somebody
	LoginID  broker.LoginID // the login that this is a part of; "" none
	ReturnTo string         // local path; anything else is dropped
	Options  broker.BeginOptions
}

// Start records an attempt and returns the URL to send the person to. Linking
// needs a recent sign-in already here, so that nobody makes the journey for
// nothing: link.stale. Other errors: provider.unknown, link.only, provider.*.
func (l *Linker) Start(ctx context.Context, r StartRequest) (string, error) {
	at := time.Now()
	p, err := l.provider(r.Provider)
	if err != nil {
		return "", err
	}
	if r.Browser == "" {
		return "", fmt.Errorf("start %s: no browser cookie", r.Provider)
	}
	switch r.Purpose {
	case broker.PurposeSignIn:
		r.Session.UserID = ""
		if p.LinkOnly {
			return "", ErrLinkOnly.With("provider", p.Title)
		}
	case broker.PurposeLink:
		if !r.Session.Fresh(l.fresh, at) {
			return "", ErrStale.With("provider", p.Title)
		}
	case broker.PurposeReauth:
		if r.Session.UserID == "" {
			return "", broker.ErrSignIn
		}
	default:
		return "", fmt.Errorf("start %s: purpose %q", r.Provider, r.Purpose)
	}
	state := broker.NewSecret()
	out, err := l.apps.Begin(ctx, r.Provider, state.Reveal(), r.Options)
	if err != nil {
		l.refused(r.Provider, err)
		return "", err
	}
	err = l.store.CreateAttempt(ctx, broker.Attempt{
		StateHash: state.Hash(), BrowserHash: r.Browser.Hash(), Provider: r.Provider, Purpose: r.Purpose,
		UserID: r.Session.UserID, LoginID: r.LoginID, ReturnTo: broker.LocalPath(r.ReturnTo),
		RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session,
		CreatedAt: at, ExpiresAt: at.Add(broker.AttemptLifetime),
	})
	if err != nil {
		return "", fmt.Errorf("start %s: %w", r.Provider, err)
	}
	return out.URL, nil
}
