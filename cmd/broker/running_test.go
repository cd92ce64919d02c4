package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// post sends a form without following redirects.
func post(t *testing.T, target string, form url.Values) int {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: startTime}
	res, err := client.PostForm(target, form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// TestMailIsWrittenToADirectory follows a mail from a form through the outbox
// to a file, where no mail server is configured.
func TestMailIsWrittenToADirectory(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	r := o.serve()
	if status := post(t, r.base+"/lost-password/", url.Values{"email": {"ada@example.org"}}); status >= 400 {
		t.Fatalf("lost password: %d", status)
	}
	var mails []string
	r.await("the mail", func() bool {
		mails, _ = filepath.Glob(filepath.Join(o.dir, "mail", "*.eml"))
		return len(mails) > 0
	})
	if m := mode(t, mails[0]); m != 0o600 {
		t.Errorf("the mail has mode %o", m)
	}
	if b, _ := os.ReadFile(mails[0]); !strings.Contains(string(b), "ada@example.org") {
		t.Errorf("%s", b)
	}
	r.await("its count", func() bool {
		_, body := get(t, r.admin+"/metrics")
		return strings.Contains(body, `broker_outbox_entries_total{kind="mail",outcome="done"} 1`)
	})
	r.stop()
	if log := r.err.String(); strings.Contains(log, "ada@example.org") || strings.Contains(log, "token=") {
		t.Errorf("an address or a link is in the log:\n%s", log)
	}
}

// TestEveryRequestHasAReference finds the reference number of an error page in
// the log.
func TestEveryRequestHasAReference(t *testing.T) {
	r := newOperator(t).serve()
	res, err := http.Get(r.base + "/nosuch/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	reference := res.Header.Get("X-Request-Id")
	r.stop()
	lines := 0
	for line := range strings.Lines(r.err.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("not JSON: %s", line)
		}
		if entry["request"] == reference && reference != "" {
			lines++
		}
	}
	if lines == 0 {
		t.Errorf("%q is not in\n%s", reference, r.err.String())
	}
}

func TestHangUpWithoutTLS(t *testing.T) {
	r := newOperator(t).serve()
	r.signal(syscall.SIGHUP)
	r.await("an answer", func() bool { return strings.Contains(r.err.String(), "nothing to reload") })
	if status, _ := get(t, r.base+discoveryPath); status != 200 {
		t.Errorf("discovery: %d", status)
	}
	r.stop()
}

func TestLogo(t *testing.T) {
	o := newOperator(t)
	logo := filepath.Join(o.dir, "logo.svg")
	if err := os.WriteFile(logo, []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>`), 0o600); err != nil {
		t.Fatal(err)
	}
	o = o.set("BROKER_BRAND__LOGO="+logo, "BROKER_BRAND__NAME=Harbour & Sons", "BROKER_BRAND__ACCENT=#1a5fb4")
	r := o.serve()
	if status, body := get(t, r.base+"/login/"); status != 200 || !strings.Contains(body, "Harbour &amp; Sons") {
		t.Errorf("%d %s", status, body)
	}
	r.stop()
	if err := os.WriteFile(logo, make([]byte, maxLogo+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := o.refuses("config", "validate"); !strings.Contains(line, "brand.logo") {
		t.Error(line)
	}
}

// TestCrash kills the process: what was acknowledged is there afterwards.
func TestCrash(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	var made clientView
	o.read(&made, "clients", "create", "Wiki", "--redirect-uri", "https://wiki.example.org/cb")
	_, keys := get(t, r.base+"/oauth2/jwks.json")
	r.signal(syscall.SIGKILL)
	_ = r.end()
	r = o.serve()
	var shown clientView
	o.read(&shown, "clients", "show", made.ID)
	if _, again := get(t, r.base+"/oauth2/jwks.json"); shown.Name != "Wiki" || again != keys {
		t.Errorf("lost: %+v\n%s\n%s", shown, keys, again)
	}
	r.stop()
}

// TestReadyNeedsToWrite holds the write lock of the database: reading would
// still work.
func TestReadyNeedsToWrite(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(o.dir, "broker.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, r.admin+readyPath); status != http.StatusServiceUnavailable || !strings.Contains(body, "database") {
		t.Errorf("locked: %d %s", status, body)
	}
	if status, _ := get(t, r.base+discoveryPath); status != 200 {
		t.Errorf("discovery: %d", status)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.await("readiness", func() bool { status, _ := get(t, r.admin+readyPath); return status == 200 })
	r.stop()
}

// TestClientText holds the answers for people to what they need.
func TestClientText(t *testing.T) {
	o := newOperator(t).set("BROKER_SERVER__BASE_URL=https://id.example.org")
	text := o.run("clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.org/cb", "--auth", "post", "--no-pkce", "--first-party")
	for _, want := range []string{"shown once", "https://id.example.org", "client_secret_post", "PKCE required no", "first party yes"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	until := func() string {
		return "The old secret works until " + time.Now().Add(30*time.Minute).UTC().Format("2006-01-02")
	}
	before := until() // the day may change meanwhile
	if text := o.run("clients", "rotate-secret", "wiki", "--expire-old", "30m"); !strings.Contains(text, before) && !strings.Contains(text, until()) {
		t.Error(text)
	}
	if text := o.run("users", "create", "ada@example.org"); !strings.Contains(text, "https://id.example.org/lost-password/") {
		t.Error(text)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "administrator  no") || !strings.Contains(text, "sessions       0") {
		t.Error(text)
	}
	if text := o.run("migrate", "status"); !strings.Contains(text, "yes") {
		t.Error(text)
	}
}
