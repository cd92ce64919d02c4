package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// stale makes the browser's session too old to change what protects the account.
func (b *browser) stale() {
	b.w.t.Helper()
	row, err := b.session()
	must(b.w.t, err)
	row.AuthTime = row.AuthTime.Add(-time.Hour)
	must(b.w.t, b.w.db.SaveSession(b.w.t.Context(), row))
}

// TestForgedNewPasskeys: whatever of a new passkey is not as it must be, there is
// none.
func TestForgedNewPasskeys(t *testing.T) { storetest.Each(t, forgedNewPasskeys) }

func forgedNewPasskeys(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	ada, eve := w.user("ada"), w.user("eve")
	b, e := w.browser(), w.browser()
	b.signIn("ada")
	e.signIn("eve")
	taken := passkeytest.New(t, passkeytest.ES256)
	e.addPasskey(taken, "Phone")
	hers, signIn := e.get(passkeysPath).options(), w.browser().get("/login/").options()
	count := func() int {
		n, err := db.CountPasskeys(t.Context(), ada.ID)
		must(t, err)
		return n
	}
	for what, edit := range map[string]func(*passkeytest.Answer){
		"another origin":               func(a *passkeytest.Answer) { a.Origin = "https://evil.example" },
		"another relying party":        func(a *passkeytest.Answer) { a.RPID = "evil.example" },
		"nobody verified":              func(a *passkeytest.Answer) { a.Flags &^= passkeytest.Verified },
		"nobody present":               func(a *passkeytest.Answer) { a.Flags &^= passkeytest.Present },
		"synced and not syncable":      func(a *passkeytest.Answer) { a.Flags |= passkeytest.Synced },
		"a sign-in":                    func(a *passkeytest.Answer) { a.Type = "webauthn.get" },
		"a challenge of another":       func(a *passkeytest.Answer) { a.Challenge = challengeIn(t, hers) },
		"a challenge for signing in":   func(a *passkeytest.Answer) { a.Challenge = challengeIn(t, signIn) },
		"the credential of another":    func(a *passkeytest.Answer) { a.ID = taken.ID },
		"no id":                        func(a *passkeytest.Answer) { a.ID = nil },
		"too long an id":               func(a *passkeytest.Answer) { a.ID = make([]byte, 1024) },
		"an attestation of a make":     func(a *passkeytest.Answer) { a.Format = "fido-u2f" },
		"an attestation that is empty": func(a *passkeytest.Answer) { a.Format = "packed" },
		"a key for something else":     func(a *passkeytest.Answer) { a.Alg = passkeytest.RS256 },
	} {
		k := passkeytest.New(t, passkeytest.ES256)
		page := b.get(passkeysPath).want(200)
		if a := b.post(passkeysPath+"add/", "name", what, "credential", k.Register(t, page.options(), w.url, edit)); a.status != 422 || count() != 0 {
			t.Errorf("%s: %d, %d passkeys", what, a.status, count())
		}
	}
	weak := passkeytest.New(t, passkeytest.ES384) // we did not ask for it
	b.post(passkeysPath+"add/", "name", "x", "credential", weak.Register(t, b.get(passkeysPath).options(), w.url)).want(422)

	k := passkeytest.New(t, passkeytest.ES256)
	signed := k.Register(t, b.get(passkeysPath).options(), w.url)
	for _, name := range []string{"", "  ", strings.Repeat("x", 65), "a\u202eb"} {
		b.post(passkeysPath+"add/", "name", name, "credential", signed).want(422).says("at most 64 characters")
	}
	w.browser().post(passkeysPath+"add/", "name", "x", "credential", signed).want(401)
	b.post(passkeysPath+"add/", "name", "Phone", "credential", signed).to(passkeysPath)
	b.post(passkeysPath+"add/", "name", "Again", "credential", signed).want(422) // registered twice
	other := passkeytest.New(t, passkeytest.ES256)
	b.post(passkeysPath+"add/", "name", "PHONE", "credential", other.Register(t, b.get(passkeysPath).options(), w.url)).want(422).says("of that name")
	replayed := b.get(passkeysPath).options() // one challenge makes one passkey
	b.post(passkeysPath+"add/", "name", "Two", "credential", other.Register(t, replayed, w.url)).to(passkeysPath)
	third := passkeytest.New(t, passkeytest.ES256)
	b.post(passkeysPath+"add/", "name", "Three", "credential", third.Register(t, replayed, w.url)).want(422).says("sent twice")
	if ids := passkeytest.Allowed(t, b.get(passkeysPath).options()); len(ids) != 2 {
		t.Errorf("devices that have one are not left out: %q", ids)
	}
	if string(k.Handle) != string(other.Handle) || strings.Contains(string(k.Handle), string(ada.ID)) || string(taken.Handle) == string(k.Handle) || len(k.Handle) != 32 {
		t.Errorf("handles %x %x %x", k.Handle, other.Handle, taken.Handle)
	}
	_ = eve
}

