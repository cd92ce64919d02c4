package local

import (
	"context"
	"fmt"

	"idbroker/broker"
)

// SiteWays is what opens accounts here, beside identities at providers.
func (a *Accounts) SiteWays() broker.SiteWays {
	return broker.SiteWays{Passwords: !a.o.NoPasswords, UsernamesOnly: a.o.Usernames.OnlyThis, Passkeys: a.Passkeys(), Codes: a.o.Codes == CodesSignIn}
}

// WaysIn are the ways by which a user could come in today, if u were their row and so many
// of their passkeys were gone. Asked in the unit of work that has locked the user, it
// is what a removal leaves.
func (a *Accounts) WaysIn(ctx context.Context, u broker.User, gone int) (broker.WaysIn, error) {
	site, has := a.SiteWays(), broker.Openers{User: u}
	var err error
	if has.Identities, err = a.links.OpenIdentities(ctx, u.ID); err != nil {
		return broker.WaysIn{}, err
	}
	if site.Passkeys {
		keys, err := a.PasskeysOf(ctx, u.ID)
		if err != nil {
			return broker.WaysIn{}, err
		}
		has.Passkeys = max(0, len(keys)-gone)
	}
	if site.Of(has).Kept {
		admitted, err := a.Admits(ctx, u.Email)
		if err != nil {
			return broker.WaysIn{}, fmt.Errorf("look at the domain: %w", err)
		}
		has.Barred = !admitted
	}
	return site.Of(has), nil
}

// OnlyPasskeys tells whether passkeys are all that opens an account here, beside
// identities at providers.
func (a *Accounts) OnlyPasskeys() bool {
	return a.o.NoPasswords && a.o.Codes != CodesSignIn && a.Passkeys()
}

// Opens tells whether something opens a user's account today: a password, a
// passkey, an identity or, where codes sign in, their mailbox.
func (a *Accounts) Opens(ctx context.Context, u broker.User) (bool, error) {
	w, err := a.WaysIn(ctx, u, 0)
	return w.Count() > 0, err
}

// unfinished tells whether a newcomer has proven the address of an account and gone
// before they had a passkey, so that nothing opens it. Whoever reads its mail goes on
// where they were. Somebody whom nobody knows is looked at as long.
func (a *Accounts) unfinished(ctx context.Context, u broker.User) (bool, error) {
	if !a.OnlyPasskeys() {
		return false, nil
	}
	if u.ID == "" {
		u.ID = broker.UserID(broker.NewID())
	}
	opens, err := a.Opens(ctx, u)
	return !opens && u.EmailProven() && !u.Disabled(), err
}

// AddFirstPasskey is AddPasskey for somebody on their way in, who has none and needs
// one: stay stands for their session. It ends the others, which began without.
// factor.has where somebody was faster; sign_in_again where a factor of theirs was not shown.
func (a *Accounts) AddFirstPasskey(ctx context.Context, stay broker.Session, ask PasskeyAsk, name, credential string) error {
	return a.addPasskey(ctx, stay, ask, name, credential, func(ctx context.Context, u broker.User) error {
		if err := stillIn(stay, u); err != nil {
			return err
		}
		switch mine, err := a.PasskeysOf(ctx, u.ID); {
		case err != nil:
			return err
		case len(mine) > 0:
			return ErrFactorHas
		}
		return a.endOthers(ctx, u.ID, stay.SID, "passkey added", stay.AuthTime)
	})
}
