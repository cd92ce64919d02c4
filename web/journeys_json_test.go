package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestJourneysInJSON: whatever people do on pages, programs do in JSON, on both
// databases, and each request and answer is as the document says. What it says and
// nobody did is a failure.
func TestJourneysInJSON(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := passkeyWorld(t, db, func(o *Options) { o.Remember = 30 * 24 * time.Hour })
		w.codes(local.CodesSignIn)
		w.client(func(c *broker.Client) { c.Metadata.InitiateLoginURI = initiateURL })
		defer func() {
			if t.Failed() {
				t.Log(w.log)
			}
		}()
		for _, journey := range []func(*testing.T, *world){
			jsonClaim, jsonSignUp, jsonSignIn, jsonIdentify, jsonFactor, jsonSetUp, jsonNumber, jsonPasskey, jsonTakeBack, jsonCode, jsonReset, jsonEmail, jsonLink, jsonNewcomer,
			jsonSessions, jsonProfile, jsonConsent, jsonFormPost, jsonClose, jsonSignOutThere,
		} {
			journey(t, w)
		}
		c, err := theContract()
		must(t, err)
		for pattern, op := range w.server.operations {
			if op.standard == "" && !c.seen[pattern] && !strings.Contains(pattern, "/logo/") {
				t.Errorf("nobody went through %q", pattern)
			}
		}
		if log := w.log.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("log:\n%s", log)
		}
	})
}

func jsonClaim(t *testing.T, w *world) {
	token, err := w.accounts.Claim(t.Context())
	must(t, err)
	p := w.program()
	p.get("/claim/?token=" + token.Reveal()).page("claim")
	p.post("/claim/", "token", token.Reveal(), "email", "root", "name", "Root", "password", password).refused(422, "field.email_invalid", "email")
	p.post("/claim/", "token", token.Reveal(), "email", "root@example.org", "name", "Root", "password", password).to("/")
	p.get("/").page("home")
}

func jsonSignUp(t *testing.T, w *world) {
	p := w.program()
	ways := p.get("/login/").page("login")
	if ways.text("sign_up_url") != "/signup/" || len(ways.rows("providers")) != 2 || ways.SignedIn {
		t.Errorf("%s", ways.body)
	}
	p.get("/signup/").page("signup")
	p.post("/signup/", "email", "x", "name", "Eve\u202e", "username", "", "password", "short").refused(422, "error.fields", "email", "name", "password").page0("signup")
	a := p.post("/signup/", "email", "eve@example.org", "name", "Eve", "username", "eve", "password", password).to("/sent/?login=")
	sent := p.get(a.Location).page("sent")
	if sent.text("email") != "eve@example.org" {
		t.Errorf("%s", sent.body)
	}
	again := p.post("/sent/", "login", sent.text("login")).refused(429, "sent.too_soon")
	if again.header.Get("Retry-After") != "60" {
		t.Errorf("%v", again.header)
	}
	login, err := w.db.Login(t.Context(), broker.LoginID(sent.text("login")))
	must(t, err)
	login.ExpiresAt = login.ExpiresAt.Add(-2 * resendAfter)
	must(t, w.db.SaveLogin(t.Context(), login))
	w.mailedLink("sign-up")
	p.post("/sent/", "login", sent.text("login")).to("/sent/")
	token := secretIn(t, w.mailedLink("sign-up"))
	proof := p.get("/verify-email/?token=" + token).page("proof")
	if strings.Contains(proof.body, token) || proof.text("email") != "eve@example.org" {
		t.Errorf("%s", proof.body)
	}
	p.post("/verify-email/", "token", token).to("/")
	p.post("/verify-email/", "token", token).refused(410, "mail.used")
	me := p.get(mePath)
	if me.status != 200 || !strings.Contains(me.body, `"email":"eve@example.org"`) || !strings.Contains(me.body, `"fresh":true`) {
		t.Errorf("%d %s", me.status, me.body)
	}

	// In another browser the link begins the account and signs nobody in.
	p.post("/logout/").to("/logout/")
	p.post("/signup/", "email", "mia@example.org", "name", "Mia", "username", "", "password", password).to("/sent/")
	other := w.program()
	other.post("/verify-email/", "token", secretIn(t, w.mailedLink("sign-up"))).page("proved")
	other.nobody()
}

