package linking_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/store"
)

// restart is a program that was killed between two steps and begins again.
func (r *real) restart() {
	r.must(r.db.DB.Close())
	r.build()
}

// build opens the database and builds the rooms over it.
func (r *real) build() {
	db, err := store.Open(context.Background(), store.Options{DSN: r.dsn, Keys: r.keys})
	r.must(err)
	r.db.DB = db
	over := r.over
	if d, ok := over.(defective); ok {
		d.linking = true
		over = d
	}
	for _, on := range []bool{true, false} {
		r.linkers[on] = linking.New(over, r.apps, linking.Options{
			Issuer: base, NoPasswords: !on,
			Begin: func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error) {
				return r.accounts[r.codePolicy].Begin(ctx, s, provider, at)
			},
		})
	}
	for _, codes := range codePolicies {
		r.accounts[codes] = local.New(r.over, anyLinker{r}, local.Options{Issuer: base, Hashing: hashing, Codes: codes, CodeKeys: codeKeys})
	}
}

func (r *real) hostile(provider string, on bool) { r.apps.hostile[provider] = on }

func (r *real) deleteUser(u int) answer {
	ctx := context.Background()
	who, _ := r.db.User(ctx, r.users[u-1]) // nobody where they are gone
	r.deletes = true
	defer func() { r.deletes = false }()
	err := r.local().Delete(ctx, r.users[u-1])
	if err == nil || errors.Is(err, errLost) {
		r.former[u] = who.Email
	}
	return r.done(err, answer{user: u})
}

func (r *real) changeEmail(u int, email string) answer {
	_, err := r.local().ChangeEmail(context.Background(), r.users[u-1], email)
	return r.done(err, answer{user: u})
}

func (r *real) forgot(email string) answer {
	ctx, mails := bag()
	payload, err := json.Marshal(broker.ResetRequest{Email: email, At: time.Now()})
	r.must(err)
	err = r.local().DeliverReset(ctx, payload)
	for _, m := range *mails {
		r.resets = append(r.resets, broker.Secret(m))
	}
	return r.done(err, answer{})
}

func (r *real) choose(n int) answer {
	if !r.open { // the page is not there
		return r.done(broker.ErrNotFound, answer{})
	}
	ctx := context.Background()
	t, _ := r.db.MailToken(ctx, r.resets[n].Hash()) // nobody's where it is gone
	u, err := r.local().Reset(ctx, r.resets[n], passwordOf(r.number(t.UserID)))
	return r.done(err, answer{user: r.number(u.ID)})
}

func (r *real) setPassword(at int) answer {
	s := r.session(at)
	if !r.open || s.UserID == "" { // the page is not there
		return r.done(broker.ErrNotFound, answer{})
	}
	u := r.number(s.UserID)
	return r.done(r.local().ChangePassword(context.Background(), s, "", passwordOf(u)), answer{user: u})
}

// goOn is what package web does with a login that has somebody.
func (r *real) goOn(at, n int) answer {
	ctx, now := context.Background(), time.Now()
	l, err := r.db.Login(ctx, r.logins[n])
	if errors.Is(err, broker.ErrNotFound) || err == nil && (!l.Live(r.cookies[at], now) || l.UserID == "" || l.SID != "") {
		return refusal
	}
	r.must(err)
	u, err := r.db.User(ctx, l.UserID)
	if errors.Is(err, broker.ErrNotFound) {
		return refusal
	}
	r.must(err)
	if u.Disabled() || l.AuthTime.Before(u.SignedOutAt) || l.AuthTime.Before(u.PasswordSetAt) {
		return refusal
	}
	r.signIn(at, u.ID, broker.Authentication{At: l.AuthTime, AMR: l.AMR})
	r.enter(l)
	return answer{user: r.number(u.ID)}
}

// pass lets time pass for all that stands in the database.
func (r *real) pass(week bool) {
	r.exec("UPDATE attempts SET expires_at = 1")
	r.exec("UPDATE logins SET expires_at = 1")
	r.exec("UPDATE mail_tokens SET expires_at = 1")
	r.exec(fmt.Sprintf("UPDATE mail_codes SET expires_at = 1, created_at = created_at - %d, hour = hour - %d",
		time.Hour.Microseconds(), time.Hour.Microseconds()<<r.hours)) // never one that has been
	r.hours++
	r.exec("UPDATE sessions SET auth_time = auth_time - 3600000000")
	if week {
		r.exec("UPDATE link_changes SET expires_at = 1")
	}
}
