package storetest_test

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestTouchSession: it writes from where a session was used, and takes no turn back.
func TestTouchSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		s := broker.Session{IDHash: "s", SID: "sid", UserID: "u", UserAgent: "one", IP: "192.0.2.1", IPAt: at, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour)}
		ok(t, db.CreateSession(ctx, s))
		was := s
		s.LastSeenAt, s.UserAgent, s.IP, s.IPAt = at.Add(time.Minute), "two", "192.0.2.2", at.Add(time.Minute)
		s.Turn, s.TurnedAt, s.ShownAt = 2, at.Add(time.Minute), at.Add(2*time.Minute)
		ok(t, db.TouchSession(ctx, s))
		same(t, must(db.Session(ctx, "s"))(t), s)
		was.Turn, was.LastSeenAt = 1, at.Add(time.Hour)
		ok(t, db.TouchSession(ctx, was))
		same(t, must(db.Session(ctx, "s"))(t), s)

		// Who read the session before writes nothing back but what is theirs.
		was.Turn, was.Data, was.UserAgent, was.LastSeenAt = 0, []byte("{}"), s.UserAgent, s.LastSeenAt
		ok(t, db.SaveSession(ctx, was))
		same(t, must(db.Session(ctx, "s"))(t), s)
		ok(t, db.SaveSessionData(ctx, was))
		s.Data = []byte("{}")
		same(t, must(db.Session(ctx, "s"))(t), s)
	})
}

// signedIn writes what a sign-in leaves in the audit trail.
func signedIn(t *testing.T, db *store.DB, user broker.UserID, at time.Time, ip, provider string, detail map[string]string) {
	t.Helper()
	ok(t, db.AddEvent(t.Context(), broker.Event{ID: broker.NewID(), Name: broker.EventSignedIn, UserID: user, At: at, IP: ip, Provider: provider, Detail: detail}))
}

// TestSignIns: the row follows the events, counts each, keeps the last two, and goes
// with its user.
func TestSignIns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := t.Context(), now()
		ok(t, db.CreateUser(ctx, broker.User{ID: "u", Email: "u@example.org"}))
		ok(t, db.CreateUser(ctx, broker.User{ID: "v", Email: "v@example.org"}))
		entry := func() broker.OutboxEntry { return broker.Mail{To: "u@example.org", Template: "new-browser"}.Entry(at) }
		waiting := func() int { return len(must(db.ClaimOutbox(ctx, 9, at, time.Minute))(t)) }

		same(t, must(db.SignInsOf(ctx, "u"))(t), broker.SignIns{})
		ok(t, db.EnqueueUnlessFirst(ctx, entry(), "u"))
		signedIn(t, db, "u", at, "192.0.2.1", "", map[string]string{"amr": "otp"})
		first := broker.SignIn{At: at, IP: "192.0.2.1", Detail: map[string]string{"amr": "otp"}}
		same(t, must(db.SignInsOf(ctx, "u"))(t), broker.SignIns{UserID: "u", Times: 1, Last: first})
		ok(t, db.EnqueueUnlessFirst(ctx, entry(), "u"))
		same(t, waiting(), 0)

		signedIn(t, db, "u", at.Add(time.Hour), "192.0.2.2", "hub", nil)
		second := broker.SignIn{At: at.Add(time.Hour), IP: "192.0.2.2", Provider: "hub"}
		same(t, must(db.SignInsOf(ctx, "u"))(t), broker.SignIns{UserID: "u", Times: 2, Last: second, Before: first})
		ok(t, db.EnqueueUnlessFirst(ctx, entry(), "u"))
		ok(t, db.EnqueueUnlessFirst(ctx, entry(), "v"))
		same(t, waiting(), 1)

		signedIn(t, db, "gone", at, "192.0.2.3", "", nil) // nobody's
		same(t, must(db.SignInsOf(ctx, "gone"))(t), broker.SignIns{})
		ok(t, db.AddEvent(ctx, broker.Event{ID: broker.NewID(), Name: broker.EventSignedOut, UserID: "v", At: at}))
		same(t, must(db.SignInsOf(ctx, "v"))(t), broker.SignIns{})

		// What is rolled back was no sign-in.
		_ = db.InTx(ctx, func(ctx context.Context) error {
			ok(t, db.AddEvent(ctx, broker.Event{ID: broker.NewID(), Name: broker.EventSignedIn, UserID: "u", At: at}))
			return context.Canceled
		})
		same(t, must(db.SignInsOf(ctx, "u"))(t).Times, 2)
		ok(t, db.DeleteUser(ctx, "u"))
		same(t, must(db.SignInsOf(ctx, "u"))(t), broker.SignIns{})
	})
}

// TestForgetIPs: each IP goes by its own time, and nothing else with it.
func TestForgetIPs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := t.Context(), now()
		due, kept := at.Add(-time.Hour), at.Add(time.Hour)
		ok(t, db.CreateUser(ctx, broker.User{ID: "u", Email: "u@example.org"}))
		for id, noted := range map[string]time.Time{"due": due, "kept": kept} {
			// How old the session is, is not the question.
			ok(t, db.CreateRemembered(ctx, broker.RememberedBrowser{ID: id, Hash: id, UserID: "u", IP: "192.0.2.1", CreatedAt: noted, LastUsedAt: kept, ExpiresAt: kept}))
			ok(t, db.CreateSession(ctx, broker.Session{IDHash: id, UserID: "u", UserAgent: "ua", IP: "192.0.2.1", IPAt: noted, CreatedAt: due, LastSeenAt: kept, ExpiresAt: kept}))
		}
		signedIn(t, db, "u", due, "192.0.2.1", "hub", nil)
		signedIn(t, db, "u", kept, "192.0.2.2", "", nil)
		same(t, must(db.ForgetIPs(ctx, at))(t), 4)

		same(t, must(db.Session(ctx, "due"))(t).IP, "")
		same(t, must(db.Session(ctx, "due"))(t).UserAgent, "ua")
		same(t, must(db.Session(ctx, "kept"))(t).IP, "192.0.2.1")
		same(t, must(db.Remembered(ctx, "u", "due"))(t).IP, "")
		same(t, must(db.Remembered(ctx, "u", "kept"))(t).IP, "192.0.2.1")
		same(t, must(db.SignInsOf(ctx, "u"))(t), broker.SignIns{
			UserID: "u", Times: 2, Last: broker.SignIn{At: kept, IP: "192.0.2.2"}, Before: broker.SignIn{At: due, Provider: "hub"},
		})
		var ips []string
		for _, e := range must(db.Events(ctx, "u", 9))(t) {
			ips = append(ips, e.IP)
		}
		same(t, ips, []string{"192.0.2.2", ""})
		same(t, must(db.ForgetIPs(ctx, at))(t), 0)

		// Later the other ones.
		same(t, must(db.ForgetIPs(ctx, kept.Add(time.Second)))(t), 4)
		same(t, must(db.SignInsOf(ctx, "u"))(t).Last.IP, "")
	})
}

// TestForgetManyIPs: more than go in one statement.
func TestForgetManyIPs(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		const many = 1201 // twice a batch and more
		storetest.Fill(t, dsn, many, map[string]string{"detail": "''", "happened_at": "CASE WHEN i % 2 = 0 THEN 1 ELSE 9 END"}, "events")
		same(t, must(db.ForgetIPs(t.Context(), time.UnixMicro(5)))(t), many/2)
	})
}
