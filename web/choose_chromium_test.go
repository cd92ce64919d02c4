package web

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// tabOf is a tab of a real browser; its steps fail the test.
type tabOf struct {
	t   *testing.T
	ctx context.Context
	w   *world
}

func (b tabOf) do(actions ...chromedp.Action[chromedp.Void]) tabOf {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v, at %s:\n%s", err, b.at(), b.text())
	}
	return b
}

func (b tabOf) open(path string) tabOf { b.t.Helper(); return b.do(chromedp.Navigate(b.w.url + path)) }

// anew makes the browser one that was never here.
func (b tabOf) anew() tabOf {
	b.t.Helper()
	return b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
}

// press clicks on what a selector finds, once it is there, and waits for what must follow.
func (b tabOf) press(selector, then string) tabOf {
	b.t.Helper()
	return b.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)), chromedp.WaitVisible(chromedp.CSS(then)))
}

func (b tabOf) fill(name, value string) tabOf {
	b.t.Helper()
	field := chromedp.CSS(`input[name="` + name + `"]`)
	return b.do(chromedp.WaitVisible(field), chromedp.SetValue(field, value))
}

func (b tabOf) at() string {
	at, _ := chromedp.Run(b.ctx, chromedp.Location())
	return strings.TrimPrefix(at, b.w.url)
}

func (b tabOf) login() string {
	u, err := url.Parse(b.at())
	must(b.t, err)
	return u.Query().Get("login")
}

func (b tabOf) text() string {
	s, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return s
}

func (b tabOf) says(words string) tabOf {
	b.t.Helper()
	if got := b.text(); !strings.Contains(got, words) {
		b.t.Fatalf("%s does not say %q:\n%s", b.at(), words, got)
	}
	return b
}

// come returns from a provider as somebody, by the buttons of the pages.
func (b tabOf) come(provider, subject, then string) tabOf {
	b.t.Helper()
	return b.press(`a[href^="/oauth/login/`+provider+`/"]`, `button[value="`+subject+`"]`).press(`button[value="`+subject+`"]`, then)
}

const (
	choiceShown   = `a[href*="new=1"]`
	questionShown = `button[value="link"]`
)

// TestChooseInABrowser goes through the choice with each of the three proofs.
func TestChooseInABrowser(t *testing.T) {
	ctx := chromium(t)
	w := newWorld(t)
	ada, bob := w.user("ada"), w.user("bob")
	for _, s := range []string{"by-password", "by-code", "by-identity"} {
		w.op.AddPerson(providertest.Person{Subject: s, Username: s, Name: s})
	}
	b := tabOf{t, ctx, w}
	begin := func(subject string) string {
		b.anew()
		b.open("/login/?next="+url.QueryEscape(profilePath)).come("demo", subject, choiceShown).says("I have an account here")
		b.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS(choiceShown))) // it survives
		return b.login()
	}
	agree := func(u broker.User, before, after string) {
		t.Helper()
		if got := w.identities(u); got != before {
			t.Errorf("linked before anybody was asked: %s", got)
		}
		b.says("to your account?").press(questionShown, `form[action="`+profilePath+`"]`)
		if got := w.identities(u); got != after {
			t.Errorf("linked: %s", got)
		}
	}
	login := begin("by-password")
	b.press(`a[href="/login/?login=`+login+`"]`, `input[name=password]`)
	b.fill("email", ada.Email).fill("password", password).do(chromedp.Submit(chromedp.CSS(`input[name=password]`)), chromedp.WaitVisible(chromedp.CSS(questionShown)))
	agree(ada, "", "demo by-password")

	begin("by-code")
	b.press(`a[href^="/code/"]`, `input[name=email]`)
	b.fill("email", bob.Email).press(`main form button.primary`, `input[name=code]`).says(bob.Email)
	b.fill("code", strings.ToLower(w.mailedCode("code-link"))).press(`main form button.primary`, questionShown)
	agree(bob, "", "demo by-code")

	b.anew()
	b.open("/login/?next="+url.QueryEscape(profilePath)).come("other", "by-identity", choiceShown)
	b.come("demo", "by-code", questionShown)
	agree(bob, "demo by-code", "demo by-code, other by-identity")
}

// TestSignUpInABrowser: two tabs of one browser, each with another provider, cross;
// reload and back lose nothing that was sent; the mailed link is opened on a phone.
func TestSignUpInABrowser(t *testing.T) {
	ctx := chromium(t)
	w := newWorld(t)
	b := tabOf{t, ctx, w}
	second, stop := chromedp.NewContext(ctx)
	defer stop()
	b.open("/login/?next=" + url.QueryEscape(profilePath))
	c := tabOf{t, second, w}
	c.open(b.at())
	b.come("demo", "bob", choiceShown).says("Bob")
	c.come("other", "ada", choiceShown).says("Ada Lovelace")
	b.press(choiceShown, `input[name=username]`).says("From Demo")
	c.press(choiceShown, `input[name=username]`).says("From Other")
	b.fill("email", "bbo@example.org").fill("username", "bobby").press(`main form button.primary`, `form[action="/sent/"]`).says("bbo@example.org")
	c.fill("email", "ada@example.org").press(`main form button.primary`, `form[action="/sent/"]`).says("ada@example.org")
	// A typing error: back to the form, which has kept the rest.
	b.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS(`form[action="/sent/"]`)))
	b.press(`a[href*="new=1"]`, `input[name=username]`)
	kept, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("input[name=username]").value`))
	must(t, err)
	if kept != "bobby" {
		t.Errorf("the form has forgotten the username: %q", kept)
	}
	b.fill("email", "bob@example.org").press(`main form button.primary`, `form[action="/sent/"]`).says("bob@example.org")
	links := map[string]string{}
	for _, m := range w.mails() {
		links[m.To] = strings.TrimPrefix(m.Data["link"], w.url)
	}
	if w.browser().get(links["bbo@example.org"]).status != 410 {
		t.Error("the link to the mistyped address still works")
	}
	phone := w.browser()
	phone.get(links["bob@example.org"]).want(200).says("began in another browser")
	phone.post("/verify-email/", "token", strings.TrimPrefix(links["bob@example.org"], "/verify-email/?token=")).want(200).says("Go back to the browser")
	phone.nobody()
	b.press(`a[href^="/sent/"]`, `form[action="`+profilePath+`"]`)
	c.open(links["ada@example.org"]).press(`main form button.primary`, `form[action="`+profilePath+`"]`)
	for email, want := range map[string]string{"bob@example.org": "demo bob", "ada@example.org": "other ada"} {
		u, err := w.db.UserByEmail(t.Context(), email)
		must(t, err)
		if got := w.identities(u); got != want {
			t.Errorf("%s is opened by %s", email, got)
		}
	}
}
