package local_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestCodeBounds: who asks again and again, from however many browsers, fills
// nobody's mailbox and gets no more guesses.
func TestCodeBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := coded(t, db), t.Context()
		for _, email := range []string{"ada@example.org", "nobody@example.org"} { // known or not
			for range 40 {
				l := waiting(t, db, true)
				must(t, a.SendCode(ctx, l, email, local.CodeAsk{})) // nobody is told that others have asked
				if _, ok, err := a.CodeSent(ctx, l); !ok || err != nil {
					t.Errorf("the page tells: %v", err)
				}
			}
			requests, err := db.ClaimOutbox(ctx, 100, time.Now(), time.Hour, broker.OutboxCode)
			must(t, err)
			if len(requests) != 5 {
				t.Errorf("%s: %d codes within an hour", email, len(requests))
			}
		}
		for range 9 { // her own browsers have as many, which the others have not used up
			must(t, a.SendCode(ctx, waiting(t, db, true), "ada@example.org", local.CodeAsk{Own: true}))
		}
		if requests, err := db.ClaimOutbox(ctx, 100, time.Now(), time.Hour, broker.OutboxCode); err != nil || len(requests) != 5 {
			t.Errorf("%d codes for the account's own browsers: %v", len(requests), err)
		}
		silent := waiting(t, db, true)
		must(t, a.SendCode(ctx, silent, "eve@example.org", local.CodeAsk{Silent: true}))
		if requests, err := db.ClaimOutbox(ctx, 100, time.Now(), time.Hour, broker.OutboxCode); err != nil || len(requests) != 0 {
			t.Errorf("mailed although the address has had enough: %v", err)
		}
		if _, ok, err := a.CodeSent(ctx, silent); !ok || err != nil {
			t.Errorf("the page tells: %v", err)
		}
		// One browser, many addresses: each login waits, and the hour ends it.
		l := waiting(t, db, true)
		sent := 0
		for i := range 40 {
			other := waiting(t, db, true)
			other.BrowserHash = l.BrowserHash
			if err := a.SendCode(ctx, other, fmt.Sprintf("p%d@example.org", i), local.CodeAsk{}); err == nil {
				sent++
			} else if !errors.Is(err, local.ErrCodeMany) {
				t.Fatal(err)
			}
		}
		if sent != 10 {
			t.Errorf("%d codes from one browser within an hour", sent)
		}
		time.Sleep(time.Hour)
		must(t, a.SendCode(ctx, waiting(t, db, true), "ada@example.org", local.CodeAsk{}))
	})
}

// TestCodeExpires after a quarter of an hour, and so does its mail.
func TestCodeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := coded(t, db), t.Context()
		signUp(t, db, a, "ada@example.org")
		l := waiting(t, db, true)
		code := codeFor(t, db, a, l, "ada@example.org")
		time.Sleep(broker.MailCodeLifetime - time.Second)
		must(t, a.SendCode(ctx, waiting(t, db, true), "ada@example.org", local.CodeAsk{}))
		time.Sleep(time.Second)
		if _, _, err := a.RedeemCode(ctx, l, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("%v", err)
		}
		time.Sleep(broker.MailCodeLifetime)
		if sent := codeMails(t, db, a); len(sent) != 0 {
			t.Errorf("a code that can't be typed any more was mailed: %+v", sent)
		}
	})
}

