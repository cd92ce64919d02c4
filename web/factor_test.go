package web

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

var (
	secretOnPage = regexp.MustCompile(`<code class="code">([A-Z2-7 ]+)</code>`)
	codeOnPage   = regexp.MustCompile(`<li><code class="code">([A-Z]{4}-[A-Z]{4}-[A-Z]{4})</code>`)
)

// appShows is what the app shows so many steps from now.
func appShows(t testing.TB, secret string, steps int) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	must(t, err)
	return code
}

// setsUp is what the app shows now, to be set up with.
func (w *world) setsUp(secret string) string {
	code := appShows(w.t, secret, 0)
	w.setUp.Store(secret, code)
	return code
}

// setUpWith is the code that an app was set up with. What it shows now may be another one, and count.
func (w *world) setUpWith(secret string) string {
	w.t.Helper()
	code, ok := w.setUp.Load(secret)
	if !ok {
		w.t.Fatal("nobody set this app up")
	}
	return code.(string)
}

// setUpApp sets an app up on the pages, and returns its secret and the recovery codes.
func (b *browser) setUpApp() (secret string, codes []string) {
	b.w.t.Helper()
	b.post(factorPath + "start/").to(factorPath)
	page := b.get(factorPath).want(200)
	found := secretOnPage.FindStringSubmatch(page.body)
	if found == nil || !strings.Contains(page.body, "<svg") {
		b.w.t.Fatalf("no secret or no picture:\n%s", text(page.body))
	}
	secret = strings.ReplaceAll(found[1], " ", "")
	page = b.post(factorPath+"confirm/", "code", b.w.setsUp(secret)).want(200)
	for _, m := range codeOnPage.FindAllStringSubmatch(page.body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		b.w.t.Fatalf("%d recovery codes:\n%s", len(codes), text(page.body))
	}
	return secret, codes
}

// TestSecondFactor goes through everything once: setting up, signing in with the
// app and with a recovery code, what tokens tell, removing.
func TestSecondFactor(t *testing.T) { storetest.Each(t, secondFactor) }

func secondFactor(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.client(func(c *broker.Client) { c.FirstParty = true })
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(securityPath).want(200).says("Set up a second step")
	b.get(factorPath).want(200).says("Set up an app")
	b.post(factorPath+"confirm/", "code", "123456").want(410)
	secret, codes := b.setUpApp()
	if row, err := b.session(); err != nil || row.ACR != broker.ACRSecond || !slices.Equal(row.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("the session that set it up: %+v %v", row, err)
	}
	page := b.get(factorPath).want(200).says("10 recovery codes are left")
	if strings.Contains(page.body, secret) || strings.Contains(page.body, secret[:4]) || strings.Contains(page.body, codes[0]) {
		t.Error("a secret is shown again")
	}
	b.get(securityPath).want(200).says("Change or remove it").says("Second step set up: an app")

	b = w.browser()
	login := b.get(authorize()).param("login")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/second-factor/?login=" + login)
	b.nobody()
	b.get("/second-factor/?login=" + login).want(200).says("One more step").says("The App")
	b.post("/second-factor/", "login", login, "code", w.setUpWith(secret)).want(422).says("does not count")
	b.nobody()
	a := b.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).to(callbackURL)
	claims := w.redeem(a)
	if amr, _ := claims["amr"].([]any); len(amr) != 3 || amr[0] != "pwd" || amr[1] != "otp" || amr[2] != "mfa" || claims["acr"] != broker.ACRSecond {
		t.Errorf("claims %v", claims)
	}
	b.get(securityPath).want(200).says("Signed in with your password")

	b = w.browser()
	login = b.post("/login/", "email", "ada@example.org", "password", password).to("/second-factor/").param("login")
	b.get("/second-factor/?login=" + login + "&recovery=1").want(200).says("Recovery code")
	b.post("/second-factor/", "login", login, "recovery", "1", "code", strings.ToLower(codes[3])).to("/")
	b.get(factorPath).want(200).says("9 recovery codes are left")
	b.post(factorPath+"codes/", "code", codes[3]).want(422)
	fresh := b.post(factorPath+"codes/", "code", codes[4]).want(200)
	if strings.Contains(fresh.body, codes[5]) {
		t.Error("an old code again")
	}
	b.post(factorPath+"remove/", "code", codes[5]).want(422).says("none of your recovery codes")
	b.post(factorPath+"remove/", "code", codeOnPage.FindStringSubmatch(fresh.body)[1]).to(securityPath)
	b.get(securityPath).want(200).says("The second step is removed").says("Set up a second step")
	w.browser().signIn("ada")
	var names []string
	for _, m := range w.mails() {
		names = append(names, m.Template)
	}
	if got := strings.Join(names, " "); got != "factor-added recovery-used recovery-renewed factor-removed" {
		t.Errorf("mails: %s", got)
	}
}

