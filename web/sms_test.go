package web

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// texting lets codes be sent to telephones.
func (w *world) texting() {
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, SMS: true,
	})
	w.server.accounts = w.accounts
}

// texts are the messages that wait, and takes them.
func (w *world) texts() []broker.SMS {
	w.t.Helper()
	entries, err := w.db.ClaimOutbox(w.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxSMS)
	must(w.t, err)
	var all []broker.SMS
	for _, e := range entries {
		var m broker.SMS
		must(w.t, json.Unmarshal(e.Payload, &m))
		all = append(all, m)
		must(w.t, w.db.FinishOutbox(w.t.Context(), e.ID, time.Now()))
	}
	return all
}

// texted is the code of the one message that waits, to a number.
func (w *world) texted(number string) string {
	w.t.Helper()
	all := w.texts()
	if len(all) != 1 || all[0].To != number {
		w.t.Fatalf("messages %+v", all)
	}
	return all[0].Code
}

// minuteLater lets another code be sent.
func (w *world) minuteLater(u broker.User) {
	w.t.Helper()
	f, err := w.db.Factor(w.t.Context(), u.ID, broker.FactorSMS)
	must(w.t, err)
	must(w.t, w.db.DeleteFactor(w.t.Context(), u.ID, broker.FactorSMS))
	f.CodeAt = f.CodeAt.Add(-time.Minute)
	must(w.t, w.db.CreateFactor(w.t.Context(), f))
}

func otherCode(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// TestNumberAsFactor goes through its life, and attacks it on the way: a number
// counts when its code came back, a code once, for the browser that had it sent.
func TestNumberAsFactor(t *testing.T) { storetest.Each(t, numberAsFactor) }

func numberAsFactor(t *testing.T, db *store.DB) {
	const number = "+41227676111"
	w := worldOn(t, db, tokens.Options{SecondFactor: true})
	w.client(func(c *broker.Client) { c.FirstParty, c.Metadata.SecondFactor = true, true })
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath+"number/", "phone", number).want(404) // nobody sends any
	w.texting()
	login := b.get(authorize()).to(setUpPath).param("login")
	for _, typed := range []string{"", "0227676111", "+4122767611x", strings.Repeat("1", 99)} {
		b.post(setUpPath+"number/", "login", login, "phone", typed).want(422)
	}
	if got := w.texts(); len(got) != 0 {
		t.Errorf("sent to no number: %+v", got)
	}
	b.post(setUpPath+"number/", "login", login, "phone", "+41 22 767 61 11").to(setUpPath)
	code := w.texted(number)
	b.get(setUpPath + "?login=" + login).want(200).says("weaker than an app").says(number[1:])
	b.post(setUpPath, "login", login, "way", "sms", "code", otherCode(code)).want(422).says("not the newest code that we sent to your phone")
	b.post("/second-factor/", "login", login, "way", "sms", "code", code).to(setUpPath) // it does not count yet
	page := b.post(setUpPath, "login", login, "way", "sms", "code", code).want(200)
	var codes []string
	for _, m := range codeOnPage.FindAllStringSubmatch(page.body, -1) {
		codes = append(codes, m[1])
	}
	claims := w.redeem(b.get(page.wayOn()).to(callbackURL))
	if amr, _ := claims["amr"].([]any); claims["acr"] != broker.ACRSecond || !slices.Contains(amr, any("sms")) || slices.Contains(amr, any("otp")) {
		t.Errorf("%v", claims)
	}
	w.mails()

	// On the way in: no code without a press of the button, each for one browser, once.
	in := func() (*browser, string) {
		b := w.browser()
		return b, b.password("ada").to("/second-factor/").param("login")
	}
	first, one := in()
	second, two := in()
	if page := first.get("/second-factor/?login=" + one).want(200).says("41…11"); strings.Contains(page.body, number[1:]) || strings.Contains(page.body, `name="code"`) {
		t.Error("the number is told, or a code asked for that nobody sent")
	}
	second.post("/second-factor/send/", "login", one).want(403)
	w.minuteLater(ada)
	first.post("/second-factor/send/", "login", one).to("/second-factor/")
	code = w.texted(number)
	first.post("/second-factor/send/", "login", one).want(429).says("a code a moment ago")
	second.post("/second-factor/send/", "login", two).want(429)
	second.post("/second-factor/", "login", two, "way", "sms", "code", code).want(422) // it was sent for the other one
	second.nobody()
	first.post("/second-factor/", "login", one, "way", "totp", "code", code).want(410)
	first.post("/second-factor/", "login", one, "way", "sms", "code", code).to("/")
	if len(w.texts()) != 0 {
		t.Error("a message was sent that was refused")
	}
	w.minuteLater(ada)
	second.post("/second-factor/send/", "login", two).to("/second-factor/")
	code2 := w.texted(number)
	second.post("/second-factor/", "login", two, "way", "sms", "code", code).want(422) // used, and of another login
	for range 4 {
		second.post("/second-factor/", "login", two, "way", "sms", "code", otherCode(code2)).want(422)
	}
	second.post("/second-factor/", "login", two, "way", "sms", "code", code2).want(422).says("does not count any more") // five guesses
	second.nobody()
	w.minuteLater(ada)
	second.post("/second-factor/send/", "login", two).to("/second-factor/")
	old := w.texted(number)
	f, err := db.Factor(t.Context(), ada.ID, broker.FactorSMS)
	must(t, err)
	must(t, db.DeleteFactor(t.Context(), ada.ID, broker.FactorSMS))
	f.CodeAt = time.Now().Add(-broker.SMSCodeLifetime)
	must(t, db.CreateFactor(t.Context(), f))
	second.post("/second-factor/", "login", two, "way", "sms", "code", old).want(422).says("does not count any more")
	second.post("/second-factor/", "login", two, "way", "recovery", "code", codes[0]).to("/")

	// An app beside it: choose one; take one away, with new recovery codes; then the last.
	first.get(factorPath).want(200).says("41…11")
	first.post(factorPath + "start/").to(factorPath)
	secret := strings.ReplaceAll(secretOnPage.FindStringSubmatch(first.get(factorPath).body)[1], " ", "")
	first.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).to(factorPath)
	third, three := in()
	third.get("/second-factor/?login=" + three + "&way=totp").want(200).says("Send a code to my phone number")
	third.get("/second-factor/?login=" + three + "&way=sms").want(200).says("Use the app")
	third.post("/second-factor/", "login", three, "way", "recovery", "code", codes[1]).to("/")
	first.post(factorPath+"remove/", "kind", "sms", "code", appShows(t, secret, 1)).want(422).says("came only lately") // an app of a thief's shows codes, too
	page = first.post(factorPath+"remove/", "kind", "sms", "code", codes[2]).want(200)
	fresh := codeOnPage.FindStringSubmatch(page.body)[1]
	first.post(factorPath+"codes/", "code", codes[3]).want(422) // of before
	first.post(factorPath+"remove/", "kind", "totp", "code", fresh).want(409)
	first.post(factorPath+"remove/", "code", fresh).to(securityPath)
	w.browser().signIn("ada")
}

