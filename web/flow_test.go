package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// redeem turns the code of an answer into the claims of its ID token.
func (w *world) redeem(a answer) map[string]any {
	w.t.Helper()
	a.to(callbackURL)
	if a.param("state") != "the-state" || a.param("iss") != w.url {
		w.t.Fatalf("answer %s", a.location)
	}
	resp, err := http.PostForm(w.url+"/oauth2/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {a.param("code")}, "redirect_uri": {callbackURL}, "client_id": {"app"}, "code_verifier": {verifier},
	})
	must(w.t, err)
	defer resp.Body.Close()
	var tokens struct {
		Error   string `json:"error"`
		IDToken string `json:"id_token"`
	}
	must(w.t, json.NewDecoder(resp.Body).Decode(&tokens))
	parts := strings.Split(tokens.IDToken, ".")
	if len(parts) != 3 {
		w.t.Fatalf("token endpoint: %d %s", resp.StatusCode, tokens.Error)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(w.t, err)
	var claims map[string]any
	must(w.t, json.Unmarshal(payload, &claims))
	return claims
}

// TestMainJob is the way of a newcomer: from the application to the provider,
// sign-up, mail proof, consent, and back with tokens.
func TestMainJob(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	a := b.get(authorize("ui_locales", "de")).to("/login/?login=")
	login := a.param("login")
	b.get(a.location).want(200).says("The App").says("app.example")
	if a = b.get(a.location); a.header.Get("Content-Language") != "de" {
		t.Errorf("language %q", a.header.Get("Content-Language"))
	}
	a = b.walk(b.get("/oauth/login/demo/?login="+login), "ada").to("/oauth/signup/demo/?login=" + login)
	b.get(a.location).want(200).says("Ich habe hier ein Konto").says("Demo")
	a = b.get(a.location + "&new=1").want(200).says("Demo")
	if !strings.Contains(a.body, `value="ada@example.org"`) || !strings.Contains(a.body, `value="Ada Lovelace"`) {
		t.Errorf("the form is not filled in:\n%s", a.body)
	}
	a = b.post("/signup/", "login", login, "email", "Ada@Example.org", "name", "Ada L.", "username", "ada").to("/sent/?login=" + login)
	b.get(a.location).want(200).says("ada@example.org")
	if _, err := w.db.UserByEmail(t.Context(), "ada@example.org"); err == nil {
		t.Fatal("an account before the address is proven")
	}
	link := w.mailedLink("sign-up")
	b.get(link).want(200).says("ada@example.org")
	b.get(link).want(200) // looking spends nothing
	token := strings.TrimPrefix(link, "/verify-email/?token=")
	a = b.post("/verify-email/", "token", token).to("/consent/?login=" + login)
	b.get(a.location).want(200).says("The App").says("Ada L.").says("ada@example.org")
	claims := w.redeem(b.post("/consent/", "login", login, "decision", "allow"))
	user, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	row, err := b.session()
	must(t, err)
	if claims["sub"] != string(user.ID) || claims["nonce"] != "the-nonce" || claims["sid"] != row.SID || claims["idp"] != "demo" {
		t.Errorf("claims %v", claims)
	}
	identities, err := w.db.IdentitiesOf(t.Context(), user.ID)
	must(t, err)
	if len(identities) != 1 || identities[0].Subject != "ada" {
		t.Errorf("identities %v", identities)
	}
	// The second time it is one hop: no page, no login.
	if again := w.redeem(b.get(authorize())); again["sub"] != claims["sub"] || again["sid"] != claims["sid"] {
		t.Errorf("claims %v", again)
	}
	// And with the known identity, in another browser, no sign-up.
	b = w.browser()
	login = b.get(authorize()).param("login")
	if again := w.redeem(b.walk(b.get("/oauth/login/demo/?login="+login), "ada")); again["sub"] != claims["sub"] || again["sid"] == claims["sid"] {
		t.Errorf("claims %v", again)
	}
}

func TestProofInAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	w.client()
	b, phone := w.browser(), w.browser()
	login := b.get(authorize()).param("login")
	b.post("/signup/", "login", login, "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/")
	b.get("/sent/?login=" + login).want(200)
	link := w.mailedLink("sign-up")
	phone.get(link).want(200)
	phone.post("/verify-email/", "token", strings.TrimPrefix(link, "/verify-email/?token=")).want(200)
	if phone.cookie(sessionCookie) != "" {
		t.Error("the link signed its reader in")
	}
	b.get("/sent/?login=" + login).to("/consent/")
	if _, err := b.session(); err != nil {
		t.Error("the browser of the sign-up is not signed in")
	}
}

// TestDisabledWhileSigningUp: an account that an operator disables before its
// first session gets none.
func TestDisabledWhileSigningUp(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	login := b.post("/signup/", "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/").param("login")
	w.browser().post("/verify-email/", "token", strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")).want(200)
	u, err := w.db.UserByEmail(t.Context(), "eve@example.org")
	must(t, err)
	must(t, w.accounts.SetDisabled(t.Context(), u.ID, true))
	b.get("/sent/?login=" + login).want(403)
	b.nobody()
}

// TestReturnToIsCheckedAtTheEnd: a row that says something else than we ever
// write leads to the start page.
func TestReturnToIsCheckedAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	login := b.get("/login/?next=/x").to("/login/").param("login")
	l, err := w.db.Login(t.Context(), broker.LoginID(login))
	must(t, err)
	l.ReturnTo = "//evil.example"
	must(t, w.db.SaveLogin(t.Context(), l))
	if a := b.post("/login/", "login", login, "email", "ada@example.org", "password", password); a.location != "/" {
		t.Errorf("to %q", a.location)
	}
}

func TestSignUpForm(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.get("/signup/").want(200)
	a := b.post("/signup/", "email", "no address", "name", "x\x01", "username", "@", "password", "short").want(422)
	for _, field := range []string{"email-problem", "name-problem", "username-problem", "password-problem"} {
		if !strings.Contains(a.body, field) {
			t.Errorf("no word about %s", field)
		}
	}
	if strings.Contains(a.body, "short\"") {
		t.Error("the password is on the page")
	}
	// A known address is answered like a new one, and its owner is told.
	a = b.post("/signup/", "email", ada.Email, "name", "A", "password", password).to("/sent/?login=")
	known, unknown := b.get(a.location).want(200), answer{}
	if m := w.mails(); len(m) != 1 || m[0].Template != "known" {
		t.Errorf("mails %v", m)
	}
	b2 := w.browser()
	a = b2.post("/signup/", "email", "new@example.org", "name", "A", "password", password).to("/sent/?login=")
	unknown = b2.get(a.location).want(200)
	if strings.ReplaceAll(text(known.body), "ada@", "new@") != text(unknown.body) {
		t.Errorf("the page tells:\n%s\n%s", text(known.body), text(unknown.body))
	}
	w.mails()
	// Again too soon, and again later.
	login := a.param("login")
	b2.post("/sent/", "login", login).want(429)
	l, err := w.db.Login(t.Context(), broker.LoginID(login))
	must(t, err)
	l.ExpiresAt = l.ExpiresAt.Add(-2 * time.Minute)
	must(t, w.db.SaveLogin(t.Context(), l))
	b2.post("/sent/", "login", login).to("/sent/")
	if m := w.mails(); len(m) != 1 || m[0].Template != "sign-up" {
		t.Errorf("mails %v", m)
	}
}

func TestSignUpClosed(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NoSignUp = true })
	b := w.browser()
	b.get("/signup/").want(403)
	b.post("/signup/", "email", "a@example.org", "password", password).want(403)
	if a := b.get("/login/"); strings.Contains(a.body, "/signup/") {
		t.Error("the way to the sign-up is offered")
	}
}

func TestNoPasswords(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NoPasswords = true })
	w.user("ada")
	b := w.browser()
	if a := b.get("/login/").want(200); strings.Contains(a.body, `type="password"`) {
		t.Error("a password is asked for")
	}
	b.post("/login/", "email", "ada@example.org", "password", password).want(404)
	b.get("/lost-password/").want(404)
	b.get("/reset-password/?token=x").want(404)
	b.get("/signup/").want(403)
}

