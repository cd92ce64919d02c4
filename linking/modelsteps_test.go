package linking_test

import (
	"idbroker/broker"
	"idbroker/linking"
)

// create predicts whether an operator can make an account.
func (m *model) create(email string, password bool) answer {
	if m.known(email) {
		return refusal
	}
	m.users = append(m.users, user{email: email, proven: true, password: password})
	return answer{user: len(m.users)}
}

func (m *model) known(email string) bool { return m.holder(email) != 0 }

// password predicts a sign-in with the right or a wrong password, as a step of
// login n; -1: of none.
func (m *model) password(at, u, n int, right bool) answer {
	who := m.users[u-1]
	if !right || !m.passwords || !who.password || who.disabled || who.gone || n >= 0 && (m.logins[n].done || m.logins[n].over || m.logins[n].seat != at) {
		return refusal
	}
	m.signIn(at, u)
	if n >= 0 {
		m.logins[n].user, m.logins[n].owner, m.logins[n].form, m.logins[n].proven = u, u, "", false
	}
	return answer{user: u}
}

// pending predicts the answer to "shall it open your account?".
func (m *model) pending(at, n int, agreed, crash bool) answer {
	l, s := &m.logins[n], m.seats[at]
	if l.done || l.user == 0 || crash || s.user != l.user {
		return refusal
	}
	was := m.clone()
	a := m.link(s, l.key, agreed)
	if a.outcome == linking.AskReplace {
		*m = *was
		return refusal // it was asked, and this is no answer
	}
	if !a.refused {
		m.logins[n].done = true
	}
	return a
}

// signUp predicts a form that is filled in for a new person's identity. The
// answer is the same whether the address is known; one that is proven gets no link.
// Where the provider's word will do the account begins, and its browser goes on.
func (m *model) signUp(n int, email string, crash bool) answer {
	l := &m.logins[n]
	if l.done || l.user != 0 || crash {
		return refusal
	}
	p := m.policies[l.key.provider]
	if p.Unmailed && !p.Hidden && l.told != unproven && l.email == email && !m.known(email) {
		if p.LinkOnly || p.SignUp == broker.SignUpNo || m.links[l.key].user != 0 {
			return refusal
		}
		u := m.vouch(l.key, email)
		l.done, l.form, l.owner, l.proven, m.entered = true, "", u, true, n+1
		return answer{user: u}
	}
	l.form = email
	if m.open(email) {
		m.forms = append(m.forms, form{login: n, email: email})
	}
	return answer{}
}

// prove predicts a mailed link that begins an account, or re-claims one, opened in a
// seat. Another one than that of the form is not signed in.
func (m *model) prove(n, at int, crash bool) answer {
	f := &m.forms[n]
	l := &m.logins[f.login]
	if p := m.policies[l.key.provider]; p.Hidden || p.LinkOnly || p.SignUp == broker.SignUpNo {
		return refusal
	}
	if f.used || l.done || l.over || l.user != 0 || l.form != f.email || !m.open(f.email) || crash {
		return refusal
	}
	u := m.holder(f.email)
	if owner := m.links[l.key].user; owner != 0 && owner != u || u != 0 && at != l.seat { // a stranger's form re-claims nothing for them
		return refusal
	}
	if u != 0 {
		m.reclaim(u)
	} else {
		m.users = append(m.users, user{email: f.email, proven: true})
		u = len(m.users)
	}
	f.used, l.done, l.owner, l.proven = true, true, u, at != l.seat
	m.entered = f.login + 1
	m.add(l.key, u)
	if at == l.seat {
		m.signIn(at, u)
	}
	return answer{user: u}
}

// unlink predicts the removal of a link by whoever sits before a seat.
func (m *model) unlink(at int, k key, crash bool) answer {
	s := m.seats[at]
	if s.user == 0 || !s.fresh || m.users[s.user-1].disabled || m.links[k].user != s.user || crash {
		return refusal
	}
	if m.usable(k.provider) && m.waysIn(s.user) == 1 {
		return refusal
	}
	m.remove(k)
	m.changed(change{user: s.user, removed: k})
	return answer{user: s.user}
}

// unlinkFor predicts the removal of a link by an operator.
func (m *model) unlinkFor(k key, forced, crash bool) answer {
	u := m.links[k].user
	if u == 0 || crash || m.usable(k.provider) && m.waysIn(u) == 1 && !forced {
		return refusal
	}
	m.remove(k)
	m.signOut(u, -1)
	m.changedAccount(u)
	m.dropProven(u)
	return answer{user: u}
}

// undo predicts "this was not me", pressed in a seat.
func (m *model) undo(at, n int, crash bool) answer {
	c := &m.changes[n]
	if c.undone || c.expired || c.void || m.users[c.user-1].disabled || crash {
		return refusal
	}
	if owner := m.links[c.removed].user; owner != 0 && owner != c.user {
		return refusal
	}
	after := m.clone()
	if c.added != (key{}) && m.links[c.added].user == c.user {
		after.remove(c.added)
	}
	if c.removed != (key{}) && m.links[c.removed].user == 0 {
		after.links[c.removed] = link{user: c.user}
	}
	if after.waysIn(c.user) == 0 && !(m.passwords && m.users[c.user-1].proven) {
		return refusal
	}
	*m = *after
	m.changes[n].undone = true
	except := -1
	if m.seats[at].user == m.changes[n].user {
		except = at
	}
	m.signOut(m.changes[n].user, except)
	m.changedAccount(m.changes[n].user)
	m.dropProven(m.changes[n].user)
	return answer{user: m.changes[n].user}
}

// disable predicts an operator who closes an account, or opens it again.
func (m *model) disable(u int, disabled bool) answer {
	if m.users[u-1].gone {
		return refusal
	}
	if m.users[u-1].disabled != disabled {
		m.changedAccount(u)
	}
	m.users[u-1].disabled = disabled
	if disabled {
		m.signOut(u, -1)
	}
	return answer{user: u}
}
