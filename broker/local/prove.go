package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// ErrSignUpKnown: the address got an account while the mail was under way.
var ErrSignUpKnown = &broker.Error{Kind: broker.KindConflict, Message: "signup.known"}

// ErrProofElsewhere: an account that only a provider vouched for has the address. It is
// taken over where the form was filled in, and nowhere else: the form may be
// a stranger's, with a password or an identity of theirs.
var ErrProofElsewhere = &broker.Error{Kind: broker.KindForbidden, Message: "proof.elsewhere"}

// Proof is what the page behind a mailed link shows before its button.
type Proof struct {
	Email    string
	Name     string
	Provider string // title of the provider whose identity will open the account; "" none
	LoginID  broker.LoginID
}

// Proof returns what a sign-up link is about. It spends nothing: mail scanners
// follow links. Errors: mail.unknown, mail.used, mail.expired.
func (a *Accounts) Proof(ctx context.Context, token broker.Secret) (Proof, error) {
	_, login, err := a.pending(ctx, token, time.Now())
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Email: login.SignUp.Email, Name: login.SignUp.Name, LoginID: login.ID}
	if login.Remote != nil {
		p.Provider = a.links.Title(login.Remote.Provider)
	}
	return p, nil
}

// live returns a mail token that can still be spent on its purpose.
func (a *Accounts) live(ctx context.Context, token broker.Secret, purpose broker.MailPurpose, at time.Time) (broker.MailToken, error) {
	if token == "" {
		return broker.MailToken{}, ErrMailUnknown
	}
	t, err := a.store.MailToken(ctx, token.Hash())
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, ErrMailUnknown
	case err != nil:
		return t, fmt.Errorf("find mail token: %w", err)
	case t.Purpose != purpose:
		return t, ErrMailUnknown
	case !t.UsedAt.IsZero():
		return t, ErrMailUsed
	case !at.Before(t.ExpiresAt):
		return t, ErrMailExpired
	}
	return t, nil
}

// onlyLink writes a mail token for broker.MailTokenLifetime, in the place of every
// other of its user and purpose, and returns its secret. It belongs in a unit of work.
func (a *Accounts) onlyLink(ctx context.Context, t broker.MailToken, at time.Time) (broker.Secret, error) {
	if err := a.store.VoidMailTokens(ctx, t.UserID, t.Purpose, at); err != nil {
		return "", fmt.Errorf("void mail tokens: %w", err)
	}
	secret := broker.NewSecret()
	t.Hash, t.CreatedAt, t.ExpiresAt = secret.Hash(), at, at.Add(broker.MailTokenLifetime)
	if err := a.store.CreateMailToken(ctx, t); err != nil {
		return "", fmt.Errorf("create mail token: %w", err)
	}
	return secret, nil
}

// spend uses a mail token up, once.
func (a *Accounts) spend(ctx context.Context, t broker.MailToken, at time.Time) error {
	err := a.store.SpendMailToken(ctx, t.Hash, at)
	if errors.Is(err, broker.ErrSpent) {
		return ErrMailUsed
	}
	if err != nil {
		return fmt.Errorf("spend mail token: %w", err)
	}
	return nil
}

// pending returns a live sign-up token and the login that it completes. A form
// that was sent again with another address voids the links to the first one.
func (a *Accounts) pending(ctx context.Context, token broker.Secret, at time.Time) (broker.MailToken, broker.Login, error) {
	t, err := a.live(ctx, token, broker.MailSignUp, at)
	if err != nil {
		return t, broker.Login{}, err
	}
	login, err := a.store.Login(ctx, t.LoginID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return t, login, ErrMailExpired
	case err != nil:
		return t, login, fmt.Errorf("find login: %w", err)
	case login.UserID != "" || !login.FinishedAt.IsZero():
		return t, login, ErrMailUsed
	case login.SignUp == nil || login.SignUp.Email != t.Email:
		return t, login, ErrMailUnknown
	case !at.Before(login.ExpiresAt):
		return t, login, ErrMailExpired
	}
	return t, login, nil
}