// TestEveryWayInOwesTheFactor: whatever came first, no session begins before the
// second factor, and no page further on helps.
func TestEveryWayInOwesTheFactor(t *testing.T) { storetest.Each(t, everyWayInOwesTheFactor) }

func everyWayInOwesTheFactor(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.client()
	w.codes(local.CodesSignIn)
	ada := w.user("ada")
	owner := w.browser()
	owner.signIn("ada")
	owner.walk(owner.post("/oauth/login/demo/"), "ada").to(linkedAccountsPath)
	_, codes := owner.setUpApp()
	w.mails()
	first := map[string]func(b *browser, login string) answer{
		"password": func(b *browser, login string) answer {
			return b.post("/login/", "login", login, "email", ada.Email, "password", password)
		},
		"provider": func(b *browser, login string) answer {
			return b.walk(b.get("/oauth/login/demo/?login="+login), "ada")
		},
		"code by mail": func(b *browser, login string) answer {
			b.post("/code/send/", "login", login, "email", ada.Email).to("/code/")
			return b.post("/code/", "login", login, "code", w.mailedCode("code-sign-in"))
		},
		"waiting identity": func(b *browser, login string) answer {
			b.walk(b.get("/oauth/login/demo/?login="+login), "bob").to("/oauth/signup/demo/")
			return b.post("/login/", "login", login, "email", ada.Email, "password", password)
		},
		"new password by mail": func(b *browser, login string) answer {
			b.post("/lost-password/", "email", ada.Email).want(200)
			u, err := url.Parse(w.mailedLink("reset"))
			must(t, err)
			b.post("/reset-password/", "token", u.Query().Get("token"), "password", password+"!").to("/login/")
			b.nobody()
			return b.post("/login/", "login", login, "email", ada.Email, "password", password+"!")
		},
	}
	for _, name := range []string{"password", "provider", "code by mail", "waiting identity", "new password by mail"} {
		t.Run(name, func(t *testing.T) {
			b := w.browser()
			login := b.get(authorize()).param("login")
			first[name](b, login).to("/second-factor/?login=" + login)
			b.nobody()
			for _, path := range []string{"/consent/", "/link/", "/login/", "/code/", "/signup/", "/sent/"} {
				b.get(path + "?login=" + login)
				b.post(path, "login", login, "decision", "allow", "identity", "x")
				b.nobody()
			}
			b.get("/consent/?login=" + login).to("/second-factor/")
			b.post("/consent/", "login", login, "decision", "allow").to("/second-factor/")
			b.get(authorize()).to("/login/")
			if e := b.get(authorize("prompt", "none")).to(callbackURL).param("error"); e != "login_required" {
				t.Errorf("prompt=none: %q", e)
			}
			thief := w.browser()
			thief.get(authorize())
			thief.get("/second-factor/?login=" + login).want(403)
			thief.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).want(403)
			b.post("/second-factor/", "login", login, "code", "000 000").want(422)
			b.post("/second-factor/", "login", login, "code", "BBBB-BBBB").want(422) // the form of a mailed one
			b.nobody()
			next := map[bool]string{true: "/link/", false: "/consent/"}[name == "waiting identity"]
			b.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).to(next)
			if row, err := b.session(); err != nil || row.UserID != ada.ID || row.ACR != broker.ACRSecond || !slices.Contains(row.AMR, "mfa") {
				t.Errorf("%+v %v", row, err)
			}
			b.post("/second-factor/", "login", login, "recovery", "1", "code", codes[1]).want(303) // nothing is owed: nothing is spent
			codes = codes[1:]
		})
	}
}

