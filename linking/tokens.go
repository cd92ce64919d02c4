package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// What asking for a remote token can end with.
var (
	// ErrNoToken: we hold no such token of the person's.
	ErrNoToken = &broker.Error{Kind: broker.KindNotFound, Message: "token.none"}
	// ErrReconnect: only the person can bring it back, by connecting the account
	// again.
	ErrReconnect = &broker.Error{Kind: broker.KindGone, Message: "token.reconnect"}
	// ErrTokenLater: the provider gives none just now, or somebody is still asking
	// it.
	ErrTokenLater = &broker.Error{Kind: broker.KindUnavailable, Message: "token.later"}
)

// TokenRef names a remote token. Where a person has several identities at one
// Provider, Identity says which.
type TokenRef struct {
	User     broker.UserID
	Provider string
	Identity string // UserIdentity.ID; "" the only one
	Kind     string // RemoteToken.Kind
}

const (
	// tokenLeeway is how long before its end a token is refreshed: whoever gets it
	// needs time to use it, and clocks differ. Half its life where that is less.
	tokenLeeway = time.Minute
	// tokenPatience is how long a caller waits while another one refreshes: a
	// provider that answers at all does so before.
	tokenPatience = 15 * time.Second
	// tokenLook and tokenLookMax are how soon, and at last how often, who waits looks.
	tokenLook, tokenLookMax = 20 * time.Millisecond, 500 * time.Millisecond
)

// TokenStep is what to do about a remote token that somebody needs.
type TokenStep string

// Steps of DecideToken.
const (
	TokenUse       TokenStep = "use"       // as it is
	TokenRefresh   TokenStep = "refresh"   // at the provider
	TokenWait      TokenStep = "wait"      // another one refreshes it
	TokenLater     TokenStep = "later"     // it has ended, and the provider is not to be asked yet
	TokenReconnect TokenStep = "reconnect" // it has ended, and only the person can bring it back
)

// DecideToken says what to do about a token at a time. anew asks for a fresh one
// whatever we hold, and whatever failed before.
func DecideToken(t broker.HeldToken, at time.Time, anew bool) TokenStep {
	alive := lives(t, at)
	leeway := tokenLeeway
	if half := t.ExpiresAt.Sub(t.UpdatedAt) / 2; half > 0 && !t.UpdatedAt.IsZero() {
		leeway = min(leeway, half)
	}
	otherwise := func(s TokenStep) TokenStep {
		if alive && !anew {
			return TokenUse
		}
		return s
	}
	switch {
	case alive && !anew && (t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt.Add(-leeway))):
		return TokenUse
	case t.RefreshToken == "":
		return otherwise(TokenReconnect)
	case at.Before(t.LeaseUntil):
		return TokenWait
	case anew:
		return TokenRefresh
	case t.State != broker.TokenAlive:
		return otherwise(TokenReconnect)
	case at.Before(t.RetryAt):
		return otherwise(TokenLater)
	}
	return TokenRefresh
}

// lives tells whether the access token has not ended yet, as far as we know.
func lives(t broker.HeldToken, at time.Time) bool {
	return t.AccessToken != "" && (t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt))
}

// RemoteToken returns an access token that can be used now, refreshed where that
// is due. Of many callers, on all replicas, one asks the provider. Errors:
// ErrNoToken, ErrReconnect, ErrTokenLater, ErrUnknownProvider, broker.ErrDisabled.
// It must not be called inside a unit of work. What has begun is finished whatever
// becomes of ctx.
func (l *Linker) RemoteToken(ctx context.Context, ref TokenRef) (broker.RemoteToken, error) {
	return l.token(ctx, ref, false)
}

// RenewToken is RemoteToken for a token that is fresh in any case.
func (l *Linker) RenewToken(ctx context.Context, ref TokenRef) (broker.RemoteToken, error) {
	return l.token(ctx, ref, true)
}

