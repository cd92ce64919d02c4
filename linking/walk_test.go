package linking_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"idbroker/broker"
	"idbroker/broker/local"
)

// service is what walks: the linking service over a database (real_test.go), or
// its rules over maps (rules_test.go). Users are told by their numbers.
type service interface {
	create(email string, password bool) answer
	password(at, u, login int, right bool) answer
	start(l leg) answer
	finish(at int, path string, leg, code, login int) answer
	pending(at, login int, agreed bool) answer
	signUp(login int, email string, sent bool) answer
	prove(form, at int, email string) answer
	unlink(at int, k key) answer
	unlinkFor(k key, forced bool) answer
	undo(at, change int) answer
	forge() answer // a made-up secret of each kind
	disable(u int, disabled bool) answer
	deleteUser(u int) answer
	changeEmail(u int, email string) answer
	forgot(email string) answer // "lost password"
	choose(reset int) answer    // a new password with the mailed link
	setPassword(at int) answer  // the first one
	goOn(at, login int) answer  // a browser comes back to its login
	pass(week bool)             // an hour, or a week
	restart()                   // the program is killed between two steps
	hostile(provider string, on bool)
	age(at int)   // the sign-in of a seat becomes old
	leave(at int) // sign out
	expire(n int) // a change cannot be taken back any more
	policy(broker.Provider)
	passwords(on bool)
	codesFor(local.Codes)
	visit(at, login int) // a browser opens the sign-in page
	minute()             // one passes, for who waits for another code
	sendCode(login int, email string) answer
	typeCode(at, login, which, wrong int) answer // after some wrong guesses
	atOnce(one, other func())
	crash()     // the next unit of work fails when it is to be committed
	lose() bool // it is committed and its caller is not told; false: cannot be here

	// look returns who has which identity, how many revocations wait, and who is
	// signed in where.
	look() (links map[key]int, revoked int, seats [seats]int, users map[int]string)
	// mark grows with every row that is written but attempts, writes tells which
	// were; -1: there is nothing to watch. dump is all that mark is about.
	// tick notes that the clock has passed an hour, and tells whether that wrote anything.
	mark() int64
	tick() bool
	writes(since int64) string
	dump() string
	served() int64 // how often the service was called

	// collect takes what finish mailed while it was told to keep a login there.
	collect(login int)
}

// walkLength is how long a walk is on average: long enough for what was removed to
// be linked elsewhere and taken back.
const walkLength = "80"

// dumpEvery is how many steps of a walk there are to one at which the mark itself
// is checked: as long as it stays, so does everything.
const (
	dumpEvery = 40
	dumpFor   = 3
)

// walker lays the model beside a service, step by step.
type walker struct {
	t *rapid.T
	m *model
	s service
	c *tally

	marked  int64 // what had been written when the service was last looked at
	links   map[key]int
	revoked int
	sitting [seats]int
	people  map[int]string
}

// walk is one random history. It begins with two people who are signed in and
// have linked an identity, or else most walks are over before anything can go
// wrong.
func walk(t *rapid.T, s service, c *tally) {
	w := &walker{t: t, m: newModel(), s: s, c: c, marked: -1}
	for i, name := range persons[:2] {
		w.same("create", w.m.create(addresses[i], true), s.create(addresses[i], true))
		w.same("password", w.m.password(i, i+1, -1, true), s.password(i, i+1, -1, true))
		l := leg{seat: i, provider: "one", subject: name, email: addresses[i], purpose: broker.PurposeLink, told: asserted}
		w.same("start", w.m.start(l), s.start(l))
		w.same("finish", w.m.finish(i, "one", i, i, false), s.finish(i, "one", i, i, 0))
		s.collect(0)
	}
	n, stood, dump := 0, int64(-1), ""
	t.Repeat(map[string]func(*rapid.T){"step": func(t *rapid.T) {
		w.t = t
		was, before, served := w.m.clone(), w.marked, s.served()
		if s.tick() || before < 0 {
			before = s.mark()
		}
		what, want, got := w.step()
		c.add(what, got, s.served() > served)
		c.claimed(what, was, w.m)
		t.Logf("%s: %v", what, got) // told of the shortest walk that fails
		w.same(what, want, got)
		after := s.mark()
		if got.refused && after != before {
			w.unwritten(what, before)
		}
		w.compare(what, after)
		w.locked(what, was, got)
		switch n++; {
		case n%dumpEvery == 0:
			stood, dump = after, s.dump()
		case dump != "" && stood != after:
			dump = ""
		case dump != "" && n%dumpEvery == dumpFor && dump != s.dump():
			t.Fatalf("%s: nothing was written since %d steps, and this changed:\n%s\nto\n%s", what, dumpFor, dump, s.dump())
		}
	}})
}