// Prove spends a sign-up link: the account begins, with the remote identity
// that signed up, and the login is authenticated, all in one unit of work. browser
// is the cookie of where the link was opened. Errors: those of Proof,
// ErrSignUpKnown, ErrProofElsewhere and ErrDomainRefused, which leave the link as it was.
func (a *Accounts) Prove(ctx context.Context, token, browser broker.Secret) (broker.User, broker.Login, error) {
	at := time.Now()
	var user broker.User
	var login broker.Login
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		t, pending, err := a.pending(ctx, token, at)
		if err != nil {
			return err
		}
		if err := a.spend(ctx, t, at); err != nil {
			return err
		}
		login = pending
		user, err = a.enter(ctx, &login, "", browser.Matches(login.BrowserHash), at)
		return err
	})
	if err != nil {
		return broker.User{}, broker.Login{}, err
	}
	a.log.InfoContext(ctx, "account began", "user", user.ID, "provider", login.Provider)
	return user, login, nil
}

// enter begins the account of a login's form, with the identity that signed up,
// and authenticates the login. vouchedBy is the provider whose word stands for
// the address; "" a mail was read, here in the login's own browser or elsewhere.
func (a *Accounts) enter(ctx context.Context, login *broker.Login, vouchedBy string, here bool, at time.Time) (broker.User, error) {
	user, err := a.begin(ctx, *login.SignUp, vouchedBy, here, at)
	if err != nil {
		return user, err
	}
	how := broker.Authentication{At: at, AMR: []string{broker.AMRPassword}, ACR: broker.ACRSingle}
	if login.SignUp.PasswordHash == "" { // the mailed link is what was proven
		how.AMR = []string{broker.AMROTP}
	}
	if login.Remote != nil {
		if err := a.links.Attach(ctx, user, *login.Remote, at); err != nil {
			return user, err
		}
		how = login.Remote.Authentication(at)
	}
	login.Remote, login.SignUp = nil, nil
	login.Authenticated(user.ID, how)
	return user, a.store.SaveLogin(ctx, *login)
}

// begin creates the user of a form whose address is proven, by a mail or by the
// word of the provider vouchedBy. Where its domain is moderated the account waits, and
// nobody comes in until an operator activates it. ErrDomainRefused where it is blocked.
func (a *Accounts) begin(ctx context.Context, s broker.SignUp, vouchedBy string, here bool, at time.Time) (broker.User, error) {
	owner, known, err := a.owner(ctx, s.Email)
	if err != nil {
		return broker.User{}, err
	}
	goesOn := false
	if known && vouchedBy == "" {
		if goesOn, err = a.unfinished(ctx, owner); err != nil {
			return broker.User{}, err
		}
	}
	switch {
	case goesOn && here:
		return owner, nil
	case goesOn:
		return broker.User{}, ErrProofElsewhere
	case known && vouchedBy == "" && owner.EmailVouchedBy != "" && !owner.Disabled() && !here:
		return broker.User{}, ErrProofElsewhere
	case known && vouchedBy == "" && owner.EmailVouchedBy != "":
		return a.takeOver(ctx, owner.ID, s, at)
	case known:
		return broker.User{}, ErrSignUpKnown
	}
	wanted := s.Username
	switch taken, err := a.taken(ctx, s.Username, ""); {
	case err != nil:
		return broker.User{}, err
	case taken: // since the form; they can choose another one on the profile page
		if s.Username, err = a.otherwise(ctx, wanted); err != nil {
			return broker.User{}, err
		}
	}
	u := broker.User{
		ID: broker.UserID(broker.NewID()), Email: s.Email, EmailVerifiedAt: at, EmailVouchedBy: vouchedBy, Username: s.Username, Name: s.Name, Locale: s.Locale,
		Details: broker.Details{Fields: s.Fields}, PasswordHash: s.PasswordHash, CreatedAt: at, UpdatedAt: at,
	}
	if u.HasPassword() {
		u.PasswordSetAt = at
	}
	status, err := a.confirm(ctx, &u, at)
	if err != nil {
		return broker.User{}, err
	}
	if status == broker.DomainModerated {
		u.DisabledAt, u.WaitingAt = at, at
	}
	switch err := a.store.CreateUser(ctx, u); {
	case errors.Is(err, broker.ErrConflict): // somebody was faster
		return broker.User{}, ErrSignUpKnown.Because(err)
	case err != nil:
		return broker.User{}, fmt.Errorf("create user: %w", err)
	}
	if err := a.event(ctx, broker.EventUserCreated, u.ID, at); err != nil {
		return broker.User{}, err
	}
	if s.Username != wanted && s.Username != "" {
		if err := a.tellUsername(ctx, u, wanted, at); err != nil {
			return broker.User{}, err
		}
	}
	if u.Waiting() {
		return u, a.store.Enqueue(ctx, mail(ctx, u.Email, "waiting", u.Locale, at, map[string]string{"name": u.Called()}))
	}
	return u, a.welcome(ctx, u, at)
}
