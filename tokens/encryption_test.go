package tokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// encryptingClient registers an application that wants answers encrypted.
func (w *world) encryptingClient(id, alg, enc, keys string, change ...func(*broker.Client)) {
	w.t.Helper()
	w.signingClient(id, append([]func(*broker.Client){func(c *broker.Client) {
		c.AuthMethod, c.Secrets = broker.AuthBasic, []broker.ClientSecret{{Hash: testSecret.Hash()}}
		c.GrantTypes = append(c.GrantTypes, broker.GrantImplicit)
		c.Metadata = broker.ClientMetadata{
			JWKS: keys, IDTokenEncryptedResponseAlg: alg, IDTokenEncryptedResponseEnc: enc, UserInfoEncryptedAlg: alg, UserInfoEncryptedEnc: enc,
			ResponseTypes: responseTypes,
		}
	}}, change...)...)
}

// encKey is the id of the test's key for an encryption algorithm.
func encKey(alg string) string {
	if strings.HasPrefix(alg, "RSA") {
		return "rsa"
	}
	return "p256"
}

// opened decrypts with the key of a client, and returns the header too.
func opened(t testing.TB, kid, token string) (map[string]any, string) {
	t.Helper()
	var keyAlgs []jose.KeyAlgorithm
	for _, alg := range encryptionAlgs {
		keyAlgs = append(keyAlgs, jose.KeyAlgorithm(alg))
	}
	var encs []jose.ContentEncryption
	for _, enc := range contentAlgs {
		encs = append(encs, jose.ContentEncryption(enc))
	}
	jwe, err := jose.ParseEncryptedCompact(token, keyAlgs, encs)
	if err != nil {
		t.Fatalf("%.80q: %v", token, err)
	}
	text, err := jwe.Decrypt(clientKeyring()[kid])
	must(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	must(t, err)
	var header map[string]any
	must(t, json.Unmarshal(raw, &header))
	return header, string(text)
}

// TestAnswersAreEncrypted: whoever has the client's private key reads a signed ID
// token and userinfo, and nobody else anything, with every algorithm.
func TestAnswersAreEncrypted(t *testing.T) {
	w := newWorld(t)
	for i, alg := range encryptionAlgs {
		enc := contentAlgs[i%len(contentAlgs)]
		id, kid := "enc-"+strings.ReplaceAll(alg, "+", "-"), encKey(alg)
		if i == 0 {
			enc = "" // the default
		}
		w.encryptingClient(id, alg, enc, jwks("p256", "rsa"), func(c *broker.Client) {
			if i > 0 {
				c.Metadata.UserInfoSignedResponseAlg = broker.ES256
			}
		})
		tokens := w.tokens(id, "response_type", "code")
		front := w.parse(with(request(id), "response_type", "code id_token"))
		for _, token := range []string{tokens.str("id_token"), w.respond(front, w.approval(front)).Get("id_token"), w.refresh(id, tokens.str("refresh_token")).str("id_token")} {
			header, signed := opened(t, kid, token)
			if header["alg"] != alg || header["enc"] != orDefault(enc, "A128CBC-HS256") || header["cty"] != "JWT" || header["kid"] != kid || header["zip"] != nil {
				t.Errorf("%s: header %v", alg, header)
			}
			claims, err := w.s.readHint(signed)
			must(t, err)
			if claims.Subject != string(w.user.ID) || claims.Audience != id || claims.AccessTokenHash == "" && claims.CodeHash == "" {
				t.Errorf("%s: %+v", alg, claims)
			}
			if _, err := w.s.readHint(token); err == nil {
				t.Errorf("%s: an encrypted hint is read", alg)
			}
		}
		info := w.userInfo(tokens.str("access_token"))
		if info.status != http.StatusOK || info.header.Get("Content-Type") != "application/jwt" || strings.Contains(string(info.body), "ada@example.org") {
			t.Fatalf("%s: %d %s", alg, info.status, info.body)
		}
		header, text := opened(t, kid, string(info.body))
		if i == 0 { // claims without a signature
			if header["cty"] != nil || !strings.Contains(text, `"email":"ada@example.org"`) || !strings.Contains(text, `"aud":"`+id+`"`) {
				t.Errorf("%s: %v %s", alg, header, text)
			}
			continue
		}
		jws, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.ES256})
		must(t, err)
		payload, err := jws.Verify(w.s.keys.Load().byID(jws.Signatures[0].Header.KeyID).public)
		if err != nil || header["cty"] != "JWT" || !strings.Contains(string(payload), `"email":"ada@example.org"`) {
			t.Errorf("%s: %v %s %v", alg, header, payload, err)
		}
	}
}

