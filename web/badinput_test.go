package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// bad is a request that must be refused, and how.
type bad struct {
	name, method, path string
	header             http.Header
	body               string

	status    int
	code      string // "error" of the answer; "" a page for people, "-" neither
	challenge string // how WWW-Authenticate begins; "" not there
	allow     string // Allow; "" not there
	location  string // where the browser is sent with the error; "" nowhere
}

const formType = "application/x-www-form-urlencoded"

// with returns a header with pairs of names and values.
func with(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// misshapen are the requests that no form endpoint may take, whoever sends them.
// good is a form that is in order but for what it asks about.
func misshapen(path, auth, good string) []bad {
	form := with("Content-Type", formType, "Authorization", auth)
	post := func(name, body string, status int, header http.Header) bad {
		return bad{name: name, method: "POST", path: path, header: header, body: body, status: status, code: "invalid_request"}
	}
	first, _, _ := strings.Cut(good, "&")
	all := []bad{
		post("JSON", `{"a":"b"}`, 400, with("Content-Type", "application/json", "Authorization", auth)),
		post("multipart", "--x--", 400, with("Content-Type", "multipart/form-data; boundary=x", "Authorization", auth)),
		post("text", good, 400, with("Content-Type", "text/plain", "Authorization", auth)),
		post("no content type", good, 400, with("Authorization", auth)),
		post("a parameter twice", good+"&"+first, 400, form),
		post("an unknown one twice", good+"&x=1&x=2", 400, form),
		post("once in another spelling", good+"&"+strings.Replace(first, "=", "=%20", 1), 400, form),
		post("bad escape", good+"&x=%zz", 400, form),
		post("semicolon", good+";x=1", 400, form),
		post("NUL", good+"&x=%00", 400, form),
		post("not UTF-8", good+"&x=%ff", 400, form),
		post("too large", good+"&x="+strings.Repeat("a", maxBody), 413, form),
		post("token in the URL", good, 400, form),
		post("two Authorization headers", good, 400, with("Content-Type", formType, "Authorization", auth, "Authorization", auth)),
		post("two ways at once", good+"&client_id=conf&client_secret=x", 400, form),
	}
	all[12].path += "?client_secret=x"
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
		all = append(all, bad{name: method, method: method, path: path, header: form, status: 405, code: "invalid_request", allow: "POST"})
	}
	strangers := map[string]http.Header{
		"nobody": with("Content-Type", formType), "unknown client": with("Content-Type", formType, "Authorization", basic("nobody", "x")),
		"wrong secret": with("Content-Type", formType, "Authorization", basic("conf", "x")), "no credentials": with("Content-Type", formType, "Authorization", "Basic ?"),
		"another scheme": with("Content-Type", formType, "Authorization", "Digest x"),
	}
	for name, header := range strangers {
		all = append(all, bad{name: name, method: "POST", path: path, header: header, body: good, status: 401, code: "invalid_client", challenge: "Basic realm="})
	}
	return all
}

func basic(id, secret string) string {
	r, _ := http.NewRequest("POST", "/", nil) //nolint:noctx // for its header alone
	r.SetBasicAuth(id, secret)
	return r.Header.Get("Authorization")
}

