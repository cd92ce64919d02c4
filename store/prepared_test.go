package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"idbroker/broker"
)

func openMigrated(t *testing.T) *DB {
	t.Helper()
	ctx := context.Background()
	db, err := Open(ctx, Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "broker.db"), Keys: NewKeyring()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestStatementsArePreparedOnce: what ran in a unit is prepared before the next.
func TestStatementsArePreparedOnce(t *testing.T) {
	ctx, db := context.Background(), openMigrated(t)
	const text = "DELETE FROM user_identities WHERE id = ?"
	for range 2 {
		err := db.InTx(ctx, func(ctx context.Context) error {
			if err := db.DeleteIdentity(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s := db.write.hot.texts[text]
	if s == nil || s.prepared.Load() == nil {
		t.Fatalf("%q is not prepared: %v", text, db.write.hot.texts)
	}
	was, n := s.prepared.Load(), len(db.write.hot.texts)
	if err := db.DeleteIdentity(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
		t.Fatal(err)
	}
	if db.write.hot.texts[text].prepared.Load() != was || len(db.write.hot.texts) != n {
		t.Error("prepared again")
	}
}

// TestPreparedTextsAreBounded: whoever makes a new text each time fills no memory.
func TestPreparedTextsAreBounded(t *testing.T) {
	ctx, db := context.Background(), openMigrated(t)
	for i := range maxPrepared + 10 {
		if _, err := db.exec(ctx, "try", fmt.Sprintf("DELETE FROM user_identities WHERE id = ? AND %d = 1", i), "none"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(db.write.hot.texts); n != maxPrepared {
		t.Errorf("%d texts are kept", n)
	}
}

// TestPreparedSurvivesMigration: a statement means what it says after the table
// has changed.
func TestPreparedSurvivesMigration(t *testing.T) {
	ctx, db := context.Background(), openMigrated(t)
	at := time.UnixMicro(1).UTC()
	u := broker.User{ID: "ada", Email: "ada@example.org", CreatedAt: at, UpdatedAt: at}
	if err := db.CreateUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	for _, ddl := range []string{"SELECT 1", "ALTER TABLE users ADD COLUMN more TEXT NOT NULL DEFAULT ''", "ALTER TABLE users DROP COLUMN more"} {
		if _, err := db.write.sql.ExecContext(ctx, ddl); err != nil {
			t.Fatal(err)
		}
		got, err := db.UserByEmail(ctx, u.Email)
		if err != nil || got.ID != u.ID {
			t.Errorf("after %s: %v, %v", ddl, got, err)
		}
		if all, err := db.Users(ctx, "", 9); err != nil || len(all) != 1 || all[0].Email != u.Email {
			t.Errorf("after %s: %v, %v", ddl, all, err)
		}
	}
}

// TestPreparedFailureDoomsItsUnit: on SQLite, which would go on.
func TestPreparedFailureDoomsItsUnit(t *testing.T) {
	ctx, db := context.Background(), openMigrated(t)
	u := broker.User{ID: "ada", Email: "ada@example.org"}
	for range 2 { // unprepared, prepared
		err := db.InTx(ctx, func(ctx context.Context) error {
			if err := db.CreateUser(ctx, u); err != nil {
				return err
			}
			if err := db.CreateUser(ctx, u); !errors.Is(err, broker.ErrConflict) {
				t.Errorf("a second time: %v", err)
			}
			if _, err := db.User(ctx, u.ID); !errors.Is(err, broker.ErrDoomed) {
				t.Errorf("read in a doomed unit: %v", err)
			}
			return nil
		})
		if !errors.Is(err, broker.ErrDoomed) {
			t.Errorf("committed: %v", err)
		}
	}
	if n, err := db.CountUsers(ctx); n != 0 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}
