package store

import (
	"context"
	"database/sql"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"idbroker/broker"
)

// The hot statements are those of nearly every request. They are prepared, once
// a connection, beside bun: bun writes its values into the text, which
// the database then parses anew each time.

// hot names a prepared statement.
type hot int

const (
	hotSession hot = iota
	hotSessionUser
	hotTouchSession
	hotUser
	hotConsent
	hotClient
	hotClientStamp
	hotGrant
	hotGrantByCode
	hotState
	hotStateFor
	hotStateByCode
	hotStateWhole
	hotCreateGrant
	hotCreateGrantFor
	hotRedeem
	hotRotate
	hotSaveAccount
	hotKnownIdentity
	hotTouchIdentity
	hotCount
)

// text is the statement, with "?" for each argument.
func (h hot) text() string {
	switch h {
	case hotSession:
		return "SELECT " + names(sessionColumns) + " FROM sessions WHERE id_hash = ?"
	case hotSessionUser:
		return sessionUserSQL()
	case hotTouchSession:
		return touchSessionSQL
	case hotClient:
		return "SELECT " + names(clientColumns) + " FROM clients WHERE id = ?"
	case hotUser:
		return "SELECT " + names(userColumns) + " FROM users WHERE id = ?"
	case hotConsent:
		return "SELECT " + names(consentColumns) + " FROM consents WHERE user_id = ? AND client_id = ?"
	case hotClientStamp:
		return "SELECT " + names(stampColumns) + " FROM clients WHERE id = ?"
	case hotState:
		return stateSQL(briefColumns, false, "g.id = ?")
	case hotStateFor:
		return stateSQL(briefColumns, true, "g.id = ?")
	case hotStateByCode:
		return stateSQL(grantColumns, false, "g.code_hash = ? AND g.code_hash <> ''")
	case hotStateWhole:
		return stateSQL(grantColumns, false, "g.id = ?")
	case hotCreateGrantFor:
		return "INSERT INTO grants (" + names(grantColumns) + ") SELECT " + strings.Repeat("?, ", len(grantColumns)-1) + "?" +
			" WHERE EXISTS (SELECT 1 FROM clients WHERE id = ? AND version = ? AND created_at = ? AND disabled_at = 0)"
	case hotGrant:
		return "SELECT " + names(grantColumns) + " FROM grants WHERE id = ?"
	case hotGrantByCode:
		return "SELECT " + names(grantColumns) + " FROM grants WHERE code_hash = ? AND code_hash <> ''"
	case hotCreateGrant:
		return "INSERT INTO grants (" + names(grantColumns) + ") VALUES (?" + strings.Repeat(", ?", len(grantColumns)-1) + ")"
	case hotSaveAccount:
		return saveAccountSQL()
	case hotRedeem:
		return redeemSQL
	case hotRotate:
		return rotateSQL + sameClient + " RETURNING " + names(grantColumns)
	case hotKnownIdentity:
		return knownIdentitySQL()
	case hotTouchIdentity:
		return "UPDATE user_identities SET last_used_at = ? WHERE id = ?"
	}
	panic("store: no such hot statement")
}

// names lists the columns for SQL.
func names(cols []column) string {
	list := make([]string, len(cols))
	for i, c := range cols {
		list[i] = `"` + c.name + `"`
	}
	return strings.Join(list, ", ")
}

// namesIn lists the columns of a table with an alias for SQL.
func namesIn(alias string, cols []column) string {
	return alias + "." + strings.Join(strings.Split(names(cols), ", "), ", "+alias+".")
}

// namesOrNone is namesIn for rows of R of which there may be none: its columns
// then hold what stands for nothing.
func namesOrNone[R any](alias string, cols []column) string {
	list := strings.Split(namesIn(alias, cols), ", ")
	for i, c := range cols {
		none := "''"
		switch reflect.TypeFor[R]().Field(c.field).Type.Kind() {
		case reflect.Int, reflect.Int64:
			none = "0"
		case reflect.Bool:
			none = "FALSE"
		}
		list[i] = "coalesce(" + list[i] + ", " + none + ")"
	}
	return strings.Join(list, ", ")
}

