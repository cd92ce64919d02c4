package providertest

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Grant is what one person allowed one client.
type Grant struct {
	Person      Person
	Client      Client
	RedirectURI string
	Scope       string     // separated by spaces
	Nonce       string     // "" none
	Params      url.Values // of the authorization request
	AuthTime    time.Time
	SID         string

	challenge string // S256; "" none
	expires   time.Time
	used      bool
	answered  bool // tokens were given
	refreshed bool // and again since
	revoked   bool
}

// request is a checked authorization request.
func (s *OpenID) request(w http.ResponseWriter, r *http.Request) (g Grant, ok bool) {
	page := func(text string) { // the redirect URI is not trusted yet
		http.Error(w, text, http.StatusBadRequest)
	}
	if err := r.ParseForm(); err != nil {
		page("malformed request")
		return Grant{}, false
	}
	q := r.Form
	for name, values := range q {
		if len(values) > 1 {
			page("parameter twice: " + name)
			return Grant{}, false
		}
	}
	s.mu.Lock()
	client, known := s.clients[q.Get("client_id")]
	switches := s.switches
	s.mu.Unlock()
	if !known {
		page("unknown client")
		return Grant{}, false
	}
	if !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) {
		page("redirect_uri is not registered")
		return Grant{}, false
	}
	g = Grant{Client: client, RedirectURI: q.Get("redirect_uri"), Scope: q.Get("scope"), Nonce: q.Get("nonce"), Params: q, challenge: q.Get("code_challenge")}
	refuse := func(code, text string) {
		s.answer(w, r, g, map[string]string{"error": code, "error_description": text})
	}
	switch {
	case q.Get("response_type") != "code":
		refuse("unsupported_response_type", "only code")
	case !hasScope(g.Scope, "openid"):
		refuse("invalid_scope", "openid is missing")
	case s.o.Scopes != nil && !allIn(strings.Fields(g.Scope), s.o.Scopes):
		refuse("invalid_scope", "unknown scope")
	case g.challenge == "" && switches.RequirePKCE:
		refuse("invalid_request", "Missing parameter: code_challenge_method")
	case g.challenge != "" && (q.Get("code_challenge_method") != "S256" || len(g.challenge) != 43) && !switches.IgnorePKCE:
		refuse("invalid_request", "only S256")
	case g.Nonce == "" && switches.RequireNonce:
		refuse("invalid_request", "nonce is missing")
	case q.Get("prompt") == "none":
		refuse("login_required", "nobody is signed in")
	default:
		return g, true
	}
	return Grant{}, false
}

func allIn(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// serveAuthorize shows the sign-in form.
func (s *OpenID) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	if s.o.OnAuthorize != nil && s.o.OnAuthorize(w, r) {
		return
	}
	g, ok := s.request(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	people := slices.Sorted(maps.Keys(s.people))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><html lang=en><title>Sign in</title><h1>Sign in to continue to %s</h1>\n<form method=post action=%q>\n",
		html.EscapeString(g.Client.ID), s.path(Authorize)[strings.LastIndex(s.path(Authorize), "/")+1:])
	for name := range g.Params {
		fmt.Fprintf(w, "<input type=hidden name=\"%s\" value=\"%s\">\n", html.EscapeString(name), html.EscapeString(g.Params.Get(name)))
	}
	for _, subject := range people {
		fmt.Fprintf(w, "<p><button name=subject value=\"%s\">%s</button>\n", html.EscapeString(subject), html.EscapeString(subject))
	}
	fmt.Fprint(w, "<p><button name=deny value=1>Deny</button></form>")
}

// serveDecision takes the form: a subject, or a denial.
func (s *OpenID) serveDecision(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "malformed form", http.StatusBadRequest)
		return
	}
	subject, deny := r.Form.Get("subject"), r.Form.Has("deny")
	r.Form.Del("subject")
	r.Form.Del("deny")
	g, ok := s.request(w, r)
	if !ok {
		return
	}
	if deny {
		s.answer(w, r, g, map[string]string{"error": "access_denied", "error_description": "the person declined"})
		return
	}
	s.mu.Lock()
	person, known := s.people[subject]
	s.mu.Unlock()
	if !known {
		http.Error(w, "unknown person", http.StatusForbidden)
		return
	}
	g.Person = person
	if s.o.OnDecision != nil && s.o.OnDecision(w, g) {
		return
	}
	s.answer(w, r, g, map[string]string{"code": s.NewCode(g)})
}

// NewCode issues a code for a grant.
func (s *OpenID) NewCode(g Grant) string {
	now := s.Now()
	if g.AuthTime.IsZero() {
		g.AuthTime = now
	}
	if g.SID == "" {
		g.SID = random()
	}
	g.expires = now.Add(s.o.CodeLifetime)
	code := random()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = &g
	return code
}

// answer redirects to the redirect URI.
func (s *OpenID) answer(w http.ResponseWriter, r *http.Request, g Grant, params map[string]string) {
	switches := s.switched()
	if state := g.Params.Get("state"); state != "" {
		params["state"] = state
	}
	switch {
	case switches.CallbackIssuer != "":
		params["iss"] = switches.CallbackIssuer
	case !switches.OmitIssuer:
		params["iss"] = s.Issuer
	}
	if s.o.OnCallback != nil {
		s.o.OnCallback(params)
	}
	u, err := url.Parse(g.RedirectURI)
	if err != nil {
		http.Error(w, "malformed redirect_uri", http.StatusBadRequest)
		return
	}
	q := u.Query()
	for k, v := range params {
		q.Set(k, v)
	}
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}
