package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// closed closes the account of a session and returns the mailed secret.
func closed(t *testing.T, db *store.DB, a *local.Accounts, s broker.Session) broker.Secret {
	t.Helper()
	_, err := a.Close(t.Context(), s)
	must(t, err)
	sent := mails(t, db)
	if len(sent) != 1 || sent[0].Template != "closed" {
		t.Fatalf("mails: %+v", sent)
	}
	return tokenOf(t, sent[0])
}

// due moves the time when a closed account is erased.
func due(t *testing.T, db *store.DB, id broker.UserID, at time.Time) {
	t.Helper()
	u, err := db.User(t.Context(), id)
	must(t, err)
	u.EraseAt = at
	must(t, db.UpdateUser(t.Context(), u))
}

// TestClose: everything ends at once, nobody comes in by any way, and whoever
// proves a credential is told more than whoever does not.
func TestClose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		p := somebody(t, db, a, l, "ada@example.org")
		stale := p.session
		stale.AuthTime = stale.AuthTime.Add(-16 * time.Minute)
		for what, s := range map[string]broker.Session{"an old sign-in": stale, "nobody": {}} {
			if _, err := a.Close(ctx, s); !errors.Is(err, broker.ErrSignIn) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if u, err := db.User(ctx, p.ID); err != nil || u.Disabled() {
			t.Fatalf("%+v, %v", u, err)
		}
		eraseAt, err := a.Close(ctx, p.session)
		u, err2 := db.User(ctx, p.ID)
		if err != nil || err2 != nil || !u.Closed() || !u.Disabled() || time.Until(eraseAt) < 13*24*time.Hour || !u.EraseAt.Equal(eraseAt.Truncate(time.Microsecond)) {
			t.Fatalf("%s %+v, %v, %v", eraseAt, u, err, err2)
		}
		if _, err := db.Session(ctx, p.session.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the session: %v", err)
		}
		if g, err := db.Grant(ctx, p.grant.ID); err != nil || g.Live(time.Now()) {
			t.Errorf("the grant: %+v, %v", g, err)
		}
		if _, err := a.Reset(ctx, p.reset, "another good password"); !errors.Is(err, local.ErrMailUsed) {
			t.Errorf("a mailed link: %v", err)
		}
		mails(t, db)
		var offer *broker.Closed
		if _, _, err := a.Authenticate(ctx, p.Email, good); !errors.As(err, &offer) || offer.User != p.ID {
			t.Errorf("the right password: %v", err)
		}
		if _, _, err := a.Authenticate(ctx, p.Email, "wrong"); !errors.Is(err, local.ErrWrongLogin) || errors.Is(err, broker.ErrClosed) {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := a.Close(ctx, p.session); !errors.Is(err, broker.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
	})
}

