package storetest

import (
	"cmp"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// CountTrips returns a DSN for the PostgreSQL database of dsn on which every
// round trip is counted: what prepares, begins or commits costs one, too. Count
// with MaxConns(1), and when each statement has run before: a connection prepares
// what it has not yet.
func CountTrips(t testing.TB, dsn string) (counted string, trips *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, server, q := "tcp", u.Host, u.Query()
	if dir := q.Get("host"); dir != "" {
		network, server = "unix", filepath.Join(dir, ".s.PGSQL."+cmp.Or(q.Get("port"), "5432"))
		q.Del("host")
		q.Del("port")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &wire{}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go w.pass(client, network, server)
		}
	}()
	q.Set("sslmode", "disable") // or it could not be read along
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	return u.String(), &w.trips
}

// wire passes on what goes to a PostgreSQL server, and counts what it has to
// answer: messages Query and Sync (PostgreSQL documentation, section 55.2).
type wire struct{ trips atomic.Int64 }

func (w *wire) pass(client net.Conn, network, server string) {
	defer client.Close()
	to, err := net.Dial(network, server)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(client, to) }()
	head := make([]byte, 5)
	for kind := 0; ; kind = 1 { // the first message has no type
		if _, err := io.ReadFull(client, head[1-kind:5]); err != nil {
			return
		}
		length := head[1:5]
		if kind == 0 {
			head[0], length = 0, head[1:5]
		}
		if head[0] == 'Q' || head[0] == 'S' {
			w.trips.Add(1)
		}
		if _, err := to.Write(head[1-kind : 5]); err != nil {
			return
		}
		if _, err := io.CopyN(to, client, int64(binary.BigEndian.Uint32(length))-4); err != nil {
			return
		}
	}
}
