package tokens

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

const (
	testIssuer   = "https://broker.example"
	testCallback = "https://app.example/cb"
)

// testSecret is one secret for all clients: they differ in their ids.
var testSecret = broker.NewSecret()

// world is a Service on a real database, with a person and applications in it.
type world struct {
	t       testing.TB
	db      *store.DB
	s       *Service
	user    broker.User
	session broker.Session

	mu         sync.Mutex
	statements []store.Statement
}

// testKeys are made once: RSA keys are slow to come by.
var testKeys = sync.OnceValue(func() []broker.Key {
	var keys []broker.Key
	for _, alg := range algorithms {
		k, err := newKey(alg, time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC())
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
})

// newWorld opens a SQLite database that counts statements.
func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t}
	return w.on(storetest.New(t, storetest.OnStatement(w.count)), change...)
}

// eachWorld runs a test on SQLite and on PostgreSQL.
func eachWorld(t *testing.T, test func(t *testing.T, w *world)) {
	w := &world{}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w.t = t
		test(t, w.on(db))
	}, storetest.OnStatement(w.count))
}

func (w *world) count(s store.Statement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements = append(w.statements, s)
}

// on fills a migrated database.
func (w *world) on(db *store.DB, change ...func(*Options)) *world {
	t := w.t
	t.Helper()
	w.db = db
	o := Options{Issuer: testIssuer, Secret: [32]byte{1}, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	s, err := New(db, o)
	must(t, err)
	w.s = s
	for _, k := range testKeys() {
		must(t, db.CreateKey(t.Context(), k))
	}
	must(t, s.EnsureKeys(t.Context()))

	now := time.Now().UTC()
	w.user = broker.User{
		ID: broker.UserID(broker.NewID()), Email: "ada@example.org", EmailVerifiedAt: now, Name: "Ada Lovelace", Username: "ada", Locale: "en",
		CreatedAt: now, UpdatedAt: now,
	}
	must(t, db.CreateUser(t.Context(), w.user))
	w.session = broker.Session{
		SID: broker.NewID(), UserID: w.user.ID, AuthTime: now.Add(-time.Minute), AMR: []string{"pwd"}, ACR: broker.ACRSingle,
	}
	all := []string{"openid", "profile", "email", "offline_access", "api"}
	grants := []string{broker.GrantCode, broker.GrantRefresh}
	for _, c := range []broker.Client{
		{ID: "app", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: grants},
		{ID: "other", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: grants},
		{ID: "strict", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: grants, RequirePKCE: true},
		{ID: "es", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: grants, IDTokenAlg: broker.ES256},
		{ID: "post", AuthMethod: broker.AuthPost, Scopes: all, GrantTypes: grants},
		{ID: "spa", AuthMethod: broker.AuthNone, Scopes: all, GrantTypes: grants},
		{ID: "off", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: grants, DisabledAt: now},
		{ID: "once", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: []string{broker.GrantCode}},
		{ID: "all", AuthMethod: broker.AuthBasic, Scopes: all, GrantTypes: append(grants, broker.GrantImplicit), Metadata: broker.ClientMetadata{ResponseTypes: responseTypes}},
		{ID: "machine", AuthMethod: broker.AuthBasic, Scopes: []string{"api", "more", "openid", "email"}, GrantTypes: []string{broker.GrantCredentials}},
	} {
		c.Name = strings.ToUpper(c.ID)
		c.RedirectURIs = []string{testCallback}
		c.PostLogoutRedirectURIs = []string{"https://app.example/bye", "https://app.example/bye?x=1"}
		c.CreatedAt, c.UpdatedAt = now, now
		if !c.Public() {
			c.Secrets = []broker.ClientSecret{{Hash: testSecret.Hash(), CreatedAt: now}}
		}
		must(t, db.CreateClient(t.Context(), c))
	}
	return w
}

// must ends a test that cannot go on.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// counted runs f and returns the statements that it caused.
func (w *world) counted(f func()) []store.Statement {
	w.mu.Lock()
	w.statements = nil
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]store.Statement(nil), w.statements...)
}

var testVerifier = oauth2.GenerateVerifier()

// request is an authorization request of client that is in order.
func request(client string) url.Values {
	return url.Values{
		"client_id": {client}, "redirect_uri": {testCallback}, "response_type": {"code"}, "scope": {"openid profile email offline_access api"},
		"state": {"s"}, "nonce": {"n-1"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(testVerifier)}, "code_challenge_method": {"S256"},
	}
}

