package tokens_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// op is the smallest thing that can be put around a Service: everybody is
// signed in as Ada, and says yes.
type op struct {
	*tokens.Service
	user    broker.User
	session broker.Session
}

func (o *op) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	a, err := o.ParseAuthorization(ctx, r.URL.Query())
	switch {
	case a == nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case err != nil:
		o.Refuse(w, r, a, err)
		return
	}
	step, _, err := a.Decide(tokens.Standing{Session: o.session, At: time.Now()})
	switch {
	case err != nil:
		o.Refuse(w, r, a, err)
	case step == broker.StepIdentify:
		http.Error(w, "sign in", http.StatusUnauthorized)
	default: // StepConsent: a person would be asked
		now := time.Now()
		consent := &broker.Consent{UserID: o.user.ID, ClientID: a.Client.ID, Scopes: a.Scopes, CreatedAt: now, UpdatedAt: now}
		if err := o.Respond(ctx, w, r, a, tokens.Approval{User: o.user, Session: o.session, Scopes: a.Scopes, Consent: consent}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

// newOP serves an OpenID Provider over HTTP with one client.
func newOP(t *testing.T, client broker.Client) (*op, *httptest.Server) {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	db, now := storetest.New(t), time.Now()
	s, err := tokens.New(db, tokens.Options{Issuer: srv.URL, Secret: [32]byte{7}})
	if err == nil {
		err = s.EnsureKeys(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	o := &op{Service: s}
	o.user = broker.User{ID: "ada", Email: "ada@example.org", EmailVerifiedAt: now, Name: "Ada Lovelace", CreatedAt: now, UpdatedAt: now}
	o.session = broker.Session{SID: "sid-1", UserID: "ada", AuthTime: now, AMR: []string{"pwd"}, ACR: broker.ACRSingle, Provider: "orcid"}
	if err := db.CreateUser(t.Context(), o.user); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateClient(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/.well-known/openid-configuration", s.ServeDiscovery)
	mux.HandleFunc("/oauth2/jwks.json", s.ServeJWKS)
	mux.HandleFunc("/oauth2/token", s.ServeToken)
	mux.HandleFunc("/oauth2/userinfo", s.ServeUserInfo)
	mux.HandleFunc("/oauth2/introspect", s.ServeIntrospection)
	mux.HandleFunc("/oauth2/revoke", s.ServeRevocation)
	mux.HandleFunc("/oauth2/authorize", o.authorize)
	return o, srv
}

// TestRelyingPartyLibrary: go-oidc and x/oauth2, which are not ours, go all the
// way: discovery, code with PKCE and nonce, ID token, userinfo, refresh,
// and nothing after the code was replayed.
func TestRelyingPartyLibrary(t *testing.T) {
	secret := broker.NewSecret()
	for name, client := range map[string]broker.Client{
		"RS256, basic": {AuthMethod: broker.AuthBasic},
		"ES256, post":  {AuthMethod: broker.AuthPost, IDTokenAlg: broker.ES256},
		"public":       {AuthMethod: broker.AuthNone, IDTokenAlg: broker.ES256},
		"PS384":        {AuthMethod: broker.AuthBasic, IDTokenAlg: "PS384", Metadata: broker.ClientMetadata{UserInfoSignedResponseAlg: "ES512"}},
		"EdDSA":        {AuthMethod: broker.AuthBasic, IDTokenAlg: "EdDSA"},
		"pairwise":     {AuthMethod: broker.AuthBasic, Metadata: broker.ClientMetadata{SubjectType: "pairwise"}},
	} {
		t.Run(name, func(t *testing.T) {
			client.ID, client.Name, client.RedirectURIs = "rp", "RP", []string{"http://127.0.0.1/cb"}
			client.GrantTypes = []string{broker.GrantCode, broker.GrantRefresh}
			client.Scopes = []string{"openid", "profile", "email", "offline_access"}
			config := oauth2.Config{ClientID: "rp", RedirectURL: "http://127.0.0.1:4711/cb", Scopes: client.Scopes}
			if !client.Public() {
				client.Secrets = []broker.ClientSecret{{Hash: secret.Hash()}}
				config.ClientSecret = secret.Reveal()
			}
			o, srv := newOP(t, client)
			subject := string(o.user.ID)
			if client.Metadata.SubjectType == "pairwise" {
				subject = ""
			}
			rp(t, srv, config, subject)
		})
	}
}

func rp(t *testing.T, srv *httptest.Server, config oauth2.Config, subject string) {
	ctx := oidc.ClientContext(t.Context(), srv.Client())
	provider, err := oidc.NewProvider(ctx, srv.URL)
	check(t, err)
	config.Endpoint = provider.Endpoint()

	verifier := oauth2.GenerateVerifier()
	q := visit(t, config.AuthCodeURL("state-1", oidc.Nonce("nonce-1"), oauth2.S256ChallengeOption(verifier)))
	if q.Get("state") != "state-1" || q.Get("iss") != srv.URL || q.Get("error") != "" {
		t.Fatalf("redirect with %v", q)
	}
	token, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier))
	check(t, err)

	idToken := verified(t, ctx, provider, config.ClientID, token)
	var claims struct {
		SID, ACR, AZP, IDP string
		AMR                []string
		AuthTime           int64 `json:"auth_time"`
	}
	check(t, idToken.Claims(&claims))
	if subject == "" { // pairwise: another than the account's
		if subject = idToken.Subject; subject == "ada" || subject == "" {
			t.Errorf("subject %q", subject)
		}
	}
	if idToken.Subject != subject || idToken.Nonce != "nonce-1" || claims.SID != "sid-1" || claims.IDP != "orcid" || claims.AZP != "rp" || claims.AuthTime == 0 || len(claims.AMR) != 1 {
		t.Errorf("ID token %+v, %+v", idToken, claims)
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	check(t, err)
	if info.Subject != subject || info.Email != "ada@example.org" || !info.EmailVerified {
		t.Errorf("userinfo %+v", info)
	}

	token.Expiry = time.Now().Add(-time.Minute)
	fresh, err := config.TokenSource(ctx, token).Token()
	check(t, err)
	if fresh.RefreshToken == token.RefreshToken || fresh.AccessToken == token.AccessToken {
		t.Error("the refresh changed nothing")
	}
	if again := verified(t, ctx, provider, config.ClientID, fresh); again.Subject != subject || again.Nonce != "" {
		t.Errorf("refreshed ID token %+v", again)
	}

	if _, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(verifier)); err == nil { // a replay ends it all
		t.Error("the code works twice")
	}
	if _, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(fresh)); err == nil {
		t.Error("userinfo after a replayed code")
	}
}

// verified checks an ID token and its at_hash as a careful relying party does.
func verified(t *testing.T, ctx context.Context, provider *oidc.Provider, client string, token *oauth2.Token) *oidc.IDToken {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: client}).Verify(ctx, raw)
	check(t, err)
	check(t, idToken.VerifyAccessToken(token.AccessToken))
	return idToken
}

// visit opens a URL like a browser and returns the parameters of the redirect.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	check(t, err)
	browser := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(address)
	check(t, err)
	defer resp.Body.Close()
	to, err := resp.Location()
	check(t, err)
	return to.Query()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeclinedRequestReachesTheRelyingParty with the state and the issuer.
func TestDeclinedRequestReachesTheRelyingParty(t *testing.T) {
	o, srv := newOP(t, broker.Client{
		ID: "rp", AuthMethod: broker.AuthNone, RedirectURIs: []string{"https://rp.example/cb"}, GrantTypes: []string{broker.GrantCode}, Scopes: []string{"openid"},
	})
	o.session = broker.Session{}
	config := oauth2.Config{ClientID: "rp", RedirectURL: "https://rp.example/cb", Scopes: []string{"openid"}, Endpoint: oauth2.Endpoint{AuthURL: srv.URL + "/oauth2/authorize"}}
	q := visit(t, config.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	if q.Get("error") != "login_required" || q.Get("state") != "s" || q.Get("iss") != srv.URL {
		t.Errorf("redirect with %v", q)
	}
}
