package providertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// orcidCodeLifetime is how long a code works.
	orcidCodeLifetime = 10 * time.Minute
	// orcidMaxState is the longest state that the registry takes.
	orcidMaxState = 2000
)

// authorize serves /oauth/authorize. It is a page with a script at the real
// registry, so every answer has status 200, and only a decision or an error
// that may leave the site sends the browser on.
func (o *ORCID) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	o.mu.Lock()
	client, settings := o.clients[q.Get("client_id")], o.settings
	o.mu.Unlock()
	uri := q.Get("redirect_uri")
	if client == nil || !client.mayReturn(uri, o.sandbox) || len(q.Get("state")) > orcidMaxState {
		writePage(w, http.StatusOK, "<p>There is a problem with the application.</p>") // never leaves the site
		return
	}
	fragment := func(code string) { writeOnward(w, uri+"#error="+code) } // no state, and not in the query
	scopes := strings.Fields(q.Get("scope"))
	if q.Get("response_type") != "code" {
		fragment("unsupported_response_type")
		return
	}
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return !client.mayAsk(s) }) {
		fragment("invalid_scope")
		return
	}
	if r.Method == http.MethodPost {
		o.decide(w, r, client, settings)
		return
	}
	orcid := o.visitor(r)
	switch prompt := q.Get("prompt"); {
	case prompt == "none" && orcid == "":
		fragment("login_required")
	case prompt == "none" && !o.hasToken(client.ID, orcid, scopes):
		fragment("interaction_required")
	case orcid != "" && prompt != "login" && prompt != "confirm" && q.Get("show_login") != "true" && o.hasToken(client.ID, orcid, scopes):
		o.sendBack(w, q, client, settings, orcid)
	default:
		writePage(w, http.StatusOK, consentForm)
	}
}

// decide handles the sent form.
func (o *ORCID) decide(w http.ResponseWriter, r *http.Request, client *ORCIDClient, settings ORCIDSettings) {
	q := r.URL.Query()
	if r.PostFormValue("decision") != "allow" {
		writeOnward(w, withQuery(q.Get("redirect_uri"), "error", "access_denied", "error_description", "User denied access", "state", q.Get("state"), "iss", settings.Issuer))
		return
	}
	o.mu.Lock()
	rec := o.records[r.PostFormValue("person")]
	if rec != nil && rec.State == StateDeprecated { // who signs in with the old iD is the new one
		rec = o.records[rec.merged]
	}
	o.mu.Unlock()
	if rec == nil || rec.State != "" && rec.State != StatePrivate {
		writePage(w, http.StatusOK, "<p>Incorrect username and/or password.</p>"+consentForm)
		return
	}
	o.remember(w, rec.ID)
	o.sendBack(w, q, client, settings, rec.ID)
}

// sendBack issues a code and sends the browser to the redirect URI.
func (o *ORCID) sendBack(w http.ResponseWriter, q url.Values, client *ORCIDClient, settings ORCIDSettings, orcid string) {
	at := o.Now()
	o.mu.Lock()
	code := orcidCodeText()
	for o.codes[code] != nil {
		code = orcidCodeText()
	}
	o.codes[code] = &orcidCode{
		client: client.ID, orcid: orcid, redirect: q.Get("redirect_uri"), scope: q.Get("scope"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge") != "", authTime: at, expires: at.Add(orcidCodeLifetime),
	}
	o.mu.Unlock()
	writeOnward(w, withQuery(q.Get("redirect_uri"), "code", code, "state", q.Get("state"), "iss", settings.Issuer))
}

// orcidCodeText is six alphanumerics in mixed case.
func orcidCodeText() string {
	for {
		s := strings.NewReplacer("-", "", "_", "").Replace(randomText(12))
		if len(s) >= 6 {
			return s[:6]
		}
	}
}

// hasToken tells whether a live token with the same scopes spares the consent.
func (o *ORCID) hasToken(client, orcid string, scopes []string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.tokens, func(t *orcidToken) bool {
		return t.client == client && t.orcid == orcid && !t.dead && slices.Equal(sortedCopy(t.scopes), sortedCopy(scopes))
	})
}

// mayAsk tells whether a client may ask a person for a scope.
func (c *ORCIDClient) mayAsk(scope string) bool {
	switch scope {
	case "openid", "/authenticate":
		return true
	case "/read-limited", "/activities/update", "/person/update":
		return c.Member
	}
	return false
}

// mayReturn is the registry's rule: https unless in the sandbox; scheme, host
// and port equal, and the registered path a prefix; a bare host matches all
// of it.
func (c *ORCIDClient) mayReturn(uri string, sandbox bool) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Fragment != "" || u.Scheme != "https" && !(sandbox && u.Scheme == "http") {
		return false
	}
	for _, r := range c.RedirectURIs {
		reg, err := url.Parse(r)
		if err == nil && reg.Scheme == u.Scheme && reg.Host == u.Host && strings.HasPrefix(u.Path, reg.Path) {
			return true
		}
	}
	return false
}