func (w *walker) same(what string, want, got answer) {
	if want != got {
		w.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// setFlags sets flags of rapid for the time of a test. It has no other way.
func setFlags(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		f := flag.Lookup(pairs[i])
		was := f.Value.String()
		if err := f.Value.Set(pairs[i+1]); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(was) })
	}
}

// compare holds what stands in the service against the model. Where nothing was
// written since it was last looked at, that still stands there.
func (w *walker) compare(what string, mark int64) {
	if mark != w.marked || mark < 0 {
		w.links, w.revoked, w.sitting, w.people = w.s.look()
		w.marked = mark
	}
	links, revoked, sitting := w.links, w.revoked, w.sitting
	if len(links) != len(w.m.links) {
		w.t.Fatalf("%s: links %v, want %v", what, links, w.m.links)
	}
	for k, l := range w.m.links {
		if links[k] != l.user {
			w.t.Fatalf("%s: %v opens the account of %d, want %d", what, k, links[k], l.user)
		}
	}
	for i, s := range w.m.seats {
		if sitting[i] != s.user {
			w.t.Fatalf("%s: user %d is signed in in browser %d, want %d", what, sitting[i], i, s.user)
		}
	}
	if want := w.m.people(); !maps.Equal(w.people, want) {
		w.t.Fatalf("%s: accounts %v, want %v", what, w.people, want)
	}
	if revoked != w.m.revoked {
		w.t.Fatalf("%s: %d revocations wait, want %d", what, revoked, w.m.revoked)
	}
}

// locked tells whether a person has locked themselves out by a step that was
// allowed to them. Where passwords are on, whoever has just read the account's
// mail can choose one.
func (w *walker) locked(what string, was *model, got answer) {
	if got.refused || got.user == 0 || got.user > len(was.users) || was.waysIn(got.user) == 0 || w.m.waysIn(got.user) > 0 {
		return
	}
	if what[:4] == "type" && was.users[got.user-1].vouched != "" { // they read its mail: a code, or "lost password"
		return
	}
	if what[:4] == "undo" && w.m.passwords || slices.Contains([]string{"poli", "oper", "dele"}, what[:4]) {
		return
	}
	w.t.Fatalf("%s: nothing opens the account of %d any more", what, got.user)
}

// kinds are the steps, the likely ones several times.
var kinds = []string{
	"journey", "journey", "journey", "journey", "journey", "journey", "password", "password", "password",
	"start", "start", "start", "start", "finish", "finish", "finish", "race", "race", "pending", "pending", "signup", "signup", "prove", "prove",
	"unlink", "unlink", "unlink", "undo", "undo", "undo",
	"policy", "policy", "passwords", "operator unlinks", "disable", "age", "leave", "expire", "forge", "create",
	"delete", "email", "forgot", "forgot", "choose", "choose", "go on", "go on", "set a password", "visit", "send code", "send code", "send code", "type code", "type code", "type code", "minute", "codes", "pass", "turn", "restart",
}

