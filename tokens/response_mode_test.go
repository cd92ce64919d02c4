package tokens

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// posting offers form_post and writes what would be posted as JSON.
func (w *world) posting() {
	must(w.t, w.s.UseFormPost(func(rw http.ResponseWriter, _ *http.Request, uri string, params url.Values) {
		rw.Header().Set("X-Action", uri)
		_ = json.NewEncoder(rw).Encode(params)
	}))
}

func TestWhereAnswersGo(t *testing.T) {
	w := newWorld(t)
	w.posting()
	const query, fragment, post = fosite.ResponseModeQuery, fosite.ResponseModeFragment, fosite.ResponseModeFormPost
	only := broker.Client{Metadata: broker.ClientMetadata{ResponseModes: []string{"form_post"}}}
	for _, tt := range []struct {
		client   broker.Client
		uri      string
		types    string
		mode     string
		want     fosite.ResponseModeType
		accepted bool
	}{
		{broker.Client{}, testCallback, "code", "", query, true},
		{broker.Client{}, testCallback, "none", "", query, true},
		{broker.Client{}, testCallback, "code", "query", query, true},
		{broker.Client{}, testCallback, "code", "fragment", fragment, true},
		{broker.Client{}, testCallback, "code", "form_post", post, true},
		{broker.Client{}, testCallback, "id_token", "", fragment, true},
		{broker.Client{}, testCallback, "code token", "", fragment, true},
		{broker.Client{}, testCallback, "id_token token", "form_post", post, true},
		{broker.Client{}, testCallback, "id_token", "query", fragment, false}, // an ID token in a log
		{broker.Client{}, testCallback, "code id_token", "query", fragment, false},
		{broker.Client{}, testCallback, "code", "web_message", query, false},
		{broker.Client{}, testCallback, "token", "jwt", fragment, false},
		{broker.Client{}, testCallback, "code", "FORM_POST", query, false},
		{broker.Client{}, "org.example.app:/cb", "code", "form_post", query, false}, // an app takes no body
		{broker.Client{}, "http://127.0.0.1:9/cb", "code", "form_post", post, true},
		{only, testCallback, "code", "form_post", post, true},
		{only, testCallback, "code", "fragment", query, false},
	} {
		form := url.Values{"response_type": {tt.types}, "response_mode": {tt.mode}}
		if got, ok := w.s.responseMode(tt.client, tt.uri, form); got != tt.want || ok != tt.accepted {
			t.Errorf("%s, %q, %s: %q, %v, want %q, %v", tt.types, tt.mode, tt.uri, got, ok, tt.want, tt.accepted)
		}
	}
}

// TestFormPostCarriesAnswersAndErrors: nothing stands in a URL.
func TestFormPostCarriesAnswersAndErrors(t *testing.T) {
	w := newWorld(t)
	w.posting()
	posted := func(rec *httptest.ResponseRecorder) url.Values {
		t.Helper()
		var params url.Values
		must(t, json.Unmarshal(rec.Body.Bytes(), &params))
		h := rec.Header()
		if rec.Code != http.StatusOK || h.Get("Location") != "" || h.Get("X-Action") != testCallback || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%d %v", rec.Code, h)
		}
		if params.Get("state") != "s" || params.Get("iss") != testIssuer {
			t.Errorf("posts %v", params)
		}
		return params
	}
	form := with(request("app"), "response_mode", "form_post")
	a, rec := w.parse(form), httptest.NewRecorder()
	must(t, w.s.Respond(t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, w.approval(a)))
	if got := w.redeem("app", posted(rec).Get("code")); got.status != http.StatusOK {
		t.Errorf("token endpoint: %d %s", got.status, got.body)
	}
	for pair, want := range map[[2]string]string{{"scope", "admin"}: "invalid_scope", {"response_type", "x"}: "unsupported_response_type", {"prompt", "x"}: "invalid_request"} {
		a, err := w.s.ParseAuthorization(t.Context(), with(form, pair[0], pair[1]))
		if a == nil || err == nil {
			t.Fatalf("%v: %v, %v", pair, a, err)
		}
		rec := httptest.NewRecorder()
		w.s.Refuse(rec, httptest.NewRequest(http.MethodGet, "/", nil), a, err)
		if got := posted(rec); got.Get("error") != want || got.Has("code") {
			t.Errorf("%v: posts %v", pair, got)
		}
	}
}

// TestFormPostIsOfferedWhereAPageStands, before and after the first key.
func TestFormPostIsOfferedWhereAPageStands(t *testing.T) {
	w := newWorld(t)
	offered := func(s *Service) bool {
		var m metadata
		must(t, json.Unmarshal(s.keys.Load().discovery.body, &m))
		return slices.Contains(m.ResponseModesSupported, "form_post")
	}
	if offered(w.s) {
		t.Error("form_post is told of without a page")
	}
	if _, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "response_mode", "form_post")); err == nil {
		t.Error("form_post is answered without a page")
	}
	before := w.s.keys.Load().jwks.tag[0]
	w.posting()
	if !offered(w.s) || w.s.keys.Load().jwks.tag[0] != before {
		t.Error("form_post is not told of")
	}
	early, err := New(w.db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	must(t, early.UseFormPost(func(http.ResponseWriter, *http.Request, string, url.Values) {}))
	must(t, early.EnsureKeys(t.Context()))
	if !offered(early) || !strings.Contains(string(early.keys.Load().discovery.body), `"form_post"`) {
		t.Error("form_post is forgotten when the keys come")
	}
}