// badAtEndpoints is what must be refused, at every endpoint.
func badAtEndpoints(auth, code, access string) []bad {
	request := func(pairs ...string) string {
		q := url.Values{"client_id": {"conf"}, "redirect_uri": {callbackURL}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return q.Encode()
	}
	form, document := with("Content-Type", formType, "Authorization", auth), with("Content-Type", "application/json")
	bearer := with("Authorization", "Bearer "+access)
	var all []bad
	add := func(method, path string, header http.Header, status int, code string, tests ...[2]string) {
		for _, tt := range tests {
			all = append(all, bad{name: tt[0], method: method, path: path, header: header, body: tt[1], status: status, code: code})
		}
	}
	all = append(all, misshapen("/oauth2/token", auth, "grant_type=authorization_code&code=x")...)
	add("POST", "/oauth2/token", form, 400, "invalid_request", [2]string{"empty", ""}, [2]string{"no grant type", "code=x"}, [2]string{"no code", "grant_type=authorization_code"}, [2]string{"no refresh token", "grant_type=refresh_token"})
	add("POST", "/oauth2/token", form, 400, "unsupported_grant_type", [2]string{"unknown grant type", "grant_type=magic"}, [2]string{"password", "grant_type=password&username=a&password=b"}, [2]string{"other case", "grant_type=AUTHORIZATION_CODE&code=x"})
	add("POST", "/oauth2/token", form, 400, "invalid_grant", [2]string{"unknown code", "grant_type=authorization_code&code=x"}, [2]string{"unknown refresh token", "grant_type=refresh_token&refresh_token=x"})
	add("POST", "/oauth2/token", form, 400, "unauthorized_client", [2]string{"a grant type of others", "grant_type=client_credentials"})

	all = append(all, misshapen("/oauth2/par", auth, strings.TrimPrefix(request(), "client_id=conf&"))...)
	add("POST", "/oauth2/par", form, 400, "invalid_request", [2]string{"empty", ""}, [2]string{"another client", request("client_id", "app")}, [2]string{"a request_uri", request("request_uri", "urn:x")},
		[2]string{"foreign redirect", request("redirect_uri", "https://evil.example/")}, [2]string{"rubbish max_age", request("max_age", "x")})
	add("POST", "/oauth2/par", form, 400, "invalid_scope", [2]string{"scope", request("scope", "admin")})
	add("POST", "/oauth2/par", form, 400, "unsupported_response_type", [2]string{"response type", request("response_type", "x")})
	add("POST", "/oauth2/par", form, 400, "request_not_supported", [2]string{"request object of a client without keys", request("request", "x")})

	all = append(all, misshapen("/oauth2/introspect", auth, "token=x")...)
	add("POST", "/oauth2/introspect", form, 400, "invalid_request", [2]string{"no token", ""})
	all = append(all, bad{name: "public client", method: "POST", path: "/oauth2/introspect", header: with("Content-Type", formType), body: "token=x&client_id=app", status: 401, code: "invalid_client", challenge: "Basic realm="})

	all = append(all, misshapen("/oauth2/revoke", auth, "token=x")...)
	add("POST", "/oauth2/revoke", form, 400, "invalid_request", [2]string{"no token", ""})
	add("POST", "/oauth2/revoke", form, 400, "invalid_grant", [2]string{"another client's", "token=" + access})

	const info = "/oauth2/userinfo"
	invalid := `Bearer realm="`
	all = append(all,
		bad{name: "no token", method: "GET", path: info, status: 401, code: "-", challenge: invalid},
		bad{name: "rubbish", method: "GET", path: info, header: with("Authorization", "Bearer x"), status: 401, code: "invalid_token", challenge: invalid},
		bad{name: "another scheme", method: "GET", path: info, header: with("Authorization", auth), status: 401, code: "-", challenge: invalid},
		bad{name: "in the URL", method: "GET", path: info + "?access_token=" + access, status: 400, code: "invalid_request", challenge: invalid},
		bad{name: "twice", method: "GET", path: info, header: with("Authorization", "Bearer "+access, "Authorization", "Bearer "+access), status: 400, code: "invalid_request", challenge: invalid},
		bad{name: "header and body", method: "POST", path: info, header: with("Authorization", "Bearer "+access, "Content-Type", formType), body: "access_token=" + access, status: 400, code: "invalid_request", challenge: invalid},
		bad{name: "twice in the body", method: "POST", path: info, header: with("Content-Type", formType), body: "access_token=x&access_token=x", status: 400, code: "invalid_request", challenge: invalid},
		bad{name: "too large", method: "POST", path: info, header: with("Content-Type", formType), body: "access_token=" + strings.Repeat("x", maxBody), status: 413, code: "invalid_request", challenge: invalid},
		bad{name: "JSON", method: "POST", path: info, header: document, body: `{"access_token":"x"}`, status: 401, code: "-", challenge: invalid},
		bad{name: "PUT", method: "PUT", path: info, header: bearer, status: 405, code: "invalid_request", allow: "GET, POST"},
		bad{name: "a code", method: "GET", path: info, header: with("Authorization", "Bearer "+code), status: 401, code: "invalid_token", challenge: invalid},
	)

	const register = "/oauth2/register"
	add("POST", register, document, 400, "invalid_client_metadata", [2]string{"empty", ""}, [2]string{"list", "[]"}, [2]string{"a member twice", `{"redirect_uris":["https://a.example/"],"redirect_uris":[]}`},
		[2]string{"something behind it", `{"redirect_uris":["https://a.example/"]} x`}, [2]string{"deep", strings.Repeat(`{"a":`, 99) + "1" + strings.Repeat("}", 99)}, [2]string{"not UTF-8", "{\"client_name\":\"\xff\"}"},
		[2]string{"unknown method", `{"redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"magic"}`}, [2]string{"wrong type", `{"redirect_uris":["https://a.example/"],"client_name":5}`})
	add("POST", register, document, 400, "invalid_redirect_uri", [2]string{"script", `{"redirect_uris":["javascript:alert(1)"]}`}, [2]string{"fragment", `{"redirect_uris":["https://a.example/#x"]}`}, [2]string{"plain http", `{"redirect_uris":["http://a.example/"]}`}, [2]string{"none", `{}`})
	add("POST", register, document, 400, "unapproved_software_statement", [2]string{"statement", `{"redirect_uris":["https://a.example/"],"software_statement":"x"}`})
	add("POST", register, with("Content-Type", formType), 400, "invalid_client_metadata", [2]string{"form", "client_name=x"})
	add("POST", register, document, 413, "invalid_request", [2]string{"too large", `{"client_name":"` + strings.Repeat("x", 1<<20) + `"}`})
	all = append(all,
		bad{name: "GET", method: "GET", path: register, status: 405, code: "invalid_request", allow: "POST"},
		bad{name: "a token that is none", method: "POST", path: register, header: with("Content-Type", "application/json", "Authorization", "Bearer x"), body: `{"redirect_uris":["https://a.example/"]}`, status: 401, code: "invalid_token", challenge: invalid},
		bad{name: "managed without a token", method: "GET", path: register + "/conf", status: 401, code: "-", challenge: invalid},
		bad{name: "managed with another's", method: "DELETE", path: register + "/conf", header: bearer, status: 401, code: "invalid_token", challenge: invalid},
	)

	const authorize = "/oauth2/authorize"
	page := func(name, query string, status int) {
		all = append(all, bad{name: name, method: "GET", path: authorize + "?" + query, status: status})
		if status != http.StatusRequestURITooLong {
			all = append(all, bad{name: name + ", posted", method: "POST", path: authorize, header: with("Content-Type", formType), body: query, status: http.StatusSeeOther, code: "-", location: "/oauth2/authorize?"})
		}
	}
	page("no client", "response_type=code", 400)
	page("unknown client", request("client_id", "nobody"), 400)
	page("client twice", request()+"&client_id=app", 400)
	page("foreign redirect", request("redirect_uri", "https://evil.example/"), 400)
	page("redirect twice", request()+"&redirect_uri=https://evil.example/", 400)
	page("unknown pushed request", "client_id=conf&request_uri=urn:ietf:params:oauth:request_uri:x", 410)
	page("too long", request("state", strings.Repeat("x", maxURI)), 414)
	for _, tt := range [][3]string{
		{"scope twice", request() + "&scope=openid", "invalid_request"}, {"scope", request("scope", "admin"), "invalid_scope"}, {"response type", request("response_type", "x"), "unsupported_response_type"},
		{"no response type", request("response_type", ""), "invalid_request"}, {"prompt", request("prompt", "x"), "invalid_request"}, {"max_age", request("max_age", "-1"), "invalid_request"},
		{"request object", request("request", "x"), "request_not_supported"}, {"response mode", request("response_mode", "x"), "invalid_request"}, {"nobody signed in", request("prompt", "none"), "login_required"},
	} {
		all = append(all, bad{name: tt[0], method: "GET", path: authorize + "?" + tt[1], status: http.StatusSeeOther, code: tt[2], location: callbackURL + "?"})
	}
	all = append(all,
		bad{name: "PUT", method: "PUT", path: authorize + "?" + request(), status: 405, allow: "GET, HEAD, POST"},
		bad{name: "posted JSON", method: "POST", path: authorize, header: document, body: `{}`, status: 400, code: "error.form"},
		bad{name: "posted, too large", method: "POST", path: authorize, header: with("Content-Type", formType), body: "x=" + strings.Repeat("a", maxBody), status: 413},
	)

	const end = "/oauth2/logout"
	for _, tt := range [][2]string{
		{"foreign redirect", "client_id=conf&post_logout_redirect_uri=https://evil.example/"}, {"redirect twice", "post_logout_redirect_uri=https://a.example/&post_logout_redirect_uri=https://b.example/"},
		{"client twice", "client_id=conf&client_id=app"},
	} {
		all = append(all, bad{name: tt[0], method: "GET", path: end + "?" + tt[1], status: 400})
	}
	return append(all,
		bad{name: "PUT", method: "PUT", path: end, status: 405, allow: "GET, HEAD, POST"},
		bad{name: "posted JSON", method: "POST", path: end, header: document, body: `{}`, status: 400, code: "error.form"},
		bad{name: "too long", method: "GET", path: end + "?state=" + strings.Repeat("x", maxURI), status: 414},
		bad{name: "posted, too large", method: "POST", path: end, header: with("Content-Type", formType), body: "x=" + strings.Repeat("a", maxBody), status: 413},
	)
}

// TestBadInputAtTheEndpoints sends it over HTTP: status, code and headers are
// those of the specifications, people see a page where no redirect is safe, and
// no table has a row more.
func TestBadInputAtTheEndpoints(t *testing.T) {
	for name, empty := range map[string]func(testing.TB) string{"sqlite": storetest.EmptySQLite, "postgres": storetest.EmptyPostgres} {
		t.Run(name, func(t *testing.T) {
			dsn := empty(t)
			db := storetest.Open(t, dsn)
			_, err := db.MigrateUp(t.Context())
			must(t, err)
			w := worldOn(t, db, tokens.Options{Registration: tokens.Registration{Mode: tokens.RegisterOpen, PerAddress: 1}})
			raw := storetest.Raw(t, dsn)
			secret := broker.NewSecret()
			w.client()
			w.client(func(c *broker.Client) {
				c.ID, c.AuthMethod, c.Secrets = "conf", broker.AuthBasic, []broker.ClientSecret{{Hash: secret.Hash(), CreatedAt: time.Now()}}
			})
			w.user("ada")
			b := w.browser()
			b.signIn("ada")
			code, access := w.accessOf(b)
			before := storetest.Rows(t, raw)
			for _, tt := range badAtEndpoints(basic("conf", secret.Reveal()), code, access) {
				w.refuses(tt)
				if after := storetest.Rows(t, raw); after != before {
					t.Fatalf("%s %s, %s: rows\n%s\nbecame\n%s", tt.method, tt.path, tt.name, before, after)
				}
			}
			// Who registers too much waits.
			document := with("Content-Type", "application/json")
			good := `{"redirect_uris":["https://a.example/cb"]}`
			if res, body := w.request(bad{method: "POST", path: "/oauth2/register", header: document, body: good}); res.StatusCode != http.StatusCreated {
				t.Fatalf("register: %d %s", res.StatusCode, body)
			}
			before = storetest.Rows(t, raw)
			res, body := w.request(bad{method: "POST", path: "/oauth2/register", header: document, body: good})
			if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "86400" || !strings.Contains(body, "temporarily_unavailable") {
				t.Errorf("one too many: %d %v %s", res.StatusCode, res.Header, body)
			}
			if after := storetest.Rows(t, raw); after != before {
				t.Errorf("rows\n%s\nbecame\n%s", before, after)
			}
		})
	}
}

// accessOf signs a person in to the public application, and returns a spent code
// and an access token.
func (w *world) accessOf(b *browser) (code, access string) {
	w.t.Helper()
	a := b.get(authorize("scope", "openid"))
	for a.param("code") == "" { // the consent page
		a = b.post(a.location, "decision", "allow")
	}
	code = a.param("code")
	_, body := w.request(bad{method: "POST", path: "/oauth2/token", header: with("Content-Type", formType), body: url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callbackURL}, "client_id": {"app"}, "code_verifier": {verifier},
	}.Encode()})
	var tok struct {
		Access string `json:"access_token"`
	}
	must(w.t, json.Unmarshal([]byte(body), &tok))
	return code, tok.Access
}