// TestReopen: once, in time, and not over the operators' heads.
func TestReopen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		first := closed(t, db, a, startSession(t, db, u))
		offered, err := a.OfferReopen(ctx, u.ID)
		must(t, err)
		for range 2 {
			if got, err := a.ReopenFor(ctx, first); err != nil || got.ID != u.ID {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		must(t, second(a.Reopen(ctx, offered)))
		if _, _, err := a.Authenticate(ctx, u.Email, good); err != nil {
			t.Errorf("reopened: %v", err)
		}
		again := closed(t, db, a, startSession(t, db, u))
		for what, token := range map[string]broker.Secret{"used": offered, "of the time before": first, "a guess": broker.NewSecret(), "": ""} {
			if _, err := a.Reopen(ctx, token); !errors.Is(err, local.ErrReopenUnknown) {
				t.Errorf("%s: %v", what, err)
			}
		}
		must(t, a.SetDisabled(ctx, u.ID, true)) // the operators want to look at it
		if _, err := a.Reopen(ctx, again); !errors.Is(err, broker.ErrDisabled) {
			t.Errorf("disabled: %v", err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || !got.Disabled() || got.Closed() {
			t.Errorf("%+v, %v", got, err)
		}
		must(t, a.SetDisabled(ctx, u.ID, false))
		last := closed(t, db, a, startSession(t, db, u))
		due(t, db, u.ID, time.Now())
		if _, err := a.Reopen(ctx, last); !errors.Is(err, local.ErrReopenUnknown) {
			t.Errorf("too late: %v", err)
		}
		must(t, a.SetDisabled(ctx, u.ID, false)) // by an operator
		if got, err := db.User(ctx, u.ID); err != nil || got.Disabled() || got.Closed() {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestEraseClosed: what is due goes, whole, and nothing else does.
func TestEraseClosed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		p := somebody(t, db, a, l, "ada@example.org")
		later, open := signUp(t, db, a, "bob@example.org"), signUp(t, db, a, "eve@example.org")
		token := closed(t, db, a, p.session)
		closed(t, db, a, startSession(t, db, later))
		if n, err := a.EraseClosed(ctx); n != 0 || err != nil {
			t.Errorf("too early: %d, %v", n, err)
		}
		due(t, db, p.ID, time.Now().Add(-time.Second))
		if n, err := a.EraseClosed(ctx); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := a.EraseClosed(ctx); n != 0 || err != nil {
			t.Errorf("twice: %d, %v", n, err)
		}
		for what, err := range map[string]error{
			"user":     second(db.User(ctx, p.ID)),
			"identity": second(db.Identity(ctx, hub.Provider, hub.Issuer, hub.Subject)),
			"link":     second(db.MailToken(ctx, token.Hash())),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, u := range []broker.User{later, open} {
			if _, err := db.User(ctx, u.ID); err != nil {
				t.Errorf("%s: %v", u.Email, err)
			}
		}
		revoked, err := db.ClaimOutbox(ctx, 9, time.Now(), time.Minute, broker.OutboxRevoke)
		if err != nil || len(revoked) != 1 { // what let us act at the provider
			t.Errorf("revocations: %v, %v", revoked, err)
		}
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "erased" || sent[0].To != p.Email {
			t.Errorf("mails: %+v", sent)
		}
		if next := signUp(t, db, a, p.Email); next.ID == p.ID {
			t.Error("the id was given again")
		}
	})
}

// TestLastAdminStays: not even where two close at the same time.
func TestLastAdminStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		var sessions []broker.Session
		for _, email := range []string{"ada@example.org", "bob@example.org", "gone@example.org"} {
			u, err := a.Create(ctx, local.NewUser{Email: email, Admin: true, Password: good})
			must(t, err)
			if email == "gone@example.org" { // does not count
				must(t, a.SetDisabled(ctx, u.ID, true))
			} else {
				sessions = append(sessions, startSession(t, db, u))
			}
		}
		errs := make(chan error)
		for _, s := range sessions {
			go func() { errs <- second(a.Close(ctx, s)) }()
		}
		one, two := <-errs, <-errs
		if one != nil {
			one, two = two, one
		}
		if one != nil || !errors.Is(two, local.ErrLastAdmin) {
			t.Errorf("%v, %v", one, two)
		}
	})
}

// TestEmailBackReopens: a thief who changes the address and closes the account has
// not won.
func TestEmailBackReopens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		thief := startSession(t, db, u)
		back := moved(t, db, a, thief, "thief@example.org")
		thiefs := closed(t, db, a, thief)
		if _, err := a.TakeEmailBack(ctx, back); err != nil {
			t.Fatal(err)
		}
		if got, _, err := a.Authenticate(ctx, u.Email, good); err != nil || got.ID != u.ID {
			t.Errorf("%+v, %v", got, err)
		}
		closed(t, db, a, startSession(t, db, u))
		if _, err := a.Reopen(ctx, thiefs); !errors.Is(err, local.ErrReopenUnknown) {
			t.Errorf("the thief's link: %v", err)
		}
	})
}

// tardy is the database whose list of what is due is old by the time it is read.
type tardy struct {
	*store.DB
	due []broker.UserID
}

func (s tardy) UsersToErase(context.Context, time.Time, int) ([]broker.UserID, error) {
	return s.due, nil
}

// TestEraseClosedLooksAgain: who reopened their account at the last moment keeps it.
func TestEraseClosedLooksAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		u := signUp(t, db, a, "ada@example.org")
		must(t, second(a.Reopen(t.Context(), closed(t, db, a, startSession(t, db, u)))))
		late := local.New(tardy{db, []broker.UserID{u.ID, "gone"}}, l, local.Options{Issuer: issuer, Hashing: cheap})
		if n, err := late.EraseClosed(t.Context()); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := db.User(t.Context(), u.ID); err != nil {
			t.Error(err)
		}
	})
}
