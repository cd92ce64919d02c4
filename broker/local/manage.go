package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Errors about the claim of an installation.
var (
	// ErrClaimed: somebody administers it already.
	ErrClaimed = &broker.Error{Kind: broker.KindGone, Message: "claim.gone"}
	// ErrClaimLink: nobody does yet, and the link is not the one that was printed
	// last, or is too old.
	ErrClaimLink = &broker.Error{Kind: broker.KindGone, Message: "claim.wrong"}
)

// claimLifetime is how long the printed link works. The operator who started
// the program is sitting before it; a restart prints a new one.
const claimLifetime = 24 * time.Hour

// NewUser is an account that an operator makes. The operator vouches for the
// address.
type NewUser struct {
	Email    string
	Name     string
	Username string
	Locale   string
	Password broker.Secret // "" none: the person uses "lost password"
	Admin    bool
	Details  broker.Details // fields of the operator's may be missing here

	// PasswordHash is what another system keeps of the password, in the form of
	// crypt(3) or PHC; "" none. It is replaced by ours at the next sign-in.
	PasswordHash broker.Secret
	DoubleHash   bool // it was made by Invenio or Flask-Security of HMAC-SHA512(Options.HMACKey, password)
}

// Create makes an account. Errors: a *FormError, ErrSignUpKnown, ErrDomainRefused.
func (a *Accounts) Create(ctx context.Context, n NewUser) (broker.User, error) {
	u, err := a.prepare(ctx, n)
	if err != nil {
		return broker.User{}, err
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error { return a.insert(ctx, &u) })
	if err != nil {
		return broker.User{}, err
	}
	return u, nil
}

// prepare checks an operator's account and hashes its password.
func (a *Accounts) prepare(ctx context.Context, n NewUser) (broker.User, error) {
	f, err := a.clean(ctx, SignUpForm{Email: n.Email, Name: n.Name, Username: n.Username, Password: n.Password, Locale: n.Locale}, operator)
	if err != nil {
		return broker.User{}, err
	}
	if err := a.admit(ctx, f.Email); err != nil {
		return broker.User{}, formOf(err)
	}
	d := ProfileOf(broker.User{})
	d.Name, d.Details = f.Name, n.Details
	var filled broker.User
	if err := a.putProfile(&filled, d, nil, operator); err != nil {
		return broker.User{}, err
	}
	at := time.Now()
	u := broker.User{
		Details: filled.Details,
		ID:      broker.UserID(broker.NewID()), Email: f.Email, EmailVerifiedAt: at, Name: f.Name, Username: f.Username, Locale: a.o.Presets.locale(f.Locale),
		Admin: n.Admin, CreatedAt: at, UpdatedAt: at,
	}
	switch {
	case n.PasswordHash != "":
		if u.PasswordHash, err = a.hash.accept(n.PasswordHash, n.DoubleHash); err != nil {
			return broker.User{}, fmt.Errorf("this %w", err)
		}
		u.PasswordSetAt = at
	case f.Password != "":
		if u.PasswordHash, err = a.hash.make(ctx, f.Password); err != nil {
			return broker.User{}, err
		}
		u.PasswordSetAt = at
	}
	return u, nil
}

// insert writes a new account and its event. Of a moderated domain an operator lets
// in whom they make an account for.
func (a *Accounts) insert(ctx context.Context, u *broker.User) error {
	switch _, known, err := a.owner(ctx, u.Email); {
	case err != nil:
		return err
	case known:
		return ErrSignUpKnown
	}
	switch taken, err := a.taken(ctx, u.Username, ""); {
	case err != nil:
		return err
	case taken:
		return &FormError{Fields{"username": ErrUsernameTaken}}
	}
	if _, err := a.confirm(ctx, u, u.CreatedAt); err != nil {
		return err
	}
	if err := a.store.CreateUser(ctx, *u); err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return a.event(ctx, broker.EventUserCreated, u.ID, u.CreatedAt)
}

// Claim makes the one-time secret with which the first administrator takes over
// the installation, and voids those made before. ErrClaimed where there is an
// administrator.
func (a *Accounts) Claim(ctx context.Context) (broker.Secret, error) {
	at := time.Now()
	token := broker.NewSecret()
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		if n, err := a.store.CountAdmins(ctx); err != nil {
			return fmt.Errorf("count administrators: %w", err)
		} else if n > 0 {
			return ErrClaimed
		}
		if err := a.store.VoidMailTokens(ctx, "", broker.MailClaim, at); err != nil {
			return fmt.Errorf("void claims: %w", err)
		}
		return a.store.CreateMailToken(ctx, broker.MailToken{
			Hash: token.Hash(), Purpose: broker.MailClaim, CreatedAt: at, ExpiresAt: at.Add(claimLifetime),
		})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// CheckClaim tells whether a claim link works, and spends nothing. Errors:
// ErrClaimed, ErrClaimLink.
func (a *Accounts) CheckClaim(ctx context.Context, token broker.Secret) error {
	_, err := a.live(ctx, token, broker.MailClaim, time.Now())
	if broker.KindOf(err) == broker.KindGone {
		return a.noClaim(ctx, err)
	}
	return err
}

// noClaim says why a claim link does not work.
func (a *Accounts) noClaim(ctx context.Context, cause error) error {
	switch n, err := a.store.CountAdmins(ctx); {
	case err != nil:
		return fmt.Errorf("count administrators: %w", err)
	case n > 0:
		return ErrClaimed.Because(cause)
	}
	return ErrClaimLink.Because(cause)
}

// ClaimAdmin spends the claim and makes the first administrator.
func (a *Accounts) ClaimAdmin(ctx context.Context, token broker.Secret, f SignUpForm) (broker.User, error) {
	if err := a.CheckClaim(ctx, token); err != nil {
		return broker.User{}, err
	}
	switch {
	case a.o.NoPasswords:
		f.Password = "" // it would open nothing
	case f.Password == "":
		return broker.User{}, &FormError{Fields{"password": ErrRequired.At("password")}}
	}
	u, err := a.prepare(ctx, NewUser{Email: f.Email, Name: f.Name, Username: f.Username, Locale: f.Locale, Password: f.Password, Admin: true})
	if err != nil {
		return broker.User{}, err
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if n, err := a.store.CountAdmins(ctx); err != nil {
			return fmt.Errorf("count administrators: %w", err)
		} else if n > 0 {
			return ErrClaimed
		}
		if err := a.store.SpendMailToken(ctx, token.Hash(), u.CreatedAt); errors.Is(err, broker.ErrSpent) {
			return a.noClaim(ctx, err) // who spent it is the administrator by now, or printed a newer one
		} else if err != nil {
			return fmt.Errorf("spend claim: %w", err)
		}
		if err := a.insert(ctx, &u); err != nil {
			return err
		}
		return a.event(ctx, broker.EventAdminClaimed, u.ID, u.CreatedAt)
	})
	if err != nil {
		return broker.User{}, err
	}
	a.log.InfoContext(ctx, "administrator claimed the installation", "user", u.ID)
	return u, nil
}
