package local_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// stay is a session of a user that began a moment ago.
func stay(t *testing.T, db *store.DB, u broker.User, sid string) broker.Session {
	t.Helper()
	now := time.Now()
	s := broker.Session{IDHash: sid, SID: sid, UserID: u.ID, AuthTime: now, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour)}
	must(t, db.CreateSession(t.Context(), s))
	return s
}

// shown is what the app shows so many steps from now.
func shown(t *testing.T, secret broker.Secret, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret.Reveal(), time.Now().Add(time.Duration(steps)*30*time.Second))
	must(t, err)
	return code
}

// withApp sets up an app and returns its secret and the recovery codes.
func withApp(t *testing.T, a *local.Accounts, s broker.Session) (broker.Secret, []string) {
	t.Helper()
	secret, codes, _ := withAppBy(t, a, s)
	return secret, codes
}

// withAppBy is withApp and the code that set it up: what the app shows now may be another one by then.
func withAppBy(t *testing.T, a *local.Accounts, s broker.Session) (secret broker.Secret, codes []string, used string) {
	t.Helper()
	must(t, a.StartFactor(t.Context(), s))
	f, _, err := a.FactorOf(t.Context(), s.UserID)
	must(t, err)
	used = shown(t, f.Secret, 0)
	codes, err = a.ConfirmFactor(t.Context(), s, used)
	must(t, err)
	return f.Secret, codes, used
}

// wrong is a code that is none of those that count.
func wrong(t *testing.T, secret broker.Secret) string {
	t.Helper()
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555"} {
		ok := true
		for step := -2; step <= 2; step++ {
			ok = ok && shown(t, secret, step) != code
		}
		if ok {
			return code
		}
	}
	t.Fatal("six codes count at once")
	return ""
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestFactor goes through the life of an app: it counts after a code was verified
// and not before, each step once.
func TestFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s, elsewhere := stay(t, db, u, "s1"), stay(t, db, u, "s2")
		_, err := a.ConfirmFactor(ctx, s, "123456")
		wantErr(t, "confirm nothing", err, local.ErrFactorGone)
		must(t, a.StartFactor(ctx, s))
		first, _, err := a.FactorOf(ctx, u.ID)
		must(t, err)
		must(t, a.StartFactor(ctx, s))
		f, codes, err := a.FactorOf(ctx, u.ID)
		must(t, err)
		if f.Confirmed() || codes != 0 || f.Secret == "" || f.Secret == first.Secret {
			t.Errorf("being set up: %+v, %d codes", f, codes)
		}
		if now, err := db.User(ctx, u.ID); err != nil || now.HasSecondFactor() || a.OwesFactor(now, broker.ACRSingle) {
			t.Error("an app that nobody has shown counts")
		}
		wantErr(t, "use before it counts", a.UseFactor(ctx, u.ID, shown(t, f.Secret, 0)), local.ErrFactorGone)
		_, err = a.ConfirmFactor(ctx, s, wrong(t, f.Secret))
		wantErr(t, "wrong code", err, local.ErrFactorWrong)
		_, err = a.ConfirmFactor(ctx, s, shown(t, first.Secret, 0))
		wantErr(t, "code of the secret before", err, local.ErrFactorWrong)
		code := shown(t, f.Secret, 0)
		recovery, err := a.ConfirmFactor(ctx, s, " "+code[:3]+" "+code[3:])
		must(t, err)
		if len(recovery) != 10 {
			t.Errorf("%d recovery codes", len(recovery))
		}
		now, err := db.User(ctx, u.ID)
		if err != nil || !now.HasSecondFactor() || !a.OwesFactor(now, broker.ACRSingle) || a.OwesFactor(now, broker.ACRSecond) {
			t.Errorf("it does not count: %+v %v", now, err)
		}
		if _, err := db.Session(ctx, elsewhere.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a session from before goes on elsewhere: %v", err)
		}
		_, err = db.Session(ctx, s.IDHash)
		must(t, err)
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "factor-added" || sent[0].To != u.Email {
			t.Errorf("mails %+v", sent)
		}
		if f, codes, err := a.FactorOf(ctx, u.ID); err != nil || f.Secret != "" || codes != 10 {
			t.Errorf("its secret can be had again: %d codes, %v", codes, err)
		}
		wantErr(t, "a second app", a.StartFactor(ctx, s), local.ErrFactorHas)
		wantErr(t, "the code that set it up", a.UseFactor(ctx, u.ID, code), local.ErrFactorWrong)
		next := shown(t, f.Secret, 1)
		must(t, a.UseFactor(ctx, u.ID, next))
		wantErr(t, "replay", a.UseFactor(ctx, u.ID, next), local.ErrFactorWrong)
		for _, typed := range []string{"", "12345", "1234567", "abcdef", "１２３４５６", strings.Repeat("1", 1<<16), "12345\x00", shown(t, f.Secret, -20), shown(t, f.Secret, 20)} {
			wantErr(t, "typed "+typed[:min(9, len(typed))], a.UseFactor(ctx, u.ID, typed), local.ErrFactorWrong)
		}
		if events, err := db.Events(ctx, u.ID, 1); err != nil || events[0].Name != broker.EventFactorAdded {
			t.Errorf("events %+v %v", events, err)
		}
	})
}

