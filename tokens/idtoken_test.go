package tokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// claimsOf verifies an ID token with the published keys, as a relying party
// would, and reads it.
func claimsOf(t testing.TB, w *world, token string) idClaims {
	t.Helper()
	var set jose.JSONWebKeySet
	must(t, json.Unmarshal(w.s.keys.Load().jwks.body, &set))
	jws, err := jose.ParseSignedCompact(token, josed())
	must(t, err)
	keys := set.Key(jws.Signatures[0].Protected.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys with id %q", len(keys), jws.Signatures[0].Protected.KeyID)
	}
	payload, err := jws.Verify(keys[0])
	must(t, err)
	var claims idClaims
	must(t, json.Unmarshal(payload, &claims))
	return claims
}

func equalClaims(a, b idClaims) bool { return reflect.DeepEqual(a, b) }

func TestIDTokenSaysWhoHowAndWhen(t *testing.T) {
	w := newWorld(t)
	w.session.AMR, w.session.Provider = []string{"pwd", "otp"}, "orcid"
	a := w.tokens("app")
	got := claimsOf(t, w, a.str("id_token"))
	want := idClaims{
		Issuer: testIssuer, Subject: string(w.user.ID), Audience: "app", AuthorizedParty: "app",
		IssuedAt: got.IssuedAt, ExpiresAt: got.IssuedAt + 600, AuthTime: w.session.AuthTime.Unix(), Nonce: "n-1",
		AccessTokenHash: leftHash("RS256", a.str("access_token")), AMR: []string{"pwd", "otp"}, ACR: broker.ACRSingle, SID: w.session.SID, Provider: "orcid",
	}
	if !equalClaims(got, want) || time.Since(time.Unix(got.IssuedAt, 0)) > time.Minute {
		t.Errorf("claims %+v, want %+v", got, want)
	}
	w.session.Provider = ""
	if got := claimsOf(t, w, w.tokens("app", "nonce", "").str("id_token")); got.Provider != "local" || got.Nonce != "" {
		t.Errorf("with a password and without nonce: %+v", got)
	}
}

// TestHintsThatAskForNothing: an acr that we cannot give is a wish, and the ID
// token says what was done (OpenID Connect Core 1.0, section 3.1.2.1); every
// display is accepted; claims_locales is a wish for what we don't have.
func TestHintsThatAskForNothing(t *testing.T) {
	w := newWorld(t)
	for _, pairs := range [][]string{
		{"acr_values", "phr phrh"}, {"acr_values", "1 2 3"}, {"claims", `{"id_token": {"acr": {"values": ["phr"]}}}`},
		{"display", "page"}, {"display", "popup"}, {"display", "touch"}, {"display", "wap"}, {"display", "hologram"},
		{"claims_locales", "de fr"}, {"ui_locales", "fr-CA"},
	} {
		a := w.tokens("app", pairs...)
		if got := claimsOf(t, w, a.str("id_token")); got.ACR != w.session.ACR || got.AMR == nil {
			t.Errorf("%v: acr %q, amr %v", pairs, got.ACR, got.AMR)
		}
		if info := w.info(a); info["name"] != "Ada Lovelace" {
			t.Errorf("%v: %v", pairs, info)
		}
	}
}

func TestLeftHash(t *testing.T) { // OpenID Connect Core 1.0, appendix A.3
	if got := leftHash("RS256", "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("leftHash = %s", got)
	}
}

func TestSigningAlgorithmIsTheClients(t *testing.T) {
	w := newWorld(t)
	for client, want := range map[string]string{"app": "RS256", "es": "ES256"} {
		header, _, _ := strings.Cut(w.tokens(client).str("id_token"), ".")
		text, err := base64.RawURLEncoding.DecodeString(header)
		if err != nil || !strings.Contains(string(text), `"alg":"`+want+`"`) || !strings.Contains(string(text), `"typ":"JWT"`) {
			t.Errorf("%s: header %s, %v", client, text, err)
		}
	}
}

// TestHintsThatAreNotOurs: only a token that one of our keys signed tells whom
// a relying party means.
func TestHintsThatAreNotOurs(t *testing.T) {
	w := newWorld(t)
	token := w.tokens("es").str("id_token")
	parts := strings.Split(token, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := claimsOf(t, w, token)
	key := w.s.keys.Load().signer(broker.ES256, time.Now())
	sign := func(key any, id, typ string, claims idClaims) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		must(t, err)
		payload, err := json.Marshal(claims)
		must(t, err)
		jws, err := signer.Sign(payload)
		must(t, err)
		text, err := jws.CompactSerialize()
		must(t, err)
		return text
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	own := ownKey(t)
	foreign, nameless := claims, claims
	foreign.Issuer, nameless.Subject = "https://evil.example", ""
	for name, hint := range map[string]string{
		"rubbish":          "x",
		"empty parts":      "..",
		"alg none":         encode(`{"alg":"none"}`) + "." + parts[1] + ".",
		"alg none, signed": encode(`{"alg":"none","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2],
		"alg HS256":        encode(`{"alg":"HS256","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2],
		"alg RS256":        encode(`{"alg":"RS256","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2],
		"no kid":           encode(`{"alg":"ES256"}`) + "." + parts[1] + "." + parts[2],
		"other claims":     parts[0] + "." + encode(`{"iss":"`+testIssuer+`","sub":"admin","aud":"es"}`) + "." + parts[2],
		"other signature":  parts[0] + "." + parts[1] + "." + encode(strings.Repeat("s", 64)),
		"a stranger's key": sign(stranger, key.ID, "JWT", claims),
		"own key in it":    sign(stranger, "x", "JWT", claims),
		"another issuer":   sign(own, key.ID, "JWT", foreign),
		"nobody":           sign(own, key.ID, "JWT", nameless),
		"a logout token":   sign(own, key.ID, "logout+jwt", claims),
		"too long":         token + strings.Repeat("a", maxHintToken),
	} {
		if got, err := w.s.readHint(hint); err == nil {
			t.Errorf("%s: readHint = %+v", name, got)
		}
	}
	for name, hint := range map[string]string{"the token itself": token, "the same, signed again": sign(own, key.ID, "JWT", claims)} {
		if _, err := w.s.readHint(hint); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ownKey is the private key that ES256 clients' tokens are signed with.
func ownKey(t *testing.T) any {
	for _, k := range testKeys() {
		if k.Alg == broker.ES256 {
			block, _ := pem.Decode([]byte(k.Private.Reveal()))
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			must(t, err)
			return key
		}
	}
	t.Fatal("no key")
	return nil
}

func TestExpiredHintIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.tokens("app").str("id_token")
		time.Sleep(365 * 24 * time.Hour)
		if got, err := w.s.readHint(token); err != nil || got.Subject != string(w.user.ID) {
			t.Errorf("readHint = %+v, %v", got, err)
		}
	})
}

func FuzzIDTokenHint(f *testing.F) {
	w := newWorld(f)
	for _, client := range []string{"app", "es"} {
		f.Add(w.tokens(client).str("id_token"))
	}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"e30","signatures":[]}`)
	f.Fuzz(func(t *testing.T, hint string) {
		if got, err := w.s.readHint(hint); err == nil && got.Subject != string(w.user.ID) {
			t.Errorf("%q tells of %+v", hint, got)
		}
	})
}
