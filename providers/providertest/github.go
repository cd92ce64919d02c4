package providertest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// GitHub is a fake of github.com and of an Enterprise Server: the OAuth pages,
// the REST API that a sign-in needs, and their refusals.
// Sources: docs.github.com, "Authorizing OAuth apps", "Troubleshooting OAuth
// app access token request errors", REST API 2022-11-28.
type GitHub struct {
	remote
	enterprise bool
	settings   GitHubSettings
	apps       map[string]*GitHubApp
	users      []*GitHubUser
	orgs       []*GitHubOrg
	granted    map[string][]string // app and user → scopes ever granted
	codes      map[string]*githubCode
	tokens     []*githubToken
	posts      map[string]int // code → token requests that carried it
}

// GitHubSettings are the switches of the fake.
type GitHubSettings struct {
	Issuer               string // "iss" of callbacks; "" it is not sent
	OldPKCE              bool   // ignores PKCE, as an old Enterprise Server does
	RequireVerifiedEmail bool   // unverified_user_email at the token endpoint
	EnforceSSO           bool   // organisations answer 403 with X-GitHub-SSO
}

// GitHubApp is a registered OAuth App or GitHub App.
type GitHubApp struct {
	ClientID, Secret string
	Callbacks        []string // the first one is used where a request has none
	Wildcard         bool     // classic matching: sub-domains and paths below
	Suspended        bool
	Expiring         bool // user tokens expire and rotate
	IsGitHubApp      bool // no scopes; permissions instead
	ReadsEmails      bool // GitHub App with "Email addresses: read"
}

// GitHubUser is an account. ID never changes; Login may.
type GitHubUser struct {
	ID          int64
	Login       string
	Name        string // "" null
	PublicEmail string // of the profile page; "" null
	Type        string // "" User
	Emails      []GitHubEmail
	deleted     bool
}

// GitHubEmail is an entry of /user/emails.
type GitHubEmail struct {
	Email      string  `json:"email"`
	Primary    bool    `json:"primary"`
	Verified   bool    `json:"verified"`
	Visibility *string `json:"visibility"`
}

type githubCode struct {
	app, redirect, challenge string
	user                     int64
	scopes                   []string
	expires                  time.Time
	used                     bool
}

type githubToken struct {
	access, refresh, app    string
	user                    int64
	scopes                  []string
	expires, refreshExpires time.Time // zero: never
	dead                    bool
}

// NewGitHub starts an Enterprise Server: its API stands under /api/v3.
func NewGitHub(t testing.TB) *GitHub { return newGitHub(t, true) }

// NewGitHubCom starts a github.com, or with another site such as
// "octo.ghe.com" a tenant, under its real names over HTTPS; its API has a host
// of its own.
func NewGitHubCom(t testing.TB, site string) *GitHub { return newGitHub(t, false, site, "api."+site) }

func newGitHub(t testing.TB, enterprise bool, hosts ...string) *GitHub {
	g := &GitHub{
		enterprise: enterprise, apps: map[string]*GitHubApp{}, granted: map[string][]string{},
		codes: map[string]*githubCode{}, posts: map[string]int{},
	}
	web, api := http.NewServeMux(), http.NewServeMux()
	web.HandleFunc("/login/oauth/authorize", g.authorize)
	web.HandleFunc("POST /login/oauth/access_token", g.token)
	g.routeAPI(api)
	g.start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case enterprise && strings.HasPrefix(r.URL.Path, "/api/v3/"):
			http.StripPrefix("/api/v3", api).ServeHTTP(w, r)
		case !enterprise && r.Host == hosts[1]:
			api.ServeHTTP(w, r)
		default:
			web.ServeHTTP(w, r)
		}
	}), hosts...)
	return g
}

// API is the address of the REST API.
func (g *GitHub) API() string {
	if g.enterprise {
		return g.URL + "/api/v3"
	}
	return strings.Replace(g.URL, "https://", "https://api.", 1)
}

// SelfIssuer is the "iss" that the real service sends (RFC 9207).
func (g *GitHub) SelfIssuer() string { return g.URL + "/login/oauth" }

// Set changes switches.
func (g *GitHub) Set(change func(*GitHubSettings)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.settings)
}

// Register adds or replaces an app.
func (g *GitHub) Register(a GitHubApp) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.apps[a.ClientID] = &a
}

// AddUser makes an account.
func (g *GitHub) AddUser(u GitHubUser) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u.Type == "" {
		u.Type = "User"
	}
	g.users = append(g.users, &u)
}

