package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// needFactors has everybody show a second factor.
func (w *world) needFactors() {
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, NeedFactors: true,
	})
	w.server.accounts = w.accounts
}

// finishSetUp sets an app up in a login that wants one, and returns its secret and
// the page with the recovery codes.
func (b *browser) finishSetUp(login string) (string, answer) {
	b.w.t.Helper()
	b.post(setUpPath+"start/", "login", login).to(setUpPath + "?login=" + login)
	page := b.get(setUpPath + "?login=" + login).want(200)
	found := secretOnPage.FindStringSubmatch(page.body)
	if found == nil {
		b.w.t.Fatalf("no secret:\n%s", text(page.body))
	}
	secret := strings.ReplaceAll(found[1], " ", "")
	return secret, b.post(setUpPath, "login", login, "code", b.w.setsUp(secret)).want(200)
}

func wantTwo(t *testing.T, claims map[string]any) {
	t.Helper()
	amr, _ := claims["amr"].([]any)
	if claims["acr"] != broker.ACRSecond || !slices.Contains(amr, any("mfa")) || !slices.Contains(amr, any("otp")) || amr[0] != "pwd" {
		t.Errorf("acr %v, amr %v", claims["acr"], amr)
	}
}

// TestStepUp: a session of one factor is good for what asks for no more. For an
// application that wants two, the factor is asked for and nothing else, and the
// session is another one to whoever had its cookie.
func TestStepUp(t *testing.T) { storetest.Each(t, stepUp) }

func stepUp(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.client(func(c *broker.Client) { c.FirstParty = true })
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	if claims := w.redeem(b.get(authorize()).to(callbackURL)); claims["acr"] != broker.ACRSingle {
		t.Errorf("one factor: %v", claims)
	}
	before, err := b.session()
	must(t, err)
	stolen := w.browser()
	u, err := url.Parse(w.url)
	must(t, err)
	stolen.c.Jar.SetCookies(u, b.c.Jar.Cookies(u))
	stolen.get(securityPath).want(200)

	two := authorize("acr_values", broker.ACRSecond)
	if e := b.get(authorize("acr_values", broker.ACRSecond, "prompt", "none")).to(callbackURL).param("error"); e != "login_required" {
		t.Errorf("prompt=none: %q", e)
	}
	login := b.get(two).to(setUpPath).param("login")
	b.get(setUpPath + "?login=" + login).want(200).says("The App wants people to sign in in two steps")
	for _, path := range []string{"/consent/", "/login/", "/second-factor/", "/link/"} { // the step cannot be skipped
		b.get(path + "?login=" + login).to(setUpPath)
	}
	b.post("/second-factor/", "login", login, "code", "123456").to(setUpPath)
	b.post("/consent/", "login", login, "decision", "allow").to(setUpPath)
	secret, page := b.finishSetUp(login)
	a := b.get(page.wayOn()).to(callbackURL)
	claims := w.redeem(a)
	wantTwo(t, claims)
	if at, _ := claims["auth_time"].(float64); int64(at) != before.AuthTime.Unix() {
		t.Errorf("auth_time %v: it is when the password was proven, at %d", claims["auth_time"], before.AuthTime.Unix())
	}
	after, err := b.session()
	must(t, err)
	if after.SID != before.SID || after.IDHash == before.IDHash || after.ACR != broker.ACRSecond {
		t.Errorf("the session before %+v\nand after %+v", before, after)
	}
	if _, err := w.db.Session(t.Context(), before.IDHash); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("the session stands under its old secret, too: %v", err)
	}
	stolen.get(securityPath).to("/login/") // the cookie of before opens nothing
	wantTwo(t, w.redeem(b.get(two).to(callbackURL)))

	// A factor that is there is asked for, and nothing else.
	row := after
	row.ACR, row.AMR, row.Remembered = broker.ACRSingle, []string{"pwd"}, "browser" // as a remembered browser begins it
	must(t, w.db.SaveSession(t.Context(), row))
	b.get(securityPath).want(200)
	for _, how := range [][]string{
		{"acr_values", broker.ACRSecond + " " + broker.ACRSingle},
		{"claims", `{"id_token": {"acr": {"essential": true, "value": "` + broker.ACRSecond + `"}}}`},
		{"acr_values", "phr " + broker.ACRSecond},
	} {
		b.get(authorize(how...)).to("/second-factor/")
	}
	if claims := w.redeem(b.get(authorize()).to(callbackURL)); claims["acr"] != broker.ACRSingle {
		t.Errorf("not asked for, and told: %v", claims)
	}
	login = b.get(two).to("/second-factor/").param("login")
	b.post("/second-factor/", "login", login, "code", w.setUpWith(secret)).want(422)
	a = b.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).to(callbackURL)
	wantTwo(t, w.redeem(a))
	if now, err := b.session(); err != nil || now.Remembered != "" || now.IDHash == after.IDHash || now.SID != after.SID {
		t.Errorf("%+v, %v", now, err)
	}
	b.get(securityPath).want(200).says("Second step shown in a session")
}

