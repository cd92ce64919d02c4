package local_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// domained is accounts where a status holds for domains that nobody decided about.
func domained(t *testing.T, db *store.DB, fallback broker.DomainStatus) *local.Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: issuer})
	must(t, err)
	return local.New(db, linking.New(db, reg, linking.Options{}), local.Options{Issuer: issuer, Hashing: cheap, Domains: fallback})
}

func decide(t *testing.T, a *local.Accounts, name string, status broker.DomainStatus) {
	t.Helper()
	_, err := a.SetDomain(t.Context(), name, status, nil)
	must(t, err)
}

// form signs somebody up and returns the secret that was mailed.
func form(t *testing.T, db *store.DB, a *local.Accounts, email string) (broker.Secret, error) {
	t.Helper()
	login, _ := newLogin()
	if err := a.SignUp(t.Context(), login, local.SignUpForm{Email: email, Password: good}); err != nil {
		return "", err
	}
	sent := mails(t, db)
	if len(sent) != 1 || sent[0].Template != "sign-up" {
		t.Fatalf("%+v", sent)
	}
	return tokenOf(t, sent[0]), nil
}

func nobodyHas(t *testing.T, db *store.DB, email string) {
	t.Helper()
	if u, err := db.UserByEmail(t.Context(), email); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("%s: %+v, %v", email, u, err)
	}
}

// TestBlockedDomain: no spelling of a blocked domain and no sub-domain of it gets an
// account, by whichever way one begins; its neighbours do.
func TestBlockedDomain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		_ = signUp(t, db, a, "first@sub.evil.example") // so that the sub-domain is noted, before anybody decides
		decide(t, a, "evil.example", broker.DomainBlocked)
		decide(t, a, "xn--bcher-kva.example", broker.DomainBlocked)
		decide(t, a, "good.evil.example", broker.DomainNew)
		for _, email := range []string{
			"x@evil.example", "x@EVIL.example", "x@sub.evil.example", "x@a.b.evil.example", "x@\uff45vil.example", "x@evil\u3002example",
			"x@ev\u00adil.example", "x@b\u00fccher.example", "x@bu\u0308cher.example", "x@XN--bcher-kva.example", "x@sub.b\u00fccher.example", "x@bad.good2.evil.example",
			"x@evil.example.", "x@evil.example\u3002", "x@evil.example\uff0e", "x@evil.example\uff61", "x@evil.example.\u3002", "x@sub\uff0eevil.example",
		} {
			if _, err := form(t, db, a, email); !errors.Is(err, local.ErrDomainBlocked) && !errors.Is(err, broker.ErrEmail) {
				t.Errorf("form, %q: %v", email, err)
			}
			if _, err := a.Create(ctx, local.NewUser{Email: email}); !errors.Is(err, local.ErrDomainBlocked) && !errors.Is(err, broker.ErrEmail) {
				t.Errorf("operator, %q: %v", email, err)
			}
			normal, err := broker.NormalizeEmail(email)
			if err != nil {
				continue
			}
			err = db.InTx(ctx, func(ctx context.Context) error {
				_, err := a.Begin(ctx, broker.SignUp{Email: normal}, "hub", time.Now())
				return err
			})
			if !errors.Is(err, local.ErrDomainRefused) {
				t.Errorf("provider, %q: %v", email, err)
			}
			nobodyHas(t, db, normal)
		}
		for _, email := range []string{"x@notevil.example", "x@evil.example.org", "x@good.evil.example", "x@sub.good.evil.example", "evil.example@fine.example"} {
			if u := signUp(t, db, a, email); u.Disabled() {
				t.Errorf("%+v", u)
			}
		}
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("%+v", sent)
		}
	})
}

