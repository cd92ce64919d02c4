package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
)

// The steps of the real service that take a session, or a mail.

// message is the one that was sent last, which nobody has read.
func (r *thiefReal) message() broker.SMS {
	entries, err := r.db.ClaimOutbox(r.t.Context(), 20, time.Now().Add(time.Second), time.Minute, broker.OutboxSMS)
	must(r.t, err)
	var m broker.SMS
	for _, e := range entries {
		must(r.t, json.Unmarshal(e.Payload, &m))
		must(r.t, r.db.FinishOutbox(r.t.Context(), e.ID, time.Now()))
	}
	return m
}

func (r *thiefReal) choosePassword(w who, current, next int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	r.passwords[next] = broker.Secret(fmt.Sprintf("plum kettle %d orbit sledge", next))
	return r.ok(r.a.ChangePassword(r.t.Context(), s, r.passwords[current], r.passwords[next]))
}

func (r *thiefReal) forgot(next int) bool {
	r.passwords[next] = broker.Secret(fmt.Sprintf("plum kettle %d orbit sledge", next))
	must(r.t, r.a.RequestReset(r.t.Context(), r.user().Email))
	for _, m := range r.collect() {
		if m.Template == "reset" {
			return r.ok(second(r.a.Reset(r.t.Context(), tokenOf(r.t, m), r.passwords[next])))
		}
	}
	return false
}

func (r *thiefReal) move(w who, box string, reads bool) bool {
	s, ok := r.in(w)
	if !ok || !r.ok(r.a.RequestEmail(r.t.Context(), s, box+r.host)) || !reads {
		r.collect()
		return false
	}
	for _, m := range r.collect() {
		if m.Template == "email" && m.To == box+r.host {
			return r.ok(second(r.a.ConfirmEmail(r.t.Context(), s, tokenOf(r.t, m))))
		}
	}
	return false
}

// username is a name of this walk.
func (r *thiefReal) username(name string) string {
	if name != "" {
		name += r.suffix
	}
	return name
}

func (r *thiefReal) rename(w who, name string) bool {
	s, ok := r.in(w)
	return ok && r.ok(second(r.a.ChangeUsername(r.t.Context(), s, r.username(name))))
}

func (r *thiefReal) renameFor(name string) bool {
	return r.ok(second(r.a.SetUsername(r.t.Context(), r.id, r.username(name))))
}

// copied tells whether a browser that the thief has copied stands for the second factor.
func (r *thiefReal) copied() bool {
	id, err := r.a.Remembered(r.t.Context(), r.user(), r.browsers[theThief])
	must(r.t, err)
	return id != ""
}

func (r *thiefReal) addressBack(n int) bool {
	return r.ok(second(r.a.TakeEmailBack(r.t.Context(), r.token(n))))
}

var purposes = map[string]broker.MailPurpose{"passkey": broker.MailPasskeyBack, "factor": broker.MailFactorBack}

func (r *thiefReal) takeBack(kind string, n int) bool {
	return r.ok(second(r.a.TakeBack(r.t.Context(), broker.Session{}, purposes[kind], r.token(n))))
}

func (r *thiefReal) undo(w who, n int) bool {
	s, _ := r.in(w)
	return r.ok(second(r.l.Undo(r.t.Context(), s, r.token(n))))
}

func (r *thiefReal) addPasskey(w who, id int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	ask := local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: s.SID, User: r.id}
	options, err := r.a.PasskeyOptions(r.t.Context(), ask, time.Now())
	must(r.t, err)
	r.keys[id] = passkeytest.New(r.t, passkeytest.EdDSA)
	return r.ok(r.a.AddPasskey(r.t.Context(), s, ask, fmt.Sprint("k", id), r.keys[id].Register(r.t, options, issuer)))
}

func (r *thiefReal) removePasskey(w who, id int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	all, err := r.a.PasskeysOf(r.t.Context(), r.id)
	must(r.t, err)
	for _, p := range all {
		if p.Name == fmt.Sprint("k", id) {
			return r.ok(r.a.RemovePasskey(r.t.Context(), s, p.ID))
		}
	}
	return false
}

