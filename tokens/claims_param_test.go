package tokens

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestParseClaims(t *testing.T) {
	got, err := parseClaims(`{"userinfo": {"given_name": {"essential": true}, "email": null, "x": {"value": 1, "new": {}}},
		"id_token": {"acr": {"values": ["a", "b"]}, "auth_time": {"essential": true}, "sub": {"value": "ada"}}, "later": [1, {"a": 1}]}`)
	must(t, err)
	if !slices.Equal(names(got.UserInfo), []string{"email", "given_name", "x"}) || !slices.Equal(names(got.IDToken), []string{"acr", "auth_time", "sub"}) {
		t.Errorf("claims %v, %v", names(got.UserInfo), names(got.IDToken))
	}
	if !got.UserInfo["given_name"].Essential || got.UserInfo["email"] != nil || !got.IDToken["acr"].accepts("b") || got.IDToken["acr"].accepts("c") || !got.IDToken["auth_time"].accepts("x") {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{
		"", "null", "[]", `""`, "1", "{", "{}{}", `{"userinfo": []}`, `{"id_token": "x"}`, `{"userinfo": {"name": true}}`, `{"userinfo": {"name": {"essential": "yes"}}}`,
		`{"userinfo": {"name": {"values": "x"}}}`, `{"userinfo": {}, "userinfo": {"email": null}}`, `{"id_token": {"acr": null, "acr": {"essential": true}}}`,
		`{"id_token": {"acr": {"value": "a", "value": "b"}}}`, `{"later": {"a": 1, "a": 2}}`, `{"userinfo":` + strings.Repeat("[", 4000),
		`{"userinfo": {"x": {"value": "` + strings.Repeat("x", maxClaimsParam) + `"}}}`, `{"userinfo": {"a": null},}`, "{\"userinfo\": \x00}",
	} {
		if got, err := parseClaims(bad); !errors.Is(err, errClaims) || !reflect.DeepEqual(got, claimWishes{}) {
			t.Errorf("parseClaims(%.60q) = %+v, %v", bad, got, err)
		}
	}
	many := map[string]map[string]any{"userinfo": {}}
	for i := range maxClaimNames + 1 {
		many["userinfo"][strings.Repeat("x", i+1)] = nil
	}
	text, err := json.Marshal(many)
	must(t, err)
	if _, err := parseClaims(string(text)); err == nil {
		t.Error("more names than there are claims")
	}
}

// TestClaimsGoWhereTheyWereAskedFor: one by one, without their scope, and only
// what the client may ask for.
func TestClaimsGoWhereTheyWereAskedFor(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		const claims = `{"userinfo": {"name": {"essential": true}, "phone_number": null}, "id_token": {"email": null, "email_verified": null, "preferred_username": {"value": "bob"}}}`
		a := w.tokens("app", "scope", "openid offline_access", "claims", claims)
		var info map[string]any
		must(t, json.Unmarshal(w.userInfo(a.str("access_token")).body, &info))
		if want := map[string]any{"sub": string(w.user.ID), "name": w.user.Name}; !reflect.DeepEqual(info, want) {
			t.Errorf("userinfo %v, want %v", info, want)
		}
		got := claimsOf(t, w, a.str("id_token")).personClaims
		yes := true
		if want := (personClaims{Email: w.user.Email, EmailVerified: &yes, PreferredUsername: w.user.Username}); !reflect.DeepEqual(got, want) {
			t.Errorf("ID token %+v, want %+v", got, want)
		}
		if g := w.grant(a.str("access_token")); g.Claims != `{"id_token":{"email":null,"email_verified":null,"preferred_username":null},"userinfo":{"name":null}}` {
			t.Errorf("kept %s", g.Claims)
		}
		again := w.refresh("app", a.str("refresh_token"))
		if got := claimsOf(t, w, again.str("id_token")).Email; got != w.user.Email {
			t.Errorf("refreshed ID token: %q", got)
		}
		narrow := w.refresh("app", again.str("refresh_token"), "scope", "openid")
		if info := w.userInfo(narrow.str("access_token")); info.str("name") != "" || info.str("sub") == "" {
			t.Errorf("a narrowed token reads %s", info.body)
		}
	})
}

