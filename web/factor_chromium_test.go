package web

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"idbroker/broker"
	"idbroker/tokens"
)

// TestFactorInABrowser: somebody without a second factor comes from an application
// that wants one, sets an app up on the way, and arrives with recovery codes in
// hand; in another browser they show the app, and are remembered there.
func TestFactorInABrowser(t *testing.T) {
	ctx := chromium(t)
	w := newWorldWith(t, tokens.Options{SecondFactor: true})
	w.remembering(30 * 24 * time.Hour)
	ada := w.user("ada")
	w.client(func(c *broker.Client) {
		c.FirstParty, c.Metadata.SecondFactor, c.RedirectURIs = true, true, []string{w.url + "/app"}
	})
	b := tabOf{t, ctx, w}
	signIn := func(then string) {
		b.open(authorize("redirect_uri", w.url+"/app")).fill("email", ada.Email).fill("password", password)
		b.do(chromedp.Submit(chromedp.CSS(`input[name=password]`)), chromedp.WaitVisible(chromedp.CSS(then)))
	}
	const start = `form[action="/second-factor/set-up/start/"] button`
	signIn(start)
	b.says("The App wants people to sign in in two steps").press(start, `input[name=code]`).says("Let the app read this picture")
	secret := strings.ReplaceAll(regexp.MustCompile(`[A-Z2-7]{4}( [A-Z2-7]{4}){7}`).FindString(b.text()), " ", "")
	b.do(chromedp.Reload()).fill("code", "000000").press(`form[action="/second-factor/set-up/"] button.primary`, `.wrong`)
	b.fill("code", appShows(t, secret, 0)).press(`form[action="/second-factor/set-up/"] button.primary`, `ol code`)
	if n := len(regexp.MustCompile(`[A-Z]{4}-[A-Z]{4}-[A-Z]{4}`).FindAllString(b.text(), -1)); n != 10 {
		t.Errorf("%d recovery codes:\n%s", n, b.text())
	}
	b.press(`a.button.primary`, `a.button[href="/"]`)
	if at := b.at(); !strings.HasPrefix(at, "/app?") || !strings.Contains(at, "code=") {
		t.Errorf("arrived at %s", at)
	}

	b.anew()
	signIn(`input[name=code]`)
	b.do(chromedp.Click(chromedp.CSS(`input[name=remember]`)))
	b.fill("code", appShows(t, secret, 1)).press(`form[action="/second-factor/"] button.primary`, `a.button[href="/"]`)
	if at := b.at(); !strings.HasPrefix(at, "/app?") || !strings.Contains(at, "code=") {
		t.Errorf("arrived at %s", at)
	}
	b.open(securityPath).says("Browsers without the second step").says("This device")
	b.press(`form[action="/account/settings/second-factor/forget/"] button`, `.notice.ok`).says("is asked for the second step again")
}
