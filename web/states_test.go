package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// tokensFor signs the browser in to the application and returns what it got.
func (w *world) tokensFor(b *browser) (access, refresh string) {
	w.t.Helper()
	a := b.get(authorize("scope", "openid offline_access", "prompt", "consent"))
	if strings.HasPrefix(a.location, "/consent/") {
		a = b.post("/consent/", "login", a.param("login"), "decision", "allow")
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {a.param("code")}, "redirect_uri": {callbackURL}, "code_verifier": {verifier}, "client_id": {"app"},
	}
	got := w.token(form)
	access, _ = got["access_token"].(string)
	refresh, _ = got["refresh_token"].(string)
	if access == "" || refresh == "" {
		w.t.Fatalf("%v", got)
	}
	return access, refresh
}

// token asks the token endpoint.
func (w *world) token(form url.Values) map[string]any {
	w.t.Helper()
	resp, err := http.PostForm(w.url+"/oauth2/token", form)
	must(w.t, err)
	defer resp.Body.Close()
	var got map[string]any
	must(w.t, json.NewDecoder(resp.Body).Decode(&got))
	return got
}

// TestBlockedEverywhere: an operator at another replica blocks an account while sessions,
// tokens, mails and sign-ins under way stand. None of it opens anything at the next
// request; the reason is told to who proves a credential and to nobody else.
func TestBlockedEverywhere(t *testing.T) {
	const reason = "Spam was posted from this account."
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := worldOn(t, storetest.Open(t, dsn), tokens.Options{})
		w.codes(local.CodesSignIn)
		replica := storetest.Open(t, dsn)
		operator := local.New(replica, linking.New(replica, w.apps, linking.Options{}), local.Options{Issuer: w.url})
		w.client()
		ada := w.user("ada")

		signedIn := w.browser() // a session, and a link to a provider under way
		signedIn.signIn("ada")
		access, refresh := w.tokensFor(signedIn)
		linkBack := w.op.Walk(t, signedIn.post("/oauth/login/demo/").to(w.op.URL).location, "bob")

		member := w.browser() // the account has an identity, too, and a sign-in by it is under way
		member.signIn("ada")
		member.walk(member.post("/oauth/login/other/"), "ada").to("/account/")
		provider := w.browser()
		providerBack := w.op.Walk(t, provider.get("/oauth/login/other/").to(w.op.URL).location, "ada")

		code := w.browser()
		login := code.get(authorize()).param("login")
		code.post("/code/send/", "login", login, "email", ada.Email).to("/code/")
		digits := w.mailedCode("code-sign-in")

		lost := w.browser()
		lost.post("/lost-password/", "email", ada.Email).want(200)
		link, err := url.Parse(w.mailedLink("reset"))
		must(t, err)

		consent := w.browser() // has proven who they are and is asked for consent
		waiting := consent.get(authorize("prompt", "consent")).param("login")
		consent.post("/login/", "login", waiting, "email", ada.Email, "password", password).to("/consent/")

		must(t, operator.SetState(t.Context(), ada.ID, broker.OpBlock, reason))

		silent := func(name string, a answer) {
			t.Helper()
			if strings.Contains(a.body, reason) {
				t.Errorf("%s tells the reason to who has proven nothing:\n%s", name, a.body)
			}
		}
		told := func(name string, b *browser, a answer) {
			t.Helper()
			if a.status != 403 || !strings.Contains(a.body, reason) {
				t.Errorf("%s: %d %s\n%s", name, a.status, a.location, a.body)
			}
			b.nobody()
		}
		signedIn.get(profilePath).to("/login/")
		signedIn.post("/account/settings/password/", "current", password, "password", "another good one").want(401)
		silent("link", signedIn.callback(linkBack))
		signedIn.nobody()
		consent.post("/consent/", "login", waiting, "decision", "allow")
		consent.nobody()
		if got := w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"app"}}); got["error"] != "invalid_grant" {
			t.Errorf("refresh: %v", got)
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/oauth2/userinfo", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+access)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != 401 {
			t.Errorf("userinfo: %d", resp.StatusCode)
		}
		told("provider", provider, provider.callback(providerBack))
		told("code", code, code.post("/code/", "login", login, "code", digits))
		silent("reset", lost.post("/reset-password/", "token", link.Query().Get("token"), "password", "another good one").want(410))

		b := w.browser()
		told("password", b, b.post("/login/", "email", ada.Email, "password", password))
		wrong := b.post("/login/", "email", ada.Email, "password", "wrong "+password).want(422)
		silent("wrong password", wrong)
		nobody := b.post("/login/", "email", "nobody@example.org", "password", "wrong "+password).want(422)
		if strings.ReplaceAll(wrong.body, ada.Email, "nobody@example.org") != nobody.body {
			t.Error("a wrong password tells a blocked account from none")
		}
		b.post("/lost-password/", "email", ada.Email).want(200)
		again := w.browser()
		started := again.get(authorize()).param("login")
		again.post("/code/send/", "login", started, "email", ada.Email).to("/code/")
		signUp := b.post("/signup/", "email", ada.Email, "name", "Ada", "password", password).to("/sent/")
		silent("sign-up", b.get(signUp.location))
		for _, m := range w.mails() {
			if m.Template != "known" && m.Template != "" { // "known" is what whoever registers again gets; "" is no mail
				t.Errorf("mailed %q", m.Template)
			}
		}

		must(t, operator.SetState(t.Context(), ada.ID, broker.OpUnblock, ""))
		b.signIn("ada")
		consent.get("/consent/?login=" + waiting) // what was under way stays ended, and what stood
		consent.nobody()
		member.get(profilePath).to("/login/") // its session was not looked at while the account was blocked
		if got := w.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {"app"}}); got["error"] != "invalid_grant" {
			t.Errorf("refresh, unblocked: %v", got)
		}
	})
}

