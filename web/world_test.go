package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/i18n"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// world is a whole broker over HTTP with a real database, a fake remote app,
// and what it logs and mails.
type world struct {
	hashes   atomic.Int64 // of passwords
	t        testing.TB
	db       database
	op       *providertest.OpenID // configured as "demo", and as "other"
	url      string
	server   *Server
	accounts *local.Accounts
	apps     linking.Apps
	tokens   *tokens.Service
	log      *logBuffer
	setUp    sync.Map // secret of an app: the code that set it up
}

// logBuffer is a log that several goroutines may write.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// signingKeys are made once: RSA keys take their time.
var signingKeys struct {
	sync.Mutex
	keys []broker.Key
}

func newWorld(t testing.TB, edit ...func(*Options)) *world {
	t.Helper()
	return newWorldWith(t, tokens.Options{}, edit...)
}

// newWorldWith is newWorld with options for tokens.
func newWorldWith(t testing.TB, to tokens.Options, edit ...func(*Options)) *world {
	t.Helper()
	return worldOn(t, storetest.New(t), to, edit...)
}

// worldOn is newWorldWith on a migrated database.
func worldOn(t testing.TB, db *store.DB, to tokens.Options, edit ...func(*Options)) *world {
	t.Helper()
	return crowdedWorld(t, db, to, nil, edit...)
}

// crowdedWorld is worldOn with further providers, all at the fake.
func crowdedWorld(t testing.TB, db *store.DB, to tokens.Options, more []providers.App, edit ...func(*Options)) *world {
	t.Helper()
	return worldOf(t, db, to, more, func(string, *providers.App) {}, edit...)
}

// worldOf is crowdedWorld with other settings of the remote apps, which may need to
// know where the broker is.
func worldOf(t testing.TB, db *store.DB, to tokens.Options, more []providers.App, app func(url string, a *providers.App), edit ...func(*Options)) *world {
	t.Helper()
	return worldAt(t, "127.0.0.1", db, to, more, app, edit...)
}

// worldAt is worldOf whose base URL has another host that is this machine.
func worldAt(t testing.TB, host string, db *store.DB, to tokens.Options, more []providers.App, app func(url string, a *providers.App), edit ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, db: databaseOf(t, db), log: &logBuffer{}}
	w.op = providertest.NewOpenID(t, providertest.OpenIDOptions{})
	var handler http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(srv.Close)
	w.url = strings.Replace(srv.URL, "127.0.0.1", host, 1)
	apps := []providers.App{
		{ID: "demo", Kind: "oidc", Title: "Demo", Issuer: w.op.Issuer, ClientID: "broker", ClientSecret: "secret"},
		{ID: "other", Kind: "oidc", Title: "Other", Issuer: w.op.Issuer, ClientID: "broker", ClientSecret: "secret"},
		{ID: "gone", Kind: "oidc", Title: "Gone", Issuer: w.op.Issuer, ClientID: "broker", ClientSecret: "secret", Hidden: true},
	}
	for i := range apps {
		app(w.url, &apps[i])
	}
	w.op.AddClient(providertest.Client{ID: "broker", Secret: "secret", RedirectURIs: []string{
		w.url + "/oauth/signed-out/demo/", w.url + "/oauth/signed-out/other/",
		w.url + "/oauth/authorized/demo/", w.url + "/oauth/authorized/other/",
	}})
	for _, app := range more {
		app.Kind, app.Issuer, app.ClientID, app.ClientSecret = "oidc", w.op.Issuer, app.ID, "secret"
		apps = append(apps, app)
		w.op.AddClient(providertest.Client{ID: app.ID, Secret: "secret", RedirectURIs: []string{w.url + "/oauth/authorized/" + app.ID + "/"}})
	}
	for _, p := range []providertest.Person{
		{Subject: "ada", Username: "ada", Name: "Ada Lovelace", Email: "ada@example.org", EmailVerified: true},
		{Subject: "bob", Username: "bob", Name: "Bob"},
	} {
		w.op.AddPerson(p)
	}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	reg, err := providers.New(providers.Options{Apps: apps, BaseURL: w.url, Log: log, AllowPrivate: true})
	must(t, err)
	to.Issuer, to.Secret, to.Log = w.url, sha256.Sum256([]byte("test")), log
	w.apps = reg
	w.tokens, err = tokens.New(w.db, to)
	must(t, err)
	linker := linking.New(w.db, reg, linking.Options{Issuer: w.url, Log: log, EndGrants: w.tokens.EndGrants, Passkeys: local.PasskeysAt(w.url)})
	w.accounts = local.New(w.db, linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, Log: log, EndGrants: w.tokens.EndGrants,
		OnHash: func() { w.hashes.Add(1) },
	})
	w.keys()
	cat, err := i18n.New()
	must(t, err)
	o := Options{BaseURL: w.url, Log: log}
	for _, f := range edit {
		f(&o)
	}
	w.server, err = New(w.db, linker, w.accounts, w.tokens, cat, o)
	must(t, err)
	watch(t, w.server)
	handler = w.server
	return w
}

