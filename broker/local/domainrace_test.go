package local_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// waits is closed when somebody waits for the lock of store.HoldDomains in the schema of
// raw, or done is.
func waits(t *testing.T, raw *sql.DB, done <-chan struct{}) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case <-done:
			return
		default:
		}
		var n int
		must(t, raw.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid::bigint = hashtext(current_schema())::bigint & 4294967295`).Scan(&n))
		if n > 0 {
			return
		}
	}
	t.Error("nobody waits, and nobody is done")
}

// TestBlockedAtTheMomentOfTheProof: on two replicas somebody proves an address and an
// operator blocks its domain, of which nothing is known yet, and then its people.
// Whichever comes first, no account stays open there: the proof is refused, or the
// account is among the people.
func TestBlockedAtTheMomentOfTheProof(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if dsn[:6] == "sqlite" {
			t.Skip("one writer: a unit of work begins when the other has ended")
		}
		keys := store.NewKeyring()
		db, raw, ctx := storetest.Open(t, dsn, storetest.Keys(keys)), storetest.Raw(t, dsn), t.Context()
		a, replica := accounts(t, db), accounts(t, storetest.Open(t, dsn, storetest.Keys(keys)))

		t.Run("the proof is first", func(t *testing.T) {
			token, err := form(t, db, a, "eve@sub.evil.example")
			must(t, err)
			var found []broker.UserID
			done := make(chan struct{})
			var u broker.User
			must(t, db.InTx(ctx, func(ctx context.Context) error {
				if u, _, err = a.Prove(ctx, token, ""); err != nil {
					return err
				}
				go func() {
					defer close(done)
					if _, err := replica.SetDomain(t.Context(), "evil.example", broker.DomainBlocked, nil); err != nil {
						t.Error(err)
					}
					var err error
					if found, err = replica.PeopleOf(t.Context(), "evil.example"); err != nil {
						t.Error(err)
					}
				}()
				waits(t, raw, done)
				return nil
			}))
			<-done
			if !slices.Equal(found, []broker.UserID{u.ID}) {
				t.Errorf("the account of %s began and is not among %q", u.ID, found)
			}
		})

		t.Run("the block is first", func(t *testing.T) {
			token, err := form(t, db, a, "eve@sub.bad.example")
			must(t, err)
			done := make(chan struct{})
			var proven error
			must(t, db.InTx(ctx, func(ctx context.Context) error {
				if _, err := a.SetDomain(ctx, "bad.example", broker.DomainBlocked, nil); err != nil {
					return err
				}
				go func() {
					defer close(done)
					_, _, proven = replica.Prove(t.Context(), token, "")
				}()
				waits(t, raw, done)
				return nil
			}))
			<-done
			if !errors.Is(proven, local.ErrDomainRefused) {
				t.Errorf("proven: %v", proven)
			}
			nobodyHas(t, db, "eve@sub.bad.example")
		})

		t.Run("proofs do not wait for each other", func(t *testing.T) {
			first, err := form(t, db, a, "ada@example.org")
			must(t, err)
			second, err := form(t, db, a, "bob@example.org")
			must(t, err)
			must(t, db.NoteDomain(ctx, "example.org", time.Now())) // or they would meet at its row
			must(t, db.InTx(ctx, func(unit context.Context) error {
				if _, _, err := a.Prove(unit, first, ""); err != nil {
					return err
				}
				soon, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				_, _, err := replica.Prove(soon, second, "")
				return err
			}))
		})
	})
}
