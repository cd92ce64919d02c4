package web

import (
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// codesWorld is a world where a mailed code signs in beside passwords, passkeys and one
// provider; edit may change the accounts.
func codesWorld(t *testing.T, db *store.DB, edit ...func(*local.Options)) *world {
	t.Helper()
	w := worldAt(t, "localhost", db, tokens.Options{}, nil, func(string, *providers.App) {})
	w.withCodes(local.CodesSignIn, edit...)
	return w
}

// withCodes builds the rooms anew, as they are with other codes.
func (w *world) withCodes(codes local.Codes, edit ...func(*local.Options)) {
	linker := linking.New(w.db, w.apps, linking.Options{
		Issuer: w.url, EndGrants: w.tokens.EndGrants, Passkeys: true, Codes: codes == local.CodesSignIn, Admits: w.accounts.Admits,
	})
	o := local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, Codes: codes, CodeKeys: [][32]byte{{7}},
	}
	for _, f := range edit {
		f(&o)
	}
	w.accounts = local.New(w.db, linker, o)
	w.server.linker, w.server.accounts = linker, w.accounts
}

// comesByMail signs Ada in with a mailed code.
func (w *world) comesByMail() *browser {
	w.t.Helper()
	b := w.browser()
	b.code("ada@example.org").to("/")
	return b
}

// hasNothing takes from an account what opens it, but for the address.
func (w *world) hasNothing(u broker.User) {
	w.t.Helper()
	u, err := w.db.User(w.t.Context(), u.ID)
	must(w.t, err)
	u.PasswordHash = ""
	must(w.t, w.db.UpdateUser(w.t.Context(), u))
}

// TestLastOtherWayGoes: where codes sign in, who has a confirmed address is let go of the
// last passkey, password and link, comes in again by mail, and adds what they like.
func TestLastOtherWayGoes(t *testing.T) { storetest.Each(t, lastOtherWayGoes) }

func lastOtherWayGoes(t *testing.T, db *store.DB) {
	w := codesWorld(t, db)
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(securityPath).want(200).says("2 ways in").says("your only way in")
	b.post(removePasswordPath, "current", "something else").want(422).says("password")
	b.post(removePasswordPath, "current", password).to(securityPath)
	b.get(securityPath).want(200).says("Your password is removed").says("One way in: a code by mail").says("Password removed")
	w.browser().post("/login/", "email", "ada@example.org", "password", password).want(422)
	found := false
	for _, m := range w.mails() {
		found = found || m.Template == "password-removed" && m.To == u.Email
	}
	if !found {
		t.Error("nobody was told")
	}
	b.post(removePasswordPath, "current", password).want(410)

	b = w.comesByMail()
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	mine := must2(db.PasskeysOf(t.Context(), u.ID))(t)
	if page := b.get(passkeysPath).want(200); strings.Contains(text(page.body), "your only way in") {
		t.Error("it cannot be removed")
	}
	b.get(passkeysPath + "remove/?id=" + mine[0].ID).want(200).says("a code that we mail to ada@example.org is your only way in")
	b.post(passkeysPath+"remove/", "id", mine[0].ID).to(passkeysPath)
	w.browser().withPasskey(k).want(422)

	w.mails()
	b = w.comesByMail()
	b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	identity := must2(db.IdentitiesOf(t.Context(), u.ID))(t)[0]
	b.get(linkedAccountsPath).want(200).says("2 ways in")
	b.get("/oauth/disconnect/demo/?identity=" + identity.ID).want(200).says("a code that we mail to ada@example.org is your only way in")
	b.post("/oauth/disconnect/demo/", "identity", identity.ID).to(linkedAccountsPath)
	w.mails()
	w.comesByMail().in()
}

// TestLastWayInJSON is the same for programs, and what they are told where it is refused.
func TestLastWayInJSON(t *testing.T) { storetest.Each(t, lastWayInJSON) }

func lastWayInJSON(t *testing.T, db *store.DB) {
	w := codesWorld(t, db)
	w.user("ada")
	p := w.program()
	p.signIn("ada@example.org")
	if page := p.get(securityPath).page("security"); page.Data["can_remove"] != true || page.Data["then_by_mail"] != true {
		t.Errorf("%v", page.Data)
	}
	w.withCodes(local.CodesLink)
	if page := p.get(securityPath).page("security"); page.Data["can_remove"] != false || page.Data["then_by_mail"] != false {
		t.Errorf("codes are off: %v", page.Data)
	}
	p.post(removePasswordPath, "current", password).refused(409, "password.last")
}

// TestWhoseCodeMayNotStay: a code is no way to be left with where the address is not
// confirmed by its person, where its domain is blocked, and where codes are off; then the last
// passkey and the last link stay, and so does the password.
func TestWhoseCodeMayNotStay(t *testing.T) { storetest.Each(t, whoseCodeMayNotStay) }

