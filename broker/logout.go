package broker

import (
	"encoding/json"
	"time"
)

// OutboxLogout is the kind of outbox entry whose payload is a LogoutNotice as
// JSON.
const OutboxLogout = "logout"

// LogoutNotice is word to an application that a person's session is over (OpenID
// Connect Back-Channel Logout 1.0). It holds what delivery needs of the
// registration: by then the application may have been deleted.
type LogoutNotice struct {
	URI      string `json:"uri"` // backchannel_logout_uri
	ClientID string `json:"client_id"`
	Alg      string `json:"alg"`           // signature, as of the client's ID tokens
	Subject  string `json:"sub"`           // the person, as the client knows them
	SID      string `json:"sid,omitempty"` // "" every session of the person

	// How the token is encrypted, as the client's ID tokens are; "": it is not.
	EncryptionAlg string `json:"encryption_alg,omitempty"`
	EncryptionEnc string `json:"encryption_enc,omitempty"`
	JWKS          string `json:"jwks,omitempty"` // the client's keys, or
	JWKSURI       string `json:"jwks_uri,omitempty"`
}

// Entry is the outbox entry that delivers n.
func (n LogoutNotice) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(n) // strings alone: cannot fail
	return OutboxEntry{ID: NewID(), Kind: OutboxLogout, Payload: payload, CreatedAt: at, NextAt: at}
}

// Participant is a client that got tokens for a user in a session.
type Participant struct {
	ClientID string
	UserID   UserID
	SID      string // "" no session
}
