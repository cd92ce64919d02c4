package tokens

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

// TestEveryByteOfTheSecretCounts: tokens of secrets that differ in one byte, and
// be it the last, are not interchangeable.
func TestEveryByteOfTheSecretCounts(t *testing.T) {
	var secret [32]byte
	m, err := newMint(secret, nil)
	must(t, err)
	access, refresh := m.newAccess(accessToken{Grant: "abc", ExpiresAt: time.Unix(1600, 0)}), m.newRefresh("abc", 1)
	for i := range secret {
		other := secret
		other[i] = 1
		n, err := newMint(other, nil)
		must(t, err)
		if _, ok := n.readAccess(access); ok {
			t.Errorf("byte %d does not count for access tokens", i)
		}
		if _, _, ok := n.readRefresh(refresh); ok {
			t.Errorf("byte %d does not count for refresh tokens", i)
		}
	}
}

// TestForgedReplayEndsNothing: only a token that was ours can be replayed. Parts
// of one, as they may stand in a log, end no grant, whoever sends them.
func TestForgedReplayEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		code := w.code(request("app"))
		first := w.redeem("app", code).str("refresh_token")
		second := w.refresh("app", first).str("refresh_token")
		third := w.refresh("app", second)
		time.Sleep(refreshGrace + time.Second) // the first would end the grant now
		mac := first[strings.LastIndexByte(first, '.')+1:]
		for _, forged := range []string{
			"AAAA." + mac, "." + mac, mac, "ibr.x.1." + mac, first[:len(first)-1], strings.Replace(first, "ibr.", "ibc.", 1),
			strings.TrimSuffix(first, mac) + strings.Repeat("A", len(mac)),
		} {
			for _, client := range []string{"app", "other", "spa"} {
				wantError(t, forged, w.refresh(client, forged), 400, "invalid_grant")
				wantError(t, forged, w.redeem(client, forged), 400, "invalid_grant")
				w.revoke(client, forged)
			}
		}
		for _, forged := range []string{"AAAA." + code, code[:len(code)-1], code + "A", strings.TrimPrefix(code, "ibc."), "ibr." + strings.TrimPrefix(code, "ibc.")} {
			wantError(t, forged, w.redeem("app", forged), 400, "invalid_grant")
		}
		if a := w.userInfo(third.str("access_token")); a.status != http.StatusOK {
			t.Errorf("the grant ended: %d %s", a.status, a.body)
		}
		wantError(t, "the real one", w.refresh("app", first), 400, "invalid_grant")
		wantError(t, "after it", w.userInfo(third.str("access_token")), 401, "invalid_token")
	})
}

// TestRequestObjectValuesKeepTheirType: numbers and objects of a request object
// ask for what they would ask for as text, and scopes are not added up.
func TestRequestObjectValuesKeepTheirType(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	wishes := claimSet{"userinfo": claimSet{"name": claimSet{"essential": true}}, "id_token": claimSet{"email": nil}}
	text, err := json.Marshal(wishes)
	must(t, err)
	for name, value := range map[string]any{"number": 300, "text": "300"} {
		a := w.parse(with(request("signing"), "scope", "openid profile email offline_access", "request", sign(t, header{}, objectOf("signing").with("max_age", value, "claims", wishes, "scope", "openid api"))))
		if a.MaxAge == nil || *a.MaxAge != 300*time.Second || !slices.Equal(a.Scopes, []string{"openid", "api"}) {
			t.Errorf("%s: max_age %v, scopes %v", name, a.MaxAge, a.Scopes)
		}
		kept, err := url.ParseQuery(a.Params)
		must(t, err)
		var got, want any
		if json.Unmarshal([]byte(kept.Get("claims")), &got) != nil || json.Unmarshal(text, &want) != nil || !equalJSON(got, want) {
			t.Errorf("%s: claims %s, want %s", name, kept.Get("claims"), text)
		}
	}
	a := w.parse(object("signing", sign(t, header{}, objectOf("signing").with("max_age", 0))))
	if a.MaxAge == nil || *a.MaxAge != 0 {
		t.Errorf("max_age 0: %v", a.MaxAge)
	}
	for _, bad := range []any{1.5, -1, 1e300, true, []int{1}, claimSet{}} {
		if a, err := w.s.ParseAuthorization(t.Context(), object("signing", sign(t, header{}, objectOf("signing").with("max_age", bad)))); err == nil {
			t.Errorf("max_age %v: %v", bad, a.MaxAge)
		}
	}
}

func equalJSON(a, b any) bool {
	one, err1 := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(one) == string(two)
}

// payloadOf is the payload of a JWT.
func payloadOf(t testing.TB, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	var claims map[string]any
	must(t, json.Unmarshal(text, &claims))
	return claims
}

