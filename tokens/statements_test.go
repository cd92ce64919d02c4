package tokens

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// flows are what clients do all day, and the statements that each takes. None
// takes a unit of work: each of them is one statement, or two.
func (w *world) flows() []struct {
	name string
	want []string
	do   func()
} {
	ok := func(a answer) {
		w.t.Helper()
		if a.status != http.StatusOK {
			w.t.Errorf("%d %s", a.status, a.body)
		}
	}
	a, other := w.tokens("es"), w.tokens("es").str("refresh_token")
	w.userInfo(a.str("access_token"))
	w.introspect("es", a.str("access_token"))
	w.credentials("machine")
	code, withClaims := w.code(request("es")), w.code(with(request("es"), "claims", `{"id_token":{"name":null}}`))
	next := w.refresh("es", other).str("refresh_token")
	get := func(h http.HandlerFunc) func() {
		return func() { h(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) }
	}
	return []struct {
		name string
		want []string
		do   func()
	}{
		{"authorize", []string{"select", "insert"}, func() { w.code(request("es")) }},
		{"code", []string{"select", "update"}, func() { ok(w.redeem("es", code)) }},
		{"code, claims in the ID token", []string{"select", "update"}, func() { ok(w.redeem("es", withClaims)) }},
		{"refresh", []string{"update"}, func() { ok(w.refresh("es", a.str("refresh_token"))) }},
		{"refresh with scope", []string{"select", "update"}, func() { ok(w.refresh("es", next, "scope", "openid")) }},
		{"client credentials", []string{"insert"}, func() { ok(w.credentials("machine")) }},
		{"userinfo", []string{"select"}, func() { ok(w.userInfo(a.str("access_token"))) }},
		{"userinfo, forged", nil, func() { w.userInfo(a.str("access_token") + "x") }},
		{"introspection", []string{"select"}, func() { ok(w.introspect("es", a.str("access_token"))) }},
		{"introspection, forged", []string{"select"}, func() { ok(w.introspect("es", "x")) }},
		{"revocation", []string{"select", "update"}, func() { ok(w.revoke("es", a.str("access_token"))) }},
		{"wrong secret", []string{"select"}, func() {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.SetBasicAuth("es", "wrong")
			w.send(w.s.ServeToken, r, "grant_type=client_credentials")
		}},
		{"discovery", nil, get(w.s.ServeDiscovery)},
		{"JWKS", nil, get(w.s.ServeJWKS)},
	}
}

// TestStatementsOfEachFlow counts them on both databases.
func TestStatementsOfEachFlow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		for _, f := range w.flows() {
			statements := w.counted(f.do)
			if got := ops(statements); !slices.Equal(got, f.want) {
				t.Errorf("%s: %v, want %v", f.name, statements, f.want)
			}
			if slices.ContainsFunc(statements, func(s store.Statement) bool { return s.Unit }) {
				t.Errorf("%s: a unit of work: %v", f.name, statements)
			}
		}
	})
}

// TestRoundTripsOfEachFlow counts what really goes over the wire to PostgreSQL,
// where what prepares, begins or commits would cost a round trip, too.
func TestRoundTripsOfEachFlow(t *testing.T) {
	dsn, trips := storetest.CountTrips(t, storetest.EmptyPostgres(t))
	db := storetest.Open(t, dsn, storetest.MaxConns(1))
	_, err := db.MigrateUp(t.Context())
	must(t, err)
	w := &world{t: t}
	w.on(db)
	for _, f := range w.flows() {
		f.do() // the one connection prepares what it has not yet
	}
	for _, f := range w.flows() {
		before := trips.Load()
		f.do()
		if got := int(trips.Load() - before); got != len(f.want) {
			t.Errorf("%s: %d round trips, want %d", f.name, got, len(f.want))
		}
	}
}

