package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// LinkPending links the identity that a login has proven to the user whom the
// same login has authenticated. The session must be that user's and recent.
// Where it would be a second one of its provider, agreed tells that the person
// wants it in the place of the first; without that it is refused (link.second).
func (l *Linker) LinkPending(ctx context.Context, s broker.Session, login broker.Login, agreed bool) (Outcome, error) {
	at := time.Now()
	if login.Remote == nil || login.UserID == "" {
		return "", broker.ErrSpent
	}
	p, err := l.provider(login.Remote.Provider)
	if err != nil {
		return "", err
	}
	var outcome Outcome
	err = l.store.InTx(ctx, func(ctx context.Context) error {
		res := Result{Attempt: broker.Attempt{Purpose: broker.PurposeLink, UserID: login.UserID}, Profile: *login.Remote}
		f, identity, err := l.facts(ctx, p, s, &res, at)
		if err != nil {
			return err
		}
		f.Agreed = agreed
		if outcome, err = Decide(f); err != nil {
			return err
		}
		switch outcome {
		case AskReplace:
			return ErrSecond // the page has asked, and the answer was not this
		case Linked:
			err = l.link(ctx, res.User, res.Profile, "linked", p.Title, at)
		case Replaced:
			err = l.replace(ctx, res.User, res.Profile, p.Title, at)
		default:
			err = l.refresh(ctx, identity, res.Profile, at)
		}
		if err != nil {
			return err
		}
		return l.DropPending(ctx, login)
	})
	if errors.Is(err, broker.ErrConflict) {
		err = ErrTaken.Because(err)
	}
	if err != nil {
		return "", named(err, p)
	}
	return outcome, nil
}

// Replaces returns the identity whose place a login's proven identity would
// take, by the provider's policy; ok is false where it would take none's.
func (l *Linker) Replaces(ctx context.Context, login broker.Login) (old LinkedAccount, ok bool, err error) {
	if login.Remote == nil || login.UserID == "" {
		return old, false, nil
	}
	p, err := l.provider(login.Remote.Provider)
	if err != nil || p.Second != broker.SecondReplace {
		return old, false, err
	}
	others, err := l.others(ctx, login.UserID, *login.Remote)
	if err != nil || len(others) != 1 {
		return old, false, err
	}
	account, err := l.store.RemoteAccount(ctx, others[0].Provider, others[0].Issuer, others[0].Subject)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return old, false, fmt.Errorf("find remote account: %w", err)
	}
	return LinkedAccount{Identity: others[0], Account: account, Provider: p, Configured: true}, true, nil
}

// DropPending forgets the identity that a login has proven.
func (l *Linker) DropPending(ctx context.Context, login broker.Login) error {
	login.Remote = nil
	return l.store.SaveLogin(ctx, login)
}

// askReplace keeps what was proven in a login of the actor's, until they say
// whether it shall take the place of the other one.
func (l *Linker) askReplace(ctx context.Context, browser broker.Secret, s broker.Session, res *Result, at time.Time) error {
	profile := res.Profile
	res.Login = broker.Login{
		ID: broker.LoginID(broker.NewID()), BrowserHash: browser.Hash(), ReturnTo: res.Attempt.ReturnTo,
		StartedAt: at, ExpiresAt: at.Add(broker.LoginLifetime), Remote: &profile,
	}
	res.Login.Authenticated(res.User.ID, broker.Authentication{At: s.AuthTime, AMR: s.AMR, ACR: s.ACR, Provider: s.Provider})
	res.Login.SID = s.SID
	return l.store.CreateLogin(ctx, res.Login)
}
