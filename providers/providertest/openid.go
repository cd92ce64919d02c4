package providertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Names of endpoints, for Fail, Count and Paths.
const (
	Discovery  = "discovery"
	JWKS       = "jwks"
	Authorize  = "authorize"
	Token      = "token"
	UserInfo   = "userinfo"
	Revoke     = "revoke"
	EndSession = "end_session"
)

// Client is an application that is registered at the fake.
type Client struct {
	ID           string
	Secret       string // "" a public client
	RedirectURIs []string
}

// Person is somebody with an account at the fake.
type Person struct {
	Subject       string
	Username      string         // preferred_username; "" none
	Name          string         // "" none
	Email         string         // "" none
	EmailVerified any            // nil: the claim is absent
	Claims        map[string]any // further claims of ID token and userinfo
}

// OpenIDOptions describes a fake OpenID Provider. The zero value is a strict
// modern one.
type OpenIDOptions struct {
	Path         string            // of the issuer: "/auth/realms/cern"; "" the root
	Paths        map[string]string // endpoint → path below Path; missing ones have defaults, "-" switches one off
	Alg          string            // of ID tokens; "" RS256
	NoKID        bool              // keys and tokens name no key
	AuthMethods  []string          // nil: client_secret_basic and client_secret_post
	CodeLifetime time.Duration     // 0: a minute
	Lifetime     time.Duration     // of access and ID tokens; 0: an hour
	Scopes       []string          // that may be asked for; nil: any

	// Hooks of vendors' fakes; nil ones do nothing. They run under no lock.
	Metadata      func(m map[string]any)                                   // edits the discovery document
	OnAuthorize   func(w http.ResponseWriter, r *http.Request) (done bool) // takes over the authorization endpoint
	OnDecision    func(w http.ResponseWriter, g Grant) (done bool)         // after the person chose an account
	AccessToken   func(g Grant) string                                     // nil: random
	OnCallback    func(params map[string]string)                           // edits the answer to the redirect URI
	IDTokenClaims func(g Grant, c map[string]any)
	TokenAnswer   func(g Grant, m map[string]any)
	OnTokenError  func(e *TokenError)
	OnUserInfo    func(g Grant, c map[string]any)
}

// Switches change how the fake behaves from now on.
type Switches struct {
	OmitIssuer     bool   // no "iss" in callbacks, no promise of it in the metadata
	CallbackIssuer string // another "iss" in callbacks; "" the right one
	RequirePKCE    bool   // refuse an authorization request without code_challenge
	IgnorePKCE     bool   // take no notice of it, as ORCID does
	RequireNonce   bool
	SignedUserInfo bool   // userinfo is a JWT
	RefreshAgain   bool   // a refresh token that was used works again, as after a lost answer (a grace); otherwise it ends its grant (RFC 9700, section 4.14.2)
	KeepRefresh    bool   // refresh tokens do not rotate: none comes back
	Lie            string // one of Lies; "" the truth
}

// TokenError is an answer of the token endpoint.
type TokenError struct {
	Status            int
	Code, Description string
}

// Request is a request that the fake received.
type Request struct {
	Endpoint string
	Method   string
	Header   http.Header
	Body     string
	At       time.Time // by the clock of the fake
}

// OpenID is a fake OpenID Provider.
type OpenID struct {
	URL    string // of the server
	Issuer string
	Mux    *http.ServeMux // further routes of vendors' fakes

	t   testing.TB
	o   OpenIDOptions
	srv *httptest.Server

	mu       sync.Mutex
	offset   time.Duration
	clients  map[string]Client
	people   map[string]Person
	keys     []key // the last one signs
	forced   *key  // signs instead
	switches Switches
	codes    map[string]*Grant
	access   map[string]*Grant
	refresh  map[string]*Grant
	used     map[string]*Grant // refresh tokens that another took the place of
	log      []Request
	failures map[string][]Failure
}

