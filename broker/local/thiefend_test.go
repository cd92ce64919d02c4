package local_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"idbroker/broker"
)

func twoFactors(at time.Time) broker.Authentication {
	return broker.Authentication{At: at, AMR: []string{broker.AMRPassword}, ACR: broker.ACRSecond}
}

// waysOf are the mails of kinds that somebody reads and that may be of use still, the
// oldest first.
func (w *thiefWalk) waysOf(by who, spent bool, kinds ...string) (all []int) {
	for i, v := range w.m.ways {
		if slices.Contains(kinds, v.kind) && w.m.reads(by, v.to) && (spent || !v.spent) {
			all = append(all, i)
		}
	}
	return all
}

func (w *thiefWalk) oneOf(all []int) (int, bool) {
	if len(all) == 0 {
		return 0, false
	}
	return all[w.upTo(len(all), "mail")], true
}

// carryOut is a step of somebody's, as it is called in doings.
func (w *thiefWalk) carryOut(by who, doing string) {
	m, r := w.m, w.r
	what := fmt.Sprintf("%s, %v", doing, by)
	switch doing {
	case "sign in":
		w.signIn(by)
	case "steal":
		if _, in := m.in(theOwner); by == theThief && in && m.cookie {
			m.seats[theThief], r.rows[theThief], m.sharedBy = m.seats[theOwner], r.rows[theOwner], m.seats[theOwner]
			r.browsers[theThief] = r.browsers[theOwner]
			w.step(what, true, true)
		}
	case "password":
		if now, next := w.passwordOf(by), m.chosen+1; !m.noPassword && (now != 0 || m.password == 0) {
			w.step(what, m.choosePassword(by, now == m.password), r.choosePassword(by, now, next))
		}
	case "forgot":
		if next := m.chosen + 1; !m.noPassword && m.reads(by, m.box) {
			if w.step(what, m.forgot(by), r.forgot(next)) {
				w.noCopyCounts()
			}
		}
	case "move":
		box := [][]string{{"ada", "ada2", "ada2", "ada2", "thief"}, {"ada", "ada2", "thief", "thief2", "thief3"}}[by][w.upTo(5, "box")]
		w.step(what+" to "+box, m.move(by, box), r.move(by, box, m.reads(by, box)))
	case "rename":
		name := []string{"", "ada", "bea", "mal", "mallory"}[w.upTo(5, "name")]
		w.step(fmt.Sprintf("%s, %q", what, name), m.rename(by, name), r.rename(by, name))
	case "address back":
		if n, ok := w.oneOf(w.waysOf(by, true, "address")); ok {
			w.step(fmt.Sprint(what, ", mail ", n), m.addressBack(n), r.addressBack(n))
		}
	case "take back":
		all := w.waysOf(by, true, "passkey", "factor")
		if by == theOwner { // nobody presses "that was not me" about what they did themselves
			all = slices.DeleteFunc(all, w.ownersOwn)
		}
		if n, ok := w.oneOf(all); ok {
			w.step(fmt.Sprint(what, ", mail ", n), m.takeBack(n), r.takeBack(m.ways[n].kind, n))
		}
	case "undo":
		if n, ok := w.oneOf(w.waysOf(by, true, "unlinked")); ok {
			w.step(fmt.Sprint(what, ", mail ", n), m.undo(by, n), r.undo(by, n))
		}
	case "add passkey", "add app", "add number":
		if len(m.things) < 40 {
			w.add(by, doing[4:])
		}
	case "add link":
		if by == theOwner || !m.reads(theOwner, m.box) { // or its mail would have a way back, which is linking's
			w.add(by, "link")
		}
	case "remove passkey":
		if id := w.any(1-by, "passkey"); id >= 0 {
			w.step(fmt.Sprint(what, ", ", id), m.removePasskey(by, id), r.removePasskey(by, id))
		}
	case "unlink":
		if id := w.any(1-by, "link"); id >= 0 {
			w.step(fmt.Sprint(what, ", ", id), m.unlink(by, id), r.unlink(by, id))
		}
	case "remove factors", "remove one", "renew", "swap":
		w.factors(by, doing)
	case "close":
		if w.upTo(3, "really") == 0 {
			w.step(what, m.close(by), r.close(by))
		}
	case "reopen":
		if n, ok := w.oneOf(w.waysOf(by, true, "closed")); ok {
			w.step(fmt.Sprint(what, ", mail ", n), m.reopen(n), r.reopen(n))
		}
	case "operator resets":
		if by == theOwner && w.upTo(4, "really") == 0 {
			w.step(what, m.reset(), r.reset())
		}
	case "operator signs out":
		if by == theOwner {
			m.end(0)
			r.signOut()
			w.step(what, true, true)
		}
	case "operator renames":
		if by == theOwner && w.upTo(4, "really") == 0 {
			w.step(what, m.renameFor("decent"), r.renameFor("decent"))
		}
	case "pass":
		w.pass([]time.Duration{time.Hour, time.Hour, 24 * time.Hour, 3 * 24 * time.Hour}[w.upTo(4, "time")])
		w.step(what, true, true)
	}
}

