package local_test

import (
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// namedOwner is somebody who has a username, or none, and whose address a thief has moved: the
// thief's session, and the owner's way back.
func namedOwner(t *testing.T, db *store.DB, a *local.Accounts, email, username string) (broker.User, broker.Session, broker.Secret) {
	t.Helper()
	u, err := accounts(t, db).Create(t.Context(), local.NewUser{Email: email, Name: "Ada Lovelace", Username: username, Password: good})
	must(t, err)
	now := time.Now()
	u.EmailVerifiedAt = now
	must(t, db.UpdateUser(t.Context(), u))
	u = userOf(t, db, u.ID)
	s := startSession(t, db, u)
	mails(t, db)
	return u, s, moved(t, db, a, s, "thief."+email)
}

// TestUsernameComesBack is the attack of a thief who moves the address and takes the
// owner's username from the account: nobody can have it meanwhile, and it comes back with
// the address, whatever the rules are today. What the thief chose goes to nobody else,
// and what the owner is called on pages stays as it is.
func TestUsernameComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		other := startSession(t, db, signUp(t, db, accounts(t, db), "mallory@example.org"))
		a, strict := accounts(t, db), accountsWith(t, db, local.Options{Usernames: local.Usernames{Min: 12}})
		for _, tt := range []struct {
			before string
			thiefs []string
		}{
			{"ada", []string{"thief1"}},
			{"bea", []string{"thief2", "thief3", ""}},
			{"cleo", []string{""}},
			{"dora", []string{"DORA"}}, // the same name
			{"emma", []string{"thief4", "emma", "thief5"}},
			{"admin", []string{"thief6"}}, // an operator's choice, which nobody could make now
			{"", []string{"thief7"}},
		} {
			u, thief, back := namedOwner(t, db, a, "x"+tt.before+"@example.org", tt.before)
			for _, n := range tt.thiefs {
				must(t, second(a.ChangeUsername(ctx, thief, n)))
			}
			must(t, a.UpdateProfile(ctx, u.ID, local.Profile{Version: local.AnyVersion, Name: "Thief"}))
			if tt.before != "" && tt.before != "admin" {
				wantErr(t, tt.before+" meanwhile", second(a.ChangeUsername(ctx, other, tt.before)), local.ErrUsernameTaken)
			}
			must(t, second(strict.TakeEmailBack(ctx, back)))
			got := userOf(t, db, u.ID)
			if got.Username != tt.before || got.Email != u.Email || got.Name != "Thief" {
				t.Errorf("%q, then %q: %q, %s, %s", tt.before, tt.thiefs, got.Username, got.Email, got.Name)
			}
			for _, n := range append(tt.thiefs, tt.before) {
				if n != "" && n != "admin" {
					wantErr(t, n+" afterwards", second(a.ChangeUsername(ctx, other, n)), local.ErrUsernameTaken)
				}
			}
			if n := eventsNamed(t, db, u.ID, broker.EventUsernameChanged); n != len(tt.thiefs)+1 {
				t.Errorf("%q: %d changes in the trail", tt.before, n)
			}
		}
	})
}

// eventsNamed counts the events of a name in somebody's trail.
func eventsNamed(t *testing.T, db *store.DB, u broker.UserID, name string) (n int) {
	t.Helper()
	all, err := db.Events(t.Context(), u, 100)
	must(t, err)
	for _, e := range all {
		if e.Name == name {
			n++
		}
	}
	return n
}

// TestUsernameStays: what was changed before the address was moved, by an operator since, or
// cannot be had any more is as it is, and the address comes back all the same.
func TestUsernameStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		free := accounts(t, db)
		brief := accountsWith(t, db, local.Options{Usernames: local.Usernames{KeepFor: time.Nanosecond}})
		everybody := accountsWith(t, db, local.Options{Usernames: local.Usernames{OnlyThis: true}})
		for what, tt := range map[string]struct {
			a            *local.Accounts
			before, want string
			since        func(a *local.Accounts, u broker.User, s broker.Session)
		}{
			"an operator's": {free, "ada1", "ada2", func(a *local.Accounts, u broker.User, s broker.Session) {
				must(t, second(a.ChangeUsername(ctx, s, "rude")))
				must(t, second(a.SetUsername(ctx, u.ID, "ada2")))
			}},
			"one that somebody has by now": {brief, "bea1", "bea2", func(a *local.Accounts, u broker.User, s broker.Session) {
				must(t, second(a.ChangeUsername(ctx, s, "bea2")))
				must(t, second(a.Create(ctx, local.NewUser{Email: "next@example.org", Username: "Bea1"})))
			}},
			"one that somebody has given up by now": {free, "cleo1", "cleo2", func(a *local.Accounts, u broker.User, s broker.Session) {
				must(t, second(a.ChangeUsername(ctx, s, "cleo2")))
				must(t, a.ReleaseUsername(ctx, "cleo1"))
				next, err := a.Create(ctx, local.NewUser{Email: "after@example.org", Username: "cleo1"})
				must(t, err)
				must(t, second(a.SetUsername(ctx, next.ID, "")))
			}},
			"one where everybody needs one": {everybody, "", "dora2", func(a *local.Accounts, u broker.User, s broker.Session) {
				must(t, second(a.ChangeUsername(ctx, s, "dora2")))
			}},
			"a link of an earlier release": {free, "emma1", "emma2", func(a *local.Accounts, u broker.User, s broker.Session) {
				must(t, second(a.ChangeUsername(ctx, s, "emma2")))
				must(t, db.ForgetAbout(ctx, u.ID, broker.MailEmailBack))
			}},
			"one from before": {free, "fay1", "fay1", func(*local.Accounts, broker.User, broker.Session) {}},
		} {
			t.Run(what, func(t *testing.T) {
				email := tt.want + "@example.org"
				u, thief, back := namedOwner(t, db, tt.a, email, tt.before)
				tt.since(tt.a, u, thief)
				before := eventsNamed(t, db, u.ID, broker.EventUsernameChanged)
				must(t, second(tt.a.TakeEmailBack(ctx, back)))
				if got := userOf(t, db, u.ID); got.Username != tt.want || got.Email != email {
					t.Errorf("%q, %s", got.Username, got.Email)
				}
				if n := eventsNamed(t, db, u.ID, broker.EventUsernameChanged); n != before {
					t.Errorf("%d changes in the trail, %d before", n, before)
				}
			})
		}
	})
}
