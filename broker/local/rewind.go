package local

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"idbroker/broker"
)

// retire keeps what somebody removes for as long as a mail can take the account back to
// when it stood: a link looks back as long as it works, and that long before.
func (a *Accounts) retire(ctx context.Context, r broker.Retired, at time.Time) error {
	r.RemovedAt, r.ExpiresAt = at, at.Add(2*a.o.UndoWithin)
	if err := a.store.Retire(ctx, r); err != nil {
		return fmt.Errorf("retire: %w", err)
	}
	return nil
}

// retireFactors is retire for second factors. Of them nothing is kept that could be
// shown: who removed one has shown it, or what is as old.
func (a *Accounts) retireFactors(ctx context.Context, factors []broker.Factor, at time.Time) error {
	for _, f := range factors {
		if err := a.retire(ctx, broker.Retired{ID: f.ID, UserID: f.UserID, Kind: f.Kind, Since: f.ConfirmedAt}, at); err != nil {
			return err
		}
	}
	return nil
}

// elder tells whether what began at a time was there for so long, when something else was
// done, that no mail could take it away any more. What is younger may be a thief's: so
// it protects nothing against whoever reads the mail, and vouches for nothing.
func (a *Accounts) elder(began, done time.Time) bool { return !began.After(done.Add(-a.o.UndoWithin)) }

// returnTo gives an account back, to whoever had its address at a time, as it was then. It
// is the one rule of what "before the thief" is:
//
//   - Passkeys, second factors, links and a password that came since go, whatever was done
//     to them meanwhile.
//   - What was removed since comes back where no second factor stands, or else nothing opens
//     the account: passkeys and links, which go without being shown. Where a
//     factor stands they stay away: their person may have removed them because somebody
//     else has them, and they must not get past it.
//   - A second factor goes by being shown alone (vouches). So one that stood for long then,
//     and was removed, was removed by its person, and what has come in its place stays:
//     the old mailbox alone gets past no factor.
//   - The username is the one of then (returnUsername). What people tell of themselves, the
//     display name too, stays: nobody is found or let in by it.
//
// t is the link that gives it back. The caller ends sessions and writes the user.
func (a *Accounts) returnTo(ctx context.Context, u *broker.User, t broker.MailToken, at time.Time) error {
	since := t.CreatedAt
	if err := a.dropSince(ctx, u, since); err != nil {
		return err
	}
	if err := a.links.DetachSince(ctx, u.ID, since, at); err != nil {
		return err
	}
	if !u.PasswordSetAt.Before(since) {
		u.PasswordHash, u.PasswordSetAt = "", time.Time{} // "lost password" makes another one
	}
	open, err := a.isOpen(ctx, *u)
	if err != nil {
		return err
	}
	if !open || !u.HasSecondFactor() {
		if err := a.restorePasskeys(ctx, u.ID, since); err != nil {
			return err
		}
		if err := a.links.RestoreSince(ctx, u.ID, since, at); err != nil {
			return err
		}
	}
	if err := a.store.VoidLinkChanges(ctx, u.ID, since); err != nil {
		return fmt.Errorf("void link changes: %w", err)
	}
	return a.returnUsername(ctx, u, t.About, at)
}

// dropSince takes away what was added to an account to be shown beside the first thing
// since a time: the mails about it went to whoever had made themselves its owner. The
// caller writes the user.
func (a *Accounts) dropSince(ctx context.Context, u *broker.User, since time.Time) error {
	if err := a.store.DeletePasskeysSince(ctx, u.ID, since); err != nil {
		return fmt.Errorf("delete passkeys: %w", err)
	}
	if err := a.putBackSince(ctx, u, since); err != nil {
		return err
	}
	_, factors, err := a.seconds(ctx, u.ID)
	if err != nil {
		return err
	}
	before := slices.ContainsFunc(factors, func(f broker.Factor) bool { return f.ConfirmedAt.Before(since) })
	if !before && len(factors) > 0 {
		if gone, err := a.elderFactorGone(ctx, u.ID, since); err != nil || gone {
			return err
		}
	}
	if err := a.store.DeleteFactorsSince(ctx, u.ID, since); err != nil {
		return fmt.Errorf("delete factors: %w", err)
	}
	return a.withoutFactor(ctx, u, since)
}

// elderFactorGone tells whether a second factor that stood for long at a time was removed
// since, or in the time before in which mails could have told of something.
func (a *Accounts) elderFactorGone(ctx context.Context, user broker.UserID, since time.Time) (bool, error) {
	gone, err := a.store.RetiredSince(ctx, user, since.Add(-a.o.UndoWithin))
	if err != nil {
		return false, fmt.Errorf("retired: %w", err)
	}
	return slices.ContainsFunc(gone, func(r broker.Retired) bool {
		return r.Kind != broker.RetiredPasskey && a.elder(r.Since, since)
	}), nil
}

// restorable are the passkeys that were removed and stood at a time, and those that had
// stood for long then.
func (a *Accounts) restorable(ctx context.Context, user broker.UserID, since time.Time) ([]broker.Retired, error) {
	gone, err := a.store.RetiredSince(ctx, user, since.Add(-a.o.UndoWithin))
	if err != nil {
		return nil, fmt.Errorf("retired: %w", err)
	}
	return slices.DeleteFunc(gone, func(r broker.Retired) bool {
		return r.Passkey == nil || !r.Stood(since) && !a.elder(r.Since, since)
	}), nil
}

// restorePasskeys gives those back that are restorable.
func (a *Accounts) restorePasskeys(ctx context.Context, user broker.UserID, since time.Time) error {
	gone, err := a.restorable(ctx, user, since)
	if err != nil {
		return err
	}
	for _, r := range gone {
		p := *r.Passkey
		name := p.Name
		for n := 2; ; n++ { // a name may be another's by now; a failed statement would end it all
			switch err := a.mayAdd(ctx, p); err {
			case nil:
				err := a.store.CreatePasskey(ctx, p)
				if err == nil {
					err = a.store.ForgetRetired(ctx, user, r.ID)
				}
				if err != nil {
					return fmt.Errorf("restore passkey: %w", err)
				}
			case ErrPasskeyNameTaken:
				suffix := " " + strconv.Itoa(n)
				runes := []rune(name)
				p.Name = string(runes[:min(len(runes), broker.MaxPasskeyName-len(suffix))]) + suffix
				continue
			case ErrPasskeyMany, ErrPasskeyKnown: // registered anew
			default:
				return err
			}
			break
		}
	}
	return nil
}

// giveBack is what follows where one addition of a time was taken back: passkeys that were
// removed since, where the account would have nothing that it needs beside the
// first thing, or nothing would open it.
func (a *Accounts) giveBack(ctx context.Context, u broker.User, since time.Time) error {
	passkeys, factors, err := a.seconds(ctx, u.ID)
	if err != nil {
		return err
	}
	open, err := a.isOpen(ctx, u)
	if err != nil || open && (!a.NeedFactors() || len(passkeys)+len(factors) > 0) {
		return err
	}
	return a.restorePasskeys(ctx, u.ID, since)
}

// isOpen tells whether anything opens an account: what is in it, or a mail.
func (a *Accounts) isOpen(ctx context.Context, u broker.User) (bool, error) {
	if a.SiteWays().Recoverable(u) {
		return true, nil
	}
	ways, err := a.WaysIn(ctx, u, 0)
	return ways.Count() > 0, err
}
