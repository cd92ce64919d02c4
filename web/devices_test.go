package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// mostForPassword is what a password sign-in may cost the database, limits, the row of
// sign-ins and a mail about a new browser included. Begin and commit are none.
const mostForPassword = 6

// TestStatementsOfAPassword counts them on both databases.
func TestStatementsOfAPassword(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		db := storetest.Open(t, dsn, storetest.OnStatement(l.note))
		w := worldOn(t, db, tokens.Options{}, func(o *Options) {
			o.NewBrowserMail, o.Limits = true, limits.New(db, limits.Options{Account: broker.Limit{Burst: 9, Every: time.Hour}, Network: broker.Limit{Burst: 99, Every: time.Hour}, Mails: broker.Limit{Burst: 9, Every: time.Hour}})
		})
		w.user("ada")
		known := w.browser()
		known.signIn("ada")
		known.post("/logout/").want(303)
		// eve's hash has other parameters than ours: it is made anew, once.
		other := local.New(db, w.server.linker, local.Options{Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 32, Passes: 1, Lanes: 1}})
		_, err := other.Create(t.Context(), local.NewUser{Email: "eve@example.org", Password: password})
		must(t, err)
		w.client(func(c *broker.Client) { c.FirstParty = true })
		asked := w.browser() // by an application: its login is read and written, too
		login := asked.get(authorize()).to("/login/").param("login")
		for _, tt := range []struct {
			name string
			in   func()
			want string
			most int
		}{
			{"known browser", func() { known.signIn("ada") }, "insert select update begin insert insert commit", mostForPassword},
			{"new browser", func() { w.browser().signIn("ada") }, "insert select update begin insert insert insert commit", mostForPassword},
			{"outdated hash", func() { w.browser().signIn("eve") }, "insert select update update begin insert insert insert commit", mostForPassword + 1},
			{"for an application", func() {
				asked.post("/login/", "login", login, "email", "ada@example.org", "password", password).want(303)
			},
				"select insert select update select begin insert update insert insert commit begin insert update commit", mostForPassword + 5},
		} {
			got := l.of(tt.in)
			if said := strings.Join(got, " "); said != tt.want {
				t.Errorf("%s:\n got %s\nwant %s", tt.name, said, tt.want)
			}
			if n := len(slices.DeleteFunc(got, func(op string) bool { return op == "begin" || op == "commit" })); n > tt.most {
				t.Errorf("%s: %d statements", tt.name, n)
			}
		}
	})
}

// TestLookingAtASessionIsOneRead: a page that needs nothing else costs one read, by
// key. Once a minute the session's row is written, too, and with that its turn.
func TestLookingAtASessionIsOneRead(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(l.note)), tokens.Options{})
		w.user("ada")
		b := w.browser()
		b.signIn("ada")
		look := func(want ...string) {
			t.Helper()
			if got := l.of(func() { b.get("/").want(200).says("ada") }); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		look("select")
		look("select")
		b.wait(turnEvery) // the next answer brings another cookie
		look("select", "update")
		look("select", "update") // which the browser shows
		look("select")
	})
}

// TestPlansAmongManySessions: among a hundred thousand sessions every statement of the
// page of devices, of what it posts and of a look at a session goes by an index, on both
// databases, and so does what forgets IPs.
func TestPlansAmongManySessions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a hundred thousand rows take their time")
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		texts, watch := map[string]bool{}, false
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(func(s store.Statement) {
			if watch && s.Text != "" {
				texts[s.Text] = true
			}
		})), tokens.Options{}, func(o *Options) { o.NewBrowserMail = true })
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.user("ada")
		b, other, third := w.browser(), w.browser(), w.browser()
		for _, each := range []*browser{b, other, third} {
			each.signIn("ada")
		}
		b.get(authorize()).want(303)
		set := map[string]string{"user_id": "'id' || i", "account_id": "'id' || i", "email": "'email' || i || '@example.org'", "amr": "''", "address": "''", "kind": "''", "detail": "''"}
		storetest.Fill(t, dsn, crowd/10, set, "users", "user_identities", "remote_accounts", "remote_tokens", "grants", "clients", "consents", "logins", "outbox", "upstream_sessions", "remembered_browsers")
		fillSessions(t, dsn, crowd)

		watch = true
		row, err := other.session()
		must(t, err)
		b.get(devicesPath).want(200).says("This device").says("Used for")
		b.post("/account/settings/sessions/", "sid", row.SID).to(devicesPath)
		b.post("/account/settings/sessions/", "others", "1").to(devicesPath)
		b.wait(turnEvery)
		b.get(securityPath).want(200)
		thief := b.steal()
		thief.agent = chrome
		thief.out()
		third.signIn("ada")
		_, err = w.db.ForgetIPs(t.Context(), time.UnixMicro(0))
		must(t, err)
		watch = false
		raw := storetest.Raw(t, dsn)
		for text := range texts {
			for _, scan := range storetest.Scans(t, raw, dsn, text) {
				t.Errorf("reads everything: %s\n%s", scan, text)
			}
		}
		if len(texts) < 15 {
			t.Errorf("only %d statements were looked at", len(texts))
		}
	})
}

