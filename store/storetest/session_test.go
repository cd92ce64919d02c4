package storetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for i, id := range []string{"a", "b", "c", "other", "nobody", "expired"} {
			s := broker.Session{IDHash: id, SID: "sid-" + id, UserID: "u", LastSeenAt: at.Add(time.Duration(i) * time.Second), ExpiresAt: at.Add(time.Hour)}
			switch id {
			case "other":
				s.UserID = "v"
			case "nobody":
				s.UserID = ""
			case "expired":
				s.ExpiresAt = at.Add(-time.Second)
			}
			ok(t, db.CreateSession(ctx, s))
		}
		list := func() (got []string) {
			for _, s := range must(db.SessionsOf(ctx, "u"))(t) {
				got = append(got, s.IDHash)
			}
			return got
		}
		same(t, list(), []string{"c", "b", "a"})
		ok(t, db.TouchSession(ctx, broker.Session{IDHash: "a", LastSeenAt: at.Add(time.Minute)}))
		ok(t, db.TouchSession(ctx, broker.Session{IDHash: "none", LastSeenAt: at}))
		same(t, list(), []string{"a", "c", "b"})

		next := filled[broker.Session](t)
		next.Grace = time.Time{} // of a request
		next.IDHash, next.UserID, next.ExpiresAt = "b", "u", at.Add(time.Hour)
		ok(t, db.SaveSession(ctx, next))
		data := next.Data
		next.CreatedAt, next.Data, next.LastSeenAt = time.Time{}, nil, at.Add(time.Second)
		next.UserAgent, next.IP, next.IPAt, next.Turn, next.TurnedAt, next.ShownAt = "", "", time.Time{}, 0, time.Time{}, time.Time{} // TouchSession's
		same(t, must(db.Session(ctx, "b"))(t), next)
		next.Data = data
		ok(t, db.SaveSessionData(ctx, broker.Session{IDHash: "b", Data: data}))
		same(t, must(db.Session(ctx, "b"))(t), next)
		for _, err := range []error{db.SaveSession(ctx, broker.Session{IDHash: "none"}), db.SaveSessionData(ctx, broker.Session{IDHash: "none"})} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("saving none = %v", err)
			}
		}

		ok(t, db.EndSession(ctx, "u", "sid-c"))
		for _, sid := range []string{"sid-c", "sid-other", ""} {
			if err := db.EndSession(ctx, "u", sid); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("EndSession(%q) = %v", sid, err)
			}
		}
		if err := db.EndSession(ctx, "", "sid-nobody"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("nobody's session was ended: %v", err)
		}
		ended := must(db.EndSessions(ctx, "u", "sid-a"))(t)
		slices.Sort(ended)
		want := []string{next.SID, "sid-expired"}
		slices.Sort(want)
		same(t, ended, want)
		same(t, must(db.EndSessions(ctx, "u", ""))(t), []string{"sid-a"})
		same(t, len(must(db.EndSessions(ctx, "", ""))(t)), 0)
		must(db.Session(ctx, "nobody"))(t)
		must(db.Session(ctx, "other"))(t)
		ok(t, db.DeleteSession(ctx, "other"))
		ok(t, db.DeleteSession(ctx, "other"))
		if _, err := db.Session(ctx, "other"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a deleted session = %v", err)
		}
	})
}

// TestExpireSession: what is over, in order, and once.
func TestExpireSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for id, expires := range map[string]time.Time{"b": at, "a": at.Add(-time.Hour), "stands": at.Add(time.Microsecond), "for ever": {}} {
			ok(t, db.CreateSession(ctx, broker.Session{IDHash: id, SID: id, UserID: "ada", ExpiresAt: expires}))
		}
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: "nobody's", ExpiresAt: at}))
		list := func(limit int) (got string) {
			for _, s := range must(db.ExpiredSessions(ctx, at, limit))(t) {
				got += s.SID
			}
			return got
		}
		same(t, list(9), "ab")
		same(t, list(1), "a")
		same(t, list(0), "")
		ok(t, db.ExpireSession(ctx, "a", at))
		for _, id := range []string{"a", "stands", "for ever", "none", "\x00"} {
			if err := db.ExpireSession(ctx, id, at); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%q: %v", id, err)
			}
		}
		same(t, list(9), "b")
		ok(t, db.ExpireSession(ctx, "b", at))
	})
}

