package local

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"idbroker/broker"
)

// Errors about usernames. A name that is reserved, or was given up by somebody, is
// taken: nobody learns which.
var (
	ErrUsernameBad   = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_invalid", Field: "username"}
	ErrUsernameTaken = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_taken", Field: "username"}
	ErrUsernameMixed = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_mixed", Field: "username"}
	ErrUsernameShort = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_short", Field: "username"}
	ErrUsernameLong  = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_long", Field: "username"}
	// ErrUsernameRule: it does not match the operator's pattern. The operator says
	// in their own words what it asks.
	ErrUsernameRule  = &broker.Error{Kind: broker.KindInvalid, Message: "field.username_rule", Field: "username"}
	ErrUsernameOften = &broker.Error{Kind: broker.KindInvalid, Message: "username.often", Field: "username"}
	// ErrHeld: a provider sets the value at each sign-in.
	ErrHeld = &broker.Error{Kind: broker.KindInvalid, Message: "field.held"}
)

// Usernames says which usernames people may choose. Names that somebody has already
// are not looked at. The zero value lets them have whatever broker.CleanUsername
// takes, but for broker.ReservedUsernames.
type Usernames struct {
	Pattern  *regexp.Regexp // the whole name must match; nil: no more is asked
	Min, Max int            // code points; 0: 1, broker.MaxUsername
	Reserved []string       // beside broker.ReservedUsernames
	KeepFor  time.Duration  // how long a name that was given up is kept from others; 0: for ever
	Key      [32]byte       // of the MACs of names that were given up
	NoSignIn bool           // a username is not asked for at sign-in: addresses alone
	OnlyThis bool           // an address is not asked for at sign-in: usernames alone
}

// NeedUsername tells whether everybody needs a username here: it is all that
// they can sign in with beside their password.
func (a *Accounts) NeedUsername() bool { return a.o.Usernames.OnlyThis && !a.o.NoPasswords }

// maxFormer is how many names one account can keep from others. Whoever needs more
// collects them.
const maxFormer = 10

// username checks a name that a person chooses, and returns it as it is kept: as
// RFC 8265, section 3.4 (UsernameCasePreserved), prepares it. "" is fine.
func (u Usernames) username(typed string) (string, *broker.Error) {
	name, ok := broker.CleanUsername(typed)
	if !ok {
		return "", ErrUsernameBad
	}
	if name == "" {
		return "", nil
	}
	prepared, err := precis.UsernameCasePreserved.String(name)
	if err != nil {
		return "", ErrUsernameBad.Because(err)
	}
	if name, ok = broker.CleanUsername(prepared); !ok || name == "" {
		return "", ErrUsernameBad
	}
	most := u.Max
	if most == 0 {
		most = broker.MaxUsername
	}
	switch n := utf8.RuneCountInString(name); {
	case n < u.Min:
		return "", ErrUsernameShort.With("min", strconv.Itoa(u.Min))
	case n > most:
		return "", ErrUsernameLong.With("max", strconv.Itoa(most))
	case u.Pattern != nil && !u.Pattern.MatchString(name):
		return "", ErrUsernameRule
	case !oneScript(name):
		return "", ErrUsernameMixed
	}
	bare := broker.BareUsername(name)
	for _, list := range [][]string{broker.ReservedUsernames, u.Reserved} {
		if slices.ContainsFunc(list, func(r string) bool { return broker.BareUsername(r) == bare }) {
			return "", ErrUsernameTaken
		}
	}
	return name, nil
}

// together are the scripts that stand in one word: Japanese, Korean and Chinese
// with Latin, as the level "highly restrictive" of UTS #39, section 5.2, has them.
var together = [][]string{
	{"Latin", "Han", "Hiragana", "Katakana"},
	{"Latin", "Han", "Hangul"},
	{"Latin", "Han", "Bopomofo"},
}

