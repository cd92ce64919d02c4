package broker

import "time"

// Events of applications that register themselves.
const (
	EventClientRegistered = "client.registered"
	EventClientUpdated    = "client.updated"
	EventClientExpired    = "client.expired" // registered itself, was not used, and was removed
)

// InitialAccessToken lets applications register themselves (RFC 7591, section
// 1.2), as often as UsesLeft says.
type InitialAccessToken struct {
	Hash      string
	Note      string // who has it, for the operator
	UsesLeft  int
	CreatedAt time.Time
	ExpiresAt time.Time // zero: does not expire
}

// Live tells whether the token registers another application.
func (t InitialAccessToken) Live(at time.Time) bool {
	return t.UsesLeft > 0 && (t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt))
}

// Trouble is a kind of refusal that a client met, and how often. Code and
// Reason are ours: nothing that was sent is in it.
type Trouble struct {
	ClientID string
	Endpoint string // "authorize", "token", "userinfo", …
	Code     string // as the protocol calls it: "invalid_grant"
	Reason   string
	Times    int
	LastAt   time.Time
}
