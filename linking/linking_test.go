package linking_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestSignUpThenSignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		b := newBrowser()
		res := w.journey(b, "one", broker.PurposeSignIn, "ada")
		if res.Outcome != linking.NewPerson || res.Login.Remote == nil || res.Known || !res.Login.Live(b.cookie, time.Now()) {
			t.Fatalf("first sign-in: %+v", res)
		}
		u, err := w.begin("ada", res.Login)
		must(t, err)
		if got := w.state(u); got.identities != 1 || got.accounts != 1 || got.tokens != 1 {
			t.Errorf("after sign-up: %+v", got)
		}
		res = w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada")
		if res.Outcome != linking.SignedIn || res.User.ID != u.ID || res.How.Provider != "one" || res.How.At.IsZero() {
			t.Errorf("second sign-in: %+v", res)
		}
		ids, err := db.IdentitiesOf(t.Context(), u.ID)
		must(t, err)
		if len(ids) != 1 || ids[0].LastUsedAt.Before(ids[0].CreatedAt) || ids[0].Subject != "ada" || ids[0].Issuer != w.op.Issuer {
			t.Errorf("identities: %+v", ids)
		}
	})
}

// TestKnownAddressIsNotMerged: the provider proves an address that an account
// has. Nobody is signed in, nothing is linked.
func TestKnownAddressIsNotMerged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "hash")
		before := w.state(u)
		res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada")
		if res.Outcome != linking.NewPerson || !res.Known || res.User.ID != "" || res.Login.UserID != "" {
			t.Errorf("%+v", res)
		}
		if got := w.state(u); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}
	})
}

func TestLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u, other := w.user("ada", "hash"), w.user("bob", "hash")
		if res := w.link(u, "one", "ada"); res.Outcome != linking.Linked || res.User.ID != u.ID {
			t.Fatalf("%+v", res)
		}
		if res := w.link(u, "one", "ada"); res.Outcome != linking.AlreadyLinked {
			t.Errorf("once more: %+v", res)
		}
		before := w.state(u, other)

		refuse := func(what string, b *browser, purpose broker.Purpose, subject string, want error) {
			t.Helper()
			_, err := w.back(b, "one", w.out(b, "one", purpose, subject))
			wantError(t, what, err, want)
			var refused *linking.Refused
			if !errors.As(err, &refused) || refused.Attempt.Provider != "one" {
				t.Errorf("%s: the error does not carry the attempt: %v", what, err)
			}
			var e *broker.Error
			if errors.As(err, &e) && e.Args["provider"] != "Provider one" {
				t.Errorf("%s: the message does not name the provider: %+v", what, e)
			}
			if got := w.state(u, other); got != before {
				t.Errorf("%s: state %+v became %+v", what, before, got)
			}
		}
		refuse("somebody else's identity", newBrowser().signedIn(other, time.Minute), broker.PurposeLink, "ada", linking.ErrTaken)
		refuse("a second identity of the provider", newBrowser().signedIn(u, time.Minute), broker.PurposeLink, "eve", linking.ErrSecond)
		refuse("somebody else proves presence", newBrowser().signedIn(other, time.Minute), broker.PurposeReauth, "ada", linking.ErrNotYou)

		_, err := w.Start(t.Context(), linking.StartRequest{Provider: "one", Purpose: broker.PurposeLink, Browser: broker.NewSecret(), Session: newBrowser().signedIn(u, time.Hour).session})
		wantError(t, "start after an old sign-in", err, linking.ErrStale)

		b := newBrowser().signedIn(other, time.Minute)
		cb := w.out(b, "two", broker.PurposeLink, "bob")
		b.session.AuthTime = time.Now().Add(-time.Hour)
		_, err = w.back(b, "two", cb)
		wantError(t, "the sign-in became old at the provider", err, linking.ErrStale)

		b = newBrowser().signedIn(u, time.Minute)
		if res := w.journey(b, "one", broker.PurposeReauth, "ada"); res.Outcome != linking.Reauthenticated {
			t.Errorf("reauth: %+v", res)
		}
	})
}

