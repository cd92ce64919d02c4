package storetest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// eachEmpty runs fn on the DSNs of two databases that were never migrated.
func eachEmpty(t *testing.T, fn func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, storetest.EmptySQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, storetest.EmptyPostgres(t)) })
}

func TestMigrateUpAndDown(t *testing.T) {
	eachEmpty(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db := storetest.Open(t, dsn)
		if db.Ping(ctx) == nil {
			t.Error("Ping of a database without tables succeeds")
		}
		plan := must(db.MigratePlan(ctx))(t)
		if len(plan) == 0 || plan[0].Name != "0001_first" || plan[0].Applied || !strings.Contains(strings.Join(plan[0].SQL, ";"), "CREATE TABLE grants") {
			t.Fatalf("plan: %+v", plan)
		}
		if got := tables(t, storetest.Raw(t, dsn)); len(got) != 0 {
			t.Errorf("a plan made tables: %v", got)
		}
		before := time.Now().Add(-time.Second)
		all := must(db.MigrateUp(ctx))(t)
		same(t, len(all), len(plan))
		same(t, len(must(db.MigrateUp(ctx))(t)), 0)
		same(t, len(must(db.MigratePlan(ctx))(t)), 0)
		for _, m := range must(db.MigrateStatus(ctx))(t) {
			if !m.Applied || m.At.Before(before) || m.At.After(time.Now().Add(time.Second)) || m.At.Location() != time.UTC {
				t.Errorf("status: %s %t %s", m.Name, m.Applied, m.At)
			}
		}
		ok(t, db.Ping(ctx))
		newUser(t, db)

		down := must(db.MigrateDown(ctx, 1000))(t)
		slices.Reverse(down)
		same(t, down, all)
		if got := tables(t, storetest.Raw(t, dsn)); !slices.Equal(got, []string{"bun_migrations"}) {
			t.Errorf("the way down leaves %v", got)
		}
		same(t, len(must(db.MigrateDown(ctx, 1))(t)), 0)
		same(t, must(db.MigrateUp(ctx))(t), all)
		same(t, must(db.CountUsers(ctx))(t), 0)
	})
}

// TestMigrateTogether: replicas that start at once migrate once.
func TestMigrateTogether(t *testing.T) {
	eachEmpty(t, func(t *testing.T, dsn string) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		ran := 0
		for range 4 {
			db := storetest.Open(t, dsn)
			wg.Go(func() {
				names, err := db.MigrateUp(context.Background())
				mu.Lock()
				defer mu.Unlock()
				ran += len(names)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		same(t, ran, len(must(storetest.Open(t, dsn).MigrateStatus(context.Background()))(t)))
	})
}

// TestMigrateWhole: a migration whose last statement fails leaves nothing.
func TestMigrateWhole(t *testing.T) {
	eachEmpty(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		raw := storetest.Raw(t, dsn)
		_, err := raw.Exec("CREATE TABLE heartbeats (id text)")
		ok(t, err)
		db := storetest.Open(t, dsn)
		names, err := db.MigrateUp(ctx)
		if err == nil || len(names) != 0 || !strings.Contains(err.Error(), "0001_first") {
			t.Errorf("MigrateUp = %v, %v", names, err)
		}
		if got := tables(t, raw); !slices.Equal(got, []string{"heartbeats"}) {
			t.Errorf("there are %v", got)
		}
		_, err = raw.Exec("DROP TABLE heartbeats")
		ok(t, err)
		must(db.MigrateUp(ctx))(t)
	})
}

// TestMigrateNewer: what a newer program made is not touched.
func TestMigrateNewer(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db := storetest.Open(t, dsn) // was open when the other migrated
		_, err := storetest.Raw(t, dsn).Exec("INSERT INTO bun_migrations (id, name, group_id, migrated_at) VALUES (999, '9999', 9, '2030-01-01 00:00:00+00:00')")
		ok(t, err)
		other, err := store.Open(ctx, store.Options{DSN: dsn})
		if err == nil || !strings.Contains(err.Error(), "9999") {
			t.Errorf("Open = %v, %v", other, err)
		}
		for name, err := range map[string]error{
			"up":     func() error { _, err := db.MigrateUp(ctx); return err }(),
			"down":   func() error { _, err := db.MigrateDown(ctx, 1); return err }(),
			"plan":   func() error { _, err := db.MigratePlan(ctx); return err }(),
			"status": func() error { _, err := db.MigrateStatus(ctx); return err }(),
		} {
			if err == nil || !strings.Contains(err.Error(), "9999") {
				t.Errorf("%s = %v", name, err)
			}
		}
		ok(t, db.AddEvent(ctx, broker.Event{ID: "e"})) // the old program goes on: a newer schema serves it too
	})
}
