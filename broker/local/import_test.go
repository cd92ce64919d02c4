package local

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/store"
	"idbroker/store/storetest"
)

// importing is Accounts that know ORCID and the salt of an Invenio.
func importing(t *testing.T, db *store.DB) *Accounts {
	t.Helper()
	reg, err := providers.New(providers.Options{BaseURL: "https://id.example.org", Apps: []providers.App{{ID: "orcid", Kind: "orcid", ClientID: "c", ClientSecret: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	return New(db, linking.New(db, reg, linking.Options{}), Options{Issuer: "https://id.example.org", Hashing: cheapest, HMACKey: "s3cr3t-salt"})
}

const carberry = "0000-0002-1825-0097"

// TestImportedAccounts: people come with what they had, sign in with the password
// that they had, and have a hash of ours from then on. A second run changes nothing.
func TestImportedAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := importing(t, db), t.Context()
		began := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
		var all []Imported
		kinds := slices.Sorted(maps.Keys(foreignHashes))
		for i, kind := range kinds {
			n := Imported{Email: "p" + strconv.Itoa(i) + "@Example.org", EmailVerified: true, Name: kind, Username: "user" + strconv.Itoa(i), Locale: "pt_BR", CreatedAt: began, PasswordHash: broker.Secret(foreignHashes[kind])}
			if hash, double := strings.CutPrefix(foreignHashes[kind], doubleHash); double {
				n.PasswordHash, n.DoubleHash = broker.Secret(hash), true
			}
			all = append(all, n)
		}
		all[0].Identities = []broker.UserIdentity{{Provider: "orcid", Subject: carberry}}
		all[1].Disabled = true
		for run, want := range []int{len(all), 0} {
			i := a.Import()
			for _, n := range all {
				if known, err := i.Check(ctx, n); err != nil || known != (run > 0) {
					t.Fatalf("run %d, %s: known %v, %v", run, n.Name, known, err)
				}
			}
			if n, err := i.Write(ctx, all); n != want || err != nil {
				t.Fatalf("run %d: %d written, %v", run, n, err)
			}
		}
		for i, kind := range kinds {
			email := "p" + strconv.Itoa(i) + "@example.org"
			u, err := db.UserByEmail(ctx, email)
			if err != nil {
				t.Fatal(err)
			}
			if !u.EmailProven() || !u.CreatedAt.Equal(began) || u.Username != "user"+strconv.Itoa(i) || u.Locale != "pt-BR" || u.Admin || u.Disabled() != (i == 1) {
				t.Errorf("%s: %+v", kind, u)
			}
			_, _, err = a.Authenticate(ctx, email, foreignPassword(kind))
			if i == 1 {
				if !errors.Is(err, broker.ErrDisabled) {
					t.Errorf("disabled: %v", err)
				}
				continue
			}
			if u, _ = db.User(ctx, u.ID); err != nil || !strings.HasPrefix(u.PasswordHash.Reveal(), "$argon2id$v=19$m=64,t=1,p=1$") {
				t.Errorf("%s: %v, or not upgraded", kind, err)
			}
			if _, _, err := a.Authenticate(ctx, email, foreignPassword(kind)); err != nil {
				t.Errorf("%s, after the upgrade: %v", kind, err)
			}
		}
		known, err := db.KnownIdentity(ctx, "orcid", "https://orcid.org", carberry)
		if err != nil || known.Owner.Email != "p0@example.org" || known.Account.ID == "" {
			t.Errorf("identity: %+v, %v", known, err)
		}
	})
}

// TestUnprovenImportGoesToItsReader: somebody filled in another person's address
// in the old system, with a password and an identity of their own. Whoever reads the mail of
// the address gets the account without either.
func TestUnprovenImportGoesToItsReader(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := importing(t, db), t.Context()
		if _, err := a.Import().Write(ctx, []Imported{{
			Email: "ada@example.org", PasswordHash: broker.Secret(foreignHashes["bcrypt"]),
			Identities: []broker.UserIdentity{{Provider: "orcid", Subject: carberry}},
		}}); err != nil {
			t.Fatal(err)
		}
		u, err := db.UserByEmail(ctx, "ada@example.org")
		if err != nil || u.EmailVerified() {
			t.Fatalf("%+v, %v", u, err)
		}
		token := broker.NewSecret()
		at := time.Now()
		if err := db.CreateMailToken(ctx, broker.MailToken{Hash: token.Hash(), Purpose: broker.MailReset, Email: u.Email, UserID: u.ID, Version: u.Version, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if u, err = a.Reset(ctx, token, "purple tigers jump"); err != nil || !u.EmailProven() {
			t.Fatalf("%+v, %v", u, err)
		}
		if _, err := db.KnownIdentity(ctx, "orcid", "https://orcid.org", carberry); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the stranger's identity still opens the account: %v", err)
		}
		if _, _, err := a.Authenticate(ctx, u.Email, foreignPassword("bcrypt")); !errors.Is(err, ErrWrongLogin) {
			t.Errorf("the stranger's password: %v", err)
		}
	})
}