// TestPasskeysNeedAFreshSignIn: who finds a browser open neither adds nor removes one.
func TestPasskeysNeedAFreshSignIn(t *testing.T) {
	w := passkeyWorld(t, storetest.New(t))
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	options := b.get(passkeysPath).options()
	mine, err := w.db.PasskeysOf(t.Context(), ada.ID)
	must(t, err)
	b.stale()
	page := b.get(passkeysPath).want(200).says("prove that it’s you")
	if optionsOnPage.MatchString(page.body) {
		t.Error("a challenge is shown")
	}
	b.post(passkeysPath+"add/", "name", "Evil", "credential", evil.Register(t, options, w.url)).to("/login/?again=1")
	b.get(passkeysPath + "remove/?id=" + mine[0].ID).to("/login/?again=1")
	b.post(passkeysPath+"remove/", "id", mine[0].ID).to("/login/?again=1")
	if left, _ := w.db.PasskeysOf(t.Context(), ada.ID); len(left) != 1 || left[0].Name != "Phone" {
		t.Errorf("%+v", left)
	}
}

// TestPasskeysOfOthers: nobody sees, renames or removes what is not theirs.
func TestPasskeysOfOthers(t *testing.T) {
	w := passkeyWorld(t, storetest.New(t))
	ada := w.user("ada")
	w.user("eve")
	b, e := w.browser(), w.browser()
	b.signIn("ada")
	e.signIn("eve")
	b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Phone")
	mine, err := w.db.PasskeysOf(t.Context(), ada.ID)
	must(t, err)
	e.get(passkeysPath + "remove/?id=" + mine[0].ID).want(404)
	e.post(passkeysPath+"remove/", "id", mine[0].ID).want(404)
	e.post(passkeysPath+"rename/", "id", mine[0].ID, "name", "Eve's").want(404)
	if left, _ := w.db.PasskeysOf(t.Context(), ada.ID); len(left) != 1 || left[0].Name != "Phone" {
		t.Errorf("%+v", left)
	}
}

// TestPasskeyAgain: to prove that one is still there takes a passkey of one's own
// (GHSA-f66q-9rf6-8795), and what it proves is fresh.
func TestPasskeyAgain(t *testing.T) { storetest.Each(t, passkeyAgain) }

func passkeyAgain(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	ada := w.user("ada")
	w.user("eve")
	b, e := w.browser(), w.browser()
	b.signIn("ada")
	e.signIn("eve")
	k, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	e.addPasskey(evil, "Phone")
	b.stale()
	login := b.get(proveAgain(passkeysPath)).to("/login/").param("login")
	page := b.get("/login/?login=" + login).want(200)
	if ids := passkeytest.Allowed(t, page.options()); len(ids) != 1 {
		t.Errorf("allowed %q", ids)
	}
	answers := func(k *passkeytest.Key, options string) answer {
		return b.post("/login/passkey/", "login", login, "credential", k.Sign(t, options, w.url))
	}
	answers(evil, page.options()).want(422).says("for another account")
	answers(evil, w.browser().get("/login/").options()).want(422)
	answers(evil, b.get("/login/passkey/?login="+login).options()).want(422)
	b.post("/login/passkey/", "login", login, "credential", evil.Sign(t, page.options(), w.url, func(a *passkeytest.Answer) { a.ID, a.Handle = k.ID, k.Handle })).want(422)
	anyone := k.Sign(t, b.get("/login/passkey/").options(), w.url) // a challenge for whoever it is
	b.post("/login/passkey/", "login", login, "credential", anyone).want(422)
	if row, err := b.session(); err != nil || row.UserID != ada.ID || row.Fresh(15*time.Minute, time.Now()) {
		t.Errorf("the session is %+v, %v", row, err)
	}
	answers(k, page.options()).to(passkeysPath)
	if row, err := b.session(); err != nil || row.UserID != ada.ID || !row.Fresh(15*time.Minute, time.Now()) {
		t.Errorf("the session is %+v, %v", row, err)
	}
	b.addPasskey(passkeytest.New(t, passkeytest.ES256), "Laptop")
}

