package store_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// relay is a way to a server that can be cut and mended.
type relay struct {
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

// newRelay hands connections to its address on to another.
func newRelay(t *testing.T, to *pgconn.Config) (address string, r *relay) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r = &relay{}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(pgconn.NetworkAddress(to.Host, to.Port))
			r.mu.Lock()
			if r.cut || err != nil {
				_ = in.Close()
				r.mu.Unlock()
				continue
			}
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			go func() { _, _ = io.Copy(out, in) }()
			go func() { _, _ = io.Copy(in, out) }()
		}
	}()
	return l.Addr().String(), r
}

// set cuts the way, or mends it.
func (r *relay) set(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// TestDatabaseAway: while PostgreSQL is not reached callers learn that it is worth another try
// and not that something is broken; when it is there again all works, without a restart.
func TestDatabaseAway(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		u, err := url.Parse(dsn)
		if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
			t.Skip("SQLite is a file")
		}
		server, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		address, way := newRelay(t, server)
		q := u.Query()
		q.Del("host") // a socket
		q.Del("port")
		u.Host, u.RawQuery = address, q.Encode()
		db := storetest.Open(t, u.String())
		ctx := t.Context()
		if err := db.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		way.set(true)
		_ = db.Ping(ctx) // may meet the connection that broke
		var refused *broker.Error
		for what, err := range map[string]error{
			"a write": db.Ping(ctx),
			"a read":  func() error { _, err := db.User(ctx, "nobody"); return err }(),
			"a unit":  db.InTx(ctx, db.Ping),
		} {
			if !errors.Is(err, store.ErrAway) || !errors.As(err, &refused) || refused.Kind != broker.KindUnavailable {
				t.Errorf("%s: %v", what, err)
			}
		}
		way.set(false)
		if err := db.Ping(ctx); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}
