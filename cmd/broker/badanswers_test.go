package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/i18n"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// badAnswer is something that a provider must not answer, or a callback that is
// none of its answers.
type badAnswer struct {
	name     string
	kind     string // what the person is told, and what it is counted as
	lie      string // of providertest.Lies
	endpoint string // where failure happens; "" nowhere
	failure  providertest.Failure
	callback func(u *url.URL) // changes the way back
	rules    map[string]any   // further settings of the provider
	early    bool             // shows before the person is sent there
	late     bool             // takes seconds
}

const (
	upstream, unavailable, misconfigured = "provider.upstream", "provider.unavailable", "provider.misconfigured"
)

// earlyLies show in the discovery document.
var earlyLies = map[string]string{
	"issuer other": misconfigured, "issuer with slash": misconfigured, "issuer missing": misconfigured, "issuer twice": upstream, "token endpoint on file": upstream,
	"no token endpoint": upstream, "no keys": upstream, "only HS256": upstream, "token endpoint number": upstream, "unknown auth methods": misconfigured,
}

func with(name, value string) func(*url.URL) {
	return func(u *url.URL) {
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
	}
}

func failed(code string) func(*url.URL) {
	return func(u *url.URL) { with("code", "")(u); with("error", code)(u) }
}

// badAnswers is everything: signed wrongly, contradictory, of another issuer, huge,
// malformed, late, errors in the query and in a body with status 200.
func badAnswers() []badAnswer {
	all := []badAnswer{
		{name: "declined", kind: "provider.denied", callback: failed("access_denied")},
		{name: "down, in the query", kind: unavailable, callback: failed("server_error")},
		{name: "misconfigured, in the query", kind: misconfigured, callback: failed("unauthorized_client")},
		{name: "unheard of, in the query", kind: upstream, callback: failed("<script>")},
		{name: "wants a new start", kind: "provider.restart", callback: failed("login_required")},
		{name: "iss of another", kind: upstream, callback: with("iss", "https://evil.example")},
		{name: "no iss though promised", kind: upstream, callback: with("iss", "")},
		{name: "error of another issuer", kind: upstream, callback: func(u *url.URL) { failed("access_denied")(u); with("iss", "https://evil.example")(u) }},
		{name: "neither code nor error", kind: "attempt.incomplete", callback: with("code", "")},
		{name: "nothing at all", kind: "attempt.incomplete", callback: func(u *url.URL) { u.RawQuery = "" }},
		{name: "code twice", kind: "provider.incomplete", callback: func(u *url.URL) { u.RawQuery += "&code=another" }},
		{name: "endless", kind: "provider.incomplete", callback: func(u *url.URL) { u.RawQuery += "&code_x=" + strings.Repeat("x", 9000) }},
		{name: "state of nobody", kind: "attempt.unknown", callback: with("state", "of-nobody")},
		{name: "code made up", kind: "provider.restart", callback: with("code", "guessed")},
		{name: "denied by a claim", kind: "provider.not_allowed", rules: map[string]any{"allowed_claims": map[string]any{"groups": []string{"staff"}}}},
		{name: "denied by domain", kind: "provider.not_allowed", rules: map[string]any{"allowed_domains": []string{"example.org"}}},
	}
	for _, lie := range providertest.Lies() {
		kind, early := earlyLies[lie]
		if !early {
			kind = upstream
		}
		all = append(all, badAnswer{name: "lie: " + lie, kind: kind, lie: lie, early: early})
	}
	for _, f := range []struct {
		name, kind string
		failure    providertest.Failure
	}{
		{"500", unavailable, providertest.Failure{Status: 500, Body: "{}"}},
		{"429", unavailable, providertest.Failure{Status: 429, Body: "{}"}},
		{"reset", unavailable, providertest.Failure{Reset: true}},
		{"huge", upstream, providertest.Failure{Huge: true}},
		{"a page", upstream, providertest.Failure{HTML: true}},
		{"truncated", upstream, providertest.Failure{Truncate: true}},
		{"empty", upstream, providertest.Failure{Body: " "}},
		{"deep", upstream, providertest.Failure{Body: strings.Repeat("[", 10000)}},
		{"an error with status 200", upstream, providertest.Failure{Status: 200, Body: `{"error":"something_new","error_description":"<b>"}`}},
		{"late", unavailable, providertest.Failure{Delay: 12 * time.Second}},
	} {
		for _, endpoint := range []string{providertest.Discovery, providertest.JWKS, providertest.Token, providertest.UserInfo} {
			b := badAnswer{name: endpoint + ": " + f.name, kind: f.kind, endpoint: endpoint, failure: f.failure, early: endpoint == providertest.Discovery, late: f.name == "late"}
			if f.name == "an error with status 200" && endpoint == providertest.Discovery {
				b.kind = misconfigured // another issuer than the configured: none
			}
			all = append(all, b)
		}
	}
	return all
}

