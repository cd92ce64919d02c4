package store

import (
	"context"
	"strings"

	"github.com/uptrace/bun"
)

// resealBatch is how many rows are read at a time.
const resealBatch = 200

// sealedTable names the sealed columns of a table.
type sealedTable struct {
	name    string
	key     []string // primary key: what a sealed value is bound to
	columns []string
}

// sealedTables lists every sealed column. seal_test.go compares it with the
// schema.
func sealedTables() []sealedTable {
	return []sealedTable{
		{"remote_tokens", []string{"account_id", "kind"}, []string{"access_token", "refresh_token", "id_token"}},
		{"attempts", []string{"state_hash"}, []string{"session"}},
		{"logins", []string{"id"}, []string{"remote", "sign_up", "upstream"}},
		{"upstream_sessions", []string{"id_hash"}, []string{"id_token"}},
		{"signing_keys", []string{"id"}, []string{"private"}},
		{"outbox", []string{"id"}, []string{"payload"}},
		{"encryption_keys", []string{"id"}, []string{"private"}},
		{"client_secrets", []string{"client_id", "hash"}, []string{"secret"}},
	}
}

// Reseal seals every value again that an older key has sealed, and returns how
// many those were. After it has returned without an error, with every replica
// using the new keyring, the older keys can go. It may run while the broker serves,
// and again after it was interrupted.
func (db *DB) Reseal(ctx context.Context) (int, error) {
	total := 0
	for _, t := range sealedTables() {
		for after := []string(nil); ; {
			n, last, err := db.resealBatch(ctx, t, after)
			total += n
			if err != nil {
				return total, db.failed("reseal "+t.name, err)
			}
			if last == nil {
				break
			}
			after = last
		}
	}
	return total, nil
}

// resealBatch seals the values of some rows behind a key again, and returns the
// key of the last row; nil where there is none.
func (db *DB) resealBatch(ctx context.Context, t sealedTable, after []string) (int, []string, error) {
	key := strings.Join(t.key, ", ")
	query, args := "SELECT "+key+", "+strings.Join(t.columns, ", ")+" FROM "+t.name, []any(nil)
	if after != nil {
		query, args = query+" WHERE ("+key+") > (?)", []any{bun.List(after)}
	}
	on, err := db.reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	rows, err := on.QueryContext(ctx, query+" ORDER BY "+key+" LIMIT ?", append(args, resealBatch)...)
	if err != nil {
		return 0, nil, err
	}
	type sealedRow struct {
		key    []string
		values [][]byte
	}
	var batch []sealedRow
	for rows.Next() {
		r := sealedRow{make([]string, len(t.key)), make([][]byte, len(t.columns))}
		var dest []any
		for i := range r.key {
			dest = append(dest, &r.key[i])
		}
		for i := range r.values {
			dest = append(dest, &r.values[i])
		}
		if err := rows.Scan(dest...); err != nil {
			_ = rows.Close()
			return 0, nil, err
		}
		batch = append(batch, r)
	}
	if err := rows.Err(); err != nil {
		return 0, nil, err
	}
	n := 0
	for _, r := range batch {
		for i, column := range t.columns {
			changed, err := db.resealValue(ctx, t, column, r.key, r.values[i])
			if err != nil {
				return n, nil, err
			}
			n += changed
		}
	}
	if len(batch) == 0 {
		return n, nil, nil
	}
	return n, batch[len(batch)-1].key, nil
}

// resealValue seals one value again, unless it changed meanwhile: then the new
// key has sealed it already.
func (db *DB) resealValue(ctx context.Context, t sealedTable, column string, key []string, old []byte) (int, error) {
	if db.keys.current(old) {
		return 0, nil
	}
	p := inRow(t.name, column, key...)
	text, err := db.keys.open(p, old)
	if err != nil {
		return 0, err
	}
	sealed, err := db.keys.seal(p, text)
	if err != nil {
		return 0, err
	}
	n, err := db.exec(ctx, "reseal "+t.name, "UPDATE "+t.name+" SET "+column+" = ? WHERE ("+strings.Join(t.key, ", ")+") = (?) AND "+column+" = ?",
		sealed, bun.List(key), old)
	return int(n), err
}
