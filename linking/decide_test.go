package linking

import (
	"errors"
	"testing"

	"idbroker/broker"
)

const ada, bob = broker.UserID("ada"), broker.UserID("bob")

// TestDecide holds the whole table. Each line is a sentence about who came back
// from a provider.
func TestDecide(t *testing.T) {
	signIn, link, reauth := broker.PurposeSignIn, broker.PurposeLink, broker.PurposeReauth
	const automatic = broker.SignUpAutomatic
	byEmail := func(edit func(*Facts)) Facts {
		f := Facts{Purpose: signIn, LinkByEmail: true, Vouched: true, Asserted: true, Complete: true, Holder: ada, HolderProven: true}
		edit(&f)
		return f
	}
	for _, tt := range []struct {
		name string
		f    Facts
		want Outcome
		err  error
	}{
		{"known identity signs in", Facts{Purpose: signIn, Owner: ada}, SignedIn, nil},
		{"known identity signs in while somebody else is signed in: it is its owner's", Facts{Purpose: signIn, Owner: ada, Actor: bob, Fresh: true}, SignedIn, nil},
		{"known identity of a disabled user", Facts{Purpose: signIn, Owner: ada, OwnerDisabled: true}, "", broker.ErrDisabled},
		{"unknown identity, nobody signed in", Facts{Purpose: signIn}, NewPerson, nil},
		{"unknown identity, sign-in page, somebody signed in: no silent link", Facts{Purpose: signIn, Actor: ada, Fresh: true}, NewPerson, nil},
		{"unknown identity, provider does not begin accounts", Facts{Purpose: signIn, SignUp: broker.SignUpNo}, "", ErrNoSignUp},
		{"known identity, provider does not begin accounts", Facts{Purpose: signIn, SignUp: broker.SignUpNo, Owner: ada}, SignedIn, nil},
		{"unknown identity of a provider that begins accounts at once", Facts{Purpose: signIn, SignUp: automatic, Vouched: true, Complete: true}, Began, nil},
		{"at once, but nobody vouches for the address", Facts{Purpose: signIn, SignUp: automatic, Complete: true}, NewPerson, nil},
		{"at once, but an account has the address", Facts{Purpose: signIn, SignUp: automatic, Vouched: true, Complete: true, Holder: ada, HolderProven: true}, NewPerson, nil},
		{"at once, but the name cannot stand in an account", Facts{Purpose: signIn, SignUp: automatic, Vouched: true}, NewPerson, nil},
		{"at once, but somebody has the identity", Facts{Purpose: signIn, SignUp: automatic, Vouched: true, Complete: true, Owner: ada}, SignedIn, nil},
		{"at once, and hidden", Facts{Purpose: signIn, SignUp: automatic, Vouched: true, Complete: true, Hidden: true}, "", ErrUnknownProvider},
		{"by form, although all is told", Facts{Purpose: signIn, Vouched: true, Asserted: true, Complete: true}, NewPerson, nil},
		{"the address is an account's", byEmail(func(*Facts) {}), Found, nil},
		{"the address is an account's, and the provider begins none", byEmail(func(f *Facts) { f.SignUp = broker.SignUpNo }), Found, nil},
		{"the address is an account's, and the policy is off", byEmail(func(f *Facts) { f.LinkByEmail = false }), NewPerson, nil},
		{"the operator alone vouches for the address", byEmail(func(f *Facts) { f.Asserted = false }), NewPerson, nil},
		{"the account never proved the address here", byEmail(func(f *Facts) { f.HolderProven = false }), NewPerson, nil},
		{"the account is disabled", byEmail(func(f *Facts) { f.HolderDisabled = true }), NewPerson, nil},
		{"the account has an identity there", byEmail(func(f *Facts) { f.HolderOthers = 1 }), NewPerson, nil},
		{"the address is an account's, but the identity is somebody's", byEmail(func(f *Facts) { f.Owner = bob }), SignedIn, nil},
		{"the address is an account's, but the identity is a disabled person's", byEmail(func(f *Facts) { f.Owner, f.OwnerDisabled = bob, true }), "", broker.ErrDisabled},
		{"the address is an account's, but the provider is hidden", byEmail(func(f *Facts) { f.Hidden = true }), "", ErrUnknownProvider},
		{"the address is an account's, but the provider lets nobody in", byEmail(func(f *Facts) { f.LinkOnly = true }), "", ErrLinkOnly},

		{"link-only provider cannot sign in", Facts{Purpose: signIn, LinkOnly: true, Owner: ada}, "", ErrLinkOnly},
		{"link-only provider cannot sign up", Facts{Purpose: signIn, LinkOnly: true}, "", ErrLinkOnly},
		{"hidden provider", Facts{Purpose: signIn, Hidden: true, Owner: ada}, "", ErrUnknownProvider},

		{"unknown identity is linked after a recent sign-in", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true}, Linked, nil},
		{"link-only provider can be linked", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, LinkOnly: true}, Linked, nil},
		{"sign-in too long ago", Facts{Purpose: link, Expects: ada, Actor: ada}, "", ErrStale},
		{"identity of somebody else", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Owner: bob}, "", ErrTaken},
		{"identity of somebody else who is disabled", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Owner: bob, OwnerDisabled: true}, "", ErrTaken},
		{"own identity once more", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Owner: ada}, AlreadyLinked, nil},
		{"own identity once more, with another one beside it", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Owner: ada, Others: 1}, AlreadyLinked, nil},
		{"a second identity of the provider", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 1}, "", ErrSecond},
		{"a second identity where they add up", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 1, Second: broker.SecondAdd}, Linked, nil},
		{"a second identity where it may replace the first: the person is asked", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 1, Second: broker.SecondReplace}, AskReplace, nil},
		{"a second identity that shall replace the first", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 1, Second: broker.SecondReplace, Agreed: true}, Replaced, nil},
		{"a third identity: which should it replace?", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 2, Second: broker.SecondReplace, Agreed: true}, "", ErrSecond},
		{"a yes where nothing may be replaced", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Others: 1, Agreed: true}, "", ErrSecond},
		{"a yes does not take somebody else's identity", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Owner: bob, Others: 1, Second: broker.SecondReplace, Agreed: true}, "", ErrTaken},
		{"signed out meanwhile", Facts{Purpose: link, Expects: ada}, "", ErrOtherUser},
		{"somebody else signed in meanwhile", Facts{Purpose: link, Expects: ada, Actor: bob, Fresh: true}, "", ErrOtherUser},
		{"disabled meanwhile", Facts{Purpose: link, Expects: ada, Actor: ada, ActorDisabled: true, Fresh: true}, "", broker.ErrDisabled},
		{"hidden meanwhile", Facts{Purpose: link, Expects: ada, Actor: ada, Fresh: true, Hidden: true}, "", ErrUnknownProvider},

		{"own identity proves presence", Facts{Purpose: reauth, Expects: ada, Actor: ada, Owner: ada}, Reauthenticated, nil},
		{"somebody else's identity proves nothing", Facts{Purpose: reauth, Expects: ada, Actor: ada, Owner: bob}, "", ErrNotYou},
		{"unknown identity proves nothing", Facts{Purpose: reauth, Expects: ada, Actor: ada}, "", ErrNotYou},
		{"link-only identity proves nothing", Facts{Purpose: reauth, Expects: ada, Actor: ada, Owner: ada, LinkOnly: true}, "", ErrLinkOnly},
		{"another user asks", Facts{Purpose: reauth, Expects: ada, Actor: bob, Owner: bob}, "", ErrOtherUser},
	} {
		got, err := Decide(tt.f)
		if got != tt.want || !errors.Is(err, tt.err) || (tt.err == nil) != (err == nil) {
			t.Errorf("%s: Decide = %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestDecideNeverCrosses tries every combination of facts and holds the outcomes
// to what they promise, whichever order the rule looks at things.
func TestDecideNeverCrosses(t *testing.T) {
	n := 0
	for f := range everyFacts {
		checkDecision(t, f)
		n++
	}
	if n != 82944+186624 {
		t.Errorf("%d combinations", n)
	}
}

// everyFacts yields every combination of what a sign-in looks at, each with
// three of the rest, and every combination of what link and reauth look at, each
// with two of the rest. Three users.
func everyFacts(yield func(Facts) bool) {
	users := []broker.UserID{"", ada, bob}
	ways := []broker.SignUpBy{broker.SignUpByForm, broker.SignUpAutomatic, broker.SignUpNo}
	for i := range 1 << 10 * 3 * 3 * 3 * 3 {
		bits, n := i%(1<<10), i>>10
		on := func(i int) bool { return bits&(1<<i) != 0 }
		f := Facts{
			Purpose: broker.PurposeSignIn, Hidden: on(0), LinkOnly: on(1), SignUp: ways[n%3], Owner: users[n/3%3], OwnerDisabled: on(2),
			Vouched: on(3), Asserted: on(4), Complete: on(5), LinkByEmail: on(6), Holder: users[n/9%3], HolderProven: on(7), HolderDisabled: on(8),
		}
		if on(9) {
			f.HolderOthers = 1
		}
		switch n / 27 {
		case 1:
			f.Actor, f.Fresh, f.Second, f.Others = ada, true, broker.SecondReplace, 1
		case 2:
			f.Actor, f.Expects, f.ActorDisabled, f.Agreed, f.Second = bob, bob, true, true, broker.SecondAdd
		}
		if !yield(f) {
			return
		}
	}
	seconds := []broker.Second{broker.SecondRefuse, broker.SecondAdd, broker.SecondReplace}
	for i := range 1 << 8 * 3 * 3 * 3 * 3 * 3 * 3 {
		bits, n := i%(1<<8), i>>8
		on := func(i int) bool { return bits&(1<<i) != 0 }
		f := Facts{
			Purpose: broker.PurposeLink, Hidden: on(0), LinkOnly: on(1), SignUp: ways[n%3], Second: seconds[n/3%3], Others: n / 9 % 3,
			Expects: users[n/27%3], Owner: users[n/81%3], Actor: users[n/243%3], OwnerDisabled: on(2), ActorDisabled: on(3), Fresh: on(4), Agreed: on(5),
		}
		if on(6) {
			f.Purpose = broker.PurposeReauth
		}
		if on(7) {
			f.Vouched, f.Asserted, f.Complete, f.LinkByEmail, f.Holder, f.HolderProven = true, true, true, true, bob, true
		}
		if !yield(f) {
			return
		}
	}
}

func checkDecision(t *testing.T, f Facts) {
	t.Helper()
	got, err := Decide(f)
	linkable := f.Purpose == broker.PurposeLink && f.Owner == "" && f.Actor != "" && f.Actor == f.Expects && f.Fresh && !f.ActorDisabled
	var ok bool
	switch got {
	case "":
		ok = err != nil
	case SignedIn:
		ok = f.Purpose == broker.PurposeSignIn && f.Owner != "" && !f.OwnerDisabled && !f.LinkOnly
	case NewPerson:
		ok = f.Purpose == broker.PurposeSignIn && f.Owner == "" && !f.LinkOnly && f.SignUp != broker.SignUpNo
	case Began:
		ok = f.Purpose == broker.PurposeSignIn && f.Owner == "" && f.Holder == "" && !f.LinkOnly && f.SignUp == broker.SignUpAutomatic && f.Vouched && f.Complete
	case Found:
		ok = f.Purpose == broker.PurposeSignIn && f.Owner == "" && !f.LinkOnly && f.LinkByEmail && f.Asserted &&
			f.Holder != "" && f.HolderProven && !f.HolderDisabled && f.HolderOthers == 0
	case Linked:
		ok = linkable && (f.Others == 0 || f.Second == broker.SecondAdd)
	case AskReplace, Replaced:
		ok = linkable && f.Others == 1 && f.Second == broker.SecondReplace && f.Agreed == (got == Replaced)
	case AlreadyLinked:
		ok = f.Purpose == broker.PurposeLink && f.Owner != "" && f.Owner == f.Actor && f.Actor == f.Expects && !f.ActorDisabled
	case Reauthenticated:
		ok = f.Purpose == broker.PurposeReauth && f.Owner != "" && f.Owner == f.Actor && f.Actor == f.Expects && !f.LinkOnly && !f.ActorDisabled
	}
	if !ok || f.Hidden && err == nil || got != "" && err != nil {
		t.Errorf("%+v: Decide = %q, %v", f, got, err)
	}
}
