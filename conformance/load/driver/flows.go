package driver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"idbroker/conformance/visitor"
)

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 1 << 20
)

// provider is what discovery told of the issuer.
type provider struct {
	o         Options
	transport http.RoundTripper
	remote    *remote // nil: no flow needs it

	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	JWKS          string `json:"jwks_uri"`
}

func (o Options) discovery() string {
	return strings.TrimSuffix(o.Issuer, "/") + "/.well-known/openid-configuration"
}

func discover(ctx context.Context, t http.RoundTripper, o Options) (*provider, error) {
	p := &provider{o: o, transport: t}
	body, err := p.caller(nil).get(ctx, o.discovery(), "")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	if p.Issuer != o.Issuer {
		return nil, fmt.Errorf("discovery: the issuer calls itself %q", p.Issuer)
	}
	return p, nil
}

// caller sends requests and reads the answers to their end, so that
// connections are used again.
type caller struct{ client *http.Client }

func (p *provider) caller(jar http.CookieJar) *caller {
	return &caller{&http.Client{
		Transport: p.transport, Jar: jar, Timeout: requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *caller) do(r *http.Request, status int) (*http.Response, []byte, error) {
	res, err := c.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != status {
		return nil, nil, fmt.Errorf("%s %s: %s: %.120s", r.Method, r.URL.Path, res.Status, body)
	}
	return res, body, nil
}

func (c *caller) get(ctx context.Context, to, bearer string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		return nil, err
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	_, body, err := c.do(r, http.StatusOK)
	return body, err
}

// document gets what is public as HTTP libraries do, which ask for gzip.
func (c *caller) document(ctx context.Context, at string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	_, body, err := c.do(r, http.StatusOK)
	return body, err
}

// post sends a form as the client.
func (p *provider) post(ctx context.Context, c *caller, to string, form url.Values) ([]byte, error) {
	if p.o.ClientSecret == "" {
		form.Set("client_id", p.o.ClientID)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.o.ClientSecret != "" {
		r.SetBasicAuth(url.QueryEscape(p.o.ClientID), url.QueryEscape(p.o.ClientSecret))
	}
	_, body, err := c.do(r, http.StatusOK)
	return body, err
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func (p *provider) token(ctx context.Context, c *caller, form url.Values) (tokens, error) {
	var t tokens
	body, err := p.post(ctx, c, p.Token, form)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(body, &t); err != nil || t.Access == "" {
		return t, fmt.Errorf("the token answer has no access token: %w", err)
	}
	return t, nil
}

// worker prepares one worker's operation.
func (p *provider) worker(ctx context.Context, flow string) (operation, error) {
	c := p.caller(nil)
	switch flow {
	case Discovery:
		return func(ctx context.Context) (int, error) { _, err := c.document(ctx, p.o.discovery()); return 1, err }, nil
	case JWKS:
		return func(ctx context.Context) (int, error) { _, err := c.document(ctx, p.JWKS); return 1, err }, nil
	case ClientCredentials:
		return func(ctx context.Context) (int, error) {
			_, err := p.token(ctx, c, url.Values{"grant_type": {"client_credentials"}})
			return 1, err
		}, nil
	case Introspect:
		t, err := p.token(ctx, c, url.Values{"grant_type": {"client_credentials"}})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (int, error) {
			body, err := p.post(ctx, c, p.Introspection, url.Values{"token": {t.Access}})
			if err == nil && !strings.Contains(strings.ReplaceAll(string(body), " ", ""), `"active":true`) {
				err = errors.New("the token is not active")
			}
			return 1, err
		}, nil
	case Provider:
		return p.remoteWorker(ctx, p.remote)
	case Password:
		return p.passwordWorker(ctx)
	}
	return p.personal(ctx, flow)
}

// personal prepares the flows that need somebody who is signed in.
func (p *provider) personal(ctx context.Context, flow string) (operation, error) {
	if flow == Refresh && !strings.Contains(p.o.Scope, "offline_access") {
		p.o.Scope += " offline_access"
	}
	v := visitor.New(p.transport)
	t, err := p.signIn(ctx, v)
	if err != nil {
		return nil, err
	}
	c := p.caller(v.Client().Jar)
	switch flow {
	case UserInfo:
		return func(ctx context.Context) (int, error) { _, err := c.get(ctx, p.UserInfo, t.Access); return 1, err }, nil
	case Refresh:
		if t.Refresh == "" {
			return nil, errors.New("no refresh token was issued")
		}
		return func(ctx context.Context) (int, error) {
			next, err := p.token(ctx, c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
			if err == nil && next.Refresh != "" {
				t = next
			}
			return 1, err
		}, nil
	}
	return func(ctx context.Context) (int, error) {
		q, verifier := p.request()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Authorization+"?"+q.Encode(), nil)
		if err != nil {
			return 0, err
		}
		res, err := c.client.Do(r)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
		_ = res.Body.Close()
		back, err := res.Location()
		if err != nil {
			return 0, fmt.Errorf("authorize: %s", res.Status)
		}
		_, err = p.redeem(ctx, c, back, q, verifier)
		return 2, err
	}, nil
}

// request is an authorization request of its own, and its PKCE verifier.
func (p *provider) request() (q url.Values, verifier string) {
	verifier = rand.Text() + rand.Text() // 52 characters
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {p.o.ClientID}, "redirect_uri": {p.o.RedirectURI}, "scope": {p.o.Scope},
		"state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}, verifier
}

// redeem takes the code out of the redirect back and exchanges it.
func (p *provider) redeem(ctx context.Context, c *caller, back *url.URL, q url.Values, verifier string) (tokens, error) {
	got := back.Query()
	switch {
	case !strings.HasPrefix(back.String(), p.o.RedirectURI):
		return tokens{}, fmt.Errorf("authorize leads to %s", back.Path)
	case got.Get("error") != "":
		return tokens{}, fmt.Errorf("authorize: %s: %s", got.Get("error"), got.Get("error_description"))
	case got.Get("state") != q.Get("state"):
		return tokens{}, errors.New("authorize: another state came back")
	}
	t, err := p.token(ctx, c, url.Values{
		"grant_type": {"authorization_code"}, "code": {got.Get("code")}, "redirect_uri": {p.o.RedirectURI}, "code_verifier": {verifier},
	})
	if err == nil && t.ID == "" {
		err = errors.New("the token answer has no ID token")
	}
	return t, err
}

// signIn goes through the broker's real pages: the password form, and what it
// asks after that, whose first button says yes.
func (p *provider) signIn(ctx context.Context, v *visitor.Visitor) (tokens, error) {
	q, verifier := p.request()
	v.Stop = p.o.RedirectURI
	err := v.Open(ctx, p.Authorization+"?"+q.Encode())
	if err == nil && v.Stopped == nil {
		err = v.PressFirst(ctx, visitor.Fill{"email": p.o.Email, "password": p.o.Password})
	}
	if err == nil && v.Stopped == nil {
		err = v.Press(ctx, "decision=allow", nil)
	}
	if err != nil {
		return tokens{}, fmt.Errorf("sign in: %w", err)
	}
	if v.Stopped == nil {
		return tokens{}, fmt.Errorf("sign in ends at %s (%q)", v.At.Path, v.Title())
	}
	return p.redeem(ctx, p.caller(nil), v.Stopped, q, verifier)
}

// passwordWorker prepares the flow Password: the sign-in page and its form, each
// time in a browser that was never here.
func (p *provider) passwordWorker(ctx context.Context) (operation, error) {
	signIn := func(ctx context.Context) (int, error) {
		v := visitor.New(p.transport)
		if err := v.Open(ctx, strings.TrimSuffix(p.o.Issuer, "/")+"/login/"); err != nil {
			return 0, err
		}
		if err := v.PressFirst(ctx, visitor.Fill{"email": p.o.Email, "password": p.o.Password}); err != nil {
			return 0, err
		}
		if strings.HasPrefix(v.At.Path, "/login/") {
			return 0, fmt.Errorf("sign in ends at %s (%q)", v.At.Path, v.Title())
		}
		return 3, nil // the page, the form, and the page that it leads to
	}
	_, err := signIn(ctx)
	return signIn, err
}
