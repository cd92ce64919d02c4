package web

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local/passkeytest"
	"idbroker/limits"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// passkeyWorld is a world whose address has a name, as passkeys need.
func passkeyWorld(t testing.TB, db *store.DB, edit ...func(*Options)) *world {
	t.Helper()
	return worldAt(t, "localhost", db, tokens.Options{}, nil, func(string, *providers.App) {}, edit...)
}

var optionsOnPage = regexp.MustCompile(`data-passkey="([^"]*)"`)

// options are what a page hands to navigator.credentials.
func (a answer) options() string {
	a.t.Helper()
	m := optionsOnPage.FindStringSubmatch(a.body)
	if m == nil {
		a.t.Fatalf("no options on the page:\n%s", text(a.body))
	}
	return html.UnescapeString(m[1])
}

// addPasskey adds a passkey on the pages.
func (b *browser) addPasskey(k *passkeytest.Key, name string) {
	b.w.t.Helper()
	page := b.get(passkeysPath).want(200)
	b.post(passkeysPath+"add/", "name", name, "credential", k.Register(b.w.t, page.options(), b.w.url)).to(passkeysPath)
}

// withPasskey signs in with a passkey, from the sign-in page on.
func (b *browser) withPasskey(k *passkeytest.Key, edit ...func(*passkeytest.Answer)) answer {
	b.w.t.Helper()
	page := b.get("/login/").want(200)
	return b.post("/login/passkey/", "credential", k.Sign(b.w.t, page.options(), b.w.url, edit...))
}

// TestPasskey goes through everything once: adding, signing in, what tokens tell,
// renaming, removing.
func TestPasskey(t *testing.T) { storetest.Each(t, passkeyOnce) }

func passkeyOnce(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.client(func(c *broker.Client) { c.FirstParty = true })
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(securityPath).want(200).says("Add a passkey").says("One way in: your password")
	b.get(passkeysPath).want(200).says("You have none yet")
	for name, alg := range map[string]int{"Phone": passkeytest.EdDSA, "Laptop": passkeytest.ES256, "Old laptop": passkeytest.RS256} {
		k := passkeytest.New(t, alg)
		k.Flags, k.Count = passkeytest.Syncable|passkeytest.Synced, 1
		b.addPasskey(k, name)
		own := w.browser()
		own.withPasskey(k).to("/")
		row, err := own.session()
		if err != nil || row.UserID != ada.ID || row.ACR != broker.ACRSecond || !slices.Equal(row.AMR, []string{"pop", "user", "mfa"}) {
			t.Errorf("%s: %+v %v", name, row, err)
		}
		own.get(passkeysPath).want(200).says(name).says("Copied by your password manager").says("built in, phone nearby")
	}
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Key")
	b.get(passkeysPath).want(200).says("Stays on this one device").says("not used yet")
	b.get(securityPath).want(200).says("You have 4 passkeys").says("5 ways in").says("Passkey added").says("Signed in with a passkey")
	b.get(linkedAccountsPath).want(200).says("5 ways in")

	app := w.browser()
	login := app.get(authorize()).param("login")
	page := app.get("/login/?login=" + login).want(200).says("The App")
	claims := w.redeem(app.post("/login/passkey/", "login", login, "credential", k.Sign(t, page.options(), w.url)).to(callbackURL))
	if amr, _ := claims["amr"].([]any); len(amr) != 3 || amr[0] != "pop" || amr[1] != "user" || amr[2] != "mfa" || claims["acr"] != broker.ACRSecond || claims["sub"] != string(ada.ID) {
		t.Errorf("claims %v", claims)
	}
	if !strings.Contains(w.browser().get("/login/").body, `autocomplete="username webauthn"`) {
		t.Error("the field does not offer passkeys")
	}
	keys, err := db.PasskeysOf(t.Context(), ada.ID)
	must(t, err)
	last := keys[3]
	b.post(passkeysPath+"rename/", "id", last.ID, "name", "phone").want(422).says("You have a passkey of that name")
	b.post(passkeysPath+"rename/", "id", last.ID, "name", "").want(422)
	b.post(passkeysPath+"rename/", "id", last.ID, "name", "  Blue   key ").to(passkeysPath)
	b.get(passkeysPath).want(200).says("Blue key")
	b.get(passkeysPath + "remove/?id=" + last.ID).want(200).says("Remove the passkey Blue key?")
	b.post(passkeysPath+"remove/", "id", last.ID).to(passkeysPath)
	b.post(passkeysPath+"remove/", "id", last.ID).want(404)
	w.browser().withPasskey(k).want(422).says("No account here knows this passkey")
	var mailed []string
	for _, m := range w.mails() {
		mailed = append(mailed, m.Template+" "+m.Data["passkey"])
	}
	if !slices.Contains(mailed, "passkey-removed Blue key") || !slices.Contains(mailed, "passkey-added Phone") || len(mailed) != 5 {
		t.Errorf("mails: %q", mailed)
	}
}

// TestForgedPasskeys: whatever of an answer is not as it must be, nobody comes in.
func TestForgedPasskeys(t *testing.T) { storetest.Each(t, forgedPasskeys) }

