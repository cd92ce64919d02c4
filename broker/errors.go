package broker

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what class of thing went wrong. The web adapter maps it to an HTTP
// status and a log level; nothing else decides by it.
type Kind int

const (
	KindInternal        Kind = iota // ours: 500, logged as an error
	KindInvalid                     // a form was filled in wrongly: 422
	KindBadRequest                  // the request makes no sense: 400
	KindUnauthenticated             // sign in first: 401
	KindForbidden                   // not allowed: 403
	KindNotFound                    // 404
	KindConflict                    // somebody else has it: 409
	KindGone                        // was valid once: used or expired: 410
	KindTooMany                     // 429
	KindUpstream                    // a provider misbehaved: 502
	KindUnavailable                 // try again later: 503
)

// Error is the one error type that crosses packages. It has two readers:
// Message is a catalog key for the person, Err is for the operator's log. Any
// other error is shown as "internal".
type Error struct {
	Kind    Kind
	Message string            // catalog key, such as "link.taken"
	Args    map[string]string // values for the message; never secrets
	Field   string            // the form field it belongs to; "" none
	Err     error             // nil: there is no more to know
}

// Error is the operator's text.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare kind and message, so that a sentinel matches what
// Because and With made of it.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Message == e.Message
}

// Because returns a copy that carries the cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Becausef is Because(fmt.Errorf(format, args...)).
func (e *Error) Becausef(format string, args ...any) *Error {
	return e.Because(fmt.Errorf(format, args...))
}

// With returns a copy whose message has the value under name.
func (e *Error) With(name, value string) *Error {
	c := *e
	c.Args = map[string]string{name: value}
	for k, v := range e.Args {
		if k != name {
			c.Args[k] = v
		}
	}
	return &c
}

// whyArg is the argument that Why sets.
const whyArg = "why"

// Why returns a copy that says more exactly what happened: key is a catalog key
// whose words stand in place of Message's. errors.Is does not look at it.
func (e *Error) Why(key string) *Error { return e.With(whyArg, key) }

// Words is the catalog key of what the person is told: that of Why, or Message.
func (e *Error) Words() string {
	if key := e.Args[whyArg]; key != "" {
		return key
	}
	return e.Message
}

// At returns a copy that belongs to a form field.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// KindOf is the kind of the first *Error in err's chain; KindInternal where
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// Errors that several packages return or look for.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = &Error{Kind: KindNotFound, Message: "error.not_found"}
	// ErrConflict: a row with the same unique value exists. It dooms the
	// unit of work it happened in.
	ErrConflict = &Error{Kind: KindConflict, Message: "error.conflict"}
	// ErrSpent: a one-time thing had been used, or had expired, or a row had
	// changed before the conditional update reached it.
	ErrSpent = &Error{Kind: KindGone, Message: "error.spent"}
	// ErrStale: a client has changed since it was read. Nothing was written; read
	// it again and decide anew.
	ErrStale = &Error{Kind: KindUnavailable, Message: "error.unavailable"}
	// ErrDoomed: the unit of work cannot commit because a statement in it failed.
	ErrDoomed = &Error{Kind: KindInternal, Message: "error.internal"}
	// ErrSignIn: nobody is signed in, or not recently enough.
	ErrSignIn = &Error{Kind: KindUnauthenticated, Message: "error.sign_in"}
	// ErrDisabled: the account exists, its credential was proven, and an
	// operator has disabled it.
	ErrDisabled = &Error{Kind: KindForbidden, Message: "account.disabled"}
	// ErrClosed is the same where its person has closed it.
	ErrClosed = &Error{Kind: KindForbidden, Message: "account.closed"}
)

// Closed is ErrClosed for whoever has just proven a credential of the account: they
// may reopen it.
type Closed struct {
	User    UserID
	EraseAt time.Time
}

// Error is the operator's text.
func (c *Closed) Error() string { return ErrClosed.Error() + ": " + string(c.User) }

// Unwrap gives ErrClosed.
func (c *Closed) Unwrap() error { return ErrClosed }
