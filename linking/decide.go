package linking

import "idbroker/broker"

// Facts is all that the decision about a proven identity may look at. They are
// gathered before, inside the unit of work that carries the decision out.
type Facts struct {
	Purpose broker.Purpose
	Expects broker.UserID // who began the attempt; "" for sign-in

	Hidden   bool            // the provider is switched off
	LinkOnly bool            // its identities do not sign in
	SignUp   broker.SignUpBy // how its identities begin accounts; "" by form
	Second   broker.Second   // what becomes of a second identity; "" refused

	Owner         broker.UserID // whose account the identity opens; "" nobody's
	OwnerDisabled bool

	Actor         broker.UserID // who is signed in in this browser; "" nobody
	ActorDisabled bool
	Fresh         bool // the actor signed in recently enough to change links
	Others        int  // further identities of this provider that the actor has
	Agreed        bool // the actor has said that this one shall replace the other

	// About the address that the provider tells, at a sign-in of an identity that
	// nobody has.
	Vouched     bool // the provider's word for it counts: its trust policy and domains say so
	Asserted    bool // Vouched, and the provider itself says that it verified it
	Complete    bool // name and address can stand in an account: the domain is not blocked, and a username is there where everybody needs one
	LinkByEmail bool // the policy lets it find an account

	Holder         broker.UserID // whose account has the address; "" nobody's
	HolderProven   bool          // the holder has proven it here, in this spelling; no provider's word stands for it
	HolderDisabled bool
	HolderOthers   int // identities of this provider that the holder has
}

// Outcome says what becomes of an identity that a provider has just proven.
type Outcome string

const (
	SignedIn        Outcome = "signed in"       // it opens Owner's account
	NewPerson       Outcome = "new person"      // nobody has it: sign up, or prove an account and link
	Began           Outcome = "account began"   // nobody had it: it opens an account that begins with it
	Found           Outcome = "found by e-mail" // nobody had it: it now opens Holder's account
	Linked          Outcome = "linked"          // it now opens Actor's account
	AskReplace      Outcome = "ask to replace"  // Actor has another one: shall this take its place?
	Replaced        Outcome = "replaced"        // it now opens Actor's account, and the other does not
	AlreadyLinked   Outcome = "already linked"  // it did before; what we know of it is refreshed
	Reauthenticated Outcome = "reauthenticated" // Actor is still there
)

// Refusals of Decide. A refused step changes nothing and signs nobody in.
var (
	ErrUnknownProvider = &broker.Error{Kind: broker.KindNotFound, Message: "provider.unknown"}
	ErrTaken           = &broker.Error{Kind: broker.KindConflict, Message: "link.taken"}
	ErrSecond          = &broker.Error{Kind: broker.KindConflict, Message: "link.second"}
	ErrLinkOnly        = &broker.Error{Kind: broker.KindForbidden, Message: "link.only"}
	ErrNoSignUp        = &broker.Error{Kind: broker.KindForbidden, Message: "link.no_sign_up"}
	ErrStale           = &broker.Error{Kind: broker.KindUnauthenticated, Message: "link.stale"}
	ErrOtherUser       = &broker.Error{Kind: broker.KindForbidden, Message: "attempt.user"}
	ErrNotYou          = &broker.Error{Kind: broker.KindForbidden, Message: "link.not_you"}
)

// Decide is the whole rule about an identity that a provider has proven. It is
// pure; its table stands in the test and in docs/linking.md. An e-mail address is
// never an identity: it leads to an account only by a policy that an operator turned
// on, and only to one that proved it here.
func Decide(f Facts) (Outcome, error) {
	if f.Hidden {
		return "", ErrUnknownProvider
	}
	if f.Purpose == broker.PurposeSignIn {
		return signIn(f)
	}
	switch {
	case f.Actor == "" || f.Actor != f.Expects:
		return "", ErrOtherUser // signed out or switched while at the provider
	case f.ActorDisabled:
		return "", broker.ErrDisabled
	case f.Purpose == broker.PurposeReauth:
		return reauthenticate(f)
	case f.Owner == f.Actor:
		return AlreadyLinked, nil
	case f.Owner != "":
		return "", ErrTaken
	case !f.Fresh:
		return "", ErrStale
	}
	return second(f)
}

func signIn(f Facts) (Outcome, error) {
	switch {
	case f.LinkOnly:
		return "", ErrLinkOnly
	case f.Owner != "" && f.OwnerDisabled:
		return "", broker.ErrDisabled
	case f.Owner != "":
		return SignedIn, nil
	case f.LinkByEmail && f.Asserted && found(f):
		return Found, nil
	case f.SignUp == broker.SignUpNo:
		return "", ErrNoSignUp
	case f.SignUp == broker.SignUpAutomatic && f.Vouched && f.Holder == "" && f.Complete:
		return Began, nil
	}
	return NewPerson, nil
}

// found tells whether an address may lead to the account that has it. Where
// it was not proven here, a stranger may have begun the account with another's
// address and waits for its owner to come in.
func found(f Facts) bool {
	return f.Holder != "" && f.HolderProven && !f.HolderDisabled && f.HolderOthers == 0
}

func reauthenticate(f Facts) (Outcome, error) {
	switch {
	case f.LinkOnly:
		return "", ErrLinkOnly
	case f.Owner != f.Actor:
		return "", ErrNotYou
	}
	return Reauthenticated, nil
}

// second decides about an identity that may be linked, as far as it is alone.
// Of several others nobody can say which is to be replaced.
func second(f Facts) (Outcome, error) {
	switch {
	case f.Others == 0, f.Second == broker.SecondAdd:
		return Linked, nil
	case f.Second != broker.SecondReplace, f.Others > 1:
		return "", ErrSecond
	case !f.Agreed:
		return AskReplace, nil
	}
	return Replaced, nil
}
