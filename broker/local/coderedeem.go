package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"idbroker/broker"
)

// CodeSent returns the code that waits to be typed in a login; ok is false where
// none does. Its fields tell nothing of an account.
func (a *Accounts) CodeSent(ctx context.Context, login broker.Login) (sent broker.MailCode, ok bool, err error) {
	c, err := a.store.LastMailCode(ctx, login.ID)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.MailCode{}, false, nil
	}
	if err != nil {
		return broker.MailCode{}, false, fmt.Errorf("last mail code: %w", err)
	}
	if c.Purpose != purposeOf(login) || !c.UsedAt.IsZero() || c.Tries >= codeTries || !time.Now().Before(c.ExpiresAt) {
		return broker.MailCode{}, false, nil
	}
	return broker.MailCode{Email: broker.EmailInLetters(c.Email), CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt}, true, nil
}

// RedeemCode spends the code of a login and returns whose account it opens. A
// guess is counted before it is looked at, so that no number of them at once gets
// more. Where only a provider's word stood for the address, the mail is the better
// proof, and whoever began the account is out (re-claim). Errors: code.off, code.wrong, code.gone, account.disabled (the code was
// right).
func (a *Accounts) RedeemCode(ctx context.Context, login broker.Login, typed string) (broker.User, broker.Authentication, error) {
	var nobody broker.User
	var none broker.Authentication
	if !a.Codes(login) {
		return nobody, none, ErrNoCodes
	}
	if strings.TrimSpace(typed) == "" {
		return nobody, none, ErrRequired.At("code")
	}
	code, ok := cleanCode(typed)
	if !ok {
		return nobody, none, ErrCodeWrong // a slip: no code looks like this
	}
	at := time.Now()
	c, err := a.store.LastMailCode(ctx, login.ID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nobody, none, ErrCodeGone
	case err != nil:
		return nobody, none, fmt.Errorf("last mail code: %w", err)
	case c.Purpose != purposeOf(login), c.BrowserHash != login.BrowserHash:
		return nobody, none, ErrCodeGone
	}
	if err := a.store.TryMailCode(ctx, c.ID, codeTries, at); errors.Is(err, broker.ErrSpent) {
		return nobody, none, ErrCodeGone.Because(err)
	} else if err != nil {
		return nobody, none, fmt.Errorf("try mail code: %w", err)
	}
	switch {
	case a.opens(c, code):
	case c.Tries+1 >= codeTries:
		return nobody, none, ErrCodeGone
	default:
		return nobody, none, ErrCodeWrong
	}
	var user broker.User
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		user, err = a.openedBy(ctx, c)
		if err != nil {
			return err
		}
		at = time.Now() // who came in by other ways until the account was locked is out, too
		if err := a.store.SpendMailCode(ctx, c.ID, at); err != nil {
			return err
		}
		return a.reclaimByCode(ctx, &user, at)
	})
	if errors.Is(err, broker.ErrSpent) {
		err = ErrCodeGone.Because(err)
	}
	if err != nil {
		return nobody, none, err
	}
	// RFC 8176 has no word for a mailbox. "otp" says what was proven, knowing a
	// password that works once; it does not say that a device of the person's made it.
	return user, broker.Authentication{At: at, AMR: []string{"otp"}, ACR: broker.ACRSingle}, nil
}

// openedBy is the user whom a right code opens, locked. Any change of the account since
// the mail was written voids it.
func (a *Accounts) openedBy(ctx context.Context, c broker.MailCode) (broker.User, error) {
	if c.UserID == "" {
		return broker.User{}, ErrCodeGone // guessed: it was mailed to nobody
	}
	user, err := a.store.LockUser(ctx, c.UserID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return user, ErrCodeGone.Because(err)
	case err != nil:
		return user, fmt.Errorf("find user: %w", err)
	case user.Disabled():
		return user, user.Refusal()
	case user.Version != c.Version, broker.FoldEmail(user.Email) != c.Email, !user.EmailVerified():
		return user, ErrCodeGone
	}
	return user, nil
}
