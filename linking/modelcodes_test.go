package linking_test

import "idbroker/broker/local"

// What docs/linking.md promises about mailed codes.
const (
	guesses       = 5
	codesAnHour   = 5  // to an address
	codesABrowser = 10 // in an hour
)

// code is one that was asked for.
type code struct {
	login, seat int
	email       string
	user        int  // to whom it was mailed; 0 nobody
	link        bool // to prove an account for an identity that waits; or else to sign in
	tries       int
	used        bool // or replaced, or its time is up
	void        bool // the account has changed since
	soon        bool // within the minute
	old         bool // not of this hour
	gone        bool // with the account of its address
}

// mails tells whether codes are mailed in a login.
func (m *model) mails(l login) bool {
	return m.codesFor == local.CodesSignIn || m.codesFor == local.CodesLink && !l.done
}

// lastCode is the latest of a login; nil: none.
func (m *model) lastCode(n int) (c *code, at int) {
	for i := len(m.codes) - 1; i >= 0; i-- {
		if m.codes[i].login == n && !m.codes[i].gone {
			return &m.codes[i], i
		}
	}
	return nil, -1
}

// visit is a browser that opens the sign-in page.
func (m *model) visit(at int) { m.logins = append(m.logins, login{seat: at, done: true}) }

// sendCode predicts a code that is asked for in a login. The answer is the same
// whoever has the address.
func (m *model) sendCode(n int, email string, crash bool) answer {
	l := m.logins[n]
	last, _ := m.lastCode(n)
	if !m.mails(l) || crash || last != nil && last.soon {
		return refusal
	}
	to, from := 0, 0
	for _, c := range m.codes {
		if !c.old && !c.gone && c.email == email {
			to++
		}
		if !c.old && !c.gone && c.seat == l.seat {
			from++
		}
	}
	if from >= codesABrowser {
		return refusal
	}
	c := code{login: n, seat: l.seat, email: email, link: !l.done, soon: true}
	if u := m.holder(email); to < codesAnHour && u != 0 && m.users[u-1].proven && !m.users[u-1].disabled {
		c.user = u
	}
	for i := range m.codes {
		m.codes[i].used = m.codes[i].used || m.codes[i].login == n
	}
	m.codes = append(m.codes, c)
	return answer{}
}

// typeCode predicts code number which, typed in a seat for a login after some
// wrong guesses.
func (m *model) typeCode(at, n, which, wrong int, f fault) answer {
	l := &m.logins[n]
	c, last := m.lastCode(n)
	if l.over || !m.mails(*l) || c == nil || c.link == l.done || c.seat != at || c.used {
		return refusal
	}
	if c.tries += wrong; c.tries >= guesses {
		c.tries = guesses
		return refusal
	}
	c.tries++
	u := c.user
	if which != last || u == 0 || c.void || m.users[u-1].disabled || f == crash {
		return refusal
	}
	c.used = true
	m.reclaim(u)
	if f == lost {
		return answer{lost: true}
	}
	m.signIn(at, u)
	l.owner, l.proven = u, false
	if !l.done {
		l.user, l.form = u, ""
	}
	return answer{user: u}
}

// minute lets a minute pass for those who wait for another code.
func (m *model) minute() {
	for i := range m.codes {
		m.codes[i].soon = false
	}
}
