package web

import (
	"net/http"
	"net/url"
	"strings"

	"idbroker/broker"
)

// endpoint is what a route reads whose requests a specification describes: the
// corpus is put into each place of it.
type endpoint struct {
	methods string // that it serves, with spaces between them
	asks    []asked
}

// asked is a request that is in order, but for what a test puts into it.
type asked struct {
	method string
	auth   string            // Authorization; "" none
	query  url.Values        // of the URL
	form   url.Values        // of the body
	object map[string]string // JSON of the body: values by their names, as they stand there
	// takes are the parameters in which a plain text that means nothing is no error:
	// the specification ignores them, compares them with nothing, or answers 200.
	takes string
	// page: what is wrong is shown to a person, and not only told to a program.
	page bool
}

// names tells which error codes say by themselves which parameter is wrong (RFC
// 6749, section 5.2; OpenID Connect Core 1.0, section 3.1.2.6; RFC 7591, section 3.2.2).
var names = map[string]string{
	"grant_type": "unsupported_grant_type", "code": "invalid_grant", "redirect_uri": "invalid_grant", "code_verifier": "invalid_grant", "refresh_token": "invalid_grant", "scope": "invalid_scope",
	"client_id": "invalid_client", "client_secret": "invalid_client", "client_assertion": "invalid_client", "client_assertion_type": "invalid_client",
	"response_type": "unsupported_response_type", "request": "request_not_supported", "request_uri": "request_uri_not_supported", "registration": "registration_not_supported",
	"redirect_uris": "invalid_redirect_uri", "access_token": "invalid_token", "software_statement": "unapproved_software_statement",
}

// badWorld is what the requests of endpoints need of a world.
type badWorld struct {
	*world
	basic        string // Authorization of the client conf
	access       string // a token of the public client app
	refresh      string
	registration string // token of the client that registered itself
	registered   string // its id
}

