package local

import (
	"context"
	"fmt"
	"time"

	"idbroker/broker"
)

// Welcome says who is told by mail that an account began.
type Welcome string

const (
	WelcomeVouched Welcome = "vouched" // whose address nobody has proven by a mail: its owner must hear of it
	WelcomeAll     Welcome = "all"
	WelcomeNone    Welcome = "none"
)

// Begin makes the account of an identity that signs up at once: provider vouches
// for the address. It joins the caller's unit of work. A username that somebody
// has gets a number; the person can choose another one on the profile page. Errors: signup.closed,
// signup.known where somebody was faster, also with the last username that would do.
func (a *Accounts) Begin(ctx context.Context, s broker.SignUp, provider string, at time.Time) (_ broker.User, err error) {
	if a.o.NoSignUp {
		return broker.User{}, ErrSignUpClosed
	}
	if s.Username, err = a.alike(ctx, s.Username); err != nil {
		return broker.User{}, err
	}
	if s.Username == "" && a.NeedUsername() {
		return broker.User{}, ErrSignUpKnown.Becausef("no username is left to give")
	}
	return a.begin(ctx, s, provider, true, at)
}

// vouched tells whether a form begins its account without a mail: it keeps the
// address that the identity's provider proved, and that word counts here.
func (a *Accounts) vouched(login broker.Login) bool {
	if login.Remote == nil || !login.Remote.EmailVerified || login.Remote.Email != login.SignUp.Email {
		return false
	}
	p, ok := a.links.Provider(login.Remote.Provider)
	return ok && p.Unmailed
}

// reclaim gives an account to whoever has just read its address's mail, where
// only a provider's word stood for that address: what others may have hung on it
// goes, and what they told. The caller writes u and ends sessions and grants, as
// turnOut does.
func (a *Accounts) reclaim(ctx context.Context, u *broker.User, at time.Time) error {
	if u.EmailVouchedBy == "" {
		return nil
	}
	if err := a.links.DetachAll(ctx, u.ID, at); err != nil {
		return err
	}
	if err := a.store.VoidLinkChanges(ctx, u.ID, time.Time{}); err != nil {
		return fmt.Errorf("void link changes: %w", err)
	}
	if err := a.forgetFactors(ctx, u.ID); err != nil { // who set them up is not who reads the mail
		return err
	}
	if err := a.store.DeletePasskeysSince(ctx, u.ID, time.Time{}); err != nil {
		return fmt.Errorf("delete passkeys: %w", err)
	}
	if err := a.store.ForgetAllRetired(ctx, u.ID); err != nil {
		return fmt.Errorf("forget retired: %w", err)
	}
	consents, err := a.store.ConsentsOf(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("consents: %w", err)
	}
	for _, c := range consents {
		if err := a.store.DeleteConsent(ctx, u.ID, c.ClientID); err != nil {
			return fmt.Errorf("delete consent: %w", err)
		}
	}
	u.EmailVerifiedAt, u.EmailVouchedBy, u.SignedOutAt = at, "", at
	u.VerifiedAt, u.VerifiedBy = time.Time{}, "" // that was said of somebody else
	if _, err := a.confirm(ctx, u, at); err != nil {
		return err
	}
	u.SecondFactorAt = time.Time{}
	u.Phone, u.Address, u.Details = "", broker.Address{}, broker.Details{}
	return a.event(ctx, broker.EventReclaimed, u.ID, at)
}

// takeOver is begin where the address stands on an account by a provider's word
// alone: a mail is the better proof. The account goes on as the form has it.
func (a *Accounts) takeOver(ctx context.Context, id broker.UserID, s broker.SignUp, at time.Time) (broker.User, error) {
	u, err := a.store.LockUser(ctx, id)
	if err != nil {
		return broker.User{}, fmt.Errorf("lock user: %w", err)
	}
	if u.EmailVouchedBy == "" || broker.FoldEmail(u.Email) != broker.FoldEmail(s.Email) || u.Disabled() {
		return broker.User{}, ErrSignUpKnown
	}
	if err := a.reclaim(ctx, &u, at); err != nil {
		return broker.User{}, err
	}
	switch taken, err := a.taken(ctx, s.Username, id); {
	case err != nil:
		return broker.User{}, err
	case taken && u.Username != "" && a.NeedUsername():
		s.Username = u.Username
	case taken:
		if s.Username, err = a.otherwise(ctx, s.Username); err != nil {
			return broker.User{}, err
		}
	}
	if err := a.rename(ctx, &u, s.Username, at); err != nil {
		return broker.User{}, err
	}
	u.Name, u.Locale, u.Details.Fields = s.Name, s.Locale, s.Fields
	u.PasswordHash, u.PasswordSetAt, u.UpdatedAt = s.PasswordHash, time.Time{}, at // who had set one is out
	if u.HasPassword() {
		u.PasswordSetAt = at
	}
	return u, a.turnOut(ctx, &u, at)
}

// reclaimByCode is reclaim for who has typed a mailed code. They choose no
// password: whoever had set one is out, and the next code or "lost password" is
// their way back in.
func (a *Accounts) reclaimByCode(ctx context.Context, u *broker.User, at time.Time) error {
	if u.EmailVouchedBy == "" {
		return nil
	}
	if err := a.reclaim(ctx, u, at); err != nil {
		return err
	}
	u.PasswordHash, u.PasswordSetAt, u.UpdatedAt = "", time.Time{}, at
	return a.turnOut(ctx, u, at)
}

// turnOut writes a re-claimed account and ends every access to it.
func (a *Accounts) turnOut(ctx context.Context, u *broker.User, at time.Time) error {
	if err := a.store.UpdateUser(ctx, *u); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	u.Version++
	if _, err := a.store.EndSessions(ctx, u.ID, ""); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: u.ID}, "re-claimed", at); err != nil {
		return fmt.Errorf("end grants: %w", err)
	}
	if err := a.store.VoidMailTokens(ctx, u.ID, broker.MailReset, at); err != nil {
		return fmt.Errorf("void mail tokens: %w", err)
	}
	return nil
}

// welcome tells the owner of an address that an account began with it.
func (a *Accounts) welcome(ctx context.Context, u broker.User, at time.Time) error {
	if a.o.Welcome == WelcomeNone || a.o.Welcome != WelcomeAll && u.EmailVouchedBy == "" {
		return nil
	}
	data := map[string]string{"name": u.Called(), "link": a.o.Issuer + "/login/"}
	if u.EmailVouchedBy != "" {
		data["provider"] = a.links.Title(u.EmailVouchedBy)
		if !a.o.NoPasswords {
			data["link"] = a.o.Issuer + "/lost-password/"
		}
	}
	return a.store.Enqueue(ctx, mail(ctx, u.Email, "welcome", u.Locale, at, data))
}
