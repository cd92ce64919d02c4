package local

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"idbroker/broker"
)

const (
	// totpPeriod and totpSkew are what RFC 6238, sections 4 and 5.2, recommends:
	// a code every half minute, and one step before and after for slow fingers and
	// clocks. Every app knows six digits and SHA-1, and not every app anything else.
	totpPeriod = 30
	totpSkew   = 1
	// totpSecret bytes is what RFC 4226, section 4, recommends.
	totpSecret = 20
	// setUpFor is how long somebody may take to set an app up. What was begun
	// before is begun anew.
	setUpFor = time.Hour
)

// Errors about second factors.
var (
	ErrNoFactors   = &broker.Error{Kind: broker.KindNotFound, Message: "factor.off"}
	ErrFactorGone  = &broker.Error{Kind: broker.KindGone, Message: "factor.gone"} // not set up, or not any more
	ErrFactorHas   = &broker.Error{Kind: broker.KindConflict, Message: "factor.has"}
	ErrFactorOnly  = &broker.Error{Kind: broker.KindConflict, Message: "factor.only"}
	ErrFactorWrong = &broker.Error{Kind: broker.KindInvalid, Message: "factor.wrong", Field: "code"}
)

// Factors tells whether accounts may have second factors here.
func (a *Accounts) Factors() bool { return !a.o.NoFactors }

// OwesFactor tells whether somebody who was authenticated must show a second
// factor before they are let in, or set one up.
func (a *Accounts) OwesFactor(u broker.User, acr string) bool {
	return a.Factors() && (u.HasSecondFactor() || a.o.NeedFactors) && acr != broker.ACRSecond
}

// NeedFactors tells whether everybody needs a second factor here.
func (a *Accounts) NeedFactors() bool { return a.Factors() && a.o.NeedFactors }

// FactorOf returns the user's app, the zero value where there is none, and how many
// recovery codes are left beside whatever they have. One that is being set up has its secret, to be
// shown again to who has begun it (Factor.BegunBy); of one that counts nobody sees
// it any more.
func (a *Accounts) FactorOf(ctx context.Context, user broker.UserID) (f broker.Factor, codes int, err error) {
	f, err = a.store.Factor(ctx, user, broker.FactorTOTP)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		f = broker.Factor{}
	case err != nil:
		return f, 0, fmt.Errorf("find factor: %w", err)
	case !f.Confirmed() && time.Since(f.CreatedAt) > setUpFor:
		f = broker.Factor{}
	case f.Confirmed():
		f.Secret = ""
	}
	if codes, err = a.store.CountRecoveryCodes(ctx, user); err != nil {
		return f, 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return f, codes, nil
}

// StartFactor makes the secret of an app. It counts for nothing before
// ConfirmFactor; what was begun before is void. Errors: factor.off, factor.has,
// sign_in_again.
func (a *Accounts) StartFactor(ctx context.Context, s broker.Session) error {
	at := time.Now()
	if err := a.mayChangeFactors(s, at); err != nil {
		return err
	}
	return a.startApp(ctx, s, broker.FactorTOTP, at)
}

// startApp makes the secret of an app that s sets up.
func (a *Accounts) startApp(ctx context.Context, s broker.Session, kind broker.FactorKind, at time.Time) error {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	f := broker.Factor{
		ID: broker.NewID(), UserID: s.UserID, Kind: kind, CreatedAt: at, BegunBy: s.SID,
		Secret: broker.Secret(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)),
	}
	err := a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.DropPendingFactors(ctx, s.UserID, kind); err != nil {
			return fmt.Errorf("drop pending factors: %w", err)
		}
		return a.store.CreateFactor(ctx, f)
	})
	if errors.Is(err, broker.ErrConflict) {
		return ErrFactorHas.Because(err)
	}
	return err
}

// mayChangeFactors refuses whose sign-in is too old to change what protects the
// account.
func (a *Accounts) mayChangeFactors(s broker.Session, at time.Time) error {
	switch {
	case !a.Factors():
		return ErrNoFactors
	case !s.Fresh(a.o.FreshFor, at):
		return broker.ErrSignIn
	}
	return nil
}

// KeyURI is what the app of a factor reads from a picture
// (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). brand is
// what people call this place, and account what they call theirs.
func KeyURI(f broker.Factor, brand, account string) string {
	brand = strings.ReplaceAll(brand, ":", " ") // it parts the two
	q := url.Values{
		"secret": {f.Secret.Reveal()}, "issuer": {brand}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {strconv.Itoa(totpPeriod)},
	}
	label := url.PathEscape(brand + ":" + strings.ReplaceAll(account, ":", " "))
	return "otpauth://totp/" + label + "?" + strings.ReplaceAll(q.Encode(), "+", "%20") // apps show "+" as it is
}