func jsonSignIn(t *testing.T, w *world) {
	w.user("ada")
	p := w.program()
	p.nobody()
	wrong := p.post("/login/", "email", "ada@example.org", "password", "x").refused(422, "login.wrong")
	unknown := p.post("/login/", "email", "nobody@example.org", "password", "x").refused(422, "login.wrong")
	if strings.ReplaceAll(wrong.Detail, "ada", "nobody") != unknown.Detail {
		t.Errorf("%q tells more than %q", wrong.Detail, unknown.Detail)
	}
	a := p.get("/login/?next=%2Faccount%2Fsettings%2Fsecurity%2F").to("/login/?login=")
	ways := p.get(a.Location).page("login")
	p.post("/login/", "login", ways.text("login"), "email", "ada@example.org", "password", password).to(securityPath)
	p.get("/login/").to("/")
	p.get("/account/settings/").to(profilePath)
	p.get("/logout/").page("logout")
	p.post("/logout/").to("/logout/")
	p.get("/logout/").page("logged_out")
	p.nobody()
	p.get(profilePath).refused(401, "error.sign_in")
	p.post(profilePath, "name", "x").refused(401, "error.sign_in")
}

func jsonFactor(t *testing.T, w *world) {
	w.user("fay")
	w.user("gil")
	p := w.program()
	p.signIn("fay@example.org")
	if p.get(factorPath).page("factor").Data["on"] != false {
		t.Error("on")
	}
	p.post(factorPath + "start/").to(factorPath)
	secret := strings.ReplaceAll(p.get(factorPath).page("factor").keySecret(), " ", "")
	p.post(factorPath+"confirm/", "code", "000000").refused(422, "factor.wrong", "code")
	codes := p.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).page("recovery_codes").Data["codes"].([]any)
	if on := p.get(factorPath).page("factor"); len(codes) != 10 || on.Data["on"] != true || on.keySecret() != "" {
		t.Errorf("%v %s", codes, on.body)
	}
	p.post("/logout/").to("/logout/")
	a := p.post("/login/", "email", "fay@example.org", "password", password).to("/second-factor/?login=")
	p.nobody()
	p.get(a.Location).page("second_factor")
	login := a.next("login")
	p.post("/second-factor/", "login", login, "code", "000000").refused(422, "factor.wrong", "code")
	p.post("/second-factor/", "login", login, "code", "AAAA-BBBB-CCCC", "recovery", true).refused(422, "factor.recovery_wrong", "code")
	p.post("/second-factor/", "login", login, "code", codes[0], "recovery", true).to("/")
	renewed := p.post(factorPath+"codes/", "code", appShows(t, secret, 1)).page("recovery_codes").Data["codes"].([]any)
	if renewed[0] == codes[1] || len(renewed) != 10 {
		t.Errorf("%v", renewed)
	}
	p.post(factorPath + "swap/").to(factorPath)
	next := strings.ReplaceAll(p.get(factorPath).page("factor").keySecret(), " ", "")
	p.post(factorPath+"swap/confirm/", "code", appShows(t, next, 0), "current", "AAAA-BBBB-CCCC").refused(422, "factor.recovery_wrong", "current")
	p.post(factorPath+"swap/confirm/", "code", appShows(t, next, 0), "current", renewed[0]).page("recovery_codes")

	p = w.program() // a code counts once: somebody else takes it away
	p.signIn("gil@example.org")
	p.post(factorPath + "start/").to(factorPath)
	secret = strings.ReplaceAll(p.get(factorPath).page("factor").keySecret(), " ", "")
	p.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).page("recovery_codes")
	p.post(factorPath+"remove/", "code", appShows(t, secret, 1)).to(securityPath)
	if notice := p.get(securityPath).page("security").Notice; notice == nil || notice.Code != "factor.removed" {
		t.Errorf("%+v", notice)
	}
}

// keySecret is the secret of the app that a page sets up; "" none.
func (a said) keySecret() string {
	key, _ := a.Data["key"].(map[string]any)
	secret, _ := key["secret"].(string)
	return secret
}