func (r *thiefReal) addFactor(w who, kind string, id int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	first := !r.user().HasSecondFactor()
	if kind == "app" {
		ok = r.ok(r.setUpApp(s, id))
	} else {
		r.numbers[id] = fmt.Sprintf("+4179%07d", 1000+id)
		if !r.ok(r.a.StartSMS(r.t.Context(), s, r.numbers[id])) {
			return false
		}
		codes, err := r.a.ConfirmSMS(r.t.Context(), s, r.message().Code, goesOn)
		if ok = r.ok(err); codes != nil {
			r.sets = append(r.sets, codes)
		}
	}
	if ok && first { // the session gets another cookie when it gets stronger (web/stepup.go)
		must(r.t, r.db.EndSession(r.t.Context(), r.id, s.SID))
		s.IDHash, s.ACR = broker.NewSecret().Hash(), broker.ACRSecond
		must(r.t, r.db.CreateSession(r.t.Context(), s))
		r.rows[w] = s
	}
	return ok
}

func (r *thiefReal) removeFactors(w who, kind string, shown int) bool {
	s, ok := r.in(w)
	return ok && r.shown(r.a.RemoveFactor(r.t.Context(), s, r.show(s, kind, shown)), kind, shown)
}

var kinds = map[string]broker.FactorKind{"app": broker.FactorTOTP, "number": broker.FactorSMS}

func (r *thiefReal) removeOne(w who, which, kind string, shown int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	codes, err := r.a.RemoveOne(r.t.Context(), s, kinds[which], r.show(s, kind, shown))
	return r.codes(codes, r.shown(err, kind, shown))
}

// codes keeps new recovery codes.
func (r *thiefReal) codes(codes []string, ok bool) bool {
	if ok {
		r.sets = append(r.sets, codes)
	}
	return ok
}

func (r *thiefReal) renew(w who, kind string, shown int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	codes, err := r.a.RenewRecovery(r.t.Context(), s, r.show(s, kind, shown))
	return r.codes(codes, r.shown(err, kind, shown))
}

func (r *thiefReal) swap(w who, kind string, shown, id int) bool {
	s, ok := r.in(w)
	if !ok || !r.ok(r.a.StartSwap(r.t.Context(), s)) {
		return false
	}
	next, err := r.a.NextApp(r.t.Context(), s)
	must(r.t, err)
	r.apps[id] = next.Secret
	codes, err := r.a.ConfirmSwap(r.t.Context(), s, r.code(id), r.show(s, kind, shown))
	return r.codes(codes, r.shown(err, kind, shown))
}

func (r *thiefReal) link(w who, id int) bool {
	if s, ok := r.in(w); !ok || !s.Fresh(freshly, time.Now()) {
		return false
	}
	p := broker.Profile{Provider: "hub", Issuer: "https://github.com" + r.host, Subject: fmt.Sprint(id)}
	return r.ok(r.l.Attach(r.t.Context(), r.user(), p, time.Now()))
}

func (r *thiefReal) unlink(w who, id int) bool {
	s, ok := r.in(w)
	if !ok {
		return false
	}
	all, err := r.db.IdentitiesOf(r.t.Context(), r.id)
	must(r.t, err)
	for _, i := range all {
		if i.Subject == fmt.Sprint(id) {
			return r.ok(r.l.Unlink(r.t.Context(), s, "hub", i.ID))
		}
	}
	return false
}

func (r *thiefReal) close(w who) bool {
	s, ok := r.in(w)
	return ok && r.ok(second(r.a.Close(r.t.Context(), s)))
}

func (r *thiefReal) reopen(n int) bool { return r.ok(second(r.a.Reopen(r.t.Context(), r.token(n)))) }
func (r *thiefReal) reset() bool       { return r.ok(r.a.ResetFactors(r.t.Context(), r.id)) }

func (r *thiefReal) signOut() {
	must(r.t, second(r.a.SignOut(r.t.Context(), r.id, true)))
}

// leftovers are applications that go on in sessions that are over, and browsers that are
// remembered.
func (r *thiefReal) leftovers() (grants []string, remembered int) {
	ctx := r.t.Context()
	sessions, err := r.db.SessionsOf(ctx, r.id)
	must(r.t, err)
	live := "," + strings.Join(broker.SIDs(sessions), ",") + ","
	all, err := r.db.GrantsOf(ctx, r.id)
	must(r.t, err)
	for _, g := range all {
		if g.Live(time.Now()) && !strings.Contains(live, ","+g.SID+",") {
			grants = append(grants, g.SID)
		}
	}
	browsers, err := r.a.RememberedOf(ctx, r.user())
	must(r.t, err)
	return grants, len(browsers)
}