// standards are the endpoints by their patterns. A route that is neither here nor an
// operation in JSON is a failure.
func (w *badWorld) standards() map[string]endpoint {
	request := url.Values{
		"client_id": {"conf"}, "redirect_uri": {callbackURL}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"}, "prompt": {"none"}, "max_age": {"60"}, "display": {"page"}, "ui_locales": {"de"},
		"claims": {`{"userinfo": {"name": null}}`}, "claims_locales": {"de"}, "acr_values": {"x"}, "login_hint": {"ada"}, "response_mode": {"query"}, "code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
		"id_token_hint": nil, "registration": nil, "request": nil, "request_uri": nil, "idp_hint": {"demo"}, "kc_idp_hint": {"demo"},
	}
	// What names no choice of ours is ignored, or handed back as it is.
	const free = "state nonce display ui_locales claims_locales acr_values login_hint idp_hint kc_idp_hint"
	pushed := url.Values{}
	for name, values := range request {
		if name != "client_id" {
			pushed[name] = values
		}
	}
	client := url.Values{"client_id": nil, "client_secret": nil, "client_assertion": nil, "client_assertion_type": nil}
	with := func(more url.Values) url.Values {
		all := url.Values{}
		for _, from := range []url.Values{client, more} {
			for name, values := range from {
				all[name] = values
			}
		}
		return all
	}
	token := func(form url.Values, takes string) []asked {
		return []asked{{method: "POST", auth: w.basic, form: with(form), takes: takes}}
	}
	metadata := map[string]string{
		"redirect_uris": `["https://a.example/cb"]`, "post_logout_redirect_uris": `["https://a.example/"]`, "grant_types": `["authorization_code"]`, "response_types": `["code"]`, "contacts": `["a@a.example"]`,
		"client_name": `"A"`, "client_name#de": `"A"`, "client_uri": `"https://a.example/"`, "logo_uri": `"https://a.example/"`, "policy_uri": `"https://a.example/"`, "tos_uri": `"https://a.example/"`, "jwks_uri": `"https://a.example/"`,
		"jwks": "", "sector_identifier_uri": "", "backchannel_logout_uri": `"https://a.example/"`, "frontchannel_logout_uri": `"https://a.example/"`, "initiate_login_uri": `"https://a.example/"`,
		"token_endpoint_auth_method": `"client_secret_basic"`, "token_endpoint_auth_signing_alg": "", "id_token_signed_response_alg": `"RS256"`, "userinfo_signed_response_alg": "", "request_object_signing_alg": "",
		"id_token_encrypted_response_alg": "", "request_object_encryption_alg": "",
		"subject_type": `"public"`, "application_type": `"web"`, "scope": `"openid"`, "software_id": `"x"`, "software_version": `"1"`, "software_statement": "", "default_max_age": `60`, "require_auth_time": `true`,
		"require_pushed_authorization_requests": `false`, "require_signed_request_object": `false`, "backchannel_logout_session_required": `true`, "frontchannel_logout_session_required": `true`, "default_acr_values": `["x"]`,
	}
	again := map[string]string{"client_id": `"` + w.registered + `"`}
	for name, value := range metadata {
		again[name] = value
	}
	// A scope that is not offered is left out, and the answer says so (RFC 7591, section 3.2.1); versions and values of acr are anybody's.
	const loose = "client_name client_name#de scope software_id software_version default_acr_values contacts"
	logout := url.Values{"id_token_hint": nil, "client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"s"}, "logout_hint": {"x"}, "ui_locales": {"de"}}
	// A hint that is none and an unknown client lead nowhere: people can sign out all the same.
	const hints = "id_token_hint client_id state logout_hint ui_locales"
	callback := url.Values{"code": {"x"}, "state": {"x"}, "iss": {"x"}, "error": {"x"}, "error_description": {"x"}}
	document := endpoint{methods: "GET HEAD OPTIONS", asks: nil}
	return map[string]endpoint{
		"/oauth2/token": {"POST OPTIONS", append(append(
			token(url.Values{"grant_type": {broker.GrantCode}, "code": {"x"}, "redirect_uri": {callbackURL}, "code_verifier": {verifier}}, ""),
			token(url.Values{"grant_type": {broker.GrantRefresh}, "refresh_token": {"x"}}, "")...),
			asked{method: "POST", form: url.Values{"client_id": {"app"}, "grant_type": {broker.GrantRefresh}, "refresh_token": {w.refresh}, "scope": {"admin"}, "client_secret": nil, "client_assertion": nil, "client_assertion_type": nil}})},
		"/oauth2/introspect":       {"POST", token(url.Values{"token": {"x"}, "token_type_hint": {"access_token"}}, "token token_type_hint")},
		"/oauth2/revoke":           {"POST OPTIONS", token(url.Values{"token": {"x"}, "token_type_hint": {"access_token"}}, "token token_type_hint")},
		"/oauth2/par":              {"POST OPTIONS", []asked{{method: "POST", auth: w.basic, form: with(pushed), takes: free}}},
		"/oauth2/userinfo":         {"GET POST OPTIONS", []asked{{method: "POST", form: url.Values{"access_token": nil}}}},
		registerPath:               {"POST OPTIONS", []asked{{method: "POST", object: metadata, takes: loose}}},
		registerPath + "/{client}": {"GET PUT DELETE OPTIONS", []asked{{method: "PUT", auth: "Bearer " + w.registration, object: again, takes: loose}}},
		"GET " + authorizePath:     {"GET HEAD", []asked{{method: "GET", query: request, takes: free, page: true}}},
		// The GET that it turns into says what is wrong.
		"POST " + authorizePath:                   {"POST", []asked{{method: "POST", form: request, takes: strings.Join(keysOf(request), " "), page: true}}},
		"GET /oauth2/logout":                      {"GET HEAD", []asked{{method: "GET", query: logout, takes: hints, page: true}}},
		"POST /oauth2/logout":                     {"POST", []asked{{method: "POST", form: logout, takes: strings.Join(keysOf(logout), " "), page: true}}},
		"GET /oauth/authorized/{app}/{$}":         {"GET HEAD", []asked{{method: "GET", query: callback, takes: "code state iss error error_description", page: true}}},
		"GET /oauth/signed-out/{app}/{$}":         {"GET HEAD", []asked{{method: "GET", query: url.Values{"state": {"x"}}, takes: "state", page: true}}},
		"POST /oauth/backchannel/{app}/{$}":       {"POST", []asked{{method: "POST", form: url.Values{"logout_token": {"x"}}}}},
		"GET " + checkSessionPath:                 {"GET HEAD", nil},
		"/oauth2/jwks.json":                       document,
		"/.well-known/openid-configuration":       document,
		"/.well-known/oauth-authorization-server": document,
		openAPIPath:    document,
		"GET /static/": {"GET HEAD", nil},
	}
}

func keysOf(values url.Values) (names []string) {
	for name := range values {
		names = append(names, name)
	}
	return names
}

// prepare makes what the requests of endpoints need.
func (w *badWorld) prepare() {
	t := w.t
	t.Helper()
	secret := broker.NewSecret()
	w.client()
	w.client(func(c *broker.Client) {
		c.ID, c.AuthMethod, c.Secrets = "conf", broker.AuthBasic, []broker.ClientSecret{{Hash: secret.Hash(), CreatedAt: c.CreatedAt}}
	})
	w.basic = basic("conf", secret.Reveal())
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	a := b.get(authorize("scope", "openid offline_access", "prompt", "consent"))
	for a.param("code") == "" { // the consent page
		a = b.post(a.location, "decision", "allow")
	}
	var got struct {
		Access       string `json:"access_token"`
		Refresh      string `json:"refresh_token"`
		ID           string `json:"client_id"`
		Registration string `json:"registration_access_token"`
	}
	post := func(path, kind, body string) {
		t.Helper()
		_, text := w.request(bad{method: "POST", path: path, header: http.Header{"Content-Type": {kind}}, body: body})
		must(t, jsonInto(text, &got))
	}
	post("/oauth2/token", formMediaType, url.Values{
		"grant_type": {broker.GrantCode}, "code": {a.param("code")}, "redirect_uri": {callbackURL}, "client_id": {"app"}, "code_verifier": {verifier},
	}.Encode())
	post(registerPath, jsonMediaType, `{"redirect_uris": ["https://a.example/cb"]}`)
	w.access, w.refresh, w.registered, w.registration = got.Access, got.Refresh, got.ID, got.Registration
	if w.access == "" || w.refresh == "" || w.registered == "" || w.registration == "" {
		t.Fatalf("%+v", got)
	}
}
