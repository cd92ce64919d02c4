package providertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// globusCodeLifetime is how long a code works.
const globusCodeLifetime = 10 * time.Minute

// authorize serves /v2/oauth2/authorize.
func (g *Globus) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	g.mu.Lock()
	client, settings := g.clients[q.Get("client_id")], g.settings
	g.mu.Unlock()
	if client == nil || !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) {
		writePage(w, http.StatusBadRequest, "<h1>Error</h1><p>UNKNOWN_CLIENT_ID or MISMATCHING_REDIRECT_URI</p>")
		return
	}
	back := func(pairs ...string) {
		pairs = append(pairs, "state", q.Get("state"), "iss", settings.Issuer)
		http.Redirect(w, r, withQuery(q.Get("redirect_uri"), pairs...), http.StatusFound)
	}
	scopes := strings.Fields(q.Get("scope"))
	switch {
	case len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return globusServers[s] == "" }):
		writePage(w, http.StatusBadRequest, "<h1>Error</h1><p>UNKNOWN_SCOPE_ERROR</p>")
		return
	case q.Get("response_type") != "code":
		back("error", "unsupported_response_type", "error_description", "only code is supported here")
		return
	case !pkceAcceptable(q):
		back("error", "invalid_request", "error_description", "code_challenge_method must be S256")
		return
	}
	if r.Method == http.MethodPost {
		if r.PostFormValue("decision") != "allow" {
			back("error", "access_denied", "error_description", "The resource owner or authorization server denied the request")
			return
		}
		g.enter(w, q, client, r.PostFormValue("person"), scopes, true, back)
		return
	}
	person := g.visitor(r)
	g.mu.Lock()
	account := g.accountOf(person)
	known := account != nil && coversExactly(g.consents[consentKey(client, account)], scopes)
	g.mu.Unlock()
	if known && q.Get("prompt") != "login" {
		g.enter(w, q, client, person, scopes, false, back)
		return
	}
	writePage(w, http.StatusOK, consentForm)
}

// enter signs a person in with one of their identities, holds the session
// against what the client requires of it, and issues a code.
func (g *Globus) enter(w http.ResponseWriter, q url.Values, client *GlobusClient, person string, scopes []string, fresh bool, back func(...string)) {
	at := g.Now()
	g.mu.Lock()
	used, account := g.identities[person], g.accountOf(person)
	if used == nil || account == nil || used.Closed {
		g.mu.Unlock()
		writePage(w, http.StatusOK, "<p>The sign-in did not succeed.</p>"+consentForm)
		return
	}
	if fresh {
		used.LastAuthentication = at
	}
	seen := g.effective(client, account)
	if seen == nil {
		g.mu.Unlock()
		writePage(w, http.StatusOK, "<p>Link an identity of the required provider first.</p>") // never returns
		return
	}
	if domain := q.Get("session_required_single_domain"); domain != "" && !slices.ContainsFunc(strings.Split(domain, ","), func(d string) bool {
		return strings.HasSuffix(used.Username, "@"+d)
	}) {
		g.mu.Unlock()
		back("error", "access_denied", "error_description", "The session does not have an identity of the required domain")
		return
	}
	g.consents[consentKey(client, account)] = sortedCopy(append(g.consents[consentKey(client, account)], scopes...))
	code := randomText(24)
	g.codes[code] = &globusCode{
		client: client.ID, identity: seen.ID, redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
		state: q.Get("state"), scopes: scopes, offline: q.Get("access_type") == "offline", expires: at.Add(globusCodeLifetime),
	}
	g.mu.Unlock()
	g.remember(w, person)
	back("code", code)
}

func consentKey(c *GlobusClient, a *globusAccount) string { return c.ID + " " + a.identities[0] }

func coversExactly(have, want []string) bool {
	return len(have) > 0 && !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
}

// logout serves the page behind which a link leads back: no redirect.
func (g *Globus) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(visitorCookie); err == nil {
		g.mu.Lock()
		delete(g.visitors, c.Value)
		g.mu.Unlock()
	}
	writePage(w, http.StatusOK, `<p>You are logged out.</p><a href="/">Back</a>`)
}
