package tokens

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestParseClientKeys(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	set := func(keys ...any) string {
		var texts []string
		for _, k := range keys {
			b, err := json.Marshal(k)
			must(t, err)
			texts = append(texts, string(b))
		}
		return `{"keys":[` + strings.Join(texts, ",") + `]}`
	}
	p256 := jose.JSONWebKey{Key: clientKeyring()["p256"].Public(), KeyID: "p256"}
	use := func(use, alg string) jose.JSONWebKey { k := p256; k.Use, k.Algorithm = use, alg; return k }
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), maxRSABits+8), E: 65537}
	unknown := map[string]string{"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}
	for name, tt := range map[string]struct {
		text string
		keys int // 0: refused
	}{
		"all":             {jwks("p256", "p384", "p521", "rsa", "ed"), 5},
		"use sig":         {set(use("sig", "ES256")), 1},
		"and unknown":     {set(unknown, p256), 1},
		"unknown alone":   {set(unknown), 0},
		"use enc":         {set(use("enc", "")), 0},
		"other algorithm": {set(use("", "ES384")), 0},
		"private":         {set(p256, jose.JSONWebKey{Key: clientKeyring()["p256"], KeyID: "x"}), 0},
		"symmetric":       {set(jose.JSONWebKey{Key: []byte("secret"), KeyID: "x"}), 0},
		"weak":            {set(jose.JSONWebKey{Key: weak.Public()}), 0},
		"huge":            {set(jose.JSONWebKey{Key: huge}), 0},
		"many":            {`{"keys":[` + strings.Repeat(`{},`, maxClientKeys) + `{}]}`, 0},
		"keys twice":      {`{"keys":[],` + jwks("p256")[1:], 0},
		"no object":       {"[]", 0},
		"nothing":         {"", 0},
		"keys: text":      {`{"keys":"x"}`, 0},
	} {
		keys, err := ParseClientKeys([]byte(tt.text))
		if len(keys) != tt.keys || (err == nil) != (tt.keys > 0) {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
	}
}

func TestReadObject(t *testing.T) {
	for text, ok := range map[string]bool{
		`{}`: true, ` {"a":{"b":[1,{"c":null}]}} `: true, `{"a":1,"A":2}`: true,
		``: false, ` `: false, `[]`: false, `null`: false, `"x"`: false, `{"a":1,"a":1}`: false, `{"a":{"b":1,"b":1}}`: false, `{"a":[{"b":1,"b":1}]}`: false,
		`{}{}`: false, `{} x`: false, `{"a"}`: false, `{"a":}`: false, `{`: false, "{\"a\":\"\xff\"}": false, "\ufeff{}": false,
		`{"a":1,"\u0061":2}`: false,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: false,
	} {
		if _, err := readObject([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzReadClientJWT: the reader never panics, and what it takes is what the
// strict decoder takes, with an algorithm that signs.
func FuzzReadClientJWT(f *testing.F) {
	for alg := range map[string]bool{"ES256": true, "RS256": true, "EdDSA": true, "Ed25519": true} {
		f.Add(sign(f, header{alg: alg}, assertionOf("app")))
	}
	f.Add("e30.e30.x")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("....")
	f.Fuzz(func(t *testing.T, compact string) {
		j, err := readClientJWT(compact)
		if err != nil {
			return
		}
		if j.alg == "none" || strings.HasPrefix(j.alg, "HS") {
			t.Errorf("algorithm %q", j.alg)
		}
		for _, part := range strings.Split(compact, ".")[:2] { // as it was sent, not as we would write it
			b, err := base64.RawURLEncoding.DecodeString(part)
			must(t, err)
			if _, err := readObject(b); err != nil {
				t.Errorf("%s: %v", b, err)
			}
		}
		keys, err := ParseClientKeys([]byte(jwks("stranger")))
		must(t, err)
		if j.verify(keys) == nil {
			t.Error("verified with a key that signed nothing")
		}
		_, _ = j.time("exp")
	})
}

// FuzzParseClientKeys: never panics; what it takes has keys that fit.
func FuzzParseClientKeys(f *testing.F) {
	f.Add([]byte(jwks("p256", "rsa", "ed")))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseClientKeys(text)
		if err != nil {
			return
		}
		if _, strict := readObject(text); strict != nil {
			t.Errorf("%q: %v", text, strict)
		}
		if len(keys) == 0 || len(keys) > maxClientKeys {
			t.Error(len(keys))
		}
		for _, k := range keys {
			if !k.IsPublic() {
				t.Error(fmt.Sprint(k.KeyID, " is private"))
			}
		}
	})
}
