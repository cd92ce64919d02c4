package oidf

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Change changes an authorization request.
type Change func(url.Values)

// With sets a parameter.
func With(name, value string) Change { return func(v url.Values) { v.Set(name, value) } }

// Without leaves a parameter out.
func Without(name string) Change { return func(v url.Values) { v.Del(name) } }

// Scope sets the scope.
func Scope(scope string) Change { return With("scope", scope) }

// PKCE adds a code challenge (RFC 7636, S256), whose verifier Redeem sends.
func (r *Run) PKCE() Change {
	verifier := random() + random()
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	r.verifiers[challenge] = verifier
	return func(v url.Values) {
		v.Set("code_challenge", challenge)
		v.Set("code_challenge_method", "S256")
	}
}

// Request is an authorization request of the module's client in the variant:
// openid, with state and nonce.
func (r *Run) Request(changes ...Change) url.Values {
	v := url.Values{
		"client_id": {r.Client().ID}, "redirect_uri": {r.RedirectURI()}, "scope": {"openid"},
		"response_type": {r.Variant.ResponseType}, "state": {random()}, "nonce": {random()},
	}
	if r.Variant.ResponseMode == "form_post" {
		v.Set("response_mode", "form_post")
	}
	if len(r.Client().RedirectURIs) > 0 && !slices.Contains(r.Client().RedirectURIs, r.RedirectURI()) {
		v.Set("redirect_uri", r.Client().RedirectURIs[0])
	}
	for _, change := range changes {
		change(v)
	}
	return v
}

// Answer is where an authorization request led.
type Answer struct {
	Request url.Values
	Arrival *Arrival // nil: not back to the application
	Page    *Page    // where the person was left; nil: they are back at the application
	Acted   []string // the tasks in which the person had to do something
	Seen    []*Page  // every page that the person was shown
}

// Visit opens an authorization request in the browser, and does what the
// configuration says the person does.
func (r *Run) Visit(request url.Values) Answer {
	return r.Walk(request, r.authorizeURL(request), func(address string) error { return r.Browser.Open(r.ctx, address) })
}

// VisitPost sends an authorization request as a form from the application's page.
func (r *Run) VisitPost(request url.Values) Answer {
	return r.Walk(request, r.Metadata.Text("authorization_endpoint"), func(address string) error { return r.Browser.Post(r.ctx, address, request) })
}

// Walk opens an address and lets the person do what the configuration says.
func (r *Run) Walk(request url.Values, address string, open func(string) error) Answer {
	if err := open(address); err != nil {
		r.Fatal(journey, "%v", err)
	}
	acted, err := r.Browser.walk(r.ctx, r.Config.Browser, r.visits, address)
	if err != nil {
		r.Fatal(journey, "%v", err)
	}
	a := Answer{Request: request, Arrival: r.Browser.Arrived(), Page: r.Browser.Page(), Acted: acted, Seen: r.Browser.seen}
	switch {
	case a.Arrival != nil:
		r.Log("back at the application: %s%s", maskURL(a.Arrival.URL), readable(maskValues(a.Arrival.Form)))
	case a.Page != nil:
		r.Log("left at %s", a.Page)
	}
	return a
}

