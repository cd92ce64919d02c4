package tokens

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
)

// registering is a world in which applications register themselves.
func registering(t testing.TB, mode string, change ...func(*Registration)) *world {
	return newWorld(t, func(o *Options) {
		o.Registration.Mode = mode
		for _, c := range change {
			c(&o.Registration)
		}
	})
}

// asking is a registration that is in order, with changes; nil removes.
func asking(changes map[string]any) string {
	d := map[string]any{"redirect_uris": []string{"https://new.example/cb"}, "client_name": "New"}
	maps.Copy(d, changes)
	maps.DeleteFunc(d, func(_ string, v any) bool { return v == nil })
	text, _ := json.Marshal(d)
	return string(text)
}

// json sends a JSON request to a registration endpoint.
func (w *world) json(method, path, token, body string) answer {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	h := w.s.ServeRegistered
	if !strings.HasPrefix(path, "/oauth2/register/") {
		h = w.s.ServeRegistration
	}
	return w.send(h, r, body)
}

func (w *world) register(changes map[string]any) answer {
	return w.json("POST", "/oauth2/register", "", asking(changes))
}

func TestRegister(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.s.o.Registration.Mode = RegisterOpen
		a := w.register(map[string]any{
			"scope": "openid email api", "client_name#de": "Neu", "policy_uri": "https://new.example/policy", "unknown": map[string]any{"a": 1}, "initiate_login_uri": "https://new.example/login",
			"backchannel_logout_uri": "https://new.example/logout", "default_max_age": 0, "require_auth_time": true, "response_types": []string{"id_token code", "code"},
			"contacts": []string{"ops@new.example"}, "logo_uri": nil, "tos_uri#de": nil,
		})
		if a.status != http.StatusCreated || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for key, want := range map[string]any{
			"client_name": "New", "client_name#de": "Neu", "token_endpoint_auth_method": "client_secret_basic", "scope": "email openid", "application_type": "web",
			"id_token_signed_response_alg": "RS256", "subject_type": "public", "client_secret_expires_at": 0.0, "policy_uri": "https://new.example/policy",
			"unknown": nil, "initiate_login_uri": "https://new.example/login", "backchannel_logout_uri": "https://new.example/logout", "default_max_age": 0.0, "require_auth_time": true, "registration_client_uri": testIssuer + "/oauth2/register/" + a.str("client_id"),
		} {
			if a.json[key] != want {
				t.Errorf("%s is %v, want %v", key, a.json[key], want)
			}
		}
		if got := fmt.Sprint(a.json["response_types"], a.json["grant_types"]); got != "[code id_token code] [authorization_code implicit]" {
			t.Error(got)
		}
		c, err := w.db.Client(t.Context(), a.str("client_id"))
		must(t, err)
		if c.FirstParty || !c.Metadata.Dynamic || c.Localized("client_name", "de", "") != "Neu" || len(c.Secrets) != 1 || strings.Contains(c.Metadata.RegistrationTokenHash+c.Secrets[0].Hash, a.str("client_secret")) ||
			!broker.Secret(a.str("registration_access_token")).Matches(c.Metadata.RegistrationTokenHash) {
			t.Errorf("client %+v", c)
		}
		events, err := w.db.Events(t.Context(), "", 1)
		must(t, err)
		if events[0].Name != broker.EventClientRegistered || events[0].ClientID != c.ID {
			t.Errorf("event %+v", events[0])
		}

		// It works as any other, and that is noted to the day.
		form := with(request(c.ID), "redirect_uri", "https://new.example/cb", "scope", "openid email")
		r := httptest.NewRequest("POST", "/", nil)
		r.SetBasicAuth(c.ID, a.str("client_secret"))
		redeem := with(nil, "grant_type", "authorization_code", "code", w.code(form), "redirect_uri", "https://new.example/cb", "code_verifier", testVerifier)
		if got := w.send(w.s.ServeToken, r, redeem.Encode()); got.status != 200 || got.str("id_token") == "" {
			t.Errorf("token: %d %s", got.status, got.body)
		}
		used, err := w.db.Client(t.Context(), c.ID)
		must(t, err)
		if used.Metadata.LastUsedAt.IsZero() {
			t.Error("its use was not noted")
		}
		if _, err := w.s.ParseAuthorization(t.Context(), with(form, "scope", "openid api")); err == nil {
			t.Error("it may ask for what it did not get")
		}
	})
}