// TestFactorRace: of many who type the same code at once one is let in.
func TestFactorRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		secret, recovery := withApp(t, a, stay(t, db, u, "s1"))
		for what, use := range map[string]func() error{
			"code":          func() error { return a.UseFactor(ctx, u.ID, shown(t, secret, 1)) },
			"recovery code": func() error { return a.UseRecovery(ctx, u.ID, recovery[0]) },
		} {
			var in atomic.Int32
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if err := use(); err == nil {
						in.Add(1)
					} else if !errors.Is(err, local.ErrFactorWrong) && !errors.Is(err, local.ErrRecoveryWrong) {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := in.Load(); n != 1 {
				t.Errorf("%s: %d came in", what, n)
			}
		}
	})
}

// TestRecoveryCodes: each works once, for its owner alone, until there are others.
func TestRecoveryCodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u, eve := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		s := stay(t, db, u, "s1")
		_, codes := withApp(t, a, s)
		_, hers := withApp(t, a, stay(t, db, eve, "s2"))
		mails(t, db)
		wantErr(t, "somebody else's", a.UseRecovery(ctx, u.ID, hers[0]), local.ErrRecoveryWrong)
		must(t, a.UseRecovery(ctx, u.ID, strings.ToLower(strings.ReplaceAll(codes[0], "-", " "))))
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "recovery-used" || sent[0].Data["left"] != "9" {
			t.Errorf("mails %+v", sent)
		}
		for _, typed := range []string{codes[0], "", "BBBB-BBBB-BBBB", codes[1] + "B", strings.Repeat("B", 1<<16)} {
			wantErr(t, "typed", a.UseRecovery(ctx, u.ID, typed), local.ErrRecoveryWrong)
		}
		fresh, err := a.RenewRecovery(ctx, s, codes[1])
		must(t, err)
		wantErr(t, "voided", a.UseRecovery(ctx, u.ID, codes[2]), local.ErrRecoveryWrong)
		must(t, a.UseRecovery(ctx, u.ID, fresh[9]))
		_, err = a.RenewRecovery(ctx, s, fresh[9])
		wantErr(t, "renew with a used one", err, local.ErrRecoveryWrong)
		if _, left, err := a.FactorOf(ctx, u.ID); err != nil || left != 9 {
			t.Errorf("%d left, %v", left, err)
		}
	})
}

