package local_test

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestEmailBackEndsLinks is the attack of a thief who changes the address and then
// links an identity of theirs: the mail about that goes to the thief. The owner, who
// takes the address back, is rid of it, and keeps what was linked before.
func TestEmailBackEndsLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		app := providers.App{ID: "hub", Kind: "github", ClientID: "x", ClientSecret: "y"}
		other := app
		other.ID = "other"
		reg, err := providers.New(providers.Options{BaseURL: issuer, Apps: []providers.App{app, other}})
		must(t, err)
		l := linking.New(db, reg, linking.Options{Issuer: issuer})
		a := local.New(db, l, local.Options{Issuer: issuer, Hashing: cheap})
		u := signUp(t, db, a, "ada@example.org")
		must(t, l.Attach(ctx, u, hub, time.Now()))
		back := moved(t, db, a, startSession(t, db, u), "thief@example.org")
		thiefs := hub
		thiefs.Provider, thiefs.Subject = "other", "666"
		must(t, l.Attach(ctx, u, thiefs, time.Now()))
		all, err := db.IdentitiesOf(ctx, u.ID)
		must(t, err)
		for _, i := range all {
			if i.Provider == "other" {
				must(t, l.Unlink(ctx, startSession(t, db, u), "other", i.ID))
			}
		}
		var undo broker.Secret
		for _, m := range mails(t, db) {
			if m.Template == "unlinked" && m.To == "thief@example.org" {
				undo = tokenOf(t, m)
			}
		}
		must(t, l.Attach(ctx, u, thiefs, time.Now()))
		u, err = a.TakeEmailBack(ctx, back)
		must(t, err)
		left, err := db.IdentitiesOf(ctx, u.ID)
		must(t, err)
		if len(left) != 1 || left[0].Subject != hub.Subject {
			t.Errorf("what opens the account: %+v", left)
		}
		if _, err := db.RemoteAccount(ctx, "other", thiefs.Issuer, thiefs.Subject); broker.KindOf(err) != broker.KindNotFound {
			t.Errorf("what is known of the thief: %v", err)
		}
		if _, err := l.UndoFor(ctx, undo); !errors.Is(err, linking.ErrUndoUnknown) {
			t.Errorf("the thief's way to link it again: %v", err)
		}
	})
}
