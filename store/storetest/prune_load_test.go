package storetest_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// crowd fills the table of grants: so many that ended long ago, and a tenth as
// many that live, scattered among them.
func crowd(t testing.TB, dsn string, expired int, at time.Time) {
	t.Helper()
	raw := storetest.Raw(t, dsn)
	if _, err := raw.Exec(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO grants (id, client_id, user_id, sid, scopes, audience, offline, code_hash, code_expires_at, code_used_at, redirect_uri, code_challenge,
			nonce, auth_time, amr, acr, provider, refresh_generation, refresh_rotated_at, refresh_expires_at, expires_at, revoked_at, revoked_reason, created_at, last_used_at, claims)
		SELECT 'g' || (i %% 7919) || '.' || i, 'wiki', 'user' || i, 'sid' || i, '["openid"]', '', FALSE, 'hash' || i, 1, 1, 'https://wiki.example/callback', '',
			'', 1, '["pwd"]', '', '', 1, 1, 0, CASE WHEN i %% 11 = 0 THEN %d ELSE %d END, 0, '', 1, 1, '' FROM n`,
		expired*11/10, at.Add(time.Hour).UnixMicro(), at.Add(-30*24*time.Hour).UnixMicro())); err != nil {
		t.Fatal(err)
	}
}

// signIns lets four people sign in again and again while work runs, and returns how
// often they did and how long the slowest time took.
func signIns(t testing.TB, db *store.DB, work func()) (times int, slowest time.Duration) {
	var n, most atomic.Int64
	var stop atomic.Bool
	var wait sync.WaitGroup
	for w := range 4 {
		wait.Go(func() {
			for i := 0; !stop.Load(); i++ {
				began := time.Now()
				if err := signIn(db, broker.NewID()); err != nil {
					t.Errorf("sign-in %d of %d: %v", i, w, err)
					return
				}
				n.Add(1)
				for d := int64(time.Since(began)); ; {
					if now := most.Load(); d <= now || most.CompareAndSwap(now, d) {
						break
					}
				}
			}
		})
	}
	work()
	stop.Store(true)
	wait.Wait()
	return int(n.Load()), time.Duration(most.Load())
}

// signIn is what a sign-in and a refresh ask of the database.
func signIn(db *store.DB, id string) error {
	ctx, at := context.Background(), now()
	if err := db.CreateSession(ctx, broker.Session{IDHash: id, SID: id, UserID: "ada", CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(time.Hour)}); err != nil {
		return err
	}
	g := broker.Grant{ID: broker.GrantID(id), ClientID: "wiki", UserID: "ada", CodeHash: id, CodeExpiresAt: at.Add(time.Minute), CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	if err := db.CreateGrant(ctx, g); err != nil {
		return err
	}
	s, err := db.GrantStateByCode(ctx, id, "wiki")
	if err != nil {
		return err
	}
	s.Grant.RefreshGeneration = 1
	if err := db.RedeemCode(ctx, s.Grant, at); err != nil {
		return err
	}
	_, outcome, err := db.Refresh(ctx, g.ID, "wiki", broker.ClientStamp{}, 1, at, grace, idle)
	if err == nil && outcome != broker.RefreshRotated {
		err = fmt.Errorf("refresh: %s", outcome)
	}
	return err
}

// TestPruneWhilePeopleSignIn: everything that ended goes, in transactions of no
// more than a batch, nobody who signs in meanwhile sees an error, and what lives stays.
func TestPruneWhilePeopleSignIn(t *testing.T) {
	const expired = 10_000
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		at := now()
		crowd(t, dsn, expired, at)
		var deletes atomic.Int64
		db := storetest.Open(t, dsn, storetest.OnStatement(func(s store.Statement) {
			if s.Op == "delete" && !s.Unit {
				deletes.Add(1)
			}
		}))
		var gone int
		times, _ := signIns(t, db, func() { gone = must(db.Prune(context.Background(), at))(t) })
		if gone != expired || times == 0 {
			t.Errorf("%d rows went, want %d; %d sign-ins meanwhile", gone, expired, times)
		}
		const batch = 500
		if deletes.Load() < expired/batch {
			t.Errorf("%d statements removed %d rows", deletes.Load(), gone)
		}
		var left, dead int
		if err := storetest.Raw(t, dsn).QueryRow("SELECT count(*), count(CASE WHEN expires_at < "+fmt.Sprint(at.UnixMicro())+" THEN 1 END) FROM grants").Scan(&left, &dead); err != nil {
			t.Fatal(err)
		}
		if left != expired/10+times || dead != 0 {
			t.Errorf("%d grants left, %d dead, want %d and none", left, dead, expired/10+times)
		}
	})
}

// BenchmarkPruneMillion removes a million grants while people sign in:
// go test -run '^$' -bench PruneMillion -benchtime 1x ./store/storetest
func BenchmarkPruneMillion(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres"} {
		b.Run(name, func(b *testing.B) {
			dsn := storetest.EmptySQLite(b)
			if name == "postgres" {
				dsn = storetest.EmptyPostgres(b)
			}
			db := storetest.Open(b, dsn)
			_, err := db.MigrateUp(context.Background())
			check(b, err)
			at := now()
			crowd(b, dsn, 1_000_000, at)
			before, slow := signIns(b, db, func() { time.Sleep(2 * time.Second) })
			b.ReportMetric(float64(before)/2, "sign-ins/s-before")
			b.ReportMetric(float64(slow.Milliseconds()), "slowest-before-ms")
			b.ResetTimer()
			for b.Loop() {
				began := time.Now()
				times, slowest := signIns(b, db, func() { _, err := db.Prune(context.Background(), at); check(b, err) })
				b.ReportMetric(float64(times)/time.Since(began).Seconds(), "sign-ins/s")
				b.ReportMetric(float64(slowest.Milliseconds()), "slowest-ms")
			}
		})
	}
}