// TestNothingIsToldWithoutAKey: where there is no key to encrypt to, nothing is
// told, nothing is spent, and the doctor hears of it.
func TestNothingIsToldWithoutAKey(t *testing.T) {
	web := &site{pages: map[string]string{}}
	w := newWorld(t, func(o *Options) { o.Fetcher = web })
	const at = "https://app.example/jwks.json"
	w.encryptingClient("enc", "ECDH-ES", "A128GCM", "", func(c *broker.Client) { c.Metadata.JWKSURI = at })

	web.pages[at] = jwks("p256", "rsa")
	tokens := w.tokens("enc")
	code := w.code(request("enc"))
	for name, page := range map[string]string{
		"no key of the kind": jwks("rsa"), "none": `{"keys":[]}`, "no JWK Set": "nonsense", "gone": "",
		"for signatures": strings.Replace(jwks("p256"), `"kty"`, `"use":"sig","kty"`, 1), "of another algorithm": strings.Replace(jwks("p256"), `"kty"`, `"alg":"ECDH-ES+A128KW","kty"`, 1),
		"private": privateSet(t), "RSA of 1024 bits": `{"keys":[{"kty":"RSA","e":"AQAB","n":"` + base64.RawURLEncoding.EncodeToString(append([]byte{0x80}, make([]byte, 127)...)) + `"}]}`,
	} {
		web.pages[at] = page
		if page == "" {
			delete(web.pages, at)
		}
		a, err := w.s.ParseAuthorization(t.Context(), request("enc"))
		if a == nil || !errors.Is(err, errCannotEncrypt) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _, _ := protocolError(err); got != "server_error" {
			t.Errorf("%s: %s", name, got)
		}
		for what, got := range map[string]answer{"code": w.redeem("enc", code), "refresh": w.refresh("enc", tokens.str("refresh_token")), "userinfo": w.userInfo(tokens.str("access_token"))} {
			if got.status != 500 || got.str("error") != "server_error" || !strings.Contains(got.str("error_description"), "jwks") || strings.Contains(string(got.body), "ada") {
				t.Errorf("%s, %s: %d %s", name, what, got.status, got.body)
			}
		}
	}
	must(t, w.s.FlushTroubles(t.Context()))
	if told, err := w.db.Troubles(t.Context(), "enc", 9); err != nil || len(told) == 0 || told[0].Endpoint != "keys" || told[0].Code != "server_error" {
		t.Errorf("troubles %+v, %v", told, err)
	}

	web.pages[at] = jwks("p384") // it has put another key there
	kept := w.redeem("enc", code)
	if kept.status != http.StatusOK {
		t.Fatalf("the code was spent: %d %s", kept.status, kept.body)
	}
	if _, signed := opened(t, "p384", kept.str("id_token")); strings.Count(signed, ".") != 2 {
		t.Error("not to the new key")
	}
	if got := w.refresh("enc", tokens.str("refresh_token")); got.status != http.StatusOK {
		t.Errorf("the refresh token was spent: %s", got.body)
	}
}

// privateSet is a JWK Set with a private key in it.
func privateSet(t testing.TB) string {
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: clientKeyring()["p256"]}}})
	must(t, err)
	return string(b)
}

// TestKeyToEncryptTo: one that says what it is for comes first.
func TestKeyToEncryptTo(t *testing.T) {
	set := strings.Replace(jwks("p384", "p256"), `{"kty":"EC","kid":"p256"`, `{"use":"enc","kty":"EC","kid":"p256"`, 1)
	for alg, want := range map[string]string{"ECDH-ES": "p256", "RSA-OAEP-256": "", "RSA1_5": "", "dir": "", "A128KW": "", "PBES2-HS256+A128KW": "", "none": "", "": ""} {
		k, err := encryptionKey([]byte(set), alg)
		if k.KeyID != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", alg, k.KeyID, err)
		}
	}
}

// TestIDTokenIsNeverPlainByMistake: a caller that forgets the recipient gets none.
func TestIDTokenIsNeverPlainByMistake(t *testing.T) {
	w := newWorld(t)
	c := broker.Client{ID: "x", Metadata: broker.ClientMetadata{IDTokenEncryptedResponseAlg: "ECDH-ES"}}
	if token, err := w.s.idToken(idTokenRequest{client: c, at: time.Now()}); err == nil || token != "" {
		t.Errorf("%q, %v", token, err)
	}
}