// TestBlockedMeanwhile: what an operator decides between the form and the proof counts,
// and the refused proof has changed nothing.
func TestBlockedMeanwhile(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, ctx := storetest.Open(t, dsn), t.Context()
		a, replica := accounts(t, db), accounts(t, storetest.Open(t, dsn))
		token, err := form(t, db, a, "eve@evil.example")
		must(t, err)
		decide(t, replica, "evil.example", broker.DomainBlocked)
		if _, _, err := a.Prove(ctx, token, ""); !errors.Is(err, local.ErrDomainRefused) {
			t.Errorf("%v", err)
		}
		nobodyHas(t, db, "eve@evil.example")
		decide(t, replica, "evil.example", broker.DomainNew)
		if _, _, err := a.Prove(ctx, token, ""); err != nil {
			t.Errorf("the refusal has spent the link: %v", err)
		}
	})
}

// TestAddressMovesToABlockedDomain: by the person and by an operator, asked for and
// proven; what was the person's own before comes back.
func TestAddressMovesToABlockedDomain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		decide(t, a, "evil.example", broker.DomainBlocked)
		if err := a.RequestEmail(ctx, s, "ada@sub.evil.example"); !errors.Is(err, local.ErrDomainBlocked) {
			t.Errorf("asked: %v", err)
		}
		if _, err := a.ChangeEmail(ctx, u.ID, "ada@evil.example"); !errors.Is(err, local.ErrDomainBlocked) {
			t.Errorf("operator: %v", err)
		}
		token := asked(t, db, a, s, "ada@later.example")
		decide(t, a, "later.example", broker.DomainBlocked)
		if _, err := a.EmailFor(ctx, s, token); !errors.Is(err, local.ErrDomainBlocked) {
			t.Errorf("looked at: %v", err)
		}
		if _, err := a.ConfirmEmail(ctx, s, token); !errors.Is(err, local.ErrDomainRefused) {
			t.Errorf("proven: %v", err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || got.Email != "ada@example.org" || got.Version != u.Version {
			t.Errorf("%+v, %v", got, err)
		}
		back := moved(t, db, a, s, "thief@fine.example")
		decide(t, a, "example.org", broker.DomainBlocked)
		if got, err := a.TakeEmailBack(ctx, back); err != nil || got.Email != "ada@example.org" {
			t.Errorf("taken back: %+v, %v", got, err)
		}
	})
}

// TestReclaimAtABlockedDomain: an address that only a provider vouched for, or that an
// operator gave, is not proven any more there; who had proven it goes on.
func TestReclaimAtABlockedDomain(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	for name, edit := range map[string]func(*broker.User){
		"vouched":    func(u *broker.User) { u.EmailVouchedBy = "hub" },
		"not proven": func(u *broker.User) { u.EmailVerifiedAt = time.Time{} },
		"both":       func(u *broker.User) { u.EmailVouchedBy, u.EmailVerifiedAt = "hub", time.Time{} },
		"proven":     func(*broker.User) {},
	} {
		decide(t, a, "evil.example", broker.DomainNew)
		u := signUp(t, db, a, strings.ReplaceAll(name, " ", "")+"@evil.example")
		edit(&u)
		must(t, db.UpdateUser(ctx, u))
		must(t, a.RequestReset(ctx, u.Email))
		token := tokenOf(t, mails(t, db)[0])
		decide(t, a, "evil.example", broker.DomainBlocked)
		_, err := a.Reset(ctx, token, "another good one")
		if name == "proven" {
			must(t, err)
			mails(t, db) // that the password was changed
			continue
		}
		if !errors.Is(err, local.ErrDomainRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || got.EmailVouchedBy != u.EmailVouchedBy || got.PasswordHash != u.PasswordHash {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestModeratedDomain: the newcomer waits, is told, gets in by no way, and is told
// again when an operator lets them in.
func TestModeratedDomain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		decide(t, a, "example.org", broker.DomainModerated)
		u := signUp(t, db, a, "ada@sub.example.org")
		if !u.Waiting() || !u.Disabled() || !u.EmailProven() {
			t.Fatalf("%+v", u)
		}
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "waiting" || sent[0].To != u.Email {
			t.Errorf("%+v", sent)
		}
		_, _, err := a.Authenticate(ctx, u.Email, good)
		if e, ok := errors.AsType[*broker.Error](err); !ok || e.Words() != "account.waiting" {
			t.Errorf("right password: %v", err)
		}
		if _, _, err := a.Authenticate(ctx, u.Email, "wrong password"); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("wrong password: %v", err)
		}
		must(t, a.RequestReset(ctx, u.Email))
		if sent := mails(t, db); len(sent) != 0 {
			t.Errorf("%+v", sent)
		}
		if list, err := db.UsersWho(ctx, broker.UserFilter{Waiting: true}, "", 9); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		must(t, a.SetState(ctx, u.ID, broker.OpBlock, "no"))
		must(t, a.SetState(ctx, u.ID, broker.OpUnblock, "")) // waits as before
		if _, _, err := a.Authenticate(ctx, u.Email, good); !errors.Is(err, broker.ErrDisabled) || len(mails(t, db)) != 0 {
			t.Errorf("unblocked: %v", err)
		}
		must(t, a.SetState(ctx, u.ID, broker.OpActivate, ""))
		if sent := mails(t, db); len(sent) != 1 || sent[0].Template != "activated" {
			t.Errorf("%+v", sent)
		}
		if _, _, err := a.Authenticate(ctx, u.Email, good); err != nil {
			t.Errorf("activated: %v", err)
		}
		if made, err := a.Create(ctx, local.NewUser{Email: "op@example.org"}); err != nil || made.Waiting() {
			t.Errorf("made by an operator: %+v, %v", made, err)
		}
	})
}