// TestAnotherReplicaIsHeardAtOnce: whatever this one knows of a client, the next
// request is answered by what another has made of it.
func TestAnotherReplicaIsHeardAtOnce(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := &world{t: t}
		w.on(storetest.Open(t, dsn))
		there := storetest.Open(t, dsn)
		client := func(id string, change func(*broker.Client)) {
			t.Helper()
			c, err := there.Client(t.Context(), id)
			must(t, err)
			change(&c)
			must(t, there.UpdateClient(t.Context(), c))
		}
		user := func(change func(*broker.User)) {
			u, err := there.User(t.Context(), w.user.ID)
			must(t, err)
			change(&u)
			must(t, there.UpdateUser(t.Context(), u))
		}
		off := func(c *broker.Client) { c.DisabledAt = w.session.AuthTime }
		on := func(c *broker.Client) { c.DisabledAt = time.Time{} }
		a, refreshed, codes := w.tokens("es"), w.tokens("es"), []string{w.code(request("es")), w.code(request("es"))}
		machine := w.credentials("machine")
		requests := map[string]func() answer{
			"code":               func() answer { return w.redeem("es", codes[0]) },
			"code, wrong":        func() answer { return w.redeem("es", "x") },
			"refresh":            func() answer { return w.refresh("es", refreshed.str("refresh_token")) },
			"refresh with scope": func() answer { return w.refresh("es", refreshed.str("refresh_token"), "scope", "openid") },
			"introspection":      func() answer { return w.introspect("es", a.str("access_token")) },
			"introspection of x": func() answer { return w.introspect("es", "x") },
			"revocation":         func() answer { return w.revoke("es", a.str("access_token")) },
			"revocation of x":    func() answer { return w.revoke("es", "x") },
			"client credentials": func() answer { return w.credentials("machine") },
		}
		for name, send := range requests {
			w.refresh("es", w.tokens("es").str("refresh_token")) // knows both clients again
			w.credentials("machine")
			client("es", off)
			client("machine", off)
			if got := send(); got.status < 400 {
				t.Errorf("disabled, %s: %d %s", name, got.status, got.body)
			} else if got.status >= 500 || !strings.HasPrefix(got.str("error"), "invalid_") {
				t.Errorf("disabled, %s: %d %s", name, got.status, got.body)
			}
			client("es", on)
			client("machine", on)
		}

		// The tokens of a disabled client are no good to others either.
		client("es", off)
		wantError(t, "userinfo", w.userInfo(a.str("access_token")), 401, "invalid_token")
		client("es", on)
		if got := w.userInfo(a.str("access_token")); got.status != http.StatusOK {
			t.Errorf("enabled again: %d %s", got.status, got.body)
		}

		// A secret that was replaced there opens nothing here; the new one does.
		secret := broker.NewSecret()
		client("es", func(c *broker.Client) { c.Secrets = []broker.ClientSecret{{Hash: secret.Hash()}} })
		wantError(t, "old secret", w.refresh("es", refreshed.str("refresh_token")), 401, "invalid_client")
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth("es", secret.Reveal())
		if got := w.send(w.s.ServeToken, r, "grant_type=refresh_token&refresh_token="+refreshed.str("refresh_token")); got.status != http.StatusOK {
			t.Errorf("new secret: %d %s", got.status, got.body)
		}
		client("es", func(c *broker.Client) { c.Secrets = []broker.ClientSecret{{Hash: testSecret.Hash()}} })

		// A grant type that was taken away is refused at once.
		client("machine", func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCode} })
		wantError(t, "grant type", w.credentials("machine"), 400, "unauthorized_client")
		client("machine", func(c *broker.Client) { c.GrantTypes = []string{broker.GrantCredentials} })
		if got := w.introspect("machine", machine.str("access_token")); got.json["active"] != true {
			t.Errorf("a token of the machine: %s", got.body)
		}

		user(func(u *broker.User) { u.DisabledAt = w.session.AuthTime })
		wantError(t, "code of a disabled user", w.redeem("es", codes[1]), 400, "invalid_grant")
		wantError(t, "refresh for a disabled user", w.refresh("es", refreshed.str("refresh_token")), 400, "invalid_grant")
		wantError(t, "userinfo of a disabled user", w.userInfo(a.str("access_token")), 401, "invalid_token")
		if got := w.introspect("es", a.str("access_token")); string(got.body) != `{"active":false}` {
			t.Errorf("introspection of a disabled user's token: %s", got.body)
		}
	})
}
