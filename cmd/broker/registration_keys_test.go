package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
)

// publicKey is a JWK Set with one public key.
const publicKey = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// TestClientsThatHaveKeys are registered with them, or not at all.
func TestClientsThatHaveKeys(t *testing.T) {
	o := newOperator(t)
	file := func(name, text string) string {
		path := filepath.Join(o.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := file("keys.json", publicKey)
	base := []string{"clients", "create", "Portal", "--redirect-uri", "https://portal.example.org/cb"}
	var made clientView
	o.read(&made, append(base, "--id", "portal", "--auth", "private_key_jwt", "--jwks", keys, "--auth-alg", "EdDSA", "--require-par")...)
	if made.Secret != "" || made.AuthMethod != broker.AuthPrivateKeyJWT || len(made.Secrets) != 0 || !made.RequirePAR {
		t.Errorf("%+v", made)
	}
	o.read(&made, append(base, "--auth", "private_key_jwt", "--jwks-uri", "https://portal.example.org/jwks")...)
	if made.JWKSURI != "https://portal.example.org/jwks" {
		t.Errorf("%+v", made)
	}
	o.read(&made, append(base, "--jwks-uri", "https://portal.example.org/jwks", "--id-token-encryption-alg", "RSA-OAEP-256", "--userinfo-encryption-alg", "ECDH-ES", "--encryption-enc", "A256GCM", "--request-encryption-alg", "ECDH-ES")...)
	if got := strings.Join(made.Encrypted, "; "); got != "ID tokens with RSA-OAEP-256, A256GCM; userinfo with ECDH-ES, A256GCM; request objects with ECDH-ES, A128CBC-HS256" {
		t.Error(got)
	}
	o.read(&made, append(base, "--jwks", keys, "--request-alg", "EdDSA", "--request-uri", "https://portal.example.org/r#x")...)
	if made.Secret == "" {
		t.Errorf("%+v", made)
	}
	private := file("private.json", strings.Replace(publicKey, `"x"`, `"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x"`, 1))
	for _, args := range [][]string{
		{"--sector-identifier-uri", "https://127.0.0.1:1/sector.json"}, {"--subject-type", "pairwise", "--sector-identifier-uri", "http://127.0.0.1:1/sector.json"},
		{"--auth", "private_key_jwt"}, {"--auth", "private_key_jwt", "--jwks", keys, "--jwks-uri", "https://portal.example.org/jwks"},
		{"--auth", "private_key_jwt", "--jwks", private}, {"--auth", "private_key_jwt", "--jwks", file("none.json", "{}")},
		{"--auth", "private_key_jwt", "--jwks", filepath.Join(o.dir, "missing")}, {"--auth", "private_key_jwt", "--jwks", o.dir},
		{"--auth", "private_key_jwt", "--jwks-uri", "http://portal.example.org/jwks"}, {"--auth", "private_key_jwt", "--jwks-uri", "file:///etc/passwd"},
		{"--auth", "private_key_jwt", "--jwks", keys, "--auth-alg", "none"}, {"--auth", "private_key_jwt", "--jwks", keys, "--auth-alg", "HS256"},
		{"--auth", "basic", "--auth-alg", "ES256"}, {"--auth", "client_secret_jwt", "--auth-alg", "ES256"},
		{"--request-alg", "ES256"}, {"--request-uri", "https://portal.example.org/r"}, {"--jwks", keys, "--request-alg", "none"},
		{"--jwks", keys, "--request-uri", "http://portal.example.org/r"}, {"--jwks", keys, "--request-uri", "https://portal.example.org/" + strings.Repeat("x", 512)},
	} {
		o.refuses(append(append([]string{}, base...), args...)...)
	}
	o.refuses("clients", "rotate-secret", "portal")
}

// TestSecretThatIsKept: a rotation keeps both secrets until one of them ends, and
// nothing of what ended now.
func TestSecretThatIsKept(t *testing.T) {
	o := newOperator(t)
	var made clientView
	o.read(&made, "clients", "create", "Mac", "--id", "mac", "--redirect-uri", "https://mac.example.org/cb", "--auth", "client_secret_jwt", "--auth-alg", "HS512")
	if made.AuthMethod != broker.AuthSecretJWT || len(made.Secret) < 64 {
		t.Fatalf("%s, %d characters", made.AuthMethod, len(made.Secret))
	}
	first := made.Secret
	kept := func(want ...string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(o.dir, "broker.key"))
		if err != nil {
			t.Fatal(err)
		}
		ring, err := store.ParseKeyring(text)
		if err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + filepath.Join(o.dir, "broker.db"), Keys: ring})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		all, err := db.KeptSecrets(context.Background(), "mac")
		if err != nil || len(all) != len(want) {
			t.Fatalf("%d secrets, %v", len(all), err)
		}
		for _, s := range want {
			if all[broker.Secret(s).Hash()] != broker.Secret(s) {
				t.Error("another secret is kept")
			}
		}
	}
	kept(first)
	o.read(&made, "clients", "rotate-secret", "mac")
	kept(first, made.Secret)
	o.read(&made, "clients", "rotate-secret", "mac", "--expire-old", "0s")
	kept(made.Secret)
}

// TestFetcherOfABrokerOnTheInternet does not look around inside; that of one on
// loopback may.
func TestFetcherOfABrokerOnTheInternet(t *testing.T) {
	for base, inside := range map[string]bool{"https://id.example.org": false, "http://127.0.0.1:8080": true} {
		_, err := fetcher(config.Config{}, base).Get(context.Background(), "http://127.0.0.1:1/", 0)
		if err == nil || strings.Contains(err.Error(), "refused") != inside {
			t.Errorf("%s: %v", base, err)
		}
	}
}