func forgedPasskeys(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.user("ada")
	w.user("eve")
	b, e := w.browser(), w.browser()
	b.signIn("ada")
	e.signIn("eve")
	k, evil := passkeytest.New(t, passkeytest.ES256), passkeytest.New(t, passkeytest.ES256)
	k.Count = 7
	b.addPasskey(k, "Phone")
	e.addPasskey(evil, "Phone")
	other := w.browser()
	elsewhere := other.get("/login/").options()
	adding := b.get(passkeysPath).options()
	for what, edit := range map[string]func(*passkeytest.Answer){
		"another origin":                    func(a *passkeytest.Answer) { a.Origin = "https://localhost.evil.example" },
		"plain text where it was encrypted": func(a *passkeytest.Answer) { a.Origin = strings.Replace(w.url, "http:", "https:", 1) },
		"another port":                      func(a *passkeytest.Answer) { a.Origin = "http://localhost:1" },
		"in a frame of another site":        func(a *passkeytest.Answer) { a.CrossOrigin, a.TopOrigin = true, "https://evil.example" },
		"another relying party":             func(a *passkeytest.Answer) { a.RPID = "evil.example" },
		"nobody verified":                   func(a *passkeytest.Answer) { a.Flags &^= passkeytest.Verified },
		"nobody present":                    func(a *passkeytest.Answer) { a.Flags &^= passkeytest.Present },
		"it became one that can be copied":  func(a *passkeytest.Answer) { a.Flags |= passkeytest.Syncable },
		"another signature":                 func(a *passkeytest.Answer) { a.Forged = true },
		"a new passkey instead":             func(a *passkeytest.Answer) { a.Type = "webauthn.create" },
		"a credential of another":           func(a *passkeytest.Answer) { a.ID = evil.ID },
		"an unknown credential":             func(a *passkeytest.Answer) { a.ID = []byte("nobody's") },
		"a handle of another":               func(a *passkeytest.Answer) { a.Handle = evil.Handle },
		"no handle":                         func(a *passkeytest.Answer) { a.Handle = nil },
		"a challenge of another browser":    func(a *passkeytest.Answer) { a.Challenge = challengeIn(t, elsewhere) },
		"a challenge for adding one":        func(a *passkeytest.Answer) { a.Challenge = challengeIn(t, adding) },
		"a challenge of its own":            func(a *passkeytest.Answer) { a.Challenge = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		"no challenge":                      func(a *passkeytest.Answer) { a.Challenge = "" },
	} {
		own := w.browser()
		a := own.withPasskey(k, edit)
		if a.status != 422 {
			t.Errorf("%s: %d", what, a.status)
		}
		own.nobody()
	}
	w.browser().withPasskey(k).to("/") // after all that an honest one still works
}

func challengeIn(t testing.TB, options string) string {
	t.Helper()
	m := regexp.MustCompile(`"challenge":"([^"]*)"`).FindStringSubmatch(options)
	if m == nil {
		t.Fatal(options)
	}
	return m[1]
}

// TestPasskeyAnswersOnce: what was signed opens one session, in its browser and
// its login.
func TestPasskeyAnswersOnce(t *testing.T) { storetest.Each(t, passkeyAnswersOnce) }

func passkeyAnswersOnce(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	w.client()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256) // does not count: its counter cannot help
	b.addPasskey(k, "Phone")

	b = w.browser()
	signed := k.Sign(t, b.get("/login/").options(), w.url)
	thief := w.browser()
	thief.get("/login/")
	thief.post("/login/passkey/", "credential", signed).want(422)
	thief.nobody()
	b.post("/login/passkey/", "credential", signed).to("/")
	b.post("/login/passkey/", "credential", signed).want(422).says("was sent twice")
	b.post("/login/?switch=1", "email", "ada@example.org", "password", "x")

	b = w.browser() // an answer for one login is none for another
	first, second := b.get(authorize()).param("login"), b.get(authorize()).param("login")
	signed = k.Sign(t, b.get("/login/?login="+first).options(), w.url)
	b.post("/login/passkey/", "login", second, "credential", signed).want(422)
	b.nobody()
	newer := k.Sign(t, b.get("/login/passkey/?login="+first).want(200).options(), w.url)
	b.post("/login/passkey/", "login", first, "credential", newer).to("/consent/")
	b.post("/login/passkey/", "login", first, "credential", signed).to("/consent/") // nothing was spent: another challenge
}

// TestClonedPasskey: a device that does not count on is not let in, and its person
// hears of it once for each answer.
func TestClonedPasskey(t *testing.T) { storetest.Each(t, clonedPasskey) }