// factors is a step that takes something that is shown once more.
func (w *thiefWalk) factors(by who, doing string) {
	m, r := w.m, w.r
	kind, id := w.holding(by)
	if kind == "" {
		return
	}
	what := fmt.Sprintf("%s, %v, shows %s %d", doing, by, kind, id)
	switch doing {
	case "remove factors":
		got := r.removeFactors(by, kind, id)
		w.step(what, m.removeFactors(by, kind, id), got)
	case "remove one":
		which := []string{"app", "number"}[w.upTo(2, "kind")]
		got := r.removeOne(by, which, kind, id)
		w.step(what+" for "+which, m.removeOne(by, which, kind, id), got)
	case "renew":
		got := r.renew(by, kind, id)
		w.step(what, m.renew(by, kind, id), got)
	case "swap":
		next := len(m.things)
		got := r.swap(by, kind, id, next)
		w.step(what, m.swap(by, kind, id), got)
	}
}

// end is what the documents tell an owner to do. It says how the walk ended.
func (w *thiefWalk) end() string {
	m, r := w.m, w.r
	switch {
	case m.theft < 0:
		return "no thief"
	case m.now-m.theft > window-time.Hour:
		return "too late"
	case m.gaveUp:
		return "the owner had removed a factor"
	}
	w.pass(time.Minute)
	for _, n := range w.waysOf(theOwner, false, "address") { // the oldest change that was not theirs
		if m.ways[n].by == theThief {
			w.step(fmt.Sprint("the owner takes the address back, mail ", n), m.addressBack(n), r.addressBack(n))
			break
		}
	}
	if !m.reads(theOwner, m.box) {
		w.t.Fatalf("the address is %s, and nothing brings it back", m.box)
	}
	if m.closed {
		for _, n := range w.waysOf(theOwner, false, "closed") {
			if m.ways[n].to == m.box && m.closed {
				w.step(fmt.Sprint("the owner reopens, mail ", n), m.reopen(n), r.reopen(n))
			}
		}
	}
	moved := w.takesAdditionsBack()
	w.pass(time.Minute)
	if m.noPassword { // who chooses no password has everybody signed out
		m.end(0)
		r.signOut()
	} else {
		next := m.chosen + 1
		w.step("the owner chooses a password", m.forgot(theOwner), r.forgot(next))
	}
	w.thiefIsOut()
	m.sharedBy = 0 // what was copied is over, and counts for nothing any more
	w.pass(time.Minute)
	w.comesIn()
	w.mailboxAlone()
	for i, t := range m.things { // as the service has them: they were compared
		if t.state == "stands" && t.who == theThief {
			w.t.Fatalf("%s %d of the thief is left", t.kind, i)
		}
	}
	switch {
	case moved:
		return "recovered, with a change of the owner’s own taken back"
	case m.mailbox && m.cookie:
		return "recovered, from who has the mailbox and a session"
	case m.mailbox:
		return "recovered, from who has the mailbox"
	}
	return "recovered"
}

// ownersOwn tells whether a mail is about what its owner added, and has: an app of theirs
// may be the thief's since it was swapped.
func (w *thiefWalk) ownersOwn(n int) bool {
	v := w.m.ways[n]
	return v.by == theOwner && w.m.things[v.about].who == theOwner
}

