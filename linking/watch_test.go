package linking_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
)

// watch notices what is written to a database, by whomever. A trigger on every
// table but the attempts, which refused steps may spend, notes each row: reading
// all tables after each step would cost more than the steps.
type watch struct {
	tb     testing.TB
	raw    *sql.DB
	read   map[string]*sql.Stmt
	tables []string // those that are watched
	rows   string   // the statement that reads all of them
	clean  bool     // what is in them was written since they were emptied
}

// watched is where the triggers write.
const watched = "walk_writes"

func newWatch(t testing.TB, dsn string) watch {
	t.Helper()
	w := watch{tb: t, raw: storetest.Raw(t, dsn), read: map[string]*sql.Stmt{}}
	w.raw.SetMaxOpenConns(1) // pragmas are a connection's
	lite := strings.HasPrefix(dsn, "sqlite:")
	query := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	if lite {
		query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	}
	for _, name := range w.lines(query) {
		if name != "attempts" && !strings.Contains(name, "migration") {
			w.tables = append(w.tables, name)
		}
	}
	slices.Sort(w.tables)
	if lite {
		w.exec("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON")
		w.exec("CREATE TABLE " + watched + " (id INTEGER PRIMARY KEY, what TEXT NOT NULL)")
	} else {
		w.exec("CREATE TABLE " + watched + " (id BIGSERIAL PRIMARY KEY, what TEXT NOT NULL)")
		w.exec("CREATE FUNCTION walk_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN" +
			" INSERT INTO " + watched + " (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$")
	}
	for _, table := range w.tables {
		for _, op := range []string{"INSERT", "UPDATE", "DELETE"} {
			body := " FOR EACH ROW EXECUTE FUNCTION walk_note()"
			if lite {
				body = fmt.Sprintf(" BEGIN INSERT INTO %s (what) VALUES ('%s %s'); END", watched, op, table)
			}
			w.exec(fmt.Sprintf("CREATE TRIGGER walk_%s_%s AFTER %s ON %s%s", table, strings.ToLower(op), op, table, body))
		}
	}
	var parts []string
	for _, table := range w.tables {
		row := "r::text"
		if lite {
			row = strings.Join(w.lines("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('"+table+"')"), " || ' ' || ")
		}
		parts = append(parts, fmt.Sprintf("SELECT '%s:', %s FROM %s r", table, row, table))
	}
	w.rows = strings.Join(parts, " UNION ALL ")
	return w
}

// mark grows with each row that is written and committed.
func (w *watch) mark() (n int64) {
	if err := w.stmt("SELECT coalesce(max(id), 0) FROM " + watched).QueryRow().Scan(&n); err != nil {
		w.tb.Fatal(err)
	}
	return n
}

// writes tells what was written since a mark.
func (w *watch) writes(since int64) string {
	return strings.Join(w.lines(fmt.Sprintf("SELECT what FROM %s WHERE id > %d ORDER BY id", watched, since)), ", ")
}

// empty removes all rows: after the first time from those tables alone that were
// written, which are a third of them, and from the attempts.
func (w *watch) empty() {
	written := w.lines("SELECT DISTINCT what FROM " + watched)
	stmts := []*sql.Stmt{w.stmt("DELETE FROM attempts")}
	for _, table := range w.tables {
		if table != "users" && (!w.clean || slices.Contains(written, "INSERT "+table)) {
			stmts = append(stmts, w.stmt("DELETE FROM "+table))
		}
	}
	stmts = append(stmts, w.stmt("DELETE FROM users"), w.stmt("DELETE FROM "+watched)) // after what belongs to them
	tx, err := w.raw.Begin()
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, stmt := range stmts {
		if _, err := tx.Stmt(stmt).Exec(); err != nil {
			w.tb.Fatal(errors.Join(err, tx.Rollback()))
		}
	}
	if err := tx.Commit(); err != nil {
		w.tb.Fatal(err)
	}
	w.clean = true
}

// dump is every row of every watched table.
func (w *watch) dump() string {
	rows := w.lines(w.rows)
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

func (w *watch) exec(query string) {
	if _, err := w.raw.Exec(query); err != nil {
		w.tb.Fatalf("%s: %v", query, err)
	}
}

func (w *watch) stmt(query string) *sql.Stmt {
	if w.read[query] == nil {
		stmt, err := w.raw.Prepare(query)
		if err != nil {
			w.tb.Fatalf("%s: %v", query, err)
		}
		w.read[query] = stmt
	}
	return w.read[query]
}

// lines reads rows as texts.
func (w *watch) lines(query string) []string {
	rows, err := w.stmt(query).Query()
	if err != nil {
		w.tb.Fatalf("%s: %v", query, err)
	}
	defer rows.Close() //nolint:errcheck // read to its end
	cols, err := rows.Columns()
	if err != nil {
		w.tb.Fatal(err)
	}
	values, dest := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		dest[i] = &values[i]
	}
	var all []string
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			w.tb.Fatal(err)
		}
		all = append(all, strings.TrimSuffix(fmt.Sprintln(values...), "\n"))
	}
	if err := rows.Err(); err != nil {
		w.tb.Fatal(err)
	}
	return all
}

// TestWatch holds the watch to its word: what it did not notice, no walk would.
func TestWatch(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, w := storetest.Open(t, dsn), newWatch(t, dsn)
		if len(w.tables) < 20 {
			t.Fatalf("watched tables: %v", w.tables)
		}
		wrote := func(want string, do func() error) {
			t.Helper()
			before := w.mark()
			if err := do(); err != nil && want != "" {
				t.Fatal(err)
			}
			if got := w.writes(before); got != want || (w.mark() == before) != (want == "") {
				t.Errorf("noticed %q, want %q", got, want)
			}
		}
		ctx, now := t.Context(), time.Now()
		u := broker.User{ID: "ada", Email: "ada@example.org", CreatedAt: now, UpdatedAt: now}
		i := broker.UserIdentity{ID: broker.NewID(), UserID: u.ID, Provider: "one", Issuer: "https://one.example", Subject: "ada", CreatedAt: now}
		wrote("INSERT users", func() error { return db.CreateUser(ctx, u) })
		wrote("UPDATE users", func() error { return db.UpdateUser(ctx, u) })
		wrote("INSERT user_identities", func() error { return db.CreateIdentity(ctx, i) })
		wrote("", func() error {
			return db.InTx(ctx, func(ctx context.Context) error { return errors.Join(db.DeleteIdentity(ctx, i.ID), errCrash) })
		})
		wrote("", func() error { return db.CreateIdentity(ctx, i) }) // there is one
		before := w.mark()
		w.exec("DELETE FROM users")
		if got := w.writes(before); !strings.Contains(got, "DELETE user_identities") { // which went with it
			t.Errorf("noticed %q", got)
		}
		for _, again := range []bool{false, true} { // the first time empties what was there before
			if w.empty(); w.mark() != 0 || w.dump() != "" {
				t.Errorf("again %v, not empty: %s", again, w.dump())
			}
			wrote("INSERT users", func() error { return db.CreateUser(ctx, u) })
			wrote("INSERT user_identities", func() error { return db.CreateIdentity(ctx, i) })
			if got := w.dump(); !strings.Contains(got, "users: ") || !strings.Contains(got, u.Email) || !strings.Contains(got, i.Issuer) {
				t.Errorf("again %v, not told: %s", again, got)
			}
		}
		if before := w.dump(); db.UpdateUser(ctx, broker.User{ID: u.ID, Email: "eve@example.org", CreatedAt: now, UpdatedAt: now}) != nil || w.dump() == before {
			t.Error("another address is not told")
		}
	})
}
