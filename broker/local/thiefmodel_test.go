package local_test

import (
	"slices"
	"time"
)

// The thief's model is what must be true of an account that its owner shares with a thief
// for some days, told by who holds what and since when. It knows no row, and none of the
// service's facts; the walks (thiefwalk_test.go) lay it beside the service.

// who holds, knows or did something.
type who int

const (
	theOwner who = iota
	theThief
)

const window = 7 * 24 * time.Hour // in which mails take something back

// thing is an app, a number, a passkey or a link; its id is its place in thiefModel.things.
type thing struct {
	kind  string
	who   who
	made  time.Duration // order of factors
	since time.Duration // since when it counts; of a swapped app since when there is one
	state string        // "stands", "removed" by who was signed in at gone, or "dropped" for good
	gone  time.Duration
	used  time.Duration // a passkey, last; -1 never
}

// sitting is a session.
type sitting struct {
	two  bool // it has seen a second factor
	key  bool // a passkey began it
	auth time.Duration
	live bool
}

// way is a link in a mail.
type way struct {
	kind  string // "address", "passkey", "factor", "unlinked", "closed"
	to    string
	by    who
	about int // thing
	at    time.Duration
	until time.Duration
	spent bool
	name  string // "address": the username of then
	named bool   // "address": it gives that back
}

type thiefModel struct {
	need, noPassword bool // everybody needs a second factor; passwords open nothing
	cookie, mailbox  bool // what the thief has come by, beside the password

	now      time.Duration
	things   []thing
	password int // the one that counts; 0 none
	setAt    time.Duration
	chosen   int // passwords so far
	knows    [2]map[int]bool
	codes    int // the set of recovery codes that counts; 0 none
	codeSets []codeSet
	box      string
	name     string // the username; "" none
	closed   bool
	sessions []sitting
	seats    [2]int // session, plus one
	ways     []way

	guarded  bool          // by a factor of the owner's that stood for long, which neither they nor an operator took away
	gaveUp   bool          // the owner removed a factor that had stood for long
	theft    time.Duration // when the thief first did something; -1 not yet
	sharedBy int           // the session that the thief has copied, plus one
}

// codeSet is ten recovery codes.
type codeSet struct {
	who  who
	of   int // factor
	made time.Duration
	used int
}

func (m *thiefModel) standing(kinds ...string) (ids []int) {
	for i, t := range m.things {
		if t.state == "stands" && slices.Contains(kinds, t.kind) {
			ids = append(ids, i)
		}
	}
	return ids
}

// factors are those that stand, in the order in which they were made.
func (m *thiefModel) factors() []int {
	all := m.standing("app", "number")
	slices.SortStableFunc(all, func(a, b int) int { return int(m.things[a].made - m.things[b].made) })
	return all
}

func (m *thiefModel) passkeys() []int { return m.standing("passkey") }
func (m *thiefModel) links() []int    { return m.standing("link") }

// reads tells whose mail goes to a box.
func (m *thiefModel) reads(w who, box string) bool {
	switch box {
	case "ada":
		return w == theOwner || m.mailbox
	case "ada2":
		return w == theOwner
	}
	return w == theThief
}

func (m *thiefModel) in(w who) (s *sitting, ok bool) {
	if m.seats[w] == 0 {
		return nil, false
	}
	s = &m.sessions[m.seats[w]-1]
	return s, s.live && !m.closed && (s.two || len(m.factors()) == 0 && !m.need)
}

const freshly = 2 * time.Hour

func (m *thiefModel) fresh(w who) (s *sitting, ok bool) {
	s, ok = m.in(w)
	return s, ok && m.now-s.auth <= freshly
}

func (m *thiefModel) open(w who, s sitting) {
	s.live, s.auth = true, m.now
	m.sessions = append(m.sessions, s)
	m.seats[w] = len(m.sessions)
}

// end ends all sessions but one (plus one; 0 none).
func (m *thiefModel) end(but int) {
	for i := range m.sessions {
		if i+1 != but {
			m.sessions[i].live = false
		}
	}
}

func (m *thiefModel) add(kind string, w who) int {
	m.things = append(m.things, thing{kind: kind, who: w, made: m.now, since: m.now, state: "stands", used: -1})
	return len(m.things) - 1
}

func (m *thiefModel) mail(kind string, by who, about int) {
	m.ways = append(m.ways, way{kind: kind, to: m.box, by: by, about: about, at: m.now, until: m.now + window})
}

