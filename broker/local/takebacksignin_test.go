package local_test

import (
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// toldOfSignIn tells of a sign-in from a new browser, as pages do, and returns the mail;
// nil none was sent.
func toldOfSignIn(t *testing.T, db *store.DB, u broker.User, s broker.Session) *broker.Mail {
	t.Helper()
	ctx := t.Context()
	must(t, db.AddEvent(ctx, broker.Event{ID: broker.NewID(), Name: broker.EventSignedIn, UserID: u.ID, At: s.CreatedAt}))
	n := broker.SignInNotice{UserID: u.ID, SID: s.SID, At: s.CreatedAt, Mail: broker.Mail{To: u.Email, Template: "new-browser", Data: map[string]string{}}}
	must(t, db.EnqueueUnlessFirst(ctx, n.Entry(s.CreatedAt), u.ID))
	all := mails(t, db)
	if i := slices.IndexFunc(all, func(m broker.Mail) bool { return m.Template == "new-browser" }); i >= 0 {
		return &all[i]
	}
	return nil
}

// TestTakeSignInBack is the owner's answer to a mail about a new browser: what the
// thief has is over, also what they began or let in since, and what the owner had
// before goes on.
func TestTakeSignInBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		at := time.Now().Add(-time.Hour)
		session := func(sid string, at time.Time) broker.Session {
			s := broker.Session{IDHash: sid, SID: sid, UserID: u.ID, AuthTime: at, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(5 * time.Hour)}
			must(t, db.CreateSession(ctx, s))
			return s
		}
		grant := func(sid string, at time.Time) broker.GrantID {
			g := broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: "wiki", UserID: u.ID, SID: sid, Scopes: []string{"offline_access"}, AuthTime: at, CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour), RefreshExpiresAt: at.Add(24 * time.Hour)}
			must(t, db.CreateGrant(ctx, g))
			return g.ID
		}
		first := session("first", at.Add(-time.Hour))
		if m := toldOfSignIn(t, db, u, first); m != nil {
			t.Errorf("the first sign-in was told: %+v", m)
		}
		thief := session("thief", at)
		m := toldOfSignIn(t, db, u, thief)
		if m == nil || m.Data["until"] == "" {
			t.Fatalf("%+v", m)
		}
		token := tokenOf(t, *m)
		again, owners := session("again", at.Add(time.Minute)), session("owners", at.Add(time.Minute))
		must(t, db.CreateRemembered(ctx, broker.RememberedBrowser{ID: "r", UserID: u.ID, Hash: "h", Stamp: u.FactorStamp(), ExpiresAt: time.Now().Add(time.Hour)}))
		before, his, left := grant("first", at.Add(-time.Minute)), grant("thief", at), grant("over", at.Add(time.Second))

		b, err := a.TakeBackFor(ctx, broker.MailSignInBack, token)
		if err != nil || b.Session.SID != "thief" || gone(t, db, thief) {
			t.Fatalf("%+v, %v", b, err)
		}
		b, err = a.TakeBack(ctx, owners, broker.MailSignInBack, token)
		if err != nil || !b.Spared {
			t.Fatalf("%+v, %v", b, err)
		}
		for sid, over := range map[*broker.Session]bool{&first: false, &owners: false, &thief: true, &again: true} {
			if gone(t, db, *sid) != over {
				t.Errorf("%s: over %t", sid.SID, !over)
			}
		}
		live := map[broker.GrantID]bool{}
		all, err := db.GrantsOf(ctx, u.ID)
		must(t, err)
		for _, g := range all {
			live[g.ID] = true
		}
		if !live[before] || live[his] || live[left] {
			t.Errorf("grants %v of %s, %s, %s", live, before, his, left)
		}
		if all, err := db.RememberedOf(ctx, u.ID); len(all) != 0 || err != nil {
			t.Errorf("%+v, %v", all, err)
		}
		if now := userOf(t, db, u.ID); now.SignedOutAt.IsZero() { // whoever is on the way in begins anew
			t.Errorf("%+v", now)
		}
		mailed(t, db, "sign-in-undone")
		wantErr(t, "once more", second(a.TakeBack(ctx, owners, broker.MailSignInBack, token)), local.ErrTakeBackUnknown)
	})
}

// TestTakeOwnSignInBack: who sends the link from the very browser that it is about is
// out, and a sign-in that is over leads on all the same.
func TestTakeOwnSignInBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		toldOfSignIn(t, db, u, startSession(t, db, u))
		s := startSession(t, db, u)
		token := tokenOf(t, *toldOfSignIn(t, db, u, s))
		b, err := a.TakeBack(ctx, s, broker.MailSignInBack, token)
		if err != nil || b.Spared || !gone(t, db, s) {
			t.Errorf("%+v, %v", b, err)
		}
		s = startSession(t, db, u)
		token = tokenOf(t, *toldOfSignIn(t, db, u, s))
		must(t, db.DeleteSession(ctx, s.IDHash))
		if b, err := a.TakeBackFor(ctx, broker.MailSignInBack, token); err != nil || b.Session.SID != "" {
			t.Errorf("%+v, %v", b, err)
		}
		must(t, second(a.TakeBack(ctx, broker.Session{}, broker.MailSignInBack, token)))
		mails(t, db)
		other := signUp(t, db, a, "bob@example.org")
		bobs := startSession(t, db, other)
		s = startSession(t, db, u)
		token = tokenOf(t, *toldOfSignIn(t, db, u, s))
		if b, err := a.TakeBack(ctx, bobs, broker.MailSignInBack, token); err != nil || b.Spared || gone(t, db, bobs) {
			t.Errorf("somebody else's browser: %+v, %v", b, err)
		}
	})
}

// TestNoticeOfASignIn: what cannot be read is given up, and an address that the account
// has no longer is told nothing.
func TestNoticeOfASignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		for _, payload := range []string{"", "{", "[]", "{}", `{"mail":{}}`} {
			if err := a.DeliverSignIn(ctx, []byte(payload)); !broker.IsPermanent(err) {
				t.Errorf("%q: %v", payload, err)
			}
		}
		for _, n := range []broker.SignInNotice{
			{UserID: u.ID, Mail: broker.Mail{To: "old@example.org", Data: map[string]string{}}},
			{UserID: "gone", Mail: broker.Mail{To: u.Email, Data: map[string]string{}}},
		} {
			must(t, a.DeliverSignIn(ctx, n.Entry(time.Now()).Payload))
		}
		if m := mails(t, db); len(m) != 0 {
			t.Errorf("%+v", m)
		}
	})
}
