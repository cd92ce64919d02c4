package demo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// provider is a small OpenID Provider with one client, the broker. It asks for
// everything that a careful one asks for: PKCE with S256, nonce, state, the
// exact redirect URI, client authentication.
type provider struct {
	app         ProviderApp
	path        string // of the issuer, below the listener's root
	redirectURI string
	brokerURL   string
	alg         jose.SignatureAlgorithm
	log         *slog.Logger

	key    func() jose.JSONWebKey // made when it is first needed: RSA takes a while
	codes  *spendOnce[grant]
	tokens *spendOnce[grant]
}

func newProvider(o Options, id, title, alg string) *provider {
	p := &provider{
		app: ProviderApp{
			ID: id, Title: title, Issuer: o.ProviderURL + "/" + id,
			ClientID: "broker-at-" + id, ClientSecret: broker.NewSecret(),
		},
		path: "/" + id, redirectURI: o.RedirectURI(id), brokerURL: o.Issuer,
		alg: jose.SignatureAlgorithm(alg), log: o.Log,
		codes: newSpendOnce[grant](codeLifetime), tokens: newSpendOnce[grant](accessLifetime),
	}
	p.key = sync.OnceValue(func() jose.JSONWebKey { return newKey(p.alg) })
	return p
}

// newKey makes a signing key. Its id is its thumbprint (RFC 7638).
func newKey(alg jose.SignatureAlgorithm) jose.JSONWebKey {
	k := jose.JSONWebKey{Algorithm: string(alg), Use: "sig"}
	switch alg {
	case jose.ES256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // crypto/rand never fails since Go 1.24
		}
		k.Key = key
	default:
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		k.Key = key
	}
	public := k.Public()
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		panic(err) // a key that we have just made
	}
	k.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return k
}

// subject is the person's identifier at this provider: the same after every
// restart, another one at every provider.
func (p *provider) subject(person string) string {
	sum := sha256.Sum256([]byte(p.app.Issuer + "\x00" + person))
	return fmt.Sprintf("%x", sum[:12])
}

// providerHandler serves the providers, each below its own path, and a page
// that says what they are.
func providerHandler(o Options, providers []*provider) http.Handler {
	mux := http.NewServeMux()
	page := providersPage{frame: frame{Title: "Demo providers", Part: "Demo providers"}, Issuer: o.Issuer, People: People()}
	for _, p := range providers {
		page.Providers = append(page.Providers, p.app.Title)
		mux.HandleFunc("GET "+p.path+"/.well-known/openid-configuration", p.getDiscovery)
		mux.HandleFunc("GET "+p.path+"/jwks.json", p.getJWKS)
		mux.HandleFunc("GET "+p.path+"/authorize", p.getAuthorize)
		mux.Handle("POST "+p.path+"/authorize", sameOrigin(p.postAuthorize))
		mux.HandleFunc("POST "+p.path+"/token", p.postToken)
		mux.HandleFunc("GET "+p.path+"/userinfo", p.serveUserInfo)
		mux.HandleFunc("POST "+p.path+"/userinfo", p.serveUserInfo)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		render(w, http.StatusOK, "providers.html", page)
	})
	// Choosing a person posts a form that ends at the broker, or, where
	// nothing is left to ask, at the application behind it.
	return part(o.ProviderURL, []string{o.Issuer, o.AppURL}, mux)
}

type providersPage struct {
	frame
	Issuer    string
	Providers []string
	People    []Person
}

// getDiscovery serves the metadata (OpenID Connect Discovery 1.0, section 3).
func (p *provider) getDiscovery(w http.ResponseWriter, r *http.Request) {
	at := p.app.Issuer
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         at,
		"authorization_endpoint":                         at + "/authorize",
		"token_endpoint":                                 at + "/token",
		"userinfo_endpoint":                              at + "/userinfo",
		"jwks_uri":                                       at + "/jwks.json",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{string(p.alg)},
		"scopes_supported":                               []string{"openid", "profile", "email"},
		"claims_supported":                               []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "amr", "name", "preferred_username", "email", "email_verified"},
		"token_endpoint_auth_methods_supported":          []string{broker.AuthBasic, broker.AuthPost},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

// getJWKS serves the public key.
func (p *provider) getJWKS(w http.ResponseWriter, r *http.Request) {
	key := p.key()
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
