package web

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"idbroker/store/storetest"
)

// TestStayWithPasskeyInChromium: the choice beside the password, or the providers, holds
// for the passkey, too, whose form does not show it.
func TestStayWithPasskeyInChromium(t *testing.T) {
	ctx := chromium(t)
	w := passkeyWorld(t, storetest.New(t), func(o *Options) { o.Remember = ninety })
	ada := w.user("ada")
	device := plugIn(t, ctx, webauthn.AuthenticatorTransportInternal)
	touch := func(on bool) chromedp.Action[chromedp.Void] {
		return protocol(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: device, Enabled: on}, nil)
	}
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"),
		chromedp.SendKeys(chromedp.CSS(`input[name=email]`), "ada@example.org"), chromedp.SendKeys(chromedp.CSS(`input[name=password]`), password),
		chromedp.Submit(chromedp.CSS(`input[name=password]`)), chromedp.WaitNotPresent(chromedp.CSS(`input[name=password]`)),
		chromedp.Navigate(w.url+passkeysPath), chromedp.Click(chromedp.CSS(`form[data-passkey] button`)),
	))
	pageShows(t, ctx, "The passkey is added")
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/logout/"), chromedp.Click(chromedp.CSS(`form[action="/logout/"] button`)), chromedp.WaitVisible(chromedp.CSS(`a[href="/login/"]`)),
		touch(false), chromedp.Navigate(w.url+"/login/"), chromedp.WaitVisible(chromedp.CSS(`form[data-passkey] button`)),
		chromedp.Click(chromedp.CSS(`form#stay input[name=remember]`)),
	))
	all, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("input[name=remember]:checked").length`))
	if err != nil || all != 3 {
		t.Fatalf("%d boxes follow, %v", all, err)
	}
	must(t, chromedp.Do(ctx, touch(true), chromedp.Click(chromedp.CSS(`form[data-passkey] button`))))
	pageShows(t, ctx, "This is your account")
	rows, err := w.db.SessionsOf(t.Context(), ada.ID)
	if err != nil || len(rows) != 1 || !rows[0].Lasting || len(rows[0].AMR) == 0 || rows[0].AMR[0] != "pop" {
		t.Errorf("%+v, %v", rows, err)
	}
}