// TestVerifiedDomain: its word comes with the proof and goes with the address; an
// operator's stays.
func TestVerifiedDomain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		before := signUp(t, db, a, "before@uni.example")
		decide(t, a, "uni.example", broker.DomainVerified)
		u := signUp(t, db, a, "ada@cs.uni.example")
		if !u.Verified() || u.VerifiedBy != "uni.example" || before.Verified() {
			t.Fatalf("%+v", u)
		}
		back := moved(t, db, a, startSession(t, db, u), "ada@home.example")
		if got, err := db.User(ctx, u.ID); err != nil || got.Verified() || got.VerifiedBy != "" {
			t.Errorf("moved away: %+v, %v", got, err)
		}
		if _, err := a.TakeEmailBack(ctx, back); err != nil {
			t.Error(err)
		}
		if got, err := db.User(ctx, u.ID); err != nil || got.VerifiedBy != "uni.example" {
			t.Errorf("back: %+v, %v", got, err)
		}
		must(t, a.SetState(ctx, u.ID, broker.OpVerify, ""))
		_ = moved(t, db, a, startSession(t, db, u), "ada@home.example")
		if got, err := db.User(ctx, u.ID); err != nil || !got.Verified() || got.VerifiedBy != "" {
			t.Errorf("an operator's word: %+v, %v", got, err)
		}
		// Whoever re-claims the account is not who was vouched for.
		got, err := db.User(ctx, u.ID)
		must(t, err)
		got.EmailVouchedBy = "hub"
		must(t, db.UpdateUser(ctx, got))
		must(t, a.RequestReset(ctx, got.Email))
		sent := mails(t, db)
		_, err = a.Reset(ctx, tokenOf(t, sent[len(sent)-1]), "another good one")
		must(t, err)
		if got, err := db.User(ctx, u.ID); err != nil || got.Verified() {
			t.Errorf("re-claimed: %+v, %v", got, err)
		}
	})
}

