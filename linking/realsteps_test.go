package linking_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// Enqueue implements the Store of the rooms.
func (f *failing) Enqueue(ctx context.Context, e broker.OutboxEntry) error {
	u, ok := ctx.Value(unitKey{}).(*unit)
	if !ok && e.Kind == broker.OutboxRevoke { // a refused journey's: TestTokensOfARefusedJourneyEnd looks at those
		return nil
	}
	if ok {
		var m broker.Mail
		switch {
		case e.Kind == broker.OutboxRevoke:
			u.revoked++
		case e.Kind == broker.OutboxCode:
			u.mails = append(u.mails, string(e.Payload))
		case json.Unmarshal(e.Payload, &m) == nil:
			if _, secret, ok := strings.Cut(m.Data["link"], "token="); ok {
				u.mails = append(u.mails, secret)
			} else if m.Data["code"] != "" {
				u.mails = append(u.mails, m.Data["code"])
			}
		}
	}
	return f.DB.Enqueue(ctx, e)
}

// scripted are remote apps that tell what the walk wants them to tell. A code
// belongs to its journey, as nonce and PKCE make sure of; the hostile app does
// not care.
type scripted struct {
	policies map[string]broker.Provider
	hostile  map[string]bool
}

func (s *scripted) Providers() (all []broker.Provider) {
	for _, id := range providerIDs {
		all = append(all, s.policies[id])
	}
	return all
}

func (s *scripted) Provider(id string) (broker.Provider, bool) {
	p, ok := s.policies[id]
	return p, ok
}

func (s *scripted) Begin(_ context.Context, id, state string, _ broker.BeginOptions) (broker.Outward, error) {
	return broker.Outward{URL: state, ClientID: "broker", RedirectURI: base + "/oauth/authorized/" + id + "/", Session: broker.Secret(state)}, nil
}

func (s *scripted) Complete(_ context.Context, id string, a broker.Attempt, cb broker.Callback) (broker.Profile, error) {
	parts := strings.Split(cb.Code.Reveal(), " ") // session, subject, issuer, address, how it is told
	if !s.hostile[id] && (a.Session.Reveal() != parts[0] || s.policies[id].Issuer != parts[2]) {
		return broker.Profile{}, errors.New("the code is another journey's")
	}
	how := told(parts[4])
	return broker.Profile{
		Provider: id, Issuer: parts[2], Subject: parts[1], Username: parts[1], Email: parts[3], EmailVerified: how != unproven, EmailAsserted: how == asserted,
		Tokens: []broker.RemoteToken{{AccessToken: broker.NewSecret()}},
	}, nil
}

func (s *scripted) Refresh(context.Context, string, string, broker.RemoteToken) (broker.Renewal, error) {
	return broker.Renewal{}, errors.New("nobody asks")
}
func (s *scripted) Revoke(context.Context, string, []broker.RemoteToken) error     { return nil }
func (s *scripted) RevokeOnly(context.Context, string, []broker.RemoteToken) error { return nil }
func (s *scripted) Farewell(context.Context, string, broker.SignOutRequest) (broker.Farewell, error) {
	return broker.Farewell{}, nil
}
func (s *scripted) VerifyLogout(context.Context, string, string) (broker.UpstreamLogout, error) {
	return broker.UpstreamLogout{}, errors.New("nobody tells of logouts here")
}

// bag is a context that collects what is mailed.
func bag() (context.Context, *[]string) {
	var all []string
	return context.WithValue(context.Background(), mailbagKey{}, &all), &all
}

// done ends a step: a crash that nothing met is over.
func (r *real) done(err error, ok answer) answer {
	r.db.mu.Lock()
	r.db.fails, r.db.loses = false, false
	r.db.mu.Unlock()
	switch {
	case errors.Is(err, errLost):
		return answer{lost: true}
	case err != nil:
		return refusal
	}
	return ok
}

func (r *real) lose() bool { r.db.mu.Lock(); defer r.db.mu.Unlock(); r.db.loses = true; return true }
func (r *real) crash()     { r.db.mu.Lock(); defer r.db.mu.Unlock(); r.db.fails = true }

