package volatile

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// answering is a connection to somebody who gives one answer and is silent then.
func answering(t *testing.T, answer string) redis.Conn {
	t.Helper()
	here, there := net.Pipe()
	go func() {
		_, _ = there.Read(make([]byte, 64))
		_, _ = there.Write([]byte(answer))
		_ = there.Close()
	}()
	conn := redis.NewConn(here, 0, 0)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestIdleConnections: one that was not used for long is asked, and where it does not
// answer, those that were used before now are of no use either.
func TestIdleConnections(t *testing.T) {
	c := newConns(address{})
	c.born = time.Now().Add(-time.Hour)
	long, lately := time.Now().Add(-2*sureTime), time.Now().Add(-sureTime/2)
	if err := c.test(answering(t, ""), lately); err != nil {
		t.Errorf("one that was used lately is asked: %v", err)
	}
	if err := c.test(answering(t, "+PONG\r\n"), long); err != nil {
		t.Errorf("one that answers: %v", err)
	}
	if err := c.test(answering(t, "-NOPERM this user has no permissions\r\n"), long); err != nil {
		t.Errorf("one that refuses: %v", err)
	}
	if err := c.test(answering(t, ""), long); err == nil {
		t.Error("one that is silent is of use")
	}
	if err := c.test(answering(t, "+PONG\r\n"), lately); !errors.Is(err, errOld) {
		t.Errorf("another one, behind that: %v", err)
	}
	if err := c.test(answering(t, ""), time.Now()); err != nil {
		t.Errorf("one that was used since: %v", err)
	}
}

// TestPatience: nobody waits longer than they can, and nobody for ever.
func TestPatience(t *testing.T) {
	for _, tt := range []struct{ left, least, most time.Duration }{
		{time.Hour, tripTime, tripTime},
		{tripTime / 2, 1, tripTime / 2},
		{-time.Hour, 1, 1},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), tt.left)
		if got := patience(ctx); got < tt.least || got > tt.most {
			t.Errorf("with %s left: %s", tt.left, got)
		}
		cancel()
	}
	if got := patience(t.Context()); got != tripTime {
		t.Errorf("with all the time: %s", got)
	}
}
