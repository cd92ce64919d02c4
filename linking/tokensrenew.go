package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

const (
	// tokenAsk bounds a refresh at the provider: discovery, keys and the request.
	tokenAsk = 20 * time.Second
	// tokenLease is how long nobody else refreshes the token, should the process
	// that does so die: what it may take at the provider, and a reserve for clocks
	// that differ.
	tokenLease = time.Minute
	// tokenSave is how long we try to write an answer down. It may hold the only
	// refresh token that is left, so a database that is away for a moment must not
	// cost it; longer, and the process could not be stopped.
	tokenSave = 25 * time.Second
	// tokenBackOff and tokenBackOffMax are the first and the longest pause after
	// refreshes that failed.
	tokenBackOff, tokenBackOffMax = time.Minute, time.Hour
)

// renew refreshes a token: it claims it, asks the provider outside of any unit of
// work, and writes down what came. failed is why no token came, which is written
// down too. Where somebody else was faster neither is set.
func (l *Linker) renew(ctx context.Context, place broker.TokenPlace, t broker.HeldToken) (failed, err error) {
	ctx = context.WithoutCancel(ctx) // a refresh token that was sent may be worth nothing any more
	at, lease := time.Now(), broker.NewID()
	switch err := l.store.ClaimRemoteToken(ctx, t, lease, at, at.Add(tokenLease)); {
	case errors.Is(err, broker.ErrSpent):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("claim remote token: %w", err)
	}
	ask, cancel := context.WithDeadline(ctx, at.Add(tokenAsk))
	renewal, failed := l.apps.Refresh(ask, place.Provider, place.Subject, t.RemoteToken)
	cancel()
	if failed == nil {
		return nil, l.persist(ctx, func(ctx context.Context) error { return l.keepRenewed(ctx, place, t, renewal.Token) })
	}
	f := failure(t, renewal, failed, time.Now())
	l.log.InfoContext(ctx, "remote token not refreshed", "provider", place.Provider, "user", place.UserID, "kind", place.Kind,
		"state", f.State, "unanswered", f.Unanswered, "failures", t.Failures+1, "err", failed)
	return failed, l.persist(ctx, func(ctx context.Context) error { return l.keepFailure(ctx, place, t, lease, f) })
}

// failure says what becomes of a token that was not refreshed.
func failure(t broker.HeldToken, r broker.Renewal, cause error, at time.Time) broker.TokenFailure {
	f := broker.TokenFailure{Error: cause.Error(), Unanswered: r.Unanswered}
	switch broker.KindOf(cause) {
	case broker.KindGone, broker.KindForbidden:
		f.State = broker.TokenRefused
		if !t.AskedAt.IsZero() {
			f.State = broker.TokenUnanswered
		}
	case broker.KindConflict:
		f.State = broker.TokenForeign
	default:
		f.RetryAt = at.Add(max(backOff(t.Failures), min(r.RetryAfter, tokenBackOffMax)))
	}
	return f
}

// backOff is the pause after a further failure: a minute, doubled each time, an
// hour at most.
func backOff(failures int) time.Duration {
	if failures < 0 || failures > 6 {
		return tokenBackOffMax
	}
	return min(tokenBackOff<<failures, tokenBackOffMax)
}

// persist tries to write until it succeeds, for tokenSave.
func (l *Linker) persist(ctx context.Context, write func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tokenSave)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := write(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			l.log.ErrorContext(ctx, "answer to a refresh not written down", "err", err)
			return fmt.Errorf("write down the answer to a refresh: %w", err)
		case <-time.After(pause):
		}
	}
}

// keepRenewed writes down what a refresh brought. Where the person has unlinked
// the account meanwhile, or it belongs to somebody else now, it ends at the
// provider instead.
func (l *Linker) keepRenewed(ctx context.Context, place broker.TokenPlace, t broker.HeldToken, fresh broker.RemoteToken) error {
	err := l.store.SaveRenewedToken(ctx, place.UserID, t, fresh)
	if !errors.Is(err, broker.ErrSpent) {
		return err
	}
	return l.store.InTx(ctx, func(ctx context.Context) error {
		account, err := l.store.RemoteAccount(ctx, place.Provider, place.Issuer, place.Subject)
		switch {
		case errors.Is(err, broker.ErrNotFound):
			account = broker.RemoteAccount{Provider: place.Provider, Issuer: place.Issuer, Subject: place.Subject}
		case err != nil:
			return fmt.Errorf("find remote account: %w", err)
		case account.ID == place.AccountID && account.UserID == place.UserID:
			held, err := l.store.HeldTokens(ctx, account.ID)
			if err != nil {
				return fmt.Errorf("remote tokens: %w", err)
			}
			for _, now := range held {
				if now.Kind == place.Kind {
					// A sign-in was faster, or this very answer is written
					// already. It is left to expire: to end it could end the
					// newer tokens of the same person with it.
					return nil
				}
			}
		}
		return l.store.Enqueue(ctx, broker.NewRevocation(account, []broker.RemoteToken{fresh}).Entry(time.Now()))
	})
}

// keepFailure writes down that a refresh brought nothing, and tells of a token
// that is lost.
func (l *Linker) keepFailure(ctx context.Context, place broker.TokenPlace, t broker.HeldToken, lease string, f broker.TokenFailure) error {
	err := l.store.InTx(ctx, func(ctx context.Context) error {
		if err := l.store.FailRemoteToken(ctx, t, lease, f); err != nil {
			return err
		}
		if f.State == broker.TokenAlive || f.State == t.State {
			return nil
		}
		e := broker.NewEvent(ctx, broker.EventTokenLost, time.Now())
		e.UserID, e.Provider, e.Detail = place.UserID, place.Provider, map[string]string{"reason": string(f.State)}
		if place.Kind != "" {
			e.Detail["kind"] = place.Kind
		}
		return l.store.AddEvent(ctx, e)
	})
	if errors.Is(err, broker.ErrSpent) {
		return nil // a sign-in brought another, or the lease ran out: whoever came after knows better
	}
	return err
}

const (
	// keepLeast is how long a refresh token must have been given for to be kept
	// alive by us: what lives for hours follows a session at the provider, and is
	// not ours to prolong.
	keepLeast = 7 * 24 * time.Hour
	// keepAtOnce bounds one round of KeepTokens.
	keepAtOnce = 100
)

// KeepTokens refreshes tokens whose refresh token would end of disuse: those of
// GitHub Apps live for half a year from one refresh to the next, those of Globus
// for half a year without use. It returns how many it refreshed. A provider that
// does not answer is left alone until the next round.
func (l *Linker) KeepTokens(ctx context.Context) (int, error) {
	var ids []string
	for _, p := range l.Providers() {
		ids = append(ids, p.ID)
	}
	places, err := l.store.EndingTokens(ctx, ids, time.Now(), keepLeast, keepAtOnce)
	if err != nil {
		return 0, fmt.Errorf("ending tokens: %w", err)
	}
	kept, silent := 0, map[string]bool{}
	for _, p := range places {
		if ctx.Err() != nil || silent[p.Provider] {
			continue
		}
		held, err := l.store.HeldTokens(ctx, p.AccountID)
		if err != nil {
			return kept, fmt.Errorf("remote tokens: %w", err)
		}
		for _, t := range held {
			if t.Kind != p.Kind || DecideToken(t, time.Now(), true) != TokenRefresh {
				continue
			}
			failed, err := l.renew(ctx, p, t)
			if err != nil {
				return kept, err
			}
			silent[p.Provider] = broker.KindOf(failed) == broker.KindUnavailable
			if failed == nil {
				kept++
			}
		}
	}
	return kept, nil
}
