package broker

import (
	"encoding/json"
	"time"
)

// OutboxRevoke is the kind of outbox entry whose payload is a Revocation as
// JSON.
const OutboxRevoke = "revoke"

// Revocation ends, at the provider, what let us act for a person there. It
// waits in the outbox with the tokens in it: by then no table has them.
type Revocation struct {
	Provider string         `json:"provider"`
	Issuer   string         `json:"issuer"`
	Subject  string         `json:"subject"`
	Tokens   []RevokedToken `json:"tokens"`
	// Only: the tokens end, and what else the person gave us there stays. It is
	// for those of a sign-in that was refused; their subject may be "", unknown.
	Only bool `json:"only,omitempty"`
}

// RevokedToken is a pair of tokens in the clear: the outbox seals its payloads.
type RevokedToken struct {
	Kind    string `json:"kind,omitempty"`
	Access  string `json:"access,omitempty"`
	Refresh string `json:"refresh,omitempty"`
}

// NewRevocation makes the revocation of the tokens of an account.
func NewRevocation(a RemoteAccount, tokens []RemoteToken) Revocation {
	r := Revocation{Provider: a.Provider, Issuer: a.Issuer, Subject: a.Subject}
	for _, t := range tokens {
		r.Tokens = append(r.Tokens, RevokedToken{Kind: t.Kind, Access: t.AccessToken.Reveal(), Refresh: t.RefreshToken.Reveal()})
	}
	return r
}

// Remote returns the tokens as providers take them.
func (r Revocation) Remote() []RemoteToken {
	tokens := make([]RemoteToken, len(r.Tokens))
	for i, t := range r.Tokens {
		tokens[i] = RemoteToken{Kind: t.Kind, AccessToken: Secret(t.Access), RefreshToken: Secret(t.Refresh)}
	}
	return tokens
}

// Entry makes the outbox entry that carries r out.
func (r Revocation) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(r) // strings alone: cannot fail
	return OutboxEntry{ID: NewID(), Kind: OutboxRevoke, Payload: payload, CreatedAt: at, NextAt: at}
}
