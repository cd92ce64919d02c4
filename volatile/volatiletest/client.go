package volatiletest

import (
	"context"
	"net/url"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Client is a client that sees and does everything: the attacker who has Redis. It has one
// connection, which is made anew when it broke.
type Client struct {
	path string // of the socket
	conn redis.Conn
}

// Client is a client for the time of the test; of one goroutine.
func (s *Server) Client() *Client {
	s.t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &Client{path: u.Path}
	s.t.Cleanup(func() {
		if c.conn != nil {
			_ = c.conn.Close()
		}
	})
	return c
}

// Answer is what Redis has answered: a value or an error, which are for who asks for them.
type Answer[T any] struct {
	val T
	err error
}

// Val is the value; zero where there is none.
func (a Answer[T]) Val() T { return a.val }

// Err is why there is none.
func (a Answer[T]) Err() error { return a.err }

// Do sends any command: its name and arguments.
func (c *Client) Do(_ context.Context, words ...any) Answer[any] {
	if c.conn == nil || c.conn.Err() != nil {
		conn, err := redis.Dial("unix", c.path)
		if err != nil {
			return Answer[any]{err: err}
		}
		c.conn = conn
	}
	name, _ := words[0].(string)
	v, err := c.conn.Do(name, words[1:]...)
	return Answer[any]{v, err}
}

// as gives an answer its type.
func as[T any](a Answer[any], read func(any, error) (T, error)) Answer[T] {
	v, err := read(a.val, a.err)
	return Answer[T]{v, err}
}

// Get reads a string.
func (c *Client) Get(ctx context.Context, key string) Answer[string] {
	return as(c.Do(ctx, "GET", key), redis.String)
}

// Set writes a string, which stays for ever where life is 0.
func (c *Client) Set(ctx context.Context, key, value string, life time.Duration) Answer[any] {
	if life > 0 {
		return c.Do(ctx, "SET", key, value, "PX", life.Milliseconds())
	}
	return c.Do(ctx, "SET", key, value)
}

// Del removes a key.
func (c *Client) Del(ctx context.Context, key string) Answer[any] { return c.Do(ctx, "DEL", key) }

// Keys lists the keys that match a pattern.
func (c *Client) Keys(ctx context.Context, pattern string) Answer[[]string] {
	return as(c.Do(ctx, "KEYS", pattern), redis.Strings)
}

// PTTL is how long a key stays; negative: for ever, or it is not there.
func (c *Client) PTTL(ctx context.Context, key string) Answer[time.Duration] {
	return as(c.Do(ctx, "PTTL", key), func(v any, err error) (time.Duration, error) {
		n, err := redis.Int64(v, err)
		return time.Duration(n) * time.Millisecond, err
	})
}

// DBSize counts the keys.
func (c *Client) DBSize(ctx context.Context) Answer[int64] {
	return as(c.Do(ctx, "DBSIZE"), redis.Int64)
}

// FlushAll removes everything.
func (c *Client) FlushAll(ctx context.Context) Answer[any] { return c.Do(ctx, "FLUSHALL") }

// ScriptFlush has every script forgotten.
func (c *Client) ScriptFlush(ctx context.Context) Answer[any] { return c.Do(ctx, "SCRIPT", "FLUSH") }

// RPush makes a list.
func (c *Client) RPush(ctx context.Context, key, value string) Answer[any] {
	return c.Do(ctx, "RPUSH", key, value)
}

// HSet makes a hash.
func (c *Client) HSet(ctx context.Context, key, field, value string) Answer[any] {
	return c.Do(ctx, "HSET", key, field, value)
}

// XAdd makes a stream.
func (c *Client) XAdd(ctx context.Context, key, field, value string) Answer[any] {
	return c.Do(ctx, "XADD", key, "*", field, value)
}

// Dump is a copy of a key, for RestoreReplace.
func (c *Client) Dump(ctx context.Context, key string) Answer[string] {
	return as(c.Do(ctx, "DUMP", key), redis.String)
}

// RestoreReplace puts a copy back, which stays for ever where life is 0.
func (c *Client) RestoreReplace(ctx context.Context, key string, life time.Duration, dump string) Answer[any] {
	return c.Do(ctx, "RESTORE", key, life.Milliseconds(), dump, "REPLACE")
}

// ConfigSet changes a setting of the server.
func (c *Client) ConfigSet(ctx context.Context, setting, value string) Answer[any] {
	return c.Do(ctx, "CONFIG", "SET", setting, value)
}