// with returns a copy of form with parameters set; "" removes one.
func with(form url.Values, pairs ...string) url.Values {
	form, _ = url.ParseQuery(form.Encode())
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			form.Del(pairs[i])
		}
	}
	return form
}

func (w *world) parse(form url.Values) *Authorization {
	w.t.Helper()
	a, err := w.s.ParseAuthorization(w.t.Context(), form)
	if err != nil {
		w.t.Fatalf("ParseAuthorization(%v): %v", form, err)
	}
	return a
}

// respond approves a and returns the parameters of the redirect.
func (w *world) respond(a *Authorization, p Approval) url.Values {
	w.t.Helper()
	rec := httptest.NewRecorder()
	if err := w.s.Respond(w.t.Context(), rec, httptest.NewRequest(http.MethodGet, "/", nil), a, p); err != nil {
		w.t.Fatalf("Respond: %v", err)
	}
	return location(w.t, rec)
}

func (w *world) approval(a *Authorization) Approval {
	return Approval{User: w.user, Session: w.session, Scopes: a.Scopes}
}

// code goes from the request to the code.
func (w *world) code(form url.Values) string {
	w.t.Helper()
	a := w.parse(form)
	code := w.respond(a, w.approval(a)).Get("code")
	if code == "" {
		w.t.Fatal("no code")
	}
	return code
}

func location(t testing.TB, rec *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(rec.Header().Get("Location"))
	if err != nil || rec.Code != http.StatusSeeOther {
		t.Fatalf("status %d, location %q, %v", rec.Code, u, err)
	}
	if u.Fragment != "" {
		q, err := url.ParseQuery(u.EscapedFragment())
		must(t, err)
		return q
	}
	return u.Query()
}

// answer is a response of an endpoint for clients.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

// call sends a form as a client: basic for most, in the body for "post", by
// its id alone for "spa".
func (w *world) call(h http.HandlerFunc, client string, form url.Values) answer {
	form = with(form)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	switch client {
	case "":
	case "post":
		form.Set("client_id", client)
		form.Set("client_secret", testSecret.Reveal())
	case "spa":
		form.Set("client_id", client)
	default:
		r.SetBasicAuth(client, testSecret.Reveal())
	}
	return w.send(h, r, form.Encode())
}

func (w *world) send(h http.HandlerFunc, r *http.Request, body string) answer {
	next := httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(body)).WithContext(context.WithoutCancel(w.t.Context()))
	next.Header = r.Header.Clone()
	if next.Header.Get("Content-Type") == "" {
		next.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	rec := httptest.NewRecorder()
	h(rec, next)
	a := answer{status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
	_ = json.Unmarshal(a.body, &a.json)
	return a
}

// redeem exchanges a code.
func (w *world) redeem(client, code string, pairs ...string) answer {
	return w.call(w.s.ServeToken, client, with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {testCallback}, "code_verifier": {testVerifier},
	}, pairs...))
}

func (w *world) refresh(client, token string, pairs ...string) answer {
	return w.call(w.s.ServeToken, client, with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, pairs...))
}

// tokens goes from the request to the tokens.
func (w *world) tokens(client string, pairs ...string) answer {
	w.t.Helper()
	a := w.redeem(client, w.code(with(request(client), pairs...)))
	if a.status != http.StatusOK {
		w.t.Fatalf("token endpoint: %d %s", a.status, a.body)
	}
	return a
}

// userInfo asks with an access token.
func (w *world) userInfo(token string) answer {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return w.send(w.s.ServeUserInfo, r, "")
}

// grant reads the one grant that the access token names.
func (w *world) grant(access string) broker.Grant {
	w.t.Helper()
	t, ok := w.s.mint.readAccess(access)
	if !ok {
		w.t.Fatalf("%q is no access token", access)
	}
	g, err := w.db.Grant(w.t.Context(), t.Grant)
	must(w.t, err)
	return g
}

// wantError checks an error response of RFC 6749, section 5.2.
func wantError(t testing.TB, what string, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.str("error") != code {
		t.Errorf("%s: %d %s, want %d %s", what, a.status, a.body, status, code)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: Cache-Control %q", what, a.header.Get("Cache-Control"))
	}
	for _, c := range []byte(a.str("error_description")) {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			t.Errorf("%s: %q in the description %q", what, c, a.str("error_description"))
		}
	}
}
