package linking_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// rules walks over the decisions alone: it keeps a world in maps, gathers facts
// from them, asks the three functions, and does what they say. It is fast, and
// its decisions can be broken one at a time, to see that the model notices.
type rules struct {
	decide       func(linking.Facts) (linking.Outcome, error)
	decideUnlink func(linking.UnlinkFacts) error
	decideUndo   func(linking.UndoFacts) error

	model // the maps; nothing of its judgement is used
	fails bool
	asked int64
}

func newRules() *rules {
	return &rules{decide: linking.Decide, decideUnlink: linking.DecideUnlink, decideUndo: linking.DecideUndo, model: *newModel()}
}

func (r *rules) crash()                   { r.fails = true }
func (r *rules) atOnce(one, other func()) { one(); other() }
func (r *rules) collect(int)              {}
func (r *rules) mark() int64              { return -1 } // a refusal changes nothing here by its make
func (r *rules) tick() bool               { return false }
func (r *rules) writes(int64) string      { return "" }
func (r *rules) dump() string             { return "" }
func (r *rules) served() int64            { r.asked++; return r.asked }
func (r *rules) age(at int)               { r.seats[at].fresh = false }
func (r *rules) leave(at int)             { r.seats[at] = seat{sid: r.seats[at].sid} }
func (r *rules) expire(n int)             { r.changes[n].expired = true }
func (r *rules) passwords(on bool)        { r.model.passwords = on }

func (r *rules) policy(p broker.Provider) { r.policies[p.ID] = p }

func (r *rules) forge() answer {
	if r.decideUndo(linking.UndoFacts{}) != nil {
		return refusal
	}
	return answer{}
}

func (r *rules) look() (map[key]int, int, [seats]int, map[int]string) {
	links, sitting := map[key]int{}, [seats]int{}
	for k, l := range r.links {
		links[k] = l.user
	}
	for i, s := range r.seats {
		sitting[i] = s.user
	}
	return links, r.revoked, sitting, r.people()
}

// failed tells whether the unit of work fails, once.
func (r *rules) failed() bool {
	f := r.fails
	r.fails = false
	return f
}

func name(u int) broker.UserID {
	if u == 0 {
		return ""
	}
	return broker.UserID(fmt.Sprint(u))
}

func (r *rules) create(email string, password bool) answer { return r.model.create(email, password) }

func (r *rules) password(at, u, login int, right bool) answer {
	return r.model.password(at, u, login, right)
}

func (r *rules) disable(u int, disabled bool) answer { return r.model.disable(u, disabled) }

func (r *rules) signUp(login int, email string, _ bool) answer {
	return r.model.signUp(login, email, r.failed())
}

func (r *rules) prove(n, at int, _ string) answer { return r.model.prove(n, at, r.failed()) }
func (r *rules) deleteUser(u int) answer          { return r.model.deleteUser(u, r.failed()) }
func (r *rules) changeEmail(u int, email string) answer {
	return r.model.changeEmail(u, email, r.failed())
}
func (r *rules) choose(n int) answer              { return r.model.choose(n, r.failed()) }
func (r *rules) lose() bool                       { return false } // a map answers
func (r *rules) restart()                         {}
func (r *rules) hostile(provider string, on bool) { r.model.hostile[provider] = on }

func (r *rules) codesFor(c local.Codes) { r.model.codesFor = c }
func (r *rules) visit(at, _ int)        { r.model.visit(at) }
func (r *rules) minute()                { r.model.minute() }
func (r *rules) sendCode(n int, email string) answer {
	return r.model.sendCode(n, email, r.failed())
}

func (r *rules) typeCode(at, n, which, wrong int) answer {
	f := noFault
	if r.failed() {
		f = crash
	}
	return r.model.typeCode(at, n, which, wrong, f)
}

func (r *rules) setPassword(at int) answer { return r.model.setPassword(at, r.failed()) }

func (r *rules) start(l leg) answer { return r.model.start(l) }