func TestRevokeGrants(t *testing.T) {
	at := now()
	grants := []broker.Grant{
		{ID: "1", UserID: "u", ClientID: "c", SID: "s"},
		{ID: "2", UserID: "u", ClientID: "c", SID: "t", Scopes: []string{"openid", "offline_access"}},
		{ID: "3", UserID: "u", ClientID: "d", SID: "s", Scopes: []string{"not_offline_access"}},
		{ID: "4", UserID: "v", ClientID: "c", SID: "r"},
		{ID: "5", ClientID: "c"},
		{ID: "6", UserID: "u", ClientID: "c", SID: "s", RevokedAt: at, RevokedReason: "first"},
	}
	tests := []struct {
		filter broker.GrantFilter
		want   string
	}{
		{broker.GrantFilter{}, ""},
		{broker.GrantFilter{KeepOffline: true}, ""},
		{broker.GrantFilter{UserID: "u"}, "123"},
		{broker.GrantFilter{UserID: "u", KeepOffline: true}, "13"},
		{broker.GrantFilter{ClientID: "c"}, "1245"},
		{broker.GrantFilter{SID: "s"}, "13"},
		{broker.GrantFilter{UserID: "u", ClientID: "c"}, "12"},
		{broker.GrantFilter{UserID: "u", ClientID: "c", SID: "s"}, "1"},
		{broker.GrantFilter{UserID: "v", SID: "s"}, ""},
		{broker.GrantFilter{UserID: "u' OR '1'='1"}, ""},
		{broker.GrantFilter{UserID: "u\x00"}, ""},
	}
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, raw, ctx := storetest.Open(t, dsn), storetest.Raw(t, dsn), context.Background()
		for _, tt := range tests {
			for _, g := range grants {
				ok(t, db.CreateGrant(ctx, g))
			}
			n := must(db.RevokeGrants(ctx, tt.filter, "user", at.Add(time.Second)))(t)
			got := ""
			for _, g := range grants {
				if r := must(db.Grant(ctx, g.ID))(t); r.RevokedReason == "user" && r.RevokedAt.Equal(at.Add(time.Second)) {
					got += string(g.ID)
				}
			}
			if got != tt.want || n != len(tt.want) {
				t.Errorf("%+v: revoked %q (%d), want %q", tt.filter, got, n, tt.want)
			}
			same(t, must(db.Grant(ctx, "6"))(t).RevokedReason, "first")
			_, err := raw.Exec("DELETE FROM grants")
			ok(t, err)
		}
	})
}

func TestRevokeGrant(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "g"}))
		ok(t, db.RevokeGrant(ctx, "g", "user", at))
		ok(t, db.RevokeGrant(ctx, "g", "again", at.Add(time.Hour)))
		ok(t, db.RevokeGrant(ctx, "none", "user", at))
		same(t, must(db.Grant(ctx, "g"))(t), broker.Grant{ID: "g", RevokedAt: at, RevokedReason: "user"})
	})
}

func TestGrantsOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for _, g := range []broker.Grant{
			{ID: "old", CreatedAt: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)},
			{ID: "new", CreatedAt: at},
			{ID: "waits", CreatedAt: at.Add(-time.Minute), CodeHash: "w", CodeExpiresAt: at.Add(time.Minute)},
			{ID: "redeemed", CreatedAt: at.Add(-2 * time.Hour), CodeHash: "x", CodeExpiresAt: at.Add(-time.Hour), CodeUsedAt: at.Add(-time.Hour)},
			{ID: "expired", ExpiresAt: at.Add(-time.Second)},
			{ID: "revoked", RevokedAt: at},
			{ID: "abandoned", CodeHash: "y", CodeExpiresAt: at.Add(-time.Second)},
		} {
			g.UserID = "u"
			ok(t, db.CreateGrant(ctx, g))
		}
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "client's"}))
		var got []broker.GrantID
		for _, g := range must(db.GrantsOf(ctx, "u"))(t) {
			got = append(got, g.ID)
		}
		same(t, got, []broker.GrantID{"new", "waits", "old", "redeemed"})
		same(t, len(must(db.GrantsOf(ctx, ""))(t)), 0)
	})
}

func TestEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for i, id := range []string{"1", "2", "3", "4"} {
			ok(t, db.AddEvent(ctx, broker.Event{ID: id, At: at.Add(time.Duration(i/2) * time.Second), UserID: "u", Name: "n"}))
		}
		ok(t, db.AddEvent(ctx, broker.Event{ID: "0", At: at, UserID: "v"}))
		list := func(user broker.UserID, limit int) (got string) {
			for _, e := range must(db.Events(ctx, user, limit))(t) {
				got += e.ID
			}
			return got
		}
		same(t, list("u", 9), "4321")
		same(t, list("u", 2), "43")
		same(t, list("", 9), "43210")
		same(t, list("v", 9), "0")
		same(t, list("u", 0), "")
	})
}

// TestCreateSessionOf: a session begins only for a user who is still as they were
// when they were authenticated, as far as it matters, and waits for whoever is
// just changing that.
func TestCreateSessionOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateUser(ctx, broker.User{ID: "ada", Email: "ada@example.org", PasswordSetAt: at.Add(-time.Hour), CreatedAt: at}))
		was := must(db.User(ctx, "ada"))(t)
		s := broker.Session{IDHash: "s", SID: "sid", UserID: "ada", AMR: []string{"pwd"}, AuthTime: at, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour), Data: []byte{1}}
		ok(t, db.CreateSessionOf(ctx, s, was))
		same(t, must(db.Session(ctx, "s"))(t), s)
		gone, other := was, was
		gone.ID, other.PasswordSetAt = "eve", at
		for _, u := range []broker.User{gone, other, {}} {
			if err := db.CreateSessionOf(ctx, broker.Session{IDHash: "t"}, u); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("%q: %v", u.ID, err)
			}
		}
		behind := func(change func(u *broker.User)) error {
			late := make(chan error, 1)
			ok(t, db.InTx(ctx, func(ctx context.Context) error {
				u := must(db.LockUser(ctx, "ada"))(t)
				change(&u)
				ok(t, db.UpdateUser(ctx, u))
				go func() {
					late <- db.CreateSessionOf(context.Background(), broker.Session{IDHash: "late", UserID: "ada", ACR: broker.ACRSingle}, was)
				}()
				select {
				case err := <-late:
					late <- err
					t.Errorf("did not wait: %v", err)
				case <-time.After(100 * time.Millisecond):
				}
				_, err := db.EndSessions(ctx, "ada", "")
				return err
			}))
			return <-late
		}
		if err := behind(func(u *broker.User) { u.SecondFactorAt = at }); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("without the first second factor: %v", err)
		}
		s.ACR = broker.ACRSecond
		ok(t, db.CreateSessionOf(ctx, s, was)) // which has seen it
		was = must(db.User(ctx, "ada"))(t)
		ok(t, db.CreateSessionOf(ctx, broker.Session{IDHash: "r", UserID: "ada", ACR: broker.ACRSingle, Remembered: "b"}, was))
		if err := behind(func(u *broker.User) { u.SignedOutAt = at }); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("behind the end of all sessions: %v", err)
		}
		same(t, len(must(db.SessionsOf(ctx, "ada"))(t)), 0)
	})
}
