package linking_test

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"idbroker/broker"
	"idbroker/broker/local"
)

// codePolicies are what an operator may want codes for.
var codePolicies = []local.Codes{local.CodesSignIn, local.CodesLink, local.CodesOff}

// guessed is what a refused guess may write: that it was one.
const guessed = "UPDATE mail_codes"

// sendCode asks for a code in a login that has nobody yet.
func (w *walker) sendCode() (what string, want, got answer) {
	m, s := w.m, w.s
	n := w.live(len(m.logins), "login", func(i int) bool { return m.logins[i].owner == 0 && !m.logins[i].over })
	if l := m.logins[n]; l.owner != 0 || l.over || l == login0 { // the pages go on, or begin anew
		return w.turn("visit", w.upTo(seats, "seat")), answer{}, answer{}
	}
	email := w.of(addresses, "email")
	if who := w.person(); who <= len(m.users) && !m.users[who-1].gone && w.yes("person") {
		email = m.users[who-1].email
	} else if known := w.holders(); len(known) > 0 && w.upTo(4, "any address") < 3 {
		email = w.of(known, "known address")
	}
	f := w.fault()
	return fmt.Sprintf("send code to %s in login %d, %v", email, n, f), w.predict(f, func(crash bool) answer { return m.sendCode(n, email, crash) }), s.sendCode(n, email)
}

// holders are the addresses that have an account, those that are only vouched for
// alone where there are any.
func (w *walker) holders() []string {
	var all, claimable []string
	for _, u := range w.m.users {
		switch {
		case u.gone:
		case u.vouched != "":
			claimable = append(claimable, u.email)
			fallthrough
		default:
			all = append(all, u.email)
		}
	}
	if len(claimable) > 0 && w.yes("vouched for") {
		return claimable
	}
	return all
}

// typeCode types a code: mostly where it was asked for, sometimes in another
// browser, for another login, or after guesses.
func (w *walker) typeCode(at int) (what string, want, got answer) {
	m, s := w.m, w.s
	which := w.live(len(m.codes), "code", func(i int) bool { return m.codes[i].user != 0 && !m.codes[i].used })
	n, wrong := m.codes[which].login, 0
	switch rapid.IntRange(0, 9).Draw(w.t, "attack") {
	case 6: // at stands: any browser
	case 7:
		n = m.codes[w.some(len(m.codes), "other code")].login
		at = max(0, m.logins[n].seat)
	case 8, 9:
		wrong = w.upTo(guesses+1, "guesses")
		fallthrough
	default:
		at = m.codes[which].seat
	}
	f := w.fault()
	what = fmt.Sprintf("type code %d in %d for login %d after %d guesses, %v", which, at, n, wrong, f)
	return what, m.typeCode(at, n, which, wrong, f), s.typeCode(at, n, which, wrong)
}

// unwritten tells whether a refused step has written nothing that it may not.
func (w *walker) unwritten(what string, since int64) {
	wrote := w.s.writes(since)
	if strings.HasPrefix(what, "type code") && strings.Trim(strings.ReplaceAll(wrote, guessed, ""), ", ") == "" {
		return
	}
	w.t.Fatalf("%s was refused and wrote %s", what, wrote)
}

// policy draws what an operator wants of a provider.
func (w *walker) policy(p broker.Provider) broker.Provider {
	rarely := func(label string) bool { return rapid.IntRange(0, 7).Draw(w.t, label) == 7 }
	p.Hidden, p.LinkOnly = rarely("hidden"), rarely("link-only")
	p.SignUp = rapid.SampledFrom([]broker.SignUpBy{
		broker.SignUpByForm, broker.SignUpByForm, broker.SignUpByForm, broker.SignUpAutomatic, broker.SignUpAutomatic, broker.SignUpAutomatic, broker.SignUpNo,
	}).Draw(w.t, "sign-up")
	p.Unmailed, p.LinkByEmail = w.yes("no mail"), w.yes("by e-mail")
	p.Second = rapid.SampledFrom([]broker.Second{broker.SecondReplace, broker.SecondAdd, broker.SecondRefuse}).Draw(w.t, "second")
	return p
}