// TestBadAnswersOfProviders: each ends on a page that says what happened and what
// to do, is counted by provider and kind, and leaves no row behind: no session, no
// token, no account, no identity.
func TestBadAnswersOfProviders(t *testing.T) {
	texts, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		t.Parallel() // the late ones wait
		w := newUnlucky(t, dsn, texts)
		raw := storetest.Raw(t, dsn)
		// What tells that the broker lives, and what waits to be ended at providers.
		rows := func() string { return storetest.Rows(t, raw, "heartbeats", "outbox") }
		for i, bad := range w.bad {
			for _, j := range w.journeys(i) {
				if !bad.late {
					w.take(j, rows)
				}
			}
		}
		var late sync.WaitGroup
		for i, bad := range w.bad {
			for _, j := range w.journeys(i) {
				if bad.late {
					late.Go(func() { w.take(j, nil) })
				}
			}
		}
		late.Wait()
		w.counted()
		w.r.stop()
		if log := w.r.err.String(); strings.Contains(log, "panic") {
			t.Errorf("a panic:\n%s", log)
		}
	})
}

// unlucky is a broker with two providers for every bad answer, one to sign in with
// and one to link, so that nothing of one answer is remembered at the next.
type unlucky struct {
	t     *testing.T
	texts *i18n.Catalogs
	r     *running
	op    *providertest.OpenID
	bad   []badAnswer
	slow  map[string]*providertest.OpenID // by provider; fakes whose answers are late
	ada   *http.Client                    // signed in
}

// journey is one bad answer on one way.
type journey struct {
	bad  badAnswer
	id   string // of the provider
	link bool
}

func (w *unlucky) journeys(i int) []journey {
	return []journey{{w.bad[i], fmt.Sprint("in", i), false}, {w.bad[i], fmt.Sprint("link", i), true}}
}

func (w *unlucky) fake(id string) *providertest.OpenID {
	if op := w.slow[id]; op != nil {
		return op
	}
	return w.op
}

func newUnlucky(t *testing.T, dsn string, texts *i18n.Catalogs) *unlucky {
	t.Helper()
	quick := providertest.OpenIDOptions{Alg: "ES256"}
	w := &unlucky{t: t, texts: texts, bad: badAnswers(), op: providertest.NewOpenID(t, quick), slow: map[string]*providertest.OpenID{}}
	var configured []map[string]any
	add := func(id string, rules map[string]any) {
		p := map[string]any{"id": id, "kind": "oidc", "title": "Campus", "issuer": w.fake(id).Issuer, "client_id": "broker", "client_secret": "a secret"}
		for k, v := range rules {
			p[k] = v
		}
		configured = append(configured, p)
	}
	add("good", nil)
	for i, bad := range w.bad {
		for _, j := range w.journeys(i) {
			if bad.late {
				w.slow[j.id] = providertest.NewOpenID(t, quick)
			}
			add(j.id, bad.rules)
		}
	}
	o := newOperator(t).set("BROKER_DATABASE__DSN="+dsn, "BROKER_DATABASE__MIGRATE=always", "BROKER_SECRETS__KEYRING_FILE=broker.key")
	config, err := json.Marshal(map[string]any{"providers": configured}) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "broker.yaml"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	o.run("keys", "keyring", "--file", "broker.key")
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	o.identify(dsn, ada.ID, w.op.Issuer)
	w.r = o.serve()
	redirects := map[*providertest.OpenID][]string{}
	for _, p := range configured {
		id := p["id"].(string)
		redirects[w.fake(id)] = append(redirects[w.fake(id)], w.r.base+"/oauth/authorized/"+id+"/")
	}
	for op, uris := range redirects {
		op.AddClient(providertest.Client{ID: "broker", Secret: "a secret", RedirectURIs: uris})
		op.AddPerson(providertest.Person{Subject: "ada", Name: "Ada"})
		op.AddPerson(providertest.Person{Subject: "eve", Name: "Eve", Email: "eve@evil.example", EmailVerified: true})
	}
	w.ada = w.browser()
	if status, _, to := w.ask(w.ada, "GET", w.walk(w.ada, journey{id: "good"}, "ada")); status != http.StatusSeeOther || to != "/" {
		t.Fatalf("Ada cannot sign in: %d %s", status, to)
	}
	return w
}

