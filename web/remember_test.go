package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// remembering lets browsers be remembered.
func (w *world) remembering(d time.Duration) {
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, RememberFactor: d,
	})
	w.server.accounts = w.accounts
}

func (b *browser) password(name string) answer {
	b.w.t.Helper()
	return b.post("/login/", "email", name+"@example.org", "password", password)
}

var forgetID = regexp.MustCompile(`second-factor/forget/"><input type="hidden" name="id" value="([^"]+)"`)

// TestRememberedBrowser goes through its life, and attacks it on the way.
func TestRememberedBrowser(t *testing.T) { storetest.Each(t, rememberedBrowser) }

func rememberedBrowser(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.remembering(24 * time.Hour)
	w.client(func(c *broker.Client) { c.FirstParty = true })
	ada, bob := w.user("ada"), w.user("bob")
	owner, other := w.browser(), w.browser()
	owner.signIn("ada")
	secret, codes := owner.setUpApp()
	other.signIn("bob")
	_, bobs := other.setUpApp()

	b := w.browser()
	login := b.password("ada").to("/second-factor/").param("login")
	b.get("/second-factor/?login=" + login).want(200).says("Don’t ask for it in this browser for a day")
	b.post("/second-factor/", "login", login, "remember", "1", "code", "000000").want(422)
	if b.cookie(rememberCookie) != "" {
		t.Fatal("remembered for a wrong code")
	}
	b.post("/second-factor/", "login", login, "remember", "1", "code", appShows(t, secret, 1)).to("/")
	first := b.cookie(rememberCookie)
	if first == "" {
		t.Fatal("not remembered")
	}
	if row, err := b.session(); err != nil || row.ACR != broker.ACRSecond || row.Remembered != "" {
		t.Errorf("the session in which it was shown: %+v %v", row, err)
	}

	// Nobody else has anything of it: not another person, nor another browser.
	eve := w.browser()
	eve.setCookie(rememberCookie, first)
	eve.password("bob").to("/second-factor/")
	eve.nobody()
	abroad := eve.request("POST", "/login/", strings.NewReader(form("email", "ada@example.org", "password", password).Encode()))
	abroad.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	abroad.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	eve.do(abroad).to("/second-factor/")
	eve.nobody()

	// Here the password is enough, and what applications hear is true.
	b.post("/logout/")
	b.password("ada").to("/")
	row, err := b.session()
	must(t, err)
	if row.ACR != broker.ACRSingle || row.Remembered == "" || len(row.AMR) != 1 {
		t.Errorf("%+v", row)
	}
	if claims := w.redeem(b.get(authorize()).to(callbackURL)); claims["acr"] != broker.ACRSingle {
		t.Errorf("%v", claims)
	}
	b.get(authorize("acr_values", broker.ACRSecond)).to("/second-factor/")
	b.get(authorize("acr_values", broker.ACRSecond+" "+broker.ACRSingle)).to("/second-factor/")
	// What protects the account is not changed behind that: the sign-in is a moment old, and does not count.
	for _, path := range []string{"start/", "remove/", "codes/"} {
		b.post(factorPath+path, "code", codes[9]).to("/login/?again=1")
	}
	b.get(emailPath).to("/login/?again=1")
	again := b.get("/login/?again=1&next=" + emailPath).param("login")
	b.post("/login/", "login", again, "password", password).to("/second-factor/")
	b.post("/second-factor/", "login", again, "recovery", "1", "code", codes[0]).to(emailPath)
	if now, err := b.session(); err != nil || now.ACR != broker.ACRSecond || now.Remembered != "" {
		t.Errorf("%+v %v", now, err)
	}
	b.post("/logout/")
	login = b.get(authorize("prompt", "login")).param("login")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/second-factor/") // wants to see them anew

	// Two people at one browser; the cookie changes, so that one who had planted his has nothing of theirs.
	login = b.password("bob").to("/second-factor/").param("login")
	b.post("/second-factor/", "login", login, "remember", "1", "recovery", "1", "code", bobs[0]).to("/")
	if b.cookie(rememberCookie) != first {
		t.Error("remembered for a recovery code: the phone is lost, and may be found")
	}
	planted := w.browser()
	planted.setCookie(rememberCookie, first)
	_, err = w.accounts.Remember(t.Context(), w.now(bob), broker.Secret(first))
	must(t, err)
	planted.password("bob").to("/second-factor/")
	planted.password("ada").to("/second-factor/")

	// It ends when it is ended, with the session that it began.
	b = w.remembered(t, ada)
	b.password("ada").to("/")
	page := b.get(securityPath).want(200).says("Browsers without the second step")
	id := forgetID.FindStringSubmatch(page.body)
	if id == nil {
		t.Fatalf("not listed:\n%s", text(page.body))
	}
	other.post(factorPath+"forget/", "id", id[1]) // another's
	b.get(securityPath).want(200)
	owner.get(securityPath).want(200)
	owner.post(factorPath+"forget/", "id", id[1]).to(securityPath)
	b.get(securityPath).to("/login/")
	b.password("ada").to("/second-factor/")

	for what, change := range map[string]func(){
		"password": func() {
			u := w.now(ada)
			u.PasswordSetAt, u.UpdatedAt = time.Now(), time.Now()
			must(t, db.UpdateUser(t.Context(), u))
		},
		"signed out everywhere": func() {
			u := w.now(ada)
			u.SignedOutAt, u.UpdatedAt = time.Now(), time.Now()
			must(t, db.UpdateUser(t.Context(), u))
		},
		"others ended": func() {
			o := w.browser()
			l := o.password("ada").param("login")
			o.post("/second-factor/", "login", l, "recovery", "1", "code", codes[1]).to("/")
			o.post("/account/settings/sessions/", "others", "1").to(devicesPath)
		},
		"operator":     func() { _, err := w.accounts.ForgetBrowsers(t.Context(), ada.ID, ""); must(t, err) },
		"time":         func() { w.remembering(time.Nanosecond) },
		"switched off": func() { w.remembering(0) },
	} {
		w.remembering(24 * time.Hour)
		b := w.remembered(t, ada)
		change()
		if a := b.password("ada"); !strings.HasPrefix(a.location, "/second-factor/") {
			t.Errorf("%s: to %q", what, a.location)
		}
		b.nobody()
	}
	w.remembering(24 * time.Hour)
	b = w.remembered(t, ada)
	must(t, w.accounts.ResetFactors(t.Context(), ada.ID))
	again2 := w.browser()
	again2.signIn("ada")
	again2.setUpApp()
	b.password("ada").to("/second-factor/") // it was another factor
}

// remembered is a browser that stands in for a user's second factor.
func (w *world) remembered(t *testing.T, u broker.User) *browser {
	t.Helper()
	b := w.browser()
	secret, err := w.accounts.Remember(t.Context(), w.now(u), "")
	must(t, err)
	b.setCookie(rememberCookie, secret.Reveal())
	return b
}

// now is a user as the database has them.
func (w *world) now(u broker.User) broker.User {
	w.t.Helper()
	u, err := w.db.User(w.t.Context(), u.ID)
	must(w.t, err)
	return u
}