// stepOf is the time step whose code was typed, newest first; ok is false where
// it is none of those that count at a time.
func stepOf(secret broker.Secret, typed string, at time.Time) (step int64, ok bool) {
	code, ok := cleanTOTP(typed)
	if !ok {
		return 0, false
	}
	now := at.Unix() / totpPeriod
	opts := hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	ok = false
	for s := now + totpSkew; s >= now-totpSkew; s-- { // all of them, whichever it is: the same time
		if right, err := hotp.ValidateCustom(code, uint64(s), secret.Reveal(), opts); err == nil && right && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// cleanTOTP is a code as apps show it, without the space in the middle. ok is
// false for what can be no code.
func cleanTOTP(typed string) (code string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	code = strings.NewReplacer(" ", "", "-", "", "\t", "", "\u00a0", "", "\u2009", "").Replace(strings.TrimSpace(typed))
	return code, len(code) == int(otp.DigitsSix) && strings.Trim(code, "0123456789") == ""
}

// counting returns the factors of a user that count, the oldest first, or
// ErrFactorGone where there are none.
func (a *Accounts) counting(ctx context.Context, user broker.UserID) ([]broker.Factor, error) {
	all, err := a.store.Factors(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("list factors: %w", err)
	}
	all = slices.DeleteFunc(all, func(f broker.Factor) bool { return !f.Confirmed() })
	if len(all) == 0 {
		return nil, ErrFactorGone
	}
	return all, nil
}

// FactorWay is a factor that a user can show.
type FactorWay struct {
	Kind       broker.FactorKind
	Number     string    // of FactorSMS; not for pages
	Hint       string    // to recognise it by: "+41…11"
	SentAt     time.Time // when a code was sent that may count still; zero: none was
	Since      time.Time
	LastUsedAt time.Time
}

// FactorWays are the factors that a user can show now, the one used last first. A
// number is none where no messages are sent any more.
func (a *Accounts) FactorWays(ctx context.Context, user broker.UserID) ([]FactorWay, error) {
	all, err := a.counting(ctx, user)
	if errors.Is(err, ErrFactorGone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ways []FactorWay
	for _, f := range all {
		w := FactorWay{Kind: f.Kind, Since: f.ConfirmedAt, LastUsedAt: f.LastUsedAt}
		if f.Kind == broker.FactorSMS {
			if !a.SMS() {
				continue
			}
			w.Number = f.Number()
			w.Hint = broker.MaskPhone(w.Number)
			if f.CodeMAC != "" && time.Since(f.CodeAt) < broker.SMSCodeLifetime {
				w.SentAt = f.CodeAt
			}
		}
		ways = append(ways, w)
	}
	slices.SortStableFunc(ways, func(x, y FactorWay) int { return y.LastUsedAt.Compare(x.LastUsedAt) })
	return ways, nil
}

// PendingSMS is the number that s is setting up, to recognise it by; "" none.
func (a *Accounts) PendingSMS(ctx context.Context, s broker.Session) (string, error) {
	return a.pendingNumber(ctx, s, broker.FactorSMS)
}

// NextNumber is PendingSMS for the number that s is putting in the place of the user's.
func (a *Accounts) NextNumber(ctx context.Context, s broker.Session) (string, error) {
	return a.pendingNumber(ctx, s, broker.FactorNextSMS)
}

func (a *Accounts) pendingNumber(ctx context.Context, s broker.Session, kind broker.FactorKind) (string, error) {
	f, err := a.store.Factor(ctx, s.UserID, kind)
	switch at := time.Now(); {
	case errors.Is(err, broker.ErrNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find factor: %w", err)
	case f.Confirmed(), f.BegunBy != s.SID, at.Sub(f.CodeAt) >= broker.SMSCodeLifetime, !s.Fresh(a.o.FreshFor, at):
		return "", nil
	}
	return f.Number(), nil
}

// factorOf returns the user's factor of a kind as it counts, or ErrFactorGone.
func (a *Accounts) factorOf(ctx context.Context, user broker.UserID, kind broker.FactorKind) (broker.Factor, error) {
	f, err := a.store.Factor(ctx, user, kind)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return f, ErrFactorGone.Because(err)
	case err != nil:
		return f, fmt.Errorf("find factor: %w", err)
	case !f.Confirmed():
		return f, ErrFactorGone
	}
	return f, nil
}

// UseFactor spends the code that a user's app shows. A step counts once, and none
// before it. Errors: factor.wrong, factor.gone.
func (a *Accounts) UseFactor(ctx context.Context, user broker.UserID, typed string) error {
	f, err := a.factorOf(ctx, user, broker.FactorTOTP)
	if err != nil {
		return err
	}
	at := time.Now()
	step, ok := stepOf(f.Secret, typed, at)
	if !ok {
		return ErrFactorWrong
	}
	err = a.store.UseFactor(ctx, f.ID, step, at)
	if errors.Is(err, broker.ErrSpent) {
		return ErrFactorWrong.Because(err)
	}
	return err
}
