package linking_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/store"
)

// real walks over the service: linking.Linker and local.Accounts over a database.
// The remote apps are scripted, since a provider that signs and an HTTP hop would
// cost a hundred steps; package providers has its own tests.
type real struct {
	t    testing.TB
	dsn  string
	keys store.Keyring
	db   *failing
	over rooms // what the service knows of the database
	watch
	apps     *scripted
	linkers  map[bool]*linking.Linker // by whether passwords open accounts
	accounts map[local.Codes]*local.Accounts
	open     bool         // passwords open accounts
	loose    bool         // the pages do not look whose browser it is
	keeps    bool         // a re-claim leaves links alone
	deletes  bool         // an account is being deleted
	calls    atomic.Int64 // of the service

	mu      sync.Mutex
	users   []broker.UserID
	cookies [seats]broker.Secret
	rows    [seats]string // hashes of the sessions' cookies; "" none
	states  []broker.Secret
	logins  map[int]broker.LoginID
	secrets []broker.Secret         // of changes
	slots   map[int][]broker.Secret // what finish mailed
	tokens  []broker.Secret         // of forms
	resets  []broker.Secret
	former  map[int]string // addresses of users who are gone

	codePolicy local.Codes
	codes      []broker.Secret // "" it was mailed to nobody
	hour       time.Time       // of the clock, when codes were last counted
	hours      int             // that passed
}

// hashing is as cheap as it can be made.
var hashing = local.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}

// passwordOf is the password of a user.
func passwordOf(u int) broker.Secret { return broker.Secret(fmt.Sprint("correct horse battery ", u)) }

// rooms is what the rooms need of the database.
type rooms interface {
	linking.Store
	local.Store
}

func newReal(t testing.TB, dsn string) *real {
	t.Helper()
	r := &real{t: t, dsn: dsn, keys: store.NewKeyring(), db: &failing{}, apps: &scripted{}, watch: newWatch(t, dsn), linkers: map[bool]*linking.Linker{}, accounts: map[local.Codes]*local.Accounts{}}
	r.over = r.db
	r.build()
	t.Cleanup(func() { r.must(r.db.Close()) })
	return r
}

// anyLinker is the linker of the moment.
type anyLinker struct{ r *real }

func (a anyLinker) Attach(ctx context.Context, u broker.User, p broker.Profile, at time.Time) error {
	return a.r.linker().Attach(ctx, u, p, at)
}
func (a anyLinker) OpenIdentities(ctx context.Context, u broker.UserID) (int, error) {
	return a.r.linker().OpenIdentities(ctx, u)
}

func (a anyLinker) DetachAll(ctx context.Context, u broker.UserID, at time.Time) error {
	if a.r.keeps && !a.r.deletes {
		return nil
	}
	return a.r.linker().DetachAll(ctx, u, at)
}
func (a anyLinker) DetachSince(ctx context.Context, u broker.UserID, since, at time.Time) error {
	return a.r.linker().DetachSince(ctx, u, since, at)
}

func (a anyLinker) RestoreSince(ctx context.Context, u broker.UserID, since, at time.Time) error {
	return a.r.linker().RestoreSince(ctx, u, since, at)
}
func (a anyLinker) OwnerOf(ctx context.Context, id broker.UserIdentity) (broker.UserID, error) {
	return a.r.linker().OwnerOf(ctx, id)
}
func (a anyLinker) Adopt(ctx context.Context, id broker.UserIdentity) error {
	return a.r.linker().Adopt(ctx, id)
}
func (a anyLinker) Provider(id string) (broker.Provider, bool) { return a.r.linker().Provider(id) }
func (a anyLinker) Title(provider string) string               { return a.r.linker().Title(provider) }

func (r *real) linker() *linking.Linker { r.calls.Add(1); return r.linkers[r.open] }
func (r *real) local() *local.Accounts  { r.calls.Add(1); return r.accounts[r.codePolicy] }
func (r *real) served() int64           { return r.calls.Load() }

// reset empties the world for the next walk.
func (r *real) reset() {
	r.empty()
	r.db.reset()
	r.apps.policies, r.apps.hostile = newModel().policies, newModel().hostile
	r.open = true
	r.users, r.states, r.secrets, r.tokens, r.resets = nil, nil, nil, nil, nil
	r.former = map[int]string{}
	r.codes, r.codePolicy, r.hour, r.hours = nil, newModel().codesFor, time.Now().Truncate(time.Hour), 0
	r.logins, r.slots, r.rows = map[int]broker.LoginID{}, map[int][]broker.Secret{}, [seats]string{}
	for i := range r.cookies {
		r.cookies[i] = broker.NewSecret()
	}
}

// everything is what look reads, in one statement: name of the table, and four values.
const everything = `SELECT 'identity', provider, issuer, subject, user_id FROM user_identities
	UNION ALL SELECT 'account', provider, issuer, subject, user_id FROM remote_accounts
	UNION ALL SELECT 'session', id_hash, user_id, '-', '-' FROM sessions
	UNION ALL SELECT 'user', id, email, CASE WHEN email_verified_at <> 0 THEN '1' ELSE '0' END || ' ' || CASE WHEN email_vouched_by <> '' THEN email_vouched_by ELSE '-' END,
		CASE WHEN password_hash <> '' THEN '1' ELSE '0' END || ' ' || CASE WHEN disabled_at <> 0 THEN '1' ELSE '0' END FROM users`

