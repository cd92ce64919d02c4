package linking_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestNothingIsOrphaned: what changes at a provider, or between us and it, changes
// what we show and never whom an identity opens.
func TestNothingIsOrphaned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "")
		w.link(u, "one", "ada")
		signsIn := func(what string, w *world) linking.LinkedAccount {
			t.Helper()
			if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.SignedIn || res.User.ID != u.ID {
				t.Errorf("%s: %+v", what, res)
			}
			rows, err := w.Accounts(t.Context(), u.ID)
			must(t, err)
			if len(rows) != 1 || w.state(u).accounts != 1 {
				t.Fatalf("%s: %+v", what, rows)
			}
			return rows[0]
		}
		first := signsIn("as ever", w)

		w.op.AddPerson(providertest.Person{Subject: "ada", Username: "countess", Name: "Ada King", Email: "eve@example.org", EmailVerified: true})
		// Somebody else takes the old login and the old address.
		w.op.AddPerson(providertest.Person{Subject: "thief", Username: "ada-at-one", Name: "Ada", Email: "ada@example.org", EmailVerified: true})
		row := signsIn("renamed", w)
		if row.Identity.ID != first.Identity.ID || row.Account.Username != "countess" || row.Account.Email != "eve@example.org" {
			t.Errorf("%+v", row)
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "thief"); res.Outcome != linking.NewPerson {
			t.Errorf("who took the old login and address: %+v", res)
		}

		// Our credentials there change.
		w.op.AddClient(providertest.Client{ID: "broker-2", Secret: "another-secret", RedirectURIs: []string{base + "/oauth/authorized/one/"}})
		reg, err := providers.New(providers.Options{BaseURL: base, AllowPrivate: true, Apps: []providers.App{
			{ID: "one", Kind: "oidc", Title: "One, renamed", Issuer: w.op.Issuer, ClientID: "broker-2", ClientSecret: "another-secret"},
		}})
		must(t, err)
		later := &world{Linker: linking.New(db, reg, linking.Options{Issuer: base}), db: db, op: w.op, op2: w.op2, t: t}
		row = signsIn("under other credentials", later)
		if row.Identity.ID != first.Identity.ID || row.Account.ClientID != "broker-2" || row.Identity.LastUsedAt.Before(first.Identity.LastUsedAt) || time.Since(row.Identity.LastUsedAt) > time.Minute {
			t.Errorf("%+v", row)
		}
	})
}
