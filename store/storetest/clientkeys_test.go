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

// TestEncryptionKeys come back whole, newest first; one retires once, and goes
// when it opens nothing more.
func TestEncryptionKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		old, young := filled[broker.EncryptionKey](t), filled[broker.EncryptionKey](t)
		young.CreatedAt = old.CreatedAt.Add(time.Hour)
		for _, k := range []broker.EncryptionKey{old, young} {
			ok(t, db.CreateEncryptionKey(ctx, k))
		}
		same(t, must(db.EncryptionKeys(ctx))(t), []broker.EncryptionKey{young, old})
		if err := db.CreateEncryptionKey(ctx, old); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		open := broker.EncryptionKey{ID: "open", Private: "p", CreatedAt: at}
		ok(t, db.CreateEncryptionKey(ctx, open))
		open.RetiresAt, open.ExpiresAt = at, at.Add(time.Hour)
		ok(t, db.RetireEncryptionKey(ctx, open))
		ok(t, db.RetireEncryptionKey(ctx, broker.EncryptionKey{ID: "open"}))
		same(t, must(db.EncryptionKeys(ctx))(t)[0], open)
		must(db.Prune(ctx, at.Add(time.Hour+time.Second)))(t)
		same(t, len(must(db.EncryptionKeys(ctx))(t)), 0)
	})
}

// TestKeptSecrets are those of one client, and go with it.
func TestKeptSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		a, b, c := broker.NewSecret(), broker.NewSecret(), broker.NewSecret()
		for _, id := range []string{"one", "two"} {
			ok(t, db.CreateClient(ctx, broker.Client{ID: id}))
		}
		for _, s := range []broker.Secret{a, b, c} {
			ok(t, db.KeepSecret(ctx, "one", s))
		}
		ok(t, db.KeepSecret(ctx, "two", a))
		if err := db.KeepSecret(ctx, "one", a); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("twice: %v", err)
		}
		if err := db.KeepSecret(ctx, "none", a); err == nil {
			t.Error("of a client that is not there")
		}
		same(t, must(db.KeptSecrets(ctx, "one"))(t), map[string]broker.Secret{a.Hash(): a, b.Hash(): b, c.Hash(): c})
		ok(t, db.ForgetSecrets(ctx, "one", b.Hash(), c.Hash()))
		same(t, must(db.KeptSecrets(ctx, "one"))(t), map[string]broker.Secret{b.Hash(): b, c.Hash(): c})
		ok(t, db.ForgetSecrets(ctx, "one"))
		same(t, must(db.KeptSecrets(ctx, "one"))(t), map[string]broker.Secret{})
		same(t, must(db.KeptSecrets(ctx, "two"))(t), map[string]broker.Secret{a.Hash(): a})
		ok(t, db.DeleteClient(ctx, "two"))
		same(t, must(db.KeptSecrets(ctx, "two"))(t), map[string]broker.Secret{})
	})
}