func TestRegisterPublic(t *testing.T) {
	w := registering(t, RegisterOpen)
	a := w.register(map[string]any{"token_endpoint_auth_method": "none", "application_type": "native", "redirect_uris": []string{"org.example.app:/cb", "http://127.0.0.1/cb"}, "client_name": nil, "grant_types": []string{"authorization_code", "refresh_token"}})
	if a.status != http.StatusCreated || a.json["client_secret"] != nil || a.str("client_name") != "127.0.0.1" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	c, err := w.db.Client(t.Context(), a.str("client_id"))
	must(t, err)
	if !c.RequirePKCE || len(c.Secrets) > 0 {
		t.Errorf("%+v", c)
	}
}

// TestRegistrationsThatAreRefused leave nothing behind.
func TestRegistrationsThatAreRefused(t *testing.T) {
	w := registering(t, RegisterOpen)
	before, err := w.db.Clients(t.Context())
	must(t, err)
	deep := strings.Repeat("[", 20) + strings.Repeat("]", 20)
	for name, tt := range map[string]struct{ body, code string }{
		"nothing":              {"", "invalid_client_metadata"},
		"no object":            {"[]", "invalid_client_metadata"},
		"null":                 {"null", "invalid_client_metadata"},
		"two documents":        {asking(nil) + asking(nil), "invalid_client_metadata"},
		"a member twice":       {`{"redirect_uris":["https://a.example/"],"redirect_uris":["https://evil.example/"]}`, "invalid_client_metadata"},
		"escaped twice":        {`{"redirect_uris":["https://a.example/"],"redirect_uri\u0073":["https://evil.example/"]}`, "invalid_client_metadata"},
		"twice, deeper":        {`{"redirect_uris":["https://a.example/"],"x":{"a":1,"a":2}}`, "invalid_client_metadata"},
		"another case":         {`{"Redirect_uris":["https://a.example/"]}`, "invalid_redirect_uri"},
		"too deep":             {`{"redirect_uris":["https://a.example/"],"x":` + deep + `}`, "invalid_client_metadata"},
		"no UTF-8":             {"{\"redirect_uris\":[\"https://a.example/\"],\"client_name\":\"\xff\"}", "invalid_client_metadata"},
		"no redirect URI":      {asking(map[string]any{"redirect_uris": nil}), "invalid_redirect_uri"},
		"redirect URI a text":  {asking(map[string]any{"redirect_uris": "https://a.example/"}), "invalid_redirect_uri"},
		"redirect URI null":    {asking(map[string]any{"redirect_uris": []any{nil}}), "invalid_redirect_uri"},
		"http":                 {asking(map[string]any{"redirect_uris": []string{"http://a.example/"}}), "invalid_redirect_uri"},
		"fragment":             {asking(map[string]any{"redirect_uris": []string{"https://a.example/#x"}}), "invalid_redirect_uri"},
		"javascript":           {asking(map[string]any{"redirect_uris": []string{"javascript:alert(1)"}}), "invalid_redirect_uri"},
		"javascript link":      {asking(map[string]any{"client_uri": "javascript:alert(1)"}), "invalid_client_metadata"},
		"javascript link, de":  {asking(map[string]any{"tos_uri#de": "javascript:alert(1)"}), "invalid_client_metadata"},
		"scheme for a secret":  {asking(map[string]any{"redirect_uris": []string{"org.example:/cb"}}), "invalid_redirect_uri"},
		"logout":               {asking(map[string]any{"post_logout_redirect_uris": []string{"http://a.example/"}}), "invalid_client_metadata"},
		"implicit":             {asking(map[string]any{"response_types": []string{"token"}}), "invalid_client_metadata"},
		"types and grants":     {asking(map[string]any{"response_types": []string{"id_token"}, "grant_types": []string{"authorization_code"}}), "invalid_client_metadata"},
		"login over http":      {asking(map[string]any{"initiate_login_uri": "http://new.example/login"}), "invalid_client_metadata"},
		"login with issuer":    {asking(map[string]any{"initiate_login_uri": "https://new.example/login?iss=https://evil.example"}), "invalid_client_metadata"},
		"acr with spaces":      {asking(map[string]any{"default_acr_values": []string{"a b"}}), "invalid_client_metadata"},
		"negative age":         {asking(map[string]any{"default_max_age": -1}), "invalid_client_metadata"},
		"foreign logout frame": {asking(map[string]any{"frontchannel_logout_uri": "https://evil.example/"}), "invalid_client_metadata"},
		"inner back channel":   {asking(map[string]any{"backchannel_logout_uri": "http://10.0.0.1/"}), "invalid_client_metadata"},
		"flag a text":          {asking(map[string]any{"require_auth_time": "true"}), "invalid_client_metadata"},
		"password":             {asking(map[string]any{"grant_types": []string{"password"}}), "invalid_client_metadata"},
		"machines":             {asking(map[string]any{"grant_types": []string{"authorization_code", "client_credentials"}}), "invalid_client_metadata"},
		"none as algorithm":    {asking(map[string]any{"id_token_signed_response_alg": "none"}), "invalid_client_metadata"},
		"unknown method":       {asking(map[string]any{"token_endpoint_auth_method": "tls_client_auth"}), "invalid_client_metadata"},
		"encryption":           {asking(map[string]any{"id_token_encrypted_response_alg": "RSA-OAEP"}), "invalid_client_metadata"},
		"DPoP":                 {asking(map[string]any{"dpop_bound_access_tokens": true}), "invalid_client_metadata"},
		"software statement":   {asking(map[string]any{"software_statement": "eyJ"}), "unapproved_software_statement"},
		"name that deceives":   {asking(map[string]any{"client_name": "a\u202eb"}), "invalid_client_metadata"},
		"name in another way":  {asking(map[string]any{"client_name#de": "a\u202eb"}), "invalid_client_metadata"},
		"language twice":       {asking(map[string]any{"client_name#de": "a", "client_name#DE": "b"}), "invalid_client_metadata"},
		"NUL":                  {asking(map[string]any{"software_id": "a\x00"}), "invalid_client_metadata"},
		"long software_id":     {asking(map[string]any{"software_id": strings.Repeat("x", 201)}), "invalid_client_metadata"},
		"many redirect URIs":   {asking(map[string]any{"redirect_uris": strings.Fields(strings.Repeat("https://a.example/ ", 51))}), "invalid_redirect_uri"},
		"a name that is a tag": {asking(map[string]any{"client_name": map[string]any{"en": "x"}}), "invalid_client_metadata"},
	} {
		wantError(t, name, w.json("POST", "/oauth2/register", "", tt.body), 400, tt.code)
	}
	wantError(t, "too big", w.json("POST", "/oauth2/register", "", asking(map[string]any{"x": strings.Repeat("x", maxBody)})), 413, "invalid_request")
	wantError(t, "GET", w.json("GET", "/oauth2/register", "", ""), 405, "invalid_request")
	r := httptest.NewRequest("POST", "/", nil)
	wantError(t, "form", w.send(w.s.ServeRegistration, r, asking(nil)), 400, "invalid_client_metadata")

	after, err := w.db.Clients(t.Context())
	must(t, err)
	if events, err := w.db.Events(t.Context(), "", 9); err != nil || len(events) > 0 || len(after) != len(before) {
		t.Errorf("%d clients before, %d after, events %v, %v", len(before), len(after), events, err)
	}
}

