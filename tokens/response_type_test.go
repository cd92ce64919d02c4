package tokens

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// answered approves a request and returns the parameters of the answer and
// where they stood.
func (w *world) answered(form url.Values) (params url.Values, mode string) {
	w.t.Helper()
	a, rec := w.parse(form), httptest.NewRecorder()
	must(w.t, w.s.Respond(w.t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a)))
	u, err := url.Parse(rec.Header().Get("Location"))
	must(w.t, err)
	if u.Fragment != "" {
		mode = "fragment"
	} else if u.RawQuery != "" {
		mode = "query"
	}
	return location(w.t, rec), mode
}

// TestResponseTypes: each answers with what it names, in the right place, with
// the hashes that tie it together, and one grant.
func TestResponseTypes(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			types string
			want  []string
			mode  string
		}{
			{"code", []string{"code"}, "query"},
			{"none", nil, "query"},
			{"id_token", []string{"id_token"}, "fragment"},
			{"id_token token", []string{"access_token", "expires_in", "id_token", "scope", "token_type"}, "fragment"},
			{"token id_token", []string{"access_token", "expires_in", "id_token", "scope", "token_type"}, "fragment"},
			{"code id_token", []string{"code", "id_token"}, "fragment"},
			{"id_token code", []string{"code", "id_token"}, "fragment"},
			{"code token", []string{"access_token", "code", "expires_in", "scope", "token_type"}, "fragment"},
			{"code id_token token", []string{"access_token", "code", "expires_in", "id_token", "scope", "token_type"}, "fragment"},
		} {
			before, err := w.db.GrantsOf(t.Context(), w.user.ID)
			must(t, err)
			params, mode := w.answered(with(request("all"), "response_type", tt.types))
			var got []string
			for name := range params {
				if name != "state" && name != "iss" && name != "session_state" {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) || mode != tt.mode || params.Get("state") != "s" || params.Get("iss") != testIssuer {
				t.Errorf("%s: %v in the %s, want %v in the %s", tt.types, got, mode, tt.want, tt.mode)
			}
			after, err := w.db.GrantsOf(t.Context(), w.user.ID)
			must(t, err)
			grants := 1
			if tt.types == "none" {
				grants = 0
			}
			if len(after)-len(before) != grants {
				t.Errorf("%s: %d grants became %d", tt.types, len(before), len(after))
			}
			w.checkAnswer(tt.types, params)
		}
	})
}

// checkAnswer uses what came as an application would.
func (w *world) checkAnswer(types string, params url.Values) {
	t := w.t
	t.Helper()
	var front idClaims
	if token := params.Get("id_token"); token != "" {
		front = claimsOf(t, w, token)
		if front.Nonce != "n-1" || front.Subject != string(w.user.ID) || front.Audience != "all" ||
			front.AccessTokenHash != leftHash("RS256", params.Get("access_token")) || front.CodeHash != leftHash("RS256", params.Get("code")) {
			t.Errorf("%s: %+v", types, front)
		}
		if alone := types == "id_token"; alone != (front.Email == w.user.Email && front.Name == w.user.Name) {
			t.Errorf("%s: claims %+v", types, front.personClaims)
		}
	}
	if token := params.Get("access_token"); token != "" {
		if info := w.userInfo(token); info.status != http.StatusOK || info.str("email") != w.user.Email || params.Get("expires_in") != "600" || params.Get("token_type") != "Bearer" {
			t.Errorf("%s: userinfo %d %s, %v", types, info.status, info.body, params)
		}
	}
	code := params.Get("code")
	if code == "" {
		return
	}
	a := w.redeem("all", code)
	if a.status != http.StatusOK {
		t.Fatalf("%s: token endpoint: %d %s", types, a.status, a.body)
	}
	back := claimsOf(t, w, a.str("id_token"))
	if back.AccessTokenHash != leftHash("RS256", a.str("access_token")) || back.CodeHash != "" || back.Nonce != "n-1" || back.Subject != string(w.user.ID) {
		t.Errorf("%s: ID token of the token endpoint %+v", types, back)
	}
	if again := w.redeem("all", code); again.status == http.StatusOK {
		t.Errorf("%s: the code works twice", types)
	}
	if token := params.Get("access_token"); token != "" {
		if info := w.userInfo(token); info.status != http.StatusUnauthorized {
			t.Errorf("%s: what came with the code outlives its replay: %d", types, info.status)
		}
	}
}

