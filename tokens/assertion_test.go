package tokens

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// assert asks for a token with an assertion. Who gets in gets one.
func (w *world) assert(assertion string, pairs ...string) answer {
	form := with(url.Values{
		"grant_type": {broker.GrantCredentials}, "scope": {"api"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}, pairs...)
	return w.send(w.s.ServeToken, httptest.NewRequest(http.MethodPost, "/", nil), form.Encode())
}

// TestAssertionsOfEveryAlgorithm let their client in, with "kid" and without.
func TestAssertionsOfEveryAlgorithm(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	for _, alg := range clientAlgs {
		for _, h := range []header{{alg: alg}, {alg: alg, kid: "-"}, {alg: alg, typ: "JWT"}, {alg: alg, typ: "client-authentication+jwt"}} {
			if a := w.assert(sign(t, h, assertionOf("signing"))); a.status != http.StatusOK {
				t.Errorf("%+v: %d %s", h, a.status, a.body)
			}
		}
	}
}

// TestEd25519HasTwoNames: what a client registers and what it sends may name the
// algorithm by either (RFC 9864, section 2.2).
func TestEd25519HasTwoNames(t *testing.T) {
	w := newWorld(t)
	marked := func(alg string) string {
		set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKeyring()["ed"].Public(), KeyID: "ed", Algorithm: alg}}})
		must(t, err)
		return string(set)
	}
	names := []string{"EdDSA", "Ed25519"}
	for _, registered := range append(names, "") {
		for _, key := range append(names, "") {
			id := "signing-" + registered + "-" + key
			w.signingClient(id, func(c *broker.Client) {
				c.Metadata.JWKS = marked(key)
				c.Metadata.TokenEndpointAuthSigningAlg, c.Metadata.RequestObjectSigningAlg = registered, registered
			})
			for _, sent := range names {
				good := sign(t, header{alg: sent}, assertionOf(id))
				head, rest, _ := strings.Cut(good, ".")
				claims, _, _ := strings.Cut(rest, ".")
				if a := w.assert(head + "." + claims + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))); a.status == http.StatusOK {
					t.Errorf("%s, sent %s: no signature was needed", id, sent)
				}
				if a := w.assert(good); a.status != http.StatusOK {
					t.Errorf("%s, sent %s: %d %s", id, sent, a.status, a.body)
				}
				if a := w.parse(object(id, sign(t, header{alg: sent}, objectOf(id)))); a.state != "s" {
					t.Errorf("%s, request object with %s: %+v", id, sent, a)
				}
			}
			wantError(t, id, w.assert(sign(t, header{kid: "ed"}, assertionOf(id))), 401, "invalid_client")
		}
	}
}

