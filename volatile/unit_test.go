package volatile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/volatile"
	"idbroker/volatile/volatiletest"
)

// left is a database whose visitor leaves at the very moment of the commit.
type left struct {
	*store.DB
	leave func()
}

func (l left) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	err := l.DB.InTx(ctx, fn)
	l.leave()
	return err
}

// TestUnits: Redis hears of a unit of work when the outermost one was committed, of
// none that was not, and is not asked meanwhile.
func TestUnits(t *testing.T) {
	s := volatiletest.Start(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := s.Client()
		c.FlushAll(t.Context())
		trips := 0
		home := volatiletest.Over(t, db, s, "p:", volatiletest.OnTrip(func(error) { trips++ }))
		ctx, at := t.Context(), now()
		ok(t, home.CreateSession(ctx, adas("stays", at)))
		size := func() int64 { return c.DBSize(ctx).Val() }
		before := size()
		trips = 0
		refused := errors.New("refused")
		if err := home.InTx(ctx, func(ctx context.Context) error {
			ok(t, home.CreateSession(ctx, adas("a", at)))
			must(home.EndSessions(ctx, "ada", "sid-a"))(t)
			return refused
		}); !errors.Is(err, refused) {
			t.Errorf("the unit returned %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = home.InTx(ctx, func(ctx context.Context) error {
				must(home.EndSessions(ctx, "ada", ""))(t)
				panic("in the middle")
			})
		}()
		if size() != before || trips != 0 {
			t.Errorf("%d keys, %d round trips after units that were not committed", size(), trips)
		}
		must(home.Session(ctx, "stays"))(t)

		// A visitor who leaves at the commit does not keep the rest from being done.
		leaving, leave := context.WithCancel(ctx)
		hasty := volatiletest.Over(t, left{db, leave}, s, "p:")
		ok(t, hasty.InTx(leaving, func(ctx context.Context) error { return hasty.CreateSession(ctx, adas("c", at)) }))
		must(home.Session(ctx, "c"))(t)
		ok(t, home.DeleteSession(ctx, "c"))
		trips = 0
		ok(t, home.InTx(ctx, func(ctx context.Context) error {
			ok(t, home.InTx(ctx, func(ctx context.Context) error { return home.CreateSession(ctx, adas("b", at)) }))
			ok(t, home.SaveSessionData(ctx, adas("stays", at)))
			ok(t, home.SaveSession(ctx, adas("stays", at)))
			rows := must(home.SessionsOf(ctx, "ada"))(t)
			same(t, len(rows), 2)
			for what, err := range map[string]error{
				"look":   func() error { _, _, err := home.SessionUser(ctx, "stays"); return err }(),
				"touch":  home.TouchSession(ctx, adas("stays", at)),
				"tokens": func() error { _, err := home.TakeTokens(ctx, at, broker.Charge{Key: "k"}); return err }(),
				"return": home.ReturnToken(ctx, "k"),
			} {
				if err == nil {
					t.Errorf("%s: Redis would be asked in a unit of work", what)
				}
			}
			if trips != 0 {
				t.Errorf("%d round trips inside the unit", trips)
			}
			return nil
		}))
		same(t, trips, 1)
		must(home.Session(ctx, "b"))(t)
	})
}