func (r *real) atOnce(one, other func()) {
	var both sync.WaitGroup
	both.Go(one)
	both.Go(other)
	both.Wait()
}

func (r *real) policy(p broker.Provider) { r.apps.policies[p.ID] = p }
func (r *real) passwords(on bool)        { r.open = on }

func (r *real) leave(at int) {
	if r.rows[at] != "" {
		r.must(r.db.DeleteSession(context.Background(), r.rows[at]))
	}
	r.rows[at] = ""
}

func (r *real) age(at int) {
	if s := r.session(at); s.UserID != "" {
		s.AuthTime = s.AuthTime.Add(-time.Hour)
		r.must(r.db.SaveSession(context.Background(), s))
	}
}

func (r *real) expire(n int) {
	r.exec("UPDATE link_changes SET expires_at = 1 WHERE undo_hash = '" + r.secrets[n].Hash() + "'")
}

func (r *real) create(email string, password bool) answer {
	n := local.NewUser{Email: email}
	if password {
		n.Password = passwordOf(len(r.users) + 1)
	}
	u, err := r.local().Create(context.Background(), n)
	if err == nil {
		r.users = append(r.users, u.ID)
	}
	return r.done(err, answer{user: len(r.users)})
}

func (r *real) disable(u int, disabled bool) answer {
	return r.done(r.local().SetDisabled(context.Background(), r.users[u-1], disabled), answer{user: u})
}

func (r *real) password(at, u, n int, right bool) answer {
	ctx := context.Background()
	if !r.open { // the page is not there
		return refusal
	}
	email := r.former[u]
	if email == "" {
		who, err := r.db.User(ctx, r.users[u-1])
		r.must(err)
		email = who.Email
	}
	p := passwordOf(u)
	if !right {
		p = "wrong"
	}
	user, how, err := r.local().Authenticate(ctx, email, p)
	if err != nil {
		return refusal
	}
	r.signIn(at, user.ID, how)
	if n >= 0 {
		l, err := r.db.Login(ctx, r.logins[n])
		r.must(err)
		l.Authenticated(user.ID, how)
		r.enter(l)
	}
	return answer{user: r.number(user.ID)}
}

func (r *real) start(l leg) answer {
	q := linking.StartRequest{Provider: l.provider, Purpose: l.purpose, Browser: r.cookies[l.seat], Session: r.session(l.seat)}
	if l.in > 0 {
		q.LoginID = r.logins[l.in-1]
	}
	to, err := r.linker().Start(context.Background(), q)
	if err == nil {
		r.states = append(r.states, broker.Secret(strings.Join([]string{to, l.subject, key{provider: l.provider, issuer: l.issuer}.url(), l.email, string(l.told)}, " ")))
	}
	return r.done(err, answer{})
}

