package local_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// coded are accounts that mail codes for whatever purpose.
func coded(t *testing.T, db *store.DB, edit ...func(*local.Options)) *local.Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer})
	must(t, err)
	o := local.Options{Issuer: issuer, Hashing: cheap, Codes: local.CodesSignIn, CodeKeys: [][32]byte{{1}}}
	for _, f := range edit {
		f(&o)
	}
	return local.New(db, linking.New(db, reg, linking.Options{}), o)
}

// waiting is a login of a new browser with a row; remote tells whether an
// identity waits in it.
func waiting(t *testing.T, db *store.DB, remote bool) broker.Login {
	t.Helper()
	l, _ := newLogin()
	if remote {
		l.Remote = &broker.Profile{Provider: "demo", Issuer: "https://demo.example", Subject: "1"}
	}
	must(t, db.CreateLogin(t.Context(), l))
	return l
}

// codeMails works off the requests for codes, and returns the mails that come
// of them.
func codeMails(t *testing.T, db *store.DB, a *local.Accounts) []broker.Mail {
	t.Helper()
	entries, err := db.ClaimOutbox(t.Context(), 100, time.Now(), time.Minute, broker.OutboxCode)
	must(t, err)
	for _, e := range entries {
		for range 2 { // at least once: the second time mails nothing
			must(t, a.DeliverCode(t.Context(), e.Payload))
		}
		must(t, db.FinishOutbox(t.Context(), e.ID, time.Now()))
	}
	return mails(t, db)
}

// codeFor sends a code and returns what the one mail says.
func codeFor(t *testing.T, db *store.DB, a *local.Accounts, l broker.Login, email string) string {
	t.Helper()
	must(t, a.SendCode(t.Context(), l, email, local.CodeAsk{}))
	sent := codeMails(t, db, a)
	if len(sent) != 1 || sent[0].Data["code"] == "" {
		t.Fatalf("mails: %+v", sent)
	}
	return sent[0].Data["code"]
}

// another is a code that is not code.
func another(code string) string {
	if strings.HasPrefix(code, "B") {
		return "C" + code[1:]
	}
	return "B" + code[1:]
}

func TestCode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		for _, remote := range []bool{false, true} {
			l := waiting(t, db, remote)
			must(t, a.SendCode(ctx, l, " ADA@example.org", local.CodeAsk{}))
			waits, ok, err := a.CodeSent(ctx, l)
			if err != nil || !ok || waits.Email != "ada@example.org" || waits.UserID != "" || waits.MAC != "" {
				t.Errorf("waits: %+v %v %v", waits, ok, err)
			}
			sent := codeMails(t, db, a)
			want := map[bool]string{false: "code-sign-in", true: "code-link"}[remote]
			if len(sent) != 1 || sent[0].To != u.Email || sent[0].Template != want || remote != (sent[0].Data["provider"] != "") {
				t.Fatalf("mails: %+v", sent)
			}
			code := sent[0].Data["code"]
			if _, _, err := a.RedeemCode(ctx, l, another(code)); !errors.Is(err, local.ErrCodeWrong) {
				t.Errorf("another code: %v", err)
			}
			typed := " " + strings.ToLower(strings.ReplaceAll(code, "-", " ")) + " "
			got, how, err := a.RedeemCode(ctx, l, typed)
			if err != nil || got.ID != u.ID || len(how.AMR) != 1 || how.AMR[0] != "otp" || how.ACR != broker.ACRSingle || how.Provider != "" || how.At.IsZero() {
				t.Errorf("%v %+v %v", got.ID, how, err)
			}
			if _, _, err := a.RedeemCode(ctx, l, code); !errors.Is(err, local.ErrCodeGone) {
				t.Errorf("replayed: %v", err)
			}
			if _, ok, err := a.CodeSent(ctx, l); ok || err != nil {
				t.Errorf("still waits: %v %v", ok, err)
			}
		}
	})
}

// TestCodeIsBound: another browser, login, purpose or address finds no use for it.
func TestCodeIsBound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		signUp(t, db, a, "ada@example.org")
		signUp(t, db, a, "eve@example.org")
		l := waiting(t, db, true)
		code := codeFor(t, db, a, l, "ada@example.org")

		other := waiting(t, db, true)
		if _, _, err := a.RedeemCode(ctx, other, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("another login: %v", err)
		}
		codeFor(t, db, a, other, "eve@example.org")
		if u, _, err := a.RedeemCode(ctx, other, code); !errors.Is(err, local.ErrCodeWrong) {
			t.Errorf("another login with a code of its own: %v %v", u.Email, err)
		}
		stolen := l
		stolen.BrowserHash = broker.NewSecret().Hash()
		if _, _, err := a.RedeemCode(ctx, stolen, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("another browser: %v", err)
		}
		dropped := l
		dropped.Remote = nil
		if _, _, err := a.RedeemCode(ctx, dropped, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("another purpose: %v", err)
		}
		if _, ok, err := a.CodeSent(ctx, dropped); ok || err != nil {
			t.Errorf("shown for another purpose: %v", err)
		}
		// Another replica has the same keys, newest first; a stranger has others.
		stranger := coded(t, db, func(o *local.Options) { o.CodeKeys = [][32]byte{{2}} })
		if _, _, err := stranger.RedeemCode(ctx, l, code); !errors.Is(err, local.ErrCodeWrong) {
			t.Errorf("another key: %v", err)
		}
		rotated := coded(t, db, func(o *local.Options) { o.CodeKeys = [][32]byte{{2}, {1}} })
		if u, _, err := rotated.RedeemCode(ctx, l, code); err != nil || u.Email != "ada@example.org" {
			t.Errorf("after the key was rotated: %v", err)
		}
	})
}

