package local_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// linkedAccounts are accounts and linker that know two providers, "hub" and "other".
func linkedAccounts(t *testing.T, db *store.DB) (*local.Accounts, *linking.Linker) {
	t.Helper()
	return linkedWith(t, db, linking.Options{}, local.Options{})
}

// linkedWith is linkedAccounts with options.
func linkedWith(t *testing.T, db *store.DB, lo linking.Options, o local.Options) (*local.Accounts, *linking.Linker) {
	t.Helper()
	app := providers.App{ID: "hub", Kind: "github", ClientID: "x", ClientSecret: "y"}
	other := app
	other.ID = "other"
	reg, err := providers.New(providers.Options{BaseURL: issuer, Apps: []providers.App{app, other}})
	must(t, err)
	lo.Issuer, o.Issuer, o.Hashing = issuer, issuer, cheap
	l := linking.New(db, reg, lo)
	return local.New(db, l, o), l
}

// person is somebody with one of everything.
type person struct {
	broker.User
	session broker.Session
	grant   broker.Grant
	login   broker.LoginID // half-way in
	reset   broker.Secret  // a mailed link
	undo    broker.Secret  // another
}

var hub = broker.Profile{Provider: "hub", Issuer: "https://github.com", Subject: "1815", Username: "ada", Tokens: []broker.RemoteToken{{AccessToken: "at the hub"}}}

func somebody(t *testing.T, db *store.DB, a *local.Accounts, l *linking.Linker, email string) person {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	p := person{User: signUp(t, db, a, email), undo: broker.NewSecret()}
	must(t, l.Attach(ctx, p.User, hub, now))
	p.session = startSession(t, db, p.User)
	if _, err := db.Client(ctx, "app"); errors.Is(err, broker.ErrNotFound) {
		must(t, db.CreateClient(ctx, broker.Client{ID: "app", Name: "App", AuthMethod: broker.AuthNone, CreatedAt: now, UpdatedAt: now}))
	}
	p.grant = broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: "app", UserID: p.ID, SID: p.session.SID, Scopes: []string{"openid"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	must(t, db.CreateGrant(ctx, p.grant))
	login, _ := newLogin()
	login.Authenticated(p.ID, broker.Authentication{At: now, AMR: []string{"pwd"}})
	p.login = login.ID
	must(t, db.CreateLogin(ctx, login))
	must(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: broker.NewID(), UserID: p.ID, Provider: "hub", UndoHash: p.undo.Hash(), ChangedAt: now, ExpiresAt: now.Add(time.Hour)}))
	must(t, a.RequestReset(ctx, email))
	p.reset = tokenOf(t, mails(t, db)[0])
	return p
}

// TestDelete: nothing of a deleted account lives on, and who comes next with its
// address or its identity is somebody else.
func TestDelete(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		other := signUp(t, db, a, "bob@example.org")
		p := somebody(t, db, a, l, "ada@example.org")
		waits := waiting(t, db, true)
		code := codeFor(t, db, a, waits, p.Email)
		must(t, a.Delete(ctx, p.ID))
		if _, _, err := a.RedeemCode(ctx, waits, code); !errors.Is(err, local.ErrCodeGone) {
			t.Errorf("an old code: %v", err)
		}

		for what, err := range map[string]error{
			"user":     second(db.User(ctx, p.ID)),
			"identity": second(db.Identity(ctx, hub.Provider, hub.Issuer, hub.Subject)),
			"account":  second(db.RemoteAccount(ctx, hub.Provider, hub.Issuer, hub.Subject)),
			"session":  second(db.Session(ctx, p.session.IDHash)),
			"grant":    second(db.Grant(ctx, p.grant.ID)),
			"login":    second(db.Login(ctx, p.login)),
			"reset":    second(db.MailToken(ctx, p.reset.Hash())),
			"code":     second(db.LastMailCode(ctx, waits.ID)),
			"undo":     second(db.LinkChange(ctx, p.undo.Hash())),
			"again":    a.Delete(ctx, p.ID),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
		events, err := db.Events(ctx, p.ID, 9)
		deleted := func(e broker.Event) bool { return e.Name == broker.EventUserDeleted && !strings.Contains(e.IP, "@") }
		if err != nil || !slices.ContainsFunc(events, deleted) { // at the same instant as those of its identities
			t.Errorf("events: %+v, %v", events, err)
		}
		revoked, err := db.ClaimOutbox(ctx, 9, time.Now(), time.Minute, broker.OutboxRevoke)
		if err != nil || len(revoked) != 1 || !strings.Contains(string(revoked[0].Payload), "at the hub") {
			t.Errorf("revocations: %v, %v", revoked, err)
		}
		must(t, db.FinishOutbox(ctx, revoked[0].ID, time.Now()))
		if sent := mails(t, db); len(sent) != 1 || sent[0].To != p.Email || sent[0].Template != "deleted-for-you" {
			t.Errorf("mails: %+v", sent)
		}
		if _, _, err := a.Authenticate(ctx, p.Email, good); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("the old password: %v", err)
		}

		next := somebody(t, db, a, l, p.Email) // the address and the identity are free
		if next.ID == p.ID {
			t.Error("the id was given again")
		}
		if _, err := a.Reset(ctx, p.reset, "another good password"); !errors.Is(err, local.ErrMailUnknown) {
			t.Errorf("an old link chooses a password: %v", err)
		}
		if _, err := l.Undo(ctx, broker.Session{}, p.undo); !errors.Is(err, linking.ErrUndoUnknown) {
			t.Errorf("an old link changes links: %v", err)
		}
		if got, err := db.User(ctx, other.ID); err != nil || got.Version != other.Version {
			t.Errorf("somebody else: %+v, %v", got, err)
		}
	})
}

