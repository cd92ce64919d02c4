package store

import (
	"context"
	"database/sql"
	"reflect"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// Every statement that is not hot goes through the functions of this file.
// They join the unit of the context, refuse text that no database could keep,
// and translate errors. A method above them is one statement.

// writer returns what runs a writing statement: the unit of ctx, or the writer.
func (db *DB) writer(ctx context.Context) (bun.IDB, error) { return db.on(ctx, db.write) }

// reader returns what runs a reading statement: the unit of ctx, or a reader.
func (db *DB) reader(ctx context.Context) (bun.IDB, error) { return db.on(ctx, db.read) }

func (db *DB) on(ctx context.Context, p *pool) (bun.IDB, error) {
	u := db.unit(ctx)
	if u == nil {
		return p.bun, nil
	}
	if err := u.usable(); err != nil {
		return nil, err
	}
	return u.tx, nil
}

// one reads the row of R that a condition selects, or returns
// broker.ErrNotFound.
func one[R any](ctx context.Context, db *DB, what, where string, args ...any) (*R, error) {
	if !storable(args...) {
		return nil, broker.ErrNotFound.Becausef("%s: asked with a text that is never stored", what)
	}
	if db.preparable(args) {
		row, err := preparedOne[R](ctx, db, where, args)
		return row, db.told(ctx, what, err)
	}
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	row := new(R)
	if err := on.NewSelect().Model(row).Where(where, args...).Scan(ctx); err != nil {
		return nil, db.failed(what, err)
	}
	return row, nil
}

// all is the limit of a list that is short by its nature.
const all = 0

// many reads the rows of R that a condition selects.
func many[R any](ctx context.Context, db *DB, what, order string, limit int, where string, args ...any) ([]R, error) {
	if !storable(args...) {
		return nil, nil
	}
	if db.preparable(args) {
		where += " ORDER BY " + order
		if limit != all {
			where, args = where+" LIMIT ?", append(slices.Clip(args), limit)
		}
		rows, err := preparedMany[R](ctx, db, where, args)
		return rows, db.told(ctx, what, err)
	}
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []R
	q := on.NewSelect().Model(&rows).Where(where, args...).OrderExpr(order)
	if limit != all {
		q = q.Limit(int64(limit))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, db.failed(what, err)
	}
	return rows, nil
}

// count counts what a query of one number selects.
func (db *DB) count(ctx context.Context, what, query string, args ...any) (int, error) {
	on, err := db.reader(ctx)
	if err != nil {
		return 0, db.failed(what, err)
	}
	var n int
	if err := on.NewRaw(query, args...).Scan(ctx, &n); err != nil {
		return 0, db.failed(what, err)
	}
	return n, nil
}

// insert writes a new row. More than the columns of row, an "ON CONFLICT"
// clause can be given.
func (db *DB) insert(ctx context.Context, what string, row any) error {
	if _, err := values(row, columns(reflect.TypeOf(row).Elem())); err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	if db.preparable(nil) {
		_, err := db.preparedInsert(ctx, row)
		return db.told(ctx, what, err)
	}
	on, err := db.writer(ctx)
	if err != nil {
		return db.failed(what, err)
	}
	_, err = on.NewInsert().Model(row).Exec(ctx)
	return db.failed(what, err)
}

// update writes every column of row but those excluded, where the condition
// holds, and returns how many rows that were. set is what else is written; "" nothing. args
// are those of set and then of where.
func (db *DB) update(ctx context.Context, what string, row any, excluded []string, set, where string, args ...any) (int64, error) {
	if _, err := values(row, columns(reflect.TypeOf(row).Elem())); err != nil {
		return 0, db.doomed(ctx, db.failed(what, err))
	}
	if db.preparable(args) {
		res, err := db.preparedUpdate(ctx, row, excluded, set, where, args)
		return db.affected(what, res, db.told(ctx, what, err))
	}
	on, err := db.writer(ctx)
	if err != nil {
		return 0, db.failed(what, err)
	}
	forSet := strings.Count(set, "?")
	q := on.NewUpdate().Model(row).ExcludeColumn(excluded...).Where(where, args[forSet:]...)
	if set != "" {
		q = q.Set(set, args[:forSet]...)
	}
	res, err := q.Exec(ctx)
	return db.affected(what, res, err)
}

// exec runs a statement and returns how many rows it changed. Where a text among
// args can never be stored, that is none.
func (db *DB) exec(ctx context.Context, what, query string, args ...any) (int64, error) {
	if !storable(args...) {
		return 0, nil
	}
	if db.preparable(args) {
		res, err := db.preparedExec(ctx, query, args)
		return db.affected(what, res, db.told(ctx, what, err))
	}
	on, err := db.writer(ctx)
	if err != nil {
		return 0, db.failed(what, err)
	}
	res, err := on.NewRaw(query, args...).Exec(ctx)
	return db.affected(what, res, err)
}

// affected is how many rows a statement changed.
func (db *DB) affected(what string, res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, db.failed(what, err)
	}
	n, err := res.RowsAffected()
	return n, db.failed(what, err)
}

// returning runs a writing statement that returns rows, and reads them into
// dest, a pointer to a slice.
func (db *DB) returning(ctx context.Context, what string, dest any, query string, args ...any) error {
	if !storable(args...) {
		return nil
	}
	on, err := db.writer(ctx)
	if err != nil {
		return db.failed(what, err)
	}
	return db.failed(what, on.NewRaw(query, args...).Scan(ctx, dest))
}

// must is err, or otherwise where no row was changed.
func must(n int64, err error, otherwise *broker.Error, what string) error {
	if err == nil && n == 0 {
		return otherwise.Becausef("%s: no row", what)
	}
	return err
}

// each converts rows.
func each[R, V any](rows []R, convert func(*R) V) []V {
	var list []V
	for i := range rows {
		list = append(list, convert(&rows[i]))
	}
	return list
}
