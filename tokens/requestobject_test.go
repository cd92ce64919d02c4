package tokens

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// objectOf are the claims of a request object that is in order.
func objectOf(client string) claimSet {
	c := claimSet{"iss": client, "aud": testIssuer, "exp": time.Now().Add(time.Minute).Unix(), "client_id": client}
	for name, values := range request(client) {
		c[name] = values[0]
	}
	return c
}

// object is a request with a request object and nothing else.
func object(client, jwt string) url.Values {
	return url.Values{"client_id": {client}, "request": {jwt}}
}

func TestRequestObject(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	w.parse(object("signing", sign(t, header{}, objectOf("signing").with("exp", nil)))) // RFC 9101, section 4, asks for none
	for _, h := range []header{{}, {alg: "RS256"}, {alg: "PS512"}, {alg: "EdDSA"}, {alg: "Ed25519"}, {typ: objectType}, {typ: "JWT"}, {typ: "application/oauth-authz-req+jwt"}} {
		a := w.parse(object("signing", sign(t, h, objectOf("signing").with("max_age", 300, "prompt", "login"))))
		if a.RedirectURI != testCallback || a.state != "s" || a.MaxAge == nil || *a.MaxAge != 300*time.Second || !slices.Equal(a.Prompt, []string{"login"}) || len(a.Scopes) != 5 {
			t.Errorf("%+v: %+v", h, a)
		}
		resumed, err := w.s.ResumeAuthorization(t.Context(), a.Params)
		must(t, err)
		if strings.Contains(a.Params, "eyJ") || resumed.state != "s" || !reflect.DeepEqual(resumed.MaxAge, a.MaxAge) {
			t.Errorf("%s", a.Params)
		}
		g := w.redeem("app", w.respond(resumed, w.approval(resumed)).Get("code"))
		wantError(t, "another client", g, 400, "invalid_grant")
	}
}

// TestNothingBesideARequestObjectCounts: what is not signed is not asked for.
func TestNothingBesideARequestObjectCounts(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	signed := claimSet{"iss": "signing", "aud": testIssuer, "exp": time.Now().Add(time.Minute).Unix(), "client_id": "signing",
		"redirect_uri": testCallback, "response_type": "code", "scope": "openid"}
	outer := with(request("signing"), "prompt", "none", "max_age", "0", "login_hint", "x", "acr_values", "x", "response_mode", "fragment", "redirect_uri", "https://evil.example/")
	for _, typ := range []string{"", objectType} {
		form := with(outer, "request", sign(t, header{typ: typ}, signed))
		a := w.parse(form)
		if a.RedirectURI != testCallback || !slices.Equal(a.Scopes, []string{"openid"}) || a.state != "" || a.Prompt != nil || a.MaxAge != nil || a.LoginHint != "" || a.ACRValues != "" {
			t.Errorf("%q: %+v", typ, a)
		}
		kept, _ := url.ParseQuery(a.Params)
		if kept.Del(signedParam); len(kept) != 4 {
			t.Errorf("%q: %s", typ, a.Params)
		}
	}
	// OpenID Connect leaves response_type and scope outside; RFC 9101 does not.
	bare := signed.with("response_type", nil, "scope", nil)
	a := w.parse(with(request("signing"), "scope", "openid email", "request", sign(t, header{}, bare)))
	if !slices.Equal(a.Scopes, []string{"openid", "email"}) || a.state != "" {
		t.Errorf("%+v", a)
	}
	_, err := w.s.ParseAuthorization(t.Context(), with(request("signing"), "request", sign(t, header{typ: objectType}, bare)))
	if code, _, _ := protocolError(err); code != "invalid_request" {
		t.Errorf("without response_type: %v", err)
	}
	_, err = w.s.ParseAuthorization(t.Context(), with(request("signing"), "response_type", "token", "request", sign(t, header{}, signed)))
	if code, _, _ := protocolError(err); code != "invalid_request" {
		t.Errorf("another response_type: %v", err)
	}
}

