package storetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// upstream signs somebody in from a session at a provider.
func upstream(t *testing.T, db *store.DB, id, provider string, u broker.Upstream, since time.Time) error {
	t.Helper()
	ok(t, db.CreateSession(context.Background(), broker.Session{IDHash: id, SID: "sid-" + id, UserID: "user-" + broker.UserID(id), ExpiresAt: now().Add(time.Hour)}))
	return db.CreateUpstream(context.Background(), id, provider, u, since)
}

// TestEndUpstream: each kind of logout token ends the sessions that it means, and
// no other.
func TestEndUpstream(t *testing.T) {
	sessions := map[string]struct {
		provider string
		u        broker.Upstream
	}{
		"mine":      {"p", broker.Upstream{Issuer: "i", Subject: "ada", SID: "1"}},
		"second":    {"p", broker.Upstream{Issuer: "i", Subject: "ada", SID: "2"}},
		"untold":    {"p", broker.Upstream{Issuer: "i", Subject: "ada"}},
		"bob":       {"p", broker.Upstream{Issuer: "i", Subject: "bob", SID: "3"}},
		"bobUntold": {"p", broker.Upstream{Issuer: "i", Subject: "bob"}},
		"provider":  {"q", broker.Upstream{Issuer: "i", Subject: "ada", SID: "1"}},
		"issuer":    {"p", broker.Upstream{Issuer: "j", Subject: "ada", SID: "1"}},
	}
	for _, tt := range []struct {
		name         string
		subject, sid string
		want         []string
	}{
		{"sub", "ada", "", []string{"mine", "second", "untold"}},
		{"sid", "", "1", []string{"mine"}},
		{"both", "ada", "2", []string{"second", "untold"}},
		{"sid of somebody else", "ada", "3", []string{"untold"}},
		{"neither", "", "", nil},
		{"unknown", "eve", "9", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := context.Background()
				for id, s := range sessions {
					ok(t, upstream(t, db, id, s.provider, s.u, now()))
				}
				ok(t, db.CreateSession(ctx, broker.Session{IDHash: "password", UserID: "user-mine", SID: "other"}))
				ended := must(db.EndUpstream(ctx, broker.UpstreamLogout{Provider: "p", Issuer: "i", Subject: tt.subject, SID: tt.sid}))(t)
				var got []string
				for _, s := range ended {
					got = append(got, s.SID[len("sid-"):])
					if s.UserID != "user-"+broker.UserID(s.SID[len("sid-"):]) {
						t.Errorf("%+v", s)
					}
				}
				slices.Sort(got)
				same(t, got, tt.want)
				for id := range sessions {
					_, err := db.Session(ctx, id)
					_, err2 := db.Upstream(ctx, id) // goes with its session
					if gone := errors.Is(err, broker.ErrNotFound); gone != slices.Contains(tt.want, id) || gone != errors.Is(err2, broker.ErrNotFound) {
						t.Errorf("%s: %v, %v", id, err, err2)
					}
				}
				must(db.Session(ctx, "password"))(t)
			})
		})
	}
}

// TestUpstreamComesBack: what was kept of a sign-in comes back whole, and a login
// carries it until then.
func TestUpstreamComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, u := context.Background(), filled[broker.Upstream](t)
		ok(t, upstream(t, db, "a", "p", u, now()))
		same(t, must(db.Upstream(ctx, "a"))(t), u)
		ok(t, db.DeleteSession(ctx, "a"))
		if _, err := db.Upstream(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("it outlived its session: %v", err)
		}
		if err := db.CreateUpstream(ctx, "a", "p", u, now()); err == nil {
			t.Error("one without a session")
		}
	})
}

// TestLogoutBeforeSession: what was proven before the provider told of a sign-out
// does not become a session after it.
func TestLogoutBeforeSession(t *testing.T) {
	for _, tt := range []struct {
		name string
		l    broker.UpstreamLogout
		u    broker.Upstream
		ago  time.Duration // since the identity was proven
		want error
	}{
		{"sub", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Minute, broker.ErrSpent},
		{"sid", broker.UpstreamLogout{SID: "1"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Minute, broker.ErrSpent},
		{"both", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Minute, broker.ErrSpent},
		{"sid was not told", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada"}, time.Minute, broker.ErrSpent},
		{"proven after it", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "ada", SID: "1"}, -time.Minute, nil},
		{"another session", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada", SID: "2"}, time.Minute, nil},
		{"another person", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "bob"}, time.Minute, nil},
		{"another person with that sid", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "bob", SID: "1"}, time.Minute, nil},
		{"both without sid", broker.UpstreamLogout{SID: "1"}, broker.Upstream{Subject: "ada"}, time.Minute, nil},
		{"another issuer", broker.UpstreamLogout{Issuer: "other", Subject: "ada"}, broker.Upstream{Subject: "ada"}, time.Minute, nil},
		{"another provider", broker.UpstreamLogout{Provider: "q", Subject: "ada"}, broker.Upstream{Subject: "ada"}, time.Minute, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				at := now()
				if tt.l.Provider == "" {
					tt.l.Provider = "p"
				}
				if tt.l.Issuer == "" {
					tt.l.Issuer = "i"
				}
				tt.l.JTI, tt.u.Issuer = "jti", "i"
				ok(t, db.SpendLogout(context.Background(), tt.l, at))
				if err := upstream(t, db, "a", "p", tt.u, at.Add(-tt.ago)); !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
			})
		})
	}
}

