package local_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/broker/local/passkeytest"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
)

// thiefReal is the real service over a database, as the walks use it: each step says
// whether it was allowed. What people hold is found by the number of the thing.
type thiefReal struct {
	t      *testing.T
	db     *store.DB
	a      *local.Accounts
	l      *linking.Linker
	id     broker.UserID
	host   string // of the mailboxes of this walk
	suffix string // of its usernames

	apps      map[int]broker.Secret
	numbers   map[int]string
	keys      map[int]*passkeytest.Key
	rows      [2]broker.Session
	browsers  [2]broker.Secret // the cookie of one that is remembered; "" none
	sets      [][]string       // recovery codes
	used      map[int]int
	ways      []broker.Mail
	begun     int // sign-ins
	passwords map[int]broker.Secret
}

// walkOptions are the accounts of a walk.
func walkOptions(need, noPassword bool) local.Options {
	return local.Options{
		Issuer: issuer, Hashing: cheap, SMS: true, CodeKeys: [][32]byte{{1}}, FreshFor: freshly, NeedFactors: need, NoPasswords: noPassword,
		Codes: local.CodesOff, RememberFactor: 30 * 24 * time.Hour,
	}
}

func newThiefReal(t *testing.T, db *store.DB, walk int, need, noPassword bool) *thiefReal {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer, Apps: []providers.App{{ID: "hub", Kind: "github", ClientID: "x", ClientSecret: "y"}}})
	must(t, err)
	l := linking.New(db, reg, linking.Options{Issuer: issuer, Passkeys: true, NoPasswords: noPassword, FreshFor: freshly})
	r := &thiefReal{
		t: t, db: db, l: l, a: local.New(db, l, walkOptions(need, noPassword)), host: fmt.Sprintf("@w%d.example.org", walk), suffix: fmt.Sprintf("-w%d", walk),
		apps: map[int]broker.Secret{}, numbers: map[int]string{}, keys: map[int]*passkeytest.Key{}, used: map[int]int{}, passwords: map[int]broker.Secret{1: good},
	}
	mails(t, db) // what is left of the walk before
	r.id = signUp(t, db, accounts(t, db), "ada"+r.host).ID
	mails(t, db)
	return r
}

// ok tells whether a step was allowed. What is no refusal ends the test.
func (r *thiefReal) ok(err error) bool {
	if err == nil {
		return true
	}
	var refused *broker.Error
	var closed *broker.Closed
	if !errors.As(err, &refused) && !errors.As(err, &closed) {
		r.t.Fatalf("no refusal: %v", err)
	}
	return false
}

func (r *thiefReal) user() broker.User { return userOf(r.t, r.db, r.id) }

// in is somebody's session, as each request finds it (web/visit.go).
func (r *thiefReal) in(w who) (broker.Session, bool) {
	if r.rows[w].IDHash == "" {
		return broker.Session{}, false
	}
	s, err := r.db.Session(r.t.Context(), r.rows[w].IDHash)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Session{}, false
	}
	must(r.t, err)
	u := r.user()
	if u.Disabled() || r.a.OwesFactor(u, s.ACR) {
		return broker.Session{}, false
	}
	return s, true
}

// open begins a session, with what an application gets in it.
func (r *thiefReal) open(w who, how broker.Authentication) {
	now := time.Now()
	s := broker.Session{
		IDHash: broker.NewSecret().Hash(), SID: broker.NewID(), UserID: r.id, AuthTime: how.At, AMR: how.AMR, ACR: how.ACR,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(60 * 24 * time.Hour),
	}
	must(r.t, r.db.CreateSession(r.t.Context(), s))
	must(r.t, r.db.CreateGrant(r.t.Context(), broker.Grant{ID: broker.GrantID(broker.NewID()), ClientID: "app", UserID: r.id, SID: s.SID, CreatedAt: now, ExpiresAt: s.ExpiresAt}))
	r.rows[w] = s
	if r.a.RememberFor() > 0 && how.ACR == broker.ACRSecond {
		cookie, err := r.a.Remember(r.t.Context(), r.user(), "")
		must(r.t, err)
		r.browsers[w] = cookie
	}
}

func (r *thiefReal) signIn(w who, first string, key int, password int, second string, id int, next int) bool {
	ctx, u := r.t.Context(), r.user()
	r.begun++
	login := fmt.Sprint("login", r.begun)
	if first == "passkey" {
		_, how, err := r.passkey(key, local.PasskeyAsk{Purpose: broker.PasskeySignIn, Browser: login})
		if r.ok(err) {
			r.open(w, how)
		}
		return err == nil
	}
	u, how, err := r.a.Authenticate(ctx, u.Email, r.passwords[password])
	if !r.ok(err) {
		return false
	}
	if !r.a.OwesFactor(u, how.ACR) {
		r.open(w, how)
		return true
	}
	switch second {
	case "app":
		err = r.a.UseFactor(ctx, r.id, r.code(id))
	case "number":
		err = r.a.UseSMS(ctx, r.id, login, r.texted(u, login, id))
	case "recovery":
		if err = r.a.UseRecovery(ctx, r.id, r.recovery(id)); err == nil {
			r.used[id]++
		}
	case "passkey":
		_, _, err = r.passkey(id, local.PasskeyAsk{Purpose: broker.PasskeyFactor, Browser: login, Login: broker.LoginID(login), User: r.id})
	case "new":
		keys, e := r.a.PasskeysOf(ctx, r.id)
		must(r.t, e)
		if u.HasSecondFactor() || len(keys) > 0 { // what is owed is shown, not set up (web/signin.go)
			return false
		}
		err = r.setUpApp(broker.Session{SID: login, UserID: r.id, AuthTime: how.At, AMR: how.AMR, ACR: how.ACR}, next)
	default:
		return false
	}
	if !r.ok(err) {
		return false
	}
	how.ACR = broker.ACRSecond
	if second == "passkey" {
		how.AMR = append(how.AMR, broker.AMRKey)
	}
	r.open(w, how)
	return true
}