// TestLogoutTokenIsEncrypted like the ID tokens of the client (OpenID Connect
// Back-Channel Logout 1.0, section 2.6), also after the client is gone.
func TestLogoutTokenIsEncrypted(t *testing.T) {
	w := newWorld(t, posting)
	h := newHearer(t)
	w.encryptingClient("enc", "ECDH-ES+A128KW", "A256GCM", jwks("p256"), func(c *broker.Client) { c.Metadata.BackchannelLogoutURI = h.URL })
	w.tokens("enc")
	must(t, w.s.forget(t.Context(), "enc", broker.EventClientDeleted, time.Now()))
	entries, err := w.db.ClaimOutbox(t.Context(), 9, time.Now(), time.Minute, broker.OutboxLogout)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	must(t, w.s.DeliverLogout(t.Context(), entries[0].Payload))
	header, signed := opened(t, "p256", h.got[0])
	if header["iss"] != testIssuer || header["cty"] != "JWT" || strings.Count(signed, ".") != 2 {
		t.Errorf("%v %s", header, signed)
	}
	var n broker.LogoutNotice
	must(t, json.Unmarshal(entries[0].Payload, &n))
	n.JWKS = jwks("rsa")
	if err := w.s.DeliverLogout(t.Context(), n.Entry(time.Now()).Payload); !errors.Is(err, errCannotEncrypt) || len(h.got) != 1 {
		t.Errorf("without a key: %v, %d notices", err, len(h.got))
	}
}

// TestRegisterEncryption: what cannot be kept is not registered.
func TestRegisterEncryption(t *testing.T) {
	w := registering(t, RegisterOpen)
	set := json.RawMessage(jwks("p256"))
	for name, change := range map[string]map[string]any{
		"no keys":          {"id_token_encrypted_response_alg": "ECDH-ES"},
		"RSA1_5":           {"id_token_encrypted_response_alg": "RSA1_5", "jwks": json.RawMessage(jwks("rsa"))},
		"dir":              {"userinfo_encrypted_response_alg": "dir", "jwks": set},
		"another kind":     {"userinfo_encrypted_response_alg": "RSA-OAEP-256", "jwks": set},
		"enc without alg":  {"id_token_encrypted_response_enc": "A128GCM", "jwks": set},
		"unknown enc":      {"id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A192GCM", "jwks": set},
		"objects, no keys": {"request_object_encryption_alg": "ECDH-ES"},
		"private key":      {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": json.RawMessage(privateSet(t))},
		"no usable key":    {"jwks": json.RawMessage(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)},
	} {
		wantError(t, name, w.register(change), 400, "invalid_client_metadata")
	}
	if n := len(w.s.openings().keys); n != 0 {
		t.Errorf("%d keys were made for refused registrations", n)
	}
	a := w.register(map[string]any{"id_token_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_alg": "ECDH-ES+A256KW", "userinfo_encrypted_response_enc": "A256GCM", "request_object_encryption_alg": "RSA-OAEP-256", "jwks": set})
	if a.status != 201 || a.str("id_token_encrypted_response_alg") != "ECDH-ES" || a.str("userinfo_encrypted_response_enc") != "A256GCM" || a.str("request_object_encryption_alg") != "RSA-OAEP-256" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	// Our key is there before the client can ask for it, and only the one that it needs.
	var published jose.JSONWebKeySet
	must(t, json.Unmarshal(w.s.keys.Load().jwks.body, &published))
	var kinds []string
	for _, k := range published.Keys {
		if !k.IsPublic() {
			t.Fatal("a private key is published")
		}
		if _, ec := k.Key.(*ecdsa.PublicKey); k.Use == "enc" {
			kinds = append(kinds, map[bool]string{true: "EC", false: "RSA"}[ec])
		}
	}
	if !slices.Equal(kinds, []string{"RSA"}) {
		t.Errorf("published for encryption: %v", kinds)
	}
}

// FuzzEncryptionKey: no JWK Set panics; what is taken can be encrypted to.
func FuzzEncryptionKey(f *testing.F) {
	for _, s := range []string{jwks("p256", "rsa", "ed"), `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","use":"enc"}]}`, `{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"}]}`, "{}"} {
		for _, alg := range encryptionAlgs {
			f.Add([]byte(s), alg)
		}
	}
	f.Fuzz(func(t *testing.T, set []byte, alg string) {
		key, err := encryptionKey(set, alg)
		if err != nil {
			return
		}
		if public, ok := key.Key.(*ecdsa.PublicKey); ok && public.Curve == elliptic.P224() {
			t.Error("P-224")
		}
		if _, err := (&recipient{encryption{alg, contentAlgs[0]}, key}).encrypt([]byte("x"), "", nil); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	})
}
