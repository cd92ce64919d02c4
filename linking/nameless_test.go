package linking_test

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestNamelessAreAsked: where everybody needs a username, who comes from a provider that
// begins accounts at once and tells none that would do is shown the form.
func TestNamelessAreAsked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(a *providers.App) { a.SignUp, a.EmailTrust = broker.SignUpAutomatic, providers.EmailVerified })
		w.Linker = linking.New(db, w.apps, linking.Options{
			Issuer: base,
			Begin: func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error) {
				return w.accounts.Begin(ctx, s, provider, at)
			},
			Named: func(ctx context.Context, wanted string) (bool, error) { return w.accounts.Nameable(ctx, wanted) },
		})
		w.accounts = local.New(db, w.Linker, local.Options{Issuer: base, Hashing: hashing, Usernames: local.Usernames{OnlyThis: true, Reserved: []string{"bob-at-one"}}})
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.Began || res.User.Username != "ada-at-one" {
			t.Errorf("%s %+v", res.Outcome, res.User)
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "bob"); res.Outcome != linking.NewPerson {
			t.Errorf("%s: %q", res.Outcome, res.User.Username)
		}
		if n, err := db.CountUsers(t.Context()); n != 1 || err != nil {
			t.Errorf("%d users, %v", n, err)
		}
	})
}

// TestCodeLetsTheLastLinkGo: where codes sign in, the last link goes of who has proven the
// address; and it is said what is left.
func TestCodeLetsTheLastLinkGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		admitted := false
		codes := linking.New(db, w.apps, linking.Options{Issuer: base, Codes: true, Admits: func(context.Context, string) (bool, error) { return admitted, nil }})
		u := w.user("ada", "")
		w.link(u, "one", "ada")
		s := newBrowser().signedIn(u, 0).session
		unlink := func() error {
			rows, err := codes.Accounts(t.Context(), u.ID)
			must(t, err)
			if rows[0].CanRemove != admitted || !rows[0].ThenByMail {
				t.Errorf("%+v", rows[0])
			}
			return codes.Unlink(t.Context(), s, "one", rows[0].Identity.ID)
		}
		wantError(t, "at a blocked domain", unlink(), linking.ErrLast)
		admitted = true
		must(t, unlink())
	})
}