// passkey has a device sign, with a passkey that may be gone.
func (r *thiefReal) passkey(id int, ask local.PasskeyAsk) (broker.User, broker.Authentication, error) {
	options, err := r.a.PasskeyOptions(r.t.Context(), ask, time.Now())
	must(r.t, err)
	if options == "" {
		return broker.User{}, broker.Authentication{}, local.ErrPasskeyGone
	}
	return r.a.UsePasskey(r.t.Context(), ask, r.keys[id].Sign(r.t, options, issuer))
}

func (r *thiefReal) code(id int) string {
	secret, ok := r.apps[id]
	if !ok {
		return "000000"
	}
	code, err := totp.GenerateCode(secret.Reveal(), time.Now())
	must(r.t, err)
	return code
}

// texted is the code that is sent now, where it goes to the number id.
func (r *thiefReal) texted(u broker.User, by string, id int) string {
	err := r.a.SendSMS(r.t.Context(), u, by)
	if !r.ok(err) {
		return "000000"
	}
	if m := r.message(); m.To == r.numbers[id] {
		return m.Code
	}
	return "000000"
}

func (r *thiefReal) recovery(set int) string {
	if set == 0 || r.used[set] >= len(r.sets[set-1]) {
		return "BBBB-BBBB-BBBB"
	}
	return r.sets[set-1][r.used[set]]
}

// show is what w types to show something once more in a session.
func (r *thiefReal) show(s broker.Session, kind string, id int) string {
	switch kind {
	case "recovery":
		return r.recovery(id)
	case "app":
		return r.code(id)
	}
	return r.texted(r.user(), s.SID, id)
}

// shown notes a recovery code that was spent.
func (r *thiefReal) shown(err error, kind string, id int) bool {
	if err == nil && kind == "recovery" {
		r.used[id]++
	}
	return r.ok(err)
}

func (r *thiefReal) setUpApp(s broker.Session, id int) error {
	ctx := r.t.Context()
	if err := r.a.StartFactor(ctx, s); err != nil {
		return err
	}
	f, _, err := r.a.FactorOf(ctx, r.id)
	must(r.t, err)
	r.apps[id] = f.Secret
	codes, err := r.a.ConfirmFactor(ctx, s, r.code(id))
	if err == nil && codes != nil {
		r.sets = append(r.sets, codes)
	}
	return err
}

// collect works the outbox off and keeps the mails that have a way back.
func (r *thiefReal) collect() []broker.Mail {
	all := mails(r.t, r.db)
	for _, m := range all {
		switch m.Template {
		case "email-changed", "passkey-added", "factor-added", "number-added", "unlinked", "closed":
			if m.Data["link"] != "" {
				r.ways = append(r.ways, m)
			}
		}
	}
	return all
}

func (r *thiefReal) token(n int) broker.Secret { return tokenOf(r.t, r.ways[n]) }

// look is what stands, by numbers, and what else the model speaks of.
func (r *thiefReal) look() string {
	ctx, u := r.t.Context(), r.user()
	var stands []string
	factors, err := r.db.Factors(ctx, r.id)
	must(r.t, err)
	counting := 0
	for _, f := range factors {
		if !f.Confirmed() {
			continue
		}
		counting++
		for id, secret := range r.apps {
			if f.Kind == broker.FactorTOTP && secret == f.Secret {
				stands = append(stands, fmt.Sprint("app ", id))
			}
		}
		for id, number := range r.numbers {
			if f.Kind == broker.FactorSMS && number == f.Number() {
				stands = append(stands, fmt.Sprint("number ", id))
			}
		}
	}
	if u.HasSecondFactor() != (counting > 0) {
		r.t.Fatalf("%d factors, and SecondFactorAt %v", counting, u.SecondFactorAt)
	}
	keys, err := r.db.PasskeysOf(ctx, r.id)
	must(r.t, err)
	for _, k := range keys {
		stands = append(stands, "passkey "+strings.TrimPrefix(k.Name, "k"))
	}
	links, err := r.db.IdentitiesOf(ctx, r.id)
	must(r.t, err)
	for _, l := range links {
		stands = append(stands, "link "+l.Subject)
	}
	_, owner := r.in(theOwner)
	_, thief := r.in(theThief)
	box, _, _ := strings.Cut(u.Email, "@")
	return told(stands, box, strings.TrimSuffix(u.Username, r.suffix), u.HasPassword(), u.Closed(), owner, thief, len(r.ways))
}
