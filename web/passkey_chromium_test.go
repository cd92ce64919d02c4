package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"idbroker/broker"
	"idbroker/store/storetest"
)

// protocol is a command of the browser's protocol as an action; got, where it is
// not nil, gets its answer.
func protocol[P, R any](command cdp.Command[P, R], params P, got *R) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		r, err := cdp.Call(ctx, t, command, params)
		if err == nil && got != nil {
			*got = r
		}
		return err
	})
}

// plugIn gives the browser a device of a kind ("internal", "usb"), which knows its
// person.
func plugIn(t testing.TB, ctx context.Context, transport webauthn.AuthenticatorTransport) webauthn.AuthenticatorID {
	t.Helper()
	var made webauthn.AddVirtualAuthenticatorResult
	must(t, chromedp.Do(ctx,
		protocol(webauthn.Enable, webauthn.EnableParams{}, nil),
		protocol(webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: transport,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}}, &made),
	))
	return made.AuthenticatorID
}

// pageShows waits until the page says something.
func pageShows(t testing.TB, ctx context.Context, words string) {
	t.Helper()
	said := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`)); err == nil {
			if said = now; strings.Contains(said, words) {
				return
			}
		}
	}
	where, _ := chromedp.Run(ctx, chromedp.Location())
	t.Fatalf("%s does not say %q:\n%s", where, words, said)
}

// TestPasskeyJourneyInChromium: a person adds a passkey, signs in with it by the
// field and by the button, proves that they are still there, shows it in the place
// of a code, and removes it. What the browser refuses is told in words.
func TestPasskeyJourneyInChromium(t *testing.T) {
	ctx := chromium(t)
	w := passkeyWorld(t, storetest.New(t))
	ada := w.user("ada")
	device := plugIn(t, ctx, webauthn.AuthenticatorTransportInternal)
	simulate := func(present bool) chromedp.Action[chromedp.Void] {
		return protocol(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: device, Enabled: present}, nil)
	}
	fill := func(name, value string) chromedp.Action[chromedp.Void] {
		return chromedp.SendKeys(chromedp.CSS(`input[name=`+name+`]`), value)
	}
	signOut := func() {
		t.Helper()
		must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/logout/"), chromedp.Click(chromedp.CSS(`form[action="/logout/"] button`)), chromedp.WaitVisible(chromedp.CSS(`a[href="/login/"]`))))
	}
	session := func() broker.Session {
		t.Helper()
		all, err := w.db.SessionsOf(t.Context(), ada.ID)
		must(t, err)
		if len(all) != 1 {
			t.Fatalf("%d sessions", len(all))
		}
		return all[0]
	}

	// Nobody touches the device yet: the field's offer stays open while a password is typed.
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"),
		chromedp.WaitVisible(chromedp.CSS(`form[data-passkey] button`)),
		fill("email", "ada@example.org"), fill("password", password), chromedp.Submit(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitNotPresent(chromedp.CSS(`input[name=password]`)),
		chromedp.Navigate(w.url+passkeysPath),
		chromedp.WaitVisible(chromedp.CSS(`form[data-passkey] button`)),
		chromedp.Click(chromedp.CSS(`form[data-passkey] button`)),
	))
	pageShows(t, ctx, "The passkey is added")
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`form[data-passkey] button`)))) // the device has one already
	pageShows(t, ctx, "This device has a passkey for your account already")

	signOut()
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"))) // the device is touched: the field's offer is taken
	pageShows(t, ctx, "This is your account")
	if got := session(); got.ACR != broker.ACRSecond || strings.Join(got.AMR, " ") != "pop user mfa" {
		t.Errorf("session %+v", got)
	}

	// Prove it again, with the button.
	row := session()
	row.AuthTime = row.AuthTime.Add(-time.Hour)
	must(t, w.db.SaveSession(t.Context(), row))
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+passkeysPath)))
	pageShows(t, ctx, "prove that it’s you")
	must(t, chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS(`a[href^="/login/?again=1"]`)), chromedp.WaitVisible(chromedp.CSS(`form[data-passkey] button`)),
		protocol(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device}, nil),
		chromedp.Click(chromedp.CSS(`form[data-passkey] button`)),
	))
	pageShows(t, ctx, "Nothing came from your device")
	must(t, chromedp.Do(ctx, protocol(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device, IsUserVerified: true}, nil),
		chromedp.Click(chromedp.CSS(`form[data-passkey] button`))))
	pageShows(t, ctx, "Your passkeys")
	if got := session(); !got.Fresh(time.Minute, time.Now()) {
		t.Errorf("signed in %s ago", time.Since(got.AuthTime))
	}

	// In the place of a code.
	u, err := w.db.User(t.Context(), ada.ID)
	must(t, err)
	u.SecondFactorAt = time.Now()
	must(t, w.db.UpdateUser(t.Context(), u))
	signOut()
	must(t, chromedp.Do(ctx, simulate(false), chromedp.Navigate(w.url+"/login/"),
		chromedp.WaitVisible(chromedp.CSS(`input[name=password]`)),
		fill("email", "ada@example.org"), fill("password", password), chromedp.Submit(chromedp.CSS(`input[name=password]`)),
		chromedp.WaitVisible(chromedp.CSS(`input[name=code]`)), simulate(true),
		chromedp.Click(chromedp.CSS(`form[data-passkey] button`)),
	))
	pageShows(t, ctx, "This is your account")
	if got := session(); strings.Join(got.AMR, " ") != "pwd pop user mfa" {
		t.Errorf("session %+v", got)
	}

	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+passkeysPath), chromedp.Click(chromedp.CSS(`a[href*="/remove/"]`)),
		chromedp.WaitVisible(chromedp.CSS(`button.danger`)), chromedp.Click(chromedp.CSS(`button.danger`))))
	pageShows(t, ctx, "The passkey is removed")
	signOut()
	must(t, chromedp.Do(ctx, chromedp.Navigate(w.url+"/login/"))) // the device still has it
	pageShows(t, ctx, "No account here knows this passkey")
}

// TestNoPasskeysWithoutScript: where nothing runs, nothing is shown that would not
// work, and the rest does.
func TestNoPasskeysWithoutScript(t *testing.T) {
	w := passkeyWorld(t, storetest.New(t))
	page := w.browser().get("/login/").want(200)
	_, form, _ := strings.Cut(page.body, `action="/login/passkey/"`)
	if tag, _, _ := strings.Cut(form, ">"); !strings.HasSuffix(tag, " hidden") {
		t.Errorf("the form is shown: %.300s", form)
	}
	b := w.browser()
	w.user("ada")
	b.signIn("ada")
	b.get(passkeysPath).want(200).says("Passkeys need JavaScript")
}