// TestImportProblems: each is found before anything is written, by its field.
func TestImportProblems(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := importing(t, db), t.Context()
		if _, err := a.Import().Write(ctx, []Imported{{
			Email: "here@example.org", EmailVerified: true, Username: "Here", Identities: []broker.UserIdentity{{Provider: "orcid", Subject: carberry}},
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.SetDomain(ctx, "blocked.example", broker.DomainBlocked, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Import().Check(ctx, Imported{Email: "old@blocked.example", Disabled: true}); err != nil {
			t.Error(err)
		}
		i := a.Import()
		orcid := func(subject, issuer string) []broker.UserIdentity {
			return []broker.UserIdentity{{Provider: "orcid", Issuer: issuer, Subject: subject}}
		}
		for _, n := range []Imported{ // in order, the first of each is fine
			{Email: "first@example.org", Username: "first", Identities: orcid("0000-0001", "https://orcid.org")},
			{Email: "here@example.org", Username: "here", Identities: orcid(carberry, "")},
		} {
			if _, err := i.Check(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			field string
			n     Imported
		}{
			{"email", Imported{Email: "FIRST@example.org"}},
			{"email", Imported{Email: "nobody"}},
			{"email", Imported{}},
			{"email", Imported{Email: "ada@sub.blocked.example"}},
			{"email", Imported{Email: "bob@blocked.example", EmailVerified: true}},
			{"name", Imported{Email: "a1@example.org", Name: "x\x00"}},
			{"username", Imported{Email: "a2@example.org", Username: "FIRST"}},
			{"username", Imported{Email: "a3@example.org", Username: "hERE"}},
			{"username", Imported{Email: "a4@example.org", Username: "a b"}},
			{"locale", Imported{Email: "a5@example.org", Locale: "German, please"}},
			{"password_hash", Imported{Email: "a6@example.org", PasswordHash: "plain text"}},
			{"password_hash", Imported{Email: "a7@example.org", PasswordHash: "$scrypt$ln=30,r=8,p=1$A2BszRmjVOpdC0EIISRkLA$FDrkkPEII1xO6hi8wGxJ3TMbMua8tKVp1aM5LgPAQf4"}},
			{"confirmed_at", Imported{Email: "c1@example.org", ConfirmedAt: time.Now().Add(time.Hour)}},
			{"verified_at", Imported{Email: "c2@example.org", VerifiedAt: time.Now().Add(time.Hour)}},
			{"blocked_at", Imported{Email: "c3@example.org", BlockedAt: time.Now().Add(time.Hour)}},
			{"verified_at", Imported{Email: "c4@example.org", VerifiedAt: time.Unix(1, 0), BlockedAt: time.Unix(1, 0)}},
			{"blocked_reason", Imported{Email: "c5@example.org", BlockedReason: "spam"}},
			{"blocked_reason", Imported{Email: "c6@example.org", BlockedAt: time.Unix(1, 0), BlockedReason: "spam\u202e"}},
			{"blocked_reason", Imported{Email: "c7@example.org", BlockedAt: time.Unix(1, 0), BlockedReason: strings.Repeat("x", broker.MaxReason+1)}},
			{"double_hash", Imported{Email: "a8@example.org", DoubleHash: true}},
			{"created_at", Imported{Email: "a9@example.org", CreatedAt: time.Now().Add(time.Hour)}},
			{"identities", Imported{Email: "b1@example.org", Identities: orcid("0000-0001", "")}},
			{"identities", Imported{Email: "b2@example.org", Identities: orcid(carberry, "")}},
			{"identities", Imported{Email: "b3@example.org", Identities: orcid("", "")}},
			{"identities", Imported{Email: "b4@example.org", Identities: orcid("\u202e", "")}},
			{"identities", Imported{Email: "b7@example.org", Identities: orcid(strings.Repeat("1", maxSubject+1), "")}},
			{"identities", Imported{Email: "b8@example.org", Identities: orcid("\xff", "")}},
			{"identities", Imported{Email: "b5@example.org", Identities: orcid("0000-0003", "https://evil.example")}},
			{"identities", Imported{Email: "b6@example.org", Identities: []broker.UserIdentity{{Provider: "nowhere", Subject: "1"}}}},
		} {
			var bad *ImportError
			if _, err := i.Check(ctx, tt.n); !errors.As(err, &bad) || bad.Fields[tt.field] == nil || len(bad.Fields) != 1 {
				t.Errorf("%s of %+v: %v", tt.field, tt.n, err)
				continue
			}
			if strings.Contains(bad.Fields[tt.field].Error(), "A2Bsz") {
				t.Errorf("%s: the problem repeats the hash", tt.field)
			}
			if errors.Is(bad.Fields[tt.field], errImportRepeated) {
				continue // alone it is fine
			}
			n, err := i.Write(ctx, []Imported{{Email: "with@example.org"}, tt.n})
			if all, _ := db.CountUsers(ctx); err == nil || n != 0 || all != 1 {
				t.Errorf("%s: written anyhow, or half: %d, %v", tt.field, n, err)
			}
		}
	})
}

// TestImportTakesNothing: a line of a file takes neither the username nor the identity of
// somebody who is here already, also where no other line names them.
func TestImportTakesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := importing(t, db), t.Context()
		theirs := []broker.UserIdentity{{Provider: "orcid", Subject: carberry}}
		if _, err := a.Import().Write(ctx, []Imported{{Email: "here@example.org", EmailVerified: true, Username: "Here", Identities: theirs}}); err != nil {
			t.Fatal(err)
		}
		here, err := db.UserByEmail(ctx, "here@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if events, err := db.Events(ctx, here.ID, 9); err != nil || !slices.ContainsFunc(events, func(e broker.Event) bool { return e.Name == broker.EventUserCreated }) {
			t.Errorf("the audit trail of an imported account: %+v, %v", events, err)
		}
		for field, n := range map[string]Imported{
			"username":   {Email: "eve@example.org", Username: "hERE"},
			"identities": {Email: "eve@example.org", Identities: theirs},
		} {
			var bad *ImportError
			if _, err := a.Import().Check(ctx, n); !errors.As(err, &bad) || bad.Fields[field] == nil || len(bad.Fields) != 1 {
				t.Errorf("%s: %v", field, err)
			}
			if written, err := a.Import().Write(ctx, []Imported{n}); err == nil || written != 0 {
				t.Errorf("%s: written: %d, %v", field, written, err)
			}
		}
		if now, err := db.User(ctx, here.ID); err != nil || now.Username != "Here" {
			t.Errorf("%+v, %v", now, err)
		}
	})
}
