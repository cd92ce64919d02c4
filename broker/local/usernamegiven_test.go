package local_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestNobodyBeginsNameless: where everybody needs a username, an account that a provider
// begins has one, however many are alike, and where none would do it does not begin.
func TestNobodyBeginsNameless(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accountsWith(t, db, local.Options{Usernames: local.Usernames{OnlyThis: true, Min: 3, Max: 8, Pattern: regexp.MustCompile(`^[a-z][a-z0-9]*$`)}}), t.Context()
		seen := map[string]bool{}
		begins := func(n int, wanted string) (broker.User, error) {
			return a.Begin(ctx, broker.SignUp{Email: wanted + strconv.Itoa(n) + "@example.org", Username: wanted}, "hub", time.Now())
		}
		for n := range 14 {
			for _, wanted := range []string{"ada", "ladyadak"} {
				if may, err := a.Nameable(ctx, wanted); err != nil || !may {
					t.Fatalf("%s: %t, %v", wanted, may, err)
				}
				u, err := begins(n, wanted)
				must(t, err)
				if u.Username == "" || seen[u.Username] || len(u.Username) > 8 || !strings.HasPrefix(u.Username, wanted[:3]) {
					t.Errorf("%s: %q", wanted, u.Username)
				}
				seen[u.Username] = true
			}
		}
		for _, wanted := range []string{"", "Ä!", "x", "admin"} {
			if may, err := a.Nameable(ctx, wanted); err != nil || may {
				t.Errorf("%q would do: %v", wanted, err)
			}
			if _, err := a.Begin(ctx, broker.SignUp{Email: "none@example.org", Username: wanted}, "hub", time.Now()); broker.KindOf(err) != broker.KindConflict {
				t.Errorf("%q: an account began: %v", wanted, err)
			}
		}
		// A number behind a name is held to the rules, too.
		letters := accountsWith(t, db, local.Options{Usernames: local.Usernames{OnlyThis: true, Pattern: regexp.MustCompile(`^[a-z]+$`)}})
		for wanted, free := range map[string]bool{"ada": false, "bob": true} {
			if may, err := letters.Nameable(ctx, wanted); err != nil || may != free {
				t.Errorf("%s: %t, %v", wanted, may, err)
			}
			u, err := letters.Begin(ctx, broker.SignUp{Email: wanted + "@letters.example.org", Username: wanted}, "hub", time.Now())
			if free != (err == nil) || free && u.Username != wanted {
				t.Errorf("%s: %q, %v", wanted, u.Username, err)
			}
		}
		if may, err := accountsWith(t, db, local.Options{}).Nameable(ctx, ""); err != nil || !may {
			t.Errorf("where nobody needs one: %v", err)
		}
	})
}

// TestTakenBetweenFormAndMail: whose username somebody else took while the mail was on its way
// has one like it where they need one, and is told; elsewhere they have none.
func TestTakenBetweenFormAndMail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, needed := range []bool{true, false} {
			a, ctx := accountsWith(t, db, local.Options{Usernames: local.Usernames{OnlyThis: needed}}), t.Context()
			name := "ada" + strconv.FormatBool(needed)
			login, _ := newLogin()
			must(t, a.SignUp(ctx, login, local.SignUpForm{Email: name + "@example.org", Username: name, Password: good}))
			token := tokenOf(t, mails(t, db)[0])
			_, err := a.Create(ctx, local.NewUser{Email: "eve" + name + "@example.org", Username: name})
			must(t, err)
			mails(t, db)
			u, _, err := a.Prove(ctx, token, "")
			must(t, err)
			if want := map[bool]string{true: name + "2"}[needed]; u.Username != want {
				t.Errorf("needed %t: %q", needed, u.Username)
			}
			told := false
			for _, m := range mails(t, db) {
				told = told || m.Template == "username-given" && m.Data["old"] == name && m.Data["new"] == name+"2"
			}
			if told != needed {
				t.Errorf("needed %t: told %t", needed, told)
			}
		}
	})
}
