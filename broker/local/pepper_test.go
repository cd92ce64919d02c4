package local_test

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// pepperLine is a line of a file of peppers.
func pepperLine(c string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(c, 32))) + "\n"
}

func peppers(t *testing.T, lines ...string) local.Peppers {
	t.Helper()
	p, err := local.ParsePeppers(broker.Secret(strings.Join(lines, "")))
	must(t, err)
	return p
}

// TestPepperIsRotated: a pepper is taken up, replaced and followed at the next
// sign-ins, and one that hashes still need can go only at their cost.
func TestPepperIsRotated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var log strings.Builder
		with := func(lines ...string) *local.Accounts {
			return local.New(db, nil, local.Options{Hashing: cheap, Peppers: peppers(t, lines...), Log: slog.New(slog.NewTextHandler(&log, nil))})
		}
		old, next := pepperLine("o"), pepperLine("n")
		u, err := with().Create(ctx, local.NewUser{Email: "ada@example.org", Password: good})
		must(t, err)
		hash := func() string {
			got, err := db.User(ctx, u.ID)
			must(t, err)
			return got.PasswordHash.Reveal()
		}
		seen := map[string]bool{}
		for _, step := range []struct {
			lines []string
			hash  string // how it begins afterwards
		}{{nil, "$argon2id$"}, {[]string{old}, "$pepper="}, {[]string{old}, "$pepper="}, {[]string{next, old}, "$pepper="}, {[]string{next}, "$pepper="}} {
			for _, wrong := range []broker.Secret{"wrong", "", good + "\x00"} {
				if _, _, err := with(step.lines...).Authenticate(ctx, u.Email, wrong); !errors.Is(err, local.ErrWrongLogin) {
					t.Errorf("%q: %v", wrong.Reveal(), err)
				}
			}
			if _, _, err := with(step.lines...).Authenticate(ctx, u.Email, good); err != nil {
				t.Fatalf("%v: %v", step.lines, err)
			}
			if !strings.HasPrefix(hash(), step.hash) {
				t.Errorf("%v: the hash is %.12s", step.lines, hash())
			}
			seen[hash()] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d hashes, want one without and one of each pepper, and no hash made twice", len(seen))
		}
		for _, lost := range [][]string{nil, {old}} {
			if _, _, err := with(lost...).Authenticate(ctx, u.Email, good); !errors.Is(err, local.ErrWrongLogin) {
				t.Errorf("without its pepper: %v", err)
			}
		}
		if !strings.Contains(log.String(), "accounts.pepper") || strings.Contains(log.String(), old[:20]) || strings.Contains(log.String(), next[:20]) {
			t.Errorf("log: %s", log.String())
		}
	})
}

// TestStolenHashesNeedThePepper: whoever has the rows and guesses the right
// password does not see that it is right.
func TestStolenHashesNeedThePepper(t *testing.T) {
	db := storetest.New(t)
	ctx := t.Context()
	u, err := local.New(db, nil, local.Options{Hashing: cheap, Peppers: peppers(t, pepperLine("k"))}).Create(ctx, local.NewUser{Email: "ada@example.org", Password: good})
	must(t, err)
	_, plain, _ := strings.Cut(u.PasswordHash.Reveal(), "$argon2id$")
	thief := local.New(storetest.New(t), nil, local.Options{Hashing: cheap, Peppers: peppers(t, pepperLine("x"))})
	for email, pw := range map[string]broker.Secret{"eve@example.org": good, "eva@example.org": "another"} {
		_, err = thief.Create(ctx, local.NewUser{Email: email, PasswordHash: broker.Secret("$argon2id$" + plain)})
		must(t, err)
		if _, _, err := thief.Authenticate(ctx, email, pw); !errors.Is(err, local.ErrWrongLogin) {
			t.Errorf("%v", err)
		}
	}
}

// TestParsePeppers: a file that is not one is refused, and not repeated.
func TestParsePeppers(t *testing.T) {
	for _, bad := range []string{"secret", "c2hvcnQ=", pepperLine("a") + "x", pepperLine("a")[:40], strings.Repeat(pepperLine("a"), 65)} {
		if _, err := local.ParsePeppers(broker.Secret(bad)); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	for _, fine := range []string{"", "\n", pepperLine("a"), pepperLine("a") + "\r\n" + pepperLine("b")} {
		if _, err := local.ParsePeppers(broker.Secret(fine)); err != nil {
			t.Errorf("%.20q: %v", fine, err)
		}
	}
}
