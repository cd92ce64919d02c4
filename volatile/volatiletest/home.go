package volatiletest

import (
	"crypto/sha256"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/volatile"
)

// plain is store.DB one level deeper, so that a Home beside it comes first.
type plain struct{ *store.DB }

// DB is a database whose sessions and buckets are in Redis, as cmd/broker puts it
// together.
type DB struct {
	*volatile.Home
	plain

	Redis  *volatile.Redis
	Prefix string
}

// Option changes how a Home is made.
type Option func(*volatile.Options, *volatile.HomeOptions)

// Idle sets HomeOptions.Idle.
func Idle(d time.Duration) Option {
	return func(_ *volatile.Options, h *volatile.HomeOptions) { h.Idle = d }
}

// KeepIPs sets HomeOptions.KeepIPs.
func KeepIPs(d time.Duration) Option {
	return func(_ *volatile.Options, h *volatile.HomeOptions) { h.KeepIPs = d }
}

// OnTrip sets Options.OnTrip.
func OnTrip(fn func(error)) Option {
	return func(o *volatile.Options, _ *volatile.HomeOptions) { o.OnTrip = fn }
}

// Over puts the sessions and buckets of a database into a Redis. Databases over the same
// one with the same prefix are replicas.
func Over(t testing.TB, db *store.DB, s *Server, prefix string, options ...Option) DB {
	t.Helper()
	o := volatile.Options{URL: broker.Secret(s.URL), Prefix: prefix}
	h := volatile.HomeOptions{Key: sha256.Sum256([]byte("test"))}
	for _, option := range options {
		option(&o, &h)
	}
	r, err := volatile.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return DB{Home: volatile.New(db, r, h), plain: plain{db}, Redis: r, Prefix: prefix}
}