// TestClientNeedsFactor: what an operator said of an application cannot be asked
// away, and who has an old session proves first that they are there.
func TestClientNeedsFactor(t *testing.T) { storetest.Each(t, clientNeedsFactor) }

func clientNeedsFactor(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.SecondFactor = true, true })
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	for _, how := range [][]string{nil, {"acr_values", broker.ACRSingle}, {"acr_values", "x"}, {"claims", `{"id_token": {"acr": {"value": "` + broker.ACRSingle + `"}}}`}} {
		b.get(authorize(how...)).to(setUpPath)
	}
	login := b.get(authorize()).to(setUpPath).param("login")
	a := b.post(setUpPath, "login", login, "decision", "cancel").to(callbackURL)
	if a.param("error") != "unmet_authentication_requirements" || a.param("code") != "" {
		t.Errorf("who would not: %s", a.location)
	}
	b.age(time.Hour) // somebody else may sit there now
	login = b.get(authorize()).to("/login/").param("login")
	b.get(setUpPath + "?login=" + login).to("/login/")
	b.post(setUpPath+"start/", "login", login).to("/login/")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to(setUpPath)
	_, page := b.finishSetUp(login)
	wantTwo(t, w.redeem(b.get(page.wayOn()).to(callbackURL)))
}

// TestEverybodyNeedsFactor: no session begins without one, whatever came first,
// and those that stood end.
func TestEverybodyNeedsFactor(t *testing.T) { storetest.Each(t, everybodyNeedsFactor) }

func everybodyNeedsFactor(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.client()
	w.user("ada")
	before := w.browser()
	before.signIn("ada")
	w.needFactors()
	before.get(securityPath).to("/login/")
	before.nobody()

	b := w.browser()
	login := b.get(authorize()).param("login")
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to(setUpPath)
	b.nobody()
	b.get(setUpPath + "?login=" + login).want(200).says("Everybody at")
	for _, path := range []string{"/consent/", "/link/", "/login/", "/second-factor/", "/code/"} {
		b.get(path + "?login=" + login)
		b.post(path, "login", login, "decision", "allow", "code", "123456", "identity", "x")
		b.nobody()
	}
	b.get(securityPath).to("/login/")
	_, page := b.finishSetUp(login)
	if row, err := b.session(); err != nil || row.ACR != broker.ACRSecond {
		t.Errorf("%+v, %v", row, err)
	}
	b.get(page.wayOn()).to("/consent/")

	// A newcomer, and one who comes with a provider.
	n := w.browser()
	n.post("/signup/", "email", "new@example.org", "name", "New", "password", password)
	link := w.mailedLink("sign-up")
	proved := n.post("/verify-email/", "token", link[strings.Index(link, "token=")+len("token="):])
	proved.to(setUpPath)
	n.nobody()
}

// TestRaceOfSetUps: two browsers whose people both know the password set an app up
// at once. Neither sees the other's secret, neither confirms the other's, and one of
// them counts.
func TestRaceOfSetUps(t *testing.T) { storetest.Each(t, raceOfSetUps) }