// oneScript tells whether the letters of a name are of one script, or of several
// that are written together. "аda" with a Cyrillic "а" is somebody else's name.
func oneScript(name string) bool {
	var scripts []string
	for _, r := range name {
		if s := scriptOf(r); s != "" && !slices.Contains(scripts, s) {
			scripts = append(scripts, s)
		}
	}
	if len(scripts) < 2 {
		return true
	}
	return slices.ContainsFunc(together, func(all []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(all, s) })
	})
}

// scriptOf is the script of a letter or digit; "" one that all scripts use.
func scriptOf(r rune) string {
	if r < utf8.RuneSelf {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return "Latin"
		}
		return ""
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}

// known is how somebody who signs in may have written their username: as names are
// kept today, and as they typed it, for one from before.
func (u Usernames) known(typed string) []string {
	name, ok := broker.CleanUsername(typed)
	if !ok || name == "" {
		return nil
	}
	if prepared, err := precis.UsernameCasePreserved.String(name); err == nil && broker.FoldCase(prepared) != broker.FoldCase(name) {
		return []string{prepared, name}
	}
	return []string{name}
}

// taken tells whether somebody but except has a username, or has given it up and
// keeps it. "" is never taken.
func (a *Accounts) taken(ctx context.Context, username string, except broker.UserID) (bool, error) {
	if username == "" {
		return false, nil
	}
	holders, err := a.store.UsernameHolders(ctx, username, broker.UsernameMAC(a.o.Usernames.Key, username), time.Now())
	if err != nil {
		return false, fmt.Errorf("find username: %w", err)
	}
	return slices.ContainsFunc(holders, func(id broker.UserID) bool { return id != except }), nil
}

// rename gives u another username, inside the unit of work in which u is written
// afterwards: the one that they had is kept from others. A change of case alone gives up nothing.
func (a *Accounts) rename(ctx context.Context, u *broker.User, name string, at time.Time) error {
	old := u.Username
	if old == name {
		return nil
	}
	u.Username, u.UpdatedAt = name, at
	if broker.FoldCase(old) == broker.FoldCase(name) {
		return nil
	}
	if name != "" {
		if err := a.store.TakeUpUsername(ctx, u.ID, broker.UsernameMAC(a.o.Usernames.Key, name)); err != nil {
			return err
		}
	}
	return a.giveUp(ctx, u.ID, old, at)
}

// giveUp keeps a username from everybody but a user.
func (a *Accounts) giveUp(ctx context.Context, id broker.UserID, name string, at time.Time) error {
	if name == "" {
		return nil
	}
	f := broker.FormerUsername{MAC: broker.UsernameMAC(a.o.Usernames.Key, name), UserID: id, CreatedAt: at}
	if a.o.Usernames.KeepFor > 0 {
		f.Until = at.Add(a.o.Usernames.KeepFor)
	}
	return a.store.GiveUpUsername(ctx, f)
}

// mayRename tells whether an account may give up one more name.
func (a *Accounts) mayRename(ctx context.Context, u broker.User, name string) error {
	if u.Username == "" || broker.FoldCase(u.Username) == broker.FoldCase(name) {
		return nil
	}
	former, err := a.store.FormerUsernamesOf(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("former usernames: %w", err)
	}
	back := broker.UsernameMAC(a.o.Usernames.Key, name)
	if len(former) >= maxFormer && !slices.ContainsFunc(former, func(f broker.FormerUsername) bool { return f.MAC == back }) {
		return ErrUsernameOften
	}
	return nil
}

