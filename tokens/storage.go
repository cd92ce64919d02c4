package tokens

import (
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// session is what the engine carries from one of our handlers to the next. It
// lives for one request.
type session struct {
	at       time.Time
	grant    broker.Grant
	approval Approval // of an authorization; zero at the token endpoint

	access   string // the access token that was issued
	narrowed uint64 // accessToken.Narrowed of it

	generation int // of the refresh token that was presented
}

func (s *session) SetExpiresAt(fosite.TokenType, time.Time) {}
func (s *session) GetExpiresAt(fosite.TokenType) time.Time  { return time.Time{} }
func (s *session) GetUsername() string                      { return "" }
func (s *session) GetSubject() string                       { return string(s.grant.UserID) }
func (s *session) Clone() fosite.Session                    { c := *s; return &c }
func sessionOf(r fosite.Requester) *session                 { return r.GetSession().(*session) }
func clientOf(r fosite.Requester) broker.Client             { return r.GetClient().(*engineClient).Client }
func param(r fosite.Requester, name string) string          { return r.GetRequestForm().Get(name) }

// grantOf is the row of an authorization request that was approved.
func grantOf(r fosite.AuthorizeRequester, code broker.Secret, lifetime time.Duration) broker.Grant {
	s := sessionOf(r)
	expires := s.at.Add(lifetime)
	return broker.Grant{
		ID: broker.GrantID(broker.NewID()), ClientID: r.GetClient().GetID(), UserID: s.approval.User.ID, SID: s.approval.Session.SID,
		Scopes: r.GetGrantedScopes(), Audience: r.GetGrantedAudience(),
		CodeHash: code.Hash(), CodeExpiresAt: expires, ExpiresAt: expires,
		RedirectURI: param(r, "redirect_uri"), CodeChallenge: param(r, "code_challenge"), Nonce: param(r, "nonce"),
		AuthTime: s.approval.Session.AuthTime, AMR: s.approval.Session.AMR, ACR: s.approval.Session.ACR, Provider: s.approval.Session.Provider,
		CreatedAt: s.at, LastUsedAt: s.at,
	}
}

// present makes the engine's request stand for a grant that was read.
func present(r fosite.Requester, g broker.Grant) {
	r.SetID(string(g.ID))
	sessionOf(r).grant = g
	for _, scope := range g.Scopes {
		r.GrantScope(scope)
	}
	for _, a := range g.Audience {
		r.GrantAudience(a)
	}
}
