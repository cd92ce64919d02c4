package tokens

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

func TestDocumentsAreReady(t *testing.T) {
	w := newWorld(t)
	for name, serve := range map[string]http.HandlerFunc{"jwks": w.s.ServeJWKS, "discovery": w.s.ServeDiscovery} {
		get := func(method, none string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, "/", nil)
			if none != "" {
				r.Header.Set("If-None-Match", none)
			}
			rec := httptest.NewRecorder()
			serve(rec, r)
			return rec
		}
		full := get(http.MethodGet, "")
		etag := full.Header().Get("ETag")
		if full.Code != http.StatusOK || !json.Valid(full.Body.Bytes()) || !strings.HasPrefix(full.Header().Get("Cache-Control"), "public, max-age=") || len(etag) < 10 {
			t.Errorf("%s: %d %v", name, full.Code, full.Header())
		}
		for _, match := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
			if rec := get(http.MethodGet, match); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 || rec.Header().Get("ETag") != etag {
				t.Errorf("%s: If-None-Match %s: %d", name, match, rec.Code)
			}
		}
		for _, match := range []string{`"x"`, "x", strings.Trim(etag, `"`)} {
			if rec := get(http.MethodGet, match); rec.Code != http.StatusOK {
				t.Errorf("%s: If-None-Match %s: %d", name, match, rec.Code)
			}
		}
		if rec := get(http.MethodHead, ""); rec.Code != http.StatusOK || rec.Body.Len() != 0 {
			t.Errorf("%s: HEAD: %d, %d bytes", name, rec.Code, rec.Body.Len())
		}
		if rec := get(http.MethodPost, ""); rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: POST: %d", name, rec.Code)
		}
		if got := w.counted(func() { get(http.MethodGet, "") }); len(got) != 0 {
			t.Errorf("%s: statements %v", name, got)
		}
	}
	before := w.s.keys.Load().jwks.tag[0]
	_, err := w.s.RotateKeys(t.Context(), "")
	must(t, err)
	if w.s.keys.Load().jwks.tag[0] == before {
		t.Error("the ETag outlives a rotation")
	}
}

// Who can unpack gets fewer bytes, and nobody else does.
func TestDocumentsArePacked(t *testing.T) {
	w := newWorld(t)
	get := func(accept, none string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", none)
		rec := httptest.NewRecorder()
		w.s.ServeDiscovery(rec, r)
		return rec
	}
	plain := get("", "")
	for _, accept := range []string{"gzip", "GZIP", "br, gzip", "gzip, deflate"} {
		rec := get(accept, "")
		z, err := gzip.NewReader(rec.Body)
		must(t, err)
		packed := rec.Body.Len()
		body, err := io.ReadAll(z)
		must(t, err)
		h := rec.Header()
		if h.Get("Content-Encoding") != "gzip" || h.Get("Vary") != "Accept-Encoding" || h.Get("ETag") == plain.Header().Get("ETag") || string(body) != plain.Body.String() || packed*2 > len(body) {
			t.Errorf("%s: %v, %d bytes", accept, h, packed)
		}
		if rec := get(accept, h.Get("ETag")); rec.Code != http.StatusNotModified || rec.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d for its own ETag", accept, rec.Code)
		}
	}
	for _, accept := range []string{"", "identity", "br", "gzip;q=0", "x-gzip2", "gzipped"} {
		if rec := get(accept, ""); rec.Header().Get("Content-Encoding") != "" || rec.Body.String() != plain.Body.String() || rec.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", accept, rec.Header())
		}
	}
}