// second is the error of a pair.
func second[T any](_ T, err error) error { return err }

// TestDeleteIsWhole: what fails half-way has deleted nothing.
func TestDeleteIsWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, l := linkedAccounts(t, db)
		power := errors.New("the power went out")
		a := local.New(failingDelete{db, power}, l, local.Options{Issuer: issuer, Hashing: cheap})
		p := somebody(t, db, a, l, "ada@example.org")
		if err := a.Delete(t.Context(), p.ID); !errors.Is(err, power) {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"identity": second(db.Identity(t.Context(), hub.Provider, hub.Issuer, hub.Subject)),
			"session":  second(db.Session(t.Context(), p.session.IDHash)),
			"login":    second(db.Login(t.Context(), p.login)),
			"undo":     second(db.LinkChange(t.Context(), p.undo.Hash())),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if g, err := db.Grant(t.Context(), p.grant.ID); err != nil || !g.Live(time.Now()) {
			t.Errorf("grant: %+v, %v", g, err)
		}
		if all := mails(t, db); len(all) != 0 {
			t.Errorf("mails: %+v", all)
		}
	})
}

// failingDelete is the database, on which the last step fails.
type failingDelete struct {
	*store.DB
	err error
}

func (f failingDelete) DeleteUser(context.Context, broker.UserID) error { return f.err }

// TestChangeEmail: the new address is not proven, and links to the old one do
// nothing any more.
func TestChangeEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		bob := signUp(t, db, a, "bob@example.org")
		p := somebody(t, db, a, l, "ada@example.org")
		for email, want := range map[string]error{"bob@example.org": local.ErrSignUpKnown, "no address": broker.ErrEmail} {
			if _, err := a.ChangeEmail(ctx, p.ID, email); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", email, err, want)
			}
		}
		if _, err := a.ChangeEmail(ctx, "nobody", "new@example.org"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
		if same, err := a.ChangeEmail(ctx, p.ID, " ADA@example.org "); err != nil || !same.EmailVerified() || same.Version != p.Version {
			t.Errorf("the same address: %+v, %v", same, err)
		}
		if _, err := a.ResetFor(ctx, p.reset); err != nil {
			t.Errorf("after refusals: %v", err)
		}
		u, err := a.ChangeEmail(ctx, p.ID, "Ada@new.example.org")
		if err != nil || u.Email != "ada@new.example.org" || u.EmailVerified() {
			t.Fatalf("%+v, %v", u, err)
		}
		if got, err := db.User(ctx, p.ID); err != nil || got.Email != u.Email || got.EmailVerified() || got.Version != u.Version {
			t.Errorf("%+v, %v; was told %+v", got, err, u)
		}
		if sent := mails(t, db); len(sent) != 1 || sent[0].To != "ada@example.org" || sent[0].Template != "email-changed-for-you" {
			t.Errorf("mails: %+v", sent)
		}
		if _, err := a.Reset(ctx, p.reset, "another good password"); !errors.Is(err, local.ErrMailUnknown) {
			t.Errorf("the reader of the old address chooses a password: %v", err)
		}
		if _, err := l.Undo(ctx, broker.Session{}, p.undo); !errors.Is(err, linking.ErrUndoUnknown) {
			t.Errorf("the reader of the old address changes links: %v", err)
		}
		if got, _, err := a.Authenticate(ctx, u.Email, good); err != nil || got.ID != p.ID {
			t.Errorf("the password: %+v, %v", got, err)
		}
		if _, err := db.Session(ctx, p.session.IDHash); err != nil {
			t.Errorf("the session: %v", err)
		}
		events, err := db.Events(ctx, p.ID, 9)
		if err != nil || !slices.ContainsFunc(events, func(e broker.Event) bool { return e.Name == broker.EventEmailChanged }) {
			t.Errorf("events: %+v, %v", events, err)
		}
		next := signUp(t, db, a, "ada@example.org") // the old address is free
		if next.ID == p.ID || next.ID == bob.ID {
			t.Error("the id was given again")
		}
	})
}