// finish is what Linker.Finish does.
func (r *rules) finish(at int, path string, n, code, slot int) answer {
	failed := r.failed()
	l, s := &r.legs[n], r.seats[at]
	if r.policies[path].Hidden || l.seat != at || l.provider != path || l.spent || l.purpose != broker.PurposeSignIn && s.user != l.user {
		return refusal
	}
	l.spent = true
	tells := r.legs[code]
	k := tells.key(path)
	if (code != n || k.issuer != "") && !r.model.hostile[path] || failed {
		return refusal
	}
	f := r.facts(l.purpose, l.user, s, k)
	r.address(&f, k, tells)
	outcome, err := r.decide(f)
	if err != nil {
		return refusal
	}
	switch outcome {
	case linking.NewPerson, linking.AskReplace:
		waiting := login{seat: at, key: k, email: tells.email, told: tells.told}
		if outcome == linking.AskReplace {
			waiting.user, waiting.owner = s.user, s.user
		}
		for (l.in == 0 || r.logins[l.in-1].over) && len(r.logins) < slot {
			r.logins = append(r.logins, login0)
		}
		r.wait(l.in, waiting)
		return answer{outcome: outcome, user: waiting.user}
	case linking.SignedIn:
		r.came(l.in, k, r.links[k].user)
		r.use(k)
		r.signIn(at, r.links[k].user)
		return answer{outcome: outcome, user: r.links[k].user}
	case linking.Began:
		return answer{outcome: outcome, user: r.began(at, l.in, k, tells.email)}
	case linking.Found:
		r.found(at, l.in, k, r.holder(tells.email))
		return answer{outcome: outcome, user: r.holder(tells.email)}
	case linking.Reauthenticated:
		r.use(k)
		r.seats[at].fresh = true
		return answer{outcome: outcome, user: s.user}
	}
	return r.carryOut(outcome, s, k)
}

func (r *rules) facts(purpose broker.Purpose, expects int, s seat, k key) linking.Facts {
	p, owner := r.policies[k.provider], r.links[k].user
	f := linking.Facts{
		Purpose: purpose, Expects: name(expects), Hidden: p.Hidden, LinkOnly: p.LinkOnly, SignUp: p.SignUp, Second: p.Second, LinkByEmail: p.LinkByEmail,
		Owner: name(owner), OwnerDisabled: owner != 0 && r.users[owner-1].disabled,
		Actor: name(s.user), ActorDisabled: s.user != 0 && r.users[s.user-1].disabled, Fresh: s.user != 0 && s.fresh,
	}
	if s.user != 0 {
		f.Others = len(r.others(s.user, k))
	}
	return f
}

// address is what Linker.address does.
func (r *rules) address(f *linking.Facts, k key, l leg) {
	if f.Purpose != broker.PurposeSignIn || f.Owner != "" || l.told == unproven {
		return
	}
	f.Vouched, f.Asserted, f.Complete = true, l.told == asserted, true
	if h := r.holder(l.email); h != 0 {
		u := r.users[h-1]
		f.Holder, f.HolderProven, f.HolderDisabled, f.HolderOthers = name(h), u.proven && u.vouched == "", u.disabled, len(r.others(h, k))
	}
}

func (r *rules) carryOut(outcome linking.Outcome, s seat, k key) answer {
	switch outcome {
	case linking.AlreadyLinked:
		r.use(k)
	case linking.Linked:
		r.add(k, s.user)
		r.changed(change{user: s.user, added: k})
	case linking.Replaced:
		old := r.others(s.user, k)[0]
		r.remove(old)
		r.add(k, s.user)
		r.changed(change{user: s.user, added: k, removed: old})
	}
	return answer{outcome: outcome, user: s.user}
}

func (r *rules) pending(at, n int, agreed bool) answer {
	failed := r.failed()
	l, s := &r.logins[n], r.seats[at]
	if l.done || l.user == 0 || failed {
		return refusal
	}
	f := r.facts(broker.PurposeLink, l.user, s, l.key)
	f.Agreed = agreed
	outcome, err := r.decide(f)
	if err != nil || outcome == linking.AskReplace {
		return refusal
	}
	l.done = true
	return r.carryOut(outcome, s, l.key)
}

