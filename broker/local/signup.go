package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"idbroker/broker"
)

// Errors about sign-up.
var (
	ErrSignUpClosed = &broker.Error{Kind: broker.KindForbidden, Message: "signup.closed"}
	ErrNameInvalid  = &broker.Error{Kind: broker.KindInvalid, Message: "field.name_invalid", Field: "name"}
	ErrRequired     = &broker.Error{Kind: broker.KindInvalid, Message: "field.required"}
)

// Errors about links in mails.
var (
	ErrMailUnknown = &broker.Error{Kind: broker.KindGone, Message: "mail.unknown"}
	ErrMailUsed    = &broker.Error{Kind: broker.KindGone, Message: "mail.used"}
	ErrMailExpired = &broker.Error{Kind: broker.KindGone, Message: "mail.expired"}
)

// SignUpForm is what a newcomer filled in.
type SignUpForm struct {
	Email    string
	Name     string
	Username string        // "" none
	Password broker.Secret // "" only where a remote identity signs up
	Locale   string
	Fields   map[string]json.RawMessage // that the operator asks for
	Silent   bool                       // the address has had enough mails: answer as ever, and send none
}

// Fields are the problems of a form, by field, for the page that shows it again.
type Fields map[string]*broker.Error

// FormError carries all problems of a form.
type FormError struct{ Fields Fields }

func (e *FormError) Error() string { return "form: " + strconv.Itoa(len(e.Fields)) + " problems" }

// Unwrap gives the error that stands for the form as a whole.
func (e *FormError) Unwrap() error {
	for _, f := range append([]string{"email", "name", "username", "password"}, slices.Sorted(maps.Keys(e.Fields))...) {
		if p := e.Fields[f]; p != nil {
			return p
		}
	}
	return nil
}

// formOf is err as the problem of a form where it is about one of its fields.
func formOf(err error) error {
	if e, ok := errors.AsType[*broker.Error](err); ok && e.Kind == broker.KindInvalid && e.Field != "" {
		return &FormError{Fields{e.Field: e}}
	}
	return err
}

// who filled a form in decides what is asked of it.
type who int

const (
	newcomer who = iota // with a password
	remote              // whose identity opens the account
	operator            // who may choose what others cannot, and knows little of the person
)

// clean checks a form and returns it as it is to be stored.
func (a *Accounts) clean(ctx context.Context, f SignUpForm, by who) (SignUpForm, error) {
	bad := Fields{}
	fail := func(field string, err error) {
		var e *broker.Error
		if errors.As(err, &e) {
			bad[field] = e.At(field)
		}
	}
	var err error
	if f.Email == "" {
		fail("email", ErrRequired)
	} else if f.Email, err = broker.NormalizeEmail(f.Email); err != nil {
		fail("email", err)
	}
	var ok bool
	if f.Name, ok = broker.CleanName(f.Name); !ok {
		fail("name", ErrNameInvalid)
	}
	if f.Username == "" && a.NeedUsername() {
		fail("username", ErrRequired)
	} else if by == operator {
		if f.Username, ok = broker.CleanUsername(f.Username); !ok {
			fail("username", ErrUsernameBad)
		}
	} else {
		name, wrong := a.o.Usernames.username(f.Username)
		if wrong != nil {
			fail("username", wrong)
		}
		f.Username = name
		f.Fields = a.checkFields(f.Fields, nil, bad)
	}
	switch {
	case f.Password == "" && by == newcomer && !a.o.NoPasswords:
		fail("password", ErrRequired)
	case f.Password != "":
		if err := a.check(ctx, f.Password, person{f.Email, f.Username, f.Name}); err != nil {
			fail("password", err)
		}
	}
	if len(bad) > 0 {
		return f, &FormError{bad}
	}
	return f, nil
}

// SignUp keeps a newcomer's form in the login and mails the link that proves
// the address. login may be new, or hold a proven remote identity, whose provider
// may set some values whatever was typed. Where the address has an account already
// its owner is mailed instead, and the answer is the same. Where the identity's
// provider vouches for the address, and that suffices, the account begins at once
// and the stored login is authenticated. Errors: signup.closed, a *FormError.
func (a *Accounts) SignUp(ctx context.Context, login broker.Login, f SignUpForm) error {
	if a.o.NoSignUp || login.Remote == nil && a.o.NoPasswords && a.o.Codes != CodesSignIn && !a.Passkeys() {
		return ErrSignUpClosed
	}
	if a.o.NoPasswords {
		f.Password = "" // it would open nothing
	}
	merged, err := a.merged(ctx, login, f)
	if err != nil {
		return err
	}
	by := newcomer
	if login.Remote != nil {
		by = remote
	}
	f, err = a.clean(ctx, merged, by)
	if err != nil {
		return err
	}
	if err := a.admit(ctx, f.Email); err != nil {
		return formOf(err)
	}
	var hash broker.Secret
	if f.Password != "" {
		if hash, err = a.hash.make(ctx, f.Password); err != nil {
			return err
		}
	}
	at := time.Now()
	login.UserID = ""
	login.SignUp = &broker.SignUp{Email: f.Email, Name: f.Name, Username: f.Username, Locale: f.Locale, PasswordHash: hash, Fields: f.Fields}
	login.ExpiresAt = at.Add(broker.LoginLifetime) // the mail needs its time
	return a.store.InTx(ctx, func(ctx context.Context) error {
		switch taken, err := a.taken(ctx, f.Username, ""); {
		case err != nil:
			return err
		case taken:
			return &FormError{Fields{"username": ErrUsernameTaken}}
		}
		if err := a.saveLogin(ctx, login); err != nil {
			return err
		}
		if a.vouched(login) {
			switch _, known, err := a.owner(ctx, f.Email); {
			case err != nil:
				return err
			case !known:
				_, err := a.enter(ctx, &login, login.Remote.Provider, true, at)
				return err
			}
		}
		if f.Silent {
			return nil
		}
		return a.mailProof(ctx, login, at)
	})
}

