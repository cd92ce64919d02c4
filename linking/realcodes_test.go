package linking_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// codeKeys seal codes: those of one installation, before and after a restart.
var codeKeys = [][32]byte{{1}}

func (r *real) codesFor(c local.Codes) { r.codePolicy = c }

// visit makes the login of a browser that opens the sign-in page.
func (r *real) visit(at, slot int) {
	now := time.Now()
	l := broker.Login{ID: broker.LoginID(broker.NewID()), BrowserHash: r.cookies[at].Hash(), StartedAt: now, ExpiresAt: now.Add(broker.LoginLifetime)}
	r.must(r.db.CreateLogin(context.Background(), l))
	r.logins[slot] = l.ID
}

func (r *real) minute() {
	r.exec(fmt.Sprintf("UPDATE mail_codes SET created_at = created_at - %d", time.Minute.Microseconds()))
}

// sendCode asks for a code and, where that was granted, delivers what it left in
// the outbox.
func (r *real) sendCode(n int, email string) answer {
	ctx, requests := bag()
	l, err := r.db.Login(ctx, r.logins[n])
	r.must(err)
	err = r.local().SendCode(ctx, l, email, local.CodeAsk{})
	got := r.done(err, answer{})
	if got.refused {
		return got
	}
	sent := broker.Secret("")
	for _, request := range *requests {
		ctx, codes := bag()
		r.must(r.accounts[r.codePolicy].DeliverCode(ctx, []byte(request)))
		for _, c := range *codes {
			sent = broker.Secret(c)
		}
	}
	r.codes = append(r.codes, sent)
	return got
}

// typeCode guesses wrongly some times and then types a code, as the page does; but
// it leaves to the accounts whose browser that is.
func (r *real) typeCode(at, n, which, wrong int) answer {
	ctx := context.Background()
	l, err := r.db.Login(ctx, r.logins[n])
	if errors.Is(err, broker.ErrNotFound) {
		return r.done(err, answer{})
	}
	r.must(err)
	mine := l.BrowserHash
	if !r.loose {
		l.BrowserHash = r.cookies[at].Hash()
	}
	for range wrong {
		if _, _, err := r.local().RedeemCode(ctx, l, "BBBB-BBBB"); err == nil {
			return answer{}
		}
	}
	typed := r.codes[which].Reveal()
	if typed == "" { // mailed to nobody
		typed = "CCCC-CCCC"
	}
	u, how, err := r.local().RedeemCode(ctx, l, typed)
	if err == nil {
		r.signIn(at, u.ID, how)
		l.BrowserHash, l.SignUp = mine, nil
		l.Authenticated(u.ID, how)
		r.enter(l)
	}
	return r.done(err, answer{user: r.number(u.ID)})
}

// tick keeps codes in the hour of the clock: an hour passes when the walk says so.
func (r *real) tick() bool {
	now := time.Now().Truncate(time.Hour)
	if now.Equal(r.hour) {
		return false
	}
	r.exec(fmt.Sprintf("UPDATE mail_codes SET hour = %d WHERE hour = %d", now.UnixMicro(), r.hour.UnixMicro()))
	r.hour = now
	return true
}

// seen is the number of a user, who gets one when they are first seen.
func (r *real) seen(id broker.UserID) int {
	if id != "" && r.number(id) == 0 {
		r.users = append(r.users, id)
	}
	return r.number(id)
}
