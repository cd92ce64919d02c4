package local

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

const (
	// smsTries is how often a code that was sent may be guessed at: a few slips of
	// the finger. With the pause between two of them, and the bounds of package
	// limits, who guesses at one account day and night is right once in ten years.
	smsTries = 5
	// SMSAgain is how long somebody waits before they can have another one.
	SMSAgain = time.Minute
)

// ErrSMSCountry: no messages go to where the number is.
var ErrSMSCountry = &broker.Error{Kind: broker.KindInvalid, Message: "sms.country"}

// Errors about codes that are sent to a telephone number.
var (
	ErrNoSMS   = &broker.Error{Kind: broker.KindNotFound, Message: "sms.off"}
	ErrSMSSoon = &broker.Error{Kind: broker.KindTooMany, Message: "sms.too_soon"}
	ErrSMSGone = &broker.Error{Kind: broker.KindInvalid, Message: "sms.gone"}
	// ErrSMSWrong is ErrFactorWrong in words about a telephone.
	ErrSMSWrong = ErrFactorWrong.Why("sms.wrong")
)

// SMS tells whether codes can be sent to telephone numbers here.
func (a *Accounts) SMS() bool { return a.Factors() && a.o.SMS }

// SMSTo is what a number is counted under (broker.PhonePrefix). Errors: sms.country.
func (a *Accounts) SMSTo(number string) (prefix string, err error) {
	prefix, ok := broker.PhonePrefix(number, a.o.SMSPrefixes)
	if !ok {
		return "", ErrSMSCountry
	}
	return prefix, nil
}

// StartSMS sends a code to the number that somebody wants as their second factor. The
// number counts for nothing before ConfirmSMS; what was begun before is void. Errors:
// sms.off, sign_in_again, factor.has, field.phone_invalid, sms.country.
func (a *Accounts) StartSMS(ctx context.Context, s broker.Session, typed string) error {
	at := time.Now()
	number, err := a.wantedNumber(s, typed, at)
	if err != nil {
		return err
	}
	return a.startNumber(ctx, s, broker.FactorSMS, number, at)
}

// wantedNumber is the number that somebody typed who may set one up.
func (a *Accounts) wantedNumber(s broker.Session, typed string, at time.Time) (string, error) {
	if !a.SMS() {
		return "", ErrNoSMS
	}
	if err := a.mayChangeFactors(s, at); err != nil {
		return "", err
	}
	number, err := numberOf(typed)
	if err == nil {
		if _, refused := a.SMSTo(number); refused != nil {
			err = ErrSMSCountry.At("phone")
		}
	}
	return number, err
}

// numberOf is a number that was typed to be a second factor.
func numberOf(typed string) (string, error) {
	number, err := broker.NormalizePhone(typed)
	if err == nil && number == "" {
		err = broker.ErrPhone
	}
	return number, err
}

// startNumber sends a code to a number that s sets up.
func (a *Accounts) startNumber(ctx context.Context, s broker.Session, kind broker.FactorKind, number string, at time.Time) error {
	user, err := a.store.User(ctx, s.UserID)
	if err != nil {
		return fmt.Errorf("find user: %w", err)
	}
	f := broker.Factor{ID: broker.NewID(), UserID: s.UserID, Kind: kind, Secret: broker.NumberSecret(number), CreatedAt: at, BegunBy: s.SID, CodeAt: at}
	code := newSMSCode()
	f.CodeMAC = smsMAC(a.o.CodeKeys[0], f, s.SID, code)
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.DropPendingFactors(ctx, s.UserID, kind); err != nil {
			return fmt.Errorf("drop pending factors: %w", err)
		}
		if err := a.store.CreateFactor(ctx, f); err != nil {
			return err
		}
		return a.store.Enqueue(ctx, broker.SMS{ID: broker.NewID(), To: number, Code: code, Locale: user.Locale, At: at}.Entry(at))
	})
	if errors.Is(err, broker.ErrConflict) {
		return ErrFactorHas.Because(err)
	}
	return err
}