// identify ties ada at the provider "good" to a user.
func (o *operator) identify(dsn string, user broker.UserID, issuer string) {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "broker.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	keys, err := store.ParseKeyring(text)
	if err != nil {
		o.t.Fatal(err)
	}
	db := storetest.Open(o.t, dsn, storetest.Keys(keys))
	if err := db.CreateIdentity(o.t.Context(), broker.UserIdentity{ID: "i", UserID: user, Provider: "good", Issuer: issuer, Subject: "ada", CreatedAt: time.Now()}); err != nil {
		o.t.Fatal(err)
	}
}

func (w *unlucky) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask makes a request and returns where it leads.
func (w *unlucky) ask(c *http.Client, method, address string) (status int, body, to string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header.Get("Location")
}

// walk begins a journey and goes to the provider and up to the way back.
func (w *unlucky) walk(c *http.Client, j journey, subject string) string {
	w.t.Helper()
	status, body, to := w.start(c, j)
	if status != http.StatusSeeOther || !strings.HasPrefix(to, w.fake(j.id).URL) {
		w.t.Fatalf("%s at %s: the journey does not begin: %d %s\n%s", j.bad.name, j.id, status, to, body)
	}
	back := w.fake(j.id).Walk(w.t, to, subject)
	if j.bad.callback != nil {
		j.bad.callback(back)
	}
	return back.String()
}

func (w *unlucky) start(c *http.Client, j journey) (status int, body, to string) {
	w.t.Helper()
	method := http.MethodGet
	if j.link {
		method = http.MethodPost
	}
	return w.ask(c, method, w.r.base+"/oauth/login/"+j.id+"/")
}

// take makes the journey and looks at its end. rows nil: others are under way.
func (w *unlucky) take(j journey, rows func() string) {
	t, op := w.t, w.fake(j.id)
	t.Helper()
	c := w.ada
	if !j.link {
		c = w.browser()
		w.ask(c, http.MethodGet, w.r.base+"/login/")
	}
	misbehave := func() {
		op.Switch(func(s *providertest.Switches) { s.Lie = j.bad.lie })
		if j.bad.endpoint != "" {
			op.Fail(j.bad.endpoint, j.bad.failure, j.bad.failure)
		}
	}
	var back, before string
	if !j.bad.early {
		back = w.walk(c, j, "eve")
	}
	if rows != nil {
		before = rows()
	}
	misbehave()
	var status int
	var body, to string
	if j.bad.early {
		status, body, to = w.start(c, j)
	} else {
		status, body, to = w.ask(c, http.MethodGet, back)
	}
	op.Switch(func(s *providertest.Switches) { s.Lie = "" })
	op.Heal()
	name := fmt.Sprintf("%s (%s)", j.bad.name, j.id)
	said := html.UnescapeString(body)
	told := slices.ContainsFunc([]string{"", ".slow", ".broken", ".domains"}, func(why string) bool { // as it is, or narrower
		return strings.Contains(said, w.texts.Text("en", j.bad.kind+why, map[string]string{"provider": "Campus"}))
	})
	switch {
	case status < 400 || status == http.StatusInternalServerError || to != "":
		t.Errorf("%s: status %d, leads to %q", name, status, to)
	case !told:
		t.Errorf("%s: the page does not say %s:\n%s", name, j.bad.kind, said)
	case !strings.Contains(body, `href="/`):
		t.Errorf("%s: there is no way on", name)
	}
	if rows != nil {
		if after := rows(); after != before {
			t.Errorf("%s: rows\n%s\nbecame\n%s", name, before, after)
		}
	}
	if status, _, to := w.ask(c, http.MethodGet, w.r.base+"/account/settings/profile/"); (status == http.StatusOK) != j.link {
		t.Errorf("%s: who is signed in has changed: %d %s", name, status, to)
	}
}

// counted holds the metrics against what has happened: each journey once, under
// its provider and kind, and nothing else.
func (w *unlucky) counted() {
	t := w.t
	t.Helper()
	_, metrics := get(t, w.r.admin+"/metrics")
	const name = "broker_provider_refusals_total"
	want := 0
	for i := range w.bad {
		for _, j := range w.journeys(i) {
			line := name + labels("provider", j.id, "kind", j.bad.kind) + " 1\n"
			if want++; !strings.Contains(metrics, line) {
				t.Errorf("%s: no %s", j.bad.name, line)
			}
		}
	}
	if n := strings.Count(metrics, name+"{"); n != want {
		t.Errorf("%d series of %s, want %d", n, name, want)
	}
}
