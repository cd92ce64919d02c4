package store

import (
	"context"
	"database/sql"
	"reflect"
	"slices"
	"strings"
)

// SQLite needs longer to parse a statement than to run it. So there the statements
// of query.go are prepared as the hot ones are, each text once. PostgreSQL
// gets them from bun, whole: its plans depend on the values.

// maxPrepared bounds the texts that are prepared; a program has some hundred.
const maxPrepared = 512

// preparable tells whether a statement with args can be prepared: bun writes
// lists into the text.
func (db *DB) preparable(args []any) bool {
	if db.flavour != flavourSQLite {
		return false
	}
	for _, a := range args {
		switch a.(type) {
		case string, int64, micros, int, bool, []byte:
		default:
			return false
		}
	}
	return true
}

// statement returns what is kept of a text; nil where there are too many.
func (s *hotStatements) statement(text string) *hotStatement {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.texts[text]; found != nil {
		return found
	}
	if len(s.texts) >= maxPrepared {
		return nil
	}
	if s.texts == nil {
		s.texts = map[string]*hotStatement{}
	}
	op, _, _ := strings.Cut(text, " ")
	made := &hotStatement{text: text, op: strings.ToLower(op)}
	s.texts[text] = made
	return made
}

// prepared returns what runs a text in the unit of ctx, or else in p.
func (db *DB) prepared(ctx context.Context, p *pool, text string) (runner, error) {
	if db.unit(ctx) != nil {
		p = db.write
	}
	if s := p.hot.statement(text); s != nil {
		return db.run(ctx, p, s)
	}
	u := db.unit(ctx)
	if u != nil {
		if err := u.usable(); err != nil {
			return runner{}, err
		}
	}
	op, _, _ := strings.Cut(text, " ")
	db.tell(strings.ToLower(op), text, u != nil)
	if u != nil {
		return unprepared(u.tx.Tx, text), nil
	}
	return unprepared(p.sql, text), nil
}

// rowText is the SQL about a row struct that stays the same.
type rowText struct {
	table string
	cols  []column
	list  string // names(cols)
}

// textOf returns the SQL of a row struct.
func (s *hotStatements) textOf(t reflect.Type) *rowText {
	if found, ok := s.rows.Load(t); ok {
		return found.(*rowText)
	}
	base, _ := t.FieldByName("BaseModel")
	table, _, _ := strings.Cut(strings.TrimPrefix(base.Tag.Get("bun"), "table:"), ",")
	cols := columns(t)
	made := &rowText{table: table, cols: cols, list: names(cols)}
	s.rows.Store(t, made)
	return made
}

// marks is a "?" for each of n values.
func marks(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// preparedMany reads the rows that a condition selects, and what follows it.
func preparedMany[R any](ctx context.Context, db *DB, where string, args []any) ([]R, error) {
	t := db.read.hot.textOf(reflect.TypeFor[R]())
	r, err := db.prepared(ctx, db.read, "SELECT "+t.list+" FROM "+t.table+" WHERE "+where)
	if err != nil {
		return nil, err
	}
	found, err := r.rows(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close() //nolint:errcheck // Err tells
	var rows []R
	for found.Next() {
		rows = append(rows, *new(R))
		if err := found.Scan(targets(&rows[len(rows)-1], t.cols)...); err != nil {
			return nil, err
		}
	}
	return rows, found.Err()
}

// preparedOne reads the row that a condition selects, or returns sql.ErrNoRows.
func preparedOne[R any](ctx context.Context, db *DB, where string, args []any) (*R, error) {
	t := db.read.hot.textOf(reflect.TypeFor[R]())
	r, err := db.prepared(ctx, db.read, "SELECT "+t.list+" FROM "+t.table+" WHERE "+where)
	if err != nil {
		return nil, err
	}
	row := new(R)
	return row, r.query(db.unhurried(ctx), args...).Scan(targets(row, t.cols)...)
}

// preparedExec runs a writing statement.
func (db *DB) preparedExec(ctx context.Context, text string, args []any) (sql.Result, error) {
	r, err := db.prepared(ctx, db.write, text)
	if err != nil {
		return nil, err
	}
	end, err := db.turn(ctx, db.write)
	if err != nil {
		return nil, err
	}
	defer end()
	return r.exec(ctx, args...)
}

// preparedInsert writes a new row.
func (db *DB) preparedInsert(ctx context.Context, row any) (sql.Result, error) {
	t := db.write.hot.textOf(reflect.TypeOf(row).Elem())
	args, err := values(row, t.cols)
	if err != nil {
		return nil, err
	}
	return db.preparedExec(ctx, "INSERT INTO "+t.table+" ("+t.list+") VALUES ("+marks(len(args))+")", args)
}

// preparedUpdate writes every column of row but those excluded, and what set says; args as update has them.
func (db *DB) preparedUpdate(ctx context.Context, row any, excluded []string, set, where string, args []any) (sql.Result, error) {
	t := db.write.hot.textOf(reflect.TypeOf(row).Elem())
	kept := slices.DeleteFunc(slices.Clone(t.cols), func(c column) bool { return slices.Contains(excluded, c.name) })
	bound, err := values(row, kept)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("UPDATE " + t.table + " SET ")
	for i, c := range kept {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + c.name + `" = ?`)
	}
	if set != "" {
		b.WriteString(", " + set)
	}
	b.WriteString(" WHERE " + where)
	return db.preparedExec(ctx, b.String(), append(bound, args...))
}

// told makes of the error of a prepared statement what bun's hook does: it dooms
// the unit, and is translated.
func (db *DB) told(ctx context.Context, what string, err error) error {
	if err = db.failed(what, err); err != nil && !isNotFound(err) {
		_ = db.doomed(ctx, err)
	}
	return err
}