// TestSessionsFromBeforeTheFactor end at once, on every replica, and so does one
// that should have been asked and was not.
func TestSessionsFromBeforeTheFactor(t *testing.T) { storetest.Each(t, sessionsFromBeforeTheFactor) }

func sessionsFromBeforeTheFactor(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.user("ada")
	b, elsewhere := w.browser(), w.browser()
	b.signIn("ada")
	elsewhere.signIn("ada")
	_, codes := b.setUpApp()
	elsewhere.get(securityPath).to("/login/")
	elsewhere.nobody()
	row, err := b.session()
	must(t, err)
	row.ACR = broker.ACRSingle
	must(t, w.db.SaveSession(t.Context(), row))
	b.get(securityPath).to("/login/")
	b.nobody()
	login := b.post("/login/", "email", "ada@example.org", "password", password).param("login")
	b.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).to("/")
	w.noFactors() // the operator does without
	w.browser().signIn("ada")
	b.get(factorPath).want(404)
	b.post(factorPath + "start/").want(404)
	if page := b.get(securityPath).want(200); strings.Contains(page.body, factorPath) {
		t.Error("a second step is offered")
	}
}

// noFactors turns second factors off.
func (w *world) noFactors() {
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, NoFactors: true,
	})
	w.server.accounts = w.accounts
}

// TestFactorIsChangedFreshly: who finds the browser open changes nothing and sees
// no secret.
func TestFactorIsChangedFreshly(t *testing.T) { storetest.Each(t, factorIsChangedFreshly) }

func factorIsChangedFreshly(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath + "start/").to(factorPath)
	b.age(time.Hour)
	if page := b.get(factorPath).want(200); strings.Contains(page.body, "<svg width") || secretOnPage.MatchString(page.body) {
		t.Error("the secret is shown long after the sign-in")
	}
	for _, path := range []string{"start/", "confirm/", "codes/", "remove/"} {
		b.post(factorPath+path, "code", "123456").to("/login/?again=1&next=" + factorPath)
	}
	b = w.browser()
	b.signIn("ada")
	secret, codes := b.setUpApp()
	b.age(time.Hour)
	b.post(factorPath+"remove/", "code", appShows(t, secret, 1)).to("/login/?again=1")
	login := b.get("/login/?again=1&next=" + factorPath).param("login")
	b.post("/login/", "login", login, "password", password).to("/second-factor/")
	b.post(factorPath+"remove/", "code", appShows(t, secret, 1)).to("/login/?again=1") // the password alone proves nothing
	b.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).to(factorPath)
	b.post(factorPath+"remove/", "code", appShows(t, secret, 1)).to(securityPath)
}

// TestFactorGuesses are few, whoever guesses, and leave the recovery codes alone.
func TestFactorGuesses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Limits = limits.New(db, limits.Options{}) })
		w.user("ada")
		owner := w.browser()
		owner.signIn("ada")
		secret, codes := owner.setUpApp()
		b := w.browser()
		login := b.post("/login/", "email", "ada@example.org", "password", password).param("login")
		wrong := "000000"
		for step := -1; step <= 1; step++ {
			if appShows(t, secret, step) == wrong {
				wrong = "999999"
			}
		}
		for range 10 {
			b.post("/second-factor/", "login", login, "code", wrong).want(422)
		}
		for _, guesser := range []*browser{b, w.browser()} { // a new browser has no more tries
			login := guesser.post("/login/", "email", "ada@example.org", "password", password).param("login")
			a := guesser.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).want(429).says("too many codes")
			if a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			guesser.nobody()
		}
		b.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).to("/")
		owner.get(securityPath).want(200)
	})
}