// TestClaimsOfScopesThatTheClientMayNotAskFor are not to be had by name either.
func TestClaimsOfScopesThatTheClientMayNotAskFor(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	must(t, w.db.CreateClient(t.Context(), broker.Client{
		ID: "small", Name: "S", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: testSecret.Hash()}}, RedirectURIs: []string{testCallback},
		GrantTypes: []string{broker.GrantCode}, Scopes: []string{"openid", "profile"}, CreatedAt: now, UpdatedAt: now,
	}))
	const claims = `{"userinfo": {"email": {"essential": true}, "name": null}, "id_token": {"email": null}}`
	a := w.tokens("small", "scope", "openid", "claims", claims)
	if info := w.userInfo(a.str("access_token")); info.str("email") != "" || info.str("name") != w.user.Name {
		t.Errorf("userinfo %s", info.body)
	}
	if got := claimsOf(t, w, a.str("id_token")).Email; got != "" {
		t.Errorf("ID token tells %q", got)
	}
	if got := w.parse(with(request("small"), "scope", "openid", "claims", claims)).Asked(); !slices.Equal(got, []string{"openid", "claim:name"}) {
		t.Errorf("asks for %q", got)
	}
}

func TestClaimsNeedOpenID(t *testing.T) {
	w := newWorld(t)
	if a := w.parse(with(request("app"), "scope", "api", "claims", `{"userinfo": {"email": null}}`)); len(a.Asked()) != 1 {
		t.Errorf("asks for %q", a.Asked())
	}
}

// TestConsentNamesEachClaim, with what the account has.
func TestConsentNamesEachClaim(t *testing.T) {
	w := newWorld(t)
	a := w.parse(with(request("app"), "scope", "openid email", "claims", `{"userinfo": {"name": null, "email": null, "updated_at": null}, "id_token": {"name": null}}`))
	if got := a.Asked(); !slices.Equal(got, []string{"openid", "email", "claim:name", "claim:updated_at"}) {
		t.Errorf("asks for %q", got)
	}
	var lines []string
	for _, c := range w.s.ClaimsFor(w.user, a.Asked()) {
		lines = append(lines, c.Name+"="+c.Value)
	}
	if want := []string{"claim.sub=" + string(w.user.ID), "claim.name=Ada Lovelace", "claim.email=ada@example.org", "claim.updated_at="}; !slices.Equal(lines, want) {
		t.Errorf("lines %q, want %q", lines, want)
	}
}

// TestClaimsThatCannotBeMet: an essential acr that is not ours, a person who is
// somebody else, text that is no claims parameter.
func TestClaimsThatCannotBeMet(t *testing.T) {
	w := newWorld(t)
	hint := w.tokens("app").str("id_token")
	for _, tt := range []struct{ claims, want string }{
		{`{"id_token": {"acr": {"essential": true, "value": "urn:mace:incommon:iap:silver"}}}`, "unmet_authentication_requirements"},
		{`{"id_token": {"acr": {"essential": true, "values": ["a", 1]}}}`, "unmet_authentication_requirements"},
		{`{"id_token": {"acr": {"essential": true, "values": ["a", "` + broker.ACRSingle + `"]}}}`, ""},
		{`{"id_token": {"acr": {"essential": true}}}`, ""},
		{`{"id_token": {"acr": {"value": "a"}}}`, ""}, // wished for, not required
		{`{"id_token": {"sub": {"value": "` + string(w.user.ID) + `"}}}`, ""},
		{`{"id_token": {"sub": {"value": "bob"}}}`, "invalid_request"}, // the hint names ada
		{`{"userinfo": {"sub": {"value": 1}}}`, "invalid_request"},
		{`{"userinfo": {"name": 1}}`, "invalid_request"},
	} {
		a, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "claims", tt.claims, "id_token_hint", hint))
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.claims, err)
			}
			continue
		}
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
		if got := location(t, rec).Get("error"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.claims, got, tt.want)
		}
	}
	bob := w.parse(with(request("app"), "claims", `{"id_token": {"sub": {"value": "bob"}}}`, "prompt", "none"))
	yes := broker.Consent{UserID: w.user.ID, ClientID: "app", Scopes: bob.Scopes}
	if _, _, err := bob.Decide(Standing{Session: w.session, Consent: yes, At: time.Now()}); !errors.Is(err, ErrLoginRequired) {
		t.Errorf("somebody else than was asked for: %v", err)
	}
}

