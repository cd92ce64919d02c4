package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"idbroker/providers/providertest"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestErrorsLeadOn in a real browser, with scripts and without: each page of a
// journey that went wrong can be used with a thumb, and its first way on leads to
// where it says. The form of a link must get past our own policy to the provider.
func TestErrorsLeadOn(t *testing.T) {
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %t", scripts), func(t *testing.T) {
			s := surf(t)
			w := crowdedWorld(t, storetest.New(t), tokens.Options{}, campus)
			w.client()
			w.member("bob")
			w.user("eve")
			eve := w.browser()
			eve.agent = s.agent() // the session goes over there
			eve.signIn("eve")
			s.scripts(scripts)
			looks := func(name string) {
				t.Helper()
				for _, width := range []int64{1280, 390} {
					for _, scheme := range []string{"light", "dark"} {
						s.do(chromedp.EmulateViewport(width, 844))
						s.scheme(scheme)
						for _, f := range evaluate[[]string](s, faults) {
							t.Errorf("%s, %d px, %s: %s", name, width, scheme, f)
						}
						if scripts {
							s.keep(fmt.Sprintf("error-%s-%d-%s", name, width, scheme))
						}
					}
				}
			}
			press := func(selector string) {
				t.Helper()
				_, err := chromedp.RunResponse(s.ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
				must(t, err)
			}
			atProvider := func(what string) {
				t.Helper()
				if at := evaluate[string](s, "location.href"); !strings.HasPrefix(at, w.op.URL) {
					t.Fatalf("%s leads to %s", what, at)
				}
			}
			leave := func(app string) {
				t.Helper()
				s.open(w.url + authorize())
				s.sees("Continue with Demo")
				press(`a[href^="/oauth/login/` + app + `/"]`)
				atProvider("the button")
			}

			leave("demo")
			press("button[name=deny]")
			s.sees("You didn’t go on at Demo")
			looks("denied")
			press("a.primary")
			atProvider("trying again")
			w.op.Fail(providertest.Token, providertest.Failure{Status: 503})
			press("button[value=bob]")
			s.sees("Demo is out of order")
			looks("down")
			press("a.primary")
			w.op.Fail(providertest.Token, providertest.Failure{Truncate: true})
			press("button[value=bob]")
			s.sees("We can’t make sense of Demo’s answer")
			looks("broken")
			press("a.primary")
			press("button[value=bob]")
			s.sees("The App") // it is still the application's sign-in
			s.open(w.url + "/logout/")
			press("main button")
			leave("campus")
			press("button[value=ada]")
			s.sees("not one of an organisation that may come in")
			looks("not-admitted")
			press("a.primary")
			if at := evaluate[string](s, "location.href"); !strings.Contains(at, "prompt=select_account") {
				t.Errorf("another account leads to %s", at)
			}

			s.do(command(network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: eve.cookie(sessionCookie), URL: w.url}))
			s.open(w.url + linkedAccountsPath)
			press(`form[action="/oauth/login/demo/"] button`)
			press("button[value=bob]")
			s.sees("sign in to the other one")
			looks("taken")
			press(".actions form button")
			atProvider("another account")
			press("button[value=ada]")
			s.sees("Demo is linked")
		})
	}
}
