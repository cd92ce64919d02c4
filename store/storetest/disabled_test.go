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

// TestGrantsOfADisabledUser: a grant that slipped past the revocation of the
// others gives no tokens.
func TestGrantsOfADisabledUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := broker.User{ID: "u", Email: "ada@example.org", CreatedAt: at, UpdatedAt: at}
		ok(t, db.CreateUser(ctx, u))
		u.DisabledAt = at
		ok(t, db.UpdateUser(ctx, u))
		g := broker.Grant{
			ID: "late", ClientID: "c", UserID: "u", CodeHash: "code", CodeExpiresAt: at.Add(time.Minute), CreatedAt: at,
			RefreshGeneration: 1, ExpiresAt: at.Add(time.Hour),
		}
		ok(t, db.CreateGrant(ctx, g))
		if err := db.RedeemCode(ctx, g, at); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("RedeemCode = %v", err)
		}
		if _, outcome, err := db.Refresh(ctx, "late", "c", broker.ClientStamp{}, 1, at, grace, idle); outcome != broker.RefreshDead || err != nil {
			t.Errorf("Refresh = %q, %v", outcome, err)
		}
		u.Version++
		u.DisabledAt = time.Time{}
		ok(t, db.UpdateUser(ctx, u))
		if _, outcome, err := db.Refresh(ctx, "late", "c", broker.ClientStamp{}, 1, at, grace, idle); outcome != broker.RefreshRotated || err != nil {
			t.Errorf("enabled again: Refresh = %q, %v", outcome, err)
		}
	})
}
