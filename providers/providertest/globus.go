package providertest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Globus is a fake of Globus Auth and of the Groups API.
// Sources: docs.globus.org/api/auth (developer guide, reference, sessions),
// docs.globus.org/api/groups, and the discovery document of auth.globus.org.
type Globus struct {
	remote
	groups     string // address of the Groups API
	keys       *keyring
	settings   GlobusSettings
	clients    map[string]*GlobusClient
	identities map[string]*GlobusIdentity
	accounts   []*globusAccount
	codes      map[string]*globusCode
	tokens     []*globusToken
	consents   map[string][]string // client and account's first identity → scopes
}

// GlobusSettings are the switches of the fake.
type GlobusSettings struct {
	AuthTokenLast   bool                 // the token of auth.globus.org stands among other_tokens
	RefreshKillsAll bool                 // revoking a refresh token ends its access tokens too
	NoNonce         bool                 // leave the nonce out of ID tokens
	Forge           Forgery              // ID tokens are false
	Claims          func(map[string]any) // changes ID token claims before they are signed
	UserInfo        func(map[string]any) // changes the userinfo answer
	Issuer          string               // "iss" of callbacks; Globus sends none
	Memberships     map[string]string    // group → status, of everybody; nil: active in GlobusGroup
}

// GlobusClient is a registered application.
type GlobusClient struct {
	ID, Secret   string
	RedirectURIs []string // compared exactly
	RequiredIdP  string   // "sub" is then the linked identity of this provider
}

// GlobusIdentity is an identity that an identity provider vouches for.
type GlobusIdentity struct {
	ID, Username, Name, Email, Organization string
	IdP, IdPName                            string
	LastAuthentication                      time.Time // zero: never signed in
	Closed                                  bool
}

// globusAccount is a set of linked identities; the first one is primary.
type globusAccount struct{ identities []string }

type globusCode struct {
	client, identity, redirect, nonce, challenge, state string
	scopes                                              []string
	offline                                             bool
	expires                                             time.Time
	used                                                bool
}

type globusToken struct {
	access, refresh, client, identity, server string
	scopes                                    []string
	expires                                   time.Time
	lastUse                                   time.Time
	dead, refreshDead                         bool
}

// Scopes beyond OpenID's.
const (
	GlobusViewIdentities = "urn:globus:auth:scope:auth.globus.org:view_identity_set"
	GlobusViewGroups     = "urn:globus:auth:scope:groups.api.globus.org:view_my_groups_and_memberships"
)

// GlobusGroup is the group that everybody is in unless the settings say otherwise.
const GlobusGroup = "5fd0a8a5-0000-4000-8000-000000000001"

// Resource servers.
const (
	globusAuthServer   = "auth.globus.org"
	globusGroupsServer = "groups.api.globus.org"
)

// globusServers are the known scopes, each with the server that honours it.
var globusServers = map[string]string{
	"openid": globusAuthServer, "email": globusAuthServer, "profile": globusAuthServer,
	GlobusViewIdentities: globusAuthServer, GlobusViewGroups: globusGroupsServer,
}

// NewGlobus starts a fake on loopback.
func NewGlobus(t testing.TB) *Globus { return newGlobus(t) }

// NewGlobusOrg starts one under the real names over HTTPS.
func NewGlobusOrg(t testing.TB) *Globus { return newGlobus(t, globusAuthServer, globusGroupsServer) }

