package local_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestSignOutByOperator ends what stands of one person and of nobody else; who was
// half-way in gets no session by what they had proven before.
func TestSignOutByOperator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		ada, bob := somebody(t, db, a, l, "ada@example.org"), person{User: signUp(t, db, a, "bob@example.org")}
		bob.session, bob.grant = startSession(t, db, bob.User), ada.grant
		bob.grant.ID, bob.grant.UserID, bob.grant.SID = broker.GrantID(broker.NewID()), bob.ID, bob.session.SID
		must(t, db.CreateGrant(ctx, bob.grant))
		before, err := db.User(ctx, ada.ID)
		must(t, err)

		for _, sid := range []string{"", "nothing", bob.session.SID} {
			if err := a.EndSession(ctx, ada.ID, sid); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("end %q: %v", sid, err)
			}
		}
		if g, err := db.GrantsOf(ctx, ada.ID); err != nil || len(g) != 1 {
			t.Errorf("a refused end has ended %+v, %v", g, err)
		}
		if n, err := a.SignOut(ctx, ada.ID, false); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		late := broker.Session{IDHash: "late", SID: "late", UserID: ada.ID, AuthTime: time.Now(), CreatedAt: time.Now(), LastSeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
		if err := db.CreateSessionOf(ctx, late, before); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("a session of whoever was half-way in: %v", err)
		}
		for who, want := range map[broker.UserID]int{ada.ID: 0, bob.ID: 1} {
			s, err := db.SessionsOf(ctx, who)
			must(t, err)
			g, err := db.GrantsOf(ctx, who)
			must(t, err)
			if len(s) != want || len(g) != want {
				t.Errorf("%s: %d sessions, %d grants, want %d", who, len(s), len(g), want)
			}
		}
		if u, err := db.User(ctx, ada.ID); err != nil || u.Disabled() || !u.HasPassword() || u.SignedOutAt.IsZero() {
			t.Errorf("%+v, %v", u, err)
		}
		must(t, a.EndSession(ctx, bob.ID, bob.session.SID))
		for _, who := range []person{ada, bob} { // the audit trail says that it was not them
			events, err := db.Events(ctx, who.ID, 20)
			must(t, err)
			if !slices.ContainsFunc(events, func(e broker.Event) bool {
				return e.Name == broker.EventSignedOut && e.SID == who.session.SID && e.Detail["by"] != ""
			}) {
				t.Errorf("no word of the end of %s: %+v", who.session.SID, events)
			}
		}
		if _, err := a.SignOut(ctx, "nobody", true); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}
