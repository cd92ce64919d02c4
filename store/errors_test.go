package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"idbroker/broker"
)

// TestFailed: what a caller gets for an error of the database, and that its text
// holds no value.
func TestFailed(t *testing.T) {
	const secret = "s3cret"
	db := &DB{}
	for _, tt := range []struct {
		err  error
		want error
		text string
	}{
		{nil, nil, ""},
		{sql.ErrNoRows, broker.ErrNotFound, "error.not_found: read x"},
		{fmt.Errorf("scan: %w", sql.ErrNoRows), broker.ErrNotFound, "error.not_found: read x"},
		{&pgconn.PgError{Code: "23505", ConstraintName: "users_email_key", Message: secret, Detail: secret}, broker.ErrConflict, "error.conflict: read x: users_email_key"},
		{&pgconn.PgError{Code: "23503", ConstraintName: "fk", TableName: "t", Message: secret, Detail: secret}, nil, "read x: SQLSTATE 23503 (t) (fk)"},
		{&pgconn.PgError{Code: "22P02", Message: "invalid input: " + secret}, nil, "read x: SQLSTATE 22P02"},
		{&pgconn.PgError{Code: "53100", Message: "disk full", Detail: secret, Where: secret}, ErrAway, "error.unavailable: read x: SQLSTATE 53100 disk full"},
		{&pgconn.PgError{Code: "57P03", Message: "the database system is starting up"}, ErrAway, "error.unavailable: read x: SQLSTATE 57P03 the database system is starting up"},
		{&pgconn.PgError{Code: "25006", Message: "cannot execute INSERT in a read-only transaction"}, ErrAway, ""},
		{&pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"}, nil, "read x: SQLSTATE 57014 canceling statement due to user request"},
		{context.Canceled, context.Canceled, "read x: context canceled"},
		{fmt.Errorf("unable to encode %q", secret), nil, "read x: *errors.errorString (its text is withheld, it may quote a value)"},
		{fmt.Errorf("unable to encode %q: %w", secret, sql.ErrTxDone), sql.ErrTxDone, "read x: " + sql.ErrTxDone.Error()},
		{fmt.Errorf("sql: Scan error: %w", new(document[[]string]).Scan(secret)), errColumn, "read x: " + errColumn.Error()},
		{fmt.Errorf("sql: Scan error: %w", new(document[[]string]).Scan(1.5)), errColumn, "read x: " + errColumn.Error()},
		{fmt.Errorf("sql: Scan error: %w", new(micros).Scan(secret)), errColumn, "read x: " + errColumn.Error()},
		{&os.PathError{Op: "open", Path: "/broker.db", Err: os.ErrPermission}, os.ErrPermission, "read x: open /broker.db: permission denied"},
		{ErrText.Becausef("column y"), ErrText, "read x: error.text: column y"},
	} {
		got := db.failed("read x", tt.err)
		if tt.err == nil {
			if got != nil {
				t.Errorf("nil becomes %v", got)
			}
			continue
		}
		if tt.want != nil && !errors.Is(got, tt.want) {
			t.Errorf("%T: %v is not %v", tt.err, got, tt.want)
		}
		if tt.text != "" && (got.Error() != tt.text || strings.Contains(got.Error(), secret)) {
			t.Errorf("%T: %q, want %q", tt.err, got, tt.text)
		}
		if twice := db.failed("do y", got); !strings.HasPrefix(twice.Error(), "do y: ") || errors.Is(twice, broker.ErrConflict) != errors.Is(got, broker.ErrConflict) {
			t.Errorf("a second time: %q", twice)
		}
	}
}

// TestDiskFull: SQLite that cannot grow says what PostgreSQL says.
func TestDiskFull(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "full.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.exec(t.Context(), "limit", "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err = db.exec(t.Context(), "grow", "CREATE TABLE more (id text PRIMARY KEY)"); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "full") {
		t.Errorf("full: %v", err)
	}
}
