package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// Refusals of taking back what a mail has told of.
var (
	ErrTakeBackUnknown = &broker.Error{Kind: broker.KindGone, Message: "take_back.unknown"}
	ErrTakeBackMoved   = &broker.Error{Kind: broker.KindConflict, Message: "take_back.moved"} // the account has another address since
	ErrTakeBackBare    = &broker.Error{Kind: broker.KindConflict, Message: "take_back.bare"}  // it had a second step before, and would have none
	ErrTakeBackLast    = &broker.Error{Kind: broker.KindConflict, Message: "take_back.last"}  // nothing would open the account
)

// takeBackPaths are the pages of what can be taken back.
var takeBackPaths = map[broker.MailPurpose]string{
	broker.MailPasskeyBack: broker.PasskeyBackPath,
	broker.MailFactorBack:  broker.FactorBackPath,
	broker.MailSignInBack:  broker.SignInBackPath,
}

// TakeBack is what the link in a mail takes back.
type TakeBack struct {
	User    broker.User
	At      time.Time         // when it was done
	Passkey string            // MailPasskeyBack: its name; "" it is gone
	Factor  broker.FactorKind // MailFactorBack; "" it is gone
	Before  string            // MailFactorBack: the number that comes back in its place, to recognise it by; "" none
	Session broker.Session    // MailSignInBack; zero: it is over
	Spared  bool              // the session that sent the link goes on

	token  broker.MailToken
	former []broker.Factor // from the one that counts back to the one that is put back
}

// offerTakeBack makes the link that takes back what about names, as long as a change
// of links could be, and adds it to what a mail says. The mail must be queued in the
// same unit of work as the token is written.
func (a *Accounts) offerTakeBack(purpose broker.MailPurpose, u broker.User, about string, at time.Time, data map[string]string) broker.MailToken {
	secret, until := broker.NewSecret(), at.Add(a.o.UndoWithin)
	data["link"] = a.o.Issuer + takeBackPaths[purpose] + "?token=" + secret.Reveal()
	data["until"] = until.UTC().Format(time.RFC3339)
	return broker.MailToken{Hash: secret.Hash(), Purpose: purpose, Email: u.Email, UserID: u.ID, About: about, CreatedAt: at, ExpiresAt: until}
}

// tellOfAddition mails that something was added, with the way to take it back unless
// that could strip the account of the second step that it had.
func (a *Accounts) tellOfAddition(ctx context.Context, purpose broker.MailPurpose, u broker.User, about, template string, data map[string]string, at time.Time) error {
	if !u.EmailVerified() {
		return nil
	}
	t := a.offerTakeBack(purpose, u, about, at, data)
	switch bare, err := a.bare(ctx, t); {
	case err != nil:
		return err
	case bare:
		delete(data, "link")
		delete(data, "until")
	default:
		if err := a.store.CreateMailToken(ctx, t); err != nil {
			return fmt.Errorf("create mail token: %w", err)
		}
	}
	data["name"] = u.Called()
	return a.store.Enqueue(ctx, mail(ctx, u.Email, template, u.Locale, at, data))
}

// DeliverSignIn is the outbox handler of broker.OutboxSignIn: it mails that a new browser
// has begun a session, with the way to end it. Whose address is another by now is not
// told there: the mail about that came first.
func (a *Accounts) DeliverSignIn(ctx context.Context, payload []byte) error {
	var n broker.SignInNotice
	if err := json.Unmarshal(payload, &n); err != nil || n.Mail.Data == nil {
		return broker.Permanent(fmt.Errorf("read sign-in notice: %w", err))
	}
	return a.store.InTx(ctx, func(ctx context.Context) error {
		switch u, err := a.store.User(ctx, n.UserID); {
		case errors.Is(err, broker.ErrNotFound) || err == nil && u.Email != n.Mail.To:
			return nil
		case err != nil:
			return fmt.Errorf("find user: %w", err)
		default:
			t := a.offerTakeBack(broker.MailSignInBack, u, n.SID, n.At, n.Mail.Data)
			if err := a.store.CreateMailToken(ctx, t); err != nil {
				return fmt.Errorf("create mail token: %w", err)
			}
			return a.store.Enqueue(ctx, n.Mail.Entry(time.Now()))
		}
	})
}

// TakeBackFor tells what a link takes back. It spends nothing: mail scanners follow
// links. Errors: ErrTakeBack…; the account's Refusal.
func (a *Accounts) TakeBackFor(ctx context.Context, purpose broker.MailPurpose, token broker.Secret) (TakeBack, error) {
	return a.takeBack(ctx, purpose, token, time.Now(), a.store.User)
}