// takesAdditionsBack is every mail about what the thief added, in some order. What the owner
// was told of at an address that they have given up since comes last, after that
// change of theirs; it tells whether there was any.
func (w *thiefWalk) takesAdditionsBack() (moved bool) {
	m, r := w.m, w.r
	all := slices.DeleteFunc(w.waysOf(theOwner, false, "passkey", "factor"), w.ownersOwn)
	for _, i := range w.permuted(len(all)) {
		if n := all[i]; m.ways[n].to == m.box {
			w.step(fmt.Sprint("the owner takes it back, mail ", n), m.takeBack(n), r.takeBack(m.ways[n].kind, n))
		}
	}
	for _, n := range all {
		v := m.ways[n]
		if v.spent || m.things[v.about].state != "stands" || v.to == m.box && !moved {
			continue
		}
		moved = true
		for _, o := range w.waysOf(theOwner, false, "address") {
			if a := m.ways[o]; a.at >= v.at && a.to == v.to && !m.ways[o].spent && m.box != v.to {
				w.step(fmt.Sprint("the owner takes their own change back, mail ", o), m.addressBack(o), r.addressBack(o))
			}
		}
		w.step(fmt.Sprint("the owner takes it back, mail ", n), m.takeBack(n), r.takeBack(v.kind, n))
	}
	return moved
}

// thiefIsOut: no session, no remembered browser, no grant, no password, and no mail that
// still does something.
func (w *thiefWalk) thiefIsOut() {
	m, r := w.m, w.r
	if _, in := r.in(theThief); in {
		w.t.Fatal("the thief is still in")
	}
	if grants, browsers := r.leftovers(); len(grants)+browsers > 0 {
		w.t.Fatalf("applications %v go on, %d browsers are remembered", grants, browsers)
	}
	for n, v := range m.ways {
		if m.reads(theOwner, v.to) {
			continue
		}
		tried := map[string]func(int) bool{
			"address": r.addressBack, "closed": r.reopen, "passkey": func(n int) bool { return r.takeBack("passkey", n) },
			"factor": func(n int) bool { return r.takeBack("factor", n) }, "unlinked": func(n int) bool { return r.undo(theThief, n) },
		}
		if tried[v.kind](n) {
			w.t.Fatalf("a mail about %s that the thief has still does something", v.kind)
		}
	}
	if !m.noPassword && !m.mailbox {
		if id := w.passwordOf(theThief); id != 0 {
			if _, _, err := r.a.Authenticate(r.t.Context(), r.user().Email, r.passwords[id]); err == nil {
				w.t.Fatal("the thief knows the password")
			}
		}
	}
}

// comesIn: the owner gets in with what they have, and may do what protects the account.
func (w *thiefWalk) comesIn() {
	m, r := w.m, w.r
	if m.noPassword && len(m.passkeys()) == 0 {
		if len(m.links()) == 0 {
			w.t.Fatal("nothing opens the account of the owner")
		}
		return // an identity does, which is linking's
	}
	for try := 0; !w.signIn(theOwner); try++ { // a try may be with what is gone
		if try == 8 {
			w.t.Fatal("the owner is locked out")
		}
		w.pass(time.Minute)
	}
	s, in := r.in(theOwner)
	if !in {
		w.t.Fatal("the owner is not in")
	}
	if err := r.a.RequestEmail(r.t.Context(), s, "new"+r.host); err != nil {
		w.t.Fatalf("what is sensitive: %v", err)
	}
}

// mailboxAlone: a thief who reads the mailbox goes on reading it when the owner is back. They
// can choose a password then, and get past no factor that stood before: neither with what they
// had while a copied session let them in, nor with the browser that they copied with it.
func (w *thiefWalk) mailboxAlone() {
	m, r := w.m, w.r
	if m.noPassword || !m.guarded || !m.reads(theThief, m.box) {
		return
	}
	next := m.chosen + 1
	w.step("the thief chooses a password by mail", m.forgot(theThief), r.forgot(next))
	w.noCopyCounts()
	for range 4 { // each time with something else that they had
		w.signIn(theThief)
		w.pass(time.Minute)
	}
	if _, in := r.in(theThief); in {
		w.t.Fatal("the mailbox got past the second factor")
	}
}

// noCopyCounts: after another password no browser stands for the second factor that was
// remembered before, whoever has its cookie.
func (w *thiefWalk) noCopyCounts() {
	if w.r.copied() {
		w.t.Fatal("the browser that the thief has copied stands for the second factor")
	}
}

// permuted are the numbers below n in some order.
func (w *thiefWalk) permuted(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if n < 2 {
		return all
	}
	return rapid.Permutation(all).Draw(w.t, "order")
}