// signIn predicts a sign-in by a password or a passkey (first), and what is shown beside it:
// an app, a number, a passkey, recovery codes (its set), or a new app ("new", -1).
func (m *thiefModel) signIn(w who, first string, key int, second string, id int) bool {
	if m.closed {
		return false
	}
	if first == "passkey" {
		if t := m.things[key]; t.state != "stands" || t.who != w {
			return false
		}
		m.things[key].used = m.now
		m.open(w, sitting{two: true, key: true})
		return true
	}
	if m.password == 0 || !m.knows[w][m.password] {
		return false
	}
	has := len(m.factors()) > 0
	if !has && !m.need {
		m.open(w, sitting{})
		return true
	}
	switch {
	case second == "recovery":
		if !m.recover(w, id) {
			return false
		}
	case second == "new":
		if has || len(m.passkeys()) > 0 {
			return false
		}
		app := m.add("app", w)
		m.firstFactor(w, app, 0)
		m.mailOfFactor(w, app)
	default:
		if id < 0 || m.things[id].state != "stands" || m.things[id].who != w || m.things[id].kind != second {
			return false
		}
		if second == "passkey" {
			m.things[id].used = m.now
		}
	}
	m.open(w, sitting{two: true, key: second == "passkey"})
	return true
}

func (m *thiefModel) recover(w who, set int) bool {
	if set == 0 || set != m.codes || m.codeSets[set-1].who != w || m.things[m.codeSets[set-1].of].state != "stands" || m.codeSets[set-1].used >= 10 {
		return false
	}
	m.codeSets[set-1].used++
	return true
}

func (m *thiefModel) newCodes(w who, of int) {
	m.codeSets = append(m.codeSets, codeSet{who: w, of: of, made: m.now})
	m.codes = len(m.codeSets)
}

// firstFactor ends what began without it, but a session (plus one; 0 none).
func (m *thiefModel) firstFactor(w who, id, but int) {
	m.newCodes(w, id)
	m.end(but)
}

// elder tells whether what began at a time was out of reach for mails at another.
func elder(began, at time.Duration) bool { return began <= at-window }

// elderGone tells whether a factor that had stood for long was removed lately, as of a time.
func (m *thiefModel) elderGone(at time.Duration) bool {
	return slices.ContainsFunc(m.things, func(t thing) bool {
		return t.state == "removed" && (t.kind == "app" || t.kind == "number") && t.gone >= at-window && elder(t.since, at)
	})
}

func (m *thiefModel) mailOfFactor(w who, id int) {
	others := len(m.factors()) - 1
	if m.need {
		others += len(m.passkeys())
	}
	if others > 0 || !m.elderGone(m.now) {
		m.mail("factor", w, id)
	}
}

// vouching tells whether w can show something, and whether that may change factors:
// "recovery" with its set, or an app or a number.
func (m *thiefModel) vouching(w who, kind string, id int) bool {
	if kind == "recovery" {
		return m.recover(w, id)
	}
	t := m.things[id]
	if t.state != "stands" || t.who != w {
		return false
	}
	for _, o := range m.factors() {
		if m.things[o].since < t.since && !elder(t.since, m.now) {
			return false
		}
	}
	return true
}

// opens tells whether anything opens the account beside a mail.
func (m *thiefModel) isOpen() bool { return !m.noPassword || len(m.passkeys())+len(m.links()) > 0 }

func (m *thiefModel) restorePasskeys(at time.Duration) {
	for _, i := range m.restorable(at) {
		m.things[i].state = "stands"
	}
}

func (m *thiefModel) restorable(at time.Duration) (ids []int) {
	for i, t := range m.things {
		if t.kind == "passkey" && t.state == "removed" && (t.since < at && t.gone >= at || t.gone >= at-window && elder(t.since, at)) {
			ids = append(ids, i)
		}
	}
	return ids
}

// returnTo predicts what the account is like when it is as it was at a time.
func (m *thiefModel) returnTo(at time.Duration) {
	drop := func(kinds ...string) {
		for _, i := range m.standing(kinds...) {
			if m.things[i].since >= at {
				m.things[i].state = "dropped"
			}
		}
	}
	drop("passkey")
	swapped := len(m.factors()) > 0 && !slices.ContainsFunc(m.factors(), func(i int) bool { return m.things[i].since < at })
	if !swapped || !m.elderGone(at) {
		drop("app", "number")
		m.dropCodes(at)
	}
	drop("link")
	if m.setAt >= at {
		m.password = 0
	}
	if m.isOpen() && len(m.factors()) > 0 {
		return
	}
	m.restorePasskeys(at)
	for i, t := range m.things {
		if t.kind == "link" && t.state == "removed" && t.since < at && t.gone >= at {
			m.things[i].state = "stands"
		}
	}
}

func (m *thiefModel) dropCodes(since time.Duration) {
	if m.codes > 0 && m.codeSets[m.codes-1].made >= since {
		m.codes = 0
	}
}
