package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
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
		{"logins", []string{"id"}, []string{"remote", "sign_up", "upstream", "identifier"}},
		{"upstream_sessions", []string{"id_hash"}, []string{"id_token"}},
		{"signing_keys", []string{"id"}, []string{"private"}},
		{"outbox", []string{"id"}, []string{"payload"}},
		{"encryption_keys", []string{"id"}, []string{"private"}},
		{"factors", []string{"id"}, []string{"secret"}},
		{"client_secrets", []string{"client_id", "hash"}, []string{"secret"}},
	}
}

// SealedTables names the tables that have sealed columns.
func SealedTables() []string {
	var names []string
	for _, t := range sealedTables() {
		names = append(names, t.name)
	}
	return names
}

// Reseal seals every value again that another key than the first has sealed, and
// returns how many those were. told, where set, learns of each batch. It may run
// while the broker serves, and again after it was interrupted. A value that does not open
// holds up no other; it is reported at the end.
func (db *DB) Reseal(ctx context.Context, told func(table string, resealed int)) (int, error) {
	total := 0
	var unopened error
	for _, t := range sealedTables() {
		for after := []string(nil); ; {
			n, last, err := db.resealBatch(ctx, t, after)
			total += n
			if told != nil && n > 0 {
				told(t.name, n)
			}
			if err != nil && !errors.Is(err, errUnsealed) {
				return total, db.failed("reseal "+t.name, err)
			}
			if err != nil && unopened == nil {
				unopened = db.failed("reseal "+t.name, err)
			}
			if last == nil {
				break
			}
			after = last
		}
	}
	return total, unopened
}

// Sealed is how many values of a table a key has sealed.
type Sealed struct {
	Table string
	KeyID string // as Keyring.IDs has it
	Count int
}

// SealedBy counts what each key has sealed.
func (db *DB) SealedBy(ctx context.Context) ([]Sealed, error) {
	var all []Sealed
	for _, t := range sealedTables() {
		byKey := map[string]int{}
		for _, column := range t.columns {
			on, err := db.reader(ctx)
			if err != nil {
				return nil, db.failed("count sealed values", err)
			}
			id := fmt.Sprintf("substr(%s, 2, %d)", column, keyIDBytes)
			var rows []struct {
				ID    []byte `bun:"id"`
				Count int    `bun:"n"`
			}
			if err := on.NewRaw("SELECT "+id+" AS id, count(*) AS n FROM "+t.name+" WHERE length("+column+") > 0 GROUP BY "+id).Scan(ctx, &rows); err != nil {
				return nil, db.failed("count sealed values", err)
			}
			for _, r := range rows {
				byKey[hex.EncodeToString(r.ID)] += r.Count
			}
		}
		for _, id := range slices.Sorted(maps.Keys(byKey)) {
			all = append(all, Sealed{t.name, id, byKey[id]})
		}
	}
	return all, nil
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
	var unopened error
	for _, r := range batch {
		for i, column := range t.columns {
			changed, err := db.resealValue(ctx, t, column, r.key, r.values[i])
			if err != nil && !errors.Is(err, errUnsealed) {
				return n, nil, err
			}
			if err != nil {
				unopened = err
			}
			n += changed
		}
	}
	if len(batch) == 0 {
		return n, nil, nil
	}
	return n, batch[len(batch)-1].key, unopened
}

// resealValue seals one value again, unless it changed meanwhile: then the new
// key has sealed it already.
func (db *DB) resealValue(ctx context.Context, t sealedTable, column string, key []string, old []byte) (int, error) {
	if db.ring().current(old) {
		return 0, nil
	}
	p := inRow(t.name, column, key...)
	text, err := db.ring().open(p, old)
	if err != nil {
		return 0, err
	}
	sealed, err := db.ring().seal(p, text)
	if err != nil {
		return 0, err
	}
	n, err := db.exec(ctx, "reseal "+t.name, "UPDATE "+t.name+" SET "+column+" = ? WHERE ("+strings.Join(t.key, ", ")+") = (?) AND "+column+" = ?",
		sealed, bun.List(key), old)
	return int(n), err
}
