package linking_test

import (
	"fmt"

	"pgregory.net/rapid"

	"idbroker/linking"
)

// finish is a return from a provider: mostly one's own, sometimes in another
// browser, at another provider's path, a second time, or with another's code.
func (w *walker) finish(at int) (what string, want, got answer) {
	m := w.m
	n := w.leg("leg")
	path, code := m.legs[n].provider, n
	switch rapid.IntRange(0, 9).Draw(w.t, "attack") {
	case 7: // at stands: any browser
	case 8:
		path = w.of(providerIDs, "path")
	case 9:
		code = w.some(len(m.legs), "code")
	default:
		at = m.legs[n].seat
	}
	f := w.fault()
	login := len(m.logins)
	what = fmt.Sprintf("finish leg %d %+v in %d at %s with the code of %d, %v", n, m.legs[n], at, path, code, f)
	want, got = w.predict(f, func(crash bool) answer { return m.finish(at, path, n, code, crash) }), w.s.finish(at, path, n, code, login)
	w.s.collect(login)
	return what, want, got
}

// race is two returns at once. Whichever came first, the answers must be those
// of one after the other.
func (w *walker) race() (what string, want, got answer) {
	m := w.m
	a, b := w.leg("leg"), w.leg("other leg")
	if m.legs[a].in > 0 || m.legs[b].in > 0 {
		return w.finish(m.legs[a].seat)
	}
	if m.legs[a].seat == m.legs[b].seat && a != b { // one browser's sessions replace each other: not linking's to order
		b = a
	}
	what = fmt.Sprintf("race of legs %d %+v and %d %+v", a, m.legs[a], b, m.legs[b])
	login := len(m.logins)
	finish := func(m *model, n int) answer { return m.finish(m.legs[n].seat, m.legs[n].provider, n, n, false) }
	first, second := m.clone(), m.clone()
	a1, b1 := finish(first, a), finish(first, b)
	b2, a2 := finish(second, b), finish(second, a)
	var gotA, gotB answer
	w.s.atOnce(
		func() { gotA = w.s.finish(m.legs[a].seat, m.legs[a].provider, a, a, login) },
		func() { gotB = w.s.finish(m.legs[b].seat, m.legs[b].provider, b, b, login+1) },
	)
	waits := func(x answer) bool { return x.outcome == linking.NewPerson || x.outcome == linking.AskReplace }
	switch {
	case a1 == gotA && b1 == gotB:
		*m = *first
		w.s.collect(login)
		w.s.collect(login + 1)
		if !waits(a1) && waits(b1) { // the service was told where to keep it
			m.logins = append(m.logins[:login], login0, m.logins[login])
		}
	case a2 == gotA && b2 == gotB:
		*m = *second
		w.s.collect(login + 1)
		w.s.collect(login)
		switch {
		case waits(a2) && waits(b2):
			m.logins[login], m.logins[login+1] = m.logins[login+1], m.logins[login]
		case waits(b2):
			m.logins = append(m.logins[:login], login0, m.logins[login])
		}
	default:
		w.t.Fatalf("%s: %v and %v; want %v and %v, or %v and %v", what, gotA, gotB, a1, b1, a2, b2)
	}
	if gotA.refused && gotB.refused {
		return what, refusal, refusal
	}
	return what, answer{}, answer{}
}

// login0 fills a place that nobody uses.
var login0 = login{seat: -1, done: true}

// mostLate bounds how often a walker takes a refusal for the clock's: a rule that
// refuses too much is noticed all the same.
const mostLate = 3

// goOn goes on with a login whose person is known. Who was authenticated before they
// were signed out everywhere is refused, and times of the wall say what was before:
// where that clock is set back in between, somebody begins anew who need not. That
// harms nobody, happens once in millions of steps, and cannot be repeated.
func (w *walker) goOn(at, n int) (want, got answer) {
	before := w.m.clone()
	want, got = w.m.goOn(at, n), w.s.goOn(at, n)
	if got == refusal && want != refusal && w.c.late < mostLate {
		w.c.late++
		*w.m = *before
		w.m.logins[n].proven, w.m.logins[n].ended = false, true
		return refusal, refusal
	}
	return want, got
}