func raceOfSetUps(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.user("ada")
	w.needFactors()
	begin := func() (*browser, string) {
		b := w.browser()
		return b, b.post("/login/", "email", "ada@example.org", "password", password).to(setUpPath).param("login")
	}
	ada, hers := begin()
	eve, theirs := begin()
	ada.post(setUpPath+"start/", "login", hers).to(setUpPath)
	secret := strings.ReplaceAll(secretOnPage.FindStringSubmatch(ada.get(setUpPath + "?login=" + hers).body)[1], " ", "")
	if page := eve.get(setUpPath + "?login=" + theirs).want(200); secretOnPage.MatchString(page.body) {
		t.Error("the other browser sees the secret")
	}
	eve.get(setUpPath + "?login=" + hers).want(403)
	eve.post(setUpPath, "login", hers, "code", appShows(t, secret, 0)).want(403)
	eve.post(setUpPath, "login", theirs, "code", appShows(t, secret, 0)).to(setUpPath)
	eve.nobody()
	ada.post(setUpPath, "login", hers, "code", appShows(t, secret, 0)).want(200)
	eve.post(setUpPath+"start/", "login", theirs).to("/second-factor/")
	eve.post(setUpPath, "login", theirs, "code", appShows(t, secret, 1)).to("/second-factor/")
	eve.nobody()

	// Who was thrown out meanwhile sets nothing up: a factor of theirs would lock the owner out.
	w.user("bob")
	thief := w.browser()
	login := thief.post("/login/", "email", "bob@example.org", "password", password).to(setUpPath).param("login")
	thief.post(setUpPath+"start/", "login", login).to(setUpPath)
	secret = strings.ReplaceAll(secretOnPage.FindStringSubmatch(thief.get(setUpPath + "?login=" + login).body)[1], " ", "")
	bob, err := w.db.UserByEmail(t.Context(), "bob@example.org")
	must(t, err)
	bob.PasswordSetAt, bob.UpdatedAt = time.Now(), time.Now()
	must(t, w.db.UpdateUser(t.Context(), bob))
	thief.post(setUpPath, "login", login, "code", appShows(t, secret, 0)).to("/login/")
	thief.nobody()
	if now, err := w.db.User(t.Context(), bob.ID); err != nil || now.HasSecondFactor() {
		t.Errorf("it counts: %v", err)
	}
}

// TestProviderSawTwoFactors: what a provider proves in the operator's words stands
// in for the factor here, our tokens say so, and the audit trail says who said it.
// Another provider's word, in the same words, is nobody's.
func TestProviderSawTwoFactors(t *testing.T) { storetest.Each(t, providerSawTwoFactors) }

func providerSawTwoFactors(t *testing.T, db *store.DB) {
	w := worldOf(t, db, tokens.Options{SecondFactor: true}, nil, func(_ string, a *providers.App) {
		if a.ID == "demo" {
			a.SecondFactor, a.Forward = providers.SecondFactor{AMR: []string{"hwk"}, ACR: []string{"phr"}}, []string{providers.ForwardACRValues}
		}
	})
	w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.SecondFactor = true, true })
	w.user("ada")
	owner := w.browser()
	owner.signIn("ada")
	for _, p := range []string{"demo", "other"} {
		owner.walk(owner.post("/oauth/login/"+p+"/"), "ada").to(linkedAccountsPath)
	}
	owner.setUpApp()
	there := func(amr ...string) {
		w.op.AddPerson(providertest.Person{Subject: "ada", Username: "ada", Email: "ada@example.org", EmailVerified: true, Claims: map[string]any{"amr": amr}})
	}
	there("pwd")
	b := w.browser()
	login := b.get(authorize()).param("login")
	b.walk(b.get("/oauth/login/demo/?login="+login), "ada").to("/second-factor/")
	there("pwd", "hwk")
	b = w.browser()
	login = b.get(authorize()).param("login")
	b.walk(b.get("/oauth/login/other/?login="+login), "ada").to("/second-factor/") // "other" has no such words
	b = w.browser()
	login = b.get(authorize("acr_values", broker.ACRSecond+" x")).param("login")
	out := b.get("/oauth/login/demo/?login=" + login)
	if to, err := url.Parse(out.location); err != nil || to.Query().Get("acr_values") != "phr x" {
		t.Errorf("the provider is told %q, %v", to.Query().Get("acr_values"), err)
	}
	claims := w.redeem(b.walk(out, "ada").to(callbackURL))
	if amr, _ := claims["amr"].([]any); claims["acr"] != broker.ACRSecond || !slices.Contains(amr, any("hwk")) || !slices.Contains(amr, any("mfa")) {
		t.Errorf("%v", claims)
	}
	row, err := b.session()
	must(t, err)
	events, err := w.db.Events(t.Context(), row.UserID, 20)
	must(t, err)
	if !slices.ContainsFunc(events, func(e broker.Event) bool {
		return e.Name == broker.EventSignedIn && e.SID == row.SID && e.Detail["second_factor"] == "provider" && e.Detail["provider_amr"] == "pwd hwk mfa"
	}) {
		t.Errorf("events %+v", events)
	}
}