func whoseCodeMayNotStay(t *testing.T, db *store.DB) {
	w := codesWorld(t, db)
	for name, spoil := range map[string]func(w *world, u *broker.User){
		"unconfirmed": func(_ *world, u *broker.User) { u.EmailVerifiedAt = time.Time{} },
		"vouched":     func(_ *world, u *broker.User) { u.EmailVouchedBy = "demo" },
		"blocked": func(w *world, u *broker.User) {
			_, err := w.accounts.SetDomain(t.Context(), "blocked.example", broker.DomainBlocked, nil)
			must(t, err)
			u.Email = "blocked@mail.blocked.example"
		},
		"off": func(w *world, _ *broker.User) { w.withCodes(local.CodesLink) },
	} {
		w.withCodes(local.CodesSignIn)
		u := w.user(name)
		b := w.browser()
		b.signIn(name)
		now, err := db.User(t.Context(), u.ID)
		must(t, err)
		spoil(w, &now)
		must(t, db.UpdateUser(t.Context(), now))
		b.post(removePasswordPath, "current", password).want(409).says("your only way in")
		if kept := must2(db.User(t.Context(), u.ID))(t); !kept.HasPassword() {
			t.Errorf("%s: the password is gone", name)
		}
		b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
		w.hasNothing(u)
		mine := must2(db.PasskeysOf(t.Context(), u.ID))(t)
		b.post(passkeysPath+"remove/", "id", mine[0].ID).want(409).says("your only way in")
		must(t, db.CreateIdentity(t.Context(), broker.UserIdentity{ID: broker.NewID(), UserID: u.ID, Provider: "demo", Issuer: w.op.Issuer, Subject: name, CreatedAt: time.Now()}))
		b.post(passkeysPath+"remove/", "id", mine[0].ID).to(passkeysPath)
		identity := must2(db.IdentitiesOf(t.Context(), u.ID))(t)[0]
		b.post("/oauth/disconnect/demo/", "identity", identity.ID).want(409)
		if len(must2(db.IdentitiesOf(t.Context(), u.ID))(t)) != 1 {
			t.Errorf("%s: nothing opens the account", name)
		}
		w.mails()
	}
}

// TestNeededFactorOutlivesTheWay: where everybody needs a second factor, a code by mail is a
// way in and no second step: the passkey that is one stays.
func TestNeededFactorOutlivesTheWay(t *testing.T) {
	w := codesWorld(t, storetest.New(t))
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
	w.withCodes(local.CodesSignIn, func(o *local.Options) { o.NeedFactors = true })
	session := must2(b.session())(t)
	session.ACR = broker.ACRSecond
	w.hasNothing(u)
	mine := must2(w.db.PasskeysOf(t.Context(), u.ID))(t)
	if err := w.accounts.RemovePasskey(t.Context(), session, mine[0].ID); err == nil || broker.KindOf(err) != broker.KindConflict {
		t.Errorf("the needed factor: %v", err)
	}
}

// TestLastWaysAtOnce: of a password, a passkey and a link that go in three tabs at once one
// stays, where a code may not be all that is left.
func TestLastWaysAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := codesWorld(t, db)
		w.withCodes(local.CodesLink)
		u := w.user("ada")
		b := w.browser()
		b.signIn("ada")
		b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
		must(t, db.CreateIdentity(t.Context(), broker.UserIdentity{ID: broker.NewID(), UserID: u.ID, Provider: "demo", Issuer: w.op.Issuer, Subject: "ada", CreatedAt: time.Now()}))
		session := must2(b.session())(t)
		key := must2(db.PasskeysOf(t.Context(), u.ID))(t)[0]
		identity := must2(db.IdentitiesOf(t.Context(), u.ID))(t)[0]
		var wg sync.WaitGroup
		errs := make([]error, 3)
		wg.Go(func() { errs[0] = w.accounts.RemovePassword(t.Context(), session, password) })
		wg.Go(func() { errs[1] = w.accounts.RemovePasskey(t.Context(), session, key.ID) })
		wg.Go(func() { errs[2] = w.server.linker.Unlink(t.Context(), session, "demo", identity.ID) })
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if err != nil {
				refused++
			}
		}
		left := must2(w.accounts.WaysIn(t.Context(), must2(db.User(t.Context(), u.ID))(t), 0))(t)
		if refused != 1 || left.Lasting() != 1 {
			t.Errorf("%d refused (%v), left %+v", refused, errs, left)
		}
	})
}

// TestCodesAreSwitchedOff: who was left with codes alone comes in when they are off by a new
// password, or, where passkeys are all there is, goes on as a newcomer who has none yet.
func TestCodesAreSwitchedOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := codesWorld(t, db)
		u := w.user("ada")
		w.hasNothing(u)
		w.comesByMail().in()
		w.withCodes(local.CodesOff)
		w.mails()
		b := w.browser()
		b.post("/lost-password/", "email", "ada@example.org").want(200)
		link := w.mailedLink("reset")
		b.post("/reset-password/", "token", secretIn(t, link), "password", "another long enough phrase")
		w.browser().post("/login/", "email", "ada@example.org", "password", "another long enough phrase").to("/")
	})
}
