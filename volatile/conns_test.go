package volatile_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/volatile"
	"idbroker/volatile/volatiletest"
)

// dialed is how many connections a server has had of others than its own client.
func dialed(t *testing.T, c *volatiletest.Client) int {
	t.Helper()
	text := must(redis.String(c.Do(t.Context(), "INFO", "stats").Val(), nil))(t)
	_, text, _ = strings.Cut(text, "total_connections_received:")
	return must(redis.Int([]byte(strings.SplitN(text, "\r\n", 2)[0]), nil))(t)
}

// crowd does something n times at once, while the server answers nobody, so that each
// needs a connection, and returns how often it did not succeed.
func crowd(t *testing.T, c *volatiletest.Client, n int, do func() error) (failed int) {
	t.Helper()
	ok(t, c.Do(t.Context(), "CLIENT", "PAUSE", "200").Err())
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = do() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			failed++
			t.Log(err)
		}
	}
	return failed
}

// TestRestarted: a Redis that was restarted behind many connections fails nobody who comes
// after that.
func TestRestarted(t *testing.T) {
	s := volatiletest.Start(t)
	var failed int
	home := volatiletest.Over(t, storetest.New(t), s, "p:", volatiletest.OnTrip(func(err error) {
		if err != nil {
			failed++
		}
	}))
	ctx, at := t.Context(), now()
	c := s.Client()
	if n := crowd(t, c, 8, func() error { return home.TouchSession(ctx, adas("a", at)) }); n != 0 {
		t.Fatalf("%d failed", n)
	}
	if n := dialed(t, c); n < 6 {
		t.Fatalf("there are %d connections", n)
	}
	s.Kill()
	s.Revive()
	c = s.Client() // the other one is to a server that is gone
	for range 8 {
		ok(t, home.CreateSession(ctx, adas(broker.NewID(), at)))
	}
	if failed != 0 {
		t.Errorf("%d round trips failed", failed)
	}
	// So does a server that closes what nobody uses, whatever is sent next.
	for what, do := range map[string]func() error{
		"script": func() error { return home.TouchSession(ctx, adas("a", at)) },
		"tokens": func() error {
			_, err := home.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}})
			return err
		},
		"ping": func() error { _, err := home.Redis.Look(ctx); return err },
	} {
		ok(t, c.Do(ctx, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err())
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCrowd: more people than there are connections wait for one, and no more are made.
func TestCrowd(t *testing.T) {
	s := volatiletest.Start(t)
	home, c, ctx := volatiletest.Over(t, storetest.New(t), s, "p:"), s.Client(), t.Context()
	most := 10 * runtime.GOMAXPROCS(0)
	before := dialed(t, c)
	if n := crowd(t, c, 3*most, func() error {
		if _, err := home.Session(ctx, "nobodys"); !errors.Is(err, broker.ErrNotFound) {
			return err
		}
		return nil
	}); n != 0 {
		t.Errorf("%d failed", n)
	}
	if n := dialed(t, c) - before; n > most || n < 2 {
		t.Errorf("%d connections, of at most %d", n, most)
	}
}

// TestFailover: where the address leads to another server now, and the one behind it was
// made a copy, a write is refused by that and done by the new one.
func TestFailover(t *testing.T) {
	s, next := volatiletest.Start(t), volatiletest.Start(t)
	home, ctx, at := volatiletest.Over(t, storetest.New(t), s, "p:"), t.Context(), now()
	ok(t, home.CreateSession(ctx, adas("a", at)))
	ok(t, home.TouchSession(ctx, adas("a", at)))
	for what, do := range map[string]func() error{
		"commands": func() error { return home.CreateSession(ctx, adas(broker.NewID(), at)) },
		"a script": func() error {
			_, err := home.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}})
			return err
		},
	} {
		ok(t, s.Client().Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err())
		if err := do(); !errors.Is(err, volatile.ErrAway) || !strings.Contains(err.Error(), "READONLY") {
			t.Errorf("%s, of a copy: %v", what, err)
		}
		ok(t, s.Client().Do(ctx, "REPLICAOF", "NO", "ONE").Err())
		must(home.Redis.Look(ctx))(t) // the connection is to the old one
		ok(t, s.Client().Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err())
		old, path := s.Client(), strings.TrimPrefix(s.URL, "unix://")
		ok(t, old.DBSize(ctx).Err()) // connects
		ok(t, os.Rename(path, path+".old"))
		ok(t, os.Symlink(strings.TrimPrefix(next.URL, "unix://"), path))
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if next.Client().DBSize(ctx).Val() == 0 {
			t.Errorf("%s: nothing is where the address leads", what)
		}
		ok(t, next.Client().FlushAll(ctx).Err())
		ok(t, os.Remove(path))
		ok(t, os.Rename(path+".old", path))
		ok(t, s.Client().Do(ctx, "REPLICAOF", "NO", "ONE").Err())
		ok(t, next.Client().Do(ctx, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err()) // back to the first one
	}
}

// TestVisitorLeaves: who has left is not Redis's fault, and who has little time is told
// in time.
func TestVisitorLeaves(t *testing.T) {
	s := volatiletest.Start(t)
	trips := 0
	home := volatiletest.Over(t, storetest.New(t), s, "p:", volatiletest.OnTrip(func(error) { trips++ }))
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := home.Session(gone, "a"); !errors.Is(err, context.Canceled) || errors.Is(err, volatile.ErrAway) || trips != 0 {
		t.Errorf("%v, %d round trips", err, trips)
	}
	must(home.Redis.Look(t.Context()))(t)
	ok(t, s.Client().Do(t.Context(), "CLIENT", "PAUSE", "60000").Err())
	hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := home.Session(hasty, "a"); !errors.Is(err, volatile.ErrAway) {
		t.Errorf("%v", err)
	}
	if _, err := home.Session(t.Context(), "a"); !errors.Is(err, volatile.ErrAway) { // a second, and another one
		t.Errorf("a Redis that hangs: %v", err)
	}
}

// TestNoRedis: what answers there and is no Redis is away.
func TestNoRedis(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer func() { _ = mute.Close() }()
	go func() {
		for {
			conn, err := mute.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for _, host := range []string{web.Listener.Addr().String(), mute.Addr().String()} {
		for _, user := range []string{"", "u:s3cret@"} {
			home := volatiletest.Over(t, storetest.New(t), &volatiletest.Server{URL: "redis://" + user + host}, "p:")
			if _, err := home.Redis.Look(t.Context()); !errors.Is(err, volatile.ErrAway) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
		}
	}
}

// TestDatabaseNumber: keys are in the database that the URL names, and Redis may refuse.
func TestDatabaseNumber(t *testing.T) {
	s := volatiletest.Start(t)
	home := volatiletest.Over(t, storetest.New(t), &volatiletest.Server{URL: s.URL + "?db=3"}, "p:")
	ok(t, home.CreateSession(t.Context(), adas("a", now())))
	c := s.Client()
	same(t, c.DBSize(t.Context()).Val(), int64(0))
	ok(t, c.Do(t.Context(), "SELECT", "3").Err())
	if c.DBSize(t.Context()).Val() == 0 {
		t.Error("nothing is in the database")
	}
	home = volatiletest.Over(t, storetest.New(t), &volatiletest.Server{URL: s.URL + "?db=4"}, "p:") // there are four
	if err := home.CreateSession(t.Context(), adas("a", now())); !errors.Is(err, volatile.ErrAway) {
		t.Errorf("%v", err)
	}
}
