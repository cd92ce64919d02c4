package web

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local/passkeytest"
)

// passkeyOptions are what navigator.credentials takes, in the member of a page.
func (a said) passkeyOptions(member string) string {
	a.t.Helper()
	view, _ := a.Data[member].(map[string]any)
	options, _ := view["options"].(string)
	if options == "" {
		a.t.Fatalf("no options in %q: %s", member, a.body)
	}
	return options
}

func jsonPasskey(t *testing.T, w *world) {
	w.user("pia")
	p, k := w.program(), passkeytest.New(t, passkeytest.ES256)
	p.signIn("pia@example.org")
	options := p.get(passkeysPath).page("passkeys").passkeyOptions("add")
	p.post(passkeysPath+"add/", "name", "", "credential", k.Register(t, options, w.url)).refused(422, "passkey.name_invalid", "name")
	options = p.get(passkeysPath).page("passkeys").passkeyOptions("add")
	p.post(passkeysPath+"add/", "name", "Phone", "credential", k.Register(t, options, w.url)).to(passkeysPath)
	rows := p.get(passkeysPath).page("passkeys").rows("passkeys")
	if len(rows) != 1 || rows[0]["name"] != "Phone" {
		t.Fatalf("%v", rows)
	}
	id := rows[0]["id"]
	p.post(passkeysPath+"rename/", "id", id, "name", "Pia's phone").to(passkeysPath)
	p.post("/account/settings/devices/remember/", "on", true).to(devicesPath)
	p.post("/account/settings/devices/remember/").to(devicesPath)

	own := w.program()
	own.get("/login/").page("login")
	options = own.get("/login/passkey/").page("passkey").passkeyOptions("passkey")
	own.post("/login/passkey/", "credential", "{}").refused(422, "passkey.unreadable")
	own.post("/login/passkey/", "credential", k.Sign(t, options, w.url), "remember", true).to("/")
	if me := own.get(mePath); me.status != 200 {
		t.Errorf("%d %s", me.status, me.body)
	}

	p.post(factorPath + "start/").to(factorPath)
	secret := strings.ReplaceAll(p.get(factorPath).page("factor").keySecret(), " ", "")
	p.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).page("recovery_codes")
	second := w.program()
	a := second.post("/login/", "email", "pia@example.org", "password", password).to("/second-factor/?login=")
	options = second.get(a.Location).page("second_factor").passkeyOptions("passkey")
	second.post("/second-factor/passkey/", "login", a.next("login"), "credential", k.Sign(t, options, w.url)).to("/")

	p.get(passkeysPath + "remove/?id=" + id.(string)).page("confirm")
	p.post(passkeysPath+"remove/", "id", id).to(passkeysPath)
	if rows := p.get(passkeysPath).page("passkeys").rows("passkeys"); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

func jsonTakeBack(t *testing.T, w *world) {
	w.user("tia")
	for len(w.mails()) > 0 { // of those before
	}
	p, reader, k := w.program(), w.program(), passkeytest.New(t, passkeytest.ES256)
	takeBack := func(path, link, effect string) {
		t.Helper()
		if confirm := reader.get(link).page("confirm"); confirm.text("action") != path || !strings.Contains(confirm.body, effect) {
			t.Errorf("%s", confirm.body)
		}
		reader.post(path, "token", secretIn(t, link)).to("/lost-password/")
		reader.post(path, "token", secretIn(t, link)).refused(410, "take_back.unknown")
		p.nobody()
	}
	p.signIn("tia@example.org")
	options := p.get(passkeysPath).page("passkeys").passkeyOptions("add")
	p.post(passkeysPath+"add/", "name", "Phone", "credential", k.Register(t, options, w.url)).to(passkeysPath)
	takeBack(broker.PasskeyBackPath, w.mailedLink("passkey-added"), "Phone")

	p.signIn("tia@example.org")
	p.post(factorPath + "start/").to(factorPath)
	secret := strings.ReplaceAll(p.get(factorPath).page("factor").keySecret(), " ", "")
	p.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).page("recovery_codes")
	takeBack(broker.FactorBackPath, w.mailedLink("factor-added"), "app")

	w.server.o.NewBrowserMail = true
	defer func() { w.server.o.NewBrowserMail = false }()
	p.signIn("tia@example.org")
	takeBack(broker.SignInBackPath, w.mailedLink("new-browser"), "sign-in")

	far := w.program()
	to := far.post("/login/provider/", "app", "demo", "remember", true).to("/oauth/login/demo/?login=")
	far.get(to.Location).to(w.op.URL)
	far.post("/login/provider/", "app", "nobody").refused(404, "error.no_such_page")
}