// step draws a step, asks the model and the service, and tells what it was.
func (w *walker) step() (what string, want, got answer) {
	m, s := w.m, w.s
	at := w.upTo(seats, "seat")
	kind := rapid.SampledFrom(kinds).Draw(w.t, "step")
	switch {
	case kind == "start" || kind == "journey":
		k := w.linked(1 + w.upTo(max(1, len(m.users)), "user"))
		l := leg{seat: at, provider: k.provider, subject: k.subject, email: w.of(addresses, "email")}
		l.issuer, l.told = k.issuer, rapid.SampledFrom([]told{asserted, asserted, vouched, unproven}).Draw(w.t, "told")
		l.purpose = rapid.SampledFrom([]broker.Purpose{broker.PurposeSignIn, broker.PurposeSignIn, broker.PurposeLink, broker.PurposeLink, broker.PurposeReauth}).Draw(w.t, "purpose")
		if l.purpose == broker.PurposeSignIn && len(m.logins) > 0 && w.upTo(3, "in a login") == 2 {
			if n := w.some(len(m.logins), "login"); m.logins[n].seat == at && m.logins[n] != login0 { // the pages refuse another browser's
				l.in = n + 1
			}
		}
		what, want, got = fmt.Sprintf("start %+v", l), m.start(l), s.start(l)
		if kind == "start" || want != got || got.refused {
			return what, want, got
		}
		n, f, login := len(m.legs)-1, w.fault(), len(m.logins)
		what = fmt.Sprintf("journey %+v, %v", m.legs[n], f)
		want, got = w.predict(f, func(crash bool) answer { return m.finish(at, l.provider, n, n, crash) }), s.finish(at, l.provider, n, n, login)
		s.collect(login)
		return what, want, got
	case kind == "finish" && len(m.legs) > 0:
		return w.finish(at)
	case kind == "race" && len(m.legs) > 1:
		return w.race()
	case kind == "password" && len(m.users) > 0:
		u, n, right := 1+w.upTo(len(m.users), "user"), -1, w.upTo(5, "wrong") < 4
		if len(m.logins) > 0 && w.yes("in a login") {
			if n = w.login(func(l login) bool { return l.seat == at }); m.logins[n].seat != at || m.logins[n].done || m.logins[n].over { // the pages refuse another browser's
				n = -1
			}
		}
		return fmt.Sprintf("password of %d in %d, login %d, right %v", u, at, n, right), m.password(at, u, n, right), s.password(at, u, n, right)
	case kind == "pending" && len(m.logins) > 0:
		n, agreed := w.login(func(l login) bool { return l.user != 0 && m.seats[l.seat].user == l.user }), w.yes("agreed")
		if m.logins[n].over {
			break // the pages begin anew
		}
		f := w.fault()
		if m.logins[n] != login0 && w.upTo(4, "elsewhere") < 3 {
			at = m.logins[n].seat
		}
		return fmt.Sprintf("link what waits in login %d, in %d, agreed %v, %v", n, at, agreed, f), w.predict(f, func(crash bool) answer { return m.pending(at, n, agreed, crash) }), s.pending(at, n, agreed)
	case kind == "signup" && len(m.logins) > 0:
		n, email := w.login(func(l login) bool { return l.user == 0 }), w.address()
		if m.logins[n].user != 0 || m.logins[n].done || m.logins[n].over {
			break // the pages go on to the next step
		}
		if l := m.logins[n]; l.told != unproven && w.yes("as told") {
			email = l.email
		}
		mailed, f := m.open(email), w.fault()
		return fmt.Sprintf("sign up in login %d as %s, %v", n, email, f), w.predict(f, func(crash bool) answer { return m.signUp(n, email, crash) }), s.signUp(n, email, mailed)
	case kind == "prove" && len(m.forms) > 0:
		n, f := w.live(len(m.forms), "form", func(i int) bool { return !m.forms[i].used && m.open(m.forms[i].email) }), w.fault()
		if w.yes("in the form's browser") {
			at = m.logins[m.forms[n].login].seat
		}
		return fmt.Sprintf("prove form %d in %d, %v", n, at, f), w.predict(f, func(crash bool) answer { return m.prove(n, at, crash) }), s.prove(n, at, m.forms[n].email)
	case kind == "unlink":
		k, f := w.linked(m.seats[at].user), w.fault()
		return fmt.Sprintf("unlink %v in %d, %v", k, at, f), w.predict(f, func(crash bool) answer { return m.unlink(at, k, crash) }), s.unlink(at, k)
	case kind == "operator unlinks":
		k, forced, f := w.linked(w.person()), w.yes("forced"), w.fault()
		return fmt.Sprintf("operator unlinks %v, forced %v, %v", k, forced, f), w.predict(f, func(crash bool) answer { return m.unlinkFor(k, forced, crash) }), s.unlinkFor(k, forced)
	case kind == "undo" && len(m.changes) > 0:
		n, f := w.some(len(m.changes), "change"), w.fault()
		return fmt.Sprintf("undo %d in %d, %v", n, at, f), w.predict(f, func(crash bool) answer { return m.undo(at, n, crash) }), s.undo(at, n)
	case kind == "delete" && len(m.users) > 0:
		u, f := 1+w.upTo(len(m.users), "user"), w.fault()
		return fmt.Sprintf("delete %d, %v", u, f), w.predict(f, func(crash bool) answer { return m.deleteUser(u, crash) }), s.deleteUser(u)
	case kind == "email" && len(m.users) > 0:
		u, email, f := 1+w.upTo(len(m.users), "user"), w.address(), w.fault()
		return fmt.Sprintf("email of %d: %s, %v", u, email, f), w.predict(f, func(crash bool) answer { return m.changeEmail(u, email, crash) }), s.changeEmail(u, email)
	case kind == "forgot":
		email := w.of(addresses, "email")
		if who := w.person(); who <= len(m.users) && !m.users[who-1].gone {
			email = m.users[who-1].email
		}
		return "forgot " + email, m.forgot(email), s.forgot(email)
	case kind == "choose" && len(m.resets) > 0:
		n, f := w.some(len(m.resets), "reset"), w.fault()
		return fmt.Sprintf("choose %d, %v", n, f), w.predict(f, func(crash bool) answer { return m.choose(n, crash) }), s.choose(n)
	case kind == "go on" && len(m.logins) > 0:
		ended := w.yes("ended")
		n := w.live(len(m.logins), "login", func(i int) bool {
			return m.logins[i].owner > 0 && !m.logins[i].over && (m.logins[i].ended || !ended)
		})
		if w.upTo(4, "elsewhere") < 3 && m.logins[n] != login0 {
			at = m.logins[n].seat
		}
		what = fmt.Sprintf("go on with login %d in %d", n, at)
		want, got = w.goOn(at, n)
		return what, want, got
	case kind == "set a password":
		f := w.fault()
		return fmt.Sprintf("set a password in %d, %v", at, f), w.predict(f, func(crash bool) answer { return m.setPassword(at, crash) }), s.setPassword(at)
	case kind == "send code" && len(m.logins) > 0:
		return w.sendCode()
	case kind == "type code" && len(m.codes) > 0:
		return w.typeCode(at)
	case kind == "forge":
		return "forged secrets", refusal, s.forge()
	case kind == "create":
		email, password := w.of(addresses, "email"), w.yes("password")
		return "create " + email, m.create(email, password), s.create(email, password)
	case kind == "disable" && len(m.users) > 0:
		u, disabled := 1+w.upTo(len(m.users), "user"), rapid.IntRange(0, 3).Draw(w.t, "disabled") == 3
		return fmt.Sprintf("disable %d: %v", u, disabled), m.disable(u, disabled), s.disable(u, disabled)
	}
	return w.turn(kind, at), answer{}, answer{}
}