// jsonSetUp: where everybody needs a second factor, a sign-in leads to setting it up.
func jsonSetUp(t *testing.T, w *world) {
	w.user("zoe")
	before := w.accounts
	w.needFactors()
	p := w.program()
	login := p.post("/login/", "email", "zoe@example.org", "password", password).to(setUpPath + "?login=").next("login")
	p.nobody()
	p.get(setUpPath + "?login=" + login).page("set_up_factor")
	p.post(setUpPath+"start/", "login", login).to(setUpPath + "?login=")
	secret := strings.ReplaceAll(p.get(setUpPath+"?login="+login).page("set_up_factor").keySecret(), " ", "")
	p.post(setUpPath, "login", login, "code", "000000").refused(422, "factor.wrong", "code")
	done := p.post(setUpPath, "login", login, "code", appShows(t, secret, 0)).page("recovery_codes")
	p.get(done.text("done_url")).to("/")
	p.get(mePath).want(200)
	p = w.program()
	w.user("zak")
	login = p.post("/login/", "email", "zak@example.org", "password", password).to(setUpPath + "?login=").next("login")
	p.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", "{}").refused(422, "passkey.unreadable")
	ask, _ := p.get(setUpPath + "?login=" + login).page("set_up_factor").Data["passkey"].(map[string]any)["options"].(string)
	key := passkeytest.New(t, passkeytest.ES256)
	p.post(setUpPath+"passkey/", "login", login, "name", "Phone", "credential", key.Register(t, ask, w.url)).to("/")
	p.get(mePath).want(200)
	w.accounts, w.server.accounts = before, before
}

func jsonCode(t *testing.T, w *world) {
	p := w.program()
	p.get("/code/").page("ask_code")
	p.post("/code/send/", "email", "x").refused(422, "field.email_invalid", "email")
	a := p.post("/code/send/", "email", "ada@example.org").to("/code/?login=")
	p.get(a.Location).page("code")
	login := a.next("login")
	p.post("/code/", "login", login, "code", "BBBB-BBBB").refused(422, "code.wrong", "code")
	p.post("/code/", "login", login, "code", w.mailedCode("code-sign-in")).to("/")
	p.get(mePath).want(200)
}

func jsonReset(t *testing.T, w *world) {
	p := w.program()
	p.get("/lost-password/").page("lost_password")
	p.post("/lost-password/", "email", "x").refused(422, "field.email_invalid", "email")
	known := p.post("/lost-password/", "email", "eve@example.org").page("sent")
	unknown := p.post("/lost-password/", "email", "who@example.org").page("sent")
	if strings.ReplaceAll(known.body, "eve@", "who@") != unknown.body {
		t.Errorf("%s tells more than %s", known.body, unknown.body)
	}
	token := secretIn(t, w.mailedLink("reset"))
	p.get("/reset-password/?token=" + token).page("reset")
	p.post("/reset-password/", "token", token, "password", "short").refused(422, "password.short", "password")
	p.post("/reset-password/", "token", token, "password", password+"!").to("/login/")
	p.post("/reset-password/", "token", token, "password", password).refused(410, "mail.used")
	p.post("/login/", "email", "eve@example.org", "password", password).refused(422, "login.wrong")
	p.post("/login/", "email", "eve@example.org", "password", password+"!").to("/")
}

func jsonEmail(t *testing.T, w *world) {
	p := w.program()
	p.signIn("mia@example.org")
	p.get(emailPath).page("email")
	p.post(emailPath, "email", "mia@example.org").refused(422, "email.same", "email")
	p.post(emailPath, "email", "mia@new.example.org").to(profilePath)
	if notice := p.get(profilePath).page("profile").Notice; notice == nil || notice.Code != "email.sent" || !strings.Contains(notice.Text, "mia@new.example.org") {
		t.Errorf("%+v", notice)
	}
	link := w.mailedLink("email")
	confirm := p.get(link).page("confirm")
	if confirm.text("action") != broker.EmailPath {
		t.Errorf("%s", confirm.body)
	}
	p.post(broker.EmailPath, "token", secretIn(t, link)).to(profilePath)
	back := w.mailedLink("email-changed")
	p.get(back).page("confirm")
	p.post(broker.EmailBackPath, "token", secretIn(t, back)).to("/lost-password/")
	p.nobody()
}

func jsonLink(t *testing.T, w *world) {
	p := w.program()
	p.signIn("ada@example.org")
	p.get(linkedAccountsPath).page("linked_accounts")
	a := p.post("/oauth/login/demo/").to(w.op.URL)
	u := w.op.Walk(t, a.Location, "bob")
	p.get(u.Path + "?" + u.RawQuery).to(linkedAccountsPath)
	page := p.get(linkedAccountsPath).page("linked_accounts")
	linked := page.rows("linked")
	if page.Notice == nil || page.Notice.Code != "linked_accounts.added" || len(linked) != 1 || linked[0]["provider"] != "demo" || linked[0]["since"] == nil {
		t.Fatalf("%s", page.body)
	}
	undo := w.mailedLink("linked")
	p.get(undo).page("confirm")
	p.age(time.Hour)
	p.get(linked[0]["disconnect_url"].(string)).refused(401, "error.prove_again")
	stale := p.post("/oauth/login/other/").refused(401, "error.prove_again")
	var at struct{ Location string }
	must(t, json.Unmarshal([]byte(stale.body), &at))
	b := p.get(at.Location).to("/login/?login=")
	again := p.get(b.Location).page("login")
	if again.Data["again"] != true || again.text("cancel_url") != linkedAccountsPath {
		t.Errorf("%s", again.body)
	}
	p.post("/login/", "login", again.text("login"), "password", password).to(linkedAccountsPath)
	confirm := p.get(linked[0]["disconnect_url"].(string)).page("confirm")
	field := confirm.rows("fields")[0]
	p.post(confirm.text("action"), field["name"], field["value"]).to(linkedAccountsPath)
	p.post(confirm.text("action"), field["name"], field["value"]).refused(404, "error.not_found")
	p.post(broker.UndoLinkPath, "token", secretIn(t, undo)).to("")
}

