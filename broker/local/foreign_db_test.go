package local_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// invenioHash is the double hash of "correct horse é" under the salt "s3cr3t-salt".
const invenioHash = "$pbkdf2-sha512$25000$MDEyMzQ1Njc4OWFiY2RlZg$uYSEdBQqQ9JX7hGlClLdaeGJm8LIsSORMmyM3iFoW1/H53GBw3OBnhEIiVam3N19qAUUCf98FD8vGXVQ7O8zGw"

// TestImportedPassword: people come with the hash of another system, a wrong
// password changes nothing, and the first right one makes a hash of ours.
func TestImportedPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a := local.New(db, nil, local.Options{Hashing: cheap, HMACKey: "s3cr3t-salt"})
		for email, n := range map[string]local.NewUser{
			"double@example.org": {PasswordHash: invenioHash, DoubleHash: true},
			"crypt@example.org":  {PasswordHash: "$6$eyffFgRRXykraTiF$VhqVCqM/UrHVfptG6yGO0ewP16Iu0pBMC67sfQDVZW9zl6M69rXdmhIaRd0jPJDToZ6LKrp147jCtMGlUPJBm/"},
			"bcrypt@example.org": {PasswordHash: "$2b$04$4H8kxA4afQtLukrACelGaOEVAQN556KWwIFja0lHG2tfVizwV3Kyq"},
			"nfkd@example.org":   {PasswordHash: "$pbkdf2-sha512$1000$SkkphfBey5mTMqaUknJOKQ$iyqxipmZBrqPtF9e9eG0OScsmB4E1.DdsbIwtrL3WQ7/jPnBD61rICmHjYGBWhssFPIb73oXceDTJR0/1fr6Kg"},
		} {
			n.Email = email
			u, err := a.Create(ctx, n)
			must(t, err)
			if !u.HasPassword() || u.PasswordSetAt.IsZero() {
				t.Errorf("%s has no password", email)
			}
			for _, wrong := range []broker.Secret{"", "correct horse e", n.PasswordHash} {
				if _, _, err := a.Authenticate(ctx, email, wrong); !errors.Is(err, local.ErrWrongLogin) {
					t.Errorf("%s: %v", email, err)
				}
			}
			if got, err := db.User(ctx, u.ID); err != nil || got.PasswordHash != u.PasswordHash {
				t.Errorf("%s: a wrong password changed the hash (%v)", email, err)
			}
			_, _, err = a.Authenticate(ctx, email, "correct horse \u00e9")
			must(t, err)
			got, err := db.User(ctx, u.ID)
			must(t, err)
			if !strings.HasPrefix(got.PasswordHash.Reveal(), "$argon2id$") {
				t.Errorf("%s: the hash was not replaced", email)
			}
			if _, _, err := local.New(db, nil, local.Options{Hashing: cheap}).Authenticate(ctx, email, "correct horse e\u0301"); err != nil {
				t.Errorf("%s, after the upgrade: %v", email, err)
			}
		}
	})
}

// TestImportRefuses: no hash that could never be verified, or only at a price,
// gets into the database, and no message repeats it.
func TestImportRefuses(t *testing.T) {
	db := storetest.New(t)
	a, ctx := accounts(t, db), t.Context()
	for _, n := range []local.NewUser{
		{PasswordHash: "correct horse battery"}, {PasswordHash: invenioHash, DoubleHash: true}, // the salt is not there
		{PasswordHash: "$scrypt$ln=30,r=8,p=1$A2BszRmjVOpdC0EIISRkLA$FDrkkPEII1xO6hi8wGxJ3TMbMua8tKVp1aM5LgPAQf4"},
	} {
		n.Email = "ada@example.org"
		_, err := a.Create(ctx, n)
		if err == nil || strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), "A2Bsz") {
			t.Errorf("%v", err)
		}
		if _, err := db.UserByEmail(ctx, n.Email); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the account is there: %v", err)
		}
	}
}

// TestUnreadableHashLooksWrong: a row that nobody can read says to a stranger
// what a wrong password says, and to the operator what it is.
func TestUnreadableHashLooksWrong(t *testing.T) {
	db := storetest.New(t)
	var log strings.Builder
	a := local.New(db, nil, local.Options{Hashing: cheap, Log: slog.New(slog.NewTextHandler(&log, nil))})
	u, err := a.Create(t.Context(), local.NewUser{Email: "ada@example.org", Password: good})
	must(t, err)
	u, err = db.User(t.Context(), u.ID)
	must(t, err)
	u.PasswordHash = "$scrypt$ln=30,r=8,p=1$A2BszRmjVOpdC0EIISRkLA$FDrkkPEII1xO6hi8wGxJ3TMbMua8tKVp1aM5LgPAQf4"
	must(t, db.UpdateUser(t.Context(), u))
	if _, _, err := a.Authenticate(t.Context(), u.Email, good); !errors.Is(err, local.ErrWrongLogin) {
		t.Errorf("%v", err)
	}
	if !strings.Contains(log.String(), "cannot be verified") || !strings.Contains(log.String(), string(u.ID)) || strings.Contains(log.String(), "A2Bsz") {
		t.Errorf("log: %s", log.String())
	}
}

// TestWeakPasswordIsReplaced: who came with a password that nobody may choose here
// signs in with it and chooses another one; only the new one is judged.
func TestWeakPasswordIsReplaced(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		a := local.New(db, nil, local.Options{Hashing: cheap})
		u, err := a.Create(ctx, local.NewUser{
			Email: "ada@example.org", PasswordHash: "$invenio-aes$info@inveniosoftware.org$2111c5afa1b6900ff0a10a662c1ee084a7a7ff58dfad5766ac2aac1744602b80",
		})
		must(t, err)
		if _, _, err := a.Authenticate(ctx, u.Email, "123456"); err != nil {
			t.Fatalf("sign-in: %v", err)
		}
		s := startSession(t, db, u)
		if err := a.ChangePassword(ctx, s, "123456", "1234567"); broker.KindOf(err) != broker.KindInvalid {
			t.Errorf("another weak one: %v", err)
		}
		must(t, a.ChangePassword(ctx, s, "123456", good))
		if _, _, err := a.Authenticate(ctx, u.Email, good); err != nil {
			t.Errorf("with the new one: %v", err)
		}
	})
}