// TestBlockedBeforeTheFirstSession: a sign-up that was proven in another browser goes on
// in its own; not behind a block, also where that was taken back before anybody looked.
func TestBlockedBeforeTheFirstSession(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	login := b.post("/signup/", "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/").param("login")
	w.browser().post("/verify-email/", "token", strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")).want(200)
	u, err := w.db.UserByEmail(t.Context(), "eve@example.org")
	must(t, err)
	must(t, w.accounts.SetState(t.Context(), u.ID, broker.OpBlock, ""))
	must(t, w.accounts.SetState(t.Context(), u.ID, broker.OpUnblock, ""))
	b.get("/sent/?login=" + login)
	b.nobody()
}

// TestBlockedBetweenPasswordAndFactor: whoever owes the second factor gets nothing for it
// any more, reads why, and does not go on behind the block when it is gone.
func TestBlockedBetweenPasswordAndFactor(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	secret, codes := b.setUpApp()
	owing := w.browser()
	login := owing.post("/login/", "email", ada.Email, "password", password).to("/second-factor/").param("login")
	must(t, w.accounts.SetState(t.Context(), ada.ID, broker.OpBlock, "Spam was posted."))
	owing.get("/second-factor/?login=" + login).want(403).says("Spam was posted.")
	owing.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).want(403)
	owing.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).want(403)
	owing.nobody()
	must(t, w.accounts.SetState(t.Context(), ada.ID, broker.OpUnblock, ""))
	owing.post("/second-factor/", "login", login, "code", appShows(t, secret, 1))
	owing.nobody()
}

