package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun"
)

// hook sees every statement that bun runs. It dooms the unit of one that
// failed, so that SQLite, which would go on, behaves as PostgreSQL does; here,
// because no method can forget it.
type hook struct{ db *DB }

// BeforeQuery implements bun.QueryHook.
func (h hook) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	op, _, _ := strings.Cut(e.Query, " ") // bun calls every raw query a SELECT
	switch op {
	case "BEGIN", "COMMIT", "ROLLBACK": // unit.go tells
	default:
		h.db.tell(op, e.Query, h.db.unit(ctx) != nil)
	}
	return ctx
}

// AfterQuery implements bun.QueryHook.
func (h hook) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	if e.Err != nil && !errors.Is(e.Err, sql.ErrNoRows) {
		_ = h.db.doomed(ctx, h.db.failed("statement", e.Err))
	}
}

// tell tells OnStatement.
func (db *DB) tell(op, text string, inUnit bool) {
	if db.onStmt != nil {
		db.onStmt(Statement{Op: strings.ToLower(op), Unit: inUnit, Text: text})
	}
}
