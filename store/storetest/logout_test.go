package storetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestParticipants: each once, whether their grants live or not, and nobody
// else's.
func TestParticipants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for i, g := range []broker.Grant{
			{ClientID: "wiki", UserID: "u", SID: "s1"},
			{ClientID: "wiki", UserID: "u", SID: "s1", Scopes: []string{"offline_access"}},
			{ClientID: "shop", UserID: "u", SID: "s1", ExpiresAt: at.Add(-time.Hour)},
			{ClientID: "shop", UserID: "u", SID: "s2", RevokedAt: at},
			{ClientID: "shop", UserID: "v", SID: "s3"},
			{ClientID: "shop"}, // client credentials: nobody is signed in
		} {
			g.ID = broker.GrantID(rune('a' + i))
			ok(t, db.CreateGrant(ctx, g))
		}
		wiki1, shop1 := broker.Participant{ClientID: "wiki", UserID: "u", SID: "s1"}, broker.Participant{ClientID: "shop", UserID: "u", SID: "s1"}
		shop2, shop3 := broker.Participant{ClientID: "shop", UserID: "u", SID: "s2"}, broker.Participant{ClientID: "shop", UserID: "v", SID: "s3"}
		for _, tt := range []struct {
			f    broker.GrantFilter
			want []broker.Participant
		}{
			{broker.GrantFilter{UserID: "u", SID: "s1"}, []broker.Participant{shop1, wiki1}},
			{broker.GrantFilter{UserID: "u", SID: "s1", KeepOffline: true}, []broker.Participant{shop1, wiki1}},
			{broker.GrantFilter{UserID: "v", SID: "s1"}, nil},
			{broker.GrantFilter{UserID: "u"}, []broker.Participant{shop1, shop2, wiki1}},
			{broker.GrantFilter{ClientID: "shop"}, []broker.Participant{shop1, shop2, shop3}},
			{broker.GrantFilter{UserID: "u", ClientID: "wiki"}, []broker.Participant{wiki1}},
			{broker.GrantFilter{}, nil},
			{broker.GrantFilter{KeepOffline: true}, nil},
			{broker.GrantFilter{SID: "\x00"}, nil},
		} {
			same(t, must(db.Participants(ctx, tt.f))(t), tt.want)
		}
		ok(t, db.InTx(ctx, func(ctx context.Context) error {
			ok(t, db.CreateGrant(ctx, broker.Grant{ID: "z", ClientID: "shop", UserID: "w"}))
			same(t, len(must(db.Participants(ctx, broker.GrantFilter{UserID: "w"}))(t)), 1) // it sees its own unit
			return nil
		}))
	})
}

// TestTroubledOutbox: what an operator sees of one kind, and gets going again.
func TestTroubledOutbox(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for i, id := range []string{"fresh", "done", "waiting", "failed"} {
			created := at.Add(time.Duration(i) * time.Second)
			ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: id, Kind: "logout", Payload: []byte("of " + id), CreatedAt: created, NextAt: at}))
		}
		enqueue(t, db, "mail", at)
		ok(t, db.FailOutbox(ctx, "mail", at, "550"))
		ok(t, db.RetryOutbox(ctx, "done", at, "503"))
		ok(t, db.FinishOutbox(ctx, "done", at))
		ok(t, db.RetryOutbox(ctx, "waiting", at.Add(time.Hour), "503"))
		ok(t, db.FailOutbox(ctx, "failed", at, "400"))
		got := must(db.TroubledOutbox(ctx, "logout", 9))(t)
		same(t, ids(got), "failed waiting")
		same(t, string(got[0].Payload), "of failed")
		same(t, ids(must(db.TroubledOutbox(ctx, "logout", 1))(t)), "failed")
		same(t, ids(must(db.TroubledOutbox(ctx, "logout", 0))(t)), "")

		for _, id := range []string{"fresh", "done", "waiting", "mail", "none", ""} {
			if err := db.ReviveOutbox(ctx, "logout", id, at); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("revive %s: %v", id, err)
			}
		}
		ok(t, db.ReviveOutbox(ctx, "logout", "failed", at))
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: "other", Kind: "mail", CreatedAt: at, NextAt: at}))
		same(t, ids(must(db.ClaimOutbox(ctx, 9, at, lease, "none"))(t)), "")
		claimed := must(db.ClaimOutbox(ctx, 9, at, lease, "logout", "none"))(t)
		same(t, ids(claimed), "failed fresh")
		same(t, claimed[0].Attempts, 1)
		same(t, ids(must(db.ClaimOutbox(ctx, 9, at, lease, "none", "mail"))(t)), "other")

		for _, id := range []string{"fresh", "done", "failed", "mail", "none", ""} { // two are claimed
			if err := db.DropOutbox(ctx, "logout", id, at); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("drop %s: %v", id, err)
			}
		}
		ok(t, db.DropOutbox(ctx, "logout", "waiting", at))
		ok(t, db.DropOutbox(ctx, "mail", "mail", at))
		same(t, len(must(db.TroubledOutbox(ctx, "mail", 9))(t)), 0)
	})
}
