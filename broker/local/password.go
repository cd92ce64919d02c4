package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"idbroker/broker"
)

// Errors about passwords.
var (
	// ErrWrongLogin covers every reason but one: an account whose password
	// was right and that is disabled says so.
	ErrWrongLogin       = &broker.Error{Kind: broker.KindInvalid, Message: "login.wrong"}
	ErrPasswordWrong    = &broker.Error{Kind: broker.KindInvalid, Message: "password.wrong", Field: "current"}
	ErrPasswordShort    = &broker.Error{Kind: broker.KindInvalid, Message: "password.short", Field: "password"}
	ErrPasswordLong     = &broker.Error{Kind: broker.KindInvalid, Message: "password.long", Field: "password"}
	ErrPasswordObvious  = &broker.Error{Kind: broker.KindInvalid, Message: "password.common", Field: "password"}
	ErrPasswordBreached = &broker.Error{Kind: broker.KindInvalid, Message: "password.breached", Field: "password"}
	ErrPasswordSame     = &broker.Error{Kind: broker.KindInvalid, Message: "password.same", Field: "password"}
	ErrPasswordBadBytes = &broker.Error{Kind: broker.KindInvalid, Message: "password.bad_bytes", Field: "password"}
)

// check applies the rules for a new password: long enough in code points, not
// the person's own address or name, not guessed soon, not known to have leaked. No composition rules: they make people
// choose worse ones (NIST SP 800-63B, section 5.1.1.2).
func (a *Accounts) check(ctx context.Context, password broker.Secret, who person) error {
	p := password.Reveal()
	switch {
	case !utf8.ValidString(p), strings.ContainsRune(p, 0):
		return ErrPasswordBadBytes
	case len(p) > maxPassword:
		return ErrPasswordLong
	}
	p = norm.NFKC.String(p)
	if utf8.RuneCountInString(p) < a.o.MinPassword {
		return ErrPasswordShort.With("min", strconv.Itoa(a.o.MinPassword))
	}
	local, _, _ := strings.Cut(who.email, "@")
	for _, known := range []string{who.email, local, who.username, who.name} {
		if known != "" && strings.EqualFold(p, known) {
			return ErrPasswordObvious
		}
	}
	if why := a.weakness(p, who); why != "" {
		return errWeak(why)
	}
	if a.breached(ctx, password) {
		return ErrPasswordBreached
	}
	return nil
}

// breached tells whether a password has leaked, as far as anybody can be asked: a bad
// disk or a service that is away keeps nobody out, and the operator hears of it.
func (a *Accounts) breached(ctx context.Context, password broker.Secret) bool {
	if a.o.Breached != nil {
		known, err := a.o.Breached.Contains(password)
		if err != nil {
			a.log.ErrorContext(ctx, "new password not compared with the breached ones", "err", err)
		}
		if known {
			return true
		}
	}
	if a.o.BreachedRange == nil {
		return false
	}
	known, err := inRange(ctx, a.o.BreachedRange, password)
	if err != nil {
		a.log.WarnContext(ctx, "new password not compared with the breached ones of the range service", "err", err)
	}
	return known
}

// Authenticate returns the user whom an address (or a username) and a password
// open. Every reason to refuse is login.wrong, in the same time, but a disabled
// account after a right password is its Refusal, a closed one a *broker.Closed.
func (a *Accounts) Authenticate(ctx context.Context, identifier string, password broker.Secret) (broker.User, broker.Authentication, error) {
	user, err := a.find(ctx, identifier)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return broker.User{}, broker.Authentication{}, err
	}
	ok, outdated, err := a.verify(ctx, user, password)
	switch {
	case err != nil:
		return broker.User{}, broker.Authentication{}, err
	case !ok:
		a.log.InfoContext(ctx, "password refused", "user", user.ID)
		return broker.User{}, broker.Authentication{}, ErrWrongLogin
	case user.Closed():
		return broker.User{}, broker.Authentication{}, &broker.Closed{User: user.ID, EraseAt: user.EraseAt}
	case user.Disabled():
		a.log.InfoContext(ctx, "disabled user refused", "user", user.ID)
		return broker.User{}, broker.Authentication{}, user.Refusal()
	}
	if outdated {
		a.upgrade(ctx, user, password)
	}
	return user, broker.Authentication{At: time.Now(), AMR: []string{"pwd"}, ACR: broker.ACRSingle}, nil
}

