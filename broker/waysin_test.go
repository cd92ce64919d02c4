package broker_test

import (
	"testing"
	"time"

	"idbroker/broker"
)

// TestWaysIn is the whole rule: what opens an account, and what may be all that is left.
func TestWaysIn(t *testing.T) {
	all := broker.SiteWays{Passwords: true, Passkeys: true, Codes: true}
	now := time.Now()
	proven := broker.User{Email: "ada@example.org", EmailVerifiedAt: now}
	vouched, unconfirmed, secret, named := proven, proven, proven, proven
	vouched.EmailVouchedBy = "github"
	unconfirmed.EmailVerifiedAt = time.Time{}
	secret.PasswordHash = "hash"
	named.PasswordHash, named.Username = "hash", "ada"
	nowhere := broker.User{EmailVerifiedAt: now}
	for name, tt := range map[string]struct {
		site           broker.SiteWays
		has            broker.Openers
		count, lasting int
		only           bool
	}{
		"nothing":                      {all, broker.Openers{User: unconfirmed}, 0, 0, false},
		"a code":                       {all, broker.Openers{User: proven}, 1, 1, true},
		"codes switched off":           {broker.SiteWays{Passwords: true, Passkeys: true}, broker.Openers{User: proven}, 0, 0, false},
		"a provider's word":            {all, broker.Openers{User: vouched}, 1, 0, true},
		"a blocked domain":             {all, broker.Openers{User: proven, Barred: true}, 1, 0, true},
		"no address":                   {all, broker.Openers{User: nowhere}, 0, 0, false},
		"a password":                   {broker.SiteWays{Passwords: true}, broker.Openers{User: secret}, 1, 1, false},
		"a password without its name":  {broker.SiteWays{Passwords: true, UsernamesOnly: true}, broker.Openers{User: secret}, 0, 0, false},
		"a password with its name":     {broker.SiteWays{Passwords: true, UsernamesOnly: true}, broker.Openers{User: named}, 1, 1, false},
		"a password where they're off": {broker.SiteWays{Passkeys: true}, broker.Openers{User: secret}, 0, 0, false},
		"passkeys":                     {broker.SiteWays{Passkeys: true}, broker.Openers{User: proven, Passkeys: 2}, 2, 2, false},
		"passkeys where they're off":   {broker.SiteWays{Passwords: true}, broker.Openers{User: proven, Passkeys: 2}, 0, 0, false},
		"identities":                   {broker.SiteWays{}, broker.Openers{User: proven, Identities: 3}, 3, 3, false},
		"all of it":                    {all, broker.Openers{User: named, Passkeys: 1, Identities: 1}, 4, 4, false},
		"all, but a code may not stay": {all, broker.Openers{User: named, Passkeys: 1, Identities: 1, Barred: true}, 4, 3, false},
	} {
		w := tt.site.Of(tt.has)
		if w.Count() != tt.count || w.Lasting() != tt.lasting || w.OnlyCode() != tt.only {
			t.Errorf("%s: %+v: %d, %d", name, w, w.Count(), w.Lasting())
		}
	}
	for name, tt := range map[string]struct {
		site broker.SiteWays
		user broker.User
		want bool
	}{
		"a new password":     {broker.SiteWays{Passwords: true}, proven, true},
		"a code":             {broker.SiteWays{Codes: true}, vouched, true},
		"neither":            {broker.SiteWays{Passkeys: true}, proven, false},
		"nobody reads there": {all, unconfirmed, false},
	} {
		if got := tt.site.Recoverable(tt.user); got != tt.want {
			t.Errorf("%s: recoverable %t", name, got)
		}
	}
}
