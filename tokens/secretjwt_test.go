package tokens

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// macSign makes an assertion with a secret.
func macSign(t testing.TB, alg string, secret []byte, claims any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: secret}, nil)
	must(t, err)
	body, err := json.Marshal(claims)
	must(t, err)
	signed, err := signer.Sign(body)
	must(t, err)
	compact, err := signed.CompactSerialize()
	must(t, err)
	return compact
}

// macClient registers an application with client_secret_jwt and the secrets.
func (w *world) macClient(id string, secrets []broker.ClientSecret, kept ...broker.Secret) {
	w.t.Helper()
	w.signingClient(id, func(c *broker.Client) {
		c.AuthMethod, c.Secrets = broker.AuthSecretJWT, secrets
	})
	for _, s := range kept {
		must(w.t, w.db.KeepSecret(w.t.Context(), id, s))
	}
}

func TestSecretAssertions(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		at := time.Now()
		old, young, ended := broker.NewSecret()+broker.NewSecret(), broker.NewSecret()+broker.NewSecret(), broker.NewSecret()+broker.NewSecret()
		w.macClient("mac", []broker.ClientSecret{{Hash: old.Hash(), ExpiresAt: at.Add(time.Hour)}, {Hash: young.Hash()}, {Hash: ended.Hash(), ExpiresAt: at.Add(-time.Second)}}, old, young, ended)
		for _, alg := range secretAlgs {
			for name, secret := range map[string]broker.Secret{"old": old, "young": young} {
				if a := w.assert(macSign(t, alg, []byte(secret.Reveal()), assertionOf("mac"))); a.status != http.StatusOK {
					t.Errorf("%s, %s: %d %s", alg, name, a.status, a.body)
				}
			}
			wantError(t, "an ended secret", w.assert(macSign(t, alg, []byte(ended.Reveal()), assertionOf("mac"))), 401, "invalid_client")
		}
		once := macSign(t, "HS256", []byte(young.Reveal()), assertionOf("mac"))
		if a := w.assert(once); a.status != http.StatusOK {
			t.Error(a.status)
		}
		wantError(t, "the second time", w.assert(once), 401, "invalid_client")
	})
}

// TestSecretAssertionsThatAreRefused: neither another secret nor another method
// passes, whichever way the client is registered.
func TestSecretAssertionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	secret, short, foreign := broker.NewSecret()+broker.NewSecret(), broker.Secret("0123456789012345678901234567890"), broker.NewSecret()+broker.NewSecret()
	live := func(s broker.Secret) []broker.ClientSecret { return []broker.ClientSecret{{Hash: s.Hash()}} }
	w.macClient("mac", live(secret), secret)
	w.macClient("neighbour", live(foreign), foreign)
	w.macClient("short", live(short), short)
	w.macClient("unkept", live(secret))
	w.macClient("dropped", nil, secret) // the client has it no longer
	w.signingClient("signing")
	w.signingClient("pinned", func(c *broker.Client) {
		c.AuthMethod, c.Secrets, c.Metadata.TokenEndpointAuthSigningAlg = broker.AuthSecretJWT, live(secret), "HS512"
	})
	must(t, w.db.KeepSecret(t.Context(), "pinned", secret))
	public, err := x509.MarshalPKIXPublicKey(clientKeyring()["p256"].Public())
	must(t, err)
	good := assertionOf("mac")
	key := []byte(secret.Reveal())
	for name, assertion := range map[string]string{
		"wrong secret":                           macSign(t, "HS256", []byte(foreign.Reveal()), good),
		"the hash":                               macSign(t, "HS256", []byte(secret.Hash()), good),
		"no secret":                              macSign(t, "HS256", make([]byte, 32), good),
		"its own key":                            sign(t, header{}, good),
		"secret of 31 bytes":                     macSign(t, "HS256", append([]byte(short.Reveal()), 0), assertionOf("short")),
		"a secret that is gone":                  macSign(t, "HS256", key, assertionOf("dropped")),
		"a secret that is a hash":                macSign(t, "HS256", key, assertionOf("unkept")),
		"the public key, as bytes":               macSign(t, "HS256", public, assertionOf("signing")),
		"its JWK Set as secret":                  macSign(t, "HS256", []byte(jwks("p256", "p384", "p521", "rsa", "ed")), assertionOf("signing")),
		"of a client with keys":                  macSign(t, "HS256", key, assertionOf("signing")),
		"of a client with a secret that is sent": macSign(t, "HS256", []byte(testSecret.Reveal()), assertionOf("app")),
		"another algorithm":                      macSign(t, "HS256", key, assertionOf("pinned")),
		"two audiences":                          macSign(t, "HS256", key, good.with("aud", []string{testIssuer, "https://other.example"})),
		"audience as a list":                     macSign(t, "HS256", key, good.with("aud", []string{testIssuer})),
		"for the endpoint":                       macSign(t, "HS256", key, good.with("aud", testIssuer+"/oauth2/token")),
		"expired":                                macSign(t, "HS256", key, good.with("exp", 1)),
		"another's name":                         macSign(t, "HS256", key, assertionOf("neighbour")),
	} {
		wantError(t, name, w.assert(assertion), 401, "invalid_client")
	}
	if a := w.assert(macSign(t, "HS512", key, assertionOf("pinned"))); a.status != http.StatusOK {
		t.Errorf("the algorithm that it is registered for: %s", a.body)
	}
	// The secret itself is not to be sent.
	form := with(nil, "grant_type", "client_credentials", "scope", "api")
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth("mac", secret.Reveal())
	wantError(t, "in the header", w.send(w.s.ServeToken, r, form.Encode()), 401, "invalid_client")
	wantError(t, "in the body", w.call(w.s.ServeToken, "", with(form, "client_id", "mac", "client_secret", secret.Reveal())), 401, "invalid_client")
	wantError(t, "nothing", w.call(w.s.ServeToken, "", with(form, "client_id", "mac")), 401, "invalid_client")
	// A MAC is no signature of a request object.
	if _, err := w.s.ParseAuthorization(t.Context(), object("mac", macSign(t, "HS256", key, objectOf("mac")))); err == nil {
		t.Error("a request object with a MAC passes")
	}
}