// request sends a request without following redirects.
func (w *world) request(tt bad) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), tt.method, w.url+tt.path, strings.NewReader(tt.body))
	must(w.t, err)
	for name, values := range tt.header {
		r.Header[name] = values
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	must(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(w.t, err)
	return res, string(body)
}

// refuses checks the refusal of a request.
func (w *world) refuses(tt bad) {
	t := w.t
	t.Helper()
	res, body := w.request(tt)
	wrong := func(what, got, want string) {
		t.Helper()
		t.Errorf("%s %.60s, %s: %s %q, want %q\n%.300s", tt.method, tt.path, tt.name, what, got, want, body)
	}
	h := res.Header
	if res.StatusCode != tt.status {
		wrong("status", res.Status, http.StatusText(tt.status))
		return
	}
	if got := h.Get("WWW-Authenticate"); !strings.HasPrefix(got, tt.challenge) || (got == "") != (tt.challenge == "") {
		wrong("WWW-Authenticate", got, tt.challenge)
	} else if tt.challenge != "" && strings.HasPrefix(tt.challenge, "Bearer") && strings.Contains(got, `error="`) == (tt.code == "-") {
		wrong("WWW-Authenticate", got, "error "+tt.code) // RFC 6750, section 3: no code where no token was sent
	}
	if got := h.Get("Allow"); got != tt.allow {
		wrong("Allow", got, tt.allow)
	}
	if got := h.Get("Cache-Control"); !strings.Contains(got, "no-store") {
		wrong("Cache-Control", got, "no-store")
	}
	if got := h.Get("X-Content-Type-Options"); got != "nosniff" {
		wrong("X-Content-Type-Options", got, "nosniff")
	}
	location := h.Get("Location")
	if !strings.HasPrefix(location, tt.location) || (location == "") != (tt.location == "") {
		wrong("Location", location, tt.location)
	}
	switch {
	case tt.code == "-":
	case tt.location != "":
		u, err := url.Parse(location)
		if q := u.Query(); err != nil || q.Get("error") != tt.code || q.Get("state") != "s" || q.Get("iss") != w.url || q.Has("code") {
			wrong("error", location, tt.code)
		}
	case tt.code == "":
		if got := h.Get("Content-Type"); !strings.HasPrefix(got, "text/html") || !strings.Contains(body, "<h1") || h.Get("Content-Security-Policy") == "" {
			wrong("page", got, "text/html with a heading")
		}
	default:
		var answer map[string]any
		d := json.NewDecoder(bytes.NewReader([]byte(body)))
		if err := d.Decode(&answer); err != nil || answer["error"] != tt.code && answer["code"] != tt.code || !strings.HasSuffix(h.Get("Content-Type"), "json") {
			wrong("error", h.Get("Content-Type"), tt.code)
		}
		description, _ := answer["error_description"].(string)
		for _, c := range []byte(description) {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				wrong("description", description, "the characters of RFC 6749")
			}
		}
	}
}
