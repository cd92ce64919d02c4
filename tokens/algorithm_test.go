package tokens

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// signed registers a client for an algorithm, of ID tokens and of userinfo.
func (w *world) signed(id, alg, info string) {
	now := time.Now()
	must(w.t, w.db.CreateClient(w.t.Context(), broker.Client{
		ID: id, Name: id, AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: testSecret.Hash()}}, RedirectURIs: []string{testCallback},
		GrantTypes: []string{broker.GrantCode, broker.GrantRefresh, broker.GrantImplicit}, Scopes: []string{"openid", "profile", "email", "offline_access", "api"},
		IDTokenAlg: alg, Metadata: broker.ClientMetadata{ResponseTypes: responseTypes, UserInfoSignedResponseAlg: info}, CreatedAt: now, UpdatedAt: now,
	}))
}

// TestEveryAlgorithmSigns: the key is made when the first client wants it, is
// published, and everything that an ID token is used for works with it.
func TestEveryAlgorithmSigns(t *testing.T) {
	w := newWorld(t)
	for _, alg := range allAlgorithms {
		w.signed(alg, alg, alg)
		before := len(w.s.keys.Load().keys)
		a := w.tokens(alg)
		made := len(w.s.keys.Load().keys) - before
		if want := !slices.Contains(algorithms, alg); want != (made == 1) {
			t.Errorf("%s: %d keys made", alg, made)
		}
		token := a.str("id_token")
		jws, err := jose.ParseSignedCompact(token, josed())
		must(t, err)
		claims := claimsOf(t, w, token)
		if jws.Signatures[0].Protected.Algorithm != alg || claims.AccessTokenHash != leftHash(alg, a.str("access_token")) {
			t.Errorf("%s: header %+v, at_hash %s", alg, jws.Signatures[0].Protected, claims.AccessTokenHash)
		}
		if hint := w.parse(with(request(alg), "id_token_hint", token)); hint.HintSubject != w.user.ID {
			t.Errorf("%s: the hint names %q", alg, hint.HintSubject)
		}
		front, _ := w.answered(with(request(alg), "response_type", "code id_token token"))
		if c := claimsOf(t, w, front.Get("id_token")); c.CodeHash != leftHash(alg, front.Get("code")) || c.AccessTokenHash != leftHash(alg, front.Get("access_token")) {
			t.Errorf("%s: %+v", alg, c)
		}
		w.checkInfo(alg, a.str("access_token"))
	}
	if got := len(w.s.keys.Load().keys); got != len(allAlgorithms) {
		t.Errorf("%d keys", got)
	}
}

// checkInfo reads signed userinfo as a relying party does.
func (w *world) checkInfo(client, access string) {
	t := w.t
	t.Helper()
	info := w.userInfo(access)
	if info.status != http.StatusOK || info.header.Get("Content-Type") != "application/jwt" || info.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: userinfo %d %v", client, info.status, info.header)
	}
	jws, err := jose.ParseSignedCompact(string(info.body), josed())
	must(t, err)
	payload, err := jws.Verify(w.s.keys.Load().byID(jws.Signatures[0].Protected.KeyID).public)
	must(t, err)
	var got map[string]any
	must(t, json.Unmarshal(payload, &got))
	if got["iss"] != testIssuer || got["aud"] != client || got["sub"] != string(w.user.ID) || got["email"] != w.user.Email || got["exp"] != nil {
		t.Errorf("%s: userinfo %v", client, got)
	}
	// It is signed by us and names a person, but it is no ID token.
	if _, err := w.s.ParseAuthorization(t.Context(), with(request(client), "id_token_hint", string(info.body))); err == nil {
		t.Errorf("%s: userinfo passes for a hint", client)
	}
	if l, err := w.s.ParseLogout(t.Context(), map[string][]string{"id_token_hint": {string(info.body)}}); err != nil || l.HintValid {
		t.Errorf("%s: userinfo signs people out: %+v, %v", client, l, err)
	}
}

// TestKeysOfRegisteredClientsAreThereAtTheStart.
func TestKeysOfRegisteredClientsAreThereAtTheStart(t *testing.T) {
	w := newWorld(t)
	w.signed("a", "ES384", "EdDSA")
	w.signed("b", "none", "HS256") // nonsense in the database makes no key
	s, err := New(w.db, Options{Issuer: testIssuer, Secret: [32]byte{1}})
	must(t, err)
	must(t, s.EnsureKeys(t.Context()))
	for _, alg := range []string{"ES384", "EdDSA"} {
		if s.keys.Load().signer(alg, time.Now()) == nil {
			t.Errorf("no key for %s", alg)
		}
	}
	if got := len(s.keys.Load().keys); got != 4 {
		t.Errorf("%d keys", got)
	}
	made, err := s.RotateKeys(t.Context(), "")
	must(t, err)
	if len(made) != 4 {
		t.Errorf("rotated %d keys", len(made))
	}
	if _, err := s.RotateKeys(t.Context(), "HS256"); err == nil {
		t.Error("a key for HS256")
	}
}

// TestManyFirstRequestsMakeOneKey.
func TestManyFirstRequestsMakeOneKey(t *testing.T) {
	w := newWorld(t)
	w.signed("ed", "EdDSA", "")
	done := make(chan error)
	for range 8 {
		go func() {
			_, err := w.s.ParseAuthorization(t.Context(), request("ed"))
			done <- err
		}()
	}
	for range 8 {
		must(t, <-done)
	}
	if got := len(w.s.keys.Load().keys); got != len(algorithms)+1 {
		t.Errorf("%d keys", got)
	}
}

// TestKeysFitTheirAlgorithm: what a database says of a key is not believed.
func TestKeysFitTheirAlgorithm(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	if _, err := publicOf(small, "RS256"); err == nil {
		t.Error("1024 bits")
	}
	for _, made := range []string{"RS256", "ES256", "ES384", "EdDSA"} {
		private, err := newPrivate(made)
		must(t, err)
		for _, alg := range append(Algorithms(), "none", "HS256", "") {
			family := func(a string) string { return strings.Replace(a, "PS", "RS", 1) }
			fits := made == alg || made == "RS256" && strings.HasPrefix(family(alg), "RS")
			if _, err := publicOf(private, alg); (err == nil) != fits {
				t.Errorf("a key for %s used for %q: %v", made, alg, err)
			}
		}
	}
	if _, err := publicOf("x", "RS256"); err == nil {
		t.Error("text is a key")
	}
	if _, err := newPrivate("none"); err == nil {
		t.Error("a key for none")
	}
}