// verify asks whether password opens user, who may be nobody. A stored hash
// that cannot be read opens nothing, and the operator hears of it: to the person
// it must look like a wrong password, or it would tell that the account exists.
func (a *Accounts) verify(ctx context.Context, user broker.User, password broker.Secret) (ok, outdated bool, err error) {
	ok, outdated, unread, err := a.hash.verify(ctx, user.PasswordHash, password)
	if err != nil {
		return false, false, fmt.Errorf("verify password of %s: %w", user.ID, err)
	}
	if unread != nil {
		a.log.ErrorContext(ctx, "stored password hash cannot be verified", "user", user.ID, "err", unread)
	}
	return ok, outdated, nil
}

// find looks a user up by what they typed.
func (a *Accounts) find(ctx context.Context, identifier string) (broker.User, error) {
	if email, err := broker.NormalizeEmail(identifier); err == nil && !a.o.Usernames.OnlyThis {
		return a.store.UserByEmail(ctx, email)
	}
	u, err := broker.User{}, error(broker.ErrNotFound)
	if a.o.Usernames.NoSignIn {
		return u, err
	}
	for _, name := range a.o.Usernames.known(identifier) {
		if u, err = a.store.UserByUsername(ctx, name); !errors.Is(err, broker.ErrNotFound) {
			break
		}
	}
	return u, err
}

// upgrade stores the hash anew under today's parameters. It is a courtesy: when
// it cannot be done now, the next sign-in does it.
func (a *Accounts) upgrade(ctx context.Context, user broker.User, password broker.Secret) {
	hash, err := a.hash.make(ctx, password)
	if err == nil {
		user.PasswordHash, user.UpdatedAt = hash, time.Now()
		err = a.store.UpdateUser(ctx, user)
	}
	if err != nil {
		a.log.WarnContext(ctx, "password hash not upgraded", "user", user.ID, "err", err)
	}
}

// ChangePassword gives the session's user a new password and ends their other
// sessions, with every grant that is not of this one. Who has none yet, or
// has a second factor, does so after a recent sign-in.
func (a *Accounts) ChangePassword(ctx context.Context, s broker.Session, current, next broker.Secret) error {
	user, err := a.store.User(ctx, s.UserID)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if err := a.check(ctx, next, personOf(user)); err != nil {
		return err
	}
	if (!user.HasPassword() || a.Factors() && user.HasSecondFactor()) && !s.Fresh(a.o.FreshFor, time.Now()) {
		return broker.ErrSignIn // the password that they have is one factor
	}
	if user.HasPassword() {
		ok, _, err := a.verify(ctx, user, current)
		if err != nil {
			return err
		}
		if !ok {
			return ErrPasswordWrong
		}
		if current == next {
			return ErrPasswordSame
		}
	}
	hash, err := a.hash.make(ctx, next)
	if err != nil {
		return err
	}
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		return a.setPassword(ctx, user, hash, s.SID, broker.EventPasswordChanged, at)
	})
}

// setPassword stores a hash, ends the other sessions with what hangs on them,
// and tells the person. user is compared by its version, so a password that
// changed meanwhile is not overwritten.
func (a *Accounts) setPassword(ctx context.Context, user broker.User, hash broker.Secret, keepSID, event string, at time.Time) error {
	user.PasswordHash, user.PasswordSetAt, user.UpdatedAt = hash, at, at
	if err := a.store.UpdateUser(ctx, user); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	if err := a.signOut(ctx, user.ID, keepSID, "password changed", at); err != nil {
		return err
	}
	if err := a.store.VoidMailTokens(ctx, user.ID, broker.MailReset, at); err != nil {
		return fmt.Errorf("void mail tokens: %w", err)
	}
	if err := a.event(ctx, event, user.ID, at); err != nil {
		return err
	}
	return a.store.Enqueue(ctx, mail(ctx, user.Email, "password-changed", user.Locale, at, map[string]string{"name": user.Called()}))
}

// signOut ends the sessions of a user but one, with the grants that hang on them.
// Grants of sessions that are over end too: whoever got in may have let an
// application in for good, and left.
func (a *Accounts) signOut(ctx context.Context, user broker.UserID, keepSID, reason string, at time.Time) error {
	ended, err := a.store.EndSessions(ctx, user, keepSID)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, sid := range ended {
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: user, SID: sid}, reason, at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	if _, err := a.store.RevokeGrants(ctx, broker.GrantFilter{UserID: user, ExceptSID: keepSID}, reason, at); err != nil {
		return fmt.Errorf("end grants: %w", err)
	}
	return nil
}
