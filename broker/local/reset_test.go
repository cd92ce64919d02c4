package local_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestNobodyLearnsWhoHasAnAccount: asking for a link, or for an account, costs
// the same statements whether the address is known or not, on both databases.
func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	counted := func(f func()) []string {
		mu.Lock()
		seen = nil
		mu.Unlock()
		f()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		signUp(t, db, a, "ada@example.org")
		u := signUp(t, db, a, "disabled@example.org")
		must(t, a.SetDisabled(ctx, u.ID, true))
		eve := startSession(t, db, signUp(t, db, a, "eve@example.org"))
		for name, ask := range map[string]func(email string){
			"lost password": func(email string) { must(t, a.RequestReset(ctx, email)) },
			"another address": func(email string) {
				must(t, a.RequestEmail(ctx, eve, email))
			},
			"sign-up": func(email string) {
				login, _ := newLogin()
				must(t, a.SignUp(ctx, login, local.SignUpForm{Email: email, Name: "Eve", Password: good}))
			},
		} {
			unknown := counted(func() { ask("nobody@example.org") })
			if len(unknown) == 0 {
				t.Fatalf("%s: no statement was seen", name)
			}
			for _, known := range []string{"ada@example.org", "disabled@example.org"} {
				if got := counted(func() { ask(known) }); !slices.Equal(got, unknown) {
					t.Errorf("%s:\n%s costs %q\nan unknown address %q", name, known, got, unknown)
				}
			}
		}
		var to []string
		for _, m := range mails(t, db) {
			to = append(to, m.Template+" "+m.To)
		}
		slices.Sort(to)
		if want := "email nobody@example.org, email-known ada@example.org, email-known disabled@example.org, known ada@example.org, known disabled@example.org, reset ada@example.org, sign-up nobody@example.org"; strings.Join(to, ", ") != want {
			t.Errorf("mails: %q, want %s", to, want)
		}
	}, storetest.OnStatement(func(s store.Statement) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, s.Op)
	}))
}

// TestResetThatComesLate: an outbox that stood still for longer than a link
// works does not send links that nobody waits for.
func TestResetThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a := accounts(t, db)
		u := signUp(t, db, a, "ada@example.org")
		must(t, a.RequestReset(t.Context(), u.Email))
		time.Sleep(broker.MailTokenLifetime + time.Second)
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("sent %+v", sent)
		}
		must(t, a.RequestReset(broker.WithRequest(t.Context(), broker.Request{IP: "192.0.2.7", Browser: "Firefox"}), u.Email))
		asked := time.Now()
		time.Sleep(broker.MailTokenLifetime / 2)
		sent := mails(t, db)
		if len(sent) != 1 || sent[0].Data["ip"] != "192.0.2.7" || sent[0].Data["browser"] != "Firefox" || sent[0].Data["when"] != asked.UTC().Format(time.RFC3339) {
			t.Fatalf("sent %+v", sent)
		}
		time.Sleep(broker.MailTokenLifetime - time.Second) // the link has its whole time
		if _, err := a.Reset(t.Context(), tokenOf(t, sent[0]), "another password of hers"); err != nil {
			t.Error(err)
		}
	})
	for _, payload := range []string{"", "x", "[]", `{"at":"yesterday"}`} {
		if err := accounts(t, storetest.New(t)).DeliverReset(t.Context(), []byte(payload)); !broker.IsPermanent(err) {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

// TestNewPasswordEndsOfflineGrants: whoever had the old password may have let an
// application in for good, in a session that is over. Only what this session
// gave stays.
func TestNewPasswordEndsOfflineGrants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u, other := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		here, there := startSession(t, db, u), startSession(t, db, u)
		grant := func(user broker.UserID, sid string) broker.GrantID {
			g := broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: "app", UserID: user, SID: sid, Scopes: []string{"openid", "offline_access"}}
			must(t, db.CreateGrant(ctx, g))
			return g.ID
		}
		mine, others, expired, hers := grant(u.ID, here.SID), grant(u.ID, there.SID), grant(u.ID, "a session of last month"), grant(other.ID, here.SID)
		live := func(what string, id broker.GrantID, want bool) {
			t.Helper()
			g, err := db.Grant(ctx, id)
			must(t, err)
			if g.RevokedAt.IsZero() != want {
				t.Errorf("the grant of %s: revoked at %s", what, g.RevokedAt)
			}
		}
		if err := a.ChangePassword(ctx, here, "wrong", "another password of hers"); !errors.Is(err, local.ErrPasswordWrong) {
			t.Fatal(err)
		}
		live("an expired session after a refused change", expired, true)
		must(t, a.ChangePassword(ctx, here, good, "another password of hers"))
		live("this session", mine, true)
		live("another session", others, false)
		live("an expired session", expired, false)
		live("somebody else", hers, true)

		must(t, a.RequestReset(ctx, u.Email))
		sent := mails(t, db)
		_, err := a.Reset(ctx, tokenOf(t, sent[len(sent)-1]), "a third one of hers")
		must(t, err)
		live("this session after a reset", mine, false)
		live("somebody else after a reset", hers, true)
	})
}
