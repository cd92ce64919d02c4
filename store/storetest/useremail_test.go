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

// spelled are ways to write one mailbox, as broker.NormalizeEmail returns them.
var spelled = []string{"ada@b\u00fccher.example", "ada@xn--bcher-kva.example", "ada@bu\u0308cher.example"}

// TestOneMailboxOneAccount: also when sixteen write its spellings at once, whoever has an account
// with another address among them.
func TestOneMailboxOneAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		var mu sync.Mutex
		var won []broker.UserID
		race(func(i int) {
			u := broker.User{ID: broker.UserID(broker.NewID()), Email: spelled[i%len(spelled)]}
			var err error
			if i%2 == 0 {
				err = db.CreateUser(ctx, u)
			} else {
				email := u.Email
				u.Email = string(u.ID) + "@example.org"
				ok(t, db.CreateUser(ctx, u))
				u.Email = email
				err = db.UpdateUser(ctx, u)
			}
			mu.Lock()
			defer mu.Unlock()
			var e *broker.Error
			if err == nil {
				won = append(won, u.ID)
			} else if !errors.Is(err, broker.ErrConflict) || !errors.As(err, &e) || e.Field != "email" {
				t.Errorf("a loser got %v", err)
			}
		})
		if len(won) != 1 {
			t.Fatalf("%d have the mailbox", len(won))
		}
		for _, email := range spelled {
			same(t, must(db.UserByEmail(ctx, email))(t).ID, won[0])
		}
	})
}

// TestMailboxMoves: an account goes from one spelling to another and to another address and
// back; what it left is free at once, what it has is not.
func TestMailboxMoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u := broker.User{ID: "u", Email: spelled[0]}
		ok(t, db.CreateUser(ctx, u))
		for _, to := range []string{spelled[1], spelled[2], "ada@example.org", spelled[1], spelled[1], "ada@xn--fa-hia.example", "", spelled[0]} {
			from := u.Email
			u.Email = to
			ok(t, db.UpdateUser(ctx, u))
			u.Version++
			if got := must(db.User(ctx, "u"))(t); got.Email != to {
				t.Errorf("stored as %q, want %q", got.Email, to)
			}
			if to != "" {
				same(t, must(db.UserByEmail(ctx, to))(t).ID, u.ID)
			}
			if broker.FoldEmail(from) != broker.FoldEmail(to) && from != "" {
				if got, err := db.UserByEmail(ctx, from); !errors.Is(err, broker.ErrNotFound) {
					t.Errorf("%q still finds %q, %v", from, got.ID, err)
				}
				ok(t, db.CreateUser(ctx, broker.User{ID: "other", Email: from}))
				ok(t, db.DeleteUser(ctx, "other"))
			}
		}
		for _, taken := range spelled {
			if err := db.CreateUser(ctx, broker.User{ID: "other", Email: taken}); !errors.Is(err, broker.ErrConflict) {
				t.Errorf("%q: %v", taken, err)
			}
		}
		for i, other := range []string{"ada@bucher.example", "bob@b\u00fccher.example", "ada@sub.b\u00fccher.example", "ada@fa\u00df.example", "ada@fass.example", "ada@b\u00fccher.exampl", "ada@b\u00fccher.example.org"} {
			if got, err := db.UserByEmail(ctx, other); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%q finds %q, %v", other, got.Email, err)
			}
			ok(t, db.CreateUser(ctx, broker.User{ID: broker.UserID(rune('0' + i)), Email: other}))
		}
	})
}

// fromBefore opens a database of the schema before spellings were compared, with users who
// have addresses, in the order of their age; to migrate brings it to the newest.
func fromBefore(t *testing.T, dsn string, emails ...string) (db *store.DB, migrate func()) {
	t.Helper()
	ctx, db := context.Background(), storetest.Open(t, dsn)
	must(db.MigrateUp(ctx))(t)
	for i, email := range emails {
		at := now().Add(time.Duration(i) * time.Hour)
		// An id that sorts the other way round: age decides.
		u := broker.User{ID: broker.UserID(rune('z' - i)), Email: string(rune('a'+i)) + "@before.example", EmailVerifiedAt: at, CreatedAt: at, UpdatedAt: at}
		ok(t, db.CreateUser(ctx, u))
		defer func() {
			_, err := storetest.Raw(t, dsn).Exec("UPDATE users SET email = '" + email + "' WHERE id = '" + string(u.ID) + "'")
			ok(t, err)
		}()
	}
	for must(db.MigrateStatus(ctx))(t)[beforeSpelling(t, db)].Applied {
		must(db.MigrateDown(ctx, 1))(t)
	}
	return db, func() { must(db.MigrateUp(ctx))(t) }
}