// fillSessions writes n sessions, each somebody else's.
func fillSessions(t testing.TB, dsn string, n int) {
	t.Helper()
	storetest.Fill(t, dsn, n, map[string]string{
		"user_id": "'id' || i", "amr": "''", "detail": "''", "expires_at": "9000000000000000", "last_seen_at": "i", "ip_at": "i",
	}, "sessions")
	storetest.Fill(t, dsn, n/10, map[string]string{"user_id": "'id' || i", "detail": "''", "before_detail": "''", "happened_at": "i"}, "events", "sign_ins")
}

// BenchmarkDevices asks, among a hundred sessions and among a million, what a page asks
// about one, which ones a person has, and ends the three of a person.
func BenchmarkDevices(b *testing.B) {
	for _, database := range []string{"sqlite", "postgres"} {
		for _, n := range []int{100, 1_000_000} {
			dsn := storetest.SQLite
			if database == "postgres" {
				dsn = storetest.Postgres
			}
			b.Run(fmt.Sprintf("%s/%d", database, n), func(b *testing.B) {
				where := dsn(b)
				w := worldOn(b, storetest.Open(b, where), tokens.Options{})
				u := w.user("ada")
				first := w.browser()
				for _, each := range []*browser{first, w.browser(), w.browser()} {
					each.signIn("ada")
				}
				began := time.Now()
				fillSessions(b, where, n)
				b.Logf("%d sessions after %s", n, time.Since(began).Round(time.Millisecond))
				row, err := first.session()
				must(b, err)
				b.Run("look", func(b *testing.B) {
					for b.Loop() {
						if s, who, err := w.db.SessionUser(b.Context(), row.IDHash); err != nil || s.SID != row.SID || who.ID != u.ID {
							b.Fatal(s, who, err)
						}
					}
				})
				b.Run("list", func(b *testing.B) {
					for b.Loop() {
						if rows, err := w.db.SessionsOf(b.Context(), u.ID); err != nil || len(rows) != 3 {
							b.Fatalf("%d sessions, %v", len(rows), err)
						}
					}
				})
				b.Run("end", func(b *testing.B) {
					for i := 0; b.Loop(); i++ {
						b.StopTimer()
						for j := range 3 {
							hash := fmt.Sprintf("bob %d %d", i, j)
							must(b, w.db.CreateSession(b.Context(), broker.Session{IDHash: hash, SID: hash, UserID: "bob", ExpiresAt: time.Now().Add(time.Hour)}))
						}
						b.StartTimer()
						if ended, err := w.db.EndSessions(b.Context(), "bob", ""); err != nil || len(ended) != 3 {
							b.Fatal(ended, err)
						}
					}
				})
			})
		}
	}
}

// TestDevicesPage: each session says what it is, where it was seen, how it began and what
// was entered from it, this one first, and of nobody else.
func TestDevicesPage(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{}, func(o *Options) { o.TrustedHops, o.Country = 1, countries })
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.user("ada")
		w.user("eve")
		computer, phone, eve := w.browser(), w.browser(), w.browser()
		computer.agent, computer.ip = firefox, "192.0.2.1"
		phone.agent, phone.ip = chromePhone, "198.51.100.1"
		eve.agent, eve.ip = safari, "203.0.113.9"
		computer.signIn("ada")
		phone.signIn("ada")
		eve.signIn("eve")
		phone.get(authorize()).want(303)
		page := computer.get(devicesPath).want(200)
		for _, words := range []string{
			"Firefox on Linux This device", "Computer · Firefox 140", "Switzerland · 192.0.2.1", "with your password",
			"Chrome on Android", "Phone · Chrome 140", "United States · 198.51.100.1", "Used for The App",
		} {
			page.says(words)
		}
		if said := text(page.body); strings.Index(said, "Firefox on Linux") > strings.Index(said, "Chrome on Android") || strings.Contains(said, "203.0.113.9") {
			t.Errorf("the page says\n%s", said)
		}
		if strings.Count(page.body, "Used for") != 1 {
			t.Error("the application was entered from the phone alone")
		}
		german := computer.request("GET", devicesPath, nil)
		german.Header.Set("Accept-Language", "de")
		computer.do(german).want(200).says("Schweiz · 192.0.2.1").says("Vereinigte Staaten")
	})
}
