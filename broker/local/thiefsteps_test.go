package local_test

import (
	"slices"
	"time"
)

// What the model predicts of each step that takes a session, or a mail.

func (m *thiefModel) choosePassword(w who, right bool) bool {
	s, ok := m.in(w)
	if !ok || (m.password == 0 || len(m.factors()) > 0) && m.now-s.auth > freshly || m.password != 0 && !right {
		return false
	}
	m.setPassword(w, m.seats[w])
	return true
}

func (m *thiefModel) setPassword(w who, but int) {
	m.chosen++
	m.password, m.setAt = m.chosen, m.now
	m.knows[w][m.chosen] = true
	m.end(but)
}

func (m *thiefModel) forgot(w who) bool {
	if m.closed || !m.reads(w, m.box) {
		return false
	}
	m.setPassword(w, 0)
	return true
}

func (m *thiefModel) move(w who, box string) bool {
	if _, ok := m.fresh(w); !ok || box == m.box || !m.reads(w, box) {
		return false
	}
	m.mail("address", w, -1)
	m.ways[len(m.ways)-1].name, m.ways[len(m.ways)-1].named = m.name, true
	m.box = box
	m.end(m.seats[w])
	return true
}

func (m *thiefModel) addressBack(n int) bool {
	t := &m.ways[n]
	if t.spent || m.now >= t.until {
		return false
	}
	for i := range m.ways {
		if o := &m.ways[i]; o.at >= t.at && (o.kind == "address" || o.kind == "unlinked") {
			o.spent = true
		}
	}
	m.returnTo(t.at)
	if t.named {
		m.name = t.name
	}
	m.box, m.closed = t.to, false
	m.end(0)
	return true
}

func (m *thiefModel) rename(w who, name string) bool {
	_, ok := m.fresh(w)
	if ok {
		m.name = name
	}
	return ok
}

// renameFor is an operator's choice, which no link takes back.
func (m *thiefModel) renameFor(name string) bool {
	for i := range m.ways {
		m.ways[i].named = m.ways[i].named && m.name == name
	}
	m.name = name
	return true
}

func (m *thiefModel) takeBack(n int) bool {
	t := &m.ways[n]
	if t.spent || m.now >= t.until || m.closed || m.box != t.to {
		return false
	}
	about := &m.things[t.about]
	if about.state == "stands" {
		left := slices.DeleteFunc(m.factors(), func(i int) bool { return i == t.about })
		keys := slices.DeleteFunc(m.passkeys(), func(i int) bool { return i == t.about })
		if m.need {
			left = append(left, keys...)
		}
		if (m.need || t.kind == "factor") && len(left) == 0 && m.elderGone(t.at) {
			return false
		}
		back := slices.DeleteFunc(m.restorable(t.at), func(i int) bool { return i == t.about })
		if t.kind == "passkey" && m.noPassword && len(keys)+len(m.links())+len(back) == 0 {
			return false
		}
	}
	if about.state == "stands" && t.kind == "factor" {
		m.dropCodes(t.at)
	}
	about.state, t.spent = "dropped", true
	if !m.isOpen() || m.need && len(m.factors())+len(m.passkeys()) == 0 {
		m.restorePasskeys(t.at)
	}
	m.end(0)
	return true
}

func (m *thiefModel) undo(w who, n int) bool {
	t := &m.ways[n]
	if t.spent || m.now >= t.until || m.closed {
		return false
	}
	t.spent = true
	if m.things[t.about].state == "removed" {
		m.things[t.about].state = "stands"
	}
	but := 0
	if _, ok := m.in(w); ok {
		but = m.seats[w]
	}
	m.end(but)
	return true
}

func (m *thiefModel) addPasskey(w who) bool {
	if s, ok := m.fresh(w); !ok || len(m.factors()) > 0 && !s.two {
		return false
	}
	p := m.add("passkey", w)
	if others := len(m.factors()) + len(m.passkeys()) - 1; !m.need || others > 0 || !m.elderGone(m.now) {
		m.mail("passkey", w, p)
	}
	return true
}

func (m *thiefModel) removePasskey(w who, id int) bool {
	_, ok := m.fresh(w)
	last := len(m.passkeys()) == 1
	switch {
	case !ok, m.things[id].state != "stands",
		last && (m.noPassword || m.password == 0) && len(m.links()) == 0,
		last && m.need && len(m.factors()) == 0:
		return false
	}
	t := &m.things[id]
	t.state, t.gone = "removed", m.now
	for i := range m.sessions {
		if s := &m.sessions[i]; i+1 != m.seats[w] && s.key && s.auth <= t.used {
			s.live = false
		}
	}
	return true
}