// TestResponseTypesThatAreRefused, with the error where the answer would be.
func TestResponseTypesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	only := broker.Client{
		ID: "implicit", Name: "I", AuthMethod: broker.AuthNone, Scopes: []string{"openid", "api"}, GrantTypes: []string{broker.GrantImplicit}, RedirectURIs: []string{testCallback},
		Metadata: broker.ClientMetadata{ResponseTypes: []string{"token id_token", "code"}}, CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	must(t, w.db.CreateClient(t.Context(), only))
	plain := func(client string, pairs ...string) url.Values {
		return with(with(request(client), "scope", "openid", "code_challenge", "", "code_challenge_method", ""), pairs...)
	}
	w.parse(plain("implicit", "response_type", "id_token token")) // no code, so nothing to prove
	for _, tt := range []struct {
		name string
		form url.Values
		want string
	}{
		{"token alone", plain("all", "response_type", "token"), "unsupported_response_type"},
		{"a word too many", plain("all", "response_type", "code none"), "unsupported_response_type"},
		{"a word twice", plain("all", "response_type", "code code"), "unsupported_response_type"},
		{"not registered", plain("app", "response_type", "id_token"), "unauthorized_client"},
		{"none is off", plain("app", "response_type", "none"), "unauthorized_client"},
		{"registered for less", plain("implicit", "response_type", "id_token"), "unauthorized_client"},
		{"a code without its grant type", plain("implicit", "response_type", "code"), "unauthorized_client"},
		{"no nonce", plain("all", "response_type", "id_token", "nonce", ""), "invalid_request"},
		{"no nonce, hybrid", plain("all", "response_type", "code id_token token", "nonce", ""), "invalid_request"},
		{"no openid", plain("all", "response_type", "code id_token", "scope", "api"), "invalid_scope"},
		{"query", plain("all", "response_type", "code id_token", "response_mode", "query"), "invalid_request"},
	} {
		a, err := w.s.ParseAuthorization(t.Context(), tt.form)
		if a == nil || err == nil {
			t.Errorf("%s: %v, %v", tt.name, a, err)
			continue
		}
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
		separator := "?"
		if strings.Contains(tt.form.Get("response_type"), "token") {
			separator = "#"
		}
		if got := location(t, rec); got.Get("error") != tt.want || !strings.HasPrefix(rec.Header().Get("Location"), testCallback+separator) {
			t.Errorf("%s: %s, want %s", tt.name, rec.Header().Get("Location"), tt.want)
		}
	}
}

// TestNonceIsOptionalWhereNoIDTokenTravels (OpenID Connect Core 1.0, sections
// 3.1.2.1 and 3.3.2.1).
func TestNonceIsOptionalWhereNoIDTokenTravels(t *testing.T) {
	w := newWorld(t)
	for _, types := range []string{"code", "code token", "none"} {
		w.parse(with(request("all"), "response_type", types, "nonce", ""))
	}
}

// TestNothingOfflineWithoutACode (OpenID Connect Core 1.0, section 11).
func TestNothingOfflineWithoutACode(t *testing.T) {
	w := newWorld(t)
	for _, types := range responseTypes {
		a := w.parse(with(request("all"), "response_type", types))
		if got, want := slices.Contains(a.Scopes, scopeOffline), strings.Contains(types, "code"); got != want {
			t.Errorf("%s: offline_access: %v", types, got)
		}
	}
}

// TestFrontChannelTokensEnd with their lifetime, although the code ended long
// before, and the code does not live on with them.
func TestFrontChannelTokensEnd(t *testing.T) {
	w := newWorld(t)
	params, _ := w.answered(with(request("all"), "response_type", "code token"))
	g := w.grant(params.Get("access_token"))
	if life, code := g.ExpiresAt.Sub(g.CreatedAt), g.CodeExpiresAt.Sub(g.CreatedAt); life != accessLifetime || code != codeLifetime {
		t.Errorf("the grant lives %s, the code %s", life, code)
	}
	if _, err := w.s.access(t.Context(), params.Get("access_token"), "", g.CreatedAt.Add(accessLifetime-time.Second)); err != nil {
		t.Error(err)
	}
	if _, err := w.s.access(t.Context(), params.Get("access_token"), "", g.CreatedAt.Add(accessLifetime+time.Second)); err == nil {
		t.Error("the token goes on for ever")
	}
}

// TestNoUnitWaitsForASignature: one statement writes the answer of a session
// with a remembered consent, whatever it is.
func TestNoUnitWaitsForASignature(t *testing.T) {
	w := newWorld(t)
	for _, types := range []string{"code id_token token", "id_token"} {
		if got := ops(w.counted(func() { w.answered(with(request("all"), "response_type", types)) })); !slices.Equal(got, []string{"select", "insert"}) {
			t.Errorf("%s: statements %v", types, got)
		}
	}
	if got := ops(w.counted(func() { w.answered(with(request("all"), "response_type", "none")) })); !slices.Equal(got, []string{"select"}) {
		t.Errorf("none: statements %v", got)
	}
}

// TestLeftHashOfEveryAlgorithm (OpenID Connect Core 1.0, section 3.1.3.6).
func TestLeftHashOfEveryAlgorithm(t *testing.T) {
	const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	h2, h3, h5 := sha256.Sum256([]byte(token)), sha512.Sum384([]byte(token)), sha512.Sum512([]byte(token))
	for alg, want := range map[string][]byte{
		"RS256": h2[:16], "PS256": h2[:16], "ES256": h2[:16], "RS384": h3[:24], "PS384": h3[:24], "ES384": h3[:24],
		"RS512": h5[:32], "PS512": h5[:32], "ES512": h5[:32], "EdDSA": h5[:32],
	} {
		if got := leftHash(alg, token); got != base64.RawURLEncoding.EncodeToString(want) {
			t.Errorf("%s: %s", alg, got)
		}
	}
	if leftHash("RS256", "") != "" {
		t.Error("a hash of nothing")
	}
}