func TestInitialAccessToken(t *testing.T) {
	w := registering(t, RegisterToken)
	two := broker.NewSecret()
	must(t, w.db.CreateInitialAccessToken(t.Context(), broker.InitialAccessToken{Hash: two.Hash(), UsesLeft: 2, CreatedAt: time.Now()}))
	if a := w.register(nil); a.status != 401 || a.header.Get("WWW-Authenticate") != `Bearer realm="`+testIssuer+`"` {
		t.Errorf("without: %d %v", a.status, a.header)
	}
	for _, wrong := range []string{"x", broker.NewSecret().Reveal(), two.Hash()} {
		wantError(t, wrong, w.json("POST", "/oauth2/register", wrong, asking(nil)), 401, "invalid_token")
	}
	wantError(t, "in the URL", w.json("POST", "/oauth2/register?access_token="+two.Reveal(), "", asking(nil)), 400, "invalid_request")
	wantError(t, "what is refused spends nothing", w.json("POST", "/oauth2/register", two.Reveal(), "{}"), 400, "invalid_redirect_uri")
	for range 2 {
		if a := w.json("POST", "/oauth2/register", two.Reveal(), asking(nil)); a.status != 201 {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	wantError(t, "used up", w.json("POST", "/oauth2/register", two.Reveal(), asking(nil)), 401, "invalid_token")
}

func TestRegistrationQuotas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := registering(t, RegisterOpen, func(r *Registration) { r.PerAddress, r.PerDay, r.Total = 2, 4, 6 })
		from := func(ip string) answer {
			r := httptest.NewRequest("POST", "/", strings.NewReader(asking(nil)))
			r = r.WithContext(broker.WithRequest(context.WithoutCancel(t.Context()), broker.Request{IP: ip}))
			r.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			w.s.ServeRegistration(rec, r)
			a := answer{status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
			_ = json.Unmarshal(a.body, &a.json)
			return a
		}
		for i, tt := range []struct {
			ip   string
			want int
		}{
			{"192.0.2.1", 201}, {"192.0.2.1", 201}, {"192.0.2.1", 429},
			{"2001:db8::1", 201}, {"2001:db8::2", 201}, {"2001:db8::ffff:3", 429}, // one subscriber
			{"192.0.2.2", 429}, // the day is full
		} {
			a := from(tt.ip)
			if a.status != tt.want || tt.want == 429 && (a.header.Get("Retry-After") == "" || a.str("error") != "temporarily_unavailable") {
				t.Errorf("%d, from %s: %d %s %v", i, tt.ip, a.status, a.body, a.header)
			}
		}
		gone := from("192.0.2.9")
		if gone.status != 429 {
			t.Fatal(gone.status)
		}
		time.Sleep(25 * time.Hour)
		a := from("192.0.2.3")
		if a.status != 201 || from("192.0.2.4").status != 201 || from("192.0.2.5").status != 429 {
			t.Error("the total does not hold on the next day")
		}
		// Deleting frees a place, but not one of the day's.
		if got := w.json("DELETE", "/oauth2/register/"+a.str("client_id"), a.str("registration_access_token"), ""); got.status != 204 {
			t.Errorf("delete: %d %s", got.status, got.body)
		}
		if from("192.0.2.3").status != 201 || from("192.0.2.3").status != 429 {
			t.Error("deleting gives the address another turn")
		}
	})
}

