package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"idbroker/broker"
)

// UsePasskey checks what a browser's device has signed (WebAuthn Level 3, section
// 7.2), spends the challenge, and returns whose passkey it is. credential is JSON,
// as PublicKeyCredential.toJSON makes it. Errors: passkey.…; as those of
// Authenticate where the passkey was right and the account is disabled or closed.
func (a *Accounts) UsePasskey(ctx context.Context, ask PasskeyAsk, credential string) (broker.User, broker.Authentication, error) {
	user, how, err := a.usePasskey(ctx, ask, credential)
	if err != nil {
		a.log.InfoContext(ctx, "passkey refused", "user", ask.User, "purpose", ask.Purpose, "err", err)
		return broker.User{}, broker.Authentication{}, err
	}
	return user, how, nil
}

func (a *Accounts) usePasskey(ctx context.Context, ask PasskeyAsk, credential string) (user broker.User, how broker.Authentication, err error) {
	if !a.Passkeys() {
		return user, how, ErrNoPasskeys
	}
	answer, err := parseAssertion(credential)
	if err != nil {
		return user, how, err
	}
	at := time.Now()
	spent, expires, err := a.answered(ask, answer.Response.CollectedClientData.Challenge, at)
	if err != nil {
		return user, how, err
	}
	key, err := a.store.Passkey(ctx, base64.RawURLEncoding.EncodeToString(answer.RawID))
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return user, how, ErrPasskeyUnknown.Because(err)
	case err != nil:
		return user, how, fmt.Errorf("find passkey: %w", err)
	case ask.User != "" && key.UserID != ask.User:
		return user, how, ErrPasskeyOther.Becausef("it is %s's", key.UserID)
	}
	use, verified, err := a.signedBy(ask, key, answer)
	if err != nil {
		return user, how, err
	}
	if user, err = a.store.User(ctx, key.UserID); err != nil {
		return user, how, fmt.Errorf("user of passkey: %w", err)
	}
	switch { // only who has proven that it is theirs hears of it
	case user.Closed():
		return user, how, &broker.Closed{User: user.ID, EraseAt: user.EraseAt}
	case user.Disabled():
		return user, how, user.Refusal()
	}
	use.At = at
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.SpendPasskeyChallenge(ctx, spent, expires); errors.Is(err, broker.ErrSpent) {
			return ErrPasskeyExpired.Becausef("it was answered before")
		} else if err != nil {
			return err
		}
		return a.store.UsePasskey(ctx, use)
	})
	if errors.Is(err, broker.ErrSpent) {
		return user, how, a.counted(ctx, key, use, user, spent, expires)
	}
	if err != nil {
		return user, how, err
	}
	how = broker.Authentication{At: at, AMR: []string{broker.AMRKey, broker.AMRPresent}, ACR: broker.ACRSingle}
	if verified { // what they have, and what they know or are
		how.AMR, how.ACR = append(how.AMR, broker.AMRMulti), broker.ACRSecond
	}
	return user, how, nil
}

// parseAssertion reads what a browser sends of a passkey that has signed.
func parseAssertion(credential string) (*protocol.ParsedCredentialAssertionData, error) {
	if len(credential) > MaxCredential {
		return nil, ErrPasskeyUnreadable.Becausef("%d bytes", len(credential))
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes([]byte(credential))
	if err != nil {
		return nil, ErrPasskeyUnreadable.Because(told(err))
	}
	if len(answer.RawID) > maxCredentialID {
		return nil, ErrPasskeyUnreadable.Becausef("the id has %d bytes", len(answer.RawID))
	}
	return answer, nil
}

// signedBy checks the signature of a passkey and everything that it covers. The
// challenge is one of ours; verified tells that the device knew its person.
func (a *Accounts) signedBy(ask PasskeyAsk, key broker.Passkey, answer *protocol.ParsedCredentialAssertionData) (use broker.PasskeyUse, verified bool, err error) {
	handle, err := base64.RawURLEncoding.DecodeString(key.Handle)
	if err != nil {
		return use, false, fmt.Errorf("handle of passkey %s: %w", key.ID, err)
	}
	h := holder{handle: handle, keys: []webauthn.Credential{keyOf(key)}}
	session := webauthn.SessionData{
		Challenge: answer.Response.CollectedClientData.Challenge, RelyingPartyID: a.party.Config.RPID, UserVerification: verification(ask.Purpose),
	}
	flags := answer.Response.AuthenticatorData.Flags
	verified = flags.HasUserVerified()
	if session.UserVerification == protocol.VerificationRequired && !verified {
		return use, false, ErrPasskeyUnverified
	}
	if ask.User == "" { // then it must say by itself whose it is
		_, _, err = a.party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, session, answer)
	} else {
		session.UserID = handle
		_, err = a.party.ValidateLogin(h, session, answer)
	}
	if err != nil {
		return use, false, ErrPasskeyRefused.Because(told(err))
	}
	return broker.PasskeyUse{ID: key.ID, SignCount: int64(answer.Response.AuthenticatorData.Counter), Synced: flags.HasBackupState()}, verified, nil
}

// counted says why a signature that is right was not taken: the device has not
// counted on since the last time, as happens when there are two of it, or the
// passkey was removed this very moment. Its person is told of the first, and nobody
// comes in: whoever holds the copy would, too.
func (a *Accounts) counted(ctx context.Context, key broker.Passkey, use broker.PasskeyUse, user broker.User, spent string, expires time.Time) error {
	switch now, err := a.store.Passkey(ctx, key.CredentialID); {
	case errors.Is(err, broker.ErrNotFound):
		return ErrPasskeyUnknown.Because(err)
	case err != nil:
		return fmt.Errorf("find passkey: %w", err)
	default:
		key = now
	}
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.SpendPasskeyChallenge(ctx, spent, expires); err != nil { // it is told once
			return err
		}
		if err := a.event(ctx, broker.EventPasskeyCloned, user.ID, use.At); err != nil {
			return err
		}
		return a.tellOfPasskey(ctx, user, key.Name, "passkey-cloned", use.At)
	})
	if err != nil && !errors.Is(err, broker.ErrSpent) {
		return err
	}
	a.log.WarnContext(ctx, "passkey counts backwards", "user", user.ID, "passkey", key.ID, "stored", key.SignCount, "told", use.SignCount)
	return ErrPasskeyCloned.Becausef("it counts %d after %d", use.SignCount, key.SignCount)
}

// told is an error of the library with what it keeps for developers.
func told(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) && e.DevInfo != "" {
		return fmt.Errorf("%w: %s", err, e.DevInfo)
	}
	return err
}
