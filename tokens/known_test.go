package tokens

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
)

// TestRefusalsAreOfTheClientAsItIs: what another process gave a client, or took
// from it, counts at once, also where its request is refused before any
// statement could compare what is known of it.
func TestRefusalsAreOfTheClientAsItIs(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := (&world{t: t}).on(storetest.Open(t, dsn))
		there := storetest.Open(t, dsn)
		change := func(id string, do func(c *broker.Client)) {
			t.Helper()
			c, err := there.Client(t.Context(), id)
			must(t, err)
			do(&c)
			must(t, there.UpdateClient(t.Context(), c))
		}
		if a := w.credentials("machine", "scope", "api"); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		wantError(t, "a scope that it has not", w.credentials("machine", "scope", "new"), 400, "invalid_scope")
		change("machine", func(c *broker.Client) { c.Scopes = append(c.Scopes, "new") })
		if a := w.credentials("machine", "scope", "new"); a.status != http.StatusOK {
			t.Errorf("a scope that it was given: %d %s", a.status, a.body)
		}
		tokens := w.tokens("app")
		wantError(t, "a grant type that it has not", w.credentials("app", "scope", "api"), 400, "unauthorized_client")
		change("app", func(c *broker.Client) { c.GrantTypes = append(slices.Clone(c.GrantTypes), broker.GrantCredentials) })
		if a := w.credentials("app", "scope", "api"); a.status != http.StatusOK {
			t.Errorf("a grant type that it was given: %d %s", a.status, a.body)
		}
		if a := w.introspect("app", tokens.str("access_token")); a.json["active"] != true {
			t.Fatalf("%d %s", a.status, a.body)
		}
		change("app", func(c *broker.Client) { c.DisabledAt = time.Now() })
		wantError(t, "a disabled client's useless request", w.call(w.s.ServeIntrospection, "app", url.Values{}), 401, "invalid_client")
		wantError(t, "and another", w.call(w.s.ServeRevocation, "app", url.Values{}), 401, "invalid_client")
		wantError(t, "and a grant without its code", w.call(w.s.ServeToken, "app", url.Values{"grant_type": {"authorization_code"}}), 401, "invalid_client")
	})
}

// TestAssertionOfAClientThatChanges while its request is under way: what is true
// by then decides, and that the request is looked at twice is no second use.
func TestAssertionOfAClientThatChanges(t *testing.T) {
	w := newWorld(t)
	w.signingClient("signing")
	rows := w.s.store
	change := func(id string, do func(c *broker.Client)) {
		w.s.store = &meddling{Store: rows, then: func() {
			c, err := w.db.Client(t.Context(), id)
			must(t, err)
			do(&c)
			must(t, w.db.UpdateClient(t.Context(), c))
		}}
	}
	assertion := sign(t, header{}, assertionOf("signing"))
	change("signing", func(c *broker.Client) { c.Name = "Another name" })
	if a := w.assert(assertion); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantError(t, "used again", w.assert(assertion), 401, "invalid_client")
	change("signing", func(c *broker.Client) { c.Metadata.JWKS = `{"keys":[]}` })
	wantError(t, "its key was taken away", w.assert(sign(t, header{}, assertionOf("signing"))), 401, "invalid_client")
	w.signingClient("signing-too")
	change("signing-too", func(c *broker.Client) { c.DisabledAt = time.Now() })
	wantError(t, "disabled", w.assert(sign(t, header{}, assertionOf("signing-too"))), 401, "invalid_client")
}

// meddling is a database in which something happens after an assertion was spent.
type meddling struct {
	Store
	then func()
}

func (m *meddling) SpendAssertion(ctx context.Context, client, jti string, until time.Time) error {
	err := m.Store.SpendAssertion(ctx, client, jti, until)
	if m.then != nil {
		m.then()
		m.then = nil
	}
	return err
}