// TestMessagesAreFew: neither a thief of a password, nor who says that a number is
// theirs, makes us send many.
func TestMessagesAreFew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Limits = limits.New(db, limits.Options{}) })
		w.texting()
		w.user("ada")
		w.user("eve")
		ada, eve := w.browser(), w.browser()
		ada.signIn("ada")
		eve.signIn("eve")
		for range 5 {
			ada.post(factorPath+"number/", "phone", "+41227676111").to(factorPath)
		}
		if a := ada.post(factorPath+"number/", "phone", "+41227676112").want(429); a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		eve.post(factorPath+"number/", "phone", "+41 (22) 7676111").want(429) // the same number, by somebody else
		eve.post(factorPath+"number/", "phone", "+41227676113").to(factorPath)
		if n := len(w.texts()); n != 6 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestNumberOfSomebodyElse: whose number strangers type still gets codes to come in with.
func TestNumberOfSomebodyElse(t *testing.T) {
	const number = "+41227676111"
	db := storetest.New(t)
	w := worldOn(t, db, tokens.Options{}, func(o *Options) { o.Limits = limits.New(db, limits.Options{}) })
	w.texting()
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath+"number/", "phone", number).to(factorPath)
	b.post(factorPath+"number/confirm/", "code", w.texted(number)).want(200)
	w.minuteLater(u)
	for _, name := range []string{"eve", "mallory"} {
		w.user(name)
		eve := w.browser()
		eve.signIn(name)
		for range 5 {
			eve.post(factorPath+"number/", "phone", number)
		}
	}
	if n := len(w.texts()); n > 5 {
		t.Errorf("%d messages to somebody else's number", n)
	}
	b = w.browser()
	login := b.password("ada").to("/second-factor/").param("login")
	b.post("/second-factor/send/", "login", login).to("/second-factor/")
	b.post("/second-factor/", "login", login, "way", "sms", "code", w.texted(number)).to("/")
}

