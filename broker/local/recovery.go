package local

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"idbroker/broker"
)

const (
	// recoveryCodes is how many a person gets: as many as others give, and as fit
	// on a slip of paper.
	recoveryCodes = 10
	// recoveryLength letters of codeAlphabet are 20^12 codes, 51 bits. They don't
	// expire, so nobody may find one in years of guessing as often as they are let.
	recoveryLength = 12
	// recoveryGroup letters stand together.
	recoveryGroup = 4
)

// ErrRecoveryWrong: it is no recovery code of the user, or was used.
var ErrRecoveryWrong = &broker.Error{Kind: broker.KindInvalid, Message: "factor.recovery_wrong", Field: "code"}

// newRecoveryCodes replaces the recovery codes beside an app, inside a unit of work, and
// returns the new ones: we keep what recognises them alone.
func (a *Accounts) newRecoveryCodes(ctx context.Context, f broker.Factor, at time.Time) ([]string, error) {
	if err := a.store.DeleteRecoveryCodes(ctx, f.UserID); err != nil {
		return nil, fmt.Errorf("delete recovery codes: %w", err)
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		code := lettersOf(recoveryLength)
		if err := a.store.CreateRecoveryCode(ctx, f.UserID, recoveryMAC(f, code), at); err != nil {
			return nil, err
		}
		var groups []string
		for g := 0; g < recoveryLength; g += recoveryGroup {
			groups = append(groups, code[g:g+recoveryGroup])
		}
		codes[i] = strings.Join(groups, "-")
	}
	return codes, nil
}

// recoveryMAC is what we keep of a recovery code. It is made with the secret of
// the app, or the number, that it stands in for: that is sealed at rest, so who steals the database
// cannot try all codes at home, and sealed anew when the keyring changes.
func recoveryMAC(f broker.Factor, code string) string {
	m := hmac.New(sha256.New, []byte(f.Secret.Reveal()))
	_, _ = m.Write([]byte("recovery\x00" + string(f.UserID) + "\x00" + code))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// RenewRecovery voids a user's recovery codes and returns new ones. Who asks must
// have signed in a moment ago and show the factor once more. Errors: factor.off,
// sign_in_again, factor.gone, factor.wrong.
func (a *Accounts) RenewRecovery(ctx context.Context, s broker.Session, typed string) ([]string, error) {
	var codes []string
	err := a.shown(ctx, s, typed, func(ctx context.Context, user broker.User, at time.Time) error {
		all, err := a.counting(ctx, user.ID)
		if err != nil {
			return err
		}
		if codes, err = a.newRecoveryCodes(ctx, all[0], at); err != nil {
			return err
		}
		return a.factorChanged(ctx, user, broker.EventRecoveryRenewed, "recovery-renewed", at)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// UseRecovery spends a recovery code in the place of the app, and tells its owner.
// Errors: factor.recovery_wrong, factor.gone.
func (a *Accounts) UseRecovery(ctx context.Context, id broker.UserID, typed string) error {
	at := time.Now()
	return a.store.InTx(ctx, func(ctx context.Context) error {
		user, err := a.store.LockUser(ctx, id)
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		if err := a.spendRecovery(ctx, id, typed, at); err != nil {
			return err
		}
		if err := a.event(ctx, broker.EventRecoveryUsed, id, at); err != nil {
			return err
		}
		left, err := a.store.CountRecoveryCodes(ctx, id)
		if err != nil {
			return fmt.Errorf("count recovery codes: %w", err)
		}
		if !user.EmailVerified() {
			return nil
		}
		data := codesLeft(left)
		maps.Copy(data, map[string]string{"name": user.Called()})
		return a.store.Enqueue(ctx, mail(ctx, user.Email, "recovery-used", user.Locale, at, data))
	})
}

func (a *Accounts) spendRecovery(ctx context.Context, user broker.UserID, typed string, at time.Time) error {
	code, ok := cleanLetters(typed, recoveryLength)
	if !ok {
		return ErrRecoveryWrong
	}
	all, err := a.counting(ctx, user)
	if err != nil {
		return err
	}
	for _, f := range all { // one of them made it
		mac := recoveryMAC(f, code)
		if known, err := a.store.HasRecoveryCode(ctx, user, mac); err != nil {
			return fmt.Errorf("recovery code: %w", err)
		} else if !known {
			continue
		}
		err := a.store.SpendRecoveryCode(ctx, user, mac, at)
		if errors.Is(err, broker.ErrSpent) {
			return ErrRecoveryWrong.Because(err)
		}
		return err
	}
	return ErrRecoveryWrong
}