// TestAttempts performs the attacks on the way back from a provider.
func TestAttempts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u, other := w.user("ada", "hash"), w.user("bob", "hash")
		w.link(u, "one", "ada")
		in := broker.PurposeSignIn

		b, victim := newBrowser(), newBrowser()
		cb := w.out(b, "one", in, "ada")
		_, err := w.back(victim, "one", cb)
		wantError(t, "another browser", err, linking.ErrOtherBrowser)
		_, err = w.back(&browser{}, "one", cb)
		wantError(t, "no cookie", err, linking.ErrOtherBrowser)
		_, err = w.back(b, "two", cb)
		wantError(t, "another provider's path", err, linking.ErrOtherProvider)
		_, err = w.back(b, "three", cb)
		wantError(t, "unknown provider", err, linking.ErrUnknownProvider)
		if res, err := w.back(b, "one", cb); err != nil || res.Outcome != linking.SignedIn {
			t.Errorf("the wrong guesses ended the journey: %v", err)
		}
		_, err = w.back(b, "one", cb)
		wantError(t, "replayed state", err, linking.ErrAttemptEnded)

		cb = w.out(b, "one", in, "ada")
		forged := cb
		forged.State = broker.NewSecret()
		_, err = w.back(b, "one", forged)
		wantError(t, "forged state", err, linking.ErrAttempt)
		forged = cb
		forged.State = ""
		_, err = w.back(b, "one", forged)
		wantError(t, "no state", err, linking.ErrIncomplete)
		forged = cb
		forged.Code = ""
		_, err = w.back(b, "one", forged)
		wantError(t, "neither code nor error", err, linking.ErrIncomplete)

		// Code injection: the attacker's code in the victim's journey.
		stolen := w.out(b, "one", in, "ada")
		mine := w.out(victim, "one", in, "bob")
		mine.Code = stolen.Code
		if res, err := w.back(victim, "one", mine); err == nil {
			t.Errorf("an injected code was accepted: %+v", res)
		}

		// The user changes while somebody is at the provider.
		b = newBrowser().signedIn(other, time.Minute)
		cb = w.out(b, "one", broker.PurposeLink, "bob")
		b.signedIn(u, time.Minute)
		_, err = w.back(b, "one", cb)
		wantError(t, "another user", err, linking.ErrOtherUser)
		b.session = broker.Session{}
		_, err = w.back(b, "one", cb)
		wantError(t, "signed out", err, linking.ErrOtherUser)

		// Two tabs never collide.
		b = newBrowser()
		first, second := w.out(b, "one", in, "ada"), w.out(b, "one", in, "ada")
		for _, cb := range []broker.Callback{second, first} {
			if _, err := w.back(b, "one", cb); err != nil {
				t.Errorf("two tabs: %v", err)
			}
		}

		cb = w.out(b, "one", in, "")
		_, err = w.back(b, "one", cb)
		if broker.KindOf(err) != broker.KindForbidden || !strings.Contains(err.Error(), "provider.denied") {
			t.Errorf("declined: %v", err)
		}
	})
}

func TestExpiredAttempt(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	b := newBrowser()
	state := broker.NewSecret()
	now := time.Now()
	must(t, w.db.CreateAttempt(t.Context(), broker.Attempt{
		StateHash: state.Hash(), BrowserHash: b.cookie.Hash(), Provider: "one", Purpose: broker.PurposeSignIn,
		CreatedAt: now.Add(-broker.AttemptLifetime - time.Second), ExpiresAt: now.Add(-time.Second),
	}))
	_, err := w.back(b, "one", broker.Callback{State: state, Code: "code"})
	wantError(t, "after five minutes", err, linking.ErrAttemptEnded)
}

func TestDisabledUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u := w.user("ada", "hash")
		w.link(u, "one", "ada")
		must(t, local.New(db, w.Linker, local.Options{}).SetDisabled(t.Context(), u.ID, true))
		before := w.state(u)
		b := newBrowser()
		_, err := w.back(b, "one", w.out(b, "one", broker.PurposeSignIn, "ada"))
		wantError(t, "sign in", err, broker.ErrDisabled)
		if got := w.state(u); got != before {
			t.Errorf("state %+v became %+v", before, got)
		}
	})
}

func TestProviderPolicies(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*providers.App)
		want error
	}{
		{"hidden", func(a *providers.App) { a.Hidden = true }, linking.ErrUnknownProvider},
		{"link-only", func(a *providers.App) { a.LinkOnly = true }, linking.ErrLinkOnly},
	} {
		w := newWorld(t, storetest.New(t), tt.edit)
		_, err := w.Start(t.Context(), linking.StartRequest{Provider: "one", Purpose: broker.PurposeSignIn, Browser: broker.NewSecret()})
		wantError(t, tt.name, err, tt.want)
	}
	w := newWorld(t, storetest.New(t), func(a *providers.App) { a.SignUp = broker.SignUpNo })
	b := newBrowser()
	_, err := w.back(b, "one", w.out(b, "one", broker.PurposeSignIn, "ada"))
	wantError(t, "no sign-up", err, linking.ErrNoSignUp)

	// A provider that was hidden while people were there.
	db := storetest.New(t)
	w = newWorld(t, db)
	b = newBrowser()
	cb := w.out(b, "one", broker.PurposeSignIn, "ada")
	hidden := newWorld(t, db, func(a *providers.App) { a.Hidden = true })
	_, err = hidden.back(b, "one", cb)
	wantError(t, "hidden meanwhile", err, linking.ErrUnknownProvider)
}

