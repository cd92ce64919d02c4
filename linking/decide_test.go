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
		{"unknown identity, provider does not begin accounts", Facts{Purpose: signIn, NoSignUp: true}, "", ErrNoSignUp},
		{"known identity, provider does not begin accounts", Facts{Purpose: signIn, NoSignUp: true, Owner: ada}, SignedIn, nil},
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
	if n != 3*3*3*3*3*3*128 {
		t.Errorf("%d combinations", n)
	}
}

// everyFacts yields every combination of facts, with three users.
func everyFacts(yield func(Facts) bool) {
	users := []broker.UserID{"", ada, bob}
	for _, purpose := range []broker.Purpose{broker.PurposeSignIn, broker.PurposeLink, broker.PurposeReauth} {
		for _, second := range []broker.Second{broker.SecondRefuse, broker.SecondAdd, broker.SecondReplace} {
			for i := range 3 * 3 * 3 * 3 * 128 {
				bits, others, expects, owner, actor := i%128, i/128%3, users[i/384%3], users[i/1152%3], users[i/3456%3]
				on := func(i int) bool { return bits&(1<<i) != 0 }
				if !yield(Facts{
					Purpose: purpose, Expects: expects, Hidden: on(0), LinkOnly: on(1), NoSignUp: on(2), Second: second,
					Owner: owner, OwnerDisabled: on(3), Actor: actor, ActorDisabled: on(4), Fresh: on(5), Others: others, Agreed: on(6),
				}) {
					return
				}
			}
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
		ok = f.Purpose == broker.PurposeSignIn && f.Owner == "" && !f.LinkOnly && !f.NoSignUp
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