func (w *world) keys() {
	signingKeys.Lock()
	defer signingKeys.Unlock()
	for _, k := range signingKeys.keys {
		must(w.t, w.db.CreateKey(w.t.Context(), k))
	}
	must(w.t, w.tokens.EnsureKeys(w.t.Context()))
	keys, err := w.db.Keys(w.t.Context())
	must(w.t, err)
	signingKeys.keys = keys
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const password = "correct horse battery"

// user makes an account with a password.
func (w *world) user(name string) broker.User {
	w.t.Helper()
	u, err := w.accounts.Create(w.t.Context(), local.NewUser{Email: name + "@example.org", Name: name, Username: name, Password: password})
	must(w.t, err)
	return u
}

const callbackURL = "https://app.example/cb"

// client registers an application; edit may change it.
func (w *world) client(edit ...func(*broker.Client)) broker.Client {
	w.t.Helper()
	c := broker.Client{
		ID: "app", Name: "The App", AuthMethod: broker.AuthNone, RedirectURIs: []string{callbackURL},
		PostLogoutRedirectURIs: []string{"https://app.example/bye"},
		GrantTypes:             []string{broker.GrantCode, broker.GrantRefresh}, Scopes: []string{"openid", "profile", "email", "offline_access"},
		ClientURI: "https://app.example/", CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
	for _, f := range edit {
		f(&c)
	}
	must(w.t, w.db.CreateClient(w.t.Context(), c))
	return c
}

const verifier = "0123456789012345678901234567890123456789012345678901234567890123"

// authorize is the address of an authorization request; further are names and
// values in turn.
func authorize(further ...string) string {
	challenge := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {"app"}, "redirect_uri": {callbackURL}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(further); i += 2 {
		q.Set(further[i], further[i+1])
	}
	return "/oauth2/authorize?" + q.Encode()
}

// mails returns the mails that wait, and takes them.
func (w *world) mails() []broker.Mail {
	w.t.Helper()
	resets, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxReset)
	must(w.t, err)
	for _, e := range resets { // they become mails
		must(w.t, w.accounts.DeliverReset(w.t.Context(), e.Payload))
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	emails, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxEmail)
	must(w.t, err)
	for _, e := range emails { // as do they
		must(w.t, w.accounts.DeliverEmail(w.t.Context(), e.Payload))
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	signIns, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxSignIn)
	must(w.t, err)
	for _, e := range signIns {
		must(w.t, w.accounts.DeliverSignIn(w.t.Context(), e.Payload))
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	codes, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxCode)
	must(w.t, err)
	for _, e := range codes { // and so do they
		must(w.t, w.accounts.DeliverCode(w.t.Context(), e.Payload))
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	entries, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute)
	must(w.t, err)
	var all []broker.Mail
	for _, e := range entries {
		var m broker.Mail
		must(w.t, json.Unmarshal(e.Payload, &m))
		all = append(all, m)
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	return all
}

// mailedLink is the path that the one mail which waits leads to.
func (w *world) mailedLink(template string) string {
	w.t.Helper()
	for _, m := range w.mails() {
		if m.Template == template {
			return strings.TrimPrefix(m.Data["link"], w.url)
		}
	}
	w.t.Fatalf("no mail %q", template)
	return ""
}

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	w *world
	c *http.Client

	agent string // User-Agent; "" Go's
	ip    string // X-Forwarded-For; "" none
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{w: w, c: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what the broker answered.
type answer struct {
	t        testing.TB
	status   int
	location string // path of ours, or a URL elsewhere
	body     string
	header   http.Header
	cookies  []*http.Cookie
}

func (b *browser) do(r *http.Request) answer {
	b.w.t.Helper()
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	if b.ip != "" {
		r.Header.Set("X-Forwarded-For", b.ip)
	}
	resp, err := b.c.Do(r)
	must(b.w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(b.w.t, err)
	return answer{b.w.t, resp.StatusCode, strings.TrimPrefix(resp.Header.Get("Location"), b.w.url), string(body), resp.Header, resp.Cookies()}
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.url+path, body)
	must(b.w.t, err)
	return r
}

func (b *browser) get(path string) answer {
	b.w.t.Helper()
	return b.do(b.request("GET", path, nil))
}

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Add(pairs[i], pairs[i+1])
	}
	return f
}

func (b *browser) post(path string, pairs ...string) answer {
	b.w.t.Helper()
	r := b.request("POST", path, strings.NewReader(form(pairs...).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// follow goes on while the answer redirects to a page of ours.
func (b *browser) follow(a answer) (answer, string) {
	b.w.t.Helper()
	at := ""
	for i := 0; a.status/100 == 3 && strings.HasPrefix(a.location, "/"); i++ {
		if i == 10 {
			b.w.t.Fatalf("redirects without end: %s", a.location)
		}
		at = a.location
		a = b.get(a.location)
	}
	return a, at
}

// want fails the test where the answer has another status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d; location %q\n%s", a.status, status, a.location, text(a.body))
	}
	return a
}

// to fails the test where the answer does not redirect to something that begins
// with prefix.
func (a answer) to(prefix string) answer {
	a.t.Helper()
	a.want(http.StatusSeeOther)
	if !strings.HasPrefix(a.location, prefix) {
		a.t.Fatalf("redirected to %q, want %q", a.location, prefix)
	}
	return a
}

// says fails the test where the page does not say something.
func (a answer) says(words string) answer {
	a.t.Helper()
	if !strings.Contains(text(a.body), words) {
		a.t.Fatalf("the page does not say %q:\n%s", words, text(a.body))
	}
	return a
}

var tags = regexp.MustCompile(`(?s)<(style|svg).*?</(style|svg)>|<[^>]*>`)
var spaces = regexp.MustCompile(`\s+`)

// text is a page without its markup.
func text(body string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(tags.ReplaceAllString(body, " "), " "))
}

// param is a parameter of the address that the answer redirects to.
func (a answer) param(name string) string {
	a.t.Helper()
	u, err := url.Parse(a.location)
	must(a.t, err)
	return u.Query().Get(name)
}

// cookie is the value of one of our cookies in the jar; "" none.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.w.url)
	for _, c := range b.c.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// setCookie plants a cookie.
func (b *browser) setCookie(name, value string) {
	u, _ := url.Parse(b.w.url)
	b.c.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// signIn signs a user of world.user in.
func (b *browser) signIn(name string) {
	b.w.t.Helper()
	b.post("/login/", "email", name+"@example.org", "password", password).to("/")
}

// walk goes from an answer that leads to the provider through it and returns what
// the callback answers.
func (b *browser) walk(a answer, subject string) answer {
	b.w.t.Helper()
	a.to(b.w.op.URL)
	return b.callback(b.w.op.Walk(b.w.t, a.location, subject))
}

func (b *browser) callback(u *url.URL) answer {
	b.w.t.Helper()
	return b.get(u.Path + "?" + u.RawQuery)
}

// member is a browser that an identity of the fake has signed up in.
func (w *world) member(subject string) *browser {
	w.t.Helper()
	b := w.browser()
	a := b.walk(b.get("/oauth/login/demo/"), subject).to("/oauth/signup/demo/")
	b.post("/signup/", "login", a.param("login"), "name", subject, "email", subject+"@example.org").to("/sent/")
	link := w.mailedLink("sign-up")
	u, err := url.Parse(link)
	must(w.t, err)
	b.post("/verify-email/", "token", u.Query().Get("token")).to("/")
	return b
}

// session is the row of the browser's session.
func (b *browser) session() (broker.Session, error) {
	return b.w.db.Session(context.Background(), broker.Secret(b.cookie(sessionCookie)).Hash())
}

// age moves the sign-in of the browser's session into the past.
func (b *browser) age(d time.Duration) {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	row.AuthTime = row.AuthTime.Add(-d)
	must(b.w.t, b.w.db.SaveSession(b.w.t.Context(), row))
}

// fuzzWorld is a world for a fuzz target.
func fuzzWorld(f *testing.F) *world { return newWorld(f) }

// raw sends a request whose query need not be well-formed.
func (w *world) raw(method, path, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, w.url+path, nil)
	r.URL.RawQuery, r.RequestURI = query, path+"?"+query
	r.Host = strings.TrimPrefix(w.url, "http://")
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, r)
	return rec
}