func (r *real) finish(at int, path string, n, code, slot int) answer {
	ctx, mails := bag()
	state, _, _ := strings.Cut(r.states[n].Reveal(), " ")
	r.mu.Lock() // the same return may be here twice at once
	session := r.session(at)
	r.mu.Unlock()
	res, err := r.linker().Finish(ctx, linking.FinishRequest{
		Provider: path, Browser: r.cookies[at], Session: session, Callback: broker.Callback{State: broker.Secret(state), Code: r.states[code]},
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		switch res.Outcome {
		case linking.NewPerson, linking.AskReplace:
			if res.Attempt.LoginID != res.Login.ID {
				r.logins[slot] = res.Login.ID
			}
		case linking.SignedIn, linking.Began, linking.Found:
			r.seen(res.User.ID)
			r.signIn(at, res.User.ID, res.How)
			if res.Login.ID != "" {
				r.enter(res.Login)
			}
		case linking.Reauthenticated:
			s := r.session(at)
			s.AuthTime = res.How.At
			r.must(r.db.SaveSession(ctx, s))
		}
	}
	if errors.Is(err, errLost) { // what was committed stands
		r.register()
	}
	for _, m := range *mails {
		r.slots[slot] = append(r.slots[slot], broker.Secret(m))
	}
	return r.done(err, answer{outcome: res.Outcome, user: r.number(res.User.ID)})
}

func (r *real) collect(slot int) {
	r.secrets = append(r.secrets, r.slots[slot]...)
	delete(r.slots, slot)
}

func (r *real) pending(at, n int, agreed bool) answer {
	ctx, mails := bag()
	l, err := r.db.Login(ctx, r.logins[n])
	if err != nil { // a place that nobody uses
		return r.done(err, answer{})
	}
	outcome, err := r.linker().LinkPending(ctx, r.session(at), l, agreed)
	r.keep(*mails)
	return r.done(err, answer{outcome: outcome, user: r.number(r.session(at).UserID)})
}

func (r *real) keep(mails []string) {
	for _, m := range mails {
		r.secrets = append(r.secrets, broker.Secret(m))
	}
}

func (r *real) signUp(n int, email string, sent bool) answer {
	ctx, mails := bag()
	l, err := r.db.Login(ctx, r.logins[n])
	r.must(err)
	err = r.local().SignUp(ctx, l, local.SignUpForm{Email: email})
	if sent && len(*mails) > 0 {
		r.tokens = append(r.tokens, broker.Secret((*mails)[0]))
	}
	after, found := r.db.Login(ctx, l.ID)
	r.must(found)
	return r.done(err, answer{user: r.seen(after.UserID)}) // somebody's where the provider's word did
}

// enter notes that a login has become a session, as package web does.
func (r *real) enter(l broker.Login) {
	l.SID = broker.NewID()
	r.must(r.db.SaveLogin(context.Background(), l))
}

func (r *real) prove(n, at int, email string) answer {
	ctx := context.Background()
	u, login, err := r.local().Prove(ctx, r.tokens[n], r.cookies[at])
	switch {
	case errors.Is(err, errLost): // it has begun all the same
		if u, err = r.db.UserByEmail(ctx, email); err == nil {
			r.seen(u.ID)
			err = errLost
		}
	case err == nil:
		r.seen(u.ID)
		if login.Live(r.cookies[at], time.Now()) {
			r.signIn(at, u.ID, broker.Authentication{At: login.AuthTime, AMR: login.AMR})
			r.enter(login)
		}
	}
	return r.done(err, answer{user: r.number(u.ID)})
}

// id is the row of an identity; "none" where nobody has it.
func (r *real) id(k key) string {
	i, err := r.db.Identity(context.Background(), k.provider, k.url(), k.subject)
	if err != nil {
		return "none"
	}
	return i.ID
}

func (r *real) unlink(at int, k key) answer {
	ctx, mails := bag()
	s := r.session(at)
	err := r.linker().Unlink(ctx, s, k.provider, r.id(k))
	r.keep(*mails)
	return r.done(err, answer{user: r.number(s.UserID)})
}

func (r *real) unlinkFor(k key, forced bool) answer {
	i, err := r.db.Identity(context.Background(), k.provider, k.url(), k.subject)
	if err == nil {
		err = r.linker().UnlinkFor(context.Background(), i.UserID, i.ID, forced)
	}
	return r.done(err, answer{user: r.number(i.UserID)})
}

func (r *real) undo(at, n int) answer {
	u, err := r.linker().Undo(context.Background(), r.session(at), r.secrets[n])
	return r.done(err, answer{user: r.number(u.User.ID)})
}

func (r *real) forge() answer {
	ctx, made := context.Background(), broker.NewSecret()
	_, err1 := r.linker().Undo(ctx, r.session(0), made)
	_, _, err2 := r.local().Prove(ctx, made, "")
	_, err3 := r.linker().Finish(ctx, linking.FinishRequest{Provider: "one", Browser: r.cookies[0], Session: r.session(0), Callback: broker.Callback{State: made, Code: "x y z"}})
	if err1 == nil || err2 == nil || err3 == nil {
		return answer{}
	}
	return refusal
}