func (r *rules) unlink(at int, k key) answer {
	failed, s := r.failed(), r.seats[at]
	f := linking.UnlinkFacts{SignedIn: s.user != 0, Fresh: s.fresh, Opens: r.usable(k.provider)}
	if s.user != 0 {
		f.Disabled, f.Owned, f.Others = r.users[s.user-1].disabled, r.links[k].user == s.user, r.without(s.user, k)
	}
	if r.decideUnlink(f) != nil || failed {
		return refusal
	}
	r.remove(k)
	r.changed(change{user: s.user, removed: k})
	return answer{user: s.user}
}

// without counts the ways into an account but one.
func (r *rules) without(u int, k key) int {
	n := r.waysIn(u)
	if r.links[k].user == u && r.usable(k.provider) {
		n--
	}
	return n
}

func (r *rules) unlinkFor(k key, forced bool) answer {
	failed, u := r.failed(), r.links[k].user
	f := linking.UnlinkFacts{Operator: true, Forced: forced, Owned: u != 0, Opens: r.usable(k.provider)}
	if u != 0 {
		f.Others = r.without(u, k)
	}
	if r.decideUnlink(f) != nil || failed {
		return refusal
	}
	r.remove(k)
	r.signOut(u, -1)
	r.changedAccount(u)
	r.dropProven(u)
	return answer{user: u}
}

func (r *rules) undo(at, n int) answer {
	failed, c := r.failed(), r.changes[n]
	f := linking.UndoFacts{Known: !c.void, Undone: c.undone, Expired: c.expired, Disabled: r.users[c.user-1].disabled, Recoverable: r.model.passwords && r.users[c.user-1].proven}
	f.WaysIn = r.without(c.user, c.added)
	switch owner := r.links[c.removed].user; {
	case c.removed == key{}:
	case owner == 0 && r.usable(c.removed.provider):
		f.WaysIn++
	case owner != 0:
		f.Elsewhere = owner != c.user
	}
	if r.decideUndo(f) != nil || failed {
		return refusal
	}
	r.changes[n].undone = true
	if c.added != (key{}) && r.links[c.added].user == c.user {
		r.remove(c.added)
	}
	if c.removed != (key{}) && r.links[c.removed].user == 0 {
		r.links[c.removed] = link{user: c.user}
	}
	except := -1
	if r.seats[at].user == c.user {
		except = at
	}
	r.signOut(c.user, except)
	r.changedAccount(c.user)
	r.dropProven(c.user)
	return answer{user: c.user}
}

// mutantChecks times a hundred walks are what a broken rule may hide in.
const mutantChecks = 100

