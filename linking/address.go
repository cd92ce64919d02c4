package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// signUp is the policy of a provider about new accounts, as far as it can be
// carried out.
func (l *Linker) signUp(p broker.Provider) broker.SignUpBy {
	if p.SignUp == broker.SignUpAutomatic && l.begin == nil {
		return broker.SignUpByForm
	}
	return p.SignUp
}

// address reads what the decision looks at where nobody has the identity: the
// address that the provider tells, and whose account has it.
func (l *Linker) address(ctx context.Context, f *Facts, p broker.Provider, res *Result) error {
	profile := res.Profile
	if f.Purpose != broker.PurposeSignIn || f.Owner != "" || profile.Email == "" || !profile.EmailVerified {
		return nil
	}
	_, named := broker.CleanName(profile.Name)
	f.Vouched, f.Asserted, f.Complete = true, profile.EmailAsserted, named
	holder, err := l.store.UserByEmail(ctx, profile.Email)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		if p.SignUp != broker.SignUpAutomatic || !f.Complete {
			return nil
		}
		f.Complete, err = l.admits(ctx, profile.Email) // of a blocked domain: the form takes another address
		if err == nil && f.Complete {
			f.Complete, err = l.named(ctx, p.Profile.First(profile).Username)
		}
		return err
	case err != nil:
		return fmt.Errorf("find address: %w", err)
	}
	if p.SignUp == broker.SignUpAutomatic {
		// It may be their own, and younger than the look at the identity.
		if _, err := l.store.Identity(ctx, profile.Provider, profile.Issuer, profile.Subject); err == nil {
			return broker.ErrConflict.Becausef("the identity has an owner by now")
		} else if !errors.Is(err, broker.ErrNotFound) {
			return fmt.Errorf("find identity: %w", err)
		}
	}
	if p.LinkByEmail {
		// Locked, so that two identities of this provider cannot both be the only
		// one, nor the account change while it is found.
		if holder, err = l.store.LockUser(ctx, holder.ID); err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if broker.FoldEmail(holder.Email) != broker.FoldEmail(profile.Email) {
			return broker.ErrConflict.Becausef("the address has moved")
		}
		others, err := l.others(ctx, holder.ID, profile)
		if err != nil {
			return err
		}
		f.HolderOthers = len(others)
	}
	// In another spelling the mailbox is theirs to us; what the provider took the domain for when it
	// verified the address nobody knows ("ß" was "ss" once). So the person proves the account.
	proven := holder.EmailProven() && holder.Email == profile.Email
	f.Holder, f.HolderProven, f.HolderDisabled = holder.ID, proven, holder.Disabled()
	res.Known = holder.EmailVerified()
	return nil
}

// beginWith makes the account that an identity begins at once, and ties the two.
func (l *Linker) beginWith(ctx context.Context, p broker.Provider, locale string, res *Result, at time.Time) error {
	told := p.Profile.First(res.Profile).Over("", "", locale)
	user, err := l.begin(ctx, broker.SignUp{Email: res.Profile.Email, Name: told.Name, Username: told.Username, Locale: told.Locale}, p.ID, at)
	if err != nil {
		return err
	}
	res.User = user
	_, err = l.attach(ctx, user, res.Profile, at)
	return err
}

// find ties an identity to the account that has proven its address, and tells
// the person, who was not asked.
func (l *Linker) find(ctx context.Context, p broker.Provider, holder broker.UserID, res *Result, at time.Time) (err error) {
	if res.User, err = l.store.User(ctx, holder); err != nil {
		return fmt.Errorf("find holder: %w", err)
	}
	return l.link(ctx, res.User, res.Profile, "found", p.Title, at)
}