func (l *Linker) token(ctx context.Context, ref TokenRef, anew bool) (broker.RemoteToken, error) {
	p, err := l.provider(ref.Provider)
	if err != nil {
		return broker.RemoteToken{}, err
	}
	var failed error
	first, began, pause := -1, time.Now(), tokenLook
	for {
		place, t, err := l.heldToken(ctx, ref)
		if err != nil {
			return broker.RemoteToken{}, named(err, p)
		}
		if first < 0 {
			first = t.Version
		}
		at := time.Now()
		wanted := anew && t.Version == first // who waited for another one's has a fresh one
		step := DecideToken(t, at, wanted)
		if failed != nil || at.Sub(began) > tokenPatience {
			step = atLast(t, at, wanted)
		}
		switch step {
		case TokenUse:
			return t.RemoteToken, nil
		case TokenReconnect:
			return broker.RemoteToken{}, ErrReconnect.Because(cause(failed, t)).With("provider", p.Title)
		case TokenLater:
			return broker.RemoteToken{}, ErrTokenLater.Because(cause(failed, t)).With("provider", p.Title)
		case TokenRefresh:
			if failed, err = l.renew(ctx, place, t); err != nil {
				return broker.RemoteToken{}, err
			}
		case TokenWait:
			select {
			case <-ctx.Done():
				return broker.RemoteToken{}, ctx.Err()
			case <-time.After(pause):
				pause = min(2*pause, tokenLookMax)
			}
		}
	}
}

// atLast is the step where there is no more asking or waiting: the token is used
// as long as it lives, unless a fresh one is wanted.
func atLast(t broker.HeldToken, at time.Time, anew bool) TokenStep {
	switch {
	case !anew && lives(t, at):
		return TokenUse
	case t.State != broker.TokenAlive:
		return TokenReconnect
	}
	return TokenLater
}

// cause is why there is no token: what has just failed, or what failed last.
func cause(failed error, t broker.HeldToken) error {
	if failed == nil && t.LastError != "" {
		return errors.New(t.LastError)
	}
	return failed
}

// heldToken finds the token that ref names, which belongs to an identity of the
// user's, and tells whose it is at the provider.
func (l *Linker) heldToken(ctx context.Context, ref TokenRef) (broker.TokenPlace, broker.HeldToken, error) {
	user, err := l.store.User(ctx, ref.User)
	if err != nil {
		return broker.TokenPlace{}, broker.HeldToken{}, fmt.Errorf("user: %w", err)
	}
	if user.Disabled() {
		return broker.TokenPlace{}, broker.HeldToken{}, broker.ErrDisabled
	}
	identities, err := l.store.IdentitiesOf(ctx, ref.User)
	if err != nil {
		return broker.TokenPlace{}, broker.HeldToken{}, fmt.Errorf("identities: %w", err)
	}
	var found []broker.UserIdentity
	for _, i := range identities {
		if i.Provider == ref.Provider && (ref.Identity == "" || i.ID == ref.Identity) {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return broker.TokenPlace{}, broker.HeldToken{}, ErrNoToken.Becausef("%d identities at %s", len(found), ref.Provider)
	}
	account, err := l.store.RemoteAccount(ctx, found[0].Provider, found[0].Issuer, found[0].Subject)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return broker.TokenPlace{}, broker.HeldToken{}, fmt.Errorf("find remote account: %w", err)
	}
	if err != nil || account.UserID != ref.User {
		return broker.TokenPlace{}, broker.HeldToken{}, ErrNoToken
	}
	return l.tokenOf(ctx, account, ref.Kind)
}

// tokenOf returns one token of an account.
func (l *Linker) tokenOf(ctx context.Context, a broker.RemoteAccount, kind string) (broker.TokenPlace, broker.HeldToken, error) {
	held, err := l.store.HeldTokens(ctx, a.ID)
	if err != nil {
		return broker.TokenPlace{}, broker.HeldToken{}, fmt.Errorf("remote tokens: %w", err)
	}
	for _, t := range held {
		if t.Kind == kind {
			return broker.TokenPlace{
				AccountID: a.ID, Kind: kind, UserID: a.UserID, Provider: a.Provider, Issuer: a.Issuer, Subject: a.Subject, State: t.State,
			}, t, nil
		}
	}
	return broker.TokenPlace{}, broker.HeldToken{}, ErrNoToken
}
