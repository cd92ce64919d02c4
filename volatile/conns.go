package volatile

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// dialTime bounds one attempt to connect, with the handshake and the password. Redis
	// stands beside the broker: where it takes longer, it is away, and people should be
	// told so soon.
	dialTime = 2 * time.Second
	// tripTime bounds the wait for an answer, and for a connection of the pool. Redis
	// answers within a millisecond; a fork for a snapshot may stop it for half a second.
	tripTime = time.Second
	// retries are further attempts after a broken connection: one, for a Redis that was
	// restarted behind connections which the pool still has. What is done twice does no
	// harm: records are what they were, and of a bucket a token is taken or put back twice.
	retries = 1
	// connsPerCPU connections are open at most for each that Go may use: a round trip takes
	// much less time than what else a request does.
	connsPerCPU = 10
	// idleTime is after how long a connection that nobody needs is closed.
	idleTime = 30 * time.Minute
	// sureTime is how long a connection that was not used counts as alive. Behind it, it is
	// asked first: what stands between may have forgotten it.
	sureTime = time.Minute
)

// errBusy: every connection is in use, and none became free.
var errBusy = errors.New("no connection became free")

// errOld: a connection is from before one broke.
var errOld = errors.New("another connection broke since")

// conns are the connections to a Redis. It is safe for concurrent use.
type conns struct {
	pool *redis.Pool
	// slots bounds the connections: the pool's own bound cannot be waited for beside Close.
	slots chan struct{}
	born  time.Time
	// broke is when a connection was of no use last, counted from born; 0: never. What has
	// not been used since is taken for dead, too.
	broke atomic.Int64
}

func newConns(a address) *conns {
	most := connsPerCPU * runtime.GOMAXPROCS(0)
	c := &conns{slots: make(chan struct{}, most), born: time.Now()}
	c.pool = &redis.Pool{MaxIdle: most, IdleTimeout: idleTime, DialContext: a.dial, TestOnBorrow: c.test}
	return c
}

// test tells whether a connection of the pool is still of use.
func (c *conns) test(conn redis.Conn, used time.Time) error {
	if int64(used.Sub(c.born)) <= c.broke.Load() {
		return errOld
	}
	if time.Since(used) < sureTime {
		return nil
	}
	_, err := redis.DoWithTimeout(conn, tripTime, "PING")
	if _, answers := errors.AsType[redis.Error](err); err == nil || answers {
		return nil
	}
	c.distrust() // the others were used before this one
	return fmt.Errorf("ping: %w", err)
}

// distrust has the connections that wait in the pool closed.
func (c *conns) distrust() { c.broke.Store(int64(time.Since(c.born))) }

// send sends a batch in one round trip, once more where the connection was of no use.
// A visitor who leaves does not cut it off: that would cost the connection, and it is over
// within tripTime.
func (c *conns) send(ctx context.Context, b *batch) error {
	for try := 0; ; try++ {
		again, err := c.once(ctx, b)
		if !again || try == retries || ctx.Err() != nil {
			return err
		}
	}
}

// once is one attempt to send a batch. Another one may succeed where again is true.
func (c *conns) once(ctx context.Context, b *batch) (again bool, err error) {
	if err := c.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-c.slots }()
	conn, err := c.pool.GetContext(ctx)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	err = b.exchange(conn, patience(ctx))
	_ = conn.Close() // into the pool, unless it broke, which err says
	if err == nil && !b.readOnly() {
		return false, nil
	}
	if ctx.Err() == nil { // otherwise it was the caller who had no more time
		c.distrust()
	}
	return true, err
}

// patience is how long an answer is waited for.
func patience(ctx context.Context) time.Duration {
	if end, bounded := ctx.Deadline(); bounded {
		return max(min(tripTime, time.Until(end)), 1) // 0 would be for ever
	}
	return tripTime
}

// enter waits until there may be one more connection.
func (c *conns) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(tripTime)
	defer wait.Stop()
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return errBusy
	}
}
