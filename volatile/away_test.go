package volatile_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/volatile"
	"idbroker/volatile/volatiletest"
)

// TestAway: while Redis is away all that needs it says so, with a kind that the pages
// know; the log says once what to do; when it is back, empty, nobody is signed in, and
// whoever signs in is.
func TestAway(t *testing.T) {
	s := volatiletest.Start(t)
	var log bytes.Buffer
	trips := map[bool]int{}
	db := storetest.New(t)
	home := volatiletest.Over(t, db, s, "p:", volatiletest.Log(slog.New(slog.NewTextHandler(&log, nil))), volatiletest.OnTrip(func(err error) { trips[err == nil]++ }))
	ctx, at := t.Context(), now()
	ok(t, home.CreateSession(ctx, adas("a", at)))
	if !home.Redis.Up() {
		t.Error("it is not up")
	}
	s.Kill()
	charge := broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Minute}}
	for what, do := range map[string]func() error{
		"look":    func() error { _, _, err := home.SessionUser(ctx, "a"); return err },
		"session": func() error { _, err := home.Session(ctx, "a"); return err },
		"list":    func() error { _, err := home.SessionsOf(ctx, "ada"); return err },
		"touch":   func() error { return home.TouchSession(ctx, adas("a", at)) },
		"notice":  func() error { return home.SaveSessionData(ctx, adas("a", at)) },
		"visitor": func() error {
			return home.CreateSession(ctx, broker.Session{IDHash: "v", SID: "v", ExpiresAt: at.Add(time.Hour)})
		},
		"try":    func() error { _, err := home.TakeTokens(ctx, at, charge); return err },
		"return": func() error { return home.ReturnToken(ctx, "k") },
		"ping":   func() error { _, err := home.Redis.Look(ctx); return err },
	} {
		if err := do(); !errors.Is(err, volatile.ErrAway) || broker.KindOf(err) != broker.KindUnavailable {
			t.Errorf("%s: %v", what, err)
		}
	}
	if home.Redis.Up() || trips[false] != 9 {
		t.Errorf("up: %t, %v", home.Redis.Up(), trips)
	}
	if n := strings.Count(log.String(), "redis does not answer"); n != 1 || !strings.Contains(log.String(), "redis.url") {
		t.Errorf("the log has it %d times:\n%s", n, log.String())
	}
	s.Revive()
	if _, err := home.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("after Redis had lost its memory: %v", err)
	}
	same(t, len(must(home.SessionsOf(ctx, "ada"))(t)), 0)
	if n := strings.Count(log.String(), "redis answers again"); n != 1 || !home.Redis.Up() {
		t.Errorf("the log has %d times that it is back", n)
	}
	ok(t, home.TouchSession(ctx, adas("a", at))) // of a request that was under way brings nothing back
	if _, err := home.Session(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("after a touch: %v", err)
	}
	ok(t, home.CreateSession(ctx, adas("b", at)))
	same(t, must(home.SessionsOf(ctx, "ada"))(t), []broker.Session{adas("b", at)})
	// The row of the one that was lost is there until its end, and its applications are told then.
	same(t, len(must(db.SessionsOf(ctx, "ada"))(t)), 2)
	same(t, broker.SIDs(must(db.ExpiredSessions(ctx, at.Add(2*time.Hour), 9))(t)), []string{"sid-a", "sid-b"})
}

// TestFlushed: a FLUSHALL signs people out and makes buckets full; scripts that Redis has
// forgotten are told again.
func TestFlushed(t *testing.T) {
	s := volatiletest.Start(t)
	home, ctx, at := volatiletest.Over(t, storetest.New(t), s, "p:"), t.Context(), now()
	charge := broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}}
	for range 2 {
		ok(t, home.CreateSession(ctx, adas("a", at)))
		ok(t, home.TouchSession(ctx, adas("a", at)))
		ok(t, home.SaveSessionData(ctx, adas("a", at)))
		same(t, must(home.TakeTokens(ctx, at, charge))(t)[0].Refused, false)
		same(t, must(home.TakeTokens(ctx, at, charge))(t)[0].Refused, true)
		ok(t, s.Client().FlushAll(ctx).Err())
		ok(t, s.Client().ScriptFlush(ctx).Err())
		if _, _, err := home.SessionUser(ctx, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("after it was flushed: %v", err)
		}
		ok(t, home.DeleteSession(ctx, "a"))
	}
}

