package storetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestSealedColumnsAreKnown reads the schema: every column of bytes is sealed, and
// stands in sealedColumns, whose every entry TestReseal reseals. Whoever adds one
// and forgets that learns it here.
func TestSealedColumnsAreKnown(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		raw := storetest.Raw(t, dsn)
		var known, found []string
		plain := []string{
			"sessions.data",       // notices to show once, and the like: nothing that must not be read
			"passkeys.public_key", // it verifies, and opens nothing
		}
		for _, c := range sealedColumns {
			known = append(known, c.table+"."+c.column)
		}
		for _, table := range tables(t, raw) {
			found = append(found, bytesColumns(t, raw, table)...)
		}
		found = slices.DeleteFunc(found, func(c string) bool { return slices.Contains(plain, c) })
		slices.Sort(known)
		slices.Sort(found)
		if !slices.Equal(known, found) {
			t.Errorf("columns of bytes in the schema: %v\nknown as sealed: %v", found, known)
		}
		for _, table := range store.SealedTables() {
			found = slices.DeleteFunc(found, func(c string) bool { return len(c) > len(table) && c[:len(table)+1] == table+"." })
		}
		if len(found) != 0 {
			t.Errorf("Reseal does not know %v", found)
		}
	})
}

// bytesColumns lists the columns of a table that hold bytes, as table.column.
func bytesColumns(t *testing.T, raw *sql.DB, table string) []string {
	t.Helper()
	rows, err := raw.Query("SELECT * FROM " + table + " LIMIT 0")
	ok(t, err)
	defer rows.Close() //nolint:errcheck // it has been read
	types, err := rows.ColumnTypes()
	ok(t, err)
	var list []string
	for _, c := range types {
		if name := c.DatabaseTypeName(); name == "BLOB" || name == "BYTEA" {
			list = append(list, table+"."+c.Name())
		}
	}
	ok(t, rows.Err())
	return list
}

// TestSealedBy counts what each key has sealed, before, amid and after a reseal.
func TestSealedBy(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		old := store.NewKeyring()
		db := storetest.Open(t, dsn, storetest.Keys(old))
		fillSealed(t, db)
		count := func() map[string]int {
			m := map[string]int{}
			for _, s := range must(db.SealedBy(ctx))(t) {
				m[s.KeyID] += s.Count
			}
			return m
		}
		before, all := old.IDs()[0], 2*len(sealedColumns)
		same(t, count(), map[string]int{before: all})
		db.SetKeys(old.Staged())
		same(t, must(db.Reseal(ctx, nil))(t), 0) // a staged key seals nothing
		ring := old.Staged().Promoted()
		db.SetKeys(ring)
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "new", Payload: []byte(marker)}))
		same(t, count(), map[string]int{before: all, ring.IDs()[0]: 1})
		tables := map[string]int{}
		same(t, must(db.Reseal(ctx, func(table string, n int) { tables[table] += n }))(t), all)
		same(t, count(), map[string]int{ring.IDs()[0]: all + 1})
		same(t, tables["remote_tokens"], 6)
		same(t, len(tables), len(store.SealedTables()))
	})
}

// TestResealGoesOn: what does not open holds up nothing else, and is told.
func TestResealGoesOn(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		old := store.NewKeyring()
		fillSealed(t, storetest.Open(t, dsn, storetest.Keys(old)))
		ok(t, storetest.Open(t, dsn).Enqueue(ctx, broker.OutboxEntry{ID: "0 of a lost key", Payload: []byte(marker)}))
		db := storetest.Open(t, dsn, storetest.Keys(old.Rotated()))
		n, err := db.Reseal(ctx, nil)
		if err == nil || n != 2*len(sealedColumns) {
			t.Errorf("%d, %v", n, err)
		}
	})
}

// TestStagedKey: a replica that has the new key staged reads what one that has
// promoted it writes, and the other way round, at each step of a rotation, while
// both work.
func TestStagedKey(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		ring := store.NewKeyring()
		a, b := storetest.Open(t, dsn, storetest.Keys(ring)), storetest.Open(t, dsn, storetest.Keys(ring))
		ok(t, a.CreateUser(ctx, broker.User{ID: "u"}))
		must(a.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "a", UserID: "u"}))(t)
		stop := make(chan struct{})
		var work sync.WaitGroup
		for i, db := range []*store.DB{a, b} {
			work.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					secret := broker.Secret(fmt.Sprint(i, n))
					if err := db.SaveRemoteTokens(ctx, "a", []broker.RemoteToken{{Kind: fmt.Sprint(i), AccessToken: secret, RefreshToken: secret}}); err != nil {
						t.Error(err)
					}
					if _, err := db.RemoteTokens(ctx, "a"); err != nil {
						t.Errorf("replica %d: %v", i, err)
						return
					}
				}
			})
		}
		for range 3 {
			ring = ring.Staged()
			a.SetKeys(ring)
			b.SetKeys(ring)
			ring = ring.Promoted()
			b.SetKeys(ring)
			must(b.RemoteTokens(ctx, "a"))(t)
			must(a.RemoteTokens(ctx, "a"))(t)
			a.SetKeys(ring)
			must(a.Reseal(ctx, nil))(t)
		}
		close(stop)
		work.Wait()
		must(a.Reseal(ctx, nil))(t)
		alone, err := store.ParseKeyring(ring.Marshal())
		ok(t, err)
		for _, id := range alone.IDs()[1:] {
			alone = alone.Without(id)
		}
		same(t, alone.Len(), 1)
		must(storetest.Open(t, dsn, storetest.Keys(alone)).RemoteTokens(ctx, "a"))(t)
	})
}

func TestReplicas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		old, r := broker.Replica{ID: "1", SeenAt: at.Add(-lease), Seals: "a", Opens: []string{"a"}}, broker.Replica{ID: "2", SeenAt: at, Seals: "a", Opens: []string{"a", "b"}}
		ok(t, db.SaveReplica(ctx, old))
		ok(t, db.SaveReplica(ctx, r))
		r.Seals, r.SeenAt = "b", at.Add(lease)
		ok(t, db.SaveReplica(ctx, r))
		same(t, must(db.Replicas(ctx, at))(t), []broker.Replica{r})
		same(t, len(must(db.Replicas(ctx, at.Add(-lease)))(t)), 2)
		ok(t, db.DeleteReplica(ctx, "2"))
		same(t, len(must(db.Replicas(ctx, at))(t)), 0)
	})
}
