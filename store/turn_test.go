package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"idbroker/broker"
)

// A writer that never comes free shows as an error, also to who waits behind the
// first that waits; and who leaves waits no longer.
func TestTurnAtTheWriterIsBounded(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "b.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateGrant(ctx, broker.Grant{ID: "first"}); err != nil { // prepared from here on
		t.Fatal(err)
	}
	db.waitMax = 50 * time.Millisecond
	db.turns <- struct{}{} // a statement that is stuck
	if err := db.CreateGrant(ctx, broker.Grant{ID: "late"}); !errors.Is(err, ErrBusy) || broker.KindOf(err) != broker.KindUnavailable {
		t.Errorf("CreateGrant = %v", err)
	}
	gone, leave := context.WithCancel(ctx)
	leave()
	if err := db.CreateGrant(gone, broker.Grant{ID: "gone"}); !errors.Is(err, context.Canceled) {
		t.Errorf("CreateGrant = %v", err)
	}
	<-db.turns
	if err := db.CreateGrant(ctx, broker.Grant{ID: "next"}); err != nil {
		t.Error(err)
	}
	for _, id := range []broker.GrantID{"late", "gone"} {
		if _, err := db.Grant(ctx, id); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("%s was written: %v", id, err)
		}
	}
}
