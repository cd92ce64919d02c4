package broker

import "time"

// LinkChange is one change of what opens an account. It is kept as long as the
// person can take it back, and then forgotten.
type LinkChange struct {
	ID        string // NewID
	UserID    UserID
	Provider  string
	Added     *LinkSnapshot // what opens the account since; nil nothing
	Removed   *LinkSnapshot // what does not any more; nil nothing
	UndoHash  string        // Hash of the secret in the mail; "" nobody was mailed
	ChangedAt time.Time
	ExpiresAt time.Time // it cannot be taken back any more
	UndoneAt  time.Time // zero: it stands
}

// LinkSnapshot is a link as it was, without its tokens.
type LinkSnapshot struct {
	Identity UserIdentity
	Account  RemoteAccount // ID "": nothing was known
}

// UndoLinkPath is the page behind the link in a mail about a LinkChange; its
// query holds the secret as "token".
const UndoLinkPath = "/undo-link/"
