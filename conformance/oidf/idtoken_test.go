package oidf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenTest is a good ID token and what it is held to; a case breaks one of them.
type tokenTest struct {
	claims map[string]any
	want   Want
	key    jose.JSONWebKey // signs
	keys   []jose.JSONWebKey
	raw    string // instead of a token with the claims
}

func goodToken(t *testing.T) *tokenTest {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	key := jose.JSONWebKey{Key: private, KeyID: "k", Algorithm: "ES256", Use: "sig"}
	return &tokenTest{
		claims: map[string]any{
			"iss": "https://op.example", "sub": "ada", "aud": "client", "nonce": "n", "iat": now.Unix(), "exp": now.Unix() + 600, "auth_time": now.Unix() - 5,
			"at_hash": Hash("ES256", "access"), "c_hash": Hash("ES256", "code"),
		},
		want: Want{Issuer: "https://op.example", ClientID: "client", Nonce: "n", Algs: []string{"ES256"}, Code: "code", AccessToken: "access", Front: true, AuthTime: true, Now: now},
		key:  key, keys: []jose.JSONWebKey{key.Public()},
	}
}

func (tt *tokenTest) check(t *testing.T) (bad []Clause) {
	t.Helper()
	if tt.raw == "" {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(tt.key.Algorithm), Key: tt.key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.raw, err = jwt.Signed(signer).Claims(tt.claims).Serialize(); err != nil {
			t.Fatal(err)
		}
	}
	_, found := CheckIDToken(tt.raw, func(kid string) []jose.JSONWebKey {
		return slices.DeleteFunc(slices.Clone(tt.keys), func(k jose.JSONWebKey) bool { return kid != "" && k.KeyID != kid })
	}, tt.want)
	for _, f := range found {
		if !f.OK {
			bad = append(bad, f.Clause)
		}
	}
	return bad
}

// TestIDTokenChecks breaks a good ID token in one way at a time: each is told,
// with its clause and no other.
func TestIDTokenChecks(t *testing.T) {
	if bad := goodToken(t).check(t); bad != nil {
		t.Fatalf("a good token has %v", bad)
	}
	set := func(name string, v any) func(*tokenTest) { return func(tt *tokenTest) { tt.claims[name] = v } }
	without := func(name string) func(*tokenTest) { return func(tt *tokenTest) { delete(tt.claims, name) } }
	const now = 1_800_000_000
	for name, tt := range map[string]struct {
		breaks func(*tokenTest)
		clause string // "": it is still good
	}{
		"foreign iss":             {set("iss", "https://evil.example"), "3.1.3.7 (2)"},
		"iss with a slash":        {set("iss", "https://op.example/"), "3.1.3.7 (2)"},
		"no iss":                  {without("iss"), "3.1.3.7 (2)"},
		"foreign aud":             {set("aud", "other"), "3.1.3.7 (3)"},
		"no aud":                  {without("aud"), "3.1.3.7 (3)"},
		"aud as a list":           {set("aud", []string{"client"}), ""},
		"two aud without azp":     {set("aud", []string{"client", "other"}), "3.1.3.7 (4)"},
		"foreign azp":             {set("azp", "other"), "3.1.3.7 (5)"},
		"own azp":                 {set("azp", "client"), ""},
		"no sub":                  {without("sub"), "2"},
		"long sub":                {set("sub", strings.Repeat("x", 256)), "2"},
		"sub beyond ASCII":        {set("sub", "adä"), "2"},
		"sub as a number":         {set("sub", 7), "2"},
		"expired":                 {set("exp", now-600), "3.1.3.7 (9)"},
		"expired within the skew": {set("exp", now-60), ""},
		"no exp":                  {without("exp"), "3.1.3.7 (9)"},
		"exp as text":             {set("exp", "1800000600"), "3.1.3.7 (9)"},
		"no iat":                  {without("iat"), "3.1.3.7 (10)"},
		"iat in the future":       {set("iat", now+600), "3.1.3.7 (10)"},
		"old iat":                 {set("iat", now-600), "3.1.3.7 (10)"},
		"foreign nonce":           {set("nonce", "m"), "3.1.3.7 (11)"},
		"no nonce":                {without("nonce"), "3.1.3.7 (11)"},
		"nonce that nobody sent":  {func(tt *tokenTest) { tt.want.Nonce = "" }, "2"},
		"no auth_time":            {without("auth_time"), "3.1.3.7 (13)"},
		"no auth_time, unasked":   {func(tt *tokenTest) { delete(tt.claims, "auth_time"); tt.want.AuthTime = false }, ""},
		"auth_time in the future": {set("auth_time", now+600), "2"},
		"foreign at_hash":         {set("at_hash", Hash("ES256", "other")), "3.3.2.11"},
		"whole hash as at_hash":   {set("at_hash", "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"), "3.3.2.11"},
		"no at_hash in front":     {without("at_hash"), "3.2.2.10"},
		"no at_hash from the token endpoint": {func(tt *tokenTest) {
			delete(tt.claims, "at_hash")
			tt.want.Front, tt.want.Code = false, ""
		}, ""},
		"foreign at_hash from the token endpoint": {func(tt *tokenTest) {
			tt.claims["at_hash"] = "x"
			tt.want.Front, tt.want.Code = false, ""
		}, "3.1.3.6"},
		"foreign c_hash":              {set("c_hash", Hash("ES256", "other")), "3.3.2.11"},
		"no c_hash":                   {without("c_hash"), "3.3.2.11"},
		"another alg":                 {func(tt *tokenTest) { tt.want.Algs = []string{"RS256"} }, "3.1.3.7 (7)"},
		"a key that is not published": {func(tt *tokenTest) { tt.keys = goodToken(t).keys }, "3.1.3.7 (6)"},
		"a key for encryption":        {func(tt *tokenTest) { tt.keys[0].Use = "enc" }, "3.1.3.7 (6)"},
		"an unknown kid":              {func(tt *tokenTest) { tt.key.KeyID = "other" }, "3.1.3.7 (6)"},
		"no kid with two keys": {func(tt *tokenTest) {
			tt.key.KeyID = ""
			tt.keys = append(tt.keys, goodToken(t).keys...)
		}, "10.1"},
		"no kid with one key": {func(tt *tokenTest) { tt.key.KeyID = "" }, ""},
		"unsigned":            {func(tt *tokenTest) { tt.raw = unsigned(tt.claims) }, "2"},
		"tampered": {func(tt *tokenTest) {
			tt.check(t)
			parts := strings.Split(tt.raw, ".")
			claims := maps.Clone(tt.claims)
			claims["sub"] = "bob"
			tt.raw = parts[0] + "." + strings.Split(unsigned(claims), ".")[1] + "." + parts[2]
		}, "3.1.3.7 (6)"},
		"no JWT": {func(tt *tokenTest) { tt.raw = "x" }, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			token := goodToken(t)
			tt.breaks(token)
			bad := token.check(t)
			if tt.clause == "" && bad == nil {
				return
			}
			if len(bad) != 1 || bad[0] != core(tt.clause) {
				t.Errorf("%v instead of %s", bad, tt.clause)
			}
		})
	}
}