// TestNotKept: where Redis goes away before the commit, a session that was to begin is
// none, and one that was to end has ended.
func TestNotKept(t *testing.T) {
	s := volatiletest.Start(t)
	db := storetest.New(t)
	home, ctx, at := volatiletest.Over(t, db, s, "p:"), t.Context(), now()
	ok(t, home.CreateSession(ctx, adas("old", at)))
	err := home.InTx(ctx, func(ctx context.Context) error {
		s.Kill()
		return home.CreateSession(ctx, adas("new", at))
	})
	if !errors.Is(err, volatile.ErrAway) || broker.KindOf(err) != broker.KindUnavailable || !strings.Contains(err.Error(), "redis") {
		t.Errorf("the unit returned %v", err)
	}
	if e, ok := errors.AsType[*broker.Error](err); !ok || e.Words() != "error.not_kept" {
		t.Errorf("the person is told %v", e)
	}
	ok(t, home.InTx(ctx, func(ctx context.Context) error {
		_, err := home.EndSessions(ctx, "ada", "sid-new")
		return err
	}))
	ok(t, home.EndSession(ctx, "ada", "sid-new"))
	same(t, len(must(db.SessionsOf(ctx, "ada"))(t)), 0)
	s.Revive()
	for _, id := range []string{"old", "new"} {
		if _, err := home.Session(ctx, id); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestErased: what stays in Redis of an account that was erased while Redis did not
// answer, nobody can open, not even with the keyring: the hash that it is sealed under
// went with the row.
func TestErased(t *testing.T) {
	s := volatiletest.Start(t)
	db := storetest.New(t)
	home, c, ctx, at := volatiletest.Over(t, db, s, "p:"), s.Client(), t.Context(), now()
	ok(t, home.CreateSession(ctx, adas("a", at)))
	must(db.EndSessions(ctx, "ada", ""))(t) // as where the flush fails
	if c.DBSize(ctx).Val() == 0 {
		t.Fatal("nothing is left to be opened")
	}
	if _, err := home.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("with the cookie that it had: %v", err)
	}
	for _, key := range c.Keys(ctx, "*").Val() {
		if left := c.PTTL(ctx, key).Val(); left <= 0 || left > time.Hour {
			t.Errorf("%s stays for %s", key, left)
		}
	}
	// In the usual case nothing is left.
	ok(t, home.CreateSession(ctx, adas("b", at)))
	must(home.EndSessions(ctx, "ada", ""))(t)
	same(t, len(c.Keys(ctx, "*").Val()), 3) // a's
}

// TestLifetimes: how long what stays.
func TestLifetimes(t *testing.T) {
	s := volatiletest.Start(t)
	const idle, keep = 20 * time.Minute, 10 * time.Minute
	home := volatiletest.Over(t, storetest.New(t), s, "p:", volatiletest.Idle(idle), volatiletest.KeepIPs(keep))
	c, ctx, at := s.Client(), t.Context(), now()
	left := func(kind string) time.Duration {
		keys := c.Keys(ctx, "p:"+kind+":*").Val()
		if len(keys) == 0 {
			return 0
		}
		return c.PTTL(ctx, keys[0]).Val().Round(time.Minute)
	}
	lives := func(what string, seen, place, data time.Duration) {
		t.Helper()
		if got := [...]time.Duration{left("s"), left("i"), left("d")}; got != [...]time.Duration{seen, place, data} {
			t.Errorf("%s: %s, want %s, %s, %s", what, got, seen, place, data)
		}
	}
	a := adas("a", at)
	ok(t, home.CreateSession(ctx, a))
	lives("ordinary", idle, keep, idle)
	a.IPAt = at.Add(-6 * time.Minute)
	ok(t, home.TouchSession(ctx, a))
	lives("the same address", idle, 4*time.Minute, idle)
	a.IPAt = at.Add(-keep)
	ok(t, home.TouchSession(ctx, a))
	lives("an old address", idle, 0, idle)
	same(t, must(home.Session(ctx, "a"))(t).IP, "")
	a.IPAt = at
	ok(t, home.TouchSession(ctx, a))
	a.Lasting, a.ExpiresAt = true, at.Add(90*24*time.Hour)
	ok(t, home.SaveSession(ctx, a))
	lives("lasting", 90*24*time.Hour, keep, 90*24*time.Hour)
	a.Lasting, a.ExpiresAt = false, at.Add(5*time.Minute)
	ok(t, home.SaveSession(ctx, a))
	lives("about to end", 5*time.Minute, 5*time.Minute, 5*time.Minute)
	a.Data = nil
	ok(t, home.SaveSessionData(ctx, a))
	lives("without a notice", 5*time.Minute, 5*time.Minute, 0)
	a.ExpiresAt = at.Add(-time.Second)
	ok(t, home.SaveSession(ctx, a))
	lives("ended", 0, 0, 0)
	ok(t, home.TouchSession(ctx, a))
	lives("touched behind its end", 0, 0, 0)
}
