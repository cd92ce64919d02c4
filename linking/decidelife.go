package linking

import "idbroker/broker"

// UnlinkFacts is all that the decision to remove a link may look at.
type UnlinkFacts struct {
	Operator bool // an operator removes it, not its person
	Forced   bool // the operator knows that it may be the last way in

	SignedIn bool
	Disabled bool
	Fresh    bool // the person signed in recently enough to change links
	Owned    bool // the identity opens this person's account
	Opens    bool // it signs them in today: configured, visible, not link-only
	Others   int  // other ways in that work today and may be all that is left (broker.WaysIn)
}

// Refusals of DecideUnlink. Beside them: ErrStale, broker.ErrSignIn,
// broker.ErrDisabled, broker.ErrNotFound.
var ErrLast = &broker.Error{Kind: broker.KindConflict, Message: "link.last"} // the account could not be opened any more

// DecideUnlink is the whole rule about removing a link; nil: it goes.
func DecideUnlink(f UnlinkFacts) error {
	switch {
	case f.Operator:
	case !f.SignedIn:
		return broker.ErrSignIn
	case f.Disabled:
		return broker.ErrDisabled
	case !f.Fresh:
		return ErrStale
	}
	switch {
	case !f.Owned:
		return broker.ErrNotFound
	case f.Opens && f.Others == 0 && !(f.Operator && f.Forced):
		return ErrLast
	}
	return nil
}

// UndoFacts is all that the decision about "this was not me" may look at.
type UndoFacts struct {
	Known    bool // the secret was mailed, and its account is still there
	Undone   bool
	Expired  bool
	Disabled bool // an operator has disabled the account

	Elsewhere   bool // what was removed opens another account by now
	WaysIn      int  // what would open the account afterwards
	Recoverable bool // whoever reads its mail, as who got this one does, can come in or choose a new password
}

// Refusals of DecideUndo.
var (
	ErrUndoUnknown = &broker.Error{Kind: broker.KindGone, Message: "undo.unknown"}
	ErrUndoUsed    = &broker.Error{Kind: broker.KindGone, Message: "undo.used"}
	ErrUndoExpired = &broker.Error{Kind: broker.KindGone, Message: "undo.expired"}
	ErrUndoTaken   = &broker.Error{Kind: broker.KindConflict, Message: "undo.taken"}
	ErrUndoLast    = &broker.Error{Kind: broker.KindConflict, Message: "undo.last"}
)

// DecideUndo is the whole rule about taking a change of links back; nil: it is
// taken back. Neither a session nor its age occur in it: whoever reads the mail
// owns the account's address, and the one who did it may hold every session.
func DecideUndo(f UndoFacts) error {
	switch {
	case !f.Known:
		return ErrUndoUnknown
	case f.Undone:
		return ErrUndoUsed
	case f.Expired:
		return ErrUndoExpired
	case f.Disabled:
		return broker.ErrDisabled
	case f.Elsewhere:
		return ErrUndoTaken
	case f.WaysIn == 0 && !f.Recoverable:
		return ErrUndoLast
	}
	return nil
}
