package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"idbroker/broker"
)

// SQLSTATEs of PostgreSQL (its manual, appendix A).
const (
	pgUniqueViolation = "23505"
	pgUndefinedTable  = "42P01"
	pgClassData       = "22" // messages may quote the value
	pgClassIntegrity  = "23"
	pgReadOnly        = "25006" // a standby
	pgClassResources  = "53"    // no disk, memory or connection left
	pgShutdown        = "57P0"  // stops, has crashed, or starts
)

// failed makes of an error of bun, database/sql or a driver what a caller of
// this package gets. what says what was being done. nil stays nil, and what
// already went through here is only wrapped.
func (db *DB) failed(what string, err error) error {
	var ours *broker.Error
	var told *statementError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return broker.ErrNotFound.Because(errors.New(what))
	case errors.As(err, &ours), errors.As(err, &told),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	}
	if constraint, ok := uniqueViolation(err); ok {
		e := broker.ErrConflict.Becausef("%s: %s", what, constraint)
		for _, field := range []string{"email", "username"} {
			if strings.Contains(constraint, "users") && strings.Contains(constraint, field) {
				return e.At(field)
			}
		}
		return e
	}
	if away(err) {
		return ErrAway.Becausef("%s: %w", what, &statementError{err})
	}
	return fmt.Errorf("%s: %w", what, &statementError{err})
}

// away tells whether err says that the database is away or full, and that the statement
// wrote nothing. A connection that broke while the answer was awaited does not say so.
func away(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &connect):
		return true
	case errors.As(err, &pg):
		return strings.HasPrefix(pg.Code, pgClassResources) || strings.HasPrefix(pg.Code, pgShutdown) || pg.Code == pgReadOnly
	case errors.As(err, &lite):
		switch lite.Code() & 0xff { // the rest of an extended code says more exactly why
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY:
			return true
		}
	}
	return false
}

// Damaged tells whether err says that the file of SQLite is no database, or a broken one.
func Damaged(err error) bool {
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && (lite.Code()&0xff == sqlite3.SQLITE_NOTADB || lite.Code()&0xff == sqlite3.SQLITE_CORRUPT)
}

// isNotFound tells whether err says that there is no such row.
func isNotFound(err error) bool { return errors.Is(err, broker.ErrNotFound) }

// uniqueViolation tells whether err is one, and which constraint it is of. It
// never tells the value.
func uniqueViolation(err error) (constraint string, ok bool) {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &pg):
		return pg.ConstraintName, pg.Code == pgUniqueViolation
	case errors.As(err, &lite):
		return lite.Error(), lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return "", false
}

// noTable tells whether err says that a table does not exist.
func noTable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == pgUndefinedTable
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && strings.Contains(lite.Error(), "no such table")
}

// statementError is an error of the database whose text cannot hold a bound
// value. The error itself stays reachable for errors.As.
type statementError struct{ err error }

func (e *statementError) Unwrap() error { return e.err }

// Error names the SQLSTATE and what it is about. PostgreSQL's messages of the
// classes 22 and 23 may quote values, so they stay out; those of SQLite name
// columns at most. Of any other error only what cannot quote a value is told:
// drivers do so when they cannot encode or decode it.
func (e *statementError) Error() string {
	var pg *pgconn.PgError
	if !errors.As(e.err, &pg) {
		if text := valueless(e.err); text != "" {
			return text
		}
		return fmt.Sprintf("%T (its text is withheld, it may quote a value)", e.err)
	}
	text := "SQLSTATE " + pg.Code
	if !strings.HasPrefix(pg.Code, pgClassData) && !strings.HasPrefix(pg.Code, pgClassIntegrity) {
		text += " " + pg.Message
	}
	for _, name := range []string{pg.TableName, pg.ColumnName, pg.ConstraintName} {
		if name != "" {
			text += " (" + name + ")"
		}
	}
	return text
}

// valueless is the part of err's text that cannot quote a bound value: what
// SQLite, the network, the file system or database/sql's handling of connections
// says. "" where there is none.
func valueless(err error) string {
	var (
		lite    *sqlite.Error
		connect *pgconn.ConnectError
		path    *fs.PathError
		network *net.OpError
	)
	switch {
	case errors.As(err, &lite):
		return lite.Error()
	case errors.As(err, &connect):
		return connect.Error()
	case errors.As(err, &path):
		return path.Error()
	case errors.As(err, &network):
		return network.Error()
	}
	for _, known := range []error{sql.ErrConnDone, sql.ErrTxDone, driver.ErrBadConn, errOver, errNoKey, errUnsealed, errColumn, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if text := err.Error(); text == "sql: database is closed" { // database/sql does not export it
		return text
	}
	return ""
}
