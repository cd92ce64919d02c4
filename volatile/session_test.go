package volatile_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/volatile/volatiletest"
)

// sessions is what both homes of sessions do.
type sessions interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	CreateSession(ctx context.Context, s broker.Session) error
	CreateSessionOf(ctx context.Context, s broker.Session, u broker.User) error
	Session(ctx context.Context, idHash string) (broker.Session, error)
	SessionUser(ctx context.Context, idHash string) (broker.Session, broker.User, error)
	SaveSession(ctx context.Context, s broker.Session) error
	SaveSessionData(ctx context.Context, s broker.Session) error
	TouchSession(ctx context.Context, s broker.Session) error
	DeleteSession(ctx context.Context, idHash string) error
	TakeSession(ctx context.Context, idHash string) error
	TakeSessions(ctx context.Context, f broker.SessionFilter) ([]broker.Session, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	EndSession(ctx context.Context, user broker.UserID, sid string) error
	EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error)
	EndRemembered(ctx context.Context, user broker.UserID, remembered string) ([]string, error)
	EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error)
	EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error)
	ExpireSession(ctx context.Context, idHash string, at time.Time) error
}

func now() time.Time { return time.UnixMicro(time.Now().UnixMicro()).UTC() }

// adas is a session of ada's.
func adas(id string, at time.Time) broker.Session {
	return broker.Session{
		IDHash: id, SID: "sid-" + id, UserID: "ada", AuthTime: at, AMR: []string{"pwd"}, ACR: broker.ACRSingle, Provider: "orcid",
		Data: []byte(`{"notices":[]}`), UserAgent: "Firefox <1> & \u2028", IP: "2001:db8::1", IPAt: at, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour),
	}
}

// story is a life of sessions, and what is seen of it.
func story(t *testing.T, db *store.DB, home sessions, at time.Time) (seen []any) {
	ctx := t.Context()
	see := func(what any, err error) {
		t.Helper()
		if slice, ok := what.([]string); ok {
			slices.Sort(slice)
		}
		kind := broker.KindOf(err)
		if err != nil && kind == broker.KindInternal {
			t.Error(err)
		}
		seen = append(seen, what, err != nil, kind)
	}
	look := func(id string) {
		t.Helper()
		see(home.Session(ctx, id))
		s, u, err := home.SessionUser(ctx, id)
		see([]any{s, u.ID}, err)
	}
	do := func(err error) { t.Helper(); see(nil, err) }
	ada := broker.User{ID: "ada", Email: "ada@example.org", CreatedAt: at}
	ok(t, db.CreateUser(ctx, ada))
	for i, id := range []string{"a", "b", "c", "d"} {
		s := adas(id, at)
		s.LastSeenAt = at.Add(time.Duration(i) * time.Second)
		do(home.CreateSessionOf(ctx, s, ada))
		look(id)
	}
	do(home.CreateSessionOf(ctx, adas("late", at), broker.User{ID: "ada", SignedOutAt: at})) // refused
	look("late")
	visitor := adas("nobody", at)
	visitor.UserID, visitor.AuthTime, visitor.AMR, visitor.ACR, visitor.Provider = "", time.Time{}, nil, "", ""
	do(home.CreateSession(ctx, visitor))
	look("nobody")
	see(home.SessionsOf(ctx, "ada"))

	// Uses, of which the slower does not take a turn back.
	s := adas("a", at)
	s.LastSeenAt, s.UserAgent, s.IP, s.IPAt = at.Add(time.Minute), "Chrome", "192.0.2.1", at.Add(time.Minute)
	s.Turn, s.TurnedAt, s.ShownAt = 2, at.Add(time.Minute), at.Add(2*time.Minute)
	do(home.TouchSession(ctx, s))
	look("a")
	was := adas("a", at)
	was.Turn, was.LastSeenAt = 1, at.Add(time.Hour)
	do(home.TouchSession(ctx, was))
	look("a")
	do(home.TouchSession(ctx, adas("none", at)))
	look("none")
	visitor.LastSeenAt = at.Add(time.Minute)
	do(home.TouchSession(ctx, visitor))
	look("nobody")
	see(home.SessionsOf(ctx, "ada"))

	// What it is worth, and its notice.
	was.ACR, was.AMR, was.Lasting, was.ExpiresAt, was.Data = broker.ACRSecond, []string{"pwd", "otp"}, true, at.Add(90*24*time.Hour), []byte("other")
	was.Remembered = "laptop"
	do(home.SaveSession(ctx, was))
	look("a")
	do(home.SaveSessionData(ctx, was))
	look("a")
	was.Data = nil
	do(home.SaveSessionData(ctx, was))
	look("a")
	visitor.Data = []byte("two")
	do(home.SaveSessionData(ctx, visitor))
	look("nobody")
	do(home.SaveSession(ctx, adas("none", at)))
	do(home.SaveSessionData(ctx, adas("none", at)))

	// Another secret.
	next := adas("a2", at)
	next.SID = "sid-a"
	do(home.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(home.CreateSession(ctx, next), home.TakeSession(ctx, "a"))
	}))
	look("a")
	look("a2")
	do(home.TouchSession(ctx, was)) // of a request that was under way
	look("a")
	look("a2")
	do(home.TakeSession(ctx, "a"))

	// Ends.
	do(home.EndSession(ctx, "ada", "sid-b"))
	do(home.EndSession(ctx, "ada", "sid-b"))
	do(home.EndSession(ctx, "ada", ""))
	do(home.EndSession(ctx, "", "sid-nobody"))
	look("b")
	see(home.EndSessions(ctx, "ada", "sid-a"))
	see(home.SessionsOf(ctx, "ada"))
	far := adas("far", at)
	far.Remembered = "phone"
	do(home.CreateSession(ctx, far))
	see(home.EndRemembered(ctx, "ada", ""))
	see(home.EndRemembered(ctx, "ada", "laptop"))
	see(home.EndRemembered(ctx, "ada", "phone"))
	look("far")
	do(home.ExpireSession(ctx, "a2", at))
	do(home.ExpireSession(ctx, "a2", at.Add(2*time.Hour)))
	look("a2")
	do(home.DeleteSession(ctx, "nobody"))
	do(home.DeleteSession(ctx, "nobody"))
	look("nobody")

	// A provider's word.
	up := adas("up", at)
	do(home.CreateSession(ctx, up))
	ok(t, db.CreateUpstream(ctx, "up", "orcid", broker.Upstream{Issuer: "i", Subject: "s"}, at))
	gone, err := home.EndUpstream(ctx, broker.UpstreamLogout{Provider: "orcid", Issuer: "i", Subject: "s"})
	see(gone, err)
	look("up")
	gone, err = home.EndLateUpstream(ctx, at.Add(-time.Minute), at)
	see(gone, err)
	return seen
}

