package local_test

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/store"
	"idbroker/store/storetest"
)

// thiefs is an identity of a thief's.
var thiefs = broker.Profile{Provider: "other", Issuer: hub.Issuer, Subject: "666", Username: hub.Username, Tokens: hub.Tokens}

// unlinked takes what is linked at a provider away from a session's user.
func unlinked(t *testing.T, db *store.DB, l *linking.Linker, s broker.Session, provider string) {
	t.Helper()
	all, err := db.IdentitiesOf(t.Context(), s.UserID)
	must(t, err)
	for _, i := range all {
		if i.Provider == provider {
			must(t, l.Unlink(t.Context(), s, provider, i.ID))
		}
	}
}

// onlyHub tells whether what opens a user's account is hub and nothing else.
func onlyHub(t *testing.T, db *store.DB, u broker.UserID) bool {
	t.Helper()
	left, err := db.IdentitiesOf(t.Context(), u)
	must(t, err)
	return len(left) == 1 && left[0].Provider == hub.Provider && left[0].Subject == hub.Subject
}

// TestEmailBackEndsLinks is the attack of a thief who changes the address and then
// links an identity of theirs: the mail about that goes to the thief. The owner, who
// takes the address back, is rid of it, and keeps what was linked before.
func TestEmailBackEndsLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a, l := linkedAccounts(t, db)
		u := signUp(t, db, a, "ada@example.org")
		must(t, l.Attach(ctx, u, hub, time.Now()))
		back := moved(t, db, a, startSession(t, db, u), "thief@example.org")
		must(t, l.Attach(ctx, u, thiefs, time.Now()))
		unlinked(t, db, l, startSession(t, db, u), "other")
		var undo broker.Secret
		for _, m := range mails(t, db) {
			if m.Template == "unlinked" && m.To == "thief@example.org" {
				undo = tokenOf(t, m)
			}
		}
		must(t, l.Attach(ctx, u, thiefs, time.Now()))
		must(t, second(a.TakeEmailBack(ctx, back)))
		if !onlyHub(t, db, u.ID) {
			t.Error("what opens the account is not what did")
		}
		if _, err := db.RemoteAccount(ctx, "other", thiefs.Issuer, thiefs.Subject); broker.KindOf(err) != broker.KindNotFound {
			t.Errorf("what is known of the thief: %v", err)
		}
		if _, err := l.UndoFor(ctx, undo); !errors.Is(err, linking.ErrUndoUnknown) {
			t.Errorf("the thief's way to link it again: %v", err)
		}
	})
}
