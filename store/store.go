package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"idbroker/broker"
)

// Options configures a database. The zero value of a field is its default.
type Options struct {
	// DSN names the database: "sqlite:broker.db" (a path, relative or
	// absolute) or "postgres://user:password@host/name?sslmode=…".
	DSN string
	// Keys seal what must not stand in the clear. Without any, everything
	// works that seals and opens nothing: migrations, for one.
	Keys Keyring
	Log  *slog.Logger // nil: discard
	// MaxConns bounds the connections: of the pool on PostgreSQL (0: 20), of
	// the readers on SQLite (0: 4), which has one writer beside them.
	MaxConns int
	// OnStatement, where set, is told of every statement before it runs. It
	// is for tests that count them, and must be safe for concurrent use.
	OnStatement func(Statement)
}

// Statement is what OnStatement learns.
type Statement struct {
	Op   string // "begin", "commit", "rollback", "select", "insert", "update", "delete"
	Unit bool   // it runs inside a unit of work
	Text string // SQL, with its values or with placeholders; "" for begin, commit and rollback
}

// DB is a database of the broker. It is safe for concurrent use.
type DB struct {
	flavour flavour
	write   *pool                   // SQLite: a single connection
	read    *pool                   // PostgreSQL: the same as write
	keys    atomic.Pointer[Keyring] // never nil
	log     *slog.Logger
	onStmt  func(Statement)
	known   knownClients
	turns   chan struct{} // holds the hot statement that is at SQLite's writer
	waitMax time.Duration // for a connection at the begin of a unit
}

// waitMax bounds the wait for a connection at the begin of a unit of work, so
// that a unit that forgot to end (or writes outside of itself) shows as an
// error and not as a standstill. Longer than any honest unit takes.
const waitMax = 10 * time.Second

// Open opens the database that o.DSN names; SQLite makes the file (mode 0600)
// where there is none. It does not migrate, but refuses a database that a newer
// program has migrated.
func Open(ctx context.Context, o Options) (*DB, error) {
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	db := &DB{log: log, onStmt: o.OnStatement, waitMax: waitMax, turns: make(chan struct{}, 1)}
	db.SetKeys(o.Keys)
	if err := db.connect(ctx, o); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := db.schemaKnown(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), db.Close())
	}
	return db, nil
}

// SetKeys changes the keyring while the database is in use. Statements under way
// may still use the one before, so that must open what the new one seals: rotate
// in the two steps of Keyring.Staged.
func (db *DB) SetKeys(k Keyring) { db.keys.Store(&k) }

// ring is the keyring of now.
func (db *DB) ring() Keyring { return *db.keys.Load() }

// Close closes every connection. Statements under way fail.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.close()
	}
	return errors.Join(db.read.close(), db.write.close()) // the writer last: it folds the WAL into the file
}

// Rest gives back what SQLite's writer keeps of the file in memory; readers that nobody uses
// are closed after a while anyway. On PostgreSQL it does nothing.
func (db *DB) Rest(ctx context.Context) error {
	if db.flavour != flavourSQLite {
		return nil
	}
	_, err := db.write.sql.ExecContext(ctx, "PRAGMA shrink_memory")
	return db.failed("give memory back", err)
}

// Ping writes a row, so that it fails when the database can be read but not
// written (a full or read-only disk, a standby).
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.exec(ctx, "write the heartbeat",
		`INSERT INTO heartbeats (id, beat_at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at`,
		"ping", micro(time.Now()))
	return err
}

// ErrText: a text is not UTF-8 or holds a NUL character, which PostgreSQL cannot
// keep; it is refused on both databases before anything is written.
var ErrText = &broker.Error{Kind: broker.KindInvalid, Message: "error.text"}

// ErrAway: the database is not reached, or takes nothing now: it starts or stops, has no
// connection, memory or disk left, or has become a standby. The statement wrote nothing.
var ErrAway = &broker.Error{Kind: broker.KindUnavailable, Message: "error.unavailable"}

// ErrBusy: no connection became free in time.
var ErrBusy = &broker.Error{Kind: broker.KindUnavailable, Message: "error.unavailable"}