// TestFullMemory: a Redis that takes no more writes is away for who wants to sign in,
// and the log does not fill.
func TestFullMemory(t *testing.T) {
	s := volatiletest.Start(t)
	var log bytes.Buffer
	db := storetest.New(t)
	home := volatiletest.Over(t, db, s, "p:", volatiletest.Log(slog.New(slog.NewTextHandler(&log, nil))))
	ctx, at := t.Context(), now()
	ok(t, home.CreateSession(ctx, adas("a", at)))
	ok(t, s.Client().ConfigSet(ctx, "maxmemory", "1").Err())
	for range 5 {
		if err := home.CreateSession(ctx, adas(broker.NewID(), at)); !errors.Is(err, volatile.ErrAway) {
			t.Errorf("create: %v", err)
		}
		must(home.Session(ctx, "a"))(t) // reading goes on
	}
	if n := strings.Count(log.String(), "\n"); n > 10 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
}

// TestHealth: what an operator is told of a Redis.
func TestHealth(t *testing.T) {
	for policy, advised := range map[string]bool{"noeviction": false, "allkeys-lru": true, "volatile-ttl": true} {
		s := volatiletest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", policy)
		home := volatiletest.Over(t, storetest.New(t), s, "p:")
		h := must(home.Redis.Look(t.Context()))(t)
		if h.Policy != policy || h.MaxMemory != 64<<20 || h.Used == 0 || h.Version == "" || h.RoundTrip <= 0 {
			t.Errorf("%+v", h)
		}
		if advice := h.Advice(); advice != "" != advised || advised && !strings.Contains(advice, "noeviction") {
			t.Errorf("%s: %q", policy, advice)
		}
		ok(t, home.Redis.Try(t.Context()))
		same(t, s.Client().DBSize(t.Context()).Val(), int64(0))
	}
	if (volatile.Health{Policy: "allkeys-lru"}).Evicts() {
		t.Error("without a limit nothing is removed")
	}
}

// TestRestrictedUser: with the rights that the documents name all works; without, the
// check says so.
func TestRestrictedUser(t *testing.T) {
	s := volatiletest.Start(t)
	c, ctx, at := s.Client(), t.Context(), now()
	rights := []any{"on", ">secret", "~p:*", "+ping", "+info", "+getrange", "+set", "+del", "+pexpire", "+pttl", "+eval", "+evalsha"}
	ok(t, c.Do(ctx, append([]any{"acl", "setuser", "broker"}, rights...)...).Err())
	ok(t, c.Do(ctx, append([]any{"acl", "setuser", "poor"}, "on", ">secret", "~p:*", "+ping", "+info", "+get")...).Err())
	ok(t, c.Do(ctx, "acl", "setuser", "default", "off").Err())
	as := func(user string) *volatiletest.Server {
		return &volatiletest.Server{URL: strings.Replace(s.URL, "unix://", "unix://"+user+":secret@", 1)}
	}
	home := volatiletest.Over(t, storetest.New(t), as("broker"), "p:")
	ok(t, home.Redis.Try(ctx))
	ok(t, home.CreateSession(ctx, adas("a", at)))
	ok(t, home.TouchSession(ctx, adas("a", at)))
	ok(t, home.SaveSessionData(ctx, adas("a", at)))
	ok(t, home.SaveSession(ctx, adas("a", at)))
	must(home.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 2, Every: time.Hour}}))(t)
	ok(t, home.ReturnToken(ctx, "k"))
	ok(t, home.DeleteSession(ctx, "a"))
	stranger := volatiletest.Over(t, storetest.New(t), &volatiletest.Server{URL: strings.Replace(s.URL, "unix://", "unix://broker:wrong@", 1)}, "p:")
	_, err := stranger.Redis.Look(ctx)
	_, err2 := stranger.Session(ctx, "a")
	for _, err := range []error{err, err2, stranger.TouchSession(ctx, adas("a", at)), stranger.CreateSession(ctx, adas("b", at))} {
		if !errors.Is(err, volatile.ErrAway) || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("with a wrong password: %v", err)
		}
	}
	poor := volatiletest.Over(t, storetest.New(t), as("poor"), "p:")
	if err := poor.Redis.Try(ctx); !errors.Is(err, volatile.ErrAway) || !strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// TestOpenRefuses: what cannot be used is refused without being shown.
func TestOpenRefuses(t *testing.T) {
	ca := []byte("no certificate")
	for name, o := range map[string]volatile.Options{
		"nothing":      {},
		"no URL":       {URL: "s3cret"},
		"a scheme":     {URL: "http://u:s3cret@localhost"},
		"a port":       {URL: "redis://u:s3cret@localhost:port/0"},
		"a number":     {URL: "redis://u:s3cret@localhost/x"},
		"CA, no TLS":   {URL: "redis://u:s3cret@localhost/0", CA: ca},
		"no CA at all": {URL: "rediss://u:s3cret@localhost/0", CA: ca},
	} {
		r, err := volatile.Open(o)
		if err == nil {
			t.Errorf("%s: opened %v", name, r)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}