// turn is a step that nobody is refused.
func (w *walker) turn(kind string, at int) string {
	m, s := w.m, w.s
	switch {
	case kind == "policy":
		p := w.policy(m.policies[w.of(providerIDs, "provider")])
		m.policies[p.ID] = p
		s.policy(p)
		return fmt.Sprintf("policy %+v", p)
	case kind == "passwords":
		m.passwords = w.upTo(3, "passwords") < 2
		s.passwords(m.passwords)
		return fmt.Sprintf("policy: passwords %v", m.passwords)
	case kind == "codes":
		m.codesFor = rapid.SampledFrom(codePolicies).Draw(w.t, "codes")
		s.codesFor(m.codesFor)
		return fmt.Sprintf("policy: codes %q", m.codesFor)
	case kind == "visit":
		n := len(m.logins)
		m.visit(at)
		s.visit(at, n)
		return fmt.Sprintf("visit in %d", at)
	case kind == "minute":
		m.minute()
		s.minute()
		return "a minute passes"
	case kind == "expire" && len(m.changes) > 0:
		n := w.some(len(m.changes), "change")
		m.changes[n].expired = true
		s.expire(n)
		return fmt.Sprintf("change %d expires", n)
	case kind == "pass" && w.upTo(3, "pass") == 2:
		week := w.yes("week")
		m.pass(week)
		s.pass(week)
		return fmt.Sprintf("time passes, a week: %v", week)
	case kind == "restart" && w.upTo(10, "restart") == 9: // it takes as long as a hundred steps
		s.restart()
		return "restart"
	case kind == "turn":
		p, on := w.of(providerIDs, "provider"), w.yes("hostile")
		m.hostile[p] = on
		s.hostile(p, on)
		return fmt.Sprintf("turn %s: hostile %v", p, on)
	case kind == "leave":
		m.seats[at] = seat{sid: m.seats[at].sid}
		s.leave(at)
		return fmt.Sprintf("leave %d", at)
	}
	m.seats[at].fresh = false
	s.age(at)
	return fmt.Sprintf("an hour passes in %d", at)
}
