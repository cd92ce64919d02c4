package linking_test

import (
	"idbroker/broker"
	"idbroker/linking"
)

// told is how a provider tells an address.
type told string

const (
	unproven told = "unproven"
	vouched  told = "vouched"  // its word counts, since the operator says so
	asserted told = "asserted" // and it says itself that it verified it
)

// holder is whose account has an address; 0 nobody's.
func (m *model) holder(email string) int {
	for i, u := range m.users {
		if u.email == email && !u.gone {
			return i + 1
		}
	}
	return 0
}

// open tells whether a mail to an address may begin an account with it, or
// re-claim the one that a provider's word began.
func (m *model) open(email string) bool {
	h := m.holder(email)
	return h == 0 || m.users[h-1].vouched != "" && !m.users[h-1].disabled
}

// newcomer predicts what becomes of an identity that nobody has, at a sign-in in
// a login; l is what its provider tells.
func (m *model) newcomer(at, in int, k key, l leg) answer {
	p, holder := m.policies[k.provider], 0
	if l.told != unproven {
		holder = m.holder(l.email)
	}
	switch {
	case p.LinkByEmail && l.told == asserted && holder != 0 && m.finds(holder, k):
		m.found(at, in, k, holder)
		return answer{outcome: linking.Found, user: holder}
	case p.SignUp == broker.SignUpNo:
		return refusal
	case p.SignUp == broker.SignUpAutomatic && l.told != unproven && holder == 0:
		return answer{outcome: linking.Began, user: m.began(at, in, k, l.email)}
	}
	m.wait(in, login{seat: at, key: k, email: l.email, told: l.told})
	return answer{outcome: linking.NewPerson}
}

// finds tells whether an address leads to the account that has it: a mail or an
// operator has proven it, and nothing of that provider opens it yet.
func (m *model) finds(holder int, k key) bool {
	u := m.users[holder-1]
	return u.proven && u.vouched == "" && !u.disabled && len(m.others(holder, k)) == 0
}

func (m *model) found(at, in int, k key, holder int) {
	m.add(k, holder)
	m.changed(change{user: holder, added: k})
	m.came(in, k, holder)
	m.signIn(at, holder)
}

// began is an account that begins by the word of a provider, at the callback.
func (m *model) began(at, in int, k key, email string) int {
	u := m.vouch(k, email)
	m.came(in, k, u)
	if m.entered > 0 {
		l := &m.logins[in-1]
		l.done, l.user, l.form = true, 0, ""
	}
	m.signIn(at, u)
	return u
}

// vouch makes the account of an identity by the word of its provider.
func (m *model) vouch(k key, email string) int {
	m.users = append(m.users, user{email: email, proven: true, vouched: k.provider})
	m.add(k, len(m.users))
	return len(m.users)
}

// reclaim predicts what is left of an account that a provider's word began, once
// somebody has read a mail at its address: nothing that opens it.
func (m *model) reclaim(u int) {
	if m.users[u-1].vouched == "" {
		return
	}
	for k, l := range m.links {
		if l.user == u {
			m.remove(k)
		}
	}
	who := &m.users[u-1]
	who.proven, who.vouched, who.password = true, "", false
	m.voidChanges(u)
	m.changedAccount(u)
	m.signOut(u, -1)
	m.dropProven(u)
}

// setPassword predicts a first password, set by whoever sits before a seat.
func (m *model) setPassword(at int, crash bool) answer {
	u := m.seats[at].user
	if u == 0 || !m.passwords || m.users[u-1].password || !m.seats[at].fresh || crash {
		return refusal
	}
	m.users[u-1].password = true
	m.changedAccount(u)
	m.signOut(u, at)
	m.dropProven(u)
	return answer{user: u}
}

// changedAccount predicts that the account has changed since its mails were
// written: their links and codes are void.
func (m *model) changedAccount(u int) {
	m.voidResets(u)
	for i := range m.codes {
		if m.codes[i].user == u {
			m.codes[i].void = true
		}
	}
}
