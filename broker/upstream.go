package broker

import "time"

// maxKeptIDToken bounds Upstream.IDToken, in bytes. It goes back to its provider in
// the query of a URL, and many servers take no more than 8 KiB of one.
const maxKeptIDToken = 6 << 10

// Upstream is the session at an OpenID Provider that somebody signed in here
// with: by it we ask that provider to end it, and know it when the provider says
// that it has. The zero value: none, or a provider without ID tokens.
type Upstream struct {
	Issuer   string
	Subject  string // "sub" of the ID token; what the identity has
	SID      string // "sid" of the ID token; "" not told
	ClientID string // ours there
	IDToken  Secret // of this very sign-in; "" too long to be sent back
}

// Upstream is the session at the provider that p was told in.
func (p Profile) Upstream() Upstream {
	for _, t := range p.Tokens {
		if t.Kind != "" || t.IDToken == "" {
			continue
		}
		u := Upstream{Issuer: p.Issuer, Subject: p.Subject, SID: p.SID, ClientID: p.ClientID, IDToken: t.IDToken}
		if len(u.IDToken.Reveal()) > maxKeptIDToken {
			u.IDToken = ""
		}
		return u
	}
	return Upstream{}
}

// UpstreamLogout is a provider's verified word that somebody has signed out there
// (OpenID Connect Back-Channel Logout 1.0).
type UpstreamLogout struct {
	Provider  string
	Issuer    string
	Subject   string    // "" not told: SID is
	SID       string    // "" every session of Subject
	JTI       string    // of the token; it counts once
	ExpiresAt time.Time // when the token is too old to be used again
}

// SignOut is what becomes of the session at the provider when somebody who
// signed in with it signs out here.
type SignOut string

const (
	SignOutNone   SignOut = "none"   // it stays; the page says so
	SignOutAsk    SignOut = "ask"    // the person is asked
	SignOutAlways SignOut = "always" // it ends too
)

// SignOutRequest asks for a way to sign out at a provider.
type SignOutRequest struct {
	Upstream  Upstream
	State     Secret // comes back with the person
	UILocales string
}

// Farewell is a way to sign out at a provider. The zero value: there is none.
type Farewell struct {
	URL       string // where to send the person; it may hold their ID token
	Returns   bool   // it tells the provider the way back to us
	Automatic bool   // and the provider takes them there by itself
}
