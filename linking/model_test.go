package linking_test

import (
	"fmt"
	"maps"
	"slices"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// The model is what must be true of linking, told by the history of a small
// world and by nothing else: three browsers before which anybody may sit, two
// honest providers and a hostile one, three persons at each, three addresses. It
// keeps who proved what where, predicts every step, and knows no database row
// and none of linking's facts. The walks (walk_test.go) lay it beside the
// service.
type model struct {
	policies  map[string]broker.Provider
	passwords bool // open accounts
	users     []user
	links     map[key]link
	seats     [seats]seat
	legs      []leg
	logins    []login
	forms     []form
	changes   []change
	resets    []reset
	codes     []code
	codesFor  local.Codes     // what codes are mailed for
	entered   int             // the login that the last sign-in completed, plus one; 0 none
	hostile   map[string]bool // providers that say what they like
	revoked   int             // revocations that were left in the outbox
}

const seats = 3

var (
	providerIDs = []string{"one", "two", "evil"}
	persons     = []string{"ada", "bob", "eve"}
	addresses   = []string{"ada@example.org", "bob@example.org", "eve@example.org", "fay@example.org", "gus@example.org"}
)

// key is an identity. A provider that lies may name another's issuer.
type key struct{ provider, subject, issuer string } // issuer: whose it names; "" its own

func (k key) url() string {
	if k.issuer != "" {
		return "https://" + k.issuer + ".example"
	}
	return "https://" + k.provider + ".example"
}

// user is an account; its number is its place in model.users plus one.
type user struct {
	email    string
	proven   bool   // it counts as theirs: somebody has read a mail there, or an operator or a provider vouches for it
	vouched  string // the provider by whose word it began, as long as nobody has read a mail; "" none
	password bool
	disabled bool
	gone     bool
}

type link struct {
	user   int
	tokens bool // something lets us act there
}

// seat is a browser.
type seat struct {
	user  int // who is signed in; 0 nobody
	fresh bool
	sid   int
}

// leg is a journey to a provider: who began it where, and who signed in there.
type leg struct {
	seat     int
	provider string
	subject  string
	issuer   string // another provider's, which it names; "" its own
	email    string // what the provider tells
	told     told   // ... how
	purpose  broker.Purpose
	user     int // who was signed in when it began
	in       int // the login that it is a part of, plus one; 0 none
	spent    bool
}

// key is the identity of a leg's code at a callback.
func (l leg) key(path string) key {
	k := key{path, l.subject, l.issuer}
	if k.issuer == "" {
		k.issuer = l.provider
	}
	if k.issuer == path {
		k.issuer = ""
	}
	return k
}

// login holds a proven identity that nobody has.
type login struct {
	seat int
	key  key
	user int // who proved an account in it since; 0 nobody
	form string
	done bool // nothing waits

	email string // what the provider told
	told  told

	owner  int  // whom the login belongs to in the end; 0 nobody yet
	proven bool // it is authenticated, and its browser has not come back yet
	ended  bool // it was proven, and the account has ended that since
	over   bool // its time is up, or it has become a session
}

// form is a mailed link that begins an account.
type form struct {
	login int
	email string
	used  bool
}

// change is a mailed link that takes a change of links back.
type change struct {
	user           int
	added, removed key // zero: nothing
	undone         bool
	expired        bool
	void           bool // the secret is unknown by now
}

func newModel() *model {
	m := &model{policies: map[string]broker.Provider{}, passwords: true, links: map[key]link{}, hostile: map[string]bool{"evil": true}}
	for _, id := range providerIDs {
		m.policies[id] = broker.Provider{ID: id, Title: id, Issuer: "https://" + id + ".example", Second: broker.SecondRefuse}
	}
	return m
}

func (m *model) clone() *model {
	c := *m
	c.policies, c.links, c.hostile = maps.Clone(m.policies), maps.Clone(m.links), maps.Clone(m.hostile)
	c.users, c.legs, c.logins = slices.Clone(m.users), slices.Clone(m.legs), slices.Clone(m.logins)
	c.forms, c.changes, c.resets = slices.Clone(m.forms), slices.Clone(m.changes), slices.Clone(m.resets)
	c.codes = slices.Clone(m.codes)
	return &c
}

func (m *model) usable(provider string) bool {
	p := m.policies[provider]
	return !p.Hidden && !p.LinkOnly
}

// waysIn counts what opens an account.
func (m *model) waysIn(u int) int {
	n := 0
	if m.users[u-1].password && m.passwords {
		n++
	}
	for k, l := range m.links {
		if l.user == u && m.usable(k.provider) {
			n++
		}
	}
	return n
}

func (m *model) others(u int, k key) (found []key) {
	for o, l := range m.links {
		if l.user == u && o.provider == k.provider && o != k {
			found = append(found, o)
		}
	}
	return found
}

// answer is how a step went, for whom.
type answer struct {
	refused bool
	lost    bool // it was carried out, and nobody was told
	outcome linking.Outcome
	user    int
}

var refusal = answer{refused: true}

func (a answer) String() string {
	switch {
	case a.refused:
		return "refused"
	case a.lost:
		return "lost"
	}
	return fmt.Sprintf("%s, user %d", a.outcome, a.user)
}

// start predicts whether a journey begins.
func (m *model) start(l leg) answer {
	s, p := m.seats[l.seat], m.policies[l.provider]
	switch {
	case p.Hidden,
		l.purpose == broker.PurposeSignIn && p.LinkOnly,
		l.purpose == broker.PurposeLink && (s.user == 0 || !s.fresh),
		l.purpose == broker.PurposeReauth && s.user == 0:
		return refusal
	}
	if l.purpose != broker.PurposeSignIn {
		l.user = s.user
	}
	m.legs = append(m.legs, l)
	return answer{}
}

// finish predicts what becomes of somebody who comes back in a seat, at the
// callback of a provider, with the state of leg n and the code of leg code.
func (m *model) finish(at int, path string, n, code int, crash bool) answer {
	l, s := &m.legs[n], &m.seats[at]
	if m.policies[path].Hidden || l.seat != at || l.provider != path || l.spent || l.purpose != broker.PurposeSignIn && s.user != l.user {
		return refusal
	}
	l.spent = true
	tells := m.legs[code]
	k := tells.key(path)
	if (code != n || k.issuer != "") && !m.hostile[path] || crash { // a hostile provider takes any code, and says what it likes
		return refusal
	}
	owner, p := m.links[k].user, m.policies[path]
	if l.purpose == broker.PurposeSignIn {
		switch {
		case p.LinkOnly, owner != 0 && m.users[owner-1].disabled:
			return refusal
		case owner == 0:
			return m.newcomer(at, l.in, k, tells)
		}
		m.use(k)
		m.came(l.in, k, owner)
		m.signIn(at, owner)
		return answer{outcome: linking.SignedIn, user: owner}
	}
	switch {
	case m.users[s.user-1].disabled:
		return refusal
	case l.purpose == broker.PurposeReauth:
		if p.LinkOnly || owner != s.user {
			return refusal
		}
		m.entered = 0
		m.use(k)
		s.fresh = true
		return answer{outcome: linking.Reauthenticated, user: s.user}
	}
	a := m.link(*s, k, false)
	if a.outcome == linking.AskReplace {
		m.logins = append(m.logins, login{seat: at, key: k, user: s.user, owner: s.user})
	}
	return a
}

// wait keeps a proven identity in the login of its journey, or in a new one
// where there is none, or another identity waits in it.
func (m *model) wait(in int, l login) {
	if in > 0 && !m.logins[in-1].over && (m.logins[in-1].done || m.logins[in-1].key == l.key) {
		m.logins[in-1] = l
		return
	}
	m.logins = append(m.logins, l)
}

// came notes that an identity of a user's was proven in a login: they may say
// now whether what waits there shall open their account, too.
func (m *model) came(in int, k key, user int) {
	m.entered = 0
	if in == 0 || m.logins[in-1].over {
		return
	}
	l := &m.logins[in-1]
	l.owner, l.proven, m.entered = user, false, in
	if l.done {
		return
	}
	if l.user, l.form = user, ""; l.key == k {
		l.done = true // it has got an owner meanwhile
	}
}

// use notes that a provider has told anew what it knows.
func (m *model) use(k key) {
	l := m.links[k]
	l.tokens = true
	m.links[k] = l
}

// link predicts what becomes of a proven identity that a seat wants to link.
func (m *model) link(s seat, k key, agreed bool) answer {
	p, owner, others := m.policies[k.provider], m.links[k].user, m.others(s.user, k)
	switch {
	case p.Hidden, s.user == 0, m.users[s.user-1].disabled:
		return refusal
	case owner == s.user:
		m.use(k)
		return answer{outcome: linking.AlreadyLinked, user: s.user}
	case owner != 0, !s.fresh:
		return refusal
	case len(others) == 0 || p.Second == broker.SecondAdd:
		m.add(k, s.user)
		m.changed(change{user: s.user, added: k})
		return answer{outcome: linking.Linked, user: s.user}
	case p.Second != broker.SecondReplace || len(others) > 1:
		return refusal
	case !agreed:
		return answer{outcome: linking.AskReplace, user: s.user}
	}
	m.remove(others[0])
	m.add(k, s.user)
	m.changed(change{user: s.user, added: k, removed: others[0]})
	return answer{outcome: linking.Replaced, user: s.user}
}

// changed keeps a way back for who can be mailed.
func (m *model) changed(c change) {
	if m.users[c.user-1].proven {
		m.changes = append(m.changes, c)
	}
}

func (m *model) add(k key, u int) { m.links[k] = link{user: u, tokens: true} }

func (m *model) remove(k key) {
	if m.links[k].tokens {
		m.revoked++
	}
	delete(m.links, k)
}

func (m *model) signIn(at, u int) {
	m.seats[at] = seat{user: u, fresh: true, sid: m.seats[at].sid + 1}
}

// signOut ends the sessions of a user, but that of a seat; -1: of none.
func (m *model) signOut(u, except int) {
	for i := range m.seats {
		if m.seats[i].user == u && i != except {
			m.seats[i] = seat{sid: m.seats[i].sid}
		}
	}
}