// beforeSpelling is where among the migrations the one is that compares spellings.
func beforeSpelling(t *testing.T, db *store.DB) int {
	t.Helper()
	for i, m := range must(db.MigrateStatus(context.Background()))(t) {
		if m.Name == "0033_emailfold" {
			return i
		}
	}
	t.Fatal("there is no migration 0033_emailfold")
	return 0
}

// TestSpellingsFromBefore: the released schema with data. Every account stays with its address as it was; each
// is found in all spellings, and of several with one mailbox the oldest is, until it goes.
func TestSpellingsFromBefore(t *testing.T) {
	eachEmpty(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db, migrate := fromBefore(t, dsn, "bob@example.org", spelled[1], "eve@b\u00fccher.example", spelled[0], "\u00e4da@example.org", "xn--ada@example.org",
			spelled[2], "joe@\uff45xample.org", "max@\uff45xample.org", "max@example.org", "odd@xn--zzzzzzz99999.example")
		migrate()
		for email, want := range map[string]broker.UserID{
			"bob@example.org": "z", spelled[0]: "y", spelled[1]: "y", spelled[2]: "y", "eve@b\u00fccher.example": "x", "eve@xn--bcher-kva.example": "x",
			"\u00e4da@example.org": "v", "xn--ada@example.org": "u", "joe@example.org": "s", "max@example.org": "q", "odd@xn--zzzzzzz99999.example": "p",
		} {
			same(t, must(db.UserByEmail(ctx, email))(t).ID, want)
		}
		for id, email := range map[broker.UserID]string{"y": spelled[1], "w": spelled[0], "t": spelled[2], "x": "eve@b\u00fccher.example", "s": "joe@example.org", "r": "max@\uff45xample.org"} {
			same(t, must(db.User(ctx, id))(t).Email, email)
		}
		listed := func(want ...broker.UserID) {
			t.Helper()
			var ids []broker.UserID
			for _, u := range must(db.UsersWho(ctx, broker.UserFilter{Doubled: true}, "", 9))(t) {
				ids = append(ids, u.ID)
			}
			same(t, ids, want)
		}
		listed("r", "t", "w")

		// The younger ones go on, whatever of them changes, and stay younger in another spelling, too.
		w := must(db.User(ctx, "w"))(t)
		for _, email := range []string{w.Email, "ada@B\u00fccher.example", spelled[0]} {
			w.Name, w.Email = w.Name+"n", must(broker.NormalizeEmail(email))(t)
			ok(t, db.UpdateUser(ctx, w))
			w.Version++
		}
		same(t, must(db.UserByEmail(ctx, spelled[0]))(t).ID, broker.UserID("y"))
		if err := db.CreateUser(ctx, broker.User{ID: "new", Email: spelled[2]}); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("a fourth account: %v", err)
		}
		ok(t, db.DeleteUser(ctx, "y"))
		same(t, must(db.UserByEmail(ctx, spelled[1]))(t).ID, broker.UserID("w")) // the next oldest
		listed("r", "t", "w")
		w.Email = "ada@example.org"
		ok(t, db.UpdateUser(ctx, w))
		same(t, must(db.UserByEmail(ctx, "ada@example.org"))(t).ID, broker.UserID("w"))
		same(t, must(db.UserByEmail(ctx, spelled[1]))(t).ID, broker.UserID("t"))
		listed("r", "t")
	})
}

// TestProgramFromBefore goes on while and after the migration runs, as replicas do: it knows of no column.
// Nobody is lost by it, and no address finds an account that has left it.
func TestProgramFromBefore(t *testing.T) {
	eachEmpty(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db, migrate := fromBefore(t, dsn, "bob@example.org", spelled[0], "eve@b\u00fccher.example")
		migrate()
		before := func(id, email string) {
			t.Helper()
			_, err := storetest.Raw(t, dsn).Exec("UPDATE users SET email = '" + email + "' WHERE id = '" + id + "'")
			ok(t, err)
		}
		before("z", "bob@new.example")
		same(t, must(db.UserByEmail(ctx, "bob@new.example"))(t).ID, broker.UserID("z"))
		before("z", "bob@b\u00fccher.example")
		same(t, must(db.UserByEmail(ctx, "bob@b\u00fccher.example"))(t).ID, broker.UserID("z"))
		bob := must(db.User(ctx, "z"))(t)
		ok(t, db.UpdateUser(ctx, bob))
		same(t, must(db.UserByEmail(ctx, "bob@b\u00fccher.example"))(t).ID, broker.UserID("z"))

		before("y", "ada@elsewhere.example")
		for _, left := range spelled {
			if got, err := db.UserByEmail(ctx, left); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%q, which the account has left, finds %+v, %v", left, got, err)
			}
		}
		same(t, must(db.UserByEmail(ctx, "ada@elsewhere.example"))(t).ID, broker.UserID("y"))
	})
}
