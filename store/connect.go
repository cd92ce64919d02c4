package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"
	"modernc.org/sqlite"
)

// flavour says which database it is.
type flavour int

const (
	flavourSQLite flavour = iota
	flavourPostgres
)

const (
	// defaultReaders is enough to keep two cores busy with 10 µs reads, and
	// little enough that the page caches (2 MB each) stay small.
	defaultReaders = 4
	// defaultConns leaves room for several replicas under PostgreSQL's
	// default of 100.
	defaultConns = 20
	// idleTime is how long an unused connection is kept.
	idleTime = 5 * time.Minute
	// dialTimeout bounds one attempt to reach PostgreSQL.
	dialTimeout = 10 * time.Second
)

// connect opens the pools of the database that o.DSN names.
func (db *DB) connect(ctx context.Context, o Options) error {
	scheme, rest, _ := strings.Cut(o.DSN, ":")
	switch scheme {
	case "sqlite":
		db.flavour = flavourSQLite
		return db.connectSQLite(ctx, rest, o.MaxConns)
	case "postgres", "postgresql":
		db.flavour = flavourPostgres
		return db.connectPostgres(o.DSN, o.MaxConns)
	}
	return errors.New(`a DSN begins with "sqlite:" or "postgres://"`)
}

// connectSQLite opens one writer and a pool of readers. The writer begins
// transactions as IMMEDIATE, so that a unit never fails half-way because
// another process wrote; the readers cannot write at all.
func (db *DB) connectSQLite(ctx context.Context, path string, readers int) error {
	if path == "" || strings.HasPrefix(path, ":memory:") || strings.ContainsAny(path, "\x00") {
		return errors.New(`"sqlite:" wants the path of a file behind it; there is no database in memory, since readers and writer are different connections`)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// SQLite gives -wal and -shm the mode of the file itself.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if readers <= 0 {
		readers = defaultReaders
	}
	writer, err := openSQLite(path, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "trusted_schema(OFF)")
	if err != nil {
		return err
	}
	writer.SetMaxOpenConns(1)
	reader, err := openSQLite(path, "query_only(ON)", "trusted_schema(OFF)")
	if err != nil {
		return errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	reader.SetConnMaxIdleTime(idleTime)
	db.write = db.newPool(writer, sqlitedialect.New())
	db.read = db.newPool(reader, sqlitedialect.New())
	if err := writer.PingContext(ctx); err != nil { // turns the file to WAL before a reader sees it
		return errors.Join(err, db.Close())
	}
	return nil
}

// openSQLite opens a pool whose connections run the pragmas.
func openSQLite(path string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	c, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// connectPostgres opens the pool. bun writes its arguments into the text, so
// the simple protocol spares preparing every distinct one; the hot statements
// are prepared explicitly (hot.go). Literals rely on
// standard_conforming_strings, whatever the server's default is.
func (db *DB) connectPostgres(dsn string, conns int) error {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errors.New("the PostgreSQL DSN cannot be parsed (it is not shown, it may hold a password)")
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	c.RuntimeParams["standard_conforming_strings"] = "on"
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "idbroker"
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = dialTimeout
	}
	if conns <= 0 {
		conns = defaultConns
	}
	pool := stdlib.OpenDB(*c)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(idleTime)
	db.write = db.newPool(pool, pgdialect.New())
	db.read = db.write
	return nil
}

// newPool puts bun over a pool of connections, with the hook that dooms units.
func (db *DB) newPool(s *sql.DB, d schema.Dialect) *pool {
	b := bun.NewDB(s, d, bun.WithDiscardUnknownColumns())
	b = b.WithQueryHook(hook{db})
	p := &pool{sql: s, bun: b}
	p.hot.init(db.flavour)
	return p
}

// pool is a set of connections, seen as bun and as database/sql.
type pool struct {
	sql *sql.DB
	bun *bun.DB
	hot hotStatements
}

func (p *pool) close() error {
	if err := p.sql.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}
