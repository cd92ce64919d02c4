package driver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Remote is the OpenID Provider that the driver itself is for the flow
// Provider: a provider that costs the broker nothing but its answers. The
// broker knows it by
//
//	providers:
//	  - {id: load, kind: oidc, issuer: http://127.0.0.1:9999, client_id: load, client_secret: load, sign_up: automatic}
type Remote struct {
	ID     string // of the broker's configuration; "": "load"
	Issuer string // where to listen: http and a loopback address; "": http://127.0.0.1:9999
}

// remoteKey is the key id of the one key of a remote.
const remoteKey = "load"

// remote serves what a Remote says.
type remote struct {
	Remote
	key    *ecdsa.PrivateKey
	signer jose.Signer
	mu     sync.Mutex
	codes  map[string]journey // by code
}

// journey is what the provider remembers between the two requests.
type journey struct{ subject, nonce string }

// serve listens until the context ends.
func (r Remote) serve(ctx context.Context) (*remote, error) {
	if r.ID == "" {
		r.ID = "load"
	}
	if r.Issuer == "" {
		r.Issuer = "http://127.0.0.1:9999"
	}
	at, err := url.Parse(r.Issuer)
	if err != nil || at.Scheme != "http" || at.Port() == "" || strings.Trim(at.Path, "/") != "" {
		return nil, fmt.Errorf("the provider's issuer %q is no http://HOST:PORT", r.Issuer)
	}
	if ip := net.ParseIP(at.Hostname()); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the provider's issuer %q is not on loopback", r.Issuer)
	}
	p := &remote{Remote: r, codes: map[string]journey{}}
	if p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: remoteKey}}, nil)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", at.Host)
	if err != nil {
		return nil, fmt.Errorf("listen as the provider: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks.json", p.keys)
	mux.HandleFunc("POST /token", p.token)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: requestTimeout}
	go func() { _ = server.Serve(l) }() // ends with Close
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return p, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever went away needs no answer
}

func (p *remote) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": p.Issuer, "authorization_endpoint": p.Issuer + "/authorize", "token_endpoint": p.Issuer + "/token", "jwks_uri": p.Issuer + "/jwks.json",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (p *remote) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: remoteKey, Algorithm: "ES256", Use: "sig"}}})
}

// token redeems a code. Whether the client may is not what is measured.
func (p *remote) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	j, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	client, _, basic := r.BasicAuth()
	if !basic {
		client = r.PostFormValue("client_id")
	}
	if !ok || client == "" {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	id, err := jwt.Signed(p.signer).Claims(map[string]any{
		"iss": p.Issuer, "aud": client, "sub": j.subject, "nonce": j.nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"name": j.subject, "email": j.subject + "@load.example", "email_verified": true,
	}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": id})
}

// consent is what the authorization endpoint would do: it takes what the broker
// asks and gives the callback's parameters.
func (p *remote) consent(asked *url.URL, subject string) (url.Values, error) {
	q := asked.Query()
	if asked.Scheme+"://"+asked.Host != p.Issuer || q.Get("state") == "" || q.Get("nonce") == "" {
		return nil, fmt.Errorf("the broker leads to %s%s, with state %t and nonce %t", asked.Host, asked.Path, q.Get("state") != "", q.Get("nonce") != "")
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = journey{subject, q.Get("nonce")}
	p.mu.Unlock()
	return url.Values{"code": {code}, "state": {q.Get("state")}}, nil
}

// settings is a page that only somebody who is signed in sees.
const settings = "/account/settings/profile/"

// remoteWorker prepares the flow Provider: somebody of the worker's own signs in
// with the provider, each time in a browser that was never here. The first time,
// which is not measured, begins the account.
func (p *provider) remoteWorker(ctx context.Context, at *remote) (operation, error) {
	subject := "load-" + strings.ToLower(rand.Text())
	c, err := p.signInThere(ctx, at, subject)
	if err != nil {
		return nil, err
	}
	if _, err := c.get(ctx, strings.TrimSuffix(p.o.Issuer, "/")+settings, ""); err != nil {
		return nil, fmt.Errorf("nobody is signed in (does the provider have sign_up: automatic?): %w", err)
	}
	return func(ctx context.Context) (int, error) { _, err := p.signInThere(ctx, at, subject); return 2, err }, nil
}

// signInThere goes to the provider and back, in a new browser.
func (p *provider) signInThere(ctx context.Context, at *remote, subject string) (*caller, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c, home := p.caller(jar), strings.TrimSuffix(p.o.Issuer, "/")
	to, err := c.leads(ctx, home+"/oauth/login/"+at.ID+"/")
	if err != nil {
		return nil, err
	}
	back, err := at.consent(to, subject)
	if err != nil {
		return nil, err
	}
	if to, err = c.leads(ctx, home+"/oauth/authorized/"+at.ID+"/?"+back.Encode()); err != nil {
		return nil, err
	}
	if strings.HasPrefix(to.Path, "/oauth/signup/") || strings.HasPrefix(to.Path, "/login/") {
		return nil, fmt.Errorf("the callback leads to %s", to.Path)
	}
	return c, nil
}

// leads gets a page that must lead elsewhere.
func (c *caller) leads(ctx context.Context, from string) (*url.URL, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	res, _, err := c.do(r, http.StatusSeeOther)
	if err != nil {
		return nil, err
	}
	to, err := res.Location()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s leads nowhere", r.URL.Path), err)
	}
	return to, nil
}