// ChangeUser changes an account, for instance its login. The old login is free
// for anybody at once.
func (g *GitHub) ChangeUser(id int64, change func(*GitHubUser)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u := g.userByID(id); u != nil {
		change(u)
	}
}

// DeleteUser deletes an account; its tokens die with it.
func (g *GitHub) DeleteUser(id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if u := g.userByID(id); u != nil {
		u.deleted = true
	}
	for _, tok := range g.tokens {
		if tok.user == id {
			tok.dead = true
		}
	}
}

// DoublePosts counts the codes that were sent to the token endpoint more than
// once.
func (g *GitHub) DoublePosts() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, c := range g.posts {
		if c > 1 {
			n++
		}
	}
	return n
}

// LiveTokens counts the tokens of a user that work now.
func (g *GitHub) LiveTokens(user int64) int {
	at := g.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, tok := range g.tokens {
		if tok.user == user && tok.live(at) {
			n++
		}
	}
	return n
}

func (t *githubToken) live(at time.Time) bool {
	return !t.dead && (t.expires.IsZero() || at.Before(t.expires))
}

// userByID and userByLogin need mu.
func (g *GitHub) userByID(id int64) *GitHubUser {
	for _, u := range g.users {
		if u.ID == id && !u.deleted {
			return u
		}
	}
	return nil
}

func (g *GitHub) userByLogin(login string) *GitHubUser {
	for _, u := range g.users {
		if strings.EqualFold(u.Login, login) && !u.deleted {
			return u
		}
	}
	return nil
}

// grantKey names the grant of a user to an app.
func grantKey(app string, user int64) string { return app + " " + strconv.FormatInt(user, 10) }

// githubScopes are the scopes that the fake knows, each with what it includes.
// The real service drops unknown names without a word, and so do we.
var githubScopes = map[string][]string{
	"user": {"read:user", "user:email", "user:follow"}, "read:user": nil, "user:email": nil, "user:follow": nil,
	"admin:org": {"write:org", "read:org"}, "write:org": {"read:org"}, "read:org": nil,
	"repo": {"public_repo"}, "public_repo": nil, "gist": nil, "offline_access": nil,
}

// normalizeGitHubScopes drops unknown scopes and those that others include.
func normalizeGitHubScopes(scopes []string) []string {
	drop := map[string]bool{}
	for _, s := range scopes {
		for _, in := range githubScopes[s] {
			drop[in] = true
		}
	}
	return slices.DeleteFunc(sortedCopy(scopes), func(s string) bool {
		_, known := githubScopes[s]
		return !known || drop[s]
	})
}

// hasGitHubScope tells whether scopes contain or include want.
func hasGitHubScope(scopes []string, want string) bool {
	for _, s := range scopes {
		if s == want || slices.Contains(githubScopes[s], want) {
			return true
		}
	}
	return false
}

// callbackFor returns where to send the browser, and whether uri is allowed.
// Classic matching wants the same port, the host or a sub-domain of it, and
// the path or one below.
func (a *GitHubApp) callbackFor(uri string) (string, bool) {
	if uri == "" {
		return a.Callbacks[0], true
	}
	u, err := url.Parse(uri)
	if err != nil || u.Fragment != "" {
		return a.Callbacks[0], false
	}
	for _, c := range a.Callbacks {
		reg, err := url.Parse(c)
		if err != nil {
			continue
		}
		port := u.Port() == reg.Port() || reg.Hostname() == "127.0.0.1" && u.Hostname() == "127.0.0.1"
		host := u.Hostname() == reg.Hostname() || a.Wildcard && strings.HasSuffix(u.Hostname(), "."+reg.Hostname())
		path := u.Path == reg.Path || a.Wildcard && strings.HasPrefix(u.Path, strings.TrimSuffix(reg.Path, "/")+"/")
		if u.Scheme == reg.Scheme && port && host && path {
			return uri, true
		}
	}
	return a.Callbacks[0], false
}

// GitHubEmails makes n verified secondary addresses and a verified primary one
// behind them, so that the primary stands on a later page.
func GitHubEmails(n int, primary string) []GitHubEmail {
	var out []GitHubEmail
	for i := range n {
		out = append(out, GitHubEmail{Email: fmt.Sprintf("alias%d@example.net", i), Verified: true})
	}
	private := "private"
	return append(out, GitHubEmail{Email: primary, Primary: true, Verified: true, Visibility: &private})
}