// ChangeUsername gives the user of a recent session another username, or none, and
// tells them by mail. Errors: broker.ErrSignIn, ErrHeld, and what is wrong with the name.
func (a *Accounts) ChangeUsername(ctx context.Context, s broker.Session, typed string) (broker.User, error) {
	at := time.Now()
	if !s.Fresh(a.o.FreshFor, at) {
		return broker.User{}, broker.ErrSignIn
	}
	var u broker.User
	err := a.store.InTx(ctx, func(ctx context.Context) (err error) {
		if u, err = a.store.LockUser(ctx, s.UserID); err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if typed == u.Username { // also one that breaks a newer rule
			return nil
		}
		name, bad := a.o.Usernames.username(typed)
		if bad != nil {
			return bad
		}
		if name == "" && a.NeedUsername() {
			return ErrRequired.At("username")
		}
		held, err := a.HeldOf(ctx, u)
		if err != nil {
			return err
		}
		if by := held["username"]; by != "" {
			return ErrHeld.At("username").With("provider", by)
		}
		if err := a.mayRename(ctx, u, name); err != nil {
			return err
		}
		return a.setUsername(ctx, &u, name, "username-changed", at)
	})
	return u, err
}

// SetUsername is ChangeUsername by an operator, who may break every rule but one:
// names are unique. Errors: broker.ErrNotFound, ErrUsernameBad, ErrUsernameTaken.
func (a *Accounts) SetUsername(ctx context.Context, id broker.UserID, typed string) (broker.User, error) {
	name, ok := broker.CleanUsername(typed)
	if !ok {
		return broker.User{}, ErrUsernameBad
	}
	at := time.Now()
	var u broker.User
	err := a.store.InTx(ctx, func(ctx context.Context) (err error) {
		if u, err = a.store.LockUser(ctx, id); err != nil {
			return err
		}
		if u.Username == name {
			return nil
		}
		if err := a.store.ForgetAbout(ctx, id, broker.MailEmailBack); err != nil { // what an operator has chosen stays
			return err
		}
		return a.setUsername(ctx, &u, name, "username-changed-for-you", at)
	})
	return u, err
}

// setUsername writes another username where it is free, with its event and mail.
func (a *Accounts) setUsername(ctx context.Context, u *broker.User, name, template string, at time.Time) error {
	switch taken, err := a.taken(ctx, name, u.ID); {
	case err != nil:
		return err
	case taken:
		return ErrUsernameTaken
	}
	old := *u
	if err := a.rename(ctx, u, name, at); err != nil {
		return err
	}
	switch err := a.store.UpdateUser(ctx, *u); {
	case errors.Is(err, broker.ErrConflict): // somebody was faster
		return ErrUsernameTaken.Because(err)
	case err != nil:
		return fmt.Errorf("update user: %w", err)
	}
	u.Version++
	if err := a.event(ctx, broker.EventUsernameChanged, u.ID, at); err != nil {
		return err
	}
	if !u.EmailVerified() {
		return nil
	}
	return a.store.Enqueue(ctx, mail(ctx, u.Email, template, u.Locale, at, map[string]string{"name": old.Called(), "link": a.o.Issuer + "/account/settings/security/", "old": old.Username, "new": name}))
}

// UsernameFor is the username of a user whom a provider calls wanted: that one,
// where they may have it, or the one that they have. It belongs in the unit of work that writes it.
func (a *Accounts) UsernameFor(ctx context.Context, u broker.User, wanted string, at time.Time) (string, error) {
	name, bad := a.o.Usernames.username(wanted)
	if bad != nil || name == "" || name == u.Username {
		return u.Username, nil
	}
	switch taken, err := a.taken(ctx, name, u.ID); {
	case err != nil:
		return "", err
	case taken:
		return u.Username, nil
	}
	if err := a.mayRename(ctx, u, name); errors.Is(err, ErrUsernameOften) {
		return u.Username, nil
	} else if err != nil {
		return "", err
	}
	old := u.Username
	if err := a.rename(ctx, &u, name, at); err != nil || old == "" {
		return name, err
	}
	return name, a.event(ctx, broker.EventUsernameChanged, u.ID, at)
}

// ReleaseUsername lets anybody take a name that somebody gave up. broker.ErrNotFound:
// nobody keeps it.
func (a *Accounts) ReleaseUsername(ctx context.Context, name string) error {
	return a.store.ReleaseUsername(ctx, broker.UsernameMAC(a.o.Usernames.Key, name))
}
