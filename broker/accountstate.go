package broker

import (
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// StateOperation is what an operator does to the state of an account. The table of
// what each does stands in docs/accounts.md; a test holds it to this code.
type StateOperation string

const (
	// OpVerify: somebody whom the operator trusts vouches for the person.
	OpVerify StateOperation = "verify"
	// OpBlock shuts an account for what its person did; a reason stays with it.
	OpBlock StateOperation = "block"
	// OpUnblock takes a block back and leaves the account as it was before it.
	OpUnblock StateOperation = "unblock"
	// OpActivate opens an account, whatever shut it.
	OpActivate StateOperation = "activate"
	// OpDeactivate shuts an account without blaming anybody.
	OpDeactivate StateOperation = "deactivate"
)

// Shuts tells whether nobody comes in afterwards, so that sessions, grants and
// sign-ins under way must end in the same unit of work.
func (op StateOperation) Shuts() bool { return op == OpBlock || op == OpDeactivate }

// On returns the account as it is after the operation, and whether that differs
// from before. reason is kept by OpBlock alone. An unknown operation changes nothing.
func (op StateOperation) On(u User, reason string, at time.Time) (after User, changed bool) {
	before := u
	switch op {
	case OpVerify:
		u = u.opened()
		if u.VerifiedAt.IsZero() || u.VerifiedBy != "" {
			u.VerifiedAt, u.VerifiedBy = at, ""
		}
	case OpBlock:
		if u.BlockedAt.IsZero() {
			u.BlockedAt = at
		}
		if u.DisabledAt.IsZero() || u.Closed() && !u.Waiting() { // what its person closed is kept, as evidence
			u.DisabledAt = u.BlockedAt
		}
		u.BlockedReason, u.EraseAt = reason, time.Time{}
		u.VerifiedAt, u.VerifiedBy = time.Time{}, ""
	case OpUnblock:
		if !u.Blocked() {
			return u, false
		}
		if !u.DisabledAt.Before(u.BlockedAt) { // else it was shut before, too
			u.DisabledAt = time.Time{}
		}
		u.BlockedAt, u.BlockedReason = time.Time{}, ""
	case OpActivate:
		u = u.opened()
	case OpDeactivate:
		if !u.Disabled() || u.Blocked() || u.Waiting() || u.Closed() {
			u.DisabledAt = at
		}
		u.EraseAt, u.WaitingAt = time.Time{}, time.Time{}
		u.BlockedAt, u.BlockedReason = time.Time{}, ""
		u.VerifiedAt, u.VerifiedBy = time.Time{}, ""
	}
	if reflect.DeepEqual(u, before) {
		return u, false
	}
	if u.UpdatedAt = at; op.Shuts() {
		u.SignedOutAt = at
	}
	return u, true
}

// opened is the account without anything that shuts it. It proves no address: that
// an operator knows the person does not say who reads the mail, and an address that
// counts as proven finds the account.
func (u User) opened() User {
	u.DisabledAt, u.EraseAt, u.WaitingAt = time.Time{}, time.Time{}, time.Time{}
	u.BlockedAt, u.BlockedReason = time.Time{}, ""
	return u
}

// MaxReason bounds the reason of a block, in code points: a few sentences on a page.
const MaxReason = 500

// UserFilter selects accounts for a list; the zero value selects all. Several
// conditions must all hold.
type UserFilter struct {
	Disabled bool // nobody comes in, for whatever reason
	Blocked  bool
	Waiting  bool
	Verified bool
	Closed   bool // by the person, and not erased yet
	Active   bool // not disabled

	Unconfirmed bool // nobody has proven the address
	Doubled     bool // an older account has the mailbox, in another spelling: the address does not find this one
	// Search is a part of the address, the username or the name, whatever the case of
	// the letters; "" whichever.
	Search string
	// Domains are those of which the address must be one, or of a sub-domain; nil
	// whichever. They are compared as they stand in addresses, in lower case.
	Domains []string
}

// CleanReason trims the reason of a block and tells whether it can be one: a line of
// printable text, at most MaxReason code points. "" is fine.
func CleanReason(s string) (string, bool) {
	s = strings.Join(strings.Fields(s), " ")
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxReason {
		return "", false
	}
	return s, !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