// TestSameStory: what is seen of sessions is the same in both homes, and at the end
// nothing of them is in Redis.
func TestSameStory(t *testing.T) {
	s := volatiletest.Start(t)
	at := now()
	var first []any
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		alone := story(t, db, db, at)
		if first == nil {
			first = alone
		}
		same(t, alone, first)
	})
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		got := story(t, db, volatiletest.Over(t, db, s, "p:"), at)
		for i := range min(len(got), len(first)) {
			if i%3 == 0 {
				same(t, got[i:i+3], first[i:i+3])
			}
		}
		same(t, s.Client().Keys(t.Context(), "*").Val(), []string{})
	})
}

// TestReplicas: what one ends, the other does not know any more at once; what one
// notes, the other one sees.
func TestReplicas(t *testing.T) {
	s := volatiletest.Start(t)
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		s.Client().FlushAll(t.Context())
		one := volatiletest.Over(t, storetest.Open(t, dsn), s, "p:")
		other := volatiletest.Over(t, storetest.Open(t, dsn), s, "p:")
		ctx, at := t.Context(), now()
		a := adas("a", at)
		ok(t, one.CreateSession(ctx, a))
		a.Turn, a.TurnedAt = 1, at
		ok(t, other.TouchSession(ctx, a))
		same(t, must(one.Session(ctx, "a"))(t), a)
		must(other.EndSessions(ctx, "ada", ""))(t)
		if _, err := one.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("after it was ended elsewhere: %v", err)
		}
		// A broker that knows nothing of Redis ends it, too: the row decides.
		ok(t, one.CreateSession(ctx, a))
		must(storetest.Open(t, dsn).EndSessions(ctx, "ada", ""))(t)
		if _, err := one.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("after its row went: %v", err)
		}
		ok(t, one.TouchSession(ctx, a))
		if _, err := other.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("after it was touched again: %v", err)
		}
	})
}

// TestCost: a look is one round trip and one read, or none of a cookie that was made up
// and of a visitor; a touch and a notice write nothing into the database.
func TestCost(t *testing.T) {
	s := volatiletest.Start(t)
	var c storetest.Counter
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trips := 0
		home := volatiletest.Over(t, db, s, broker.NewID(), volatiletest.OnTrip(func(error) { trips++ }))
		ctx, at := t.Context(), now()
		ok(t, home.CreateSession(ctx, adas("a", at)))
		visitor := adas("nobody", at)
		visitor.UserID = ""
		ok(t, home.CreateSession(ctx, visitor))
		must(home.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}}))(t)
		for _, tt := range []struct {
			name                       string
			do                         func() error
			trips, transactions, reads int
		}{
			{"look", func() error { _, _, err := home.SessionUser(ctx, "a"); return err }, 1, 0, 1},
			{"look at a visitor", func() error { _, _, err := home.SessionUser(ctx, "nobody"); return err }, 1, 0, 0},
			{"look at a made-up cookie", func() error { _, _, _ = home.SessionUser(ctx, "none"); return nil }, 1, 0, 0},
			{"touch", func() error { return home.TouchSession(ctx, adas("a", at)) }, 1, 0, 0},
			{"notice", func() error { return home.SaveSessionData(ctx, adas("a", at)) }, 1, 0, 0},
			{"try", func() error {
				_, err := home.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}}, broker.Charge{Key: "l", Limit: broker.Limit{Burst: 1, Every: time.Hour}})
				return err
			}, 1, 0, 0},
			{"begin", func() error { return home.CreateSession(ctx, adas("b", at)) }, 1, 1, 0},
			{"list", func() error { _, err := home.SessionsOf(ctx, "ada"); return err }, 1, 0, 1},
			{"unit without sessions", func() error { return home.InTx(ctx, func(context.Context) error { return nil }) }, 0, 1, 0},
		} {
			_ = tt.do() // scripts are loaded, statements prepared
			if tt.name == "begin" {
				ok(t, home.DeleteSession(ctx, "b"))
			}
			c.Reset()
			trips = 0
			ok(t, tt.do())
			if trips != tt.trips || c.Transactions() != tt.transactions || c.Reads() != tt.reads {
				t.Errorf("%s: %d round trips, %d transactions, %d reads; want %d, %d, %d", tt.name, trips, c.Transactions(), c.Reads(), tt.trips, tt.transactions, tt.reads)
			}
		}
	}, c.Option())
}