func clonedPasskey(t *testing.T, db *store.DB) {
	w := passkeyWorld(t, db)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	k.Count = 5
	b.addPasskey(k, "Key")
	clone := k.Copy()
	w.browser().withPasskey(k).to("/")
	w.mails()
	thief := w.browser()
	page := thief.get("/login/")
	signed := clone.Sign(t, page.options(), w.url) // 6 again
	thief.post("/login/passkey/", "credential", signed).want(422).says("second copy")
	thief.post("/login/passkey/", "credential", signed).want(422)
	thief.nobody()
	w.browser().withPasskey(clone, func(a *passkeytest.Answer) { a.Count = 0 }).want(422)
	var names []string
	for _, m := range w.mails() {
		names = append(names, m.Template)
	}
	if !slices.Equal(names, []string{"passkey-cloned", "passkey-cloned"}) {
		t.Errorf("mails %q", names)
	}
	events, err := db.Events(t.Context(), ada.ID, 1)
	must(t, err)
	if events[0].Name != broker.EventPasskeyCloned {
		t.Errorf("event %q", events[0].Name)
	}
	w.browser().withPasskey(k).to("/")
}

// TestPasskeyOfDisabled: only who has signed hears why they are not let in.
func TestPasskeyOfDisabled(t *testing.T) {
	w := passkeyWorld(t, storetest.New(t))
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	must(t, w.accounts.SetDisabled(t.Context(), ada.ID, true))
	b = w.browser()
	b.withPasskey(k).want(403)
	b.withPasskey(k, func(a *passkeytest.Answer) { a.Forged = true }).want(422)
	b.nobody()
	must(t, w.accounts.SetDisabled(t.Context(), ada.ID, false))
	b.withPasskey(k).to("/")
	if _, err := w.accounts.Close(t.Context(), must2(b.session())(t)); err != nil {
		t.Fatal(err)
	}
	b = w.browser()
	b.withPasskey(k).want(403).says("Reopen")
	b.nobody()
	must(t, w.accounts.Delete(t.Context(), ada.ID))
	w.browser().withPasskey(k).want(422).says("No account here knows this passkey")
}

func must2[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T { t.Helper(); must(t, err); return v }
}

// TestPasskeyLimits: what is refused takes from the network's bucket, and what is
// right does not.
func TestPasskeyLimits(t *testing.T) {
	db := storetest.New(t)
	w := passkeyWorld(t, db, func(o *Options) {
		o.TrustedHops = 1
		o.Limits = limits.New(db, limits.Options{Network: broker.Limit{Burst: 3, Every: time.Hour}})
	})
	w.user("ada")
	from := func(b *browser, ip, path string, pairs ...string) answer {
		r := b.request("POST", path, strings.NewReader(form(pairs...).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("X-Forwarded-For", ip)
		return b.do(r)
	}
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	good := func(ip string) answer {
		b := w.browser()
		return from(b, ip, "/login/passkey/", "credential", k.Sign(t, b.get("/login/").options(), w.url))
	}
	for range 6 {
		good("192.0.2.1").to("/")
	}
	for range 3 {
		from(w.browser(), "192.0.2.1", "/login/passkey/", "credential", "{}").want(422)
	}
	good("192.0.2.1").want(429)
	if a := from(w.browser(), "192.0.2.1", "/login/passkey/", "credential", "{}").want(429); strings.Count(a.body, "data-challenge=") != 2 {
		t.Error("a form has no challenge")
	}
	good("198.51.100.1").to("/")
}

// TestPasskeyForms: what is no answer is refused, whatever it is.
func TestPasskeyForms(t *testing.T) {
	w := passkeyWorld(t, storetest.New(t))
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	k := passkeytest.New(t, passkeytest.ES256)
	b.addPasskey(k, "Phone")
	signed := k.Sign(t, w.browser().get("/login/").options(), w.url)
	for what, text := range map[string]string{
		"nothing": "", "no JSON": "x", "a list": "[]", "null": "null", "empty": "{}", "cut off": signed[:len(signed)-2], "more behind": signed + "{}",
		"another type": strings.Replace(signed, "public-key", "password", 1),
		"a number":     `{"id":1}`, "deep": strings.Repeat(`{"response":`, 900),
	} {
		own := w.browser()
		if a := own.post("/login/passkey/", "credential", text); a.status != 422 {
			t.Errorf("%s: %d", what, a.status)
		}
		own.nobody()
		if a := b.post(passkeysPath+"add/", "name", "x", "credential", text); a.status != 422 {
			t.Errorf("%s, added: %d", what, a.status)
		}
	}
	b.post("/login/passkey/", "credential", "a\x00b").want(400)
	b.post("/login/passkey/", "credential", `{"id":"`+strings.Repeat("A", 17<<10)+`"}`).want(400)
	long := url.Values{"credential": {strings.Repeat("A", 70<<10)}}.Encode()
	r := b.request("POST", "/login/passkey/", strings.NewReader(long))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(r).want(413)
}

// TestPasskeysAreOff: at an address without a name there are none.
func TestPasskeysAreOff(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	if strings.Contains(b.get("/login/").body, "passkey") {
		t.Error("offered")
	}
	b.get("/login/passkey/").want(404)
	b.post("/login/passkey/", "credential", "{}").want(404)
	b.signIn("ada")
	b.get(passkeysPath).want(404)
	b.post(passkeysPath+"add/", "name", "x", "credential", "{}").want(404)
	if strings.Contains(b.get(securityPath).body, "passkey") {
		t.Error("offered in the settings")
	}
}