// placeholders writes "?" as the database wants it. No statement of ours has
// a "?" in a literal.
func (f flavour) placeholders(query string) string {
	if f != flavourPostgres {
		return query
	}
	var b strings.Builder
	for i, part := range strings.Split(query, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// hotStatement is a hot statement of one pool.
type hotStatement struct {
	text, op string
	prepared atomic.Pointer[sql.Stmt]
	wanted   atomic.Bool // it ran in a unit before it was prepared
}

// hotStatements are those of a pool. Each is prepared when it is first used, so
// that opening a database stays fast, and works before it is migrated.
type hotStatements struct {
	list    [hotCount]hotStatement
	prepare sync.Mutex // held to prepare

	mu      sync.Mutex
	texts   map[string]*hotStatement // prepared.go
	waiting []*hotStatement          // ran in a unit before they were prepared
	missed  atomic.Bool              // there are some
	rows    sync.Map                 // reflect.Type: *rowText
}

func (s *hotStatements) init(f flavour) {
	for h := range hotCount {
		text := h.text()
		op, _, _ := strings.Cut(text, " ")
		s.list[h].text, s.list[h].op = f.placeholders(text), strings.ToLower(op)
	}
}

// prepare returns h, prepared. Never call it in a unit of work: it needs a
// connection, and on SQLite the unit has the only one.
func (p *pool) prepare(ctx context.Context, s *hotStatement) (*sql.Stmt, error) {
	if stmt := s.prepared.Load(); stmt != nil {
		return stmt, nil
	}
	p.hot.prepare.Lock()
	defer p.hot.prepare.Unlock()
	if stmt := s.prepared.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := p.sql.PrepareContext(ctx, s.text)
	if err != nil {
		return nil, err
	}
	s.prepared.Store(stmt)
	return stmt, nil
}

// prepareWanted prepares, before a unit begins, what units ran unprepared.
func (p *pool) prepareWanted(ctx context.Context) {
	if !p.hot.missed.Swap(false) {
		return
	}
	p.hot.mu.Lock()
	waiting := p.hot.waiting
	p.hot.waiting = nil
	p.hot.mu.Unlock()
	for _, s := range waiting {
		_, _ = p.prepare(ctx, s) // if it cannot be, it runs unprepared, and says why
		s.wanted.Store(false)
	}
}

// want has s prepared before the next unit begins.
func (s *hotStatements) want(h *hotStatement) {
	if h.wanted.Swap(true) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, h)
	s.missed.Store(true)
}

// runner is a prepared statement, or one that is not prepared yet.
type runner struct {
	query func(ctx context.Context, args ...any) *sql.Row
	rows  func(ctx context.Context, args ...any) (*sql.Rows, error)
	exec  func(ctx context.Context, args ...any) (sql.Result, error)
}

// hot returns what runs a hot statement in the unit of ctx, or else in p.
func (db *DB) hot(ctx context.Context, p *pool, h hot) (runner, error) {
	if db.unit(ctx) != nil {
		p = db.write
	}
	return db.run(ctx, p, &p.hot.list[h])
}

// run returns what runs a statement of a pool, in the unit of ctx where there is
// one.
func (db *DB) run(ctx context.Context, p *pool, s *hotStatement) (runner, error) {
	u := db.unit(ctx)
	if u == nil {
		stmt, err := p.prepare(ctx, s)
		if err != nil {
			return runner{}, err
		}
		db.tell(s.op, s.text, false)
		return runner{stmt.QueryRowContext, stmt.QueryContext, stmt.ExecContext}, nil
	}
	if err := u.usable(); err != nil {
		return runner{}, err
	}
	db.tell(s.op, s.text, true)
	if stmt := s.prepared.Load(); stmt != nil {
		tx := u.tx.StmtContext(ctx, stmt)
		return runner{tx.QueryRowContext, tx.QueryContext, tx.ExecContext}, nil
	}
	p.hot.want(s)
	return unprepared(u.tx.Tx, s.text), nil
}

// unprepared is a runner of a text.
func unprepared(on interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, text string,
) runner {
	return runner{
		func(ctx context.Context, args ...any) *sql.Row { return on.QueryRowContext(ctx, text, args...) },
		func(ctx context.Context, args ...any) (*sql.Rows, error) { return on.QueryContext(ctx, text, args...) },
		func(ctx context.Context, args ...any) (sql.Result, error) { return on.ExecContext(ctx, text, args...) },
	}
}

// hotRead reads the row of R that a hot statement selects, or returns
// broker.ErrNotFound.
func hotRead[R any](ctx context.Context, db *DB, p *pool, h hot, what string, cols []column, args ...any) (*R, error) {
	row := new(R)
	if err := db.hotScan(ctx, p, h, what, targets(row, cols), args...); err != nil {
		return nil, err
	}
	return row, nil
}

// hotScan reads the row that a hot statement returns into dest, or returns
// broker.ErrNotFound.
func (db *DB) hotScan(ctx context.Context, p *pool, h hot, what string, dest []any, args ...any) error {
	if !storable(args...) {
		return broker.ErrNotFound.Becausef("%s: asked with a text that is never stored", what)
	}
	r, err := db.hot(ctx, p, h)
	if err != nil {
		return db.failed(what, err)
	}
	end, err := db.turn(ctx, p)
	if err != nil {
		return db.failed(what, err)
	}
	defer end()
	if err := r.query(db.unhurried(ctx), args...).Scan(dest...); err != nil {
		if err = db.failed(what, err); !isNotFound(err) {
			_ = db.doomed(ctx, err)
		}
		return err
	}
	return nil
}

// turn waits until it is this statement's turn at SQLite's one writer, where it
// would otherwise wait for a connection without end. ErrBusy: that took too long.
func (db *DB) turn(ctx context.Context, p *pool) (end func(), err error) {
	if db.flavour != flavourSQLite || p != db.write || db.unit(ctx) != nil {
		return func() {}, nil
	}
	end = func() { <-db.turns }
	select {
	case db.turns <- struct{}{}:
		return end, nil
	default:
	}
	late := time.NewTimer(db.waitMax)
	defer late.Stop()
	select {
	case db.turns <- struct{}{}:
		return end, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, ErrBusy.Becausef("no turn at the writer within %s", db.waitMax)
	}
}

// unhurried is ctx for a hot statement. On SQLite it takes microseconds, which is
// less than database/sql and the driver need to watch for its end.
func (db *DB) unhurried(ctx context.Context) context.Context {
	if db.flavour == flavourSQLite && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// hotExec runs a hot statement and returns how many rows it changed.
func (db *DB) hotExec(ctx context.Context, h hot, what string, args ...any) (int64, error) {
	if !storable(args...) {
		return 0, nil
	}
	r, err := db.hot(ctx, db.write, h)
	if err != nil {
		return 0, db.failed(what, err)
	}
	end, err := db.turn(ctx, db.write)
	if err != nil {
		return 0, db.failed(what, err)
	}
	defer end()
	res, err := r.exec(db.unhurried(ctx), args...)
	n, err := db.affected(what, res, err)
	return n, db.doomed(ctx, err)
}
