package local_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// named is accounts with a rule for usernames.
func named(t *testing.T, db *store.DB, u local.Usernames) *local.Accounts {
	t.Helper()
	return local.New(db, nil, local.Options{Issuer: "https://id.example.org", Hashing: cheap, Usernames: u})
}

// TestUsernameRules: what people may choose. Operators may choose more.
func TestUsernameRules(t *testing.T) {
	db := storetest.New(t)
	strict := local.Usernames{Pattern: regexp.MustCompile(`\A(?:[a-z][a-z0-9-]*)\z`), Min: 3, Max: 12, Reserved: []string{"press"}}
	for _, tt := range []struct {
		rules       local.Usernames
		typed, want string // want: the name that is kept, or the key of the problem
	}{
		{local.Usernames{}, "Ada_L", "Ada_L"}, {local.Usernames{}, " ada ", "ada"}, {local.Usernames{}, "", ""}, {local.Usernames{}, "Ada.Lovelace-1815", "Ada.Lovelace-1815"},
		{local.Usernames{}, "ada@example.org", "field.username_invalid"}, {local.Usernames{}, "ada@", "field.username_invalid"}, {local.Usernames{}, "a b", "field.username_invalid"},
		{local.Usernames{}, "ada\x00", "field.username_invalid"}, {local.Usernames{}, "ada\u200b", "field.username_invalid"}, {local.Usernames{}, "\u202eada", "field.username_invalid"}, {local.Usernames{}, "\xff", "field.username_invalid"},
		{local.Usernames{}, "ada\u3164", "field.username_invalid"}, {local.Usernames{}, "\u115f", "field.username_invalid"}, {local.Usernames{}, strings.Repeat("x", 65), "field.username_invalid"}, {local.Usernames{}, ".ada", "field.username_invalid"},
		{local.Usernames{}, "ａｄａ", "ada"}, {local.Usernames{}, "ﬁn", "field.username_invalid"}, {local.Usernames{}, "ada②", "field.username_invalid"}, // full width is mapped, other compatibility forms are refused
		{local.Usernames{}, "аda", "field.username_mixed"}, {local.Usernames{}, "Αda", "field.username_mixed"}, {local.Usernames{}, "Ада", "Ада"}, {local.Usernames{}, "山田Taro", "山田Taro"}, {local.Usernames{}, "Grüße", "Grüße"}, {local.Usernames{}, "ада1", "ада1"},
		{local.Usernames{}, "Admin", "field.username_taken"}, {local.Usernames{}, "r.o-o_t", "field.username_taken"}, {local.Usernames{}, "SUPPORT", "field.username_taken"}, {local.Usernames{}, "ａｄｍｉｎ", "field.username_taken"}, {local.Usernames{}, "admina", "admina"},
		{strict, "ada", "ada"}, {strict, "Ada", "field.username_rule"}, {strict, "1ada", "field.username_rule"}, {strict, "ada\nx", "field.username_invalid"}, {strict, "ad", "field.username_short"}, {strict, "adaadaadaadaa", "field.username_long"}, {strict, "pr-ess", "field.username_taken"},
	} {
		a := named(t, db, tt.rules)
		u, err := a.Create(t.Context(), local.NewUser{Email: broker.NewID() + "@example.org"})
		must(t, err)
		u, err = a.ChangeUsername(t.Context(), startSession(t, db, u), tt.typed)
		got := u.Username
		var e *broker.Error
		if errors.As(err, &e) {
			if got = e.Message; e.Field != "username" {
				t.Errorf("%q: the field is %q", tt.typed, e.Field)
			}
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, got, tt.want)
		}
		if kept, _ := db.User(t.Context(), u.ID); err == nil && kept.Username != u.Username {
			t.Errorf("%q: kept %q", tt.typed, kept.Username)
		}
		must(t, db.DeleteUser(t.Context(), u.ID))
	}
	if u, err := named(t, db, strict).Create(t.Context(), local.NewUser{Email: "root@example.org", Username: "Root"}); err != nil || u.Username != "Root" {
		t.Errorf("an operator may not: %v", err)
	}
}

// TestFormerUsernameIsNotTaken is the attack of whoever waits for a name that
// applications know somebody by: they get it by no way, not after the account is
// gone either, until an operator releases it or its time is over.
func TestFormerUsernameIsNotTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		ada := signUp(t, db, a, "ada@example.org")
		mallory, bea := signUp(t, db, a, "mallory@example.org"), signUp(t, db, a, "bea@example.org")
		here, theirs := startSession(t, db, ada), startSession(t, db, mallory)
		for _, name := range []string{"ada", "Ada", "countess"} { // a change of case gives up nothing
			if _, err := a.ChangeUsername(ctx, here, name); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if sent := mails(t, db); !slices.ContainsFunc(sent, func(m broker.Mail) bool {
			return m.To == ada.Email && m.Template == "username-changed" && m.Data["old"] == "Ada" && m.Data["new"] == "countess"
		}) {
			t.Errorf("mails: %+v", sent)
		}
		attack := func(when string) {
			t.Helper()
			if _, err := a.ChangeUsername(ctx, theirs, "ADA"); !errors.Is(err, local.ErrUsernameTaken) {
				t.Errorf("%s: taken on the profile page: %v", when, err)
			}
			var form *local.FormError
			login, _ := newLogin()
			if err := a.SignUp(ctx, login, local.SignUpForm{Email: "new@example.org", Username: "aDa", Password: good}); !errors.As(err, &form) || !errors.Is(form.Fields["username"], local.ErrUsernameTaken) {
				t.Errorf("%s: taken at sign-up: %v", when, err)
			}
			if _, err := a.Create(ctx, local.NewUser{Email: "new@example.org", Username: "ada"}); !errors.As(err, &form) {
				t.Errorf("%s: given away by mistake: %v", when, err)
			}
			if name, err := a.UsernameFor(ctx, mallory, "ada", time.Now()); err != nil || name == "ada" {
				t.Errorf("%s: taken by the word of a provider: %q, %v", when, name, err)
			}
		}
		attack("given up")
		if _, err := a.ChangeUsername(ctx, here, "ada"); err != nil {
			t.Errorf("not even by its person: %v", err)
		}
		must(t, a.Delete(ctx, ada.ID))
		attack("its account is gone")
		must(t, a.ReleaseUsername(ctx, "Ada"))
		if _, err := a.ChangeUsername(ctx, theirs, "ada"); err != nil {
			t.Errorf("released: %v", err)
		}

		brief := named(t, db, local.Usernames{KeepFor: time.Nanosecond})
		if _, err := brief.ChangeUsername(ctx, theirs, "mal"); err != nil {
			t.Fatal(err)
		}
		if _, err := brief.ChangeUsername(ctx, startSession(t, db, bea), "ada"); err != nil {
			t.Errorf("its time is over: %v", err)
		}
	})
}

