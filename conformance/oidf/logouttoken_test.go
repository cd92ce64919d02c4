package oidf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// logoutTest is a good logout token and what it is held to; a case breaks one of them.
type logoutTest struct {
	claims map[string]any
	want   WantLogout
	typ    string
	key    jose.JSONWebKey // signs
	keys   []jose.JSONWebKey
	raw    string // instead of a token with the claims
}

func goodLogout(t *testing.T) *logoutTest {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	key := jose.JSONWebKey{Key: private, KeyID: "k", Algorithm: "ES256", Use: "sig"}
	return &logoutTest{
		claims: map[string]any{
			"iss": "https://op.example", "sub": "ada", "sid": "s", "aud": "client", "iat": now.Unix(), "exp": now.Unix() + 120, "jti": "1",
			"events": map[string]any{logoutEvent: map[string]any{}},
		},
		want: WantLogout{Issuer: "https://op.example", ClientID: "client", Algs: []string{"ES256"}, Subject: "ada", SID: "s", SIDRequired: true, Now: now},
		typ:  logoutType, key: key, keys: []jose.JSONWebKey{key.Public()},
	}
}

func (tt *logoutTest) check(t *testing.T) (bad []Finding) {
	t.Helper()
	if tt.raw == "" {
		o := &jose.SignerOptions{}
		if tt.typ != "" {
			o = o.WithType(jose.ContentType(tt.typ))
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(tt.key.Algorithm), Key: tt.key}, o)
		if err != nil {
			t.Fatal(err)
		}
		if tt.raw, err = jwt.Signed(signer).Claims(tt.claims).Serialize(); err != nil {
			t.Fatal(err)
		}
	}
	_, found := CheckLogoutToken(tt.raw, func(kid string) []jose.JSONWebKey {
		return slices.DeleteFunc(slices.Clone(tt.keys), func(k jose.JSONWebKey) bool { return kid != "" && k.KeyID != kid })
	}, tt.want)
	return slices.DeleteFunc(found, func(f Finding) bool { return f.OK })
}

