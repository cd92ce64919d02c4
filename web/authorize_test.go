package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestConsent(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.client()
	b := w.browser()
	b.signIn("ada")
	a := b.get(authorize()).to("/consent/?login=")
	login := a.param("login")
	b.post("/consent/", "login", login).want(400)
	a = b.post("/consent/", "login", login, "decision", "deny").to(callbackURL)
	if a.param("error") != "access_denied" || a.param("code") != "" || a.param("iss") != w.url {
		t.Errorf("answer %s", a.location)
	}
	if _, err := w.db.Consent(t.Context(), ada.ID, "app"); err == nil {
		t.Error("a no was remembered as a yes")
	}
	b.post("/consent/", "login", login, "decision", "allow").want(410) // it is over

	a = b.get(authorize()).to("/consent/?login=")
	login = a.param("login")
	w.redeem(b.post("/consent/", "login", login, "decision", "allow"))
	b.post("/consent/", "login", login, "decision", "allow").want(410) // double submit
	w.redeem(b.get(authorize()))                                       // remembered? a public client behind https is
	b.get(authorize("prompt", "consent")).to("/consent/")
	b.get(authorize("scope", "openid email offline_access")).to("/consent/")

	b.get(applicationsPath).want(200).says("The App")
	b.post(applicationsPath, "client", "app").to(applicationsPath)
	b.get(authorize()).to("/consent/")
	if grants, err := w.db.GrantsOf(t.Context(), ada.ID); err != nil || len(grants) != 0 {
		t.Errorf("grants %v, %v", grants, err)
	}
	b.post(applicationsPath, "client", "app").to(applicationsPath)
	b.post(applicationsPath).want(400)
}

func TestPrompt(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.user("bob")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	if a := b.get(authorize("prompt", "none")).to(callbackURL); a.param("error") != "login_required" {
		t.Errorf("answer %s", a.location)
	}
	b.signIn("ada")
	first := w.redeem(b.get(authorize("prompt", "none")))
	b.age(time.Hour)
	for _, force := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "60"}, {"max_age", "0"}} {
		a := b.get(authorize(force...)).to("/login/?login=")
		login := a.param("login")
		b.get(a.location).want(200) // not sent on, although somebody is signed in
		if a := b.get("/consent/?login=" + login); a.status != 303 || !strings.HasPrefix(a.location, "/login/") {
			t.Errorf("%v: consent: %d %s", force, a.status, a.location)
		}
		claims := w.redeem(b.post("/login/", "login", login, "email", "ada@example.org", "password", password))
		if age := time.Now().Unix() - int64(claims["auth_time"].(float64)); age > 30 || claims["sid"] != first["sid"] {
			t.Errorf("%v: %d s old, claims %v", force, age, claims)
		}
		b.age(time.Hour)
	}
	w.redeem(b.get(authorize("max_age", "7200")))

	// Somebody else takes the place, under a session of their own.
	before, err := b.session()
	must(t, err)
	login := b.get(authorize("prompt", "select_account")).param("login")
	claims := w.redeem(b.post("/login/", "login", login, "email", "bob@example.org", "password", password))
	if claims["sub"] == first["sub"] || claims["sid"] == first["sid"] {
		t.Errorf("claims %v", claims)
	}
	if _, err := w.db.Session(t.Context(), before.IDHash); err == nil {
		t.Error("the session from before still stands")
	}
}

// TestConsentIsDecidedAnew: what was too old, or said already, when the yes came,
// is not what the page said when it was shown.
func TestConsentIsDecidedAnew(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client()
	b := w.browser()
	b.signIn("ada")
	login := b.get(authorize("max_age", "60")).to("/consent/").param("login")
	l, err := w.db.Login(t.Context(), broker.LoginID(login))
	must(t, err)
	l.AuthTime = l.AuthTime.Add(-2 * time.Minute) // they read the page for long
	must(t, w.db.SaveLogin(t.Context(), l))
	b.post("/consent/", "login", login, "decision", "allow").to("/login/?login=" + login)

	one, two := b.get(authorize()).param("login"), b.get(authorize()).param("login")
	w.redeem(b.post("/consent/", "login", one, "decision", "allow"))
	w.redeem(b.get("/consent/?login=" + two)) // said in the other tab
}

