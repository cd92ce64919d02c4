package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// unit is a unit of work: one transaction, found through the context.
type unit struct {
	tx bun.Tx

	mu   sync.Mutex
	doom error // why it cannot commit; nil: it can
	over bool
}

// unitKey finds the unit of one database in a context.
type unitKey struct{ db *DB }

// unit returns the unit of work that ctx carries, or nil.
func (db *DB) unit(ctx context.Context) *unit {
	u, _ := ctx.Value(unitKey{db}).(*unit)
	return u
}

// errOver: a context outlived the unit of work that it carries.
var errOver = errors.New("the unit of work of this context is over")

// InTx runs fn as one unit of work: everything that fn does with the context it
// is given is written, or nothing is. It is rolled back when fn returns an
// error (which InTx returns as it is) or panics (which goes on).
//
// A unit inside a unit joins it: what fails inside dooms the whole. So does any
// statement that fails, even where fn swallows the error; InTx then returns
// broker.ErrDoomed. Finding no row is not a failure.
//
// Inside, use no other context for the database: SQLite has one writer, which
// the unit holds. Make no network call and hash no password inside.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if u := db.unit(ctx); u != nil {
		return u.join(ctx, fn)
	}
	u, end, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := fn(context.WithValue(ctx, unitKey{db}, u)); err != nil {
		return err
	}
	return db.commit(u)
}

// join runs fn in a unit that stands already.
func (u *unit) join(ctx context.Context, fn func(ctx context.Context) error) (err error) {
	returned := false
	defer func() {
		if !returned { // a panic that somebody outside may recover from
			u.fail(errors.New("panic in a joined unit of work"))
		} else if err != nil {
			u.fail(err)
		}
	}()
	err = fn(ctx)
	returned = true
	return err
}

// begin starts a transaction. end rolls it back unless it was committed, and
// gives its connection back.
func (db *DB) begin(ctx context.Context) (_ *unit, end func(), err error) {
	db.write.prepareWanted(ctx)
	wait, cancel := context.WithTimeoutCause(ctx, db.waitMax, ErrBusy)
	defer cancel()
	conn, err := db.write.bun.Conn(wait)
	if err != nil {
		if ctx.Err() == nil && wait.Err() != nil {
			err = ErrBusy.Becausef("no connection within %s", db.waitMax)
		}
		return nil, nil, db.failed("begin", err)
	}
	db.tell("begin", "", true)
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, db.failed("begin", errors.Join(err, conn.Close()))
	}
	u := &unit{tx: tx}
	return u, func() {
		if u.end() {
			db.tell("rollback", "", true)
			_ = tx.Rollback() // it is being given up: there is nobody to tell, and the server does so by itself
		}
		_ = conn.Close() // gives it back; never fails but where it has been closed
	}, nil
}

// commit ends u, written unless it is doomed.
func (db *DB) commit(u *unit) error {
	if err := u.usable(); err != nil {
		return err
	}
	u.end()
	db.tell("commit", "", true)
	if err := u.tx.Commit(); err != nil {
		return db.failed("commit", err)
	}
	return nil
}

// end marks u as over; false where it was already.
func (u *unit) end() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	was := u.over
	u.over = true
	return !was
}

// fail dooms u; the first cause stays.
func (u *unit) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.doom == nil {
		u.doom = err
	}
}

// usable tells why no further statement can run in u; nil where it can.
func (u *unit) usable() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return errOver
	}
	if u.doom != nil {
		return broker.ErrDoomed.Because(fmt.Errorf("unit of work: %w", u.doom))
	}
	return nil
}

// doomed takes note of a statement that failed in the unit of ctx, and returns
// its error.
func (db *DB) doomed(ctx context.Context, err error) error {
	if u := db.unit(ctx); u != nil && err != nil {
		u.fail(err)
	}
	return err
}