// TestCodeTellsNothing: a known address costs what an unknown one does, when the
// code is asked for and when one is guessed, and so does one that a code re-claims.
func TestCodeTellsNothing(t *testing.T) {
	var c storetest.Counter
	db := storetest.New(t, c.Option())
	a, ctx := coded(t, db), t.Context()
	signUp(t, db, a, "ada@example.org")
	vouched := signUp(t, db, a, "eve@example.org")
	vouched.EmailVouchedBy = "demo"
	must(t, db.UpdateUser(ctx, vouched))
	type cost struct{ reads, units int }
	measure := func(do func()) cost {
		c.Reset()
		do()
		return cost{c.Reads(), c.Transactions()}
	}
	costs := map[string][2]cost{}
	for _, email := range []string{"ada@example.org", "nobody@example.org", "eve@example.org"} {
		l := waiting(t, db, true)
		send := measure(func() { must(t, a.SendCode(ctx, l, email, local.CodeAsk{})) })
		sent := codeMails(t, db, a)
		guess := measure(func() {
			code := "BBBB-BBBB"
			if len(sent) > 0 {
				code = another(sent[0].Data["code"])
			}
			if _, _, err := a.RedeemCode(ctx, l, code); !errors.Is(err, local.ErrCodeWrong) {
				t.Error(err)
			}
		})
		costs[email] = [2]cost{send, guess}
	}
	if costs["ada@example.org"] != costs["nobody@example.org"] || costs["ada@example.org"] != costs["eve@example.org"] || costs["ada@example.org"][0].units != 1 {
		t.Errorf("%+v", costs)
	}
}

// TestCodesPolicy: an operator who wants no codes, or none to sign in, gets none.
func TestCodesPolicy(t *testing.T) {
	db := storetest.New(t)
	ctx := t.Context()
	for _, tt := range []struct {
		codes        local.Codes
		link, signIn bool
	}{{local.CodesLink, true, false}, {local.CodesSignIn, true, true}, {local.CodesOff, false, false}} {
		a := coded(t, db, func(o *local.Options) { o.Codes = tt.codes })
		for remote, want := range map[bool]bool{true: tt.link, false: tt.signIn} {
			l := waiting(t, db, remote)
			err := a.SendCode(ctx, l, "x"+string(l.ID)+"@example.org", local.CodeAsk{})
			_, _, redeemed := a.RedeemCode(ctx, l, "BBBB-BBBB")
			if a.Codes(l) != want || want != (err == nil) || want == errors.Is(redeemed, local.ErrNoCodes) {
				t.Errorf("codes %q, an identity waits %v: %v, %v", tt.codes, remote, err, redeemed)
			}
		}
	}
}

// TestCodeIsNotStored: neither the code nor what it can be guessed from at home.
func TestCodeIsNotStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, b := coded(t, db), coded(t, db, func(o *local.Options) { o.CodeKeys = nil })
		signUp(t, db, a, "ada@example.org")
		seen := map[string]bool{}
		for _, a := range []*local.Accounts{a, b} {
			l := waiting(t, db, true)
			code := codeFor(t, db, a, l, "ada@example.org")
			if len(code) != 9 || seen[code] || strings.Trim(code, "BCDFGHJKLMNPQRSTVWXZ-") != "" {
				t.Errorf("code %q", code)
			}
			seen[code] = true
			row, err := db.LastMailCode(t.Context(), l.ID)
			must(t, err)
			plain := broker.Secret(code).Hash()
			if strings.Contains(row.MAC, code) || row.MAC == plain || row.MAC == broker.Secret(strings.ReplaceAll(code, "-", "")).Hash() || row.MAC == "" {
				t.Errorf("stored as %q", row.MAC)
			}
		}
	})
}

// FuzzTypedCode: whatever is typed is an answer, and only the code opens.
func FuzzTypedCode(f *testing.F) {
	db := storetest.New(f)
	reg := coded
	for _, s := range []string{"", "BCDF-GHJK", "bcdf ghjk", "\u00a0bcdfghjk", "BCDFGHJ\x00", strings.Repeat("B", 1000), "ÄCDF-GHJK", "12345678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a := reg(t, db)
		l, _ := newLogin()
		if u, _, err := a.RedeemCode(t.Context(), l, typed); u.ID != "" || !errors.Is(err, local.ErrRequired) && !errors.Is(err, local.ErrCodeWrong) && !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("%q: %v", typed, err)
		}
	})
}