// TestModelCanFail takes the defences out one at a time: the walk finds each. That
// a disabled actor changes no links is not among them: disabling ends all
// sessions, so that the fact is true only in a race, which TestDecide has.
func TestModelCanFail(t *testing.T) {
	needWalks(t)
	setFlags(t, "rapid.shrinktime", "0s", "rapid.nofailfile", "true", "rapid.steps", walkLength)
	facts := func(edit func(*linking.Facts)) func(*rules) {
		return func(r *rules) {
			r.decide = func(f linking.Facts) (linking.Outcome, error) { edit(&f); return linking.Decide(f) }
		}
	}
	unlink := func(edit func(*linking.UnlinkFacts)) func(*rules) {
		return func(r *rules) {
			r.decideUnlink = func(f linking.UnlinkFacts) error { edit(&f); return linking.DecideUnlink(f) }
		}
	}
	undo := func(edit func(*linking.UndoFacts)) func(*rules) {
		return func(r *rules) {
			r.decideUndo = func(f linking.UndoFacts) error { edit(&f); return linking.DecideUndo(f) }
		}
	}
	for what, broken := range map[string]func(*rules){
		"whoever is signed in may finish a pending link": facts(func(f *linking.Facts) { f.Expects = f.Actor }),
		"somebody else's identity can be linked": facts(func(f *linking.Facts) {
			if f.Owner != f.Actor && f.Purpose == broker.PurposeLink {
				f.Owner = ""
			}
		}),
		"an old sign-in may link":                              facts(func(f *linking.Facts) { f.Fresh = true }),
		"a disabled owner signs in":                            facts(func(f *linking.Facts) { f.OwnerDisabled = false }),
		"a link-only provider signs in":                        facts(func(f *linking.Facts) { f.LinkOnly = false }),
		"every provider begins accounts":                       facts(func(f *linking.Facts) { f.SignUp = broker.SignUpByForm }),
		"an address that only a provider vouched for is found": facts(func(f *linking.Facts) { f.HolderProven = f.Holder != "" }),
		"a disabled account is found":                          facts(func(f *linking.Facts) { f.HolderDisabled = false }),
		"an address that nobody verified finds":                facts(func(f *linking.Facts) { f.Asserted = f.Holder != "" }),
		"a second identity finds":                              facts(func(f *linking.Facts) { f.HolderOthers = 0 }),
		"every provider finds by e-mail":                       facts(func(f *linking.Facts) { f.LinkByEmail = true }),
		"every provider begins accounts at once": facts(func(f *linking.Facts) {
			if f.SignUp != broker.SignUpNo {
				f.SignUp = broker.SignUpAutomatic
			}
		}),
		"accounts begin without a provider's word": facts(func(f *linking.Facts) { f.Vouched, f.Complete = true, true }),
		"a second account begins with an address":  facts(func(f *linking.Facts) { f.Holder = "" }),
		"a hidden provider's pending link":         facts(func(f *linking.Facts) { f.Hidden = false }),
		"a second identity is added":               facts(func(f *linking.Facts) { f.Others = 0 }),
		"a second identity replaces without a yes": facts(func(f *linking.Facts) { f.Agreed = true }),
		"anybody's identity proves presence": facts(func(f *linking.Facts) {
			if f.Purpose == broker.PurposeReauth {
				f.Owner = f.Actor
			}
		}),
		"the last way in can be unlinked":          unlink(func(f *linking.UnlinkFacts) { f.Others++ }),
		"a link-only identity counts as a way in":  unlink(func(f *linking.UnlinkFacts) { f.Opens = true }),
		"an old sign-in may unlink":                unlink(func(f *linking.UnlinkFacts) { f.Fresh = true }),
		"somebody else's identity can be unlinked": unlink(func(f *linking.UnlinkFacts) { f.Owned = f.Owned || f.SignedIn }),
		"operators need no force":                  unlink(func(f *linking.UnlinkFacts) { f.Forced = true }),
		"undo works twice":                         undo(func(f *linking.UndoFacts) { f.Undone = false }),
		"undo works for ever":                      undo(func(f *linking.UndoFacts) { f.Expired = false }),
		"undo opens a disabled account's links":    undo(func(f *linking.UndoFacts) { f.Disabled = false }),
		"undo needs no secret":                     undo(func(f *linking.UndoFacts) { f.Known = true; f.Recoverable = true }),
		"undo may leave no way in":                 undo(func(f *linking.UndoFacts) { f.Recoverable = true }),
		"undo pretends to take what is another's":  undo(func(f *linking.UndoFacts) { f.Elsewhere = false }),
	} {
		rec := &recorder{}
		func() {
			defer func() {
				if p := recover(); p != nil && p != any(rec) {
					panic(p)
				}
			}()
			for range mutantChecks {
				rapid.Check(rec, func(t *rapid.T) {
					r := newRules()
					broken(r)
					walk(t, r, newTally())
				})
			}
		}()
		if !rec.failed {
			t.Errorf("%s: nobody notices", what)
		}
	}
}

// rulesSteps is far enough for everything to happen often; TestService walks farther
// over the same decisions.
const rulesSteps = 200_000

// TestRules walks over the decisions.
func TestRules(t *testing.T) {
	needWalks(t)
	setFlags(t, "rapid.steps", walkLength)
	c := newTally()
	for c.steps < rulesSteps {
		rapid.Check(t, func(t *rapid.T) { walk(t, newRules(), c) })
	}
	if missing := c.poor(); len(missing) > 0 {
		t.Errorf("never happened: %v", missing)
	}
	t.Logf("%d steps: %v", c.steps, c.by)
}