// TestLogoutTokenChecks breaks a good logout token in one way at a time: each is
// told, with its clause and no other.
func TestLogoutTokenChecks(t *testing.T) {
	if bad := goodLogout(t).check(t); len(bad) != 0 {
		t.Fatalf("a good token has %v", bad)
	}
	set := func(name string, v any) func(*logoutTest) { return func(tt *logoutTest) { tt.claims[name] = v } }
	without := func(name string) func(*logoutTest) { return func(tt *logoutTest) { delete(tt.claims, name) } }
	const now = 1_800_000_000
	const should = true
	for name, tt := range map[string]struct {
		breaks func(*logoutTest)
		clause string // "": it is still good
		about  string // stands in what is said
		should bool
	}{
		"no JWT":                      {func(tt *logoutTest) { tt.raw = "x" }, "2.4", "signed JWT", !should},
		"unsigned":                    {func(tt *logoutTest) { tt.raw = unsigned(tt.claims) }, "2.4", "signed JWT", !should},
		"typ JWT":                     {func(tt *logoutTest) { tt.typ = "JWT" }, "2.4", "typ", should},
		"no typ":                      {func(tt *logoutTest) { tt.typ = "" }, "2.4", "typ", should},
		"typ in full":                 {func(tt *logoutTest) { tt.typ = "application/logout+jwt" }, "", "", !should},
		"another alg":                 {func(tt *logoutTest) { tt.want.Algs = []string{"RS256"} }, "2.6 (3)", "alg", !should},
		"a key that is not published": {func(tt *logoutTest) { tt.keys = goodLogout(t).keys }, "2.6 (2)", "signature", !should},
		"an unknown kid":              {func(tt *logoutTest) { tt.key.KeyID = "other" }, "2.6 (2)", "signature", !should},
		"tampered": {func(tt *logoutTest) {
			tt.check(t)
			parts, claims := strings.Split(tt.raw, "."), maps.Clone(tt.claims)
			claims["sub"] = "bob"
			tt.raw = parts[0] + "." + payloadOf(unsigned(claims)) + "." + parts[2]
		}, "2.6 (2)", "signature", !should},
		"no kid with two keys": {func(tt *logoutTest) {
			tt.key.KeyID = ""
			tt.keys = append(tt.keys, goodLogout(t).keys...)
		}, "10.1", "kid", !should},
		"no kid with one key":   {func(tt *logoutTest) { tt.key.KeyID = "" }, "", "", !should},
		"foreign iss":           {set("iss", "https://evil.example"), "2.6 (4)", "iss", !should},
		"no iss":                {without("iss"), "2.6 (4)", "iss", !should},
		"foreign aud":           {set("aud", "other"), "2.6 (4)", "aud", !should},
		"no aud":                {without("aud"), "2.6 (4)", "aud", !should},
		"aud as a list":         {set("aud", []string{"other", "client"}), "", "", !should},
		"no iat":                {without("iat"), "2.6 (4)", "iat", !should},
		"iat as text":           {set("iat", "1800000000"), "2.6 (4)", "iat", !should},
		"iat in the future":     {func(tt *logoutTest) { tt.claims["iat"], tt.claims["exp"] = now+600, now+700 }, "2.6 (4)", "iat", !should},
		"no exp":                {without("exp"), "2.6 (4)", "exp", !should},
		"expired":               {func(tt *logoutTest) { tt.claims["iat"], tt.claims["exp"] = now-200, now-180 }, "2.6 (4)", "exp", !should},
		"long life":             {set("exp", now+3600), "4", "lives", should},
		"no jti":                {without("jti"), "2.4", "jti", !should},
		"jti as a number":       {set("jti", 7), "2.4", "jti", !should},
		"neither sub nor sid":   {func(tt *logoutTest) { tt.want.SIDRequired = false; delete(tt.claims, "sub"); delete(tt.claims, "sid") }, "2.6 (5)", "sub or sid", !should},
		"foreign sub":           {set("sub", "bob"), "2.6 (10)", "sub", !should},
		"no sub":                {without("sub"), "", "", !should},
		"foreign sid":           {set("sid", "t"), "2.6 (11)", "sid", !should},
		"no sid":                {without("sid"), "2.2", "sid", !should},
		"no sid, unasked":       {func(tt *logoutTest) { tt.want.SIDRequired = false; delete(tt.claims, "sid") }, "", "", !should},
		"no events":             {without("events"), "2.6 (6)", "events", !should},
		"another event":         {set("events", map[string]any{"https://op.example/event": map[string]any{}}), "2.6 (6)", "events", !should},
		"event that is no map":  {set("events", map[string]any{logoutEvent: true}), "2.6 (6)", "events", !should},
		"event with a member":   {set("events", map[string]any{logoutEvent: map[string]any{"a": 1}}), "2.4", "empty", should},
		"nonce":                 {set("nonce", "n"), "2.6 (7)", "nonce", !should},
		"nonce that is null":    {set("nonce", nil), "2.6 (7)", "nonce", !should},
		"sub of another client": {func(tt *logoutTest) { tt.want.Subject = "" }, "2.6 (10)", "sub", !should},
	} {
		t.Run(name, func(t *testing.T) {
			token := goodLogout(t)
			tt.breaks(token)
			bad := token.check(t)
			if tt.clause == "" && len(bad) == 0 {
				return
			}
			want := backchannel(tt.clause)
			if tt.clause == "10.1" {
				want = core("10.1")
			}
			if len(bad) != 1 || bad[0].Clause != want || bad[0].Should != tt.should || !strings.Contains(bad[0].Text, tt.about) {
				t.Errorf("%+v instead of %s about %s", bad, want, tt.about)
			}
		})
	}
}