func TestDocumentsBeforeTheFirstKey(t *testing.T) {
	s, err := New(nil, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	rec := httptest.NewRecorder()
	s.ServeJWKS(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestDiscoveryTellsTheTruth: what it lists works, and what works is listed.
func TestDiscoveryTellsTheTruth(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Issuer, o.Paths.Token, o.UILocales = testIssuer+"/id/", "/t", []string{"en", "de"}
	})
	var m metadata
	must(t, json.Unmarshal(w.s.keys.Load().discovery.body, &m))
	if m.Issuer != testIssuer+"/id/" || m.TokenEndpoint != testIssuer+"/id/t" || m.AuthorizationEndpoint != testIssuer+"/id/oauth2/authorize" {
		t.Errorf("issuer %s, endpoints %s, %s", m.Issuer, m.TokenEndpoint, m.AuthorizationEndpoint)
	}
	if !slices.Equal(m.GrantTypesSupported, []string{"authorization_code", "refresh_token", "client_credentials", "implicit"}) ||
		len(m.IDTokenSigningAlgs) != 10 || slices.Contains(m.IDTokenSigningAlgs, "none") || len(m.ResponseTypesSupported) != 7 || slices.Contains(m.ResponseTypesSupported, "token") ||
		!slices.Equal(m.CodeChallengeMethods, []string{"S256"}) || !m.IssParameterSupported || !m.RequestSupported || m.RequestURISupported ||
		slices.Contains(m.IntrospectionAuthMethods, "none") || !slices.Contains(m.TokenAuthMethods, "none") || !slices.Equal(m.UILocalesSupported, []string{"en", "de"}) {
		t.Errorf("metadata %+v", m)
	}
	for _, mode := range m.ResponseModesSupported {
		w.parse(with(request("app"), "response_mode", mode))
	}
	for _, prompt := range m.PromptValuesSupported {
		w.parse(with(request("app"), "prompt", prompt))
	}
	for _, t := range m.ResponseTypesSupported {
		w.parse(with(request("all"), "response_type", t))
	}
	w.parse(with(request("app"), "scope", strings.Join(m.ScopesSupported, " ")))
	for _, grant := range m.GrantTypesSupported {
		if grant == "implicit" { // of the authorization endpoint
			continue
		}
		if a := w.call(w.s.ServeToken, "app", with(nil, "grant_type", grant)); a.str("error") == "unsupported_grant_type" {
			t.Errorf("%s: %s", grant, a.body)
		}
	}
	if !strings.Contains(string(w.s.keys.Load().discovery.body), `"request_uri_parameter_supported":false`) {
		t.Error("request_uri_parameter_supported is left out, which means true")
	}
	if !slices.Contains(m.TokenAuthMethods, broker.AuthPrivateKeyJWT) || !slices.Contains(m.TokenAuthMethods, broker.AuthSecretJWT) || slices.Contains(m.RequestAlgs, "HS256") ||
		!slices.Equal(m.TokenAuthAlgs, assertionAlgs) || !slices.Equal(m.RevocationAuthAlgs, assertionAlgs) || !slices.Equal(m.IntrospectionAuthAlgs, assertionAlgs) {
		t.Errorf("client authentication %+v", m)
	}
	if !slices.Equal(m.RequestAlgs, clientAlgs) || !m.RequestURIRegistered || slices.Contains(m.RequestAlgs, "none") {
		t.Errorf("request objects %+v", m)
	}
	if m.PAREndpoint != testIssuer+"/id/oauth2/par" || m.RequirePAR {
		t.Errorf("pushed requests %+v", m)
	}
	known := map[string]bool{}
	for _, claim := range m.ClaimsSupported {
		known[claim] = true
	}
	told := map[string]any{}
	w.session.Provider = "orcid"
	w.user.Details.Zone = "Europe/London"
	a := w.tokens("app")
	hybrid := w.parse(with(request("all"), "response_type", "code id_token"))
	front := w.respond(hybrid, w.approval(hybrid)).Get("id_token")
	for _, v := range []any{claimsOf(t, w, a.str("id_token")), claimsOf(t, w, front), w.s.infoOf(w.user, userScopes)} {
		text, err := json.Marshal(v)
		must(t, err)
		must(t, json.Unmarshal(text, &told))
	}
	for claim := range told {
		if !known[claim] {
			t.Errorf("%s is told and not listed", claim)
		}
		delete(known, claim)
	}
	if len(known) > 0 {
		t.Errorf("%v are listed and not told", known)
	}
}

// TestDiscoveryTellsOfPhoneAndAddress where the operator offers them.
func TestDiscoveryTellsOfPhoneAndAddress(t *testing.T) {
	for _, offered := range []bool{false, true} {
		var m metadata
		must(t, json.Unmarshal(contactWorld(t, offered).s.keys.Load().discovery.body, &m))
		for _, scope := range []string{"phone", "address"} {
			if slices.Contains(m.ScopesSupported, scope) != offered {
				t.Errorf("offered %v: scopes %v", offered, m.ScopesSupported)
			}
		}
		for _, claim := range []string{"phone_number", "phone_number_verified", "address"} {
			if slices.Contains(m.ClaimsSupported, claim) != offered {
				t.Errorf("offered %v: claims %v", offered, m.ClaimsSupported)
			}
		}
	}
}

// TestDiscoveryTellsOfSignOut: OpenID Connect Back-Channel Logout 1.0, section 2.1.
func TestDiscoveryTellsOfSignOut(t *testing.T) {
	var m map[string]any
	must(t, json.Unmarshal(newWorld(t).s.keys.Load().discovery.body, &m))
	if m["check_session_iframe"] != testIssuer+"/oauth2/check-session" {
		t.Errorf("check_session_iframe is %v", m["check_session_iframe"])
	}
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported", "frontchannel_logout_supported", "frontchannel_logout_session_supported"} {
		if m[name] != true {
			t.Errorf("%s is %v", name, m[name])
		}
	}
}
