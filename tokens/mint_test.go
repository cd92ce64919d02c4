package tokens

import (
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func testMint(t testing.TB, secret byte, old ...byte) mint {
	t.Helper()
	var previous [][32]byte
	for _, b := range old {
		previous = append(previous, [32]byte{b})
	}
	m, err := newMint([32]byte{secret}, previous)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAccessTokenSurvivesItsRoundTrip(t *testing.T) {
	m := testMint(t, 1)
	want := accessToken{Grant: "abc", IssuedAt: time.Unix(1000, 0), ExpiresAt: time.Unix(1600, 0), Narrowed: 5}
	token := m.newAccess(want)
	got, ok := m.readAccess(token)
	if !ok || got != want {
		t.Errorf("readAccess = %+v, %v, want %+v", got, ok, want)
	}
	if len(token) > maxToken || !strings.HasPrefix(token, "iba.") {
		t.Errorf("token %q", token)
	}
	if m.newAccess(want) == token {
		t.Error("two access tokens are equal")
	}
}

func TestRefreshTokenIsComputed(t *testing.T) {
	m := testMint(t, 1)
	token := m.newRefresh("abc", 7)
	if again := m.newRefresh("abc", 7); again != token {
		t.Errorf("%q and %q differ", token, again)
	}
	if m.newRefresh("abc", 8) == token || m.newRefresh("abd", 7) == token {
		t.Error("another generation or grant has the same token")
	}
	id, generation, ok := m.readRefresh(token)
	if id != "abc" || generation != 7 || !ok {
		t.Errorf("readRefresh = %q, %d, %v", id, generation, ok)
	}
	if _, _, ok := m.readRefresh(m.newRefresh("abc", 0)); ok {
		t.Error("generation 0 is a refresh token")
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	m, stranger := testMint(t, 1), testMint(t, 2)
	access := m.newAccess(accessToken{Grant: "abc", ExpiresAt: time.Unix(1600, 0)})
	refresh := m.newRefresh("abc", 1)
	for name, token := range map[string]string{
		"empty":                   "",
		"no parts":                "iba",
		"no MAC":                  "iba.abc.1.1.0.x",
		"empty MAC":               "iba.abc.1.1.0.x.",
		"another secret":          stranger.newAccess(accessToken{Grant: "abc"}),
		"another prefix":          "ibx" + access[3:],
		"refresh as access":       refresh,
		"refresh with our prefix": "iba" + refresh[3:],
		"later end":               strings.Replace(access, ".18g.", ".zzz.", 1),
		"other grant":             strings.Replace(access, "abc", "abd", 1),
		"last character changed":  access[:len(access)-1] + string(access[len(access)-1]^1),
		"MAC with trailing bits":  access + "A",
		"part added":              strings.Replace(access, "abc.", "abc..", 1),
		"line end":                access + "\n",
		"too long":                access + strings.Repeat("a", maxToken),
	} {
		if got, ok := m.readAccess(token); ok {
			t.Errorf("%s: readAccess(%q) = %+v", name, token, got)
		}
	}
	if _, _, ok := m.readRefresh(access); ok {
		t.Error("an access token is a refresh token")
	}
	if _, _, ok := m.readRefresh("ibr" + access[3:]); ok {
		t.Error("an access token with another prefix is a refresh token")
	}
}

// Every spelling of the MAC's last character but one decodes to the same bits.
func TestTokenHasOneSpelling(t *testing.T) {
	m := testMint(t, 1)
	token := m.newRefresh("abc", 1)
	n := 0
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if _, _, ok := m.readRefresh(token[:len(token)-1] + string(c)); ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d spellings", n)
	}
}

func TestOldSecretsStillVerify(t *testing.T) {
	before, after, without := testMint(t, 1), testMint(t, 2, 1), testMint(t, 2)
	token := before.newRefresh("abc", 1)
	if _, _, ok := after.readRefresh(token); !ok {
		t.Error("a token of the old secret is refused")
	}
	if _, _, ok := without.readRefresh(token); ok {
		t.Error("a token of a forgotten secret is accepted")
	}
	if after.newRefresh("abc", 1) == token {
		t.Error("the old secret still issues")
	}
}

func TestNarrow(t *testing.T) {
	many := make([]string, 70)
	for i := range many {
		many[i] = broker.NewID()
	}
	for _, tt := range []struct {
		name      string
		all, some []string
		bits      uint64
		ok        bool
		back      []string
	}{
		{"all", []string{"a", "b"}, []string{"b", "a"}, 0, true, []string{"a", "b"}},
		{"first", []string{"a", "b"}, []string{"a"}, 1, true, []string{"a"}},
		{"second", []string{"a", "b"}, []string{"b", "b"}, 2, true, []string{"b"}},
		{"none asked", []string{"a"}, nil, 0, false, nil},
		{"nothing of nothing", nil, nil, 0, true, nil},
		{"more", []string{"a"}, []string{"a", "b"}, 0, false, nil},
		{"other case", []string{"a"}, []string{"A"}, 0, false, nil},
		{"all of 64", many[:64], many[:64], 0, true, many[:64]},
		{"the last of 64", many[:64], many[63:64], 1 << 63, true, many[63:64]},
		{"beyond the bits", many, many[64:65], 0, false, nil},
	} {
		bits, ok := narrow(tt.all, tt.some)
		if bits != tt.bits || ok != tt.ok {
			t.Errorf("%s: narrow = %b, %v, want %b, %v", tt.name, bits, ok, tt.bits, tt.ok)
			continue
		}
		if back := (accessToken{Narrowed: bits}).scopes(tt.all); ok && !slices.Equal(back, tt.back) {
			t.Errorf("%s: scopes = %v, want %v", tt.name, back, tt.back)
		}
	}
}

func FuzzAccessToken(f *testing.F) {
	m := testMint(f, 1)
	f.Add(m.newAccess(accessToken{Grant: "abc", ExpiresAt: time.Unix(1600, 0)}))
	f.Add(m.newRefresh("abc", 1))
	f.Add("iba......")
	f.Fuzz(func(t *testing.T, token string) {
		got, ok := m.readAccess(token)
		if ok && !strings.HasPrefix(token, "iba."+string(got.Grant)+".") {
			t.Errorf("readAccess(%q) = %+v", token, got)
		}
		if ok && got.Grant != "abc" {
			t.Errorf("forged: %q", token)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	m := testMint(f, 1)
	f.Add(m.newRefresh("abc", 1))
	f.Add("ibr.abc.1.")
	f.Add("ibr.abc.-1.x")
	f.Fuzz(func(t *testing.T, token string) {
		if id, generation, ok := m.readRefresh(token); ok && m.newRefresh(id, generation) != token {
			t.Errorf("%q reads as generation %d of %q", token, generation, id)
		}
	})
}