func jsonNewcomer(t *testing.T, w *world) {
	p := w.program()
	login := p.get(authorize()).to("/login/?login=").next("login")
	a := p.get("/oauth/login/demo/?login=" + login).to(w.op.URL)
	u := w.op.Walk(t, a.Location, "ada")
	b := p.get(u.Path + "?" + u.RawQuery).to("/oauth/signup/demo/?login=")
	choose := p.get(b.Location).page("choose")
	form := p.get(choose.text("new_url")).page("signup")
	p.post("/oauth/signup/demo/", "login", form.text("login"), "identity", form.text("identity"), "email", "x", "name", "A").refused(422, "field.email_invalid", "email")
	p.get(choose.text("code_url")).page("ask_code")
	// She has an account, proves it with its password, and links.
	c := p.post("/login/", "login", login, "email", "eve@example.org", "password", password+"!").to("/link/?login=")
	link := p.get(c.Location).page("link")
	p.send("/link/", jsonMediaType, []byte(`{"login": "`+login+`", "decision": "maybe"}`), false).refused(400, "error.field_choice", "decision")
	p.post("/link/", "login", link.text("login"), "identity", link.text("identity"), "decision", "link").to("/consent/?login=")

	q := w.program()
	d := q.get("/oauth/login/demo/").to(w.op.URL)
	u = w.op.Walk(t, d.Location, "bob")
	e := q.get(u.Path + "?" + u.RawQuery).to("/oauth/signup/demo/?login=")
	form = q.get(e.Location + "&new=1").page("signup")
	q.post("/oauth/signup/demo/", "login", form.text("login"), "identity", form.text("identity"), "email", "bob@example.org", "name", "Bob").to("/sent/")
	q.post("/verify-email/", "token", secretIn(t, w.mailedLink("sign-up"))).to("/")
}

func jsonSessions(t *testing.T, w *world) {
	here, there, third := w.program(), w.program(), w.program()
	for _, p := range []*program{here, there, third} {
		p.signIn("ada@example.org")
	}
	rows := here.get(devicesPath).page("devices").rows("sessions")
	if len(rows) < 3 || rows[0]["current"] != true || rows[0]["signed_in_at"] == nil {
		t.Fatalf("%v", rows)
	}
	row, err := there.session()
	must(t, err)
	here.post("/account/settings/sessions/").refused(400, "error.form", "sid")
	here.post("/account/settings/sessions/", "sid", row.SID).to(devicesPath)
	there.nobody()
	third.get(mePath).want(200)
	here.post("/account/settings/sessions/", "others", true).to(devicesPath)
	third.nobody()
	here.post("/account/settings/password/", "current", "x", "password", password).refused(422, "password.wrong", "current")
	gil := w.program()
	gil.signIn("gil@example.org")
	gil.post("/account/settings/password/", "current", password, "password", password+"?").to(securityPath)
	gil.post(removePasswordPath, "current", "x").refused(422, "password.wrong", "current")
	gil.post(removePasswordPath, "current", password+"?").to(securityPath) // a mailed code is a way in here
	gil.post(removePasswordPath, "current", password+"?").refused(410, "password.none")
}

