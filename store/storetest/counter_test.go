package storetest_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestCounter: what other rooms rely on when they count transactions, and what
// the hot methods cost.
func TestCounter(t *testing.T) {
	var c storetest.Counter
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		grant := broker.Grant{ID: "g", ClientID: "c", CodeHash: "h", CodeExpiresAt: at.Add(time.Minute)}
		for _, tt := range []struct {
			name                string
			do                  func() error
			transactions, reads int
		}{
			{"create grant", func() error { return db.CreateGrant(ctx, grant) }, 1, 0},
			{"read grant", func() error { _, err := db.GrantByCode(ctx, "h"); return err }, 0, 1},
			{"redeem", func() error { return db.RedeemCode(ctx, broker.Grant{ID: "g", RefreshGeneration: 1}, at) }, 1, 0},
			{"refresh", func() error {
				_, _, err := db.Refresh(ctx, "g", "c", broker.ClientStamp{}, 1, at, grace, idle)
				return err
			}, 1, 0},
			{"client", func() error { _, _ = db.Client(ctx, "c"); return nil }, 0, 1},
			{"unit", func() error {
				return db.InTx(ctx, func(ctx context.Context) error {
					if err := db.AddEvent(ctx, broker.Event{ID: "e"}); err != nil {
						return err
					}
					return db.InTx(ctx, func(ctx context.Context) error { return db.CreateGrant(ctx, broker.Grant{ID: "h"}) })
				})
			}, 1, 0},
			{"touch", func() error { return db.TouchSession(ctx, broker.Session{IDHash: "s", LastSeenAt: at}) }, 1, 0},
		} {
			c.Reset()
			ok(t, tt.do())
			if c.Transactions() != tt.transactions || c.Reads() != tt.reads {
				t.Errorf("%s: %d transactions and %d reads, want %d and %d", tt.name, c.Transactions(), c.Reads(), tt.transactions, tt.reads)
			}
		}
	}, c.Option())
}

// TestOnStatement: the order in which a unit tells.
func TestOnStatement(t *testing.T) {
	var mu sync.Mutex
	var got []store.Statement
	db := storetest.New(t, storetest.OnStatement(func(s store.Statement) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s)
	}))
	ctx := context.Background()
	mu.Lock()
	got = nil
	mu.Unlock()
	_ = db.InTx(ctx, func(ctx context.Context) error {
		_, _ = db.User(ctx, "u")
		_, _ = db.Grant(ctx, "g")
		_ = db.DeleteSession(ctx, "s")
		return db.SpendAttempt(ctx, "none", time.Now())
	})
	_ = db.InTx(ctx, func(ctx context.Context) error { return db.AddEvent(ctx, broker.Event{ID: "e"}) })
	for i, s := range got {
		if s.Text != "" && !strings.HasPrefix(strings.ToLower(s.Text), s.Op) {
			t.Errorf("%s tells the text %q", s.Op, s.Text)
		}
		got[i].Text = ""
	}
	same(t, got, []store.Statement{
		{Op: "begin", Unit: true}, {Op: "select", Unit: true}, {Op: "select", Unit: true}, {Op: "delete", Unit: true}, {Op: "update", Unit: true}, {Op: "rollback", Unit: true},
		{Op: "begin", Unit: true}, {Op: "insert", Unit: true}, {Op: "commit", Unit: true},
	})
}
