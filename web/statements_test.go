package web

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"idbroker/broker"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// mostStatements is what the callback of a known identity may cost the database
// once the provider has answered; one more where its account there tells something
// new. Begin and commit are none.
const mostStatements = 6

// mostForApplication is the same where an application waits for its answer: the
// login it came with, read once and written three times; the client; the grant.
const mostForApplication = 12

// ledger keeps the statements of a database.
type ledger struct {
	mu  sync.Mutex
	ops []string
}

func (r *ledger) note(s store.Statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, s.Op)
}

// of returns the statements that f takes.
func (r *ledger) of(f func()) []string {
	r.mu.Lock()
	r.ops = nil
	r.mu.Unlock()
	f()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ops)
}

// callbackFlow is a return from the provider.
type callbackFlow struct {
	name string
	want string // statements, in their order; begin and commit stand for themselves
	most int    // of them once the provider has answered
	do   func()
}

// callbacks are ready to be done by people whom member has signed up. The attempt
// is found and spent before the provider is asked; with its answer the first unit
// of work begins. Then there are: identity, owner and account in one; the login,
// where there is one; that the identity was used; the account, where it tells
// something new, which is one more than the measure; the tokens; session,
// the one at the provider that it came from, and event. The login of an application is
// written with each step, and ends with the grant.
func (w *world) callbacks() []callbackFlow {
	back := func(b *browser, query, subject string) func() {
		u := w.op.Walk(w.t, b.get("/oauth/login/demo/"+query).to(w.op.URL).location, subject)
		return func() {
			w.t.Helper()
			if a := b.callback(u); a.status != 303 || b.cookie(sessionCookie) == "" {
				w.t.Errorf("%s: %d %s\n%s", subject, a.status, a.location, text(a.body))
			}
		}
	}
	other, app := w.browser(), w.browser()
	w.op.AddPerson(providertest.Person{Subject: "bob", Username: "bob", Name: broker.NewID()})
	const before = "select update begin "
	return []callbackFlow{
		{"known", before + "select update insert commit begin insert insert insert commit", mostStatements, back(w.browser(), "", "ada")},
		{"known, with another name", before + "select update insert insert commit begin insert insert insert commit", mostStatements + 1, back(other, "", "bob")},
		{
			"known, for an application",
			before + "select select update insert update commit select begin insert insert update insert commit begin insert update commit", mostForApplication,
			back(app, "?login="+url.QueryEscape(app.get(authorize()).to("/login/").param("login")), "ada"),
		},
	}
}

// TestStatementsOfTheCallback counts them on both databases.
func TestStatementsOfTheCallback(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		var l ledger
		w := worldOn(t, storetest.Open(t, dsn, storetest.OnStatement(l.note)), tokens.Options{})
		w.client(func(c *broker.Client) { c.FirstParty = true })
		w.member("ada")
		w.member("bob")
		for _, f := range w.callbacks() {
			got := l.of(f.do)
			if said := strings.Join(got, " "); said != f.want {
				t.Errorf("%s:\n got %s\nwant %s", f.name, said, f.want)
			}
			behind := slices.DeleteFunc(got[max(0, slices.Index(got, "begin")):], func(op string) bool { return op == "begin" || op == "commit" })
			if len(behind) > f.most {
				t.Errorf("%s: %d statements once the provider has answered, at most %d", f.name, len(behind), f.most)
			}
		}
	})
}

// TestRoundTripsOfTheCallback counts what goes over the wire to PostgreSQL.
func TestRoundTripsOfTheCallback(t *testing.T) {
	dsn, trips := storetest.CountTrips(t, storetest.EmptyPostgres(t))
	db := storetest.Open(t, dsn, storetest.MaxConns(1))
	_, err := db.MigrateUp(t.Context())
	must(t, err)
	w := worldOn(t, db, tokens.Options{})
	w.client(func(c *broker.Client) { c.FirstParty = true })
	w.member("ada")
	w.member("bob")
	for range 2 { // a unit has prepared beforehand what the last one wanted
		for _, f := range w.callbacks() {
			f.do()
		}
	}
	for _, f := range w.callbacks() {
		before := trips.Load()
		f.do()
		if got, want := int(trips.Load()-before), len(strings.Fields(f.want)); got != want {
			t.Errorf("%s: %d round trips, want %d", f.name, got, want)
		}
	}
}
