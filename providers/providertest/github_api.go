package providertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// githubVersion is the one version of the REST API that the fake speaks.
const githubVersion = "2022-11-28"

func (g *GitHub) routeAPI(api *http.ServeMux) {
	api.HandleFunc("GET /user", g.withToken(g.user))
	api.HandleFunc("GET /user/emails", g.withToken(g.emails))
	api.HandleFunc("GET /user/teams", g.withToken(g.teams))
	api.HandleFunc("GET /user/memberships/orgs", g.withToken(g.memberships))
	api.HandleFunc("GET /orgs/{org}/members/{login}", g.withToken(g.member))
	api.HandleFunc("DELETE /applications/{client}/grant", g.withApp(g.deleteGrant))
	api.HandleFunc("DELETE /applications/{client}/token", g.withApp(g.deleteToken))
	api.HandleFunc("POST /applications/{client}/token", g.withApp(g.checkToken))
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { githubFailure(w, http.StatusNotFound, "Not Found") })
}

// withToken lets requests through that the API would look at: a User-Agent, a
// known version, a live token in the header (never in the query). It holds mu
// while h runs.
func (g *GitHub) withToken(h func(http.ResponseWriter, *http.Request, *githubToken, *GitHubUser)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		at := g.Now()
		g.mu.Lock()
		defer g.mu.Unlock()
		if !githubPreamble(w, r) {
			return
		}
		scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if access == "" {
			githubFailure(w, http.StatusUnauthorized, "Requires authentication")
			return
		}
		tok := g.tokenBy(access, at)
		if tok == nil || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "token") {
			githubFailure(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		user := g.userByID(tok.user)
		if user == nil {
			githubFailure(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		if app := g.apps[tok.app]; app == nil || !app.IsGitHubApp {
			w.Header().Set("X-OAuth-Scopes", strings.Join(tok.scopes, ", "))
		}
		h(w, r, tok, user)
	}
}

// githubPreamble checks what every request of the API needs.
func githubPreamble(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("User-Agent") == "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("Request forbidden by administrative rules. Please make sure your request has a User-Agent header."))
		return false
	}
	if v := r.Header.Get("X-GitHub-Api-Version"); v != "" && v != githubVersion {
		githubFailure(w, http.StatusBadRequest, "The version is not supported.")
		return false
	}
	return true
}

// tokenBy finds a live token. The caller holds mu.
func (g *GitHub) tokenBy(access string, at time.Time) *githubToken {
	for _, tok := range g.tokens {
		if access != "" && tok.access == access && tok.live(at) {
			return tok
		}
	}
	return nil
}

func githubFailure(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}

// user serves GET /user.
func (g *GitHub) user(w http.ResponseWriter, _ *http.Request, _ *githubToken, u *GitHubUser) {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"login": u.Login, "id": u.ID, "node_id": "U_" + strconv.FormatInt(u.ID, 36),
		"avatar_url": "https://avatars.example/u/" + strconv.FormatInt(u.ID, 10), "html_url": g.URL + "/" + url.PathEscape(u.Login),
		"type": u.Type, "site_admin": false, "name": orNull(u.Name), "company": nil, "blog": "", "location": nil,
		"email": orNull(u.PublicEmail), "hireable": nil, "bio": nil, "twitter_username": nil, "public_repos": 3, "followers": 0,
		"created_at": "2015-03-01T10:00:00Z", "updated_at": "2026-09-01T10:00:00Z",
	})
}

// emails serves GET /user/emails. Without the right it does not exist for an
// OAuth App, and is forbidden for a GitHub App.
func (g *GitHub) emails(w http.ResponseWriter, r *http.Request, tok *githubToken, u *GitHubUser) {
	app := g.apps[tok.app]
	if app.IsGitHubApp && !app.ReadsEmails {
		githubFailure(w, http.StatusForbidden, "Resource not accessible by integration")
		return
	}
	if !app.IsGitHubApp && !hasGitHubScope(tok.scopes, "user:email") {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	lo, hi := g.page(w, r, len(u.Emails))
	writeJSON(w, http.StatusOK, append([]GitHubEmail{}, u.Emails[lo:hi]...))
}

// page finds the bounds of the page that is asked for and writes Link. Pages
// have 30 entries unless per_page says otherwise, 100 at most.
func (g *GitHub) page(w http.ResponseWriter, r *http.Request, n int) (lo, hi int) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	lo, hi = min((page-1)*size, n), min(page*size, n)
	if hi < n {
		link := func(p int, rel string) string {
			q.Set("page", strconv.Itoa(p))
			return fmt.Sprintf(`<%s%s?%s>; rel="%s"`, g.API(), r.URL.Path, q.Encode(), rel)
		}
		w.Header().Set("Link", link(page+1, "next")+", "+link((n+size-1)/size, "last"))
	}
	return lo, hi
}

// GitHubRateLimit is the answer where the hourly limit is used up.
func GitHubRateLimit(reset time.Time) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
		githubFailure(w, http.StatusForbidden, "API rate limit exceeded for user ID 1.")
	}
}

// GitHubSecondaryLimit is the answer to too many requests at once.
func GitHubSecondaryLimit(retryAfter int) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		githubFailure(w, http.StatusTooManyRequests, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
	}
}
