package providertest

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// githubCodeLifetime is how long a code works: ten minutes.
const githubCodeLifetime = 10 * time.Minute

// s256Challenge is the form of a challenge (RFC 7636, section 4.2).
var s256Challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize serves the page on which a person signs in at GitHub and decides.
func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	g.mu.Lock()
	app, settings := g.apps[q.Get("client_id")], g.settings
	g.mu.Unlock()
	if app == nil {
		writePage(w, http.StatusNotFound, "<h1>404</h1>") // never a redirect
		return
	}
	callback, ok := app.callbackFor(q.Get("redirect_uri"))
	back := func(pairs ...string) {
		pairs = append(pairs, "state", q.Get("state"), "iss", settings.Issuer)
		http.Redirect(w, r, withQuery(callback, pairs...), http.StatusFound)
	}
	refuse := func(code, description string) {
		back("error", code, "error_description", description, "error_uri", githubTrouble+"authorization-request-errors/#"+strings.ReplaceAll(code, "_", "-"))
	}
	switch {
	case !ok:
		refuse("redirect_uri_mismatch", "The redirect_uri MUST match the registered callback URL for this application.")
		return
	case app.Suspended:
		refuse("application_suspended", "Your application has been suspended. Contact support@github.com.")
		return
	case !settings.OldPKCE && !pkceAcceptable(q):
		refuse("invalid_request", "Only the S256 code challenge method is supported.")
		return
	}
	if r.Method == http.MethodPost {
		g.decide(w, r, app, callback, settings, back, refuse)
		return
	}
	// Who is signed in and has granted as much before is sent back at once.
	g.mu.Lock()
	defer g.mu.Unlock()
	id, _ := strconv.ParseInt(g.visitorLocked(r), 10, 64)
	user := g.userByID(id)
	if user != nil && q.Get("prompt") != "select_account" {
		before, known := g.granted[grantKey(app.ClientID, id)]
		asked := normalizeGitHubScopes(strings.Fields(q.Get("scope")))
		if q.Get("scope") == "" {
			asked = before
		}
		if known && coversGitHub(before, asked) {
			back("code", g.newCode(app, id, callback, asked, q, settings))
			return
		}
	}
	writePage(w, http.StatusOK, consentForm)
}

// decide handles the sent form. The field "grant" narrows the scopes, as GitHub
// lets people do.
func (g *GitHub) decide(w http.ResponseWriter, r *http.Request, app *GitHubApp, callback string, settings GitHubSettings, back func(...string), refuse func(string, string)) {
	if r.PostFormValue("decision") != "allow" {
		refuse("access_denied", "The user has denied your application access.")
		return
	}
	g.mu.Lock()
	user := g.userByLogin(r.PostFormValue("person"))
	g.mu.Unlock()
	if user == nil {
		writePage(w, http.StatusOK, "<p>Incorrect username or password.</p>"+consentForm)
		return
	}
	g.remember(w, strconv.FormatInt(user.ID, 10))
	q := r.URL.Query()
	asked := strings.Fields(q.Get("scope"))
	if grant, narrowed := r.PostForm["grant"]; narrowed {
		asked = strings.Fields(strings.Join(grant, " "))
	}
	asked = normalizeGitHubScopes(asked)
	g.mu.Lock()
	key := grantKey(app.ClientID, user.ID)
	if q.Get("scope") == "" {
		asked = g.granted[key] // without a scope, what was granted earlier
	}
	g.granted[key] = normalizeGitHubScopes(append(g.granted[key], asked...))
	code := g.newCode(app, user.ID, callback, asked, q, settings)
	g.mu.Unlock()
	back("code", code)
}

// newCode issues a code. The caller holds mu.
func (g *GitHub) newCode(app *GitHubApp, user int64, callback string, scopes []string, q url.Values, settings GitHubSettings) string {
	code := randomText(15)
	c := &githubCode{
		app: app.ClientID, user: user, redirect: callback, scopes: scopes,
		expires: time.Now().Add(g.shift).Add(githubCodeLifetime),
	}
	if !settings.OldPKCE {
		c.challenge = q.Get("code_challenge")
	}
	g.codes[code] = c
	return code
}

// visitorLocked is visitor for a caller that holds mu.
func (r *remote) visitorLocked(req *http.Request) string {
	c, err := req.Cookie(visitorCookie)
	if err != nil {
		return ""
	}
	return r.visitors[c.Value]
}

// pkceAcceptable: no challenge, or a well-formed one with S256.
func pkceAcceptable(q url.Values) bool {
	challenge, method := q.Get("code_challenge"), q.Get("code_challenge_method")
	if challenge == "" {
		return method == ""
	}
	return method == "S256" && s256Challenge.MatchString(challenge)
}

func coversGitHub(have, want []string) bool {
	for _, s := range want {
		if !hasGitHubScope(have, s) {
			return false
		}
	}
	return true
}