func (r *Run) authorizeURL(request url.Values) string {
	u, err := url.Parse(r.Metadata.Text("authorization_endpoint"))
	if err != nil {
		r.Fatal(discovery("3"), "authorization_endpoint: %v", err)
	}
	q := u.Query()
	for name, values := range request {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// mode is where the answer to the request belongs: query, fragment or form_post.
func mode(request url.Values) string {
	if m := request.Get("response_mode"); m != "" {
		return m
	}
	types := strings.Fields(request.Get("response_type"))
	if slices.Contains(types, "token") || slices.Contains(types, "id_token") {
		return "fragment"
	}
	return "query"
}

// Params are the parameters of an answer, which must be back at the redirect URI
// and in the place that its response mode names.
func (r *Run) Params(a Answer) url.Values {
	if a.Arrival == nil {
		r.Fatal(core("3.1.2.5"), "the browser does not come back to the application; it stands at %v", a.Page)
	}
	want := a.Request.Get("redirect_uri")
	got := *a.Arrival.URL
	got.Fragment, got.RawFragment = "", ""
	if base, _, _ := strings.Cut(want, "?"); want != "" {
		at := got
		at.RawQuery = ""
		r.Check(at.String() == base, core("3.1.2.5"), "the response goes to the redirect URI %s", want)
	}
	where := mode(a.Request)
	params := map[string]url.Values{"query": a.Arrival.Query, "fragment": a.Arrival.Fragment, "form_post": a.Arrival.Form}[where]
	if len(params) == 0 {
		r.Fatal(encodings("2.1"), "the response is in the %s; it is not: %s", where, maskURL(a.Arrival.URL))
	}
	for name, values := range params {
		if len(values) > 1 {
			r.Fail(rfc("6749", "3.1"), "%s stands %d times in the response", name, len(values))
		}
	}
	if where != "query" {
		for _, name := range []string{"code", "id_token", "access_token", "error"} {
			r.refuse(a.Arrival.Query.Has(name), encodings("5"), "%s is in the query, from where it leaks", name)
		}
	}
	r.checkEcho(a, params)
	return params
}

// refuse is Fail where something is so.
func (r *Run) refuse(so bool, c Clause, format string, a ...any) {
	if so {
		r.Fail(c, format, a...)
	}
}

// checkEcho checks state and iss, which errors have, too.
func (r *Run) checkEcho(a Answer, params url.Values) {
	state := a.Request.Get("state")
	r.Check(params.Get("state") == state, rfc("6749", "4.1.2"), "state comes back as it was sent")
	// RFC 9207, section 1: an ID token in the response says the same, so that OPs
	// leave iss out beside one.
	if r.Metadata.Flag("authorization_response_iss_parameter_supported", false) && !params.Has("id_token") {
		r.Check(params.Get("iss") == r.Issuer, rfc("9207", "2"), "iss of the response is the issuer")
	} else if params.Has("iss") {
		r.Check(params.Get("iss") == r.Issuer, rfc("9207", "2"), "iss of the response is the issuer")
	}
}

// Granted are the parameters of a successful answer: those that the response
// type asks for and no others.
func (r *Run) Granted(a Answer) url.Values {
	p := r.Params(a)
	if p.Has("error") {
		r.Fatal(core("3.1.2.5"), "the request is granted; the answer is %s: %s", p.Get("error"), p.Get("error_description"))
	}
	types := strings.Fields(a.Request.Get("response_type"))
	for part, name := range map[string]string{"code": "code", "id_token": "id_token", "token": "access_token"} {
		if slices.Contains(types, part) != p.Has(name) {
			r.Fatal(encodings("3"), "the response to response_type=%s has %s or not as asked; it is the other way round", a.Request.Get("response_type"), name)
		}
	}
	r.Pass(encodings("3"), "the response has what response_type=%s asks for", a.Request.Get("response_type"))
	if p.Has("access_token") {
		r.Check(strings.EqualFold(p.Get("token_type"), "bearer"), core("3.2.2.5"), "token_type is Bearer")
	}
	return p
}

// Refused checks that the answer is one of the errors, brought back to the
// application, and returns its parameters.
func (r *Run) Refused(a Answer, c Clause, codes ...string) url.Values {
	p := r.Params(a)
	r.Check(slices.Contains(codes, p.Get("error")), c, "the error is %s; it is %q (%s)", strings.Join(codes, " or "), p.Get("error"), p.Get("error_description"))
	for _, name := range []string{"code", "id_token", "access_token"} {
		r.refuse(p.Has(name), core("3.1.2.6"), "%s stands beside an error", name)
	}
	r.Check(printableError(p.Get("error_description")), rfc("6749", "4.1.2.1"), "error_description has only the characters %%x20-21 / %%x23-5B / %%x5D-7E")
	for name := range p {
		if !slices.Contains([]string{"error", "error_description", "error_uri", "state", "iss", "session_state"}, name) {
			r.Warn(rfc("6749", "4.1.2.1"), "the error has the unexpected parameter %s", name)
		}
	}
	return p
}

// ErrorPage checks that the person was left at a page that says what is wrong,
// and did not come back to the application.
func (r *Run) ErrorPage(a Answer, c Clause) {
	if a.Arrival != nil {
		r.Fatal(c, "the person is shown an error and not sent to %s", maskURL(a.Arrival.URL))
	}
	if len(a.Acted) > 0 || a.Page.Has(`input[type="password"]`) {
		r.Fatal(c, "the person is shown an error before they are asked for anything; they saw %s", a.Page)
	}
	r.Check(a.Page.IsHTML(), c, "the error is a page for people (text/html)")
	if a.Page.Status < http.StatusBadRequest {
		r.Warn(rfc("9110", "15.5"), "an error page has a status of 400 or more, not %d", a.Page.Status)
	}
	r.Check(len(a.Page.Text()) > 0, c, "the page says something")
}

// printableError tells whether s has only what RFC 6749 allows in errors.
func printableError(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