func jsonProfile(t *testing.T, w *world) {
	p := w.program()
	p.signIn("ada@example.org")
	p.post(profilePath, "name", strings.Repeat("x", 300), "locale", "de").refused(422, "field.name_invalid", "name")
	p.get(usernamePath).page("username")
	p.post(usernamePath, "username", "admin").refused(422, "field.username_taken", "username").page0("username")
	p.post(usernamePath, "username", "countess").to(profilePath)
	p.post(profilePath, "name", "Ada", "version", "0").refused(409, "profile.changed")
	p.post(profilePath, "name", "Ada", "fields", "[]").refused(400, "error.field_type", "fields")
	p.post(profilePath, "name", "Ada L.", "locale", "de").to(profilePath)
	if page := p.get(profilePath).page("profile"); page.text("name") != "Ada L." || page.Notice == nil || page.header.Get("Content-Language") != "de" {
		t.Errorf("%s", page.body)
	}
	p.post("/account/settings/language/", "lang", "en", "return", profilePath).to(profilePath)
	p.get(dataPath).page("data")
	p.age(time.Hour)
	p.post(dataPath+"export/").refused(401, "error.prove_again")
	p.age(-time.Hour)
	export := p.post(dataPath + "export/").want(200)
	if !strings.Contains(export.body, "Ada L.") {
		t.Errorf("%s", export.body)
	}
}

func jsonConsent(t *testing.T, w *world) {
	p := w.program()
	login := p.get(authorize()).to("/login/?login=").next("login")
	p.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/consent/?login=" + login)
	consent := p.get("/consent/?login=" + login).page("consent")
	client, _ := consent.Data["client"].(map[string]any)
	if client["name"] != "The App" || client["host"] != "app.example" || len(consent.rows("claims")) == 0 {
		t.Errorf("%s", consent.body)
	}
	p.post("/consent/", "login", login).refused(400, "error.form", "decision")
	p.post("/consent/", "login", login, "decision", "deny").to(callbackURL + "?error=access_denied")
	login = p.get(authorize()).to("/consent/?login=").next("login")
	a := p.post("/consent/", "login", login, "decision", "allow").to(callbackURL + "?code=")
	moved := a.answer
	moved.location, moved.status = a.Location, http.StatusSeeOther
	if claims := w.redeem(moved); claims["sub"] == "" {
		t.Errorf("%v", claims)
	}
	p.get(authorize()).to(callbackURL + "?code=") // remembered
	p.get(authorize("scope", "nothing")).to(callbackURL + "?error=invalid_scope")
	p.get("/oauth2/authorize?client_id=nobody").want(400)
	p.get("/applications/app/open").to(initiateURL)
	apps := p.get(applicationsPath).page("applications").rows("apps")
	if len(apps) != 1 || apps[0]["id"] != "app" || apps[0]["open_url"] != "/applications/app/open" {
		t.Fatalf("%v", apps)
	}
	p.post(applicationsPath, "client", "app").to(applicationsPath)
	if page := p.get(applicationsPath).page("applications"); len(page.rows("apps")) != 0 || page.Notice == nil {
		t.Errorf("%s", page.body)
	}
}

// jsonFormPost: where the application wants its answer in a form, the program gets
// what stands in it.
func jsonFormPost(t *testing.T, w *world) {
	p := w.program()
	p.signIn("ada@example.org")
	login := p.get(authorize("response_mode", "form_post")).to("/consent/?login=").next("login")
	form := p.post("/consent/", "login", login, "decision", "allow").page("form_post")
	if form.text("action") != callbackURL || len(form.rows("fields")) < 3 {
		t.Errorf("%s", form.body)
	}
}

func jsonClose(t *testing.T, w *world) {
	p := w.program()
	p.signIn("ada@example.org")
	p.get(closePath).page("confirm")
	p.post(closePath).to("/")
	p.nobody()
	link := w.mailedLink("closed")
	p.get(link).page("confirm")
	p.post(broker.ReopenPath, "token", secretIn(t, link)).to("/login/")
	p.signIn("ada@example.org")
	p.post(closePath).to("/")
	offer := p.post("/login/", "email", "ada@example.org", "password", password).refused(403, "account.closed").page0("confirm")
	field := offer.rows("fields")[0]
	p.post(offer.text("action"), field["name"], field["value"]).to("/login/")
	p.signIn("ada@example.org")
}

func jsonSignOutThere(t *testing.T, w *world) {
	p := w.program()
	a := p.get("/oauth/login/demo/").to(w.op.URL)
	u := w.op.Walk(t, a.Location, "ada")
	p.get(u.Path + "?" + u.RawQuery).to("/")
	out := p.post("/logout/").page("logged_out")
	leave, _ := out.Data["leave"].(map[string]any)
	url, _ := leave["url"].(string)
	if leave["title"] != "Demo" {
		t.Fatalf("%s", out.body)
	}
	p.get(url).to(w.op.URL)
	p.nobody()
}

// page0 is page for a form that was refused.
func (a said) page0(name string) said {
	a.t.Helper()
	if a.Page != name || a.Data == nil {
		a.t.Fatalf("page %q, want %q\n%s", a.Page, name, a.body)
	}
	return a
}