func newGlobus(t testing.TB, hosts ...string) *Globus {
	g := &Globus{
		keys: newKeyring(jose.RS512, false), clients: map[string]*GlobusClient{}, identities: map[string]*GlobusIdentity{},
		codes: map[string]*globusCode{}, consents: map[string][]string{},
	}
	web, groups := http.NewServeMux(), http.NewServeMux()
	web.HandleFunc("GET /.well-known/openid-configuration", g.discovery)
	web.HandleFunc("GET /jwk.json", g.keys.serve)
	web.HandleFunc("/v2/oauth2/authorize", g.authorize)
	web.HandleFunc("POST /v2/oauth2/token", g.token)
	web.HandleFunc("POST /v2/oauth2/token/revoke", g.revoke)
	web.HandleFunc("POST /v2/oauth2/token/introspect", g.introspect)
	web.HandleFunc("/v2/oauth2/userinfo", g.userinfo)
	web.HandleFunc("GET /v2/api/identities", g.identityList)
	web.HandleFunc("GET /v2/web/logout", g.logout)
	groups.HandleFunc("GET /v2/groups/my_groups", g.myGroups)
	g.start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(hosts) > 0 && r.Host == hosts[1]:
			groups.ServeHTTP(w, r)
		case len(hosts) == 0 && strings.HasPrefix(r.URL.Path, "/groups/"):
			http.StripPrefix("/groups", groups).ServeHTTP(w, r)
		default:
			web.ServeHTTP(w, r)
		}
	}), hosts...)
	g.groups = g.URL + "/groups"
	if len(hosts) > 0 {
		g.groups = "https://" + hosts[1]
	}
	return g
}

// GroupsAPI is the address of the Groups API.
func (g *Globus) GroupsAPI() string { return g.groups }

// Set changes switches.
func (g *Globus) Set(change func(*GlobusSettings)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.settings)
}

// Register adds or replaces a client.
func (g *Globus) Register(c GlobusClient) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clients[c.ID] = &c
}

// AddAccount makes an account of linked identities; the first one is primary.
func (g *Globus) AddAccount(identities ...GlobusIdentity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &globusAccount{}
	for _, id := range identities {
		g.identities[id.ID] = &id
		a.identities = append(a.identities, id.ID)
	}
	g.accounts = append(g.accounts, a)
}

// ChangeIdentity changes an identity.
func (g *Globus) ChangeIdentity(id string, change func(*GlobusIdentity)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g.identities[id])
}

// SetPrimary makes a linked identity the primary one of its account.
func (g *Globus) SetPrimary(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.accountOf(id); a != nil {
		a.identities = append([]string{id}, slices.DeleteFunc(a.identities, func(s string) bool { return s == id })...)
	}
}

// Unlink takes an identity out of its account; it has one of its own from then on.
func (g *Globus) Unlink(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a := g.accountOf(id); a != nil {
		a.identities = slices.DeleteFunc(a.identities, func(s string) bool { return s == id })
		g.accounts = append(g.accounts, &globusAccount{identities: []string{id}})
	}
}

// LiveTokens counts the access tokens of an identity that work now.
func (g *Globus) LiveTokens(identity string) int {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, tok := range g.tokens {
		if tok.identity == identity && tok.live(at) {
			n++
		}
	}
	return n
}

func (t *globusToken) live(at time.Time) bool { return !t.dead && at.Before(t.expires) }

// accountOf finds the account of an identity. The caller holds mu.
func (g *Globus) accountOf(id string) *globusAccount {
	for _, a := range g.accounts {
		if slices.Contains(a.identities, id) {
			return a
		}
	}
	return nil
}

// effective is the identity that a client sees of an account; nil where the
// client requires a provider of which none is linked. The caller holds mu.
func (g *Globus) effective(c *GlobusClient, a *globusAccount) *GlobusIdentity {
	if c.RequiredIdP == "" {
		return g.identities[a.identities[0]]
	}
	for _, id := range a.identities {
		if i := g.identities[id]; i.IdP == c.RequiredIdP {
			return i
		}
	}
	return nil
}

func (g *Globus) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer": g.URL, "authorization_endpoint": g.URL + "/v2/oauth2/authorize", "token_endpoint": g.URL + "/v2/oauth2/token",
		"userinfo_endpoint": g.URL + "/v2/oauth2/userinfo", "revocation_endpoint": g.URL + "/v2/oauth2/token/revoke",
		"jwks_uri": g.URL + "/jwk.json", "response_types_supported": []string{"code", "token", "token id_token", "id_token"},
		"id_token_signing_alg_values_supported": []string{"RS512"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"scopes_supported": []string{"openid", "email", "profile"}, "subject_types_supported": []string{"public"},
		"claims_supported":                 []string{"at_hash", "aud", "email", "exp", "name", "nonce", "preferred_username", "iat", "iss", "sub"},
		"code_challenge_methods_supported": []string{"S256", "plain"},
	})
}