// TestRegisteredDefaults: default_max_age holds where max_age does not, and
// auth_time is always told (require_auth_time asks for no more).
func TestRegisteredDefaults(t *testing.T) {
	w := newWorld(t)
	c, err := w.db.Client(t.Context(), "app")
	must(t, err)
	age := 60
	c.Metadata.DefaultMaxAge, c.Metadata.RequireAuthTime = &age, true
	must(t, w.db.UpdateClient(t.Context(), c))
	if a := w.parse(request("app")); a.MaxAge == nil || *a.MaxAge != time.Minute {
		t.Errorf("max_age %v", a.MaxAge)
	}
	if a := w.parse(with(request("app"), "max_age", "7")); *a.MaxAge != 7*time.Second {
		t.Errorf("max_age %v", a.MaxAge)
	}
	if got := claimsOf(t, w, w.tokens("app").str("id_token")); got.AuthTime != w.session.AuthTime.Unix() {
		t.Errorf("auth_time %d", got.AuthTime)
	}
}

// TestCreateIsOfferedWherePeopleMaySignUp.
func TestCreateIsOfferedWherePeopleMaySignUp(t *testing.T) {
	open, closed := newWorld(t), newWorld(t, func(o *Options) { o.NoSignUp = true })
	if !open.parse(with(request("app"), "prompt", "create")).Creates() || open.parse(request("app")).Creates() {
		t.Error("prompt=create is not told")
	}
	if _, err := closed.s.ParseAuthorization(t.Context(), with(request("app"), "prompt", "create")); err == nil {
		t.Error("prompt=create where nobody can sign up")
	}
	var m metadata
	must(t, json.Unmarshal(closed.s.keys.Load().discovery.body, &m))
	if slices.Contains(m.PromptValuesSupported, "create") || !slices.Contains(m.PromptValuesSupported, "login") || !m.ClaimsParameterSupported {
		t.Errorf("metadata %+v", m)
	}
}

// FuzzClaims: what is accepted is JSON that says one thing, and what is kept
// survives the way through the database.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"userinfo": {"name": null, "email": {"essential": true}}, "id_token": {"acr": {"values": ["a"]}}}`, `{"userinfo": {"a": 1, "a": 2}}`, `{"id_token": {"sub": {"value": "x"}}}`, "[[[", `{"userinfo": {"name": {"value": "\ud800", "values": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}}}`} {
		f.Add(seed)
	}
	s := &Service{o: Options{Phone: true}}
	a := &Authorization{Client: broker.Client{Scopes: []string{"openid", "profile", "email", "phone"}}, Scopes: []string{"openid"}}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseClaims(text)
		if err != nil {
			return
		}
		if _, strict := readObject([]byte(text)); strict != nil || !json.Valid([]byte(text)) || len(text) > maxClaimsParam {
			t.Fatalf("%q is accepted", text)
		}
		kept := claimWishes{IDToken: s.known(a, w.IDToken), UserInfo: s.known(a, w.UserInfo)}
		if again := wishesOf(broker.Grant{Claims: kept.text()}); !reflect.DeepEqual(names(again.IDToken), names(kept.IDToken)) || !reflect.DeepEqual(names(again.UserInfo), names(kept.UserInfo)) {
			t.Fatalf("%+v becomes %+v", kept, again)
		}
		for _, name := range names(kept.UserInfo) {
			if claimScopes[name] == "" || name == "address" {
				t.Fatalf("unknown claim %q", name)
			}
		}
	})
}
