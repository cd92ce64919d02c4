package linking_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
)

// world is the real thing around a Linker: a database, the real registry, and
// two OpenID Providers over HTTP.
type world struct {
	*linking.Linker
	db      *store.DB
	apps    *providers.Registry
	op, op2 *providertest.OpenID
	inbox   inbox
	t       *testing.T

	accounts *local.Accounts
}

const base = "https://broker.example"

func newWorld(t *testing.T, db *store.DB, edit ...func(*providers.App)) *world {
	t.Helper()
	w := &world{db: db, t: t, op: providertest.NewOpenID(t, providertest.OpenIDOptions{}), op2: providertest.NewOpenID(t, providertest.OpenIDOptions{})}
	var apps []providers.App
	for id, op := range map[string]*providertest.OpenID{"one": w.op, "two": w.op2} {
		op.AddClient(providertest.Client{ID: "broker", Secret: "provider-secret", RedirectURIs: []string{base + "/oauth/authorized/" + id + "/"}})
		for _, name := range []string{"ada", "bob", "eve"} {
			op.AddPerson(providertest.Person{Subject: name, Username: name + "-at-" + id, Name: name, Email: name + "@example.org", EmailVerified: true})
		}
		apps = append(apps, w.app(id, edit...))
	}
	reg, err := providers.New(providers.Options{Apps: apps, BaseURL: base, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	w.apps = reg
	w.Linker = linking.New(db, reg, linking.Options{
		Issuer: base,
		Begin: func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error) {
			return w.accounts.Begin(ctx, s, provider, at)
		},
	})
	w.accounts = local.New(db, w.Linker, local.Options{Issuer: base, Hashing: hashing})
	return w
}

// app is the description of one of the two providers.
func (w *world) app(id string, edit ...func(*providers.App)) providers.App {
	app := providers.App{ID: id, Kind: "oidc", Title: "Provider " + id, Issuer: w.op.Issuer, ClientID: "broker", ClientSecret: "provider-secret"}
	if id == "two" {
		app.Issuer = w.op2.Issuer
	}
	for _, e := range edit {
		e(&app)
	}
	return app
}

// browser is one person's browser.
type browser struct {
	cookie  broker.Secret
	session broker.Session
}

func newBrowser() *browser { return &browser{cookie: broker.NewSecret()} }

// signedIn makes the browser belong to a user since some time.
func (b *browser) signedIn(u broker.User, ago time.Duration) *browser {
	b.session = broker.Session{UserID: u.ID, SID: broker.NewID(), AuthTime: time.Now().Add(-ago)}
	return b
}

// user makes an account with an address of its own.
func (w *world) user(name string, password broker.Secret) broker.User {
	w.t.Helper()
	now := time.Now()
	u := broker.User{
		ID: broker.UserID(broker.NewID()), Email: name + "@example.org", EmailVerifiedAt: now, Name: name,
		PasswordHash: password, CreatedAt: now, UpdatedAt: now,
	}
	if err := w.db.CreateUser(w.t.Context(), u); err != nil {
		w.t.Fatal(err)
	}
	return u
}

// out begins a journey and walks to the provider and back, as subject.
func (w *world) out(b *browser, provider string, purpose broker.Purpose, subject string) broker.Callback {
	w.t.Helper()
	u, err := w.Start(w.t.Context(), linking.StartRequest{Provider: provider, Purpose: purpose, Browser: b.cookie, Session: b.session})
	if err != nil {
		w.t.Fatal(err)
	}
	op := w.op
	if provider == "two" {
		op = w.op2
	}
	return callback(op.Walk(w.t, u, subject))
}

func callback(u *url.URL) broker.Callback {
	q := u.Query()
	return broker.Callback{
		Code: broker.Secret(q.Get("code")), State: broker.Secret(q.Get("state")), Issuer: q.Get("iss"), HasIssuer: q.Has("iss"),
		Error: q.Get("error"), ErrorDescription: q.Get("error_description"),
	}
}

func (w *world) back(b *browser, provider string, cb broker.Callback) (linking.Result, error) {
	return w.Finish(w.t.Context(), linking.FinishRequest{Provider: provider, Browser: b.cookie, Session: b.session, Callback: cb})
}

// journey is out and back, and wants no error.
func (w *world) journey(b *browser, provider string, purpose broker.Purpose, subject string) linking.Result {
	w.t.Helper()
	res, err := w.back(b, provider, w.out(b, provider, purpose, subject))
	if err != nil {
		w.t.Fatalf("%s at %s as %s: %v", purpose, provider, subject, err)
	}
	return res
}

// link links subject to u after a recent sign-in.
func (w *world) link(u broker.User, provider, subject string) linking.Result {
	w.t.Helper()
	return w.journey(newBrowser().signedIn(u, time.Minute), provider, broker.PurposeLink, subject)
}

// state is everything that a refused step must leave alone.
type state struct {
	identities, accounts, tokens, events int
}

func (w *world) state(users ...broker.User) state {
	w.t.Helper()
	ctx := context.Background()
	var s state
	for _, u := range users {
		ids, err := w.db.IdentitiesOf(ctx, u.ID)
		must(w.t, err)
		accounts, err := w.db.RemoteAccountsOf(ctx, u.ID)
		must(w.t, err)
		for _, a := range accounts {
			tokens, err := w.db.RemoteTokens(ctx, a.ID)
			must(w.t, err)
			s.tokens += len(tokens)
		}
		s.identities += len(ids)
		s.accounts += len(accounts)
	}
	events, err := w.db.Events(ctx, "", 1000)
	must(w.t, err)
	s.events = len(events)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// inbox reads the mails that wait in the outbox.
type inbox struct {
	mu    sync.Mutex
	mails map[string][]broker.Mail
}

func (in *inbox) last(db *store.DB, to string) (broker.Mail, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	entries, err := db.ClaimOutbox(context.Background(), 100, time.Now(), time.Hour)
	if err != nil {
		return broker.Mail{}, err
	}
	if in.mails == nil {
		in.mails = map[string][]broker.Mail{}
	}
	for _, e := range entries {
		var m broker.Mail
		if err := json.Unmarshal(e.Payload, &m); err != nil {
			return m, err
		}
		in.mails[m.To] = append(in.mails[m.To], m)
	}
	all := in.mails[to]
	if len(all) == 0 {
		return broker.Mail{}, fmt.Errorf("no mail to %s", to)
	}
	return all[len(all)-1], nil
}

// begin fills in the sign-up form of a login and follows the link in the mail.
func (w *world) begin(name string, login broker.Login) (broker.User, error) {
	ctx := context.Background()
	accounts := local.New(w.db, w.Linker, local.Options{Issuer: base})
	email := name + "@mail.example"
	if err := accounts.SignUp(ctx, login, local.SignUpForm{Email: email, Name: name}); err != nil {
		return broker.User{}, err
	}
	m, err := w.inbox.last(w.db, email)
	if err != nil {
		return broker.User{}, err
	}
	_, token, _ := strings.Cut(m.Data["link"], "token=")
	u, _, err := accounts.Prove(ctx, broker.Secret(token), "")
	return u, err
}
