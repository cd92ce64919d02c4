package storetest_test

import (
	"context"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestUserSearch finds people by a part of what they are called, on both databases
// alike; signs that mean something to LIKE stand for themselves.
func TestUserSearch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for id, u := range map[broker.UserID]broker.User{
			"a": {Email: "ada@example.org", EmailVerifiedAt: at, Name: "Ada Lovelace", Username: "Countess"},
			"b": {Email: "b@b\u00fccher.example", Name: "J\u00fcrgen \u00c4rmel", DisabledAt: at},
			"c": {Email: "c_d@example.com", EmailVerifiedAt: at, Name: `100% \o/`},
			"d": {Email: "d@example.net", Name: "J\u00d6RG \u00d6lmann"},
			"e": {Email: "e@example.net", Name: "\u0416\u0430\u043d\u043d\u0430 \u212aelvin Pro\u017fit"},
			"f": {Email: "f@example.net", Name: `[x-z]*?^$.(a|b){2}+\d ]-`},
		} {
			u.ID, u.CreatedAt, u.UpdatedAt = id, at, at
			ok(t, db.CreateUser(ctx, u))
		}
		for search, want := range map[string]string{
			"": "a b c d e f", "example": "a b c d e f", "LOVE": "a", "countESS": "a", "A@EX": "a", "B\u00dcCHER": "b", "j\u00fcrgen": "b", "\u00c4rm": "b", "c_d": "c", "a_a": "", "0%": "c", "%": "c", `\`: "c f", "'": "", "nobody": "",
			"J\u00dcRGEN": "b", "\u00e4rm": "b", "\u00c4RMEL": "b", "j\u00f6rg": "d", "j\u00d6rg": "d", "\u00f6LM": "d", "\u0436\u0410\u041d": "e", "kelvin": "e", "\u212aEL": "e", "prosit": "e",
			"*": "f", "?": "f", "[X": "f", "[": "f", "]-": "f", "^": "f", "x-z]*?^$.(A|b){2}+\\D": "f", "j.rg": "", "j*g": "", "j?rg": "", "[xj]": "", "^j": "", "***:j": "", "(?i)j": "",
		} {
			var ids []string
			for _, u := range must(db.UsersWho(ctx, broker.UserFilter{Search: search}, "", 9))(t) {
				ids = append(ids, string(u.ID))
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("%q: %s, want %s", search, got, want)
			}
		}
		if got := must(db.UsersWho(ctx, broker.UserFilter{Unconfirmed: true, Search: "example"}, "", 9))(t); len(got) != 4 || got[0].ID != "b" {
			t.Errorf("unconfirmed: %+v", got)
		}
		if got := must(db.UsersWho(ctx, broker.UserFilter{Search: "example", Domains: []string{"example.com"}}, "a", 1))(t); len(got) != 1 || got[0].ID != "c" {
			t.Errorf("with another filter: %+v", got)
		}
	})
}
