package web

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store/storetest"
)

// TestMailsIgnoreTheHost: no header of a request makes a mail lead anywhere but here.
func TestMailsIgnoreTheHost(t *testing.T) {
	w := newWorld(t)
	w.codes(local.CodesSignIn)
	ada := w.user("ada")
	for path, fields := range map[string][]string{
		"/lost-password/": {"email", ada.Email},
		"/code/send/":     {"email", ada.Email},
		"/signup/":        {"email", "new@example.org", "name", "New", "password", password},
	} {
		eve := w.browser()
		r := eve.request("POST", path, strings.NewReader(form(fields...).Encode()))
		r.Host = "evil.example"
		for name, value := range map[string]string{
			"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin", "X-Forwarded-Host": "evil.example", "X-Forwarded-Server": "evil.example",
			"X-Original-Host": "evil.example", "Forwarded": "host=evil.example;proto=https", "X-Forwarded-Proto": "https", "X-Original-URL": "//evil.example/", "Referer": "https://evil.example/",
		} {
			r.Header.Set(name, value)
		}
		a := eve.do(r)
		if strings.Contains(a.location+a.body, "evil") {
			t.Errorf("%s leads elsewhere: %q", path, a.location)
		}
		mails := w.mails()
		if len(mails) != 1 || !strings.HasPrefix(mails[0].Data["link"], w.url+"/") {
			t.Errorf("%s mails %+v", path, mails)
		}
		for k, v := range mails[0].Data {
			if strings.Contains(v, "evil") {
				t.Errorf("%s: %s is %q", path, k, v)
			}
		}
	}
}

// TestScannersChangeNothing: a scanner of mails that opens every link, in each way in
// which one can be looked at, uses none up and does nothing that it is for.
func TestScannersChangeNothing(t *testing.T) {
	w := mailingWorld(t, storetest.SQLite(t))
	ada := w.user("ada")
	owner, other := w.browser(), w.browser()
	owner.signIn("ada")
	w.mails()
	other.agent, other.ip = chrome, "198.51.100.1"
	other.signIn("ada")
	owner.setUpApp()
	owner.post("/lost-password/", "email", ada.Email).want(200)
	owner.post(emailPath, "email", "else@example.org").to(profilePath)
	w.browser().post("/signup/", "email", "new@example.org", "name", "New", "password", password).to("/sent/")
	links := map[string]string{} // by the mail
	for _, m := range w.mails() {
		if strings.Contains(m.Data["link"], "?token=") {
			links[m.Template] = strings.TrimPrefix(m.Data["link"], w.url)
		}
	}
	for _, template := range []string{"new-browser", "factor-added", "reset", "email", "sign-up"} {
		if links[template] == "" {
			t.Fatalf("no link in %q: %v", template, links)
		}
	}
	before, err := w.db.User(t.Context(), ada.ID)
	must(t, err)
	for template, link := range links {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "GET"} {
			r := w.browser().request(method, link, nil)
			r.Header.Set("Purpose", "prefetch")
			w.browser().do(r)
			r = w.browser().request(method, link, nil)
			r.Header.Set("Accept", "application/json")
			w.browser().do(r)
			owner.do(owner.request(method, link, nil)) // also with the person's own cookies
		}
		if owner.get(link).status != 200 {
			t.Errorf("the link of %s is used up", template)
		}
	}
	after, err := w.db.User(t.Context(), ada.ID)
	must(t, err)
	if after.Version != before.Version || after.Email != before.Email || !after.HasSecondFactor() || after.SignedOutAt != before.SignedOutAt {
		t.Errorf("looking has changed the account: %+v", after)
	}
	if _, err := w.db.UserByEmail(t.Context(), "new@example.org"); err == nil {
		t.Error("looking has begun an account")
	}
	if len(w.mails()) != 0 {
		t.Error("looking has mailed somebody")
	}
	owner.in()
	owner.post(broker.SignInBackPath, "token", secretIn(t, links["new-browser"])).to("/lost-password/")
	owner.in()
}