// TestRequestObjectsThatAreRefused: in the redirect where the request names one
// that is trusted, on a page otherwise; never by a server error, and never by
// taking what stands beside them.
func TestRequestObjectsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	w.signingClient("es-only", func(c *broker.Client) { c.Metadata.RequestObjectSigningAlg = "ES256" })
	good := objectOf("signing")
	unix := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	token := sign(t, header{}, good)
	parts := strings.Split(token, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	hmac := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))
	bad := map[string]string{
		"rubbish": "x", "none": none + "." + parts[1] + ".", "none, signed": none + "." + parts[1] + "." + parts[2], "HMAC": hmac + "." + parts[1] + "." + parts[2],
		"encrypted": "a.b.c.d.e", "stranger": sign(t, header{key: "stranger"}, good), "unknown key": sign(t, header{kid: "x"}, good),
		"expired": sign(t, header{}, good.with("exp", unix(-clockSkew-time.Second))), "exp: null": sign(t, header{}, objectText(good.with("exp", nil), `"exp":null`)), "a day": sign(t, header{}, good.with("exp", unix(24*time.Hour))),
		"not yet": sign(t, header{}, good.with("nbf", unix(time.Minute+time.Second))), "endless, not yet": sign(t, header{}, good.with("exp", nil, "nbf", unix(time.Minute+time.Second))), "issued later": sign(t, header{}, good.with("iat", unix(time.Minute+time.Second))),
		"no issuer": sign(t, header{}, good.with("iss", nil)), "another issuer": sign(t, header{}, good.with("iss", "app")),
		"no audience": sign(t, header{}, good.with("aud", nil)), "another audience": sign(t, header{}, good.with("aud", "https://other.example")), "others": sign(t, header{}, good.with("aud", []string{"x", "y"})),
		"another client": sign(t, header{}, good.with("client_id", "app")), "no client, typed": sign(t, header{typ: objectType}, good.with("client_id", nil)),
		"assertion": sign(t, header{}, assertionOf("signing")), "with subject": sign(t, header{}, good.with("sub", "signing")),
		"type: access token": sign(t, header{typ: "at+jwt"}, good), "type: assertion": sign(t, header{typ: "client-authentication+jwt"}, good), "type: logout": sign(t, header{typ: "logout+jwt"}, good),
		"nested": sign(t, header{}, good.with("request", "x")), "nested address": sign(t, header{}, good.with("request_uri", "https://x.example/")),
		"state: number": sign(t, header{}, good.with("state", 5)), "scope: list": sign(t, header{}, good.with("scope", []string{"openid"})), "nonce: null": sign(t, header{}, objectText(good, `"nonce":null`)),
		"redirect: object": sign(t, header{}, good.with("redirect_uri", claimSet{})), "prompt: true": sign(t, header{}, good.with("prompt", true)),
		"claim twice": sign(t, header{}, objectText(good, `"state":"y"`)), "list": sign(t, header{}, `[]`),
	}
	check := func(name string, form url.Values, want string) {
		t.Helper()
		a, err := w.s.ParseAuthorization(t.Context(), form)
		code, _, status := protocolError(err)
		if a == nil || err == nil || code != want || status != http.StatusBadRequest || a.RedirectURI != testCallback || a.request != nil {
			t.Errorf("%s: %v, %v", name, a, err)
		}
		a, err = w.s.ParseAuthorization(t.Context(), with(form, "redirect_uri", ""))
		if a != nil || broker.KindOf(err) != broker.KindBadRequest {
			t.Errorf("%s, a page: %v, %v", name, a, err)
		}
		a, err = w.s.ParseAuthorization(t.Context(), with(form, "redirect_uri", "https://evil.example/"))
		if a != nil || !errors.Is(err, errRedirectUnknown) {
			t.Errorf("%s, elsewhere: %v, %v", name, a, err)
		}
	}
	for name, jwt := range bad {
		check(name, with(request("signing"), "request", jwt), "invalid_request_object")
		// The scope beside it lacks openid: it is refused all the same.
		check(name, with(request("signing"), "request", jwt, "scope", "api", "nonce", ""), "invalid_request_object")
		wantError(t, name, w.pushSigned(jwt), 400, "invalid_request_object")
	}
	check("algorithm", with(request("es-only"), "request", sign(t, header{alg: "RS256"}, objectOf("es-only"))), "invalid_request_object")
	check("no keys", with(request("app"), "request", token), "request_not_supported")
	check("both", with(request("signing"), "request", token, "request_uri", "https://app.example/r"), "invalid_request")
	check("nobody fetches", with(request("signing"), "request_uri", "https://app.example/r"), "request_uri_not_supported")
	w.parse(object("es-only", sign(t, header{}, objectOf("es-only"))))
	for _, client := range []string{"nobody", "off", "app\x00"} {
		if a, err := w.s.ParseAuthorization(t.Context(), object(client, token)); a != nil || err == nil {
			t.Errorf("%s: %v, %v", client, a, err)
		}
	}
	a, err := w.s.ParseAuthorization(t.Context(), object("signing", sign(t, header{}, good.with("redirect_uri", "https://evil.example/"))))
	if a != nil || !errors.Is(err, errRedirectUnknown) {
		t.Errorf("redirect: %v, %v", a, err)
	}
}

