package volatiletest

import (
	"crypto/sha256"
	"log/slog"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/volatile"
)

// Home is a Home with its Redis.
type Home struct {
	*volatile.Home

	Redis *volatile.Redis
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
func Over(t testing.TB, db volatile.DB, s *Server, prefix string, options ...Option) Home {
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
	return Home{volatile.New(db, r, h), r}
}

// Key sets HomeOptions.Key.
func Key(k [32]byte) Option {
	return func(_ *volatile.Options, h *volatile.HomeOptions) { h.Key = k }
}

// Log sets both options of that name.
func Log(l *slog.Logger) Option {
	return func(o *volatile.Options, h *volatile.HomeOptions) { o.Log, h.Log = l, l }
}
