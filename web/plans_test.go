package web

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// crowd is how many identities there are, all of one provider.
const crowd = 100_000

// settle fills the database of w with n people, each with an identity at the
// provider "demo", and what hangs on it. Tables that only grow with what is under
// way get a tenth.
func (w *world) settle(dsn string, n int) {
	w.t.Helper()
	set := map[string]string{
		"user_id": "'id' || i", "account_id": "'id' || i", "provider": "'demo'", "issuer": "'" + w.op.Issuer + "'",
		"email": "'email' || i || '@example.org'", "amr": "''", "address": "''", "details": "''", "kind": "''", "undone_at": "0",
	}
	storetest.Fill(w.t, dsn, n, set, "users", "user_identities", "remote_accounts", "remote_tokens")
	storetest.Fill(w.t, dsn, n/10, set, "attempts", "logins", "sessions", "grants", "events", "link_changes", "outbox", "clients", "consents", "upstream_sessions", "upstream_logouts")
}

// TestPlansAmongManyIdentities: with a hundred thousand identities of one provider
// every statement of the callback and of the page of linked accounts goes by an
// index, on both databases.
func TestPlansAmongManyIdentities(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a hundred thousand rows take their time")
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		texts := map[string]string{} // by where they were
		where := ""
		note := func(s store.Statement) {
			if s.Text != "" && where != "" && texts[s.Text] == "" {
				texts[s.Text] = where
			}
		}
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(note)), tokens.Options{})
		w.client()
		b := w.member("ada")
		began := time.Now()
		w.settle(dsn, crowd)
		t.Logf("%d identities after %s", crowd, time.Since(began).Round(time.Millisecond))

		other, app, stranger := w.browser(), w.browser(), w.browser()
		w.op.AddPerson(providertest.Person{Subject: "ada", Username: "ada", Name: "Countess", Email: "ada@example.org", EmailVerified: true})
		w.op.AddPerson(providertest.Person{Subject: "new", Username: "new", Name: "New", Email: "email1000007@example.org", EmailVerified: true})
		login := "?login=" + url.QueryEscape(app.get(authorize()).to("/login/").param("login"))
		for _, v := range []struct {
			where string
			do    func()
		}{
			{"callback", func() { other.walk(other.get("/oauth/login/demo/"), "ada").to("/") }},
			{"callback for an application", func() { app.walk(app.get("/oauth/login/demo/"+login), "ada").to("/consent/") }},
			{"callback of a stranger", func() { stranger.walk(stranger.get("/oauth/login/demo/"), "new").to("/oauth/signup/demo/") }},
			{"callback of a link", func() { b.walk(b.post("/oauth/login/other/"), "bob").to(linkedAccountsPath) }},
			{"linked accounts", func() { b.get(linkedAccountsPath).want(200).says("Countess") }},
		} {
			where = v.where
			v.do()
		}
		where = ""
		raw := storetest.Raw(t, dsn)
		seen := map[string]int{}
		for text, where := range texts {
			seen[where]++
			for _, scan := range storetest.Scans(t, raw, dsn, text) {
				t.Errorf("%s reads everything: %s\n%s", where, scan, text)
			}
		}
		if len(seen) < 5 || len(texts) < 20 {
			t.Errorf("only %d statements were looked at: %v", len(texts), seen)
		}
	})
}

// BenchmarkCallback is the callback of a known identity, the provider's answers
// (over HTTP, in this process) included, among a hundred identities and among a
// hundred thousand.
func BenchmarkCallback(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		for _, n := range []int{100, crowd} {
			b.Run(fmt.Sprintf("%s/%d", database, n), func(b *testing.B) {
				dsn := storetest.EmptySQLite(b)
				if database == "postgres" {
					dsn = storetest.EmptyPostgres(b)
				}
				db := storetest.Open(b, dsn)
				_, err := db.MigrateUp(b.Context())
				must(b, err)
				w := worldOn(b, db, tokens.Options{})
				w.member("ada")
				w.settle(dsn, n)
				back := make([]*url.URL, b.N)
				browsers := make([]*browser, b.N)
				for i := range back {
					browsers[i] = w.browser()
					back[i] = w.op.Walk(b, browsers[i].get("/oauth/login/demo/").to(w.op.URL).location, "ada")
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i, u := range back {
					browsers[i].callback(u).to("/")
				}
			})
		}
	}
}