func TestDiscoveryNamesTheRegistrationEndpoint(t *testing.T) {
	for mode, want := range map[string]bool{"": false, RegisterOff: false, RegisterToken: true, RegisterOpen: true} {
		w := registering(t, mode)
		if got := strings.Contains(string(w.s.keys.Load().discovery.body), `"registration_endpoint":"`+testIssuer+`/oauth2/register"`); got != want || w.s.Registers() != want {
			t.Errorf("%s: %v", mode, got)
		}
	}
	if _, err := New(nil, Options{Issuer: testIssuer, Secret: [32]byte{1}, Registration: Registration{Mode: "maybe"}}); err == nil {
		t.Error("an unknown mode")
	}
}

func FuzzReadMetadata(f *testing.F) {
	for _, s := range []string{asking(nil), `{"client_name#de":"x"}`, `{"scope":null}`, `{"a":{"a":1,"a":2}}`, `{"redirect_uris":[null]}`, `{}{}`, `{"a\u0000":1}`, `{"client_name#":1}`, "\ufeff{}"} {
		f.Add([]byte(s))
	}
	offer := Offer()
	f.Fuzz(func(t *testing.T, body []byte) {
		object, err := readObject(body)
		if err != nil {
			return
		}
		var plain any // what the strict reader takes, every reader takes
		if json.Unmarshal(body, &plain) != nil {
			t.Fatalf("%q is no JSON", body)
		}
		c := broker.Client{ID: "x"}
		defaults(&c)
		if len(readMetadata(&c, object)) > 0 || len(c.Problems(offer)) > 0 {
			return
		}
		for _, uri := range c.RedirectURIs {
			if _, ok := matchRedirect(c, uri); !ok {
				t.Errorf("%q is registered and refused", uri)
			}
		}
		text, err := json.Marshal(writeMetadata(c))
		must(t, err)
		again, err := readObject(text)
		must(t, err)
		d := broker.Client{ID: "x"}
		defaults(&d)
		if p := readMetadata(&d, again); len(p) > 0 || len(d.Problems(offer)) > 0 {
			t.Errorf("what is told is refused: %v %s", p, text)
		}
	})
}