// addFactor predicts an app or a number. The first one makes the session one of two factors.
func (m *thiefModel) addFactor(w who, kind string) bool {
	s, ok := m.fresh(w)
	has := len(m.factors()) > 0
	if !ok || len(m.standing(kind)) > 0 || has && !s.two {
		return false
	}
	f := m.add(kind, w)
	m.mailOfFactor(w, f)
	if !has {
		m.firstFactor(w, f, m.seats[w])
		m.stronger(w)
	}
	return true
}

// stronger is the session of w with a factor, under another cookie: who shared it is out.
func (m *thiefModel) stronger(w who) {
	was := &m.sessions[m.seats[w]-1]
	now := *was
	was.live, now.two = false, true
	m.sessions = append(m.sessions, now)
	m.seats[w] = len(m.sessions)
}

func (m *thiefModel) remove(id int, w who) {
	t := &m.things[id]
	if w == theOwner && elder(t.since, m.now) {
		m.gaveUp = true
	}
	t.state, t.gone = "removed", m.now
}

func (m *thiefModel) removeFactors(w who, kind string, shown int) bool {
	if _, ok := m.fresh(w); !ok || m.need && len(m.passkeys()) == 0 || !m.vouching(w, kind, shown) {
		return false
	}
	for _, f := range m.factors() {
		m.remove(f, w)
	}
	m.codes, m.guarded = 0, m.guarded && w != theOwner
	return true
}

func (m *thiefModel) removeOne(w who, which, kind string, shown int) bool {
	all := m.factors()
	rest := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return m.things[i].kind == which })
	if _, ok := m.fresh(w); !ok || len(rest) == len(all) || len(rest) == 0 || !m.vouching(w, kind, shown) {
		return false
	}
	for _, f := range all {
		if m.things[f].kind == which {
			m.remove(f, w)
		}
	}
	m.newCodes(w, rest[0])
	return true
}

func (m *thiefModel) renew(w who, kind string, shown int) bool {
	if _, ok := m.fresh(w); !ok || !m.vouching(w, kind, shown) {
		return false
	}
	m.newCodes(w, m.factors()[0])
	return true
}

// swap predicts another app in the place of one: it is what that was, since when it was.
func (m *thiefModel) swap(w who, kind string, shown int) bool {
	app := m.standing("app")
	if _, ok := m.fresh(w); !ok || len(app) == 0 || !m.vouching(w, kind, shown) {
		return false
	}
	old := &m.things[app[0]]
	old.state = "dropped"
	since := old.since
	n := m.add("app", w)
	m.things[n].since = since
	for i := range m.ways {
		if m.ways[i].about == app[0] && m.ways[i].kind == "factor" {
			m.ways[i].about = n
		}
	}
	m.newCodes(w, n)
	return true
}

func (m *thiefModel) link(w who) bool {
	if _, ok := m.fresh(w); !ok {
		return false
	}
	m.add("link", w)
	return true
}

func (m *thiefModel) unlink(w who, id int) bool {
	_, ok := m.fresh(w)
	ways := len(m.links()) - 1 + len(m.passkeys())
	if m.password != 0 && !m.noPassword {
		ways++
	}
	if !ok || m.things[id].state != "stands" || ways == 0 {
		return false
	}
	m.things[id].state, m.things[id].gone = "removed", m.now
	m.mail("unlinked", w, id)
	return true
}

func (m *thiefModel) close(w who) bool {
	if _, ok := m.fresh(w); !ok {
		return false
	}
	m.mail("closed", w, -1)
	m.ways[len(m.ways)-1].until = m.now + 14*24*time.Hour
	m.closed = true
	m.end(0)
	return true
}

func (m *thiefModel) reopen(n int) bool {
	t := &m.ways[n]
	if t.spent || m.now >= t.until || !m.closed || m.box != t.to {
		return false
	}
	for i := range m.ways {
		if m.ways[i].kind == "closed" {
			m.ways[i].spent = true
		}
	}
	m.closed = false
	return true
}

func (m *thiefModel) reset() bool { // by an operator
	all := m.factors()
	for _, f := range all {
		m.things[f].state = "dropped"
	}
	m.codes, m.guarded = 0, false
	return len(all) > 0
}