// TestRemoveFactor: it takes a sign-in of a moment ago and the factor itself.
func TestRemoveFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := stay(t, db, u, "s1")
		secret, codes := withApp(t, a, s)
		mails(t, db)
		old := s
		old.AuthTime = time.Now().Add(-time.Hour)
		_, err := a.RenewRecovery(ctx, old, codes[0])
		wantErr(t, "renew", err, broker.ErrSignIn)
		wantErr(t, "remove long after the sign-in", a.RemoveFactor(ctx, old, codes[0]), broker.ErrSignIn)
		wantErr(t, "set up long after the sign-in", a.StartFactor(ctx, old), broker.ErrSignIn)
		wantErr(t, "remove with nothing", a.RemoveFactor(ctx, s, ""), local.ErrRecoveryWrong)
		wantErr(t, "remove with a wrong code", a.RemoveFactor(ctx, s, wrong(t, secret)), local.ErrFactorWrong)
		if now, err := db.User(ctx, u.ID); err != nil || !now.HasSecondFactor() {
			t.Errorf("gone: %v", err)
		}
		must(t, a.RemoveFactor(ctx, s, shown(t, secret, 1)))
		now, err := db.User(ctx, u.ID)
		if err != nil || now.HasSecondFactor() {
			t.Errorf("still there: %v", err)
		}
		wantErr(t, "a recovery code of a factor that is gone", a.UseRecovery(ctx, u.ID, codes[0]), local.ErrFactorGone)
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "factor-removed" {
			t.Errorf("mails %+v", sent)
		}
		_, again := withApp(t, a, s)
		must(t, a.ResetFactors(ctx, u.ID))
		wantErr(t, "reset", a.ResetFactors(ctx, u.ID), local.ErrFactorGone)
		wantErr(t, "reset nobody's", a.ResetFactors(ctx, "nobody"), broker.ErrNotFound)
		wantErr(t, "a code after the reset", a.UseRecovery(ctx, u.ID, again[0]), local.ErrFactorGone)
		sent := mails(t, db)
		if last := sent[len(sent)-1]; last.Template != "factor-removed-for-you" {
			t.Errorf("mails %+v", sent)
		}
	})
}

// TestResetLeavesTheFactor: whoever reads the mail chooses a password, and comes no
// further. Where nobody but a provider had stood for the address, they take over
// an account that somebody else had locked.
func TestResetLeavesTheFactor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		for _, vouchedBy := range []string{"", "demo"} {
			withApp(t, a, stay(t, db, u, "s"+vouchedBy))
			now, err := db.User(ctx, u.ID)
			must(t, err)
			now.EmailVouchedBy = vouchedBy
			must(t, db.UpdateUser(ctx, now))
			mails(t, db)
			must(t, a.RequestReset(ctx, u.Email))
			_, err = a.Reset(ctx, tokenOf(t, mails(t, db)[0]), good+broker.Secret("r"+vouchedBy))
			must(t, err)
			if now, err = db.User(ctx, u.ID); err != nil || now.HasSecondFactor() != (vouchedBy == "") {
				t.Errorf("vouched by %q: factor %v, %v", vouchedBy, now.HasSecondFactor(), err)
			}
			if vouchedBy == "" {
				must(t, a.ResetFactors(ctx, u.ID))
			}
		}
	})
}

// TestKeyURI is read by apps: one of them by the library that made the codes.
func TestKeyURI(t *testing.T) {
	got := local.KeyURI(broker.Factor{Secret: "JBSWY3DPEHPK3PXP"}, "Open: Commons", "ada@example.org")
	const want = "otpauth://totp/Open%20%20Commons:ada@example.org?algorithm=SHA1&digits=6&issuer=Open%20%20Commons&period=30&secret=JBSWY3DPEHPK3PXP"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestMailOfTheFirstFactor: the first one ends the other sessions, and its mail says so;
// one beside it ends none.
func TestMailOfTheFirstFactor(t *testing.T) {
	db := storetest.New(t)
	a := texting(t, db)
	u := signUp(t, db, a, "ada@example.org")
	s := stay(t, db, u, "s")
	withApp(t, a, s)
	if m := mailed(t, db, "factor-added"); m.Data["first"] == "" {
		t.Errorf("the first: %+v", m.Data)
	}
	withNumber(t, db, a, s.WithFactor(broker.AMROTP))
	if m := mailed(t, db, "number-added"); m.Data["first"] != "" {
		t.Errorf("one beside it: %+v", m.Data)
	}
}

// TestWrongCodeBesideANumber: whoever has an app and a number, and had nothing sent, reads
// that the code of the app is wrong; nothing about a message that never was.
func TestWrongCodeBesideANumber(t *testing.T) {
	db := storetest.New(t)
	a := texting(t, db)
	u := signUp(t, db, a, "ada@example.org")
	s := stay(t, db, u, "s")
	secret, _ := withApp(t, a, s)
	s = s.WithFactor(broker.AMROTP)
	withNumber(t, db, a, s)
	err := a.RemoveFactor(t.Context(), s, wrong(t, secret))
	wantErr(t, "a wrong code", err, local.ErrFactorWrong)
	var told *broker.Error
	if !errors.As(err, &told) || told.Words() != local.ErrFactorWrong.Words() {
		t.Errorf("told %v", err)
	}
}
