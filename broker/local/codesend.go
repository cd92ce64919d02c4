package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"idbroker/broker"
)

// CodeAsk says who asks for a code.
type CodeAsk struct {
	Silent bool // the address has had enough mails: answer as ever, and send none
	Own    bool // a browser that has signed in with the address: strangers use up none of its codes
	Proven bool // with a proof of work, which others' codes do not hold up; not with Own
}

// kind is what the code is counted under.
func (ask CodeAsk) kind() broker.MailCodeKind {
	switch {
	case ask.Own:
		return broker.MailCodesOwn
	case ask.Proven:
		return broker.MailCodesProven
	}
	return broker.MailCodesStranger
}

// most is how many of its kind there are in a clock hour.
func (ask CodeAsk) most() int {
	if ask.Proven && !ask.Own {
		return codesProven
	}
	return codesToAddress
}

// SendCode has a code mailed to an address, for a login that has a row. It looks
// at no account: for whatever address it writes the same, so nobody learns from
// its answer or its time who has an account here. DeliverCode decides. The codes
// that the login had before are void. Where the address has had enough (CodeAsk.Silent, or
// too many of its kind) the answer is the same, too, and nothing is mailed: nobody learns
// that somebody else has asked. Errors: code.off, code.too_soon, code.too_many (from
// this browser), field.email_invalid.
func (a *Accounts) SendCode(ctx context.Context, login broker.Login, email string, ask CodeAsk) error {
	if !a.Codes(login) {
		return ErrNoCodes
	}
	if email == "" {
		return ErrRequired.At("email")
	}
	email, err := broker.NormalizeEmail(email)
	if err != nil {
		return err
	}
	at, code, from := time.Now(), newCode(), broker.RequestOf(ctx)
	c := broker.MailCode{
		ID: broker.NewID(), Purpose: purposeOf(login), LoginID: login.ID, BrowserHash: login.BrowserHash, Email: broker.FoldEmail(email),
		Hour: at.Truncate(time.Hour), CreatedAt: at, ExpiresAt: at.Add(broker.MailCodeLifetime),
	}
	c.MAC = codeMAC(a.o.CodeKeys[0], c, code)
	q := broker.CodeRequest{ID: c.ID, Code: code[:codeLength/2] + "-" + code[codeLength/2:], At: at, IP: from.IP, Browser: from.Browser}
	if login.Remote != nil {
		q.Provider = a.links.Title(login.Remote.Provider)
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.mayHaveCode(ctx, &c, ask.kind()); err != nil {
			return err
		}
		if err := a.store.ReplaceMailCodes(ctx, login.ID, at); err != nil {
			return fmt.Errorf("replace mail codes: %w", err)
		}
		if err := a.store.CreateMailCode(ctx, c); err != nil {
			return err
		}
		if ask.Silent || c.Nth-int(ask.kind()) > ask.most() {
			return nil // whom it opens is never noted: no guess can be right
		}
		return a.store.Enqueue(ctx, q.Entry(at))
	})
	if errors.Is(err, broker.ErrConflict) { // another request for this address, at the same moment
		return ErrCodeSoon.Because(err)
	}
	return err
}

// mayHaveCode checks how many codes there were, and numbers this one among those of its kind.
func (a *Accounts) mayHaveCode(ctx context.Context, c *broker.MailCode, kind broker.MailCodeKind) error {
	last, err := a.store.LastMailCode(ctx, c.LoginID)
	if err == nil && c.CreatedAt.Sub(last.CreatedAt) < codeAgain {
		return ErrCodeSoon
	}
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("last mail code: %w", err)
	}
	toAddress, fromBrowser, err := a.store.CountMailCodes(ctx, c.Email, c.BrowserHash, c.Hour, kind)
	if err != nil {
		return fmt.Errorf("count mail codes: %w", err)
	}
	if fromBrowser >= codesFromBrowser {
		return ErrCodeMany
	}
	c.Nth = int(kind) + toAddress + 1
	return nil
}

// DeliverCode is the outbox handler of broker.OutboxCode: it mails the code where
// the address is the proven one of an active account; of a closed one, what reopens it.
func (a *Accounts) DeliverCode(ctx context.Context, payload []byte) error {
	var q broker.CodeRequest
	if err := json.Unmarshal(payload, &q); err != nil {
		return broker.Permanent(errors.New("read code request: malformed")) // the cause could quote the code
	}
	at := time.Now()
	c, err := a.store.MailCode(ctx, q.ID)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		return nil // it waited for longer than codes are kept
	case err != nil:
		return fmt.Errorf("find mail code: %w", err)
	}
	user, known, err := a.owner(ctx, c.Email)
	if err != nil || !known || user.Disabled() && !user.Closed() || !user.EmailVerified() {
		return err
	}
	ctx = broker.WithRequest(ctx, broker.Request{IP: q.IP, Browser: q.Browser})
	if user.Closed() {
		return a.mailWayBack(ctx, user.ID, q.At, at)
	}
	err = a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.AddressMailCode(ctx, c.ID, user.ID, user.Version, at); err != nil {
			return err
		}
		data := map[string]string{
			"name": user.Called(), "code": q.Code, "provider": q.Provider,
			// Of use in the browser that asked alone: it has the cookie of the login.
			"link":    a.o.Issuer + "/code/?login=" + url.QueryEscape(string(c.LoginID)) + "&code=" + url.QueryEscape(q.Code),
			"minutes": strconv.Itoa(int(broker.MailCodeLifetime.Minutes())),
		}
		if user.EmailVouchedBy != "" { // the code does more here: it re-claims the account
			data["vouched"] = a.links.Title(user.EmailVouchedBy)
		}
		return a.store.Enqueue(ctx, mail(ctx, user.Email, "code-"+string(c.Purpose), user.Locale, q.At, data))
	})
	if errors.Is(err, broker.ErrSpent) {
		return nil // mailed already, or replaced meanwhile, or it took too long
	}
	return err
}
