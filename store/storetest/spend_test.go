package storetest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// racers is how many try at once.
const racers = 16

// race runs fn in sixteen goroutines that start together.
func race(fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

// now is a time as a database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// TestSpentOnce: of sixteen that spend a one-time thing, one succeeds, the
// others get broker.ErrSpent; in a unit of work and without.
func TestSpentOnce(t *testing.T) {
	at := now()
	later := at.Add(time.Minute)
	tests := []struct {
		name   string
		create func(ctx context.Context, db *store.DB) error
		spend  func(ctx context.Context, db *store.DB) error
	}{
		{"attempt", func(ctx context.Context, db *store.DB) error {
			return db.CreateAttempt(ctx, broker.Attempt{StateHash: "x", ExpiresAt: later})
		}, func(ctx context.Context, db *store.DB) error { return db.SpendAttempt(ctx, "x", at) }},
		{"mail token", func(ctx context.Context, db *store.DB) error {
			return db.CreateMailToken(ctx, broker.MailToken{Hash: "x", ExpiresAt: later})
		}, func(ctx context.Context, db *store.DB) error { return db.SpendMailToken(ctx, "x", at) }},
		{"link change", func(ctx context.Context, db *store.DB) error {
			return errors.Join(db.CreateUser(ctx, broker.User{ID: "y"}), db.CreateLinkChange(ctx, broker.LinkChange{ID: "x", UserID: "y", ExpiresAt: later}))
		}, func(ctx context.Context, db *store.DB) error { return db.UndoLinkChange(ctx, "x", at) }},
		{"code", func(ctx context.Context, db *store.DB) error {
			return db.CreateGrant(ctx, broker.Grant{ID: "x", CodeHash: "c", CodeExpiresAt: later})
		}, func(ctx context.Context, db *store.DB) error { return db.RedeemCode(ctx, broker.Grant{ID: "x"}, at) }},
		{"login", func(ctx context.Context, db *store.DB) error {
			return db.CreateLogin(ctx, broker.Login{ID: "x", ExpiresAt: later})
		}, func(ctx context.Context, db *store.DB) error { return db.FinishLogin(ctx, "x", at) }},
		{"version of a user", func(ctx context.Context, db *store.DB) error {
			return db.CreateUser(ctx, broker.User{ID: "x", Version: 3})
		}, func(ctx context.Context, db *store.DB) error {
			return db.UpdateUser(ctx, broker.User{ID: "x", Version: 3})
		}},
		{"version of a client", func(ctx context.Context, db *store.DB) error {
			return db.CreateClient(ctx, broker.Client{ID: "x"})
		}, func(ctx context.Context, db *store.DB) error { return db.UpdateClient(ctx, broker.Client{ID: "x"}) }},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				ctx := context.Background()
				if err := tt.spend(ctx, db); !errors.Is(err, broker.ErrSpent) {
					t.Errorf("what never was: %v, want %v", err, broker.ErrSpent)
				}
				ok(t, tt.create(ctx, db))
				var mu sync.Mutex
				won := 0
				race(func(i int) {
					var err error
					if i%2 == 0 {
						err = tt.spend(ctx, db)
					} else {
						err = db.InTx(ctx, func(ctx context.Context) error { return tt.spend(ctx, db) })
					}
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						won++
					case !errors.Is(err, broker.ErrSpent):
						t.Errorf("a loser got %v", err)
					}
				})
				if won != 1 {
					t.Errorf("spent %d times", won)
				}
			})
		}
	})
}

// TestRolledBackIsNotSpent: what was spent in a unit that failed can be spent
// again.
func TestRolledBackIsNotSpent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "x", CodeHash: "c", CodeExpiresAt: at.Add(time.Minute)}))
		err := db.InTx(ctx, func(ctx context.Context) error {
			ok(t, db.RedeemCode(ctx, broker.Grant{ID: "x"}, at))
			return errMine
		})
		if !errors.Is(err, errMine) {
			t.Fatal(err)
		}
		ok(t, db.RedeemCode(ctx, broker.Grant{ID: "x"}, at))
	})
}

// TestExpiredIsSpent tries at the very end, and after it.
func TestExpiredIsSpent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: "x", ExpiresAt: at}))
		ok(t, db.CreateMailToken(ctx, broker.MailToken{Hash: "x", ExpiresAt: at}))
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "x", CodeHash: "c", CodeExpiresAt: at}))
		for _, when := range []time.Time{at, at.Add(time.Hour)} {
			for name, err := range map[string]error{
				"attempt":    db.SpendAttempt(ctx, "x", when),
				"mail token": db.SpendMailToken(ctx, "x", when),
				"code":       db.RedeemCode(ctx, broker.Grant{ID: "x"}, when),
			} {
				if !errors.Is(err, broker.ErrSpent) {
					t.Errorf("an expired %s: %v", name, err)
				}
			}
		}
		ok(t, db.SpendAttempt(ctx, "x", at.Add(-time.Microsecond)))
	})
}

func TestRedeemCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		g := filled[broker.Grant](t)
		g.CodeExpiresAt, g.CodeUsedAt, g.RevokedAt = at.Add(time.Minute), time.Time{}, time.Time{}
		ok(t, db.CreateGrant(ctx, g))
		g.RefreshGeneration, g.RefreshRotatedAt, g.RefreshExpiresAt, g.ExpiresAt = 1, at, at.Add(time.Hour), at.Add(2*time.Hour)
		ok(t, db.RedeemCode(ctx, g, at))
		g.CodeUsedAt, g.LastUsedAt = at, at
		same(t, must(db.GrantByCode(ctx, g.CodeHash))(t), g)

		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "revoked", CodeHash: "r", CodeExpiresAt: at.Add(time.Minute)}))
		ok(t, db.RevokeGrant(ctx, "revoked", "operator", at))
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "no code", CodeExpiresAt: at.Add(time.Minute)}))
		for _, id := range []broker.GrantID{"revoked", "no code", g.ID} {
			if err := db.RedeemCode(ctx, broker.Grant{ID: id}, at); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("RedeemCode of %q = %v", id, err)
			}
		}
		if _, err := db.GrantByCode(ctx, ""); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the empty code finds a grant: %v", err)
		}
	})
}

func TestFinishedLoginStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		l := filled[broker.Login](t)
		l.FinishedAt = time.Time{}
		ok(t, db.CreateLogin(ctx, l))
		next := filled[broker.Login](t)
		next.ID, next.StartedAt, next.FinishedAt = l.ID, l.StartedAt, time.Time{}
		ok(t, db.SaveLogin(ctx, next))
		same(t, must(db.Login(ctx, l.ID))(t), next)
		ok(t, db.FinishLogin(ctx, l.ID, at))
		if err := db.SaveLogin(ctx, l); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("SaveLogin of a finished one = %v", err)
		}
		next.FinishedAt = at
		same(t, must(db.Login(ctx, l.ID))(t), next)
		if err := db.SaveLogin(ctx, broker.Login{ID: "none"}); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("SaveLogin of none = %v", err)
		}
	})
}

func TestVoidMailTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for _, m := range []broker.MailToken{
			{Hash: "a", UserID: "u", Purpose: broker.MailReset},
			{Hash: "b", UserID: "u", Purpose: broker.MailReset},
			{Hash: "other purpose", UserID: "u", Purpose: broker.MailSignUp},
			{Hash: "other user", UserID: "v", Purpose: broker.MailReset},
			{Hash: "nobody", Purpose: broker.MailReset},
		} {
			m.ExpiresAt = at.Add(time.Hour)
			ok(t, db.CreateMailToken(ctx, m))
		}
		ok(t, db.VoidMailTokens(ctx, "u", broker.MailReset, at))
		ok(t, db.VoidMailTokens(ctx, "", broker.MailReset, at)) // nobody's, not everybody's
		for hash, want := range map[string]bool{"a": true, "b": true, "other purpose": false, "other user": false, "nobody": true} {
			if got := errors.Is(db.SpendMailToken(ctx, hash, at), broker.ErrSpent); got != want {
				t.Errorf("%s: void %t, want %t", hash, got, want)
			}
		}
	})
}

// TestVoidMailTokensSince: those of before, and of others, stay.
func TestVoidMailTokensSince(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		since := at.Add(-time.Hour)
		for _, m := range []broker.MailToken{
			{Hash: "before", UserID: "u", Purpose: broker.MailEmailBack, CreatedAt: since.Add(-time.Microsecond)},
			{Hash: "then", UserID: "u", Purpose: broker.MailEmailBack, CreatedAt: since},
			{Hash: "later", UserID: "u", Purpose: broker.MailEmailBack, CreatedAt: at},
			{Hash: "other purpose", UserID: "u", Purpose: broker.MailReset, CreatedAt: at},
			{Hash: "other user", UserID: "v", Purpose: broker.MailEmailBack, CreatedAt: at},
			{Hash: "nobody", Purpose: broker.MailEmailBack, CreatedAt: at},
		} {
			m.ExpiresAt = at.Add(time.Hour)
			ok(t, db.CreateMailToken(ctx, m))
		}
		ok(t, db.VoidMailTokensSince(ctx, "u", broker.MailEmailBack, since, at))
		ok(t, db.VoidMailTokensSince(ctx, "", broker.MailEmailBack, since, at))
		for hash, want := range map[string]bool{"before": false, "then": true, "later": true, "other purpose": false, "other user": false, "nobody": false} {
			if got := errors.Is(db.SpendMailToken(ctx, hash, at), broker.ErrSpent); got != want {
				t.Errorf("%s: void %t, want %t", hash, got, want)
			}
		}
	})
}

// TestForgetAbout: what open links of one purpose are about; all others keep it.
func TestForgetAbout(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for _, m := range []broker.MailToken{
			{Hash: "one", UserID: "u", Purpose: broker.MailEmailBack},
			{Hash: "used", UserID: "u", Purpose: broker.MailEmailBack, UsedAt: at},
			{Hash: "other purpose", UserID: "u", Purpose: broker.MailFactorBack},
			{Hash: "other user", UserID: "v", Purpose: broker.MailEmailBack},
			{Hash: "nobody", Purpose: broker.MailEmailBack},
		} {
			m.About, m.CreatedAt, m.ExpiresAt = "username:ada", at, at.Add(time.Hour)
			ok(t, db.CreateMailToken(ctx, m))
		}
		ok(t, db.ForgetAbout(ctx, "u", broker.MailEmailBack))
		ok(t, db.ForgetAbout(ctx, "", broker.MailEmailBack))
		for _, hash := range []string{"one", "used", "other purpose", "other user", "nobody"} {
			m, err := db.MailToken(ctx, hash)
			if ok(t, err); (m.About == "") != (hash == "one") || !m.ExpiresAt.Equal(at.Add(time.Hour)) {
				t.Errorf("%s: %+v", hash, m)
			}
		}
	})
}