// objectText is a claim set with one member more, as text.
func objectText(c claimSet, member string) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(string(b), "}") + "," + member + "}"
}

// pushSigned pushes a request object.
func (w *world) pushSigned(jwt string) answer {
	return w.call(w.s.ServePAR, "", url.Values{
		"request": {jwt}, "client_id": {"signing"},
		"client_assertion_type": {assertionType}, "client_assertion": {sign(w.t, header{}, assertionOf("signing"))},
	})
}

func TestRequestObjectThatIsPushed(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing", func(c *broker.Client) { c.Metadata.RequirePAR = true })
	got := w.pushSigned(sign(t, header{typ: objectType}, objectOf("signing")))
	if got.status != http.StatusCreated {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if a := w.parse(url.Values{"client_id": {"signing"}, "request_uri": {got.str("request_uri")}}); a.state != "s" {
		t.Errorf("%+v", a)
	}
	a, err := w.s.ParseAuthorization(t.Context(), object("signing", sign(t, header{}, objectOf("signing"))))
	if code, _, _ := protocolError(err); a == nil || code != "invalid_request" {
		t.Errorf("signed, and not pushed: %v", err)
	}
}

// TestRequestObjectThatIsFetched comes from where the client registered it.
func TestRequestObjectThatIsFetched(t *testing.T) {
	const at = "https://app.example/request"
	s := &site{pages: map[string]string{}}
	w := newWorld(t, func(o *Options) { o.Fetcher = s })
	jwt := sign(t, header{}, objectOf("signing"))
	sum := sha256.Sum256([]byte(jwt))
	hash := "#" + base64.RawURLEncoding.EncodeToString(sum[:])
	w.signingClient("signing", func(c *broker.Client) { c.Metadata.RequestURIs = []string{at, at + "2" + hash} })
	s.pages[at], s.pages[at+"2"], s.pages["https://other.example/"] = jwt, jwt, jwt
	for _, uri := range []string{at, at + hash, at + hash + "=", at + "2" + hash} {
		if a := w.parse(url.Values{"client_id": {"signing"}, "request_uri": {uri}}); a.state != "s" {
			t.Errorf("%s: %+v", uri, a)
		}
	}
	calls := len(s.calls)
	refused := func(uri string) {
		t.Helper()
		_, err := w.s.ParseAuthorization(t.Context(), with(request("signing"), "request_uri", uri))
		if code, _, _ := protocolError(err); code != "invalid_request_uri" {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{at + "2", at + "3", at + "?x", "https://other.example/", "http://169.254.169.254/", "file:///etc/passwd", "urn:x", "HTTPS://app.example/request"} {
		refused(uri)
	}
	if len(s.calls) != calls {
		t.Error("an address was asked that nobody registered")
	}
	refused(at + "#x")
	s.pages[at+"2"] = jwt + " "
	refused(at + "2" + hash)
	delete(s.pages, at)
	refused(at)
	s.pages[at] = "<html>"
	_, err := w.s.ParseAuthorization(t.Context(), with(request("signing"), "request_uri", at))
	if code, _, _ := protocolError(err); code != "invalid_request_object" {
		t.Error(err)
	}
}

// FuzzRequestObject: whatever a client signs is refused, or asks for what it
// says and nothing that stands beside it.
func FuzzRequestObject(f *testing.F) {
	for _, c := range []claimSet{objectOf("signing"), objectOf("signing").with("max_age", 300), objectOf("signing").with("claims", claimSet{"id_token": claimSet{}})} {
		b, err := json.Marshal(c)
		must(f, err)
		f.Add(string(b))
	}
	f.Add(`{"iss":"signing","aud":"` + testIssuer + `","exp":1e99,"max_age":1e2}`)
	f.Add(`{"a":{"a":{}},"state":"\ud800"}`)
	w := newWorld(f)
	w.signingClient("signing")
	f.Fuzz(func(t *testing.T, claims string) {
		w.t = t
		a, err := w.s.ParseAuthorization(t.Context(), with(request("signing"), "state", "outer", "nonce", "outer", "request", sign(t, header{}, claims)))
		if err != nil {
			if code, _, status := protocolError(err); status >= 500 && broker.KindOf(err) == broker.KindInternal {
				t.Fatalf("%q: %s, %v", claims, code, err)
			}
			return
		}
		if _, strict := readObject([]byte(claims)); strict != nil || a.Client.ID != "signing" || a.RedirectURI != testCallback {
			t.Fatalf("%q: %+v", claims, a)
		}
		var said map[string]any
		must(t, json.Unmarshal([]byte(claims), &said))
		if state, _ := said["state"].(string); a.state != state {
			t.Fatalf("%q: state %q", claims, a.state)
		}
	})
}
