package broker

import (
	"slices"
	"time"
)

// Client authentication methods (OpenID Connect Core 1.0, section 9).
const (
	AuthNone          = "none"
	AuthBasic         = "client_secret_basic"
	AuthPost          = "client_secret_post"
	AuthSecretJWT     = "client_secret_jwt" // a MAC: the one method for which we keep the secret itself
	AuthPrivateKeyJWT = "private_key_jwt"   // the client has keys, and no secret
)

// Grant types (RFC 6749).
const (
	GrantCode        = "authorization_code"
	GrantRefresh     = "refresh_token"
	GrantCredentials = "client_credentials"
	GrantImplicit    = "implicit" // tokens through the browser; no grant type of the token endpoint
)

// Signing algorithms of ID tokens (RFC 7518, section 3.1).
const (
	RS256 = "RS256"
	ES256 = "ES256"
)

// Client is an application that sends people to us: a relying party.
type Client struct {
	ID                     string
	Name                   string
	Secrets                []ClientSecret // empty: a public client
	AuthMethod             string         // token_endpoint_auth_method
	RedirectURIs           []string       // compared exactly (RFC 9700, section 2.1); loopback ports vary (RFC 8252, section 7.3)
	PostLogoutRedirectURIs []string
	GrantTypes             []string
	Scopes                 []string // what it may ask for
	IDTokenAlg             string   // "" RS256
	FirstParty             bool     // run by us: consent is not asked
	RequirePKCE            bool     // public clients must use it whatever this says
	ClientURI              string   // home page; "" none
	PolicyURI              string
	TermsURI               string
	Contacts               []string // who runs it
	Metadata               ClientMetadata
	CreatedAt              time.Time
	UpdatedAt              time.Time
	DisabledAt             time.Time // zero: active
	Version                int
}

// ClientStamp names one state of a client: a change gives another stamp, and so
// does a client that is made anew under the same id. The zero value names none.
type ClientStamp struct {
	Version   int
	CreatedAt int64 // in microseconds since 1970
	Known     bool
}

// Stamp names the state that c is.
func (c Client) Stamp() ClientStamp {
	s := ClientStamp{Version: c.Version, Known: true}
	if !c.CreatedAt.IsZero() {
		s.CreatedAt = c.CreatedAt.UnixMicro()
	}
	return s
}

// ClientSecret is the hash of one live secret. Two live ones make rotation
// possible without an outage.
type ClientSecret struct {
	Hash      string    `json:"hash"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: does not expire
}

// Live tells whether the secret authenticates at a time.
func (s ClientSecret) Live(at time.Time) bool { return s.ExpiresAt.IsZero() || at.Before(s.ExpiresAt) }

// Public tells whether the client cannot keep a secret (RFC 6749, section 2.1).
func (c Client) Public() bool { return c.AuthMethod == AuthNone }

// Authenticates tells whether secret is one of the client's live secrets.
func (c Client) Authenticates(secret Secret, at time.Time) bool {
	ok := false
	for _, s := range c.Secrets { // all of them, so that time tells nothing
		if secret.Matches(s.Hash) && s.Live(at) {
			ok = true
		}
	}
	return ok
}

// MayGrant tells whether the client is registered for a grant type.
func (c Client) MayGrant(grantType string) bool { return slices.Contains(c.GrantTypes, grantType) }

// Consent is a person's remembered yes to an application.
type Consent struct {
	UserID    UserID
	ClientID  string
	Scopes    []string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Covers tells whether the consent includes every scope.
func (c Consent) Covers(scopes []string) bool {
	for _, s := range scopes {
		if !slices.Contains(c.Scopes, s) {
			return false
		}
	}
	return true
}
