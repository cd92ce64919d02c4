package web

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"idbroker/store/storetest"
)

// TestTwoStepsInChromium: a person says who they are, types their password, adds a
// passkey, and finds both in the second step the next time. A device that is touched answers
// in the first step, without a name.
func TestTwoStepsInChromium(t *testing.T) {
	ctx := chromium(t)
	w := passkeyWorld(t, storetest.New(t), asksFirst)
	ada := w.user("ada")
	device := plugIn(t, ctx, webauthn.AuthenticatorTransportInternal)
	touched := func(is bool) chromedp.Action[chromedp.Void] {
		return protocol(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: device, Enabled: is}, nil)
	}
	const who, secret = `input[name=email]:not([hidden])`, `input[name=password]`
	say := func(name string) {
		t.Helper()
		must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"), chromedp.WaitVisible(chromedp.CSS(who)),
			chromedp.SendKeys(chromedp.CSS(who), name), chromedp.Submit(chromedp.CSS(who)), chromedp.WaitNotPresent(chromedp.CSS(who))))
	}
	signOut := func() {
		t.Helper()
		must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/logout/"), chromedp.Click(chromedp.CSS(`form[action="/logout/"] button`)), chromedp.WaitVisible(chromedp.CSS(`a[href="/login/"]`))))
	}
	evaluate := func(script string) string {
		t.Helper()
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		must(t, err)
		return got
	}

	must(t, chromedp.Do(ctx, touched(false)))
	say("ada")
	pageShows(t, ctx, "Continue with Demo") // nobody knows her here yet
	if got := evaluate(`document.activeElement.name + " " + document.querySelector("input[autocomplete=username]").value`); got != "password ada" {
		t.Errorf("the focus and the name for password managers: %s", got)
	}
	must(t, chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(secret), password), chromedp.Submit(chromedp.CSS(secret)), chromedp.WaitNotPresent(chromedp.CSS(secret)),
		touched(true), chromedp.Navigate(w.url+passkeysPath), chromedp.WaitVisible(chromedp.CSS(`form[data-passkey] button`)), chromedp.Click(chromedp.CSS(`form[data-passkey] button`))))
	pageShows(t, ctx, "The passkey is added")

	signOut()
	must(t, chromedp.Do(ctx, touched(false)))
	say("ada")
	pageShows(t, ctx, "Sign in with a passkey")
	if got := evaluate(`String(document.querySelectorAll(".provider").length) + document.querySelector("input[type=password]").autocomplete`); got != "0current-password webauthn" {
		t.Errorf("the ways of a known browser: %s", got)
	}
	must(t, chromedp.Do(ctx, touched(true), chromedp.Click(chromedp.CSS(`form[data-passkey] button`))))
	pageShows(t, ctx, "This is your account")

	signOut()
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"))) // the field's offer is taken
	pageShows(t, ctx, "This is your account")
	all, err := w.db.SessionsOf(t.Context(), ada.ID)
	must(t, err)
	if len(all) != 1 || all[0].AMR[0] != "pop" {
		t.Errorf("sessions %+v", all)
	}
}
