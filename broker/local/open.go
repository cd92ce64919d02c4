package local

import (
	"context"

	"idbroker/broker"
)

// OnlyPasskeys tells whether passkeys are all that opens an account here, beside
// identities at providers.
func (a *Accounts) OnlyPasskeys() bool {
	return a.o.NoPasswords && a.o.Codes != CodesSignIn && a.Passkeys()
}

// Opens tells whether something opens a user's account today: a password, a
// passkey, an identity or, where codes sign in, their mailbox.
func (a *Accounts) Opens(ctx context.Context, u broker.User) (bool, error) {
	if !a.o.NoPasswords && u.HasPassword() || a.o.Codes == CodesSignIn && u.EmailVerified() {
		return true, nil
	}
	identities, err := a.links.OpenIdentities(ctx, u.ID)
	if err != nil || !a.Passkeys() {
		return identities > 0, err
	}
	keys, err := a.PasskeysOf(ctx, u.ID)
	return identities+len(keys) > 0, err
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