// TestAssertionsThatAreRefused: none is a server error, and none leaves a row.
func TestAssertionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	w.signingClient("es-only", func(c *broker.Client) { c.Metadata.TokenEndpointAuthSigningAlg = "ES256" })
	w.signingClient("off-signing", func(c *broker.Client) { c.DisabledAt = time.Now() })
	w.signingClient("keyless", func(c *broker.Client) { c.Metadata.JWKS = "" })
	w.signingClient("broken", func(c *broker.Client) { c.Metadata.JWKS = `{"keys":` })
	good := assertionOf("signing")
	now := time.Now()
	unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
	token := sign(t, header{}, good)
	parts := strings.Split(token, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	refused := map[string]string{
		"audience: token endpoint": sign(t, header{}, good.with("aud", testIssuer+"/oauth2/token")),
		"audience: PAR endpoint":   sign(t, header{}, good.with("aud", testIssuer+"/oauth2/par")),
		"audience: slash":          sign(t, header{}, good.with("aud", testIssuer+"/")),
		"audience: two":            sign(t, header{}, good.with("aud", []string{testIssuer, "https://other.example"})),
		"audience: list":           sign(t, header{}, good.with("aud", []string{testIssuer})),
		"audience: none":           sign(t, header{}, good.with("aud", nil)),
		"audience: null":           sign(t, header{}, `{"aud":null}`),
		"issuer: another":          sign(t, header{}, good.with("iss", "other")),
		"issuer: none":             sign(t, header{}, good.with("iss", nil)),
		"subject: another":         sign(t, header{}, good.with("sub", "other")),
		"subject: none":            sign(t, header{}, good.with("sub", nil)),
		"subject: list":            sign(t, header{}, good.with("sub", []string{"signing"})),
		"expired":                  sign(t, header{}, good.with("exp", unix(-clockSkew-time.Second))),
		"expired long ago":         sign(t, header{}, good.with("exp", unix(-5*time.Minute))),
		"never expires":            sign(t, header{}, good.with("exp", nil)),
		"expires in 50 years":      sign(t, header{}, good.with("exp", unix(50*365*24*time.Hour))),
		"expires in six minutes":   sign(t, header{}, good.with("exp", unix(6*time.Minute))),
		"exp: text":                sign(t, header{}, good.with("exp", fmt.Sprint(unix(time.Minute)))),
		"exp: huge":                sign(t, header{}, good.with("exp", 1e300)),
		"exp: negative":            sign(t, header{}, good.with("exp", -1)),
		"not yet":                  sign(t, header{}, good.with("nbf", unix(61*time.Second))),
		"nbf: text":                sign(t, header{}, good.with("nbf", "0")),
		"issued in the future":     sign(t, header{}, good.with("iat", unix(61*time.Second))),
		"jti: none":                sign(t, header{}, good.with("jti", nil)),
		"jti: empty":               sign(t, header{}, good.with("jti", "")),
		"jti: number":              sign(t, header{}, good.with("jti", 5)),
		"jti: endless":             sign(t, header{}, good.with("jti", strings.Repeat("x", maxJTI+1))),
		"signed by a stranger":     sign(t, header{key: "stranger"}, good),
		"stranger, no key id":      sign(t, header{key: "stranger", kid: "-"}, good),
		"unknown key id":           sign(t, header{kid: "nobody"}, good),
		"another key's id":         sign(t, header{kid: "p384"}, good),
		"type: access token":       sign(t, header{typ: "at+jwt"}, good),
		"type: request object":     sign(t, header{typ: "oauth-authz-req+jwt"}, good),
		"type: logout token":       sign(t, header{typ: "logout+jwt"}, good),
		"algorithm not registered": sign(t, header{alg: "RS256"}, assertionOf("es-only")),
		"nor its newer name":       sign(t, header{alg: "Ed25519"}, assertionOf("es-only")),
		"Ed25519 of another key":   sign(t, header{alg: "Ed25519", kid: "p256"}, good),
		"disabled":                 sign(t, header{}, assertionOf("off-signing")),
		"client without keys":      sign(t, header{}, assertionOf("keyless")),
		"client with broken keys":  sign(t, header{}, assertionOf("broken")),
		"client with a secret":     sign(t, header{}, assertionOf("app")),
		"public client":            sign(t, header{}, assertionOf("spa")),
		"unknown client":           sign(t, header{}, assertionOf("nobody")),
		"none":                     encode(`{"alg":"none"}`) + "." + parts[1] + ".",
		"none, signed":             encode(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2],
		"HMAC with the public key": encode(`{"alg":"HS256","kid":"p256"}`) + "." + parts[1] + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"signature of another":     parts[0] + "." + encode(`{"iss":"signing","sub":"signing"}`) + "." + parts[2],
		"padding":                  parts[0] + "=." + parts[1] + "." + parts[2],
		"line feed":                parts[0] + "\n." + parts[1] + "." + parts[2],
		"four parts":               token + ".x",
		"encrypted":                "a.b.c.d.e",
		"rubbish":                  "x",
		"critical, and signed":     sign(t, header{crit: true}, good),
		"critical extension":       encode(`{"alg":"ES256","kid":"p256","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2],
		"claim twice":              sign(t, header{}, `{"iss":"signing","sub":"signing","sub":"other","aud":"`+testIssuer+`"}`),
		"claims: list":             sign(t, header{}, `[]`),
		"claims: text":             sign(t, header{}, `"x"`),
		"too long":                 sign(t, header{}, good.with("x", strings.Repeat("x", maxClientJWT))),
	}
	for _, statement := range w.counted(func() {
		for name, assertion := range refused {
			wantError(t, name, w.assert(assertion), 401, "invalid_client")
		}
	}) {
		if statement.Op != "select" {
			t.Errorf("a refusal wrote: %+v", statement)
		}
	}
	for name, a := range map[string]answer{
		"no type":      w.assert(token, "client_assertion_type", ""),
		"wrong type":   w.assert(token, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
		"no assertion": w.assert(""),
	} {
		wantError(t, name, a, 401, "invalid_client")
	}
	// None of it used up the one that is right.
	if a := w.assert(token, "client_id", "signing"); a.status != http.StatusOK {
		t.Errorf("the right one: %d %s", a.status, a.body)
	}
	// An algorithm that was registered.
	if a := w.assert(sign(t, header{}, assertionOf("es-only"))); a.status != http.StatusOK {
		t.Errorf("es-only: %d %s", a.status, a.body)
	}
}

// TestSeveralMethodsAtOnceAreRefused (RFC 6749, section 2.3).
func TestSeveralMethodsAtOnceAreRefused(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	assertion := sign(t, header{}, assertionOf("signing"))
	form := url.Values{"grant_type": {broker.GrantCredentials}, "client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth("app", testSecret.Reveal())
	wantError(t, "basic", w.send(w.s.ServeToken, r, form.Encode()), 400, "invalid_request")
	wantError(t, "post", w.assert(assertion, "client_id", "signing", "client_secret", "x"), 400, "invalid_request")
	wantError(t, "another id", w.assert(assertion, "client_id", "app"), 400, "invalid_request")
	wantError(t, "bare id", w.call(w.s.ServeToken, "", url.Values{"grant_type": {broker.GrantCredentials}, "client_id": {"signing"}}), 401, "invalid_client")
	wantError(t, "secret", w.call(w.s.ServeToken, "signing", url.Values{"grant_type": {broker.GrantCredentials}}), 401, "invalid_client")
	if a := w.assert(assertion); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAssertionIsUsedOnce, also by fifty at once, and one client's jti is not
// another's.
func TestAssertionIsUsedOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.signingClient("signing")
		w.signingClient("mallory")
		must(t, w.db.SpendAssertion(t.Context(), "mallory", broker.Secret("j").Hash(), time.Now().Add(time.Hour)))
		assertion := sign(t, header{}, assertionOf("signing").with("jti", "j"))
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				a := w.assert(assertion)
				if a.status == http.StatusOK {
					in.Add(1)
				} else if a.status != 401 || a.str("error") != "invalid_client" {
					t.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%d got in", in.Load())
		}
	})
}

// TestClocksMayDiffer, a little, both ways; and who waits is forgotten no sooner
// than the assertion could be used again.
func TestClocksMayDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signingClient("signing")
		now := time.Now()
		unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
		for name, claims := range map[string]claimSet{
			"behind":        assertionOf("signing").with("iat", unix(-10*time.Second), "exp", unix(-10*time.Second)),
			"ahead":         assertionOf("signing").with("iat", unix(10*time.Second), "nbf", unix(10*time.Second), "exp", unix(assertionLife+10*time.Second)),
			"fractions":     assertionOf("signing").with("exp", float64(unix(time.Minute))+0.5),
			"without iat":   assertionOf("signing").with("iat", nil),
			"whole of life": assertionOf("signing").with("exp", unix(assertionLife)),
		} {
			if a := w.assert(sign(t, header{}, claims)); a.status != http.StatusOK {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		assertion := sign(t, header{}, assertionOf("signing").with("exp", unix(time.Minute)))
		if a := w.assert(assertion); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for range 10 {
			time.Sleep(10 * time.Second)
			_, err := w.db.Prune(t.Context(), time.Now())
			must(t, err)
			wantError(t, "again", w.assert(assertion), 401, "invalid_client")
		}
	})
}

// TestKeysThatAreFetched: once, until a key is not among them; a key that was
// taken away is gone with the next fetch.
func TestKeysThatAreFetched(t *testing.T) {
	const at = "https://app.example/jwks"
	s := &site{pages: map[string]string{at: jwks("p256")}}
	w := newWorld(t, func(o *Options) { o.Fetcher = s })
	w.signingClient("signing", func(c *broker.Client) { c.Metadata.JWKS, c.Metadata.JWKSURI = "", at })
	in := func(h header) answer { return w.assert(sign(t, h, assertionOf("signing"))) }
	if a := in(header{}); a.status != http.StatusOK || len(s.calls) != 1 || s.calls[0] != clientKeysAge {
		t.Errorf("%d %s, %v", a.status, a.body, s.calls)
	}
	wantError(t, "unknown key", in(header{alg: "ES384"}), 401, "invalid_client")
	if len(s.calls) != 3 || s.calls[2] != 0 {
		t.Errorf("one fetch more: %v", s.calls)
	}
	s.pages[at] = jwks("p384")
	if a := in(header{alg: "ES384"}); a.status != http.StatusOK {
		t.Errorf("new key: %d %s", a.status, a.body)
	}
	wantError(t, "old key", in(header{}), 401, "invalid_client")
	for _, page := range []string{"", "{}", `{"keys":[]}`, "<html>", strings.Repeat("[", 1000)} {
		s.pages[at] = page
		wantError(t, page, in(header{alg: "ES384"}), 401, "invalid_client")
	}
	delete(s.pages, at)
	wantError(t, "not there", in(header{alg: "ES384"}), 401, "invalid_client")
	w.s.o.Fetcher = nil
	wantError(t, "nobody fetches", in(header{alg: "ES384"}), 401, "invalid_client")
}

// TestAssertionsAtEveryEndpoint that authenticates clients.
func TestAssertionsAtEveryEndpoint(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	with := func(form url.Values) url.Values {
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", sign(t, header{}, assertionOf("signing")))
		return form
	}
	form := with(url.Values{"grant_type": {"authorization_code"}, "code": {w.code(request("signing"))}, "redirect_uri": {testCallback}, "code_verifier": {testVerifier}})
	a := w.call(w.s.ServeToken, "", form)
	if a.status != http.StatusOK || a.str("id_token") == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	form = with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.str("refresh_token")}})
	if a = w.call(w.s.ServeToken, "", form); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := w.call(w.s.ServeIntrospection, "", with(url.Values{"token": {a.str("access_token")}})); got.json["active"] != true {
		t.Errorf("introspection: %d %s", got.status, got.body)
	}
	if got := w.call(w.s.ServeRevocation, "", with(url.Values{"token": {a.str("access_token")}})); got.status != http.StatusOK {
		t.Errorf("revocation: %d %s", got.status, got.body)
	}
	wantError(t, "used up at another endpoint", w.call(w.s.ServeToken, "", form), 401, "invalid_client")
}

// TestAssertionThatCannotBeNotedLetsNobodyIn: the database is gone.
func TestAssertionThatCannotBeNotedLetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	w.s.store = forgetful{w.s.store}
	if a := w.assert(sign(t, header{}, assertionOf("signing"))); a.status < 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// forgetful is a database that notes nothing.
type forgetful struct{ Store }

func (forgetful) SpendAssertion(context.Context, string, string, time.Time) error { return errBroken }

// FuzzAssertion: whatever a client signs, it is refused, or is one object that
// says each thing once, names the client twice and us alone, ends soon, and has
// an id.
func FuzzAssertion(f *testing.F) {
	for _, c := range []claimSet{assertionOf("signing"), assertionOf("signing").with("aud", []string{testIssuer}), assertionOf("signing").with("exp", 1e99), assertionOf("signing").with("nbf", 0.5)} {
		b, err := json.Marshal(c)
		must(f, err)
		f.Add(string(b))
	}
	f.Add(`{"iss":"signing","sub":"signing","aud":"` + testIssuer + `","exp":99999999999,"jti":"\u0000"}`)
	f.Add(`{"iss":"signing","iss":"other"}`)
	w := newWorld(f)
	w.signingClient("signing")
	f.Fuzz(func(t *testing.T, claims string) {
		w.t = t
		a := w.assert(sign(t, header{}, claims))
		if a.status != http.StatusOK {
			wantError(t, claims, a, http.StatusUnauthorized, "invalid_client")
			return
		}
		said, strict := readObject([]byte(claims))
		if strict != nil {
			t.Fatalf("%q: %v", claims, strict)
		}
		for name, want := range map[string]string{"iss": "signing", "sub": "signing", "aud": testIssuer} {
			if got, ok := text(said, name); !ok || got != want {
				t.Errorf("%q: %s %q", claims, name, got)
			}
		}
		if id, ok := text(said, "jti"); !ok || id == "" {
			t.Errorf("%q has no id", claims)
		}
		var ends struct {
			Exp float64 `json:"exp"`
		}
		if err := json.Unmarshal([]byte(claims), &ends); err != nil || ends.Exp > float64(time.Now().Add(10*time.Minute).Unix()) {
			t.Errorf("%q ends late: %v", claims, err)
		}
	})
}