func TestWrongPassword(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	wrong := b.post("/login/", "email", "ada@example.org", "password", "wrong").want(422)
	unknown := b.post("/login/", "email", "nobody@example.org", "password", "wrong").want(422)
	if text(wrong.body) != text(unknown.body) {
		t.Error("the page tells whether the address is known")
	}
	if !strings.Contains(wrong.body, `value="ada@example.org"`) {
		t.Error("what was typed is gone")
	}
}

func TestLostPassword(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	elsewhere, b := w.browser(), w.browser()
	elsewhere.signIn("ada")
	known := b.post("/lost-password/", "email", "ada@example.org").want(200)
	link := w.mailedLink("reset")
	unknown := b.post("/lost-password/", "email", "bob@example.org").want(200)
	if strings.ReplaceAll(text(known.body), "ada@", "bob@") != text(unknown.body) || len(w.mails()) != 0 {
		t.Error("the answer tells whether the address is known")
	}
	b.post("/lost-password/", "email", "nonsense").want(422)
	b.get(link).want(200)
	token := strings.TrimPrefix(link, "/reset-password/?token=")
	b.post("/reset-password/", "token", token, "password", "short").want(422)
	b.post("/reset-password/", "token", token, "password", "a brand new one").to("/login/")
	b.post("/reset-password/", "token", token, "password", "another brand new one").want(410)
	elsewhere.get(profilePath).to("/login/")
	b.post("/login/", "email", "ada@example.org", "password", password).want(422)
	b.post("/login/", "email", "ada@example.org", "password", "a brand new one").to("/")
}

// TestIHaveAnAccount: an unknown identity, an account that is proven by its
// password, and a yes.
// TestMailTellsTheBrowser: who reads a mail must be able to see whether it was
// they who asked.
func TestMailTellsTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	r := b.request("POST", "/lost-password/", strings.NewReader("email=ada@example.org"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	b.do(r).want(200)
	if m := w.mails()[0]; m.Data["browser"] != "Firefox, Linux" || m.Data["ip"] != "127.0.0.1" {
		t.Errorf("told: %v", m.Data["browser"])
	}
}

func TestIHaveAnAccount(t *testing.T) {
	for _, decision := range []string{"link", "skip"} {
		w := newWorld(t)
		ada := w.user("ada")
		w.client(func(c *broker.Client) { c.FirstParty = true })
		b := w.browser()
		login := b.get(authorize()).param("login")
		a := b.walk(b.get("/oauth/login/demo/?login="+login), "ada").to("/oauth/signup/demo/")
		b.get(a.location).want(200).says("a…@example.org") // the provider has proven the address
		b.get("/login/?login=" + login).want(200).says("Demo")
		a = b.post("/login/", "login", login, "email", ada.Email, "password", password).to("/link/?login=")
		b.get(a.location).want(200).says("Demo")
		b.post("/link/", "login", login).want(400)
		claims := w.redeem(b.post("/link/", "login", login, "decision", decision))
		if claims["sub"] != string(ada.ID) {
			t.Errorf("claims %v", claims)
		}
		linked, err := w.db.IdentitiesOf(t.Context(), ada.ID)
		must(t, err)
		if (len(linked) == 1) != (decision == "link") {
			t.Errorf("%s: identities %v", decision, linked)
		}
	}
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	w.client(func(c *broker.Client) { c.FirstParty = true })
	b := w.browser()
	b.signIn("ada")
	b.get("/logout/").want(200)
	if _, err := b.session(); err != nil {
		t.Fatal("a GET signed out")
	}
	idToken := func() string {
		a := b.get(authorize()).to(callbackURL)
		resp, err := http.PostForm(w.url+"/oauth2/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {a.param("code")}, "redirect_uri": {callbackURL}, "client_id": {"app"}, "code_verifier": {verifier},
		})
		must(t, err)
		defer resp.Body.Close()
		var tokens map[string]any
		must(t, json.NewDecoder(resp.Body).Decode(&tokens))
		return tokens["id_token"].(string)
	}
	hint := idToken()
	end := "/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"s"}}.Encode()

	// Without a hint it asks; the yes goes where the request asked to.
	noHint := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"https://app.example/bye"}}
	a := b.get("/oauth2/logout?" + noHint.Encode()).want(200).says("The App")
	if !strings.Contains(a.body, `name="request"`) {
		t.Fatalf("the request is not carried along:\n%s", a.body)
	}
	b.post("/logout/", "request", noHint.Encode()).to("https://app.example/bye")
	if _, err := b.session(); err == nil {
		t.Error("still signed in")
	}
	if grants, err := w.db.GrantsOf(t.Context(), ada.ID); err != nil || len(grants) != 0 {
		t.Errorf("grants %v, %v", grants, err)
	}

	// The hint of an older session is not this session.
	b.signIn("ada")
	b.get(end).want(200)
	hint = idToken()
	end = "/oauth2/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://app.example/bye"}, "state": {"s"}}.Encode()
	other := w.browser()
	w.user("bob")
	other.signIn("bob")
	other.get(end).want(200) // somebody else's hint
	b.get(strings.Replace(end, "bye", "evil", 1)).want(400)
	if _, err := b.session(); err != nil {
		t.Error("a refused request changed something")
	}
	b.get(end).to("https://app.example/bye?state=s")
	if _, err := b.session(); err == nil {
		t.Error("still signed in")
	}
	b.get(end).to("https://app.example/bye?state=s") // nobody to sign out
	b.get("/oauth2/logout").to("/logout/")
}