// TestPasskeyAsSecondFactor: after a password, a passkey of the same person stands
// in for the app, and need not know them; where it came first, nothing more is owed.
func TestPasskeyAsSecondFactor(t *testing.T) { storetest.Each(t, passkeyAsSecondFactor) }

func passkeyAsSecondFactor(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.client(func(c *broker.Client) { c.FirstParty = true })
	w.user("ada")
	w.user("eve")
	b, e := w.browser(), w.browser()
	b.signIn("ada")
	e.signIn("eve")
	k, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	e.addPasskey(evil, "Phone")
	b.setUpApp()
	w.browser().withPasskey(k).to("/") // no code is owed

	b = w.browser()
	login := b.get(authorize()).param("login")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/second-factor/?login=" + login)
	page := b.get("/second-factor/?login=" + login).want(200).says("Use a passkey instead")
	answers := func(credential string) answer {
		return b.post("/second-factor/passkey/", "login", login, "credential", credential)
	}
	unverified := func(a *passkeytest.Answer) { a.Flags &^= passkeytest.Verified }
	answers(evil.Sign(t, page.options(), w.url)).want(422).says("for another account")
	answers(k.Sign(t, page.options(), w.url, func(a *passkeytest.Answer) { a.Forged = true })).want(422)
	answers(k.Sign(t, page.options(), w.url, func(a *passkeytest.Answer) { a.Flags = 0 })).want(422)
	answers(k.Sign(t, w.browser().get("/login/").options(), w.url)).want(422)
	weak := k.Sign(t, page.options(), w.url, unverified) // signed for this step, it opens nothing by itself
	w.browser().post("/login/passkey/", "credential", weak).want(422)
	b.post("/login/passkey/", "login", login, "credential", weak).want(422)
	b.nobody()
	claims := w.redeem(answers(weak).to(callbackURL))
	if amr, _ := claims["amr"].([]any); fmt.Sprint(amr) != "[pwd pop user mfa]" || claims["acr"] != broker.ACRSecond {
		t.Errorf("claims %v", claims)
	}
	answers(weak).want(410)

	e = w.browser() // without a passkey there is no such button
	e.signIn("eve")
	must(t, w.db.DeletePasskeysSince(t.Context(), must2(e.session())(t).UserID, time.Time{}))
	e.setUpApp()
	e = w.browser()
	login = e.post("/login/", "email", "eve@example.org", "password", password).to("/second-factor/").param("login")
	if optionsOnPage.MatchString(e.get("/second-factor/?login=" + login).want(200).body) {
		t.Error("who has none is asked for a passkey")
	}
}

// TestPasskeyIsTheFactor: where everybody needs a second factor, whoever has a passkey
// has one; a thief of the password sets up no app beside it.
func TestPasskeyIsTheFactor(t *testing.T) { storetest.Each(t, passkeyIsTheFactor) }

func passkeyIsTheFactor(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	w.server.accounts = local.New(db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, NeedFactors: true,
	})
	w.browser().withPasskey(k).to("/")
	b = w.browser()
	login := b.post("/login/", "email", "ada@example.org", "password", password).to("/second-factor/?").param("login")
	page := b.get("/second-factor/?login=" + login).want(200).says("with a passkey of yours")
	if strings.Contains(page.body, `name="code"`) {
		t.Error("a code is asked for")
	}
	b.post("/second-factor/set-up/start/", "login", login).to("/second-factor/?")
	b.get("/second-factor/set-up/?login=" + login).to("/second-factor/?")
	b.post("/second-factor/", "login", login, "code", "123456").want(410)
	b.nobody()
	b.post("/second-factor/passkey/", "login", login, "credential", k.Sign(t, page.options(), w.url)).to("/")
	w.user("eve")
	w.browser().post("/login/", "email", "eve@example.org", "password", password).to("/second-factor/set-up/")
}

