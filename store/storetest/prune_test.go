package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestPrune: what is over long enough goes, what can matter stays.
func TestPrune(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		const day = 24 * time.Hour
		ago := func(d time.Duration) time.Time { return at.Add(-d) }
		for name, d := range map[string]time.Duration{"gone": day + time.Second, "kept": day - time.Second} {
			ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: name, ExpiresAt: ago(d)}))
			ok(t, db.CreateLogin(ctx, broker.Login{ID: broker.LoginID(name), ExpiresAt: ago(d)}))
			ok(t, db.CreateSession(ctx, broker.Session{IDHash: name, ExpiresAt: ago(d)}))
			ok(t, db.CreateMailToken(ctx, broker.MailToken{Hash: name, ExpiresAt: ago(d)}))
			ok(t, db.CreateMailCode(ctx, broker.MailCode{ID: name, Email: name, ExpiresAt: ago(d)}))
		}
		for name, d := range map[string]time.Duration{"gone": 7*day + time.Second, "kept": 7*day - time.Second} {
			for i, g := range []broker.Grant{
				{ExpiresAt: ago(d)},
				{RevokedAt: ago(d)},
				{RefreshExpiresAt: ago(d), ExpiresAt: at.Add(day)},
				{CodeExpiresAt: ago(d), ExpiresAt: at.Add(day)},
			} {
				g.ID = broker.GrantID(fmt.Sprint(name, i))
				g.CodeHash = string(g.ID)
				if g.CodeExpiresAt.IsZero() {
					g.CodeExpiresAt, g.CodeUsedAt = ago(90*day), ago(90*day)
				}
				ok(t, db.CreateGrant(ctx, g))
			}
			ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "done " + name, DoneAt: ago(d)}))
		}
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "kept4"})) // for ever
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: "for ever"}))
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "open", CreatedAt: ago(400 * day)}))
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "failed kept", FailedAt: ago(29 * day)}))
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "failed gone", FailedAt: ago(31 * day)}))
		ok(t, db.AddEvent(ctx, broker.Event{ID: "e", At: ago(4000 * day)}))

		same(t, must(db.Prune(ctx, at))(t), 5+4+1+1)
		same(t, must(db.Prune(ctx, at))(t), 0)
		for name, want := range map[string]error{"gone": broker.ErrNotFound, "kept": nil} {
			_, err1 := db.Attempt(ctx, name)
			_, err2 := db.Login(ctx, broker.LoginID(name))
			_, err3 := db.Session(ctx, name)
			_, err4 := db.MailToken(ctx, name)
			_, err5 := db.Grant(ctx, broker.GrantID(name+"0"))
			_, err6 := db.Grant(ctx, broker.GrantID(name+"1"))
			_, err7 := db.Grant(ctx, broker.GrantID(name+"2"))
			_, err8 := db.Grant(ctx, broker.GrantID(name+"3"))
			_, err9 := db.MailCode(ctx, name)
			for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8, err9} {
				if !errors.Is(err, want) {
					t.Errorf("%s %d: %v, want %v", name, i+1, err, want)
				}
			}
		}
		must(db.Grant(ctx, "kept4"))(t)
		must(db.Session(ctx, "for ever"))(t)
		same(t, ids(must(db.ClaimOutbox(ctx, 9, at, lease))(t)), "open")
		same(t, ids(must(db.FailedOutbox(ctx, 9))(t)), "failed kept")
		same(t, len(must(db.Events(ctx, "", 9))(t)), 1)
	})
}

// TestPruneEvents: the audit trail is kept as long as it was asked for, and goes
// in batches.
func TestPruneEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		const rows = 1203
		ok(t, db.InTx(ctx, func(ctx context.Context) error {
			for i := range rows {
				if err := db.AddEvent(ctx, broker.Event{ID: fmt.Sprint(i), At: at.Add(-time.Second - time.Duration(i)*time.Minute)}); err != nil {
					return err
				}
			}
			return nil
		}))
		ok(t, db.AddEvent(ctx, broker.Event{ID: "young", At: at}))
		same(t, must(db.PruneEvents(ctx, at.Add(-1000*time.Hour)))(t), 0)
		same(t, must(db.PruneEvents(ctx, at))(t), rows)
		same(t, must(db.PruneEvents(ctx, at))(t), 0)
		left := must(db.Events(ctx, "", 9))(t)
		if len(left) != 1 || left[0].ID != "young" {
			t.Errorf("left: %+v", left)
		}
	})
}

// TestPruneBatches: more rows than fit in one batch.
func TestPruneBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		const rows = 1203
		ok(t, db.InTx(ctx, func(ctx context.Context) error {
			for i := range rows {
				if err := db.CreateGrant(ctx, broker.Grant{ID: broker.GrantID(fmt.Sprint(i)), RevokedAt: at.Add(-30 * 24 * time.Hour)}); err != nil {
					return err
				}
			}
			return nil
		}))
		same(t, must(db.Prune(ctx, at))(t), rows)
	})
}
