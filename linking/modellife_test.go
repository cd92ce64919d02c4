package linking_test

import (
	"fmt"

	"idbroker/linking"
)

// lose predicts what stands where a step was carried out and nobody learned of
// it: a browser that is not told who it belongs to asks again, and its login
// knows.
func (m *model) lose(was *model, a answer) answer {
	switch {
	case a.refused:
		return a
	case a.outcome == linking.SignedIn, a.outcome == linking.Found, a.outcome == linking.Reauthenticated, len(m.users) > len(was.users):
		m.seats = was.seats
		if m.entered > 0 {
			m.logins[m.entered-1].proven = true
		}
	case a.user > 0 && was.users[a.user-1].vouched != "" && m.users[a.user-1].vouched == "" && !m.users[a.user-1].gone: // re-claimed
		m.seats = was.seats
		m.signOut(a.user, -1)
		if m.entered > 0 {
			m.logins[m.entered-1].proven = true
		}
	case a.outcome == linking.NewPerson, a.outcome == linking.AskReplace:
		m.logins = m.logins[:len(was.logins)] // a new one is nobody's; one that was there stays
	}
	return answer{lost: true}
}

// people is what stands in the accounts.
func (m *model) people() map[int]string {
	bit := map[bool]int{true: 1}
	all := map[int]string{}
	for i, u := range m.users {
		if !u.gone {
			by := u.vouched
			if by == "" {
				by = "-"
			}
			all[i+1] = fmt.Sprintf("%s %d %s %d %d", u.email, bit[u.proven], by, bit[u.password], bit[u.disabled])
		}
	}
	return all
}

// deleteUser predicts an operator who deletes an account.
func (m *model) deleteUser(u int, crash bool) answer {
	if m.users[u-1].gone || crash {
		return refusal
	}
	for k, l := range m.links {
		if l.user == u {
			m.remove(k)
		}
	}
	m.signOut(u, -1)
	m.changedAccount(u)
	m.voidChanges(u)
	for i := range m.codes {
		m.codes[i].gone = m.codes[i].gone || m.codes[i].email == m.users[u-1].email
	}
	for i := range m.logins {
		if m.logins[i].owner == u {
			m.logins[i] = login{seat: m.logins[i].seat, key: m.logins[i].key, done: true, over: true}
		}
	}
	m.users[u-1] = user{gone: true}
	return answer{user: u}
}

// changeEmail predicts an operator who gives an account another address.
func (m *model) changeEmail(u int, email string, crash bool) answer {
	who := &m.users[u-1]
	switch {
	case who.gone:
		return refusal
	case who.email == email:
		if crash {
			return refusal
		}
		return answer{user: u}
	case m.known(email), crash:
		return refusal
	}
	who.email, who.proven = email, false
	m.changedAccount(u)
	m.voidChanges(u)
	return answer{user: u}
}

// voidChanges predicts that mailed ways back are unknown from now on.
func (m *model) voidChanges(u int) {
	for i := range m.changes {
		if m.changes[i].user == u {
			m.changes[i].void = true
		}
	}
}

// reset is a mailed link that chooses a new password.
type reset struct {
	user int
	void bool
}

// forgot predicts "lost password" for an address. The answer is always the same.
func (m *model) forgot(email string) answer {
	for i, u := range m.users {
		if u.email == email && !u.gone && !u.disabled {
			m.voidResets(i + 1)
			m.resets = append(m.resets, reset{user: i + 1})
		}
	}
	return answer{}
}

// voidResets predicts that the account has changed since its links were mailed.
func (m *model) voidResets(u int) {
	for i := range m.resets {
		if m.resets[i].user == u {
			m.resets[i].void = true
		}
	}
}

// choose predicts a new password that is chosen with a mailed link.
func (m *model) choose(n int, crash bool) answer {
	r := m.resets[n]
	if !m.passwords || r.void || m.users[r.user-1].disabled || crash {
		return refusal
	}
	m.entered = 0
	m.reclaim(r.user)
	m.users[r.user-1].password, m.users[r.user-1].proven = true, true
	m.changedAccount(r.user)
	m.signOut(r.user, -1)
	m.dropProven(r.user)
	return answer{user: r.user}
}

// dropProven predicts that whoever was authenticated before and has no session
// yet begins anew.
func (m *model) dropProven(u int) {
	for i := range m.logins {
		if m.logins[i].proven && m.logins[i].owner == u {
			m.logins[i].proven, m.logins[i].ended = false, true
		}
	}
}

// goOn predicts a browser that comes back to a login which was completed
// elsewhere, or whose answer it never got.
func (m *model) goOn(at, n int) answer {
	l := &m.logins[n]
	if l.seat != at || l.over || !l.proven || m.users[l.owner-1].disabled {
		return refusal
	}
	l.proven = false
	m.signIn(at, l.owner)
	return answer{user: l.owner}
}

// pass predicts an hour that passes, or a week.
func (m *model) pass(week bool) {
	for i := range m.seats {
		m.seats[i].fresh = false
	}
	for i := range m.legs {
		m.legs[i].spent = true
	}
	for i := range m.logins {
		m.logins[i].over = true
	}
	for i := range m.forms {
		m.forms[i].used = true
	}
	for i := range m.resets {
		m.resets[i].void = true
	}
	for i := range m.codes {
		m.codes[i].used, m.codes[i].soon, m.codes[i].old = true, false, true
	}
	for i := range m.changes {
		m.changes[i].expired = m.changes[i].expired || week
	}
}