// TestRegisterSecretJWT: the secret is long enough, kept sealed while it is
// needed, and made anew where only its hash was there.
func TestRegisterSecretJWT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := registering(t, RegisterOpen)
		a := w.register(map[string]any{"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512"})
		id, first := a.str("client_id"), broker.Secret(a.str("client_secret"))
		if a.status != 201 || len(first) < 64 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		kept := func() map[string]broker.Secret {
			all, err := w.db.KeptSecrets(t.Context(), id)
			must(t, err)
			return all
		}
		if got := kept(); len(got) != 1 || got[first.Hash()] != first {
			t.Errorf("kept %d", len(got))
		}
		if got := w.assert(macSign(t, "HS512", []byte(first.Reveal()), assertionOf(id))); got.str("error") != "unauthorized_client" && got.str("error") != "invalid_scope" { // it is in, and may not do this
			t.Errorf("%s", got.body)
		}
		put := func(change map[string]any) answer {
			time.Sleep(updatePause)
			return w.json("PUT", "/oauth2/register/"+id, a.str("registration_access_token"), asking(mergeInto(map[string]any{"client_id": id}, change)))
		}
		if got := put(map[string]any{"token_endpoint_auth_method": "client_secret_jwt"}); got.status != 200 || got.str("client_secret") != "" || len(kept()) != 1 {
			t.Errorf("as before: %d %s", got.status, got.body)
		}
		if got := put(map[string]any{"token_endpoint_auth_method": "client_secret_post"}); got.status != 200 || len(kept()) != 0 {
			t.Errorf("another method keeps the secret: %d %s", got.status, got.body)
		}
		got := put(map[string]any{"token_endpoint_auth_method": "client_secret_jwt"})
		if second := broker.Secret(got.str("client_secret")); got.status != 200 || second == "" || second == first || kept()[second.Hash()] != second {
			t.Errorf("back again: %d %s", got.status, got.body)
		}
		wantError(t, "an algorithm of keys", put(map[string]any{"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"}), 400, "invalid_client_metadata")

		// An ended secret is not kept.
		c, err := w.db.Client(t.Context(), id)
		must(t, err)
		c.Secrets[0].ExpiresAt = time.Now().Add(-time.Second)
		must(t, w.db.UpdateClient(t.Context(), c))
		_, err = w.s.PruneClients(t.Context())
		if must(t, err); len(kept()) != 0 {
			t.Error("an ended secret is kept")
		}
	})
}

// TestSecretMadeWhileEndedOnesGo: the job that forgets secrets which have ended has
// read the client before its secret is rotated, and does not forget the new one.
func TestSecretMadeWhileEndedOnesGo(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		at := time.Now()
		secrets := []broker.Secret{"ended", "present", "next"}
		for i := range secrets {
			secrets[i] += broker.NewSecret() + broker.NewSecret()
		}
		of := func(s broker.Secret, ends time.Time) broker.ClientSecret {
			return broker.ClientSecret{Hash: s.Hash(), CreatedAt: at, ExpiresAt: ends}
		}
		w.macClient("mac", []broker.ClientSecret{of(secrets[0], at.Add(-time.Hour)), of(secrets[1], time.Time{})}, secrets[:2]...)
		read, err := w.db.Client(t.Context(), "mac")
		must(t, err)
		rotated := read
		rotated.Secrets = []broker.ClientSecret{of(secrets[1], at.Add(time.Hour)), of(secrets[2], time.Time{})}
		must(t, w.db.UpdateClient(t.Context(), rotated))
		must(t, w.db.KeepSecret(t.Context(), "mac", secrets[2]))
		must(t, w.s.forgetEnded(t.Context(), read, at))
		kept, err := w.db.KeptSecrets(t.Context(), "mac")
		must(t, err)
		if len(kept) != 2 || kept[secrets[0].Hash()] != "" {
			t.Errorf("%d are kept", len(kept))
		}
		if a := w.assert(macSign(t, "HS256", []byte(secrets[2].Reveal()), assertionOf("mac"))); a.status != http.StatusOK {
			t.Errorf("the new secret: %d %s", a.status, a.body)
		}
	})
}

func mergeInto(m, more map[string]any) map[string]any {
	for k, v := range more {
		m[k] = v
	}
	return m
}

// FuzzSecretAssertion: no assertion panics, and none but ours passes.
func FuzzSecretAssertion(f *testing.F) {
	w := newWorld(f)
	secret := broker.NewSecret() + broker.NewSecret()
	w.macClient("mac", []broker.ClientSecret{{Hash: secret.Hash()}}, secret)
	c, err := w.db.Client(f.Context(), "mac")
	must(f, err)
	good := macSign(f, "HS256", []byte(secret.Reveal()), assertionOf("mac").with("exp", 1))
	for _, s := range []string{good, strings.Replace(good, ".", "..", 1), "a.b.c", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if w.s.checkAssertion(t.Context(), c, broker.Secret(text), time.Now()) == nil {
			t.Errorf("%q passes", text)
		}
	})
}
