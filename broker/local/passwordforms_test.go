package local_test

import (
	"fmt"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestPasswordForms: every form that can be imported is counted under its name, nothing of a
// salt is told, and an operator learns which pepper, and whether the salt, is needed.
func TestPasswordForms(t *testing.T) {
	const first, second = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
	peppers := func(lines ...string) local.Peppers {
		p, err := local.ParsePeppers(broker.Secret(strings.Join(lines, "\n")))
		must(t, err)
		return p
	}
	told := func(a *local.Accounts) string {
		t.Helper()
		forms, err := a.PasswordForms(t.Context())
		must(t, err)
		var all []string
		for _, f := range forms {
			pepper := ""
			if f.Pepper != "" {
				pepper = "+pepper"
			}
			all = append(all, fmt.Sprintf("%s%s %d %s", f.Kind, pepper, f.Users, f.State))
		}
		return strings.Join(all, ", ")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		plain := accounts(t, db)
		if got := told(plain); got != "" {
			t.Errorf("nobody: %s", got)
		}
		old := accountsWith(t, db, local.Options{Peppers: peppers(first)})
		signUp(t, db, plain, "plain@example.org")
		signUp(t, db, old, "old@example.org")
		signUp(t, db, old, "old2@example.org")
		must(t, db.CreateUser(ctx, broker.User{ID: "none", Email: "none@example.org"}))
		for i, hash := range []string{
			"$2b$12$abc", "$2y$10$xyz", "$5$salt$x", "$6$rounds=5000$salt$x", "$scrypt$ln=14,r=8,p=1$a$b", "$bcrypt-sha256$v=2,t=2b,r=12$a$b",
			"$pbkdf2-sha256$1$a$b", "$pbkdf2-sha512$1$a$b", "$invenio-aes$ada@example.org$00", "$hmac-sha512$pbkdf2-sha512$1$a$b", "?",
		} {
			must(t, db.CreateUser(ctx, broker.User{ID: broker.UserID(fmt.Sprint("u", i)), Email: fmt.Sprintf("u%d@example.org", i), PasswordHash: broker.Secret(hash)}))
		}
		const foreign = "bcrypt-sha256 1 older, %s, invenio-aes 1 older, other 1 older, pbkdf2-sha256 1 older, pbkdf2-sha512 1 older, scrypt 1 older, sha256-crypt 1 older, sha512-crypt 1 older"
		for name, tt := range map[string]struct {
			o    local.Options
			want string
		}{
			"no pepper":     {local.Options{}, "argon2id+pepper 2 cannot be read, bcrypt 2 older, argon2id 1 current, " + fmt.Sprintf(foreign, "hmac-sha512 1 cannot be read")},
			"that pepper":   {local.Options{Peppers: peppers(first), HMACKey: "salt"}, "argon2id+pepper 2 current, bcrypt 2 older, argon2id 1 older, " + fmt.Sprintf(foreign, "hmac-sha512 1 older")},
			"a newer one":   {local.Options{Peppers: peppers(second, first)}, "argon2id+pepper 2 older, bcrypt 2 older, argon2id 1 older, " + fmt.Sprintf(foreign, "hmac-sha512 1 cannot be read")},
			"one to come":   {local.Options{Peppers: peppers(first, second)}, "argon2id+pepper 2 current, bcrypt 2 older, argon2id 1 older, " + fmt.Sprintf(foreign, "hmac-sha512 1 cannot be read") + ", argon2id+pepper 0 used by nothing"},
			"another alone": {local.Options{Peppers: peppers(second)}, "argon2id+pepper 2 cannot be read, bcrypt 2 older, argon2id 1 older, " + fmt.Sprintf(foreign, "hmac-sha512 1 cannot be read")},
		} {
			if got := told(accountsWith(t, db, tt.o)); got != tt.want {
				t.Errorf("%s:\n%s\nwant\n%s", name, got, tt.want)
			}
		}
		must(t, db.DeleteUser(ctx, "u9"))
		if got := told(accountsWith(t, db, local.Options{HMACKey: "salt"})); !strings.HasSuffix(got, "hmac-sha512 0 used by nothing") {
			t.Errorf("a salt that nobody needs: %s", got)
		}
	})
}
