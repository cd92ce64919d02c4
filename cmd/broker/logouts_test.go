package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"idbroker/broker"
	"idbroker/store"
)

// hearer is an application that hears of sign-outs, and takes the tokens with a
// library that is not ours.
type hearer struct {
	*httptest.Server
	mu     sync.Mutex
	tokens []string
	status int
}

func newHearer(t *testing.T) *hearer {
	h := &hearer{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tokens = append(h.tokens, form.Get("logout_token"))
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hearer) answers(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *hearer) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tokens
}

// grant writes what an application got, as if somebody had signed in there.
func (o *operator) grant(client string, user broker.UserID, sid string) broker.GrantID {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "broker.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	ring, err := store.ParseKeyring(text)
	if err != nil {
		o.t.Fatal(err)
	}
	db, err := store.Open(o.t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(o.dir, "broker.db"), Keys: ring})
	if err != nil {
		o.t.Fatal(err)
	}
	defer db.Close()
	at := time.Now()
	g := broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: client, UserID: user, SID: sid, Scopes: []string{"openid"}, ExpiresAt: at.Add(time.Hour), CreatedAt: at}
	if err := db.CreateGrant(o.t.Context(), g); err != nil {
		o.t.Fatal(err)
	}
	return g.ID
}

// TestLogouts follows word of a sign-out from an operator's command through the
// outbox of a running broker: refused, listed, sent again, taken.
func TestLogouts(t *testing.T) {
	o, h := newOperator(t), newHearer(t)
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	var made clientView
	o.read(&made, "clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.org/cb", "--backchannel-logout-uri", h.URL+"/out")
	if made.Backchannel != h.URL+"/out" {
		t.Fatalf("%+v", made)
	}
	o.grant("wiki", ada.ID, "s1")
	r := o.serve()
	h.answers(http.StatusBadRequest)
	o.run("users", "disable", "ada@example.org")
	var list []logoutEntry
	r.await("the notice that is given up", func() bool {
		o.read(&list, "logouts", "list")
		return len(list) == 1
	})
	l := list[0]
	if l.State != "given up" || l.Client != "wiki" || l.URI != h.URL+"/out" || l.User != string(ada.ID) || l.Attempts != 1 || !strings.Contains(l.Error, "400") {
		t.Errorf("%+v", l)
	}
	table := o.run("logouts", "list")
	if !strings.Contains(table, "given up") || !strings.Contains(table, l.ID) || strings.Contains(table, h.heard()[0]) {
		t.Error(table)
	}
	for _, args := range [][]string{{}, {"none"}, {"--all", l.ID}, {l.ID, "none"}, {"--all", "--client", "wiki"}} {
		o.refuses(append([]string{"logouts", "retry"}, args...)...)
	}
	o.refuses("logouts", "list", "--limit", "0")
	if out := o.run("logouts", "retry", "--client", "other"); !strings.Contains(out, ": 0") {
		t.Error(out)
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, "broker_outbox_given_up{kind=\"logout\"} 1\n") || !strings.Contains(body, "broker_outbox_given_up{kind=\"mail\"} 0\n") {
		t.Error("what was given up is not in the metrics")
	}
	h.answers(http.StatusOK)
	if out := o.run("logouts", "retry", "--client", "wiki"); !strings.Contains(out, ": 1") {
		t.Error(out)
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, "broker_outbox_given_up{kind=\"logout\"} 0\n") {
		t.Error("what is tried again still counts as given up")
	}
	r.await("the notice", func() bool { return len(h.heard()) == 2 })
	r.await("its count", func() bool {
		_, body := get(t, r.admin+"/metrics")
		return strings.Contains(body, `broker_outbox_entries_total{kind="logout",outcome="done"} 1`) &&
			strings.Contains(body, `broker_outbox_entries_total{kind="logout",outcome="failed"} 1`)
	})
	if o.read(&list, "logouts", "list"); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
	provider, err := oidc.NewProvider(t.Context(), r.base)
	if err != nil {
		t.Fatal(err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: "wiki"}).VerifyLogout(t.Context(), h.heard()[1])
	if err != nil || token.Subject != string(ada.ID) {
		t.Errorf("%+v, %v", token, err)
	}
	r.stop()
	if log := r.err.String(); strings.Contains(log, h.heard()[1]) {
		t.Error("the token is in the log")
	}
}

// TestClientsAreToldOfTheirEnd: an application that is disabled or deleted
// hears it, and its tokens are gone.
func TestClientsAreToldOfTheirEnd(t *testing.T) {
	o, h := newOperator(t), newHearer(t)
	o.run("clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.org/cb", "--backchannel-logout-uri", h.URL, "--backchannel-logout-session-required")
	r := o.serve()
	o.grant("wiki", "u1", "s1")
	o.grant("wiki", "u2", "s2")
	var shown clientView
	o.read(&shown, "clients", "disable", "wiki")
	o.run("clients", "disable", "wiki") // twice is fine
	r.await("two notices", func() bool { return len(h.heard()) == 2 })
	if shown.DisabledAt.IsZero() {
		t.Errorf("%+v", shown)
	}
	var open clientView
	o.read(&open, "clients", "enable", "wiki")
	if !open.DisabledAt.IsZero() {
		t.Errorf("%+v", open)
	}
	o.refuses("clients", "disable", "none")
	o.refuses("clients", "enable", "none")

	o.grant("wiki", "u3", "s3")
	o.run("clients", "delete", "wiki", "--yes")
	r.await("another three", func() bool { return len(h.heard()) == 5 }) // those of last week too: it does no harm
	r.stop()
}
