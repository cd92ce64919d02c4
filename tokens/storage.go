package tokens

import (
	"net/url"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// session is what the engine carries from one of our handlers to the next. It
// lives for one request.
type session struct {
	at       time.Time
	grant    broker.Grant
	user     broker.User // of the grant, where it was read with it
	approval Approval    // of an authorization; zero at the token endpoint
	answer   url.Values  // parameters of the answer to it

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