// TestHash has the example of OpenID Connect Core 1.0, appendix A.3 and A.4.
func TestHash(t *testing.T) {
	if got := Hash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("at_hash %s", got)
	}
	if got := Hash("RS256", "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"); got != "LDktKdoQak3Pk0cnXxCltA" {
		t.Errorf("c_hash %s", got)
	}
	for alg, length := range map[string]int{"ES384": 32, "PS512": 43, "EdDSA": 43, "none": 0} {
		if got := Hash(alg, "x"); len(got) != length {
			t.Errorf("%s: %d characters", alg, len(got))
		}
	}
}

func TestClaimTypes(t *testing.T) {
	op := newOP(t)
	s := op.suite(t, false)
	for json_, good := range map[string]bool{
		`{"name":"Ada"}`: true, `{"name":""}`: false, `{"name":7}`: false, `{"email":"a@b"}`: true, `{"email":"ab"}`: false,
		`{"email_verified":true}`: true, `{"email_verified":"true"}`: false, `{"updated_at":1}`: true, `{"updated_at":"1"}`: false,
		`{"address":{"country":"CH"}}`: true, `{"address":"CH"}`: false, `{"address":{}}`: false, `{"address":{"planet":"Earth"}}`: false,
		`{"phone_number":"+41"}`: true, `{"phone_number_verified":0}`: false,
	} {
		claims, err := object([]byte(json_))
		if err != nil {
			t.Fatal(err)
		}
		got := op.run(s, func(r *Run) {
			for name := range claims {
				r.claimType(claims, name)
			}
		})
		if (got.Outcome == Passed) != good {
			t.Errorf("%s: %s", json_, got.Outcome)
		}
	}
	if _, err := object([]byte(`null`)); err == nil {
		t.Error("null is an object")
	}
	if _, err := object([]byte(`{} {}`)); err == nil {
		t.Error("two objects are one")
	}
	if c := (Claims{"t": json.Number("12"), "x": "12"}); c.Time("t").Unix() != 12 || !c.Time("x").IsZero() {
		t.Error("times")
	}
}