// TestOnlyThoseWeKnow: where everything is blocked but what an operator has set, a
// domain that was noted before does not open it.
func TestOnlyThoseWeKnow(t *testing.T) {
	db := storetest.New(t)
	_ = signUp(t, db, accounts(t, db), "first@example.org")
	a := domained(t, db, broker.DomainBlocked)
	decide(t, a, "uni.example", broker.DomainNew)
	if _, err := form(t, db, a, "second@example.org"); !errors.Is(err, local.ErrDomainBlocked) {
		t.Errorf("%v", err)
	}
	_ = signUp(t, db, a, "ada@cs.uni.example")
	if _, _, err := a.Authenticate(t.Context(), "first@example.org", good); err != nil {
		t.Errorf("who was there before: %v", err)
	}
	if u := signUp(t, db, domained(t, db, broker.DomainModerated), "third@other.example"); !u.Waiting() {
		t.Errorf("%+v", u)
	}
}

func TestImportAndPeopleOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := accounts(t, db), t.Context()
		var want []broker.UserID
		for _, email := range []string{"a@evil.example", "b@x.evil.example"} {
			want = append(want, signUp(t, db, a, email).ID)
		}
		for _, email := range []string{"c@good.evil.example", "d@notevil.example"} {
			_ = signUp(t, db, a, email)
		}
		decide(t, a, "good.evil.example", broker.DomainNew)
		slices.Sort(want)
		got, err := a.PeopleOf(ctx, "evil.example")
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, want %v, %v", got, want, err)
		}
		must(t, a.SetState(ctx, want[0], broker.OpBlock, ""))
		if got, err := a.PeopleOf(ctx, "evil.example"); err != nil || !slices.Equal(got, want[1:]) {
			t.Errorf("%v, %v", got, err)
		}

		names := []string{"evil.example", "good.evil.example"}
		for i := range 600 { // more than one unit of work
			names = append(names, "d"+strings.Repeat("x", i%50)+string(rune('a'+i%26))+strings.Repeat("y", i/26)+".example")
		}
		slices.Sort(names)
		names = slices.Compact(names)
		n, err := a.ImportDomains(ctx, names, broker.DomainBlocked, "a list")
		if err != nil || n != len(names)-1 {
			t.Errorf("%d of %d, %v", n, len(names), err)
		}
		for name, status := range map[string]broker.DomainStatus{"evil.example": broker.DomainBlocked, "good.evil.example": broker.DomainNew} {
			if d, err := db.DomainsNamed(ctx, []string{name}); err != nil || len(d) != 1 || d[0].Status != status || (d[0].FlaggedBy != "") != (status == broker.DomainBlocked) {
				t.Errorf("%+v, %v", d, err)
			}
		}
		if n, err := a.ImportDomains(ctx, names, broker.DomainVerified, "another"); err != nil || n != 0 {
			t.Errorf("decisions were changed: %d, %v", n, err)
		}
	})
}

// TestImportedFromABlockedDomain: the file says which line, and nothing of it gets in
// behind that; a domain that vouches does so for who has proven the address there.
func TestImportedFromABlockedDomain(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	decide(t, a, "evil.example", broker.DomainBlocked)
	decide(t, a, "uni.example", broker.DomainVerified)
	i := a.Import()
	for _, proven := range []bool{true, false} {
		bad := local.Imported{Email: "x@sub.evil.example", EmailVerified: proven}
		var why *local.ImportError
		if _, err := i.Check(ctx, bad); !errors.As(err, &why) || why.Fields["email"] == nil {
			t.Errorf("checked: %v", err)
		}
		if n, err := i.Write(ctx, []local.Imported{bad}); err == nil || n != 0 {
			t.Errorf("written: %d, %v", n, err)
		}
		i = a.Import()
	}
	n, err := i.Write(ctx, []local.Imported{{Email: "a@uni.example", EmailVerified: true}, {Email: "b@uni.example"}})
	if err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	for email, want := range map[string]bool{"a@uni.example": true, "b@uni.example": false} {
		if u, err := db.UserByEmail(ctx, email); err != nil || u.Verified() != want {
			t.Errorf("%+v, %v", u, err)
		}
	}
}