// TestConcurrentFirstSignIns: one identity signs in for the first time in
// sixteen browsers at once, and every browser's form is proven. One account
// results.
func TestConcurrentFirstSignIns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		const n = 16
		logins := make([]broker.Login, n)
		for i := range logins {
			logins[i] = w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada").Login
		}
		var wg sync.WaitGroup
		users, errs := make([]broker.User, n), make([]error, n)
		for i, login := range logins {
			wg.Go(func() { users[i], errs[i] = w.begin(fmt.Sprint("ada", i), login) })
		}
		wg.Wait()
		made := 0
		for i, err := range errs {
			if err == nil {
				made++
				if got := w.state(users[i]); got.identities != 1 || got.accounts != 1 {
					t.Errorf("winner: %+v", got)
				}
			} else if broker.KindOf(err) != broker.KindConflict {
				t.Errorf("loser: %v", err)
			}
		}
		if total, err := db.CountUsers(t.Context()); made != 1 || err != nil || total != 1 {
			t.Errorf("%d accounts were made, %d users stand, %v", made, total, err)
		}
	})
}

// TestConcurrentLinks: two users link one identity at once.
func TestConcurrentLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u, other := w.user("ada", "hash"), w.user("bob", "hash")
		type leg struct {
			b  *browser
			cb broker.Callback
		}
		var legs []leg
		for _, who := range []broker.User{u, other, u, other} {
			b := newBrowser().signedIn(who, time.Minute)
			legs = append(legs, leg{b, w.out(b, "one", broker.PurposeLink, "ada")})
		}
		var wg sync.WaitGroup
		for _, l := range legs {
			wg.Go(func() {
				if _, err := w.back(l.b, "one", l.cb); err != nil && !errors.Is(err, linking.ErrTaken) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if got := w.state(u, other); got.identities != 1 || got.accounts != 1 || got.tokens != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestLinkPending: who proved an unknown identity, and then an account, links
// the two by saying so.
func TestLinkPending(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		u, other := w.user("ada", "hash"), w.user("bob", "hash")
		b := newBrowser()
		login := w.journey(b, "one", broker.PurposeSignIn, "ada").Login
		b.signedIn(u, 0)
		pend := func(s broker.Session) error {
			_, err := w.LinkPending(t.Context(), s, login, false)
			return err
		}
		wantError(t, "nobody is authenticated", pend(b.session), broker.ErrSpent)
		login.Authenticated(u.ID, broker.Authentication{At: time.Now(), AMR: []string{"pwd"}})
		must(t, db.SaveLogin(t.Context(), login))
		wantError(t, "the session is another user's", pend(newBrowser().signedIn(other, 0).session), linking.ErrOtherUser)
		wantError(t, "an old sign-in", pend(newBrowser().signedIn(u, time.Hour).session), linking.ErrStale)
		must(t, pend(b.session))
		stored, err := db.Login(t.Context(), login.ID)
		must(t, err)
		if stored.Remote != nil || w.state(u).identities != 1 {
			t.Errorf("login %+v, %+v", stored, w.state(u))
		}
		if res := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada"); res.Outcome != linking.SignedIn || res.User.ID != u.ID {
			t.Errorf("%+v", res)
		}
	})
}

// TestLoginOfAnAttempt: the login that an attempt belongs to is brought up to date,
// and only for the browser that owns it.
func TestLoginOfAnAttempt(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	u := w.user("ada", "hash")
	w.link(u, "one", "ada")
	for _, mine := range []bool{true, false} {
		b := newBrowser()
		owner := b.cookie
		if !mine {
			owner = broker.NewSecret()
		}
		now := time.Now()
		login := broker.Login{ID: broker.LoginID(broker.NewID()), BrowserHash: owner.Hash(), Request: "client_id=app", StartedAt: now, ExpiresAt: now.Add(time.Hour)}
		must(t, w.db.CreateLogin(t.Context(), login))
		start, err := w.Start(t.Context(), linking.StartRequest{Provider: "one", Purpose: broker.PurposeSignIn, Browser: b.cookie, LoginID: login.ID})
		must(t, err)
		res, err := w.back(b, "one", callback(w.op.Walk(t, start, "ada")))
		must(t, err)
		stored, err := w.db.Login(t.Context(), login.ID)
		must(t, err)
		if got := stored.UserID == u.ID; got != mine || (res.Login.ID == login.ID) != mine {
			t.Errorf("mine %v: login %+v, result %+v", mine, stored, res.Login)
		}
	}
}

// TestTokensAreKept: what lets us act at a provider comes back whole.
func TestTokensAreKept(t *testing.T) {
	w := newWorld(t, storetest.New(t))
	u := w.user("ada", "hash")
	w.link(u, "one", "ada")
	accounts, err := w.db.RemoteAccountsOf(t.Context(), u.ID)
	must(t, err)
	tokens, err := w.db.RemoteTokens(t.Context(), accounts[0].ID)
	must(t, err)
	if len(tokens) != 1 || tokens[0].AccessToken == "" || tokens[0].TokenType == "" {
		t.Errorf("%+v", tokens)
	}
}
