// Package storetest gives tests real databases: New a fresh SQLite, Each both
// SQLite and PostgreSQL. Its own tests state what store promises. It is for
// tests only.
package storetest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // for Raw
	_ "modernc.org/sqlite"

	"idbroker/store"
)

// Option changes how a database is opened.
type Option func(*store.Options)

// OnStatement tells fn of every statement.
func OnStatement(fn func(store.Statement)) Option {
	return func(o *store.Options) { o.OnStatement = fn }
}

// Keys opens the database with a keyring; without it, with a new one.
func Keys(k store.Keyring) Option { return func(o *store.Options) { o.Keys = k } }

// MaxConns sets Options.MaxConns.
func MaxConns(n int) Option { return func(o *store.Options) { o.MaxConns = n } }

// New returns a fresh, migrated SQLite database in a directory of the test,
// which is closed when the test ends.
func New(t testing.TB, options ...Option) *store.DB {
	t.Helper()
	return Open(t, SQLite(t), options...)
}

// Each runs fn on a fresh, migrated SQLite database and on a fresh, migrated
// PostgreSQL schema. Where there is no PostgreSQL it skips that half and says
// how to get it; with BROKER_TEST_ALL=1 it fails.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB), options ...Option) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) { fn(t, Open(t, dsn, options...)) })
}

// EachDSN is Each for tests that open the (migrated) database themselves.
func EachDSN(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// Postgres returns the DSN of a fresh, migrated PostgreSQL schema, as Each does.
func Postgres(t testing.TB) string {
	t.Helper()
	return borrow(t)
}

// Open opens a database for the time of the test.
func Open(t testing.TB, dsn string, options ...Option) *store.DB {
	t.Helper()
	o := store.Options{DSN: dsn}
	for _, option := range options {
		option(&o)
	}
	if o.Keys.Len() == 0 {
		o.Keys = store.NewKeyring()
	}
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// EmptySQLite returns the DSN of a SQLite database that does not exist yet.
func EmptySQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "broker.db")
}

// SQLite returns the DSN of a fresh, migrated SQLite database: a copy of one
// that was migrated once.
func SQLite(t testing.TB) string {
	t.Helper()
	image, err := migratedImage()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "broker.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// migratedImage is the file of a migrated SQLite database.
var migratedImage = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary directory harms nobody
	path := filepath.Join(dir, "broker.db")
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: "sqlite:" + path})
	if err != nil {
		return nil, err
	}
	if _, err := db.MigrateUp(ctx); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil { // folds the WAL into the file
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(t testing.TB, dsn string) {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, store.Options{DSN: dsn, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test goes on with another connection
	if _, err := db.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
}

// Raw opens the database beside the store, to look at what stands in it.
func Raw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	driver, name := "pgx", dsn
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	raw, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}