// merged puts what the provider of a login's identity decides over what was
// typed. What it does not tell, or what could not stand in an account, stays as
// typed, and so does a username where the provider's is somebody else's here.
func (a *Accounts) merged(ctx context.Context, login broker.Login, f SignUpForm) (SignUpForm, error) {
	if login.Remote == nil {
		return f, nil
	}
	p, _ := a.links.Provider(login.Remote.Provider)
	told := p.Profile.Always(*login.Remote)
	if name, bad := a.o.Usernames.username(told.Username); bad != nil {
		told.Username = ""
	} else if taken, err := a.taken(ctx, name, ""); err != nil {
		return f, err
	} else if taken {
		told.Username = ""
	}
	told = told.Over(f.Name, f.Username, f.Locale)
	f.Name, f.Username, f.Locale = told.Name, told.Username, told.Locale
	return f, nil
}

// owner is the user who has an address; known is false where nobody has.
func (a *Accounts) owner(ctx context.Context, email string) (u broker.User, known bool, err error) {
	u, err = a.store.UserByEmail(ctx, email)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.User{}, false, nil
	}
	if err != nil {
		return broker.User{}, false, fmt.Errorf("find address: %w", err)
	}
	return u, true, nil
}

// saveLogin updates the login, or creates it where it is new.
func (a *Accounts) saveLogin(ctx context.Context, l broker.Login) error {
	_, err := a.store.Login(ctx, l.ID)
	if errors.Is(err, broker.ErrNotFound) {
		return a.store.CreateLogin(ctx, l)
	}
	if err != nil {
		return fmt.Errorf("find login: %w", err)
	}
	return a.store.SaveLogin(ctx, l)
}

// mailProof mails the link, or tells the owner of a known address.
func (a *Accounts) mailProof(ctx context.Context, login broker.Login, at time.Time) error {
	to, locale := login.SignUp.Email, login.SignUp.Locale
	data := map[string]string{"name": login.SignUp.Name, "minutes": strconv.Itoa(int(broker.MailTokenLifetime.Minutes()))}
	if login.Remote != nil {
		data["provider"] = a.links.Title(login.Remote.Provider)
	}
	// Known or not, the same is written: nobody learns from the time who has an
	// account here. Where the address is known, nobody learns this secret.
	token := broker.NewSecret()
	if err := a.store.CreateMailToken(ctx, broker.MailToken{
		Hash: token.Hash(), Purpose: broker.MailSignUp, Email: to, LoginID: login.ID,
		CreatedAt: at, ExpiresAt: at.Add(broker.MailTokenLifetime),
	}); err != nil {
		return fmt.Errorf("create mail token: %w", err)
	}
	owner, known, err := a.owner(ctx, to)
	if err != nil {
		return err
	}
	if known { // in whatever spelling it was typed: what another mail server takes that for nobody knows
		to = owner.Email
	}
	switch goesOn, err := a.unfinished(ctx, owner); {
	case err != nil:
		return err
	case known && (owner.EmailVouchedBy == "" || owner.Disabled()) && !goesOn: // or else the mail is the better proof
		data["name"], data["link"] = owner.Called(), a.o.Issuer+"/login/"
		return a.store.Enqueue(ctx, mail(ctx, to, "known", locale, at, data))
	}
	data["link"] = a.o.Issuer + "/verify-email/?token=" + token.Reveal()
	return a.store.Enqueue(ctx, mail(ctx, to, "sign-up", locale, at, data))
}

// ResendProof mails the link once more. Links that are out keep working until
// they end.
func (a *Accounts) ResendProof(ctx context.Context, login broker.Login) error {
	if login.SignUp == nil {
		return broker.ErrSpent
	}
	at := time.Now()
	login.ExpiresAt = at.Add(broker.LoginLifetime)
	return a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.SaveLogin(ctx, login); err != nil {
			return err
		}
		return a.mailProof(ctx, login, at)
	})
}