// TestLastPasskeyStays: an account keeps a way in, counting every kind.
func TestLastPasskeyStays(t *testing.T) { storetest.Each(t, lastPasskeyStays) }

func lastPasskeyStays(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	b := w.member("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.get(linkedAccountsPath).want(200).says("only way in").says("Add a passkey")
	b.addPasskey(k, "Phone")
	b.get(linkedAccountsPath).want(200).says("2 ways in")
	user := must2(b.session())(t).UserID
	identity := must2(db.IdentitiesOf(t.Context(), user))(t)[0]
	b.post("/oauth/disconnect/demo/", "identity", identity.ID).to("/")
	if left, _ := db.IdentitiesOf(t.Context(), user); len(left) != 0 {
		t.Fatal("it is still linked")
	}
	b.get(securityPath).want(200).says("One way in: a passkey")
	b.get(passkeysPath).want(200).says("your only way in")
	mine := must2(db.PasskeysOf(t.Context(), user))(t)
	b.post(passkeysPath+"remove/", "id", mine[0].ID).want(409).says("your only way in")
	second := passkeytest.New(t, passkeytest.EdDSA)
	b.addPasskey(second, "Key")
	b.post(passkeysPath+"remove/", "id", mine[0].ID).to(passkeysPath)
	w.browser().withPasskey(second).to("/")
	w.browser().withPasskey(k).want(422)
}

// TestPasskeysAtOnce: of two tabs that each remove one of the last two, one is
// refused; and there are never more than may be.
func TestPasskeysAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db)
		u := w.user("ada")
		u.PasswordHash = ""
		must(t, db.UpdateUser(t.Context(), u))
		session := broker.Session{UserID: u.ID, SID: "s", AuthTime: time.Now()}
		for _, id := range []string{"1", "2"} {
			must(t, db.CreatePasskey(t.Context(), broker.Passkey{ID: id, UserID: u.ID, CredentialID: id, Name: id}))
		}
		errs := make(chan error, 2)
		for _, id := range []string{"1", "2"} {
			go func() { errs <- w.accounts.RemovePasskey(t.Context(), session, id) }()
		}
		if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
			t.Errorf("%v, %v", a, b)
		}
		for i := range local.MaxPasskeys - 1 {
			id := fmt.Sprint("more ", i)
			must(t, db.CreatePasskey(t.Context(), broker.Passkey{ID: id, UserID: u.ID, CredentialID: id, Name: id}))
		}
		ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: "b", User: u.ID}
		options, err := w.accounts.PasskeyOptions(t.Context(), ask, time.Now())
		must(t, err)
		k := passkeytest.New(t, passkeytest.ES256)
		if err := w.accounts.AddPasskey(t.Context(), session, ask, "one more", k.Register(t, options, w.url)); broker.KindOf(err) != broker.KindInvalid || !strings.Contains(err.Error(), "passkey.many") {
			t.Error(err)
		}
	})
}

// TestPasskeysOfAThief: who takes an address back, or over, is rid of the passkeys of
// whoever was there. The mails about those went to somebody else.
func TestPasskeysOfAThief(t *testing.T) { storetest.Each(t, passkeysOfAThief) }

func passkeysOfAThief(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	own, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(own, "Ada's")
	w.mails()
	b.post(emailPath, "email", "eve@example.org").to(profilePath)
	b.post(broker.EmailPath, "token", secretIn(t, w.mailedLink("email"))).to(profilePath)
	back := w.mailedLink("email-changed")
	b.addPasskey(evil, "Eve's")
	w.browser().withPasskey(evil).to("/")
	w.browser().post(broker.EmailBackPath, "token", secretIn(t, back)).to("/lost-password/")
	w.browser().withPasskey(evil).want(422).says("No account here knows this passkey")
	w.browser().withPasskey(own).to("/")

	u, err := db.User(t.Context(), ada.ID)
	must(t, err)
	u.EmailVouchedBy = "demo" // whoever it is came in by a provider's word alone
	must(t, db.UpdateUser(t.Context(), u))
	w.mails()
	w.browser().post("/lost-password/", "email", "ada@example.org")
	w.browser().post("/reset-password/", "token", secretIn(t, w.mailedLink("reset")), "password", password+"!").to("/login/")
	w.browser().withPasskey(own).want(422)
}