// TestClosedBetweenPasswordAndFactor: an account that its person closes meanwhile asks
// for no second factor any more, and spends none.
func TestClosedBetweenPasswordAndFactor(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	secret, codes := b.setUpApp()
	owing := w.browser()
	login := owing.post("/login/", "email", ada.Email, "password", password).to("/second-factor/").param("login")
	b.post(closePath).to("/")
	owing.get("/second-factor/?login=" + login).want(403)
	owing.post("/second-factor/", "login", login, "code", appShows(t, secret, 1)).want(403)
	owing.post("/second-factor/", "login", login, "recovery", "1", "code", codes[0]).want(403)
	owing.nobody()
	if left, err := w.db.CountRecoveryCodes(t.Context(), ada.ID); err != nil || left != len(codes) {
		t.Errorf("%d recovery codes of %d, %v", left, len(codes), err)
	}
}

// TestModeratedNewcomer: each way in which an account begins leads to the page that says
// what happens next, and to no session.
func TestModeratedNewcomer(t *testing.T) {
	w := newWorld(t)
	_, err := w.accounts.SetDomain(t.Context(), "example.org", broker.DomainModerated, nil)
	must(t, err)
	b := w.browser()
	b.post("/signup/", "email", "eve@example.org", "name", "Eve", "password", password).to("/sent/")
	token := strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")
	b.post("/verify-email/", "token", token).want(403).says("waits for the operators").says("nothing more to do")
	b.nobody()
	b.post("/verify-email/", "token", token).want(410)

	there := w.browser()
	there.post("/signup/", "email", "eva@example.org", "name", "Eva", "password", password).to("/sent/")
	w.browser().post("/verify-email/", "token", strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")).want(200).says("have to let you in")

	remote := w.browser()
	a := remote.walk(remote.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/")
	remote.post("/signup/", "login", a.param("login"), "name", "Ada", "email", "ada@example.org").to("/sent/")
	remote.post("/verify-email/", "token", strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")).want(403).says("waits for the operators")
	remote.walk(remote.get("/oauth/login/demo/"), "ada").want(403).says("waits for the operators")
	remote.nobody()

	u, err := w.db.UserByEmail(t.Context(), "ada@example.org")
	must(t, err)
	_ = w.mails()
	must(t, w.accounts.SetState(t.Context(), u.ID, broker.OpActivate, ""))
	if link := w.mailedLink("activated"); link != "/login/" {
		t.Error(link)
	}
	remote.walk(remote.get("/oauth/login/demo/"), "ada").to("/")
}

// TestBlockedDomainPages: the form says what is wrong with which field and mails nobody; the
// provider's button with an address typed instead of its own does not get round it.
func TestBlockedDomainPages(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"evil.example", "later.example"} {
		_, err := w.accounts.SetDomain(t.Context(), name, broker.DomainBlocked, nil)
		must(t, err)
	}
	b := w.browser()
	page := b.post("/signup/", "email", "eve@sub.evil.example", "name", "Eve", "password", password).want(422).says("sub.evil.example")
	if !strings.Contains(page.body, "email-problem") || !strings.Contains(page.body, `value="eve@sub.evil.example"`) {
		t.Error(page.body)
	}
	remote := w.browser()
	a := remote.walk(remote.get("/oauth/login/demo/"), "ada").to("/oauth/signup/demo/")
	remote.post("/signup/", "login", a.param("login"), "name", "Ada", "email", "ada@evil.example").want(422)
	if m := w.mails(); len(m) != 0 {
		t.Errorf("%+v", m)
	}
	_, err := w.accounts.SetDomain(t.Context(), "later.example", broker.DomainNew, nil)
	must(t, err)
	remote.post("/signup/", "login", a.param("login"), "name", "Ada", "email", "ada@later.example").to("/sent/")
	_, err = w.accounts.SetDomain(t.Context(), "later.example", broker.DomainBlocked, nil)
	must(t, err)
	remote.post("/verify-email/", "token", strings.TrimPrefix(w.mailedLink("sign-up"), "/verify-email/?token=")).want(403).says("later.example")
	remote.nobody()

	w.user("ada")
	member := w.browser()
	member.signIn("ada")
	member.post("/account/settings/email/", "email", "ada@evil.example").want(422).says("evil.example")
}