// SendSMS sends a code to a user's number, for the login or the session that by names:
// it counts nowhere else, and no older one does. Errors: sms.off, factor.gone,
// sms.too_soon, sms.country.
func (a *Accounts) SendSMS(ctx context.Context, user broker.User, by string) error {
	if !a.SMS() {
		return ErrNoSMS
	}
	f, err := a.factorOf(ctx, user.ID, broker.FactorSMS)
	if err != nil {
		return err
	}
	if _, err := a.SMSTo(f.Number()); err != nil { // the operator may have said so since
		return err
	}
	at, code := time.Now(), newSMSCode()
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.SendFactorCode(ctx, f.ID, smsMAC(a.o.CodeKeys[0], f, by, code), at.Add(-SMSAgain), at); err != nil {
			return err
		}
		return a.store.Enqueue(ctx, broker.SMS{ID: broker.NewID(), To: f.Number(), Code: code, Locale: user.Locale, At: at}.Entry(at))
	})
	if errors.Is(err, broker.ErrSpent) {
		return ErrSMSSoon.Because(err)
	}
	return err
}

// UseSMS spends the code that was sent to a user's number for a login or a session.
// Errors: factor.wrong, factor.gone, sms.gone.
func (a *Accounts) UseSMS(ctx context.Context, user broker.UserID, by, typed string) error {
	f, err := a.factorOf(ctx, user, broker.FactorSMS)
	if err != nil {
		return err
	}
	return a.spendSMS(ctx, f, by, typed)
}

// spendSMS uses a code up that was sent to a number.
func (a *Accounts) spendSMS(ctx context.Context, f broker.Factor, by, typed string) error {
	if err := a.guessSMS(ctx, f, by, typed); err != nil {
		return err
	}
	return a.usedSMS(ctx, f, time.Now())
}

// usedSMS uses up a code that was right, once. Errors: sms.wrong.
func (a *Accounts) usedSMS(ctx context.Context, f broker.Factor, at time.Time) error {
	err := a.store.SpendFactorCode(ctx, f.ID, f.CodeMAC, at)
	if errors.Is(err, broker.ErrSpent) {
		return ErrSMSWrong.Because(err)
	}
	return err
}

// guessSMS tells whether a code is the one that was sent to a number. It counts the guess
// before it looks at it, so that no number of them at once gets more.
func (a *Accounts) guessSMS(ctx context.Context, f broker.Factor, by, typed string) error {
	code, ok := cleanTOTP(typed)
	if !ok {
		return ErrSMSWrong // a slip: no code looks like this
	}
	if err := a.store.TryFactorCode(ctx, f.ID, smsTries, time.Now().Add(-broker.SMSCodeLifetime)); errors.Is(err, broker.ErrSpent) {
		return ErrSMSGone.Because(err)
	} else if err != nil {
		return fmt.Errorf("try factor code: %w", err)
	}
	right := false
	for _, key := range a.o.CodeKeys {
		right = hmac.Equal([]byte(smsMAC(key, f, by, code)), []byte(f.CodeMAC)) || right
	}
	if !right {
		return ErrSMSWrong
	}
	return nil
}

// ConfirmSMS makes the number that is being set up count, where the code that was sent
// there was typed. It returns recovery codes where this is the user's first factor,
// as ConfirmFactor does; nil otherwise. goOn is what the session or the login does
// with that, in the same unit of work: who is out by then sets nothing up. A wrong guess
// is counted before. Errors: those of ConfirmFactor and goOn, and sms.gone.
func (a *Accounts) ConfirmSMS(ctx context.Context, s broker.Session, typed string, goOn func(ctx context.Context) error) (codes []string, err error) {
	at := time.Now()
	if !a.SMS() {
		return nil, ErrNoSMS
	}
	f, err := a.begun(ctx, s, broker.FactorSMS, at)
	if err != nil {
		return nil, err
	}
	if err := a.spendSMS(ctx, f, s.SID, typed); err != nil {
		return nil, err
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if codes, err = a.count(ctx, s, f, 0, at); err != nil {
			return err
		}
		return goOn(ctx)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// newSMSCode makes a code: as many digits as people type from a telephone.
func newSMSCode() string {
	var b strings.Builder
	for range 6 {
		b.WriteString(strconv.Itoa(randomBelow(10)))
	}
	return b.String()
}

// smsMAC seals a code to the number, and to the login or session that it was sent for.
// The key is not in the database.
func smsMAC(key [32]byte, f broker.Factor, by, code string) string {
	m := hmac.New(sha256.New, key[:])
	for _, part := range []string{"sms", f.ID, by, code} {
		_, _ = m.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
