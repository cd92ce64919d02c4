package broker

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"
)

// UserIdentity is one way into an account: the person whom a provider knows as
// subject. (Provider, Issuer, Subject) is unique: an identity opens one
// account. Neither an e-mail address nor a login name is ever part of it.
type UserIdentity struct {
	ID         string // NewID
	UserID     UserID
	Provider   string // id of the provider in the configuration: "github", "orcid"
	Issuer     string // OpenID issuer, or the provider's base URL where it is none
	Subject    string // stable external id, at most 255 bytes
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never signed in with
}

// KnownIdentity is an identity with what stands beside it.
type KnownIdentity struct {
	UserIdentity
	Owner   User          // ID "": the row is gone, which foreign keys prevent
	Account RemoteAccount // ID "": nothing is known
}

// RemoteAccount is what we know of a person at a provider: for display and for
// integrations, never for finding the user. One stands beside each identity.
type RemoteAccount struct {
	ID            string // NewID
	UserID        UserID
	Provider      string
	Issuer        string
	Subject       string
	ClientID      string // our client id at the provider when it was read
	Username      string // login there; changes
	Name          string
	Email         string
	EmailVerified bool            // as the provider's trust policy has it
	Locale        string          // as told; "" none
	ProfileURL    string          // page of the person at the provider; "" none
	Extra         json.RawMessage `json:",omitempty"` // facts of the provider's own, a JSON object; nil none
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// RemoteToken lets us act for the person at a provider. The store seals its
// secrets. AccountID and Kind are its key; Kind is "" for the main token and
// the resource server for further ones (Globus).
type RemoteToken struct {
	AccountID    string // RemoteAccount.ID
	Kind         string
	AccessToken  Secret
	RefreshToken Secret
	IDToken      Secret
	TokenType    string
	Scopes       []string
	ExpiresAt    time.Time // zero: does not expire, or unknown
	// RefreshExpiresAt is when the refresh token ends unless it is used before;
	// zero: never, unknown, or there is none.
	RefreshExpiresAt time.Time
	UpdatedAt        time.Time
}

// Profile is what a provider told about a person who has just signed in there.
type Profile struct {
	Provider      string
	Issuer        string
	Subject       string
	ClientID      string // ours at the provider
	Username      string
	Name          string
	Email         string // as NormalizeEmail returns it; "" none that can be used
	EmailVerified bool   // the provider proved it, and its trust policy lets that count
	EmailAsserted bool   // EmailVerified, and the provider itself says so: not the operator for all addresses from there
	Locale        string
	ProfileURL    string
	AMR           []string  // authentication methods, as the provider told
	ACR           string    // authentication context, as the provider told
	TwoFactors    bool      // its ID token says so, in words that the operator lets count as two factors
	AuthTime      time.Time // zero: not told
	SID           string    // of the session there ("sid"); "" not told
	Tokens        []RemoteToken
	Extra         json.RawMessage // further facts worth keeping, a JSON object; nil none
}

// Authentication is how who came with p proved who they are, at a time.
func (p Profile) Authentication(at time.Time) Authentication {
	how := Authentication{At: at, AMR: p.AMR, ACR: ACRSingle, Provider: p.Provider, Upstream: p.Upstream()}
	if !p.TwoFactors {
		return how
	}
	if how.ACR = ACRSecond; !slices.Contains(how.AMR, AMRMulti) {
		how.AMR = append(slices.Clone(how.AMR), AMRMulti)
	}
	return how
}

// Tells tells whether two accounts say the same about the same person, whenever
// they were written.
func (a RemoteAccount) Tells(same RemoteAccount) bool {
	same.ID, same.CreatedAt, same.UpdatedAt = a.ID, a.CreatedAt, a.UpdatedAt
	return reflect.DeepEqual(a, same)
}

// Account makes the RemoteAccount of p for user.
func (p Profile) Account(id string, user UserID, at time.Time) RemoteAccount {
	return RemoteAccount{
		ID: id, UserID: user, Provider: p.Provider, Issuer: p.Issuer, Subject: p.Subject, ClientID: p.ClientID,
		Username: p.Username, Name: p.Name, Email: p.Email, EmailVerified: p.EmailVerified,
		Locale: p.Locale, ProfileURL: p.ProfileURL, Extra: p.Extra, CreatedAt: at, UpdatedAt: at,
	}
}
