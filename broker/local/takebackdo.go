package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// takeBackEvents and takeBackMails tell that something was taken back. The mails have
// no way back of their own: who presses every button in their mailbox lets nobody in.
var (
	takeBackEvents = map[broker.MailPurpose]string{
		broker.MailPasskeyBack: broker.EventPasskeyUndone, broker.MailFactorBack: broker.EventFactorUndone, broker.MailSignInBack: broker.EventSignInUndone,
	}
	takeBackMails = map[broker.MailPurpose]string{
		broker.MailPasskeyBack: "passkey-undone", broker.MailFactorBack: "factor-undone", broker.MailSignInBack: "sign-in-undone",
	}
)

// TakeBack spends a link. A passkey or a second factor goes as it came, and everybody
// is signed out: it is not known who came in with it. Of a sign-in everything goes that
// began with it or after it, but not the session s, whose browser sends the link, unless it
// is the one. Whoever was authenticated before and has no session yet begins anew, and
// no browser is remembered. Neither a session nor a recent sign-in is asked for:
// whoever did it may have both. Errors as TakeBackFor.
func (a *Accounts) TakeBack(ctx context.Context, s broker.Session, purpose broker.MailPurpose, token broker.Secret) (TakeBack, error) {
	at := time.Now()
	var b TakeBack
	err := a.store.InTx(ctx, func(ctx context.Context) (err error) {
		if b, err = a.takeBack(ctx, purpose, token, at, a.store.LockUser); err != nil {
			return err
		}
		switch err := a.spend(ctx, b.token, at); {
		case errors.Is(err, ErrMailUsed):
			return ErrTakeBackUnknown.Because(err)
		case err != nil:
			return err
		}
		if purpose == broker.MailSignInBack {
			err = a.endSince(ctx, &b, s, at)
		} else {
			err = a.withdraw(ctx, &b, at)
		}
		if err != nil {
			return err
		}
		if err := a.store.ForgetBrowsers(ctx, b.User.ID); err != nil {
			return fmt.Errorf("forget browsers: %w", err)
		}
		b.User.SignedOutAt, b.User.UpdatedAt = at, at
		if err := a.store.UpdateUser(ctx, b.User); err != nil {
			return fmt.Errorf("update user: %w", err)
		}
		return a.factorChanged(ctx, b.User, takeBackEvents[purpose], takeBackMails[purpose], at)
	})
	if err != nil {
		return TakeBack{}, err
	}
	a.log.InfoContext(ctx, "taken back by mail", "user", b.User.ID, "kind", purpose)
	return b, nil
}

// withdraw removes what was added, where it is there, gives back what nobody could do
// without, and signs everybody out.
func (a *Accounts) withdraw(ctx context.Context, b *TakeBack, at time.Time) error {
	if err := a.store.ForgetRetired(ctx, b.User.ID, b.token.About); err != nil { // removed meanwhile, it must not come back
		return fmt.Errorf("forget retired: %w", err)
	}
	switch {
	case b.Passkey != "":
		if err := a.store.DeletePasskey(ctx, b.User.ID, b.token.About); err != nil {
			return fmt.Errorf("delete passkey: %w", err)
		}
	case b.former != nil:
		if err := a.putBack(ctx, b.User.ID, b.former); err != nil {
			return err
		}
		if err := a.withoutFactor(ctx, &b.User, b.token.CreatedAt); err != nil {
			return err
		}
	case b.Factor != "":
		if err := a.store.DeleteFactor(ctx, b.User.ID, b.Factor); err != nil {
			return fmt.Errorf("delete factor: %w", err)
		}
		if err := a.withoutFactor(ctx, &b.User, b.token.CreatedAt); err != nil {
			return err
		}
	}
	if err := a.giveBack(ctx, b.User, b.token.CreatedAt); err != nil {
		return err
	}
	return a.signOut(ctx, b.User.ID, "", "taken back", at)
}

// withoutFactor voids the recovery codes that were made since a time, which somebody
// else has seen, and notes where no factor is left. The caller writes the user.
func (a *Accounts) withoutFactor(ctx context.Context, u *broker.User, since time.Time) error {
	if err := a.store.DeleteRecoveryCodesSince(ctx, u.ID, since); err != nil {
		return fmt.Errorf("delete recovery codes: %w", err)
	}
	switch _, err := a.counting(ctx, u.ID); {
	case errors.Is(err, ErrFactorGone):
		u.SecondFactorAt = time.Time{}
	case err != nil:
		return err
	}
	return nil
}

// endSince ends the session that a link is about and those that began since, but not
// keep's, with what applications got in them. The first ends whatever it is called:
// who got in may have let an application in for good, and left.
func (a *Accounts) endSince(ctx context.Context, b *TakeBack, keep broker.Session, at time.Time) error {
	about, user := b.token.About, b.User.ID
	kept := ""
	if keep.UserID == user && keep.SID != about {
		kept, b.Spared = keep.SID, true
	}
	sessions, err := a.store.SessionsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	over := map[string]bool{about: true}
	for _, s := range sessions {
		if s.SID == about || s.SID != kept && !s.CreatedAt.Before(b.At) {
			if err := a.store.EndSession(ctx, user, s.SID); err != nil && !errors.Is(err, broker.ErrNotFound) {
				return err
			}
			over[s.SID] = true
		}
	}
	grants, err := a.store.GrantsOf(ctx, user)
	if err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	for _, g := range grants {
		if g.SID != "" && g.SID != kept && !g.CreatedAt.Before(b.At) {
			over[g.SID] = true
		}
	}
	for sid := range over {
		if _, err := a.o.EndGrants(ctx, broker.GrantFilter{UserID: user, SID: sid}, "taken back", at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	return nil
}