// TestSelectAccount: who is signed in can be chosen, and then nothing else of
// the request is forgotten.
func TestSelectAccount(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.client()
	b := w.browser()
	b.signIn("ada")
	a := b.get(authorize("prompt", "select_account")).to("/login/?login=")
	login := a.param("login")
	b.get(a.location).want(200).says("Continue as ada")
	a = b.post("/login/", "login", login, "present", "1").to("/consent/?login=" + login)
	b.get(a.location).want(200)
	if claims := w.redeem(b.post("/consent/", "login", login, "decision", "allow")); claims["sub"] != string(ada.ID) {
		t.Errorf("claims %v", claims)
	}
	login = b.get(authorize("prompt", "select_account consent")).param("login")
	b.post("/login/", "login", login, "present", "1").to("/consent/")
	b.age(time.Hour)
	login = b.get(authorize("prompt", "select_account", "max_age", "60")).param("login")
	b.post("/login/", "login", login, "present", "1").to("/login/") // chosen, and too old
	b.post("/login/", "login", login, "present", "1").want(400)
	login = b.get(authorize("prompt", "select_account login")).param("login")
	b.post("/login/", "login", login, "present", "1").want(400)
	visitor := w.browser()
	login = visitor.get(authorize("prompt", "select_account")).param("login")
	visitor.post("/login/", "login", login, "present", "1").want(400)
}

func TestAuthorizeByPost(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	b.signIn("ada")
	u, err := url.Parse(authorize())
	must(t, err)
	post := func(path string, q url.Values) answer {
		r := b.request("POST", path, strings.NewReader(q.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://app.example")
		return b.do(r)
	}
	w.redeem(b.get(post("/oauth2/authorize", u.Query()).to("/oauth2/authorize?").location))
	// The browser sends no cookie along with a post from another site: the page that
	// it is led to has them.
	own := b
	b = w.browser()
	bounced := post("/oauth2/authorize", u.Query()).to("/oauth2/authorize?")
	if len(bounced.cookies) != 0 {
		t.Errorf("the post sets %v", bounced.cookies)
	}
	b = own
	w.redeem(b.get(bounced.location))
	q := u.Query()
	q.Add("state", "second")
	if a := b.get(post("/oauth2/authorize", q).location); a.param("error") != "invalid_request" {
		t.Errorf("a parameter that stands twice: %d %s", a.status, a.location)
	}
	post("/oauth2/authorize", url.Values{"client_id": {strings.Repeat("a", maxURI)}}).want(413)
}

func TestAuthorizeErrorsWithoutTrust(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	for _, bad := range [][]string{
		{"redirect_uri", "https://evil.example/cb"}, {"redirect_uri", callbackURL + "/x"}, {"redirect_uri", callbackURL + "?a=1"},
		{"client_id", "nobody"}, {"redirect_uri", "https://app.example.evil.example/cb"},
	} {
		a := b.get(authorize(bad...))
		if a.status/100 != 4 || a.location != "" {
			t.Errorf("%v: %d %s", bad, a.status, a.location)
		}
	}
	if a := b.get(authorize("scope", "openid admin")).to(callbackURL); a.param("error") != "invalid_scope" {
		t.Errorf("answer %s", a.location)
	}
}

// TestLoginHintFillsInTheForm where it is an address; whatever else it is, it is
// not shown (OpenID Connect Core 1.0, section 3.1.2.1).
func TestLoginHintFillsInTheForm(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	for hint, want := range map[string]string{
		"Ada@Example.org": "ada@example.org", "ada": "", "\"><script>alert(1)</script>@x.example": "", strings.Repeat("a", 300) + "@example.org": "", "": "",
	} {
		page, _ := b.follow(b.get(authorize("login_hint", hint)))
		field := regexp.MustCompile(`<input[^>]*name="email"[^>]*>`).FindString(page.want(200).body)
		if !strings.Contains(field, `value="`+want+`"`) {
			t.Errorf("%.40q: %s", hint, field)
		}
	}
}

// TestUILocalesChoosesTheLanguage of the pages, the best that we have (section
// 3.1.2.1): an application's wish is no error.
func TestUILocalesChoosesTheLanguage(t *testing.T) {
	w := newWorld(t)
	w.client(func(c *broker.Client) {
		c.Metadata.Localized = map[string]map[string]string{"client_name": {"de-CH": "Die Anwendung"}}
	})
	for locales, want := range map[string]string{"de": "de", "fr-CA fr de-AT en": "de", "en de": "en", "tlh": "en", "?": "en", "": "en"} {
		b := w.browser()
		page, _ := b.follow(b.get(authorize("ui_locales", locales)))
		if got := page.want(200).header.Get("Content-Language"); got != want {
			t.Errorf("%q: %s", locales, got)
		}
		if strings.Contains(text(page.body), "Die Anwendung") != (want == "de") {
			t.Errorf("%q: the application is called otherwise", locales)
		}
	}
}
