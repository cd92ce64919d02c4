package storetest_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// eachBench runs fn on SQLite and, where there is one, on PostgreSQL.
func eachBench(b *testing.B, fn func(b *testing.B, db *store.DB)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { fn(b, storetest.New(b)) })
	b.Run("postgres", func(b *testing.B) {
		db := storetest.Open(b, storetest.EmptyPostgres(b))
		if _, err := db.MigrateUp(context.Background()); err != nil {
			b.Fatal(err)
		}
		fn(b, db)
	})
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func benchGrant(i int) broker.Grant {
	at := now()
	return broker.Grant{
		ID: broker.GrantID(fmt.Sprint("grant", i)), ClientID: "wiki", UserID: "u", SID: "sid", Scopes: []string{"openid", "email", "offline_access"},
		CodeHash: fmt.Sprint("code", i), CodeExpiresAt: at.Add(time.Hour), RedirectURI: "https://wiki.example/callback",
		CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Nonce: "n", AuthTime: at, AMR: []string{"pwd"}, ACR: broker.ACRSingle,
		ExpiresAt: at.Add(time.Hour), CreatedAt: at,
	}
}

// BenchmarkSessionRead reads sessions by hash, on as many goroutines as there
// are processors.
func BenchmarkSessionRead(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		check(b, db.InTx(ctx, func(ctx context.Context) error {
			for i := range 1000 {
				check(b, db.CreateSession(ctx, broker.Session{IDHash: fmt.Sprint(i), UserID: "u", AMR: []string{"pwd"}, Data: make([]byte, 200), ExpiresAt: time.Now().Add(time.Hour)}))
			}
			return nil
		}))
		var n atomic.Int64
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := db.Session(ctx, fmt.Sprint(n.Add(1)%1000)); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkCreateGrant(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			check(b, db.CreateGrant(context.Background(), benchGrant(i)))
		}
	})
}

func BenchmarkRedeem(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		grants := make([]broker.Grant, b.N)
		check(b, db.InTx(ctx, func(ctx context.Context) error {
			for i := range grants {
				grants[i] = benchGrant(i)
				check(b, db.CreateGrant(ctx, grants[i]))
			}
			return nil
		}))
		b.ReportAllocs()
		b.ResetTimer()
		for _, g := range grants {
			g.RefreshGeneration = 1
			check(b, db.RedeemCode(ctx, g, now()))
		}
	})
}

func BenchmarkRefresh(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		g := benchGrant(0)
		g.RefreshGeneration = 1
		check(b, db.CreateGrant(ctx, g))
		b.ReportAllocs()
		for i := 1; b.Loop(); i++ {
			if _, outcome, err := db.Refresh(ctx, g.ID, g.ClientID, broker.ClientStamp{}, i, now(), grace, idle); outcome != broker.RefreshRotated {
				b.Fatal(outcome, err)
			}
		}
	})
}

// BenchmarkCodeFlow is what one sign-in of a known person costs the database:
// session, client, grant, code, redemption.
func BenchmarkCodeFlow(b *testing.B) {
	eachBench(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		check(b, db.CreateSession(ctx, broker.Session{IDHash: "s"}))
		check(b, db.CreateClient(ctx, broker.Client{ID: "wiki"}))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			g := benchGrant(i)
			_, err := db.Session(ctx, "s")
			check(b, err)
			_, err = db.Client(ctx, "wiki")
			check(b, err)
			check(b, db.InTx(ctx, func(ctx context.Context) error { return db.CreateGrant(ctx, g) }))
			_, err = db.GrantByCode(ctx, g.CodeHash)
			check(b, err)
			check(b, db.InTx(ctx, func(ctx context.Context) error { return db.RedeemCode(ctx, g, now()) }))
		}
	})
}

// BenchmarkOpen opens a migrated SQLite database and reads a row: the part of a
// start that is ours.
func BenchmarkOpen(b *testing.B) {
	dsn := storetest.EmptySQLite(b)
	check(b, func() error { _, err := storetest.Open(b, dsn).MigrateUp(context.Background()); return err }())
	for b.Loop() {
		db, err := store.Open(context.Background(), store.Options{DSN: dsn})
		check(b, err)
		_, err = db.Keys(context.Background())
		check(b, err)
		check(b, db.Close())
	}
}

// BenchmarkMigrate makes a fresh SQLite database.
func BenchmarkMigrate(b *testing.B) {
	for b.Loop() {
		db, err := store.Open(context.Background(), store.Options{DSN: storetest.EmptySQLite(b)})
		check(b, err)
		_, err = db.MigrateUp(context.Background())
		check(b, err)
		check(b, db.Close())
	}
}
