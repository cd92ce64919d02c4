package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
)

// TestThisWasNotMe: a thief at a browser that was left open links an identity of
// theirs. The person opens the mail elsewhere; looking at it changes nothing,
// the button throws the thief out.
func TestThisWasNotMe(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	left := w.browser()
	left.signIn("ada")
	left.walk(left.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	left.get(linkedAccountsPath).want(200).says("Demo linked").says("can be taken back until").says("a…@example.org")
	link := w.mailedLink("linked")

	home := w.browser()
	for range 2 {
		page := home.get(link).want(200).says("Take this change back?").says("This Demo account will no longer let anybody into your account.")
		if got := page.header.Get("Referrer-Policy"); got == "" || strings.Contains(page.body, "https://") {
			t.Errorf("the secret may leave the page: Referrer-Policy %q", got)
		}
	}
	left.get(linkedAccountsPath).want(200).says("Unlink")
	u, err := url.Parse(link)
	must(t, err)
	token := u.Query().Get("token")
	home.post(broker.UndoLinkPath, "token", "forged").want(410).says("We don’t know this link")
	home.post(broker.UndoLinkPath, "token", token).to("/login/")
	home.get("/login/").want(200).says("is taken back")
	left.get(linkedAccountsPath).to("/login/")
	home.post(broker.UndoLinkPath, "token", token).want(410).says("taken back already")
	home.get(link).want(410)

	thief := w.browser()
	thief.walk(thief.get("/oauth/login/demo/"), "bob").to("/oauth/signup/demo/") // a stranger again
	for _, m := range w.mails() {
		if m.Template == "link-undone" {
			return
		}
	}
	t.Error("the person is not told")
}

// TestUndoIsNotForOtherSites: another site cannot press the button for somebody.
func TestUndoIsNotForOtherSites(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	u, err := url.Parse(w.mailedLink("linked"))
	must(t, err)
	r := b.request("POST", broker.UndoLinkPath, strings.NewReader("token="+u.Query().Get("token")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).want(403)
	b.get(linkedAccountsPath).want(200).says("Demo linked").says("can be taken back until")
}

// TestUndoEndsWhatHasNoSessionYet: who was authenticated before the change was
// taken back, and has not got a session by then, gets none.
func TestUndoEndsWhatHasNoSessionYet(t *testing.T) {
	for _, undone := range []bool{false, true} {
		w := newWorld(t)
		u := w.user("ada")
		b := w.browser()
		b.get("/oauth/login/demo/") // so that the browser has its cookie
		now := time.Now()
		l := broker.Login{
			ID: broker.LoginID(broker.NewID()), BrowserHash: broker.Secret(b.cookie(browserCookie)).Hash(), ReturnTo: securityPath,
			StartedAt: now.Add(-time.Minute), ExpiresAt: now.Add(time.Hour),
		}
		l.Authenticated(u.ID, broker.Authentication{At: now.Add(-time.Second), Provider: "demo"})
		must(t, w.db.CreateLogin(t.Context(), l))
		u.PasswordSetAt = now.Add(-time.Hour)
		if undone {
			u.SignedOutAt = now
		}
		must(t, w.db.UpdateUser(t.Context(), u))
		b.follow(b.get("/login/?login=" + string(l.ID)))
		if in := b.get(securityPath).status == 200; in == undone {
			t.Errorf("undone %v: signed in %v", undone, in)
		}
	}
}

// TestReplaceAsksFirst: the question names both, "keep" changes nothing, "replace"
// does.
func TestReplaceAsksFirst(t *testing.T) {
	w := newWorld(t)
	w.second(broker.SecondReplace)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.walk(b.post("/oauth/login/demo/"), "ada").to(linkedAccountsPath)
	b.get(linkedAccountsPath).want(200).says("Link Demo") // once more
	for _, decision := range []string{"skip", "link", "replace"} {
		ask := b.walk(b.post("/oauth/login/demo/"), "bob").to("/link/")
		b.get(ask.location).want(200).says("Replace your Demo account?").says("Ada Lovelace").says("Bob")
		a := b.post("/link/", "login", ask.param("login"), "decision", decision)
		page, _ := b.follow(a)
		switch decision {
		case "skip":
			page.says("Ada Lovelace")
		case "link":
			a.want(409).says("You have linked another account there already")
		default:
			b.get(linkedAccountsPath).says("Demo replaced").says("Bob")
		}
	}
}

// second gives both providers a policy for second identities.
func (w *world) second(policy broker.Second) {
	w.t.Helper()
	w.server.linker = linking.New(w.db, policyApps{w.apps, policy}, linking.Options{Issuer: w.url})
}

// policyApps are the configured apps with another policy.
type policyApps struct {
	linking.Apps
	second broker.Second
}

func (a policyApps) Provider(id string) (broker.Provider, bool) {
	p, ok := a.Apps.Provider(id)
	p.Second = a.second
	return p, ok
}

func (a policyApps) Providers() []broker.Provider {
	all := a.Apps.Providers()
	for i := range all {
		all[i].Second = a.second
	}
	return all
}