// TestIDTokenHoldsNothingElse: the claims that we mean to tell, "aud" as text,
// and nothing that an engine adds.
func TestIDTokenHoldsNothingElse(t *testing.T) {
	w := newWorld(t)
	want := []string{"acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "idp", "iss", "nonce", "sid", "sub"}
	first := w.tokens("app")
	for name, token := range map[string]string{"code": first.str("id_token"), "refresh": w.refresh("app", first.str("refresh_token"), "nonce", "of the refresh").str("id_token")} {
		claims := payloadOf(t, token)
		var got []string
		for k := range claims {
			if k != "nonce" || name == "code" {
				got = append(got, k)
			}
		}
		slices.Sort(got)
		if need := slices.DeleteFunc(slices.Clone(want), func(k string) bool { return k == "nonce" && name == "refresh" }); !slices.Equal(got, need) {
			t.Errorf("%s: claims %v, want %v", name, got, need)
		}
		if aud, ok := claims["aud"].(string); !ok || aud != "app" {
			t.Errorf("%s: aud %v", name, claims["aud"])
		}
		if nonce := claims["nonce"]; nonce == "of the refresh" {
			t.Errorf("%s: a parameter of the refresh is in the token", name)
		}
	}
}

// TestEachIDTokenHasItsOwnTimes: the one from the token endpoint lasts as long as
// any, however late the code was redeemed.
func TestEachIDTokenHasItsOwnTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		front, _ := w.answered(with(request("all"), "response_type", "code id_token"))
		time.Sleep(codeLifetime - 10*time.Second)
		back := w.redeem("all", front.Get("code"))
		one, two := claimsOf(t, w, front.Get("id_token")), claimsOf(t, w, back.str("id_token"))
		if two.IssuedAt-one.IssuedAt != 50 || one.ExpiresAt-one.IssuedAt != 600 || two.ExpiresAt-two.IssuedAt != 600 {
			t.Errorf("first %d to %d, second %d to %d", one.IssuedAt, one.ExpiresAt, two.IssuedAt, two.ExpiresAt)
		}
		if one.AuthTime != two.AuthTime || one.Subject != two.Subject || one.Nonce != two.Nonce {
			t.Errorf("%+v\n%+v", one, two)
		}
	})
}

// TestErrorsReachEveryRegisteredRedirect: whatever URI may be registered, answers
// and errors go there, not to a page.
func TestErrorsReachEveryRegisteredRedirect(t *testing.T) {
	w := newWorld(t)
	for id, uri := range map[string]string{
		"native": "org.example.app:/cb", "native2": "org.example.app://host/cb", "loopback": "http://127.0.0.1/cb", "unicode": "https://app.example/r%C3%BCck", "query": "https://app.example/cb?a=b&c",
	} {
		if problem := broker.RedirectProblem(uri, true); problem != "" {
			t.Fatalf("%s cannot be registered: %s", uri, problem)
		}
		must(t, w.db.CreateClient(t.Context(), broker.Client{
			ID: id, Name: id, AuthMethod: broker.AuthNone, RedirectURIs: []string{uri}, Scopes: []string{"openid"}, GrantTypes: []string{broker.GrantCode},
		}))
		good := with(request(id), "redirect_uri", uri, "scope", "openid")
		a := w.parse(good)
		rec := httptest.NewRecorder()
		must(t, w.s.Respond(t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a)))
		if got := rec.Header().Get("Location"); !strings.HasPrefix(got, uri) || !strings.Contains(got, "code=") {
			t.Errorf("%s: answered at %s", uri, got)
		}
		if a, err := w.s.ParseAuthorization(t.Context(), with(good, "scope", "admin")); a == nil || err == nil {
			t.Errorf("%s: %v, %v", uri, a, err)
		} else {
			rec := httptest.NewRecorder()
			w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
			if got := rec.Header().Get("Location"); !strings.HasPrefix(got, uri) || !strings.Contains(got, "error=invalid_scope") {
				t.Errorf("%s: refused at %s", uri, got)
			}
		}
	}
}

// TestScopesAreNoPatterns: what is registered is what may be asked for.
func TestScopesAreNoPatterns(t *testing.T) {
	w := newWorld(t)
	must(t, w.db.CreateClient(t.Context(), broker.Client{
		ID: "patterns", Name: "P", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: testSecret.Hash()}}, RedirectURIs: []string{testCallback},
		Scopes: []string{"openid", "files.*", "api"}, GrantTypes: []string{broker.GrantCode, broker.GrantCredentials},
	}))
	for _, scope := range []string{"files.read", "files.", "files", "api.read", "ap", "API", "*", "files.*.x"} {
		if a, err := w.s.ParseAuthorization(t.Context(), with(request("patterns"), "scope", "openid "+scope)); err == nil {
			t.Errorf("%s: %v", scope, a.Scopes)
		}
		wantError(t, scope, w.credentials("patterns", "scope", scope), 400, "invalid_scope")
	}
	w.parse(with(request("patterns"), "scope", "openid files.*"))
}

// TestNothingOfTheEnginesGrants: what the engine could do and we do not offer
// cannot be asked for.
func TestNothingOfTheEnginesGrants(t *testing.T) {
	w := newWorld(t)
	grants := []string{"password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "implicit"}
	must(t, w.db.CreateClient(t.Context(), broker.Client{
		ID: "greedy", Name: "G", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: testSecret.Hash()}}, Scopes: []string{"openid", "api"}, GrantTypes: grants,
	}))
	for _, grant := range grants {
		wantError(t, grant, w.call(w.s.ServeToken, "greedy", url.Values{
			"grant_type": {grant}, "assertion": {w.tokens("app").str("id_token")}, "username": {"ada"}, "password": {"x"}, "scope": {"api"}, "device_code": {"x"},
		}), 400, "unsupported_grant_type")
	}
	if err := w.s.engineRefuses(t); err != nil {
		t.Error(err)
	}
}

// engineRefuses: the parts of the engine that we stand in for do nothing.
func (s *Service) engineRefuses(t *testing.T) error {
	e := &engineStore{s}
	if _, err := (noHasher{}).Hash(t.Context(), []byte("x")); !errors.Is(err, errNotOffered) {
		return errors.New("the engine hashes")
	}
	if err := (noHasher{}).Compare(t.Context(), nil, nil); err == nil {
		return errors.New("an empty hash matches an empty secret")
	}
	return errors.Join(only(e.ClientAssertionJWTValid(t.Context(), "x")), only(e.SetClientAssertionJWT(t.Context(), "x", time.Now())))
}

func only(err error) error {
	if errors.Is(err, errNotOffered) {
		return nil
	}
	return errors.New("the engine keeps assertions")
}