// takeBack finds what a secret takes back, and asks whether it may.
func (a *Accounts) takeBack(ctx context.Context, purpose broker.MailPurpose, token broker.Secret, at time.Time, read func(context.Context, broker.UserID) (broker.User, error)) (TakeBack, error) {
	t, err := a.live(ctx, token, purpose, at)
	if broker.KindOf(err) == broker.KindGone {
		return TakeBack{}, ErrTakeBackUnknown.Because(err)
	}
	if err != nil {
		return TakeBack{}, err
	}
	b := TakeBack{At: t.CreatedAt, token: t}
	switch b.User, err = read(ctx, t.UserID); {
	case errors.Is(err, broker.ErrNotFound):
		return b, ErrTakeBackUnknown.Because(err)
	case err != nil:
		return b, fmt.Errorf("find user: %w", err)
	case b.User.Email != t.Email:
		return b, ErrTakeBackMoved
	case b.User.Disabled():
		return b, b.User.Refusal()
	}
	if t.Purpose == broker.MailSignInBack {
		return b, a.findSession(ctx, &b)
	}
	if err := a.findAddition(ctx, &b); err != nil || b.Passkey == "" && b.Factor == "" || b.former != nil {
		return b, err // gone: nothing is taken from the account but who is in it; or what was before comes back
	}
	switch bare, err := a.bare(ctx, b.token); {
	case err != nil:
		return b, err
	case bare:
		return b, ErrTakeBackBare
	}
	if t.Purpose == broker.MailPasskeyBack {
		return b, a.opensWithout(ctx, b)
	}
	return b, nil
}

func (a *Accounts) findSession(ctx context.Context, b *TakeBack) error {
	all, err := a.store.SessionsOf(ctx, b.User.ID)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	if i := slices.IndexFunc(all, func(s broker.Session) bool { return s.SID == b.token.About }); i >= 0 {
		b.Session = all[i]
	}
	return nil
}

func (a *Accounts) findAddition(ctx context.Context, b *TakeBack) error {
	if b.token.Purpose == broker.MailFactorBack {
		former, stands, err := a.formerNumbers(ctx, b.User.ID, b.token.About)
		if err != nil {
			return err
		}
		if len(former) > 0 {
			b.former, b.Factor, b.Before = former, broker.FactorSMS, broker.MaskPhone(former[len(former)-1].Number())
			return nil
		}
		if stands != "" {
			b.token.About = stands
		}
	}
	passkeys, factors, err := a.seconds(ctx, b.User.ID)
	for _, p := range passkeys {
		if p.ID == b.token.About {
			b.Passkey = p.Name
		}
	}
	for _, f := range factors {
		if f.ID == b.token.About {
			b.Factor = f.Kind
		}
	}
	return err
}

// seconds are what a user can show beside the first thing.
func (a *Accounts) seconds(ctx context.Context, user broker.UserID) (passkeys []broker.Passkey, factors []broker.Factor, err error) {
	if passkeys, err = a.store.PasskeysOf(ctx, user); err != nil {
		return nil, nil, fmt.Errorf("passkeys: %w", err)
	}
	if factors, err = a.counting(ctx, user); err != nil && !errors.Is(err, ErrFactorGone) {
		return nil, nil, err
	}
	return passkeys, factors, nil
}

// bare tells whether an account without what t is about would be left with less than it
// had: with nothing to show beside the first thing, though a factor had stood there for
// long until lately, which its person has removed. Whoever reads the mail alone must
// not get that far: they wait until somebody changes phones. What is younger does not
// count: whoever took the account may have added and removed it. Nor do passkeys:
// they come back (giveBack).
func (a *Accounts) bare(ctx context.Context, t broker.MailToken) (bool, error) {
	if t.Purpose == broker.MailPasskeyBack && !a.NeedFactors() { // nobody is asked for one beside a password
		return false, nil
	}
	passkeys, factors, err := a.seconds(ctx, t.UserID)
	if err != nil {
		return false, err
	}
	left := len(slices.DeleteFunc(factors, func(f broker.Factor) bool { return f.ID == t.About }))
	if a.NeedFactors() && a.Passkeys() {
		left += len(slices.DeleteFunc(passkeys, func(p broker.Passkey) bool { return p.ID == t.About }))
	}
	if left > 0 {
		return false, nil
	}
	return a.elderFactorGone(ctx, t.UserID, t.CreatedAt)
}

// opensWithout refuses where nothing would open the account without the passkey, not
// even a new password or a code for the address that got the mail.
func (a *Accounts) opensWithout(ctx context.Context, b TakeBack) error {
	if !a.Passkeys() || a.SiteWays().Recoverable(b.User) {
		return nil
	}
	left, err := a.WaysIn(ctx, b.User, 1)
	if err != nil || left.Count() > 0 {
		return err
	}
	back, err := a.restorable(ctx, b.User.ID, b.token.CreatedAt)
	if err == nil && !slices.ContainsFunc(back, func(r broker.Retired) bool { return r.ID != b.token.About }) {
		err = ErrTakeBackLast
	}
	return err
}