// NewOpenID starts a fake that ends with the test.
func NewOpenID(t testing.TB, o OpenIDOptions) *OpenID {
	t.Helper()
	if o.Alg == "" {
		o.Alg = "RS256"
	}
	if o.AuthMethods == nil {
		o.AuthMethods = []string{"client_secret_basic", "client_secret_post"}
	}
	if o.CodeLifetime == 0 {
		o.CodeLifetime = time.Minute
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	s := &OpenID{
		t: t, o: o, Mux: http.NewServeMux(), clients: map[string]Client{}, people: map[string]Person{},
		codes: map[string]*Grant{}, access: map[string]*Grant{}, refresh: map[string]*Grant{}, used: map[string]*Grant{}, failures: map[string][]Failure{},
	}
	s.keys = []key{newKey(t, o.Alg, "key-1", o.NoKID)}
	srv := httptest.NewServer(s.Mux)
	t.Cleanup(srv.Close)
	s.srv, s.URL, s.Issuer = srv, srv.URL, srv.URL+o.Path
	s.handle(Discovery, "GET", s.serveDiscovery)
	s.handle(JWKS, "GET", s.serveJWKS)
	s.handle(Authorize, "GET", s.serveAuthorize)
	s.handle(Authorize, "POST", s.serveDecision)
	s.handle(Token, "POST", s.serveToken)
	s.handle(UserInfo, "GET", s.serveUserInfo)
	s.handle(Revoke, "POST", s.serveRevoke)
	s.handle(EndSession, "GET", s.serveEndSession)
	return s
}

// defaultPaths are where endpoints are below the issuer.
var defaultPaths = map[string]string{
	Discovery: "/.well-known/openid-configuration", JWKS: "/jwks", Authorize: "/authorize", Token: "/token",
	UserInfo: "/userinfo", Revoke: "/revoke", EndSession: "/end-session",
}

func (s *OpenID) path(endpoint string) string {
	if p, ok := s.o.Paths[endpoint]; ok {
		return p
	}
	return defaultPaths[endpoint]
}

// Endpoint is the URL of an endpoint; "" where it is switched off.
func (s *OpenID) Endpoint(name string) string {
	p := s.path(name)
	if p == "-" {
		return ""
	}
	return s.Issuer + p
}

func (s *OpenID) handle(endpoint, method string, h http.HandlerFunc) {
	if p := s.path(endpoint); p != "-" {
		s.Mux.HandleFunc(method+" "+s.o.Path+p, s.Wrap(endpoint, h))
	}
}

// Wrap records requests under endpoint and plays its scripted failures; for
// further routes of vendors' fakes.
func (s *OpenID) Wrap(endpoint string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.record(endpoint, r)
		if f, ok := s.nextFailure(endpoint); ok && f.play(w, r, h) {
			return
		}
		h(w, r)
	}
}

// Stop makes the fake listen no more.
func (s *OpenID) Stop() { s.srv.Close() }

// AddClient registers an application.
func (s *OpenID) AddClient(c Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.ID] = c
}

// AddPerson creates or changes an account.
func (s *OpenID) AddPerson(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people[p.Subject] = p
}

// Switch changes behaviour: s.Switch(func(w *Switches) { w.RequirePKCE = true }).
func (s *OpenID) Switch(change func(*Switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.switches)
}

func (s *OpenID) switched() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches
}

// Advance moves the clock of the fake.
func (s *OpenID) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Now is the time by the clock of the fake.
func (s *OpenID) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.offset)
}

// RotateKey makes a new signing key. The old one stays published only where
// keep is true.
func (s *OpenID) RotateKey(keep bool) {
	s.mu.Lock()
	n := len(s.keys)
	s.mu.Unlock()
	k := newKey(s.t, s.o.Alg, fmt.Sprintf("key-%d-%d", n+1, time.Now().UnixNano()), s.o.NoKID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !keep {
		s.keys = nil
	}
	s.keys = append(s.keys, k)
}

// Requests returns what an endpoint received, oldest first.
func (s *OpenID) Requests(endpoint string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.log), func(r Request) bool { return r.Endpoint != endpoint })
}

// Count is how many requests an endpoint received.
func (s *OpenID) Count(endpoint string) int { return len(s.Requests(endpoint)) }

func hasScope(scope, want string) bool { return slices.Contains(strings.Fields(scope), want) }