// TestLateLogout: a session that was committed at the moment of the logout token, so
// that neither saw the other, ends afterwards; what began later stays, and so does
// what the token does not mean.
func TestLateLogout(t *testing.T) {
	for _, tt := range []struct {
		name string
		l    broker.UpstreamLogout
		u    broker.Upstream
		ago  time.Duration // since the identity was proven, before the token came
		late bool
	}{
		{"sub", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Second, true},
		{"sid", broker.UpstreamLogout{SID: "1"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Second, true},
		{"both", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada", SID: "1"}, time.Second, true},
		{"sid was not told", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada"}, time.Second, true},
		{"proven after it", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "ada", SID: "1"}, -time.Second, false},
		{"another session", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "ada", SID: "2"}, time.Second, false},
		{"another person", broker.UpstreamLogout{Subject: "ada"}, broker.Upstream{Subject: "bob"}, time.Second, false},
		{"another person with that sid", broker.UpstreamLogout{Subject: "ada", SID: "1"}, broker.Upstream{Subject: "bob", SID: "1"}, time.Second, false},
		{"both without sid", broker.UpstreamLogout{SID: "1"}, broker.Upstream{Subject: "ada"}, time.Second, false},
		{"another issuer", broker.UpstreamLogout{Issuer: "other", Subject: "ada"}, broker.Upstream{Subject: "ada"}, time.Second, false},
		{"another provider", broker.UpstreamLogout{Provider: "q", Subject: "ada"}, broker.Upstream{Subject: "ada"}, time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx, at := context.Background(), now()
				if tt.l.Provider == "" {
					tt.l.Provider = "p"
				}
				if tt.l.Issuer == "" {
					tt.l.Issuer = "i"
				}
				tt.l.JTI, tt.u.Issuer, tt.l.ExpiresAt = "jti", "i", at.Add(time.Minute)
				ok(t, db.CreateSession(ctx, broker.Session{IDHash: "a", SID: "sid-a", UserID: "ada", AuthTime: at.Add(-tt.ago), ExpiresAt: at.Add(time.Hour)}))
				ok(t, db.CreateUpstream(ctx, "a", "p", tt.u, at.Add(-tt.ago)))
				ok(t, db.SpendLogout(ctx, tt.l, at)) // which saw no session
				same(t, len(must(db.EndLateUpstream(ctx, at.Add(time.Second), at))(t)), 0)
				got := must(db.EndLateUpstream(ctx, at.Add(-time.Minute), at))(t)
				if tt.late != (len(got) == 1) || tt.late && (got[0].SID != "sid-a" || got[0].UserID != "ada") {
					t.Errorf("ended %+v", got)
				}
				if _, err := db.Session(ctx, "a"); tt.late != errors.Is(err, broker.ErrNotFound) {
					t.Error(err)
				}
			})
		})
	}
}

// TestLogoutTokenIsSpentOnce: also where it comes sixteen times at once; the
// same jti of another provider is another token.
func TestLogoutTokenIsSpentOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		l := broker.UpstreamLogout{Provider: "p", Issuer: "i", Subject: "ada", JTI: "jti", ExpiresAt: at.Add(time.Minute)}
		var spent atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				switch err := db.SpendLogout(ctx, l, at); {
				case err == nil:
					spent.Add(1)
				case !errors.Is(err, broker.ErrSpent):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		same(t, spent.Load(), int32(1))
		other := l
		other.Provider = "q"
		ok(t, db.SpendLogout(ctx, other, at))
		same(t, must(db.Prune(ctx, at))(t), 0)
		same(t, must(db.Prune(ctx, at.Add(2*time.Hour)))(t), 2)
	})
}