// TestNumberIsChangedFreshly: who finds the browser open gets no message and no
// number of theirs into the account.
func TestNumberIsChangedFreshly(t *testing.T) {
	w := newWorld(t)
	w.texting()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath+"number/", "phone", "+41227676111").to(factorPath)
	code := w.texted("+41227676111")
	b.age(time.Hour)
	for _, path := range []string{"number/", "number/confirm/", "number/send/", "number/swap/", "number/swap/confirm/"} {
		b.post(factorPath+path, "phone", "+41227676112", "code", code, "current", code).to("/login/?again=1")
	}
	if strings.Contains(b.get(factorPath).body, "41227676111") || len(w.texts()) != 0 {
		t.Error("the number is shown, or another message sent")
	}
}

// TestWrongCodeOfANumberIsTold: who mistypes the code that came to their phone reads so,
// and nothing about the clock of an app, also where no app is being set up.
func TestWrongCodeOfANumberIsTold(t *testing.T) {
	const number, told = "+41227676111", "not the newest code that we sent to your phone"
	w := newWorld(t)
	w.texting()
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(factorPath+"number/", "phone", number).to(factorPath)
	code := w.texted(number)
	b.post(factorPath+"number/confirm/", "code", otherCode(code)).want(422).says(told)
	b.post(factorPath+"number/confirm/", "code", "a slip").want(422).says(told)
	b.post(factorPath + "start/").to(factorPath)
	if page := b.get(factorPath).want(200); strings.Contains(page.body, told) {
		t.Error("it is told without a try")
	}
	if n := strings.Count(b.post(factorPath+"number/confirm/", "code", otherCode(code)).want(422).says(told).body, told); n != 1 {
		t.Errorf("it is told %d times beside an app that is being set up", n)
	}
	b.post(factorPath+"number/confirm/", "code", code).want(200)
	b.post(factorPath+"codes/", "code", otherCode(code)).want(422)
	b.post(factorPath+"confirm/", "code", "000000").want(422).says("clock of your phone")
}

// jsonNumber sets a number up and shows it, as a program.
func jsonNumber(t *testing.T, w *world) {
	before := w.server.accounts
	defer func() { w.server.accounts, w.accounts = before, before }()
	w.texting()
	u := w.user("tel")
	p := w.program()
	p.post("/login/", "email", u.Email, "password", password).to("/")
	p.post(factorPath+"number/", "phone", "022").refused(422, "field.phone_invalid", "phone")
	p.post(factorPath+"number/", "phone", "+41227676111").to(factorPath)
	p.post(factorPath+"number/confirm/", "code", w.texted("+41227676111")).page("recovery_codes")
	w.minuteLater(u)
	p.post(factorPath + "number/send/").to(factorPath)
	p.post(factorPath+"forget/", "id", "none").to(securityPath)
	w.texts()
	p.post(factorPath+"number/swap/", "phone", "+41227676111").refused(422, "sms.same", "phone")
	p.post(factorPath+"number/swap/", "phone", "+41791234567").to(factorPath)
	code := w.texted("+41791234567")
	p.post(factorPath+"number/swap/confirm/", "code", otherCode(code), "current", "BCDF-GHJK-LMNP").refused(422, "sms.wrong", "code")
	p.post(factorPath+"number/swap/confirm/", "code", code, "current", "BCDF-GHJK-LMNP").refused(422, "factor.recovery_wrong", "current")
	w.minuteLater(u)
	p.post(factorPath + "number/send/").to(factorPath)
	p.post(factorPath+"number/swap/confirm/", "code", code, "current", w.texted("+41227676111")).page("recovery_codes")
	w.minuteLater(u)
	q := w.program()
	login := q.post("/login/", "email", u.Email, "password", password).to("/second-factor/").next("login")
	q.post("/second-factor/send/", "login", login).to("/second-factor/")
	for _, m := range w.texts() {
		code = m.Code
	}
	q.post("/second-factor/", "login", login, "way", "sms", "code", code).to("/")
	w.user("fon")
	w.accounts = local.New(w.db, w.server.linker, local.Options{
		Issuer: w.url, Hashing: local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, EndGrants: w.tokens.EndGrants, SMS: true, NeedFactors: true,
	})
	w.server.accounts = w.accounts
	n := w.program()
	login = n.post("/login/", "email", "fon@example.org", "password", password).to(setUpPath).next("login")
	n.post(setUpPath+"number/", "login", login, "phone", "+41227676112").to(setUpPath)
	n.post(setUpPath, "login", login, "way", "sms", "code", w.texted("+41227676112")).page("recovery_codes")
}