func (r *real) look() (map[key]int, int, [seats]int, map[int]string) {
	links, sitting, users := map[key]int{}, [seats]int{}, map[int]string{}
	var identities, beside []string
	for _, line := range r.lines(everything) {
		table, row, _ := strings.Cut(line, " ")
		id, facts, _ := strings.Cut(row, " ")
		switch table {
		case "identity":
			identities = append(identities, row)
		case "account":
			beside = append(beside, row)
		case "user":
			users[r.number(broker.UserID(id))] = facts
		case "session":
			user, _, _ := strings.Cut(facts, " ")
			if at := slices.Index(r.rows[:], id); at >= 0 {
				sitting[at] = r.number(broker.UserID(user))
			} else {
				r.t.Fatalf("a session of %d in no browser", r.number(broker.UserID(user)))
			}
		}
	}
	slices.Sort(identities)
	if slices.Sort(beside); !slices.Equal(identities, beside) {
		r.t.Fatalf("identities %v, remote accounts %v", identities, beside)
	}
	for _, line := range identities {
		var i [4]string
		copy(i[:], strings.Fields(line))
		k := key{i[0], i[2], strings.TrimSuffix(strings.TrimPrefix(i[1], "https://"), ".example")}
		if k.issuer == k.provider {
			k.issuer = ""
		}
		if _, twice := links[k]; twice {
			r.t.Fatalf("%v opens two accounts", k)
		}
		links[k] = r.number(broker.UserID(i[3]))
	}
	return links, r.db.revocations(), sitting, users
}

// register numbers the account that was begun and that nobody was told of.
func (r *real) register() {
	for _, id := range r.lines("SELECT id FROM users") {
		r.seen(broker.UserID(id))
	}
}

func (r *real) must(err error) {
	if err != nil {
		r.t.Helper()
		r.t.Fatal(err)
	}
}

// number tells which user an id is; 0 nobody.
func (r *real) number(id broker.UserID) int { return slices.Index(r.users, id) + 1 }

// session is what stands in the database for a browser, as package web reads it.
func (r *real) session(at int) broker.Session {
	if r.rows[at] == "" { // no cookie, nothing to look for
		return broker.Session{}
	}
	s, err := r.db.Session(context.Background(), r.rows[at])
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		r.t.Fatal(err)
	}
	return s
}

// signIn replaces the session of a browser, as package web does.
func (r *real) signIn(at int, u broker.UserID, how broker.Authentication) {
	ctx, now := context.Background(), time.Now()
	if r.rows[at] != "" {
		r.must(r.db.DeleteSession(ctx, r.rows[at]))
	}
	r.rows[at] = broker.NewSecret().Hash()
	r.must(r.db.CreateSession(ctx, broker.Session{
		IDHash: r.rows[at], SID: broker.NewID(), UserID: u, AuthTime: how.At, AMR: how.AMR, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}))
}

// failing is the database, whose next unit of work may fail when it is to be
// committed, and which knows what was left in the outbox.
type failing struct {
	*store.DB
	mu    sync.Mutex
	fails bool
	loses bool // ... is committed, and nobody is told

	unitless bool // what fails half-way stays
	revoked  int
}

var errCrash = errors.New("the power went out")

var errLost = errors.New("the connection broke after the commit")

type unitKey struct{}

// unit is what a unit of work has left in the outbox so far.
type unit struct {
	mails   []string
	revoked int
}

// mailbag collects the links of the mails of units that were committed.
type mailbagKey struct{}

func (f *failing) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails, f.loses, f.revoked = false, false, 0
}

func (f *failing) revocations() int { f.mu.Lock(); defer f.mu.Unlock(); return f.revoked }

// InTx implements the Store of the rooms.
func (f *failing) InTx(ctx context.Context, fn func(context.Context) error) error {
	if ctx.Value(unitKey{}) != nil {
		return f.DB.InTx(ctx, fn)
	}
	f.mu.Lock()
	fails, loses := f.fails, f.loses
	f.fails, f.loses = false, false
	f.mu.Unlock()
	u, inTx := &unit{}, f.DB.InTx
	if f.unitless {
		inTx = func(ctx context.Context, fn func(context.Context) error) error {
			var refused error
			err := f.DB.InTx(ctx, func(ctx context.Context) error { refused = fn(ctx); return nil })
			return errors.Join(refused, err)
		}
	}
	err := inTx(context.WithValue(ctx, unitKey{}, u), func(ctx context.Context) error {
		*u = unit{}
		if err := fn(ctx); err != nil {
			return err
		}
		if fails {
			return errCrash
		}
		return nil
	})
	if err == nil {
		f.mu.Lock()
		f.revoked += u.revoked
		f.mu.Unlock()
		if bag, ok := ctx.Value(mailbagKey{}).(*[]string); ok {
			*bag = append(*bag, u.mails...)
		}
		if loses {
			err = errLost
		}
	}
	return err
}