// TestOneCodeAtATime: a new one, to whatever address, voids the one before, so
// that a code to one's own address opens nobody else's account.
func TestOneCodeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		a, ctx := coded(t, db), t.Context()
		signUp(t, db, a, "ada@example.org")
		signUp(t, db, a, "eve@example.org")
		l := waiting(t, db, true)
		mine := codeFor(t, db, a, l, "eve@example.org")
		if err := a.SendCode(ctx, l, "ada@example.org", local.CodeAsk{}); !errors.Is(err, local.ErrCodeSoon) {
			t.Errorf("a second one at once: %v", err)
		}
		time.Sleep(time.Minute)
		hers := codeFor(t, db, a, l, "ada@example.org")
		if u, _, err := a.RedeemCode(ctx, l, mine); !errors.Is(err, local.ErrCodeWrong) {
			t.Errorf("the code to another address opens %v: %v", u.Email, err)
		}
		if u, _, err := a.RedeemCode(ctx, l, hers); err != nil || u.Email != "ada@example.org" {
			t.Errorf("%v %v", u.Email, err)
		}
	})
}

// TestCodeOfAChangedAccount: what changes the account after the mail voids the code.
func TestCodeOfAChangedAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		for name, tt := range map[string]struct {
			change func(u broker.User) broker.User
			want   error
		}{
			"password": {func(u broker.User) broker.User { u.PasswordSetAt = time.Now(); return u }, local.ErrCodeGone},
			"address":  {func(u broker.User) broker.User { u.Email = "new-" + u.Email; return u }, local.ErrCodeGone},
			"disabled": {func(u broker.User) broker.User { u.DisabledAt = time.Now(); return u }, broker.ErrDisabled},
		} {
			u := signUp(t, db, a, name+"@example.org")
			l := waiting(t, db, true)
			code := codeFor(t, db, a, l, u.Email)
			must(t, db.UpdateUser(ctx, tt.change(u)))
			if _, _, err := a.RedeemCode(ctx, l, code); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestCodeIsMailedToNobodyElse: to no unknown address, no disabled account, and
// none whose address nobody has proven. The answers are the same.
func TestCodeIsMailedToNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		off := signUp(t, db, a, "off@example.org")
		off.DisabledAt = time.Now()
		must(t, db.UpdateUser(ctx, off))
		must(t, db.CreateUser(ctx, broker.User{ID: "unproven", Email: "unproven@example.org"}))
		for _, email := range []string{"nobody@example.org", off.Email, "unproven@example.org"} {
			l := waiting(t, db, false)
			must(t, a.SendCode(ctx, l, email, local.CodeAsk{}))
			if _, ok, err := a.CodeSent(ctx, l); !ok || err != nil {
				t.Errorf("%s: the page would tell: %v", email, err)
			}
			if sent := codeMails(t, db, a); len(sent) != 0 {
				t.Errorf("%s: mailed %+v", email, sent)
			}
			for range 4 {
				if _, _, err := a.RedeemCode(ctx, l, "BBBB-BBBB"); !errors.Is(err, local.ErrCodeWrong) {
					t.Errorf("%s: %v", email, err)
				}
			}
		}
	})
}

// TestCodeRace: of many who type the right code at once one comes in; of many who
// guess at once none gets more than five looks.
func TestCodeRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := coded(t, db), t.Context()
		signUp(t, db, a, "ada@example.org")
		l := waiting(t, db, true)
		code := codeFor(t, db, a, l, "ada@example.org")
		outcome := func(typed string) (in, wrong, gone int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					_, _, err := a.RedeemCode(ctx, l, typed)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						in++
					case errors.Is(err, local.ErrCodeWrong):
						wrong++
					case errors.Is(err, local.ErrCodeGone):
						gone++
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return in, wrong, gone
		}
		if in, _, gone := outcome(code); in != 1 || gone != 11 {
			t.Errorf("%d came in, %d did not", in, gone)
		}
		l = waiting(t, db, true)
		code = codeFor(t, db, a, l, "ada@example.org")
		if in, wrong, _ := outcome(another(code)); in != 0 || wrong > 5 {
			t.Errorf("%d came in, %d looks", in, wrong)
		}
		if _, _, err := a.RedeemCode(ctx, l, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("the right one after too many wrong ones: %v", err)
		}
	})
}
