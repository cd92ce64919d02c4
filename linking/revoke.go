package linking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// revokeLater leaves word that the tokens of an account shall end at the
// provider, inside the unit of work that removes them here. Where we keep none,
// or nobody could ask the provider, there is nothing to leave.
func (l *Linker) revokeLater(ctx context.Context, a broker.RemoteAccount, at time.Time) error {
	if _, configured := l.apps.Provider(a.Provider); !configured {
		l.log.WarnContext(ctx, "tokens not revoked: the provider is not configured any more", "provider", a.Provider, "user", a.UserID)
		return nil
	}
	tokens, err := l.store.RemoteTokens(ctx, a.ID)
	if err != nil {
		return fmt.Errorf("remote tokens: %w", err)
	}
	if len(tokens) == 0 {
		return nil
	}
	return l.store.Enqueue(ctx, broker.NewRevocation(a, tokens).Entry(at))
}

// endLater leaves word that the tokens which a refused journey brought shall end at
// the provider: nobody is going to use them. What the person gave us before stays.
func (l *Linker) endLater(ctx context.Context, p broker.Provider, left broker.Profile, at time.Time) {
	if len(left.Tokens) == 0 {
		return
	}
	r := broker.NewRevocation(broker.RemoteAccount{Provider: p.ID, Issuer: left.Issuer, Subject: left.Subject}, left.Tokens)
	r.Only = true
	if err := l.store.Enqueue(context.WithoutCancel(ctx), r.Entry(at)); err != nil {
		l.log.WarnContext(ctx, "tokens of a refused journey not revoked", "provider", p.ID, "err", err)
	}
}

// DeliverRevocation is the handler of outbox entries of the kind
// broker.OutboxRevoke: it ends tokens at the provider. Tokens that are gone
// already are no error. Where the person has linked the same identity again
// meanwhile, what they gave us then is spared.
func (l *Linker) DeliverRevocation(ctx context.Context, payload []byte) error {
	var r broker.Revocation
	if err := json.Unmarshal(payload, &r); err != nil {
		return broker.Permanent(fmt.Errorf("read revocation: %w", err))
	}
	if _, ok := l.apps.Provider(r.Provider); !ok {
		return broker.Permanent(fmt.Errorf("provider %s is not configured any more: tokens there end when they expire, or when the person ends them", r.Provider))
	}
	account, err := l.store.RemoteAccount(ctx, r.Provider, r.Issuer, r.Subject)
	switch {
	case errors.Is(err, broker.ErrNotFound) && r.Only:
		return l.apps.RevokeOnly(ctx, r.Provider, r.Remote())
	case errors.Is(err, broker.ErrNotFound):
		return l.apps.Revoke(ctx, r.Provider, r.Remote())
	case err != nil:
		return fmt.Errorf("find remote account: %w", err)
	}
	held, err := l.store.RemoteTokens(ctx, account.ID)
	if err != nil {
		return fmt.Errorf("remote tokens: %w", err)
	}
	return l.apps.RevokeOnly(ctx, r.Provider, without(r.Remote(), held))
}

// without leaves out of tokens what is among held: some providers give the same
// token twice.
func without(tokens, held []broker.RemoteToken) []broker.RemoteToken {
	same := map[broker.Secret]bool{}
	for _, t := range held {
		same[t.AccessToken], same[t.RefreshToken] = true, true
	}
	delete(same, "")
	var left []broker.RemoteToken
	for _, t := range tokens {
		if same[t.AccessToken] {
			t.AccessToken = ""
		}
		if same[t.RefreshToken] {
			t.RefreshToken = ""
		}
		if t.AccessToken != "" || t.RefreshToken != "" {
			left = append(left, t)
		}
	}
	return left
}