func TestClaim(t *testing.T) {
	w := newWorld(t)
	token, err := w.accounts.Claim(t.Context())
	must(t, err)
	b := w.browser()
	b.get("/claim/?token=wrong").want(410).says("This link does not work")
	b.get("/claim/").want(410).says("This link does not work")
	b.get("/claim/?token=" + token.Reveal()).want(200)
	b.post("/claim/", "token", token.Reveal(), "email", "root@example.org", "name", "Root", "password", "x").want(422)
	b.post("/claim/", "token", "wrong", "email", "root@example.org", "name", "Root", "password", password).want(410)
	b.post("/claim/", "token", token.Reveal(), "email", "root@example.org", "name", "Root", "password", password).to("/")
	u, err := w.db.UserByEmail(t.Context(), "root@example.org")
	must(t, err)
	if row, err := b.session(); err != nil || row.UserID != u.ID || !u.Admin {
		t.Errorf("%+v %v %+v", row, err, u)
	}
	w.browser().post("/claim/", "token", token.Reveal(), "email", "evil@example.org", "name", "Evil", "password", password).want(410).says("This installation has been set up")
	b.get("/claim/?token=wrong").want(410).says("This installation has been set up")
}

func TestProviderDeclined(t *testing.T) {
	w := newWorld(t)
	w.client()
	b := w.browser()
	login := b.get(authorize()).param("login")
	a := b.walk(b.get("/oauth/login/demo/?login="+login), "")
	if a.status != 403 || !strings.Contains(a.body, "/login/?login="+login) {
		t.Errorf("%d: no way on:\n%s", a.status, a.body)
	}
	w.op.Fail(providertest.Token, providertest.Failure{Status: 503})
	if a = b.walk(b.get("/oauth/login/demo/?login="+login), "ada"); a.status/100 != 5 {
		t.Errorf("%d", a.status)
	}
	b.walk(b.get("/oauth/login/demo/?login="+login), "ada").to("/oauth/signup/demo/")
}

// TestSignUpClosedLeadsToSignIn: who has an account, and came with an identity that is
// not linked yet, can sign in within the same login and link.
func TestSignUpClosedLeadsToSignIn(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NoSignUp = true })
	w.user("ada")
	w.client()
	b := w.browser()
	login := b.get(authorize()).to("/login/").param("login")
	closed := b.walk(b.get("/oauth/login/demo/?login="+login), "bob").to("/oauth/signup/demo/")
	page := b.get(closed.location).want(200).says("New accounts can’t be created here")
	b.get(closed.location + "&new=1").want(403)
	if strings.Contains(page.body, "new=1") {
		t.Error("the form is offered")
	}
	if !strings.Contains(page.body, `href="/login/?login=`+login+`"`) {
		t.Fatalf("no way to sign in and link:\n%s", page.body)
	}
	b.post("/login/", "login", login, "email", "ada@example.org", "password", password).to("/link/")
}
