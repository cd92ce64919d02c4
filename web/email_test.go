package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// secretIn is the token of a mailed link.
func secretIn(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	must(t, err)
	return u.Query().Get("token")
}

// TestChangeOfAddress is the whole way of a person, and of the owner who takes it
// back.
func TestChangeOfAddress(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	here, there := w.browser(), w.browser()
	here.signIn("ada")
	there.signIn("ada")

	here.get(profilePath).want(200).says("Change address")
	here.get(emailPath).want(200).says("ada@example.org")
	here.post(emailPath, "email", "no address").want(422).says("address")
	here.post(emailPath, "email", "ada@example.org").want(422).says("That is your address already")
	here.post(emailPath, "email", "Ada@New.example.org").to(profilePath)
	here.get(profilePath).want(200).says("a mail is on its way").says("ada@example.org")
	link := w.mailedLink("email")
	for range 2 { // a mail scanner, and the person
		here.get(link).want(200).says("ada@new.example.org")
		w.browser().get(link).want(403).says("Sign in first")
	}
	w.browser().post(broker.EmailPath, "token", secretIn(t, link)).want(403)
	if u, err := w.db.User(t.Context(), ada.ID); err != nil || u.Email != ada.Email {
		t.Fatalf("%+v, %v", u, err)
	}
	here.post(broker.EmailPath, "token", secretIn(t, link)).to(profilePath)
	here.get(profilePath).want(200).says("Your address is ada@new.example.org now")
	here.post(broker.EmailPath, "token", secretIn(t, link)).want(410)
	there.get(profilePath).to("/login/")
	back := w.mailedLink("email-changed")

	owner := w.browser()
	for range 2 {
		page := owner.get(back).want(200).says("Take your old address back?").says("ada@example.org")
		if strings.Contains(page.body, "new.example.org") {
			t.Error("the reader of the old address learns the new one")
		}
	}
	owner.post(broker.EmailBackPath, "token", secretIn(t, back)).to("/lost-password/")
	owner.get("/lost-password/").want(200).says("has the address ada@example.org again")
	owner.post(broker.EmailBackPath, "token", secretIn(t, back)).want(410).says("does not work any more")
	here.get(profilePath).to("/login/")
}

// TestChangeOfAddressTellsNothing: the page says the same whoever has the
// address, and its owner is the one who learns of it.
func TestChangeOfAddressTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	w.user("bob")
	b := w.browser()
	b.signIn("ada")
	said := map[string]string{}
	for _, email := range []string{"bob@example.org", "nob@example.org"} {
		b.post(emailPath, "email", email).to(profilePath)
		said[email] = strings.ReplaceAll(text(b.get(profilePath).want(200).body), email, "")
	}
	if said["bob@example.org"] != said["nob@example.org"] {
		t.Errorf("%q", said)
	}
	got := map[string]string{}
	for _, m := range w.mails() {
		got[m.To] = m.Template
	}
	if len(got) != 2 || got["bob@example.org"] != "email-known" || got["nob@example.org"] != "email" {
		t.Errorf("mails: %v", got)
	}
}

// TestChangeOfAddressNeedsARecentSignIn: a browser that was left open is not enough.
func TestChangeOfAddressNeedsARecentSignIn(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.age(time.Hour)
	b.get(emailPath).to("/login/?again=1&next=" + emailPath)
	b.post(emailPath, "email", "new@example.org").to("/login/?again=1&next=" + emailPath)
	if sent := w.mails(); len(sent) != 0 {
		t.Errorf("mails: %+v", sent)
	}
	w.browser().post(emailPath, "email", "new@example.org").want(401)
}

// TestChangeOfAddressOfAnotherAccount: a link that was mailed for one account
// gives another one nothing, though it reads the mail.
func TestChangeOfAddressOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	eve := w.user("eve")
	b, hers := w.browser(), w.browser()
	b.signIn("ada")
	hers.signIn("eve")
	b.post(emailPath, "email", "typo@example.org").to(profilePath)
	link := w.mailedLink("email")
	hers.get(link).want(403).says("Sign in first")
	hers.post(broker.EmailPath, "token", secretIn(t, link)).want(403)
	if u, err := w.db.User(t.Context(), eve.ID); err != nil || u.Email != eve.Email {
		t.Errorf("%+v, %v", u, err)
	}
	taker := w.user("typo")
	b.post(broker.EmailPath, "token", secretIn(t, link)).want(409).says("Another account has this address")
	if u, err := w.db.User(t.Context(), taker.ID); err != nil || u.Email != taker.Email {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestChangeOfAddressIsLimited: nobody makes us fill somebody's mailbox this way.
func TestChangeOfAddressIsLimited(t *testing.T) {
	w := newWorld(t)
	w.server.o.Limits = limits.New(w.db, limits.Options{Key: [32]byte{1}})
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	mailed := 0
	for range 30 {
		a := b.post(emailPath, "email", "victim@example.org")
		if a.status == 429 {
			a.says("New e-mail address")
			break
		}
		mailed += len(w.mails())
	}
	if mailed == 0 || mailed > 10 {
		t.Errorf("%d mails to one address", mailed)
	}
}
