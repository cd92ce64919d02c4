package storetest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

const (
	grace = 30 * time.Second
	idle  = time.Hour
)

// TestRefresh is the table of what becomes of a presented refresh token.
func TestRefresh(t *testing.T) {
	t0 := now()
	standing := broker.Grant{
		ClientID: "c", UserID: "u", Scopes: []string{"openid"}, RefreshGeneration: 5, RefreshRotatedAt: t0,
		RefreshExpiresAt: t0.Add(idle), ExpiresAt: t0.Add(90 * time.Minute), CreatedAt: t0,
	}
	type request struct {
		id         broker.GrantID
		client     string
		generation int
		at         time.Time
		idle       time.Duration
	}
	tests := []struct {
		name    string
		grant   func(g *broker.Grant)
		request func(r *request)
		want    broker.RefreshOutcome
		idleEnd time.Time // of a rotated one
	}{
		{"current", nil, nil, broker.RefreshRotated, t0.Add(time.Second + idle)},
		{"current, idle past the end", nil, func(r *request) { r.at = t0.Add(40 * time.Minute) }, broker.RefreshRotated, standing.ExpiresAt},
		{"current, no idle end", nil, func(r *request) { r.idle = 0 }, broker.RefreshRotated, standing.RefreshExpiresAt},
		{"current, no absolute end", func(g *broker.Grant) { g.ExpiresAt = time.Time{} }, nil, broker.RefreshRotated, t0.Add(time.Second + idle)},
		{"predecessor at once", nil, func(r *request) { r.generation = 4 }, broker.RefreshRepeat, time.Time{}},
		{"predecessor at the end of the grace time", nil, func(r *request) { r.generation, r.at = 4, t0.Add(grace-time.Microsecond) }, broker.RefreshRepeat, time.Time{}},
		{"predecessor after the grace time", nil, func(r *request) { r.generation, r.at = 4, t0.Add(grace) }, broker.RefreshReuse, time.Time{}},
		{"older", nil, func(r *request) { r.generation = 3 }, broker.RefreshReuse, time.Time{}},
		{"first", nil, func(r *request) { r.generation = 1 }, broker.RefreshReuse, time.Time{}},
		{"none", nil, func(r *request) { r.generation = 0 }, broker.RefreshDead, time.Time{}},
		{"negative", nil, func(r *request) { r.generation = -1 }, broker.RefreshDead, time.Time{}},
		{"future", nil, func(r *request) { r.generation = 6 }, broker.RefreshDead, time.Time{}},
		{"another client's", nil, func(r *request) { r.client = "d" }, broker.RefreshDead, time.Time{}},
		{"another client's, old", nil, func(r *request) { r.client, r.generation = "d", 1 }, broker.RefreshDead, time.Time{}},
		{"unknown", nil, func(r *request) { r.id = "h" }, broker.RefreshDead, time.Time{}},
		{"impossible", nil, func(r *request) { r.id = "h\x00" }, broker.RefreshDead, time.Time{}},
		{"idle end", nil, func(r *request) { r.at = t0.Add(idle) }, broker.RefreshDead, time.Time{}},
		{"idle end, old", nil, func(r *request) { r.at, r.generation = t0.Add(idle), 1 }, broker.RefreshDead, time.Time{}},
		{"absolute end", func(g *broker.Grant) { g.RefreshExpiresAt = time.Time{} }, func(r *request) { r.at = standing.ExpiresAt }, broker.RefreshDead, time.Time{}},
		{"revoked", func(g *broker.Grant) { g.RevokedAt, g.RevokedReason = t0, "user" }, nil, broker.RefreshDead, time.Time{}},
		{"revoked, old", func(g *broker.Grant) { g.RevokedAt, g.RevokedReason = t0, "user" }, func(r *request) { r.generation = 1 }, broker.RefreshDead, time.Time{}},
		{"never had one", func(g *broker.Grant) { g.RefreshGeneration = 0 }, func(r *request) { r.generation = 0 }, broker.RefreshDead, time.Time{}},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				ctx := context.Background()
				id := broker.GrantID(fmt.Sprint("g", i))
				g := standing
				g.ID = id
				if tt.grant != nil {
					tt.grant(&g)
				}
				ok(t, db.CreateGrant(ctx, g))
				r := request{id, "c", 5, t0.Add(time.Second), idle}
				if tt.request != nil {
					tt.request(&r)
				}
				got, outcome, err := db.Refresh(ctx, r.id, r.client, broker.ClientStamp{}, r.generation, r.at, grace, r.idle)
				ok(t, err)
				if outcome != tt.want {
					t.Errorf("outcome %q, want %q", outcome, tt.want)
				}
				switch outcome {
				case broker.RefreshRotated:
					g.RefreshGeneration, g.RefreshRotatedAt, g.RefreshExpiresAt, g.LastUsedAt = 6, r.at, tt.idleEnd, r.at
				case broker.RefreshReuse:
					g.RevokedAt, g.RevokedReason = r.at, "refresh reuse"
				}
				same(t, must(db.Grant(ctx, id))(t), g)
				if r.client != "c" || r.id != id {
					g = broker.Grant{}
				}
				same(t, got, g)
			})
		}
	})
}

// TestRefreshRace presents one token sixteen times at once: one rotates, the
// others learn the same successor, and nothing is revoked.
func TestRefreshRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "g", ClientID: "c", RefreshGeneration: 1, CreatedAt: at}))
		var mu sync.Mutex
		count := map[broker.RefreshOutcome]int{}
		race(func(i int) {
			do := func(ctx context.Context) error {
				g, outcome, err := db.Refresh(ctx, "g", "c", broker.ClientStamp{}, 1, at, grace, idle)
				mu.Lock()
				defer mu.Unlock()
				count[outcome]++
				if err != nil || g.RefreshGeneration != 2 {
					t.Errorf("generation %d, %v", g.RefreshGeneration, err)
				}
				return err
			}
			if i%2 == 0 {
				_ = do(ctx)
			} else if err := db.InTx(ctx, do); err != nil {
				t.Error(err)
			}
		})
		if count[broker.RefreshRotated] != 1 || count[broker.RefreshRepeat] != racers-1 {
			t.Errorf("%v", count)
		}
	})
}

// TestRefreshReuseRace presents an old token sixteen times at once: one revokes,
// the others find it dead.
func TestRefreshReuseRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "g", ClientID: "c", RefreshGeneration: 9, CreatedAt: at}))
		var mu sync.Mutex
		count := map[broker.RefreshOutcome]int{}
		race(func(int) {
			_, outcome, err := db.Refresh(ctx, "g", "c", broker.ClientStamp{}, 2, at, grace, idle)
			mu.Lock()
			defer mu.Unlock()
			count[outcome]++
			if err != nil {
				t.Error(err)
			}
		})
		if count[broker.RefreshReuse] != 1 || count[broker.RefreshDead] != racers-1 {
			t.Errorf("%v", count)
		}
	})
}
