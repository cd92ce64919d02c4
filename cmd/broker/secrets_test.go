package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// campus is an operator's provider, and ada, who has linked an identity there.
func campus(t *testing.T, o *operator, dsn string) (*operator, *providertest.OpenID) {
	t.Helper()
	op := providertest.NewOpenID(t, providertest.OpenIDOptions{Lifetime: 2 * time.Second})
	op.AddPerson(providertest.Person{Subject: "1815", Username: "ada"})
	o = o.set("BROKER_PROVIDERS__CAMPUS__KIND=oidc", "BROKER_PROVIDERS__CAMPUS__ISSUER="+op.Issuer,
		"BROKER_PROVIDERS__CAMPUS__CLIENT_ID=broker", "BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=right-secret")
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	db := o.openAt(dsn)
	defer db.Close() //nolint:errcheck // what counts was written
	if err := db.CreateIdentity(t.Context(), broker.UserIdentity{ID: "i", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	return o, op
}

// openAt opens a database with the operator's keyring.
func (o *operator) openAt(dsn string) *store.DB {
	o.t.Helper()
	db, err := store.Open(o.t.Context(), store.Options{DSN: dsn, Keys: o.readRing()})
	if err != nil {
		o.t.Fatal(err)
	}
	return db
}

func (o *operator) readRing() store.Keyring {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "broker.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	ring, err := store.ParseKeyring(text)
	if err != nil {
		o.t.Fatal(err)
	}
	return ring
}

// signIn signs ada in at a running broker by way of the provider, and looks at a
// page that only she can see.
func (r *running) signIn(op *providertest.OpenID) bool {
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: startTime, Transport: &http.Transport{DisableKeepAlives: true}}
	step := func(method, address string, want int) *url.URL {
		req, err := http.NewRequest(method, address, nil)
		if err != nil {
			r.t.Error(err)
			return nil
		}
		req.Header.Set("Origin", r.base)
		res, err := browser.Do(req)
		if err != nil {
			r.t.Error(err)
			return nil
		}
		res.Body.Close()
		if res.StatusCode != want {
			r.t.Errorf("%s %s: %s, want %d", method, strings.SplitN(address, "?", 2)[0], res.Status, want)
			return nil
		}
		to, _ := res.Location()
		return to
	}
	out := step(http.MethodGet, r.base+"/oauth/login/campus/", http.StatusSeeOther)
	if out == nil {
		return false
	}
	back, err := op.TryWalk(out.String(), "1815")
	if err != nil {
		r.t.Error(err)
		return false
	}
	if step(http.MethodGet, back.String(), http.StatusSeeOther) != nil {
		step(http.MethodGet, r.base+"/account/settings/linkedaccounts/", http.StatusOK)
	}
	return !r.t.Failed()
}

// TestSecretsRotateUnderLoad: two replicas serve sign-ins, and tokens of the
// provider are refreshed, while the key is changed twice. Nothing fails, no token
// of ours ends, and nothing is left under an old key.
func TestSecretsRotateUnderLoad(t *testing.T) {
	for name, dsn := range map[string]func(*operator) string{
		"sqlite":   func(o *operator) string { return "sqlite:" + filepath.Join(o.dir, "broker.db") },
		"postgres": func(o *operator) string { return storetest.EmptyPostgres(o.t) },
	} {
		t.Run(name, func(t *testing.T) {
			bare := newOperator(t)
			bare.run("keys", "keyring", "--file", "broker.key")
			at := dsn(bare)
			o := bare.set("BROKER_DATABASE__DSN="+at, "BROKER_DATABASE__MIGRATE=always")
			o, op := campus(t, o, at)
			replicas := []*running{o.serve()}
			if name == "postgres" { // SQLite has one
				replicas = append(replicas, o.serve())
			}
			var redirects []string
			for _, r := range replicas {
				redirects = append(redirects, r.base+"/oauth/authorized/campus/")
			}
			op.AddClient(providertest.Client{ID: "broker", Secret: "right-secret", RedirectURIs: redirects})
			var app clientView
			o.read(&app, "clients", "create", "Machine", "--grant", "client_credentials", "--auth", "post")
			token := replicas[0].machineToken(app)

			stop, signIns, refreshes := make(chan struct{}), atomic.Int32{}, atomic.Int32{}
			var load sync.WaitGroup
			for _, r := range replicas {
				load.Go(func() {
					for open(stop) && r.signIn(op) {
						signIns.Add(1)
						time.Sleep(20 * time.Millisecond)
					}
				})
			}
			load.Go(func() {
				for open(stop) {
					time.Sleep(20 * time.Millisecond)
					if signIns.Load() > 0 {
						if _, line, code := o.try("", "users", "tokens", "refresh", "ada@example.org", "campus"); code != 0 {
							t.Errorf("refresh: %s", line)
							return
						}
						refreshes.Add(1)
					}
				}
			})
			first := o.readRing()
			for round := range 2 {
				var v ringView
				o.read(&v, "secrets", "rotate")
				if len(v.Keys) != round+2 || v.Keys[0].Role != roleSeals || v.behind() != 0 || v.Resealed == 0 || len(v.Replicas) != len(replicas) {
					t.Errorf("round %d: %+v", round, v)
				}
			}
			close(stop)
			load.Wait()
			if signIns.Load() < 4 || refreshes.Load() < 2 {
				t.Errorf("%d sign-ins, %d refreshes: no load", signIns.Load(), refreshes.Load())
			}
			t.Logf("%d sign-ins, %d refreshes", signIns.Load(), refreshes.Load())
			if m := mode(t, filepath.Join(o.dir, "broker.key")); m != 0o600 {
				t.Errorf("the keyring has mode %o", m)
			}
			for _, r := range replicas {
				if !r.introspects(app, token) || !r.introspects(app, replicas[0].machineToken(app)) {
					t.Error("a token of ours has ended")
				}
			}
			o.wantDroppable(first)
			for _, r := range replicas {
				r.signIn(op)
				r.stop()
				if log := r.err.String(); strings.Contains(log, `"level":"ERROR"`) {
					t.Errorf("errors:\n%s", log)
				}
			}
		})
	}
}

func open(stop chan struct{}) bool {
	select {
	case <-stop:
		return false
	default:
		return true
	}
}

// wantDroppable drops the key in the middle of a ring of three, and no other.
func (o *operator) wantDroppable(first store.Keyring) {
	o.t.Helper()
	ids := o.readRing().IDs()
	if len(ids) != 3 || ids[2] != first.IDs()[0] {
		o.t.Fatalf("keys %v", ids)
	}
	for _, args := range [][]string{{"secrets", "drop", ids[0], "--yes"}, {"secrets", "drop", ids[2], "--yes"}, {"secrets", "drop", "none", "--yes"}, {"secrets", "drop", ids[1]}} {
		o.refuses(args...)
	}
	if text := o.run("secrets", "status"); !strings.Contains(text, "broker secrets drop "+ids[1]) {
		o.t.Error(text)
	}
	o.run("secrets", "drop", ids[1], "--yes")
	if left := o.readRing().IDs(); len(left) != 2 || left[0] != ids[0] || left[1] != ids[2] {
		o.t.Errorf("left: %v", left)
	}
}

func (r *running) form(path string, values url.Values) (int, string) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, strings.NewReader(values.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(res.Body)
	return res.StatusCode, b.String()
}

// machineToken is an access token of an application of its own.
func (r *running) machineToken(app clientView) string {
	r.t.Helper()
	status, body := r.form("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {app.ID}, "client_secret": {app.Secret}})
	_, rest, _ := strings.Cut(body, `"access_token":"`)
	token, _, ok := strings.Cut(rest, `"`)
	if status != 200 || !ok {
		r.t.Fatalf("token: %d %s", status, body)
	}
	return token
}

func (r *running) introspects(app clientView, token string) bool {
	_, body := r.form("/oauth2/introspect", url.Values{"token": {token}, "client_id": {app.ID}, "client_secret": {app.Secret}})
	return strings.Contains(body, `"active":true`)
}
