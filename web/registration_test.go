package web

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/tokens"
)

// TestRegistrationRoutes: nothing is there while it is off; where it is on,
// applications of other origins reach it, and scripts of unknown ones do not.
func TestRegistrationRoutes(t *testing.T) {
	w := newWorld(t)
	open := func(mode string) *Server {
		tok, err := tokens.New(w.db, tokens.Options{Issuer: w.url, Secret: sha256.Sum256([]byte("test")), Registration: tokens.Registration{Mode: mode}})
		must(t, err)
		s, err := New(w.db, w.server.linker, w.accounts, tok, w.server.cat, w.server.o)
		must(t, err)
		return s
	}
	call := func(s *Server, method, path, token, body string) (*httptest.ResponseRecorder, map[string]any) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = strings.TrimPrefix(w.url, "http://")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://spa.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		var answer map[string]any
		_ = json.Unmarshal(rec.Body.Bytes(), &answer)
		return rec, answer
	}
	const good = `{"redirect_uris":["https://spa.example/cb"],"token_endpoint_auth_method":"none"}`
	for _, path := range []string{"/oauth2/register", "/oauth2/register/app"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			if rec, _ := call(open(tokens.RegisterOff), method, path, "", good); rec.Code != http.StatusNotFound && rec.Code != http.StatusForbidden {
				t.Errorf("%s %s while off: %d", method, path, rec.Code)
			}
		}
	}
	s := open(tokens.RegisterOpen)
	rec, answer := call(s, "POST", "/oauth2/register", "", good)
	if rec.Code != http.StatusCreated || rec.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	id, _ := answer["client_id"].(string)
	token, _ := answer["registration_access_token"].(string)
	if rec, _ := call(open(tokens.RegisterOpen), "GET", "/oauth2/register/"+id, token, ""); rec.Code != 200 || rec.Header().Get("Access-Control-Allow-Origin") != "https://spa.example" {
		t.Errorf("read: %d %v", rec.Code, rec.Header())
	}
	if rec, _ := call(s, "PUT", "/oauth2/register/"+id, token, strings.Replace(good, "{", `{"client_id":"`+id+`",`, 1)); rec.Code != 200 {
		t.Errorf("update: %d %s", rec.Code, rec.Body)
	}
	if rec, _ := call(s, "DELETE", "/oauth2/register/"+id, token, ""); rec.Code != 204 {
		t.Errorf("delete: %d %s", rec.Code, rec.Body)
	}
}

// TestConsentSpeaksTheLanguage: name and links of the application are those for
// the person's language, and no picture of it is fetched from elsewhere.
func TestConsentSpeaksTheLanguage(t *testing.T) {
	w := newWorld(t)
	w.client(func(c *broker.Client) {
		c.PolicyURI, c.TermsURI = "https://app.example/privacy", "https://app.example/terms"
		c.Metadata.LogoURI = "https://app.example/logo.png"
		c.Metadata.Localized = map[string]map[string]string{"client_name": {"de": "Die Anwendung <b>"}, "policy_uri": {"de": "https://app.example/datenschutz"}}
	})
	w.user("eve")
	b := w.browser()
	b.signIn("eve")
	page := func(locale string) string {
		login := b.get(authorize("ui_locales", locale)).to("/consent/").param("login")
		return b.get("/consent/?login=" + login).want(200).body
	}
	german, english := page("de"), page("en")
	for text, want := range map[string]bool{
		"Die Anwendung &lt;b&gt;": true, `href="https://app.example/datenschutz"`: true, `href="https://app.example/terms"`: true,
		"The App": false, "https://app.example/privacy": false, "logo.png": false, "<b>": false,
	} {
		if strings.Contains(german, text) != want {
			t.Errorf("German: %q is there: %v", text, !want)
		}
	}
	if !strings.Contains(english, "The App") || !strings.Contains(english, `href="https://app.example/privacy"`) || strings.Contains(english, "logo.png") {
		t.Error("English")
	}
}