// TestUsernamesAreNotCollected: one account cannot keep every name from others.
func TestUsernamesAreNotCollected(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	s := startSession(t, db, signUp(t, db, a, "mallory@example.org"))
	var err error
	n := 0
	for ; n < 50 && err == nil; n++ {
		_, err = a.ChangeUsername(ctx, s, "name"+strings.Repeat("x", n))
	}
	if !errors.Is(err, local.ErrUsernameOften) || n > 13 {
		t.Errorf("%d names: %v", n, err)
	}
	if _, err := a.ChangeUsername(ctx, s, "name"); err != nil { // back
		t.Error(err)
	}
}

// TestUsernameChangeNeedsAFreshSignIn: an open browser of yesterday does not do.
func TestUsernameChangeNeedsAFreshSignIn(t *testing.T) {
	db := storetest.New(t)
	a := accounts(t, db)
	u := signUp(t, db, a, "ada@example.org")
	s := startSession(t, db, u)
	s.AuthTime = time.Now().Add(-time.Hour)
	if _, err := a.ChangeUsername(t.Context(), s, "ada"); !errors.Is(err, broker.ErrSignIn) {
		t.Errorf("%v", err)
	}
	if got, _ := db.User(t.Context(), u.ID); got.Username != "" {
		t.Errorf("became %q", got.Username)
	}
}

// TestUsernameTakenThisVeryMoment: who asks for a name while somebody else's taking it
// is not committed yet waits, and hears that it is taken.
func TestUsernameTakenThisVeryMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		first, second := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		s := startSession(t, db, second)
		answer := make(chan error)
		must(t, db.InTx(ctx, func(ctx context.Context) error {
			first.Username = "ada"
			if err := db.UpdateUser(ctx, first); err != nil {
				return err
			}
			go func() {
				_, err := a.ChangeUsername(t.Context(), s, "ada")
				answer <- err
			}()
			select {
			case err := <-answer:
				t.Errorf("answered before it was known: %v", err)
			case <-time.After(200 * time.Millisecond): // it waits at the index by now, or begins later and sees the name taken
			}
			return nil
		}))
		wantErr(t, "a name that was taken meanwhile", <-answer, local.ErrUsernameTaken)
	})
}

// TestOneUsernameForTwo: of eight who ask at once, one gets the name.
func TestOneUsernameForTwo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		var all []broker.Session
		for i := range 8 {
			all = append(all, startSession(t, db, signUp(t, db, a, strings.Repeat("x", i+1)+"@example.org")))
		}
		for _, s := range all {
			wg.Go(func() {
				_, err := a.ChangeUsername(ctx, s, "ada")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, local.ErrUsernameTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d have it", won)
		}
	})
}

// TestIdentifiers: what people sign in with, and that a name from before a stricter
// rule goes on working.
func TestIdentifiers(t *testing.T) {
	db := storetest.New(t)
	ctx := t.Context()
	_, err := accounts(t, db).Create(ctx, local.NewUser{Email: "ada@example.org", Username: "ＡＤＡ_Root", Password: good})
	must(t, err)
	strict := local.Usernames{Pattern: regexp.MustCompile(`\A[a-z]+\z`), Min: 20}
	for _, tt := range []struct {
		rules local.Usernames
		who   string
		opens bool
	}{
		{strict, "ａｄａ_ｒｏｏｔ", false}, {strict, "ＡＤＡ_Root", true}, {strict, "ａｄａ_root", true}, {strict, "ADA@example.org", true},
		{local.Usernames{NoSignIn: true}, "ＡＤＡ_Root", false}, {local.Usernames{NoSignIn: true}, "ada@example.org", true},
		{local.Usernames{OnlyThis: true}, "ＡＤＡ_Root", true}, {local.Usernames{OnlyThis: true}, "ada@example.org", false},
	} {
		_, _, err := named(t, db, tt.rules).Authenticate(ctx, tt.who, good)
		if (err == nil) != tt.opens || err != nil && !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("%+v %q: %v", tt.rules, tt.who, err)
		}
	}
}

// TestOldUsernameIsKept: sending the form back as it was changes nothing, whatever
// the rule asks today.
func TestOldUsernameIsKept(t *testing.T) {
	db := storetest.New(t)
	u, err := accounts(t, db).Create(t.Context(), local.NewUser{Email: "ada@example.org", Username: "Root"})
	must(t, err)
	a := named(t, db, local.Usernames{Min: 20})
	if got, err := a.ChangeUsername(t.Context(), startSession(t, db, u), "Root"); err != nil || got.Username != "Root" || got.Version != u.Version {
		t.Errorf("%+v, %v", got, err)
	}
}
