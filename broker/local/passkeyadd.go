package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"idbroker/broker"
)

// AddPasskey gives the session's user a passkey that their device has just made
// (WebAuthn Level 3, section 7.1). ask is what its challenge was made for;
// credential is JSON, as PublicKeyCredential.toJSON makes it. They must have signed
// in a moment ago, and are told by mail. Errors: passkey.…, sign_in_again.
func (a *Accounts) AddPasskey(ctx context.Context, s broker.Session, ask PasskeyAsk, name, credential string) error {
	return a.addPasskey(ctx, s, ask, name, credential, func(context.Context, broker.User) error { return nil })
}

// addPasskey is AddPasskey where may lets it happen, inside the unit of work.
func (a *Accounts) addPasskey(ctx context.Context, s broker.Session, ask PasskeyAsk, name, credential string, may func(context.Context, broker.User) error) error {
	at := time.Now()
	switch {
	case !a.Passkeys():
		return ErrNoPasskeys
	case !s.Fresh(a.o.FreshFor, at), ask.User != s.UserID:
		return broker.ErrSignIn
	}
	name, err := cleanPasskeyName(name)
	if err != nil {
		return err
	}
	made, spent, expires, err := a.newPasskey(ask, credential, at)
	if err != nil {
		a.log.InfoContext(ctx, "new passkey refused", "user", s.UserID, "err", err)
		return err
	}
	made.ID, made.UserID, made.Name, made.CreatedAt = broker.NewID(), s.UserID, name, at
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, s.UserID)
		switch {
		case err != nil:
			return fmt.Errorf("lock user: %w", err)
		case user.Disabled():
			return user.Refusal()
		case a.Factors() && user.HasSecondFactor() && s.ACR != broker.ACRSecond:
			return broker.ErrSignIn // it was set up this very moment; a passkey would stand in for it
		}
		if err := may(ctx, user); err != nil {
			return err
		}
		if err := a.mayAdd(ctx, made); err != nil {
			return err
		}
		if err := a.store.SpendPasskeyChallenge(ctx, spent, expires); errors.Is(err, broker.ErrSpent) {
			return ErrPasskeyExpired.Because(err)
		} else if err != nil {
			return err
		}
		if err := a.store.CreatePasskey(ctx, made); errors.Is(err, broker.ErrConflict) { // somebody was faster
			return ErrPasskeyKnown.Because(err)
		} else if err != nil {
			return err
		}
		if err := a.event(ctx, broker.EventPasskeyAdded, user.ID, at); err != nil {
			return err
		}
		return a.tellOfAddition(ctx, broker.MailPasskeyBack, user, made.ID, "passkey-added", map[string]string{"passkey": made.Name}, at)
	})
	if err != nil {
		return err
	}
	a.log.InfoContext(ctx, "passkey added", "user", s.UserID, "passkey", made.ID)
	return nil
}

// mayAdd asks whether a user may have one more passkey, with its name, and nobody
// has it. The user is locked.
func (a *Accounts) mayAdd(ctx context.Context, made broker.Passkey) error {
	mine, err := a.store.PasskeysOf(ctx, made.UserID)
	if err != nil {
		return fmt.Errorf("passkeys: %w", err)
	}
	if len(mine) >= MaxPasskeys {
		return ErrPasskeyMany
	}
	for _, p := range mine {
		if broker.FoldCase(p.Name) == broker.FoldCase(made.Name) {
			return ErrPasskeyNameTaken
		}
	}
	switch _, err := a.store.Passkey(ctx, made.CredentialID); {
	case err == nil:
		return ErrPasskeyKnown
	case !errors.Is(err, broker.ErrNotFound):
		return fmt.Errorf("find passkey: %w", err)
	}
	return nil
}

// newPasskey checks what a device made. spent and expires are for its challenge.
func (a *Accounts) newPasskey(ask PasskeyAsk, credential string, at time.Time) (made broker.Passkey, spent string, expires time.Time, err error) {
	answer, err := parseCreation(credential)
	if err != nil {
		return made, "", expires, err
	}
	if spent, expires, err = a.answered(ask, answer.Response.CollectedClientData.Challenge, at); err != nil {
		return made, "", expires, err
	}
	if !answer.Response.AttestationObject.AuthData.Flags.HasUserVerified() {
		return made, "", expires, ErrPasskeyUnverified
	}
	handle := a.handle(ask.User)
	c, err := a.party.CreateCredential(holder{handle: handle}, webauthn.SessionData{
		Challenge: answer.Response.CollectedClientData.Challenge, RelyingPartyID: a.party.Config.RPID, UserID: handle,
		UserVerification: protocol.VerificationRequired, CredParams: algorithms,
	}, answer)
	if err != nil {
		return made, "", expires, ErrPasskeyRefused.Because(told(err))
	}
	if !fits(c.PublicKey) {
		return made, "", expires, ErrPasskeyRefused.Becausef("the key is not of its algorithm")
	}
	return broker.Passkey{
		CredentialID: base64.RawURLEncoding.EncodeToString(c.ID), Handle: base64.RawURLEncoding.EncodeToString(handle), PublicKey: c.PublicKey,
		SignCount: int64(c.Authenticator.SignCount), Syncable: c.Flags.BackupEligible, Synced: c.Flags.BackupState, Transports: transportsOf(c),
	}, spent, expires, nil
}

// maxModulus bounds the work of checking a signature, in bytes; devices make keys
// of 256.
const maxModulus = 512

// fits tells whether a key is one that its algorithm can be used with. A device
// that mixes them up would make a passkey that nothing can be signed with.
func fits(key []byte) bool {
	parsed, err := webauthncose.ParsePublicKey(key)
	if err != nil {
		return false
	}
	switch k := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		return k.Algorithm == int64(webauthncose.AlgES256) && k.Curve == int64(webauthncose.P256)
	case webauthncose.OKPPublicKeyData:
		return k.Algorithm == int64(webauthncose.AlgEdDSA)
	case webauthncose.RSAPublicKeyData:
		return k.Algorithm == int64(webauthncose.AlgRS256) && len(k.Modulus) <= maxModulus
	}
	return false
}

// parseCreation reads what a browser sends of a new passkey. We ask for no
// attestation, so browsers take it out or leave what the key itself has signed;
// what vouches for the make of a device we neither want nor read.
func parseCreation(credential string) (*protocol.ParsedCredentialCreationData, error) {
	if len(credential) > MaxCredential {
		return nil, ErrPasskeyUnreadable.Becausef("%d bytes", len(credential))
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes([]byte(credential))
	if err != nil {
		return nil, ErrPasskeyUnreadable.Because(told(err))
	}
	switch format := protocol.AttestationFormat(answer.Response.AttestationObject.Format); format {
	case protocol.AttestationFormatNone, protocol.AttestationFormatPacked:
	default:
		return nil, ErrPasskeyRefused.Becausef("attestation %.20q", format)
	}
	return answer, nil
}

// cleanPasskeyName is a name as it is kept: printable, at most broker.MaxPasskeyName
// code points.
func cleanPasskeyName(name string) (string, error) {
	name, ok := broker.CleanName(name)
	if !ok || name == "" || utf8.RuneCountInString(name) > broker.MaxPasskeyName {
		return "", ErrPasskeyName
	}
	return name, nil
}
