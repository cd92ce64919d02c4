package broker

import "time"

// GrantID is a random identifier; every token of the grant carries it.
type GrantID string

// Grant is what one authorization gave to one client: a single row, from the
// code to the last refresh. Access tokens have no row: they are authenticated
// by a MAC and name their grant.
type Grant struct {
	ID       GrantID
	ClientID string
	UserID   UserID // "" for client credentials
	SID      string // session it came from; "" none
	Scopes   []string
	Audience []string

	CodeHash      string // "" no code
	CodeExpiresAt time.Time
	CodeUsedAt    time.Time // zero: not yet
	RedirectURI   string    // as it stood in the authorization request; "" it was omitted
	CodeChallenge string    // S256 (RFC 7636); "" none
	Nonce         string
	Claims        string // the "claims" parameter, JSON, less what was not granted (OpenID Connect Core 1.0, section 5.5); "" none

	AuthTime time.Time
	AMR      []string
	ACR      string
	Provider string // provider of the identity that was used; "" a password

	RefreshGeneration int // 0: no refresh token was issued; the current one has this number
	RefreshRotatedAt  time.Time
	RefreshExpiresAt  time.Time // idle end; zero none
	ExpiresAt         time.Time // absolute end of the grant

	RevokedAt     time.Time // zero: live
	RevokedReason string    // "logout", "code reuse", "refresh reuse", "client", "user", "operator"
	CreatedAt     time.Time
	LastUsedAt    time.Time
}

// Revoked tells whether the grant was ended before its time.
func (g Grant) Revoked() bool { return !g.RevokedAt.IsZero() }

// Live tells whether tokens of the grant can still be good at a time.
func (g Grant) Live(at time.Time) bool {
	return !g.Revoked() && (g.ExpiresAt.IsZero() || at.Before(g.ExpiresAt))
}

// RefreshOutcome says what became of a presented refresh token.
type RefreshOutcome string

const (
	RefreshRotated RefreshOutcome = "rotated" // it was the current one
	RefreshRepeat  RefreshOutcome = "repeat"  // its predecessor, within the grace time: answer with the current one again
	RefreshReuse   RefreshOutcome = "reuse"   // older: the grant is now revoked
	RefreshDead    RefreshOutcome = "dead"    // revoked, expired, unknown, or another client's: nothing changed
)

// GrantState is a grant and what its tokens stand and fall with, as it all was at
// one moment.
type GrantState struct {
	Grant  Grant
	Client Client // of the grant; its ID is "" where it is gone. Read only: others have it too
	User   User   // of the grant, without password and role; its ID is "" where there is none
	// Caller names the present state of the client that asked, for whoever let
	// it in by what was known of it: zero where it is gone.
	Caller ClientStamp
}

// GrantFilter selects grants. Fields that are "" do not restrict; a filter
// without any restriction selects nothing.
type GrantFilter struct {
	UserID      UserID
	ClientID    string
	SID         string
	ExceptSID   string // leave those of this session alone; restricts beside another field only
	KeepOffline bool   // leave grants with the scope offline_access alone
}
