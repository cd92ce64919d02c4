package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/oauth2"

	"idbroker/broker"
)

// limits bound one call. The zero value of a field is its default.
type limits struct {
	call   time.Duration // token endpoint and APIs; 0: 10 s
	lookup time.Duration // discovery and keys; 0: 5 s
	retry  time.Duration // mean pause before the one retry of a GET; 0: 200 ms
}

// maxRetryAfter is the longest "Retry-After" that a person is made to wait for.
const maxRetryAfter = 2 * time.Second

func (l limits) withDefaults() limits {
	if l.call == 0 {
		l.call = 10 * time.Second
	}
	if l.lookup == 0 {
		l.lookup = 5 * time.Second
	}
	if l.retry == 0 {
		l.retry = 200 * time.Millisecond
	}
	return l
}

// client is the bounded HTTP client of an app: it bounds time and bodies,
// follows redirects of a GET alone, within one host, and keeps plain http and
// private addresses out.
type client struct {
	http   *http.Client
	limits limits
}

// answer is a response whose body has been read.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// errStatus is an answer with a status that the caller did not hope for.
type errStatus struct {
	what   string // "GET host/path"
	status int
}

func (e *errStatus) Error() string { return fmt.Sprintf("%s: status %d", e.what, e.status) }

// ok returns ErrUnavailable or ErrUpstream for an answer that is no success.
func (a answer) ok(what string) error {
	switch {
	case a.Status >= 200 && a.Status <= 299:
		return nil
	case unavailable(a.Status):
		return ErrUnavailable.Because(&errStatus{what, a.Status})
	}
	return ErrUpstream.Why(whyBroken).Because(&errStatus{what, a.Status})
}

// mediaType is the media type of the body in lower case, without parameters.
func (a answer) mediaType() string {
	t, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// isJSON tells whether the body says that it is JSON.
func (a answer) isJSON() bool {
	t := a.mediaType()
	return t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

// do sends a request once, a GET once more where that may help: after 502, 503,
// 504 and broken connections. A POST is never repeated: codes and rotating
// refresh tokens work once.
func (c *client) do(ctx context.Context, req *http.Request) (answer, error) {
	a, err := c.once(ctx, req)
	if req.Method != http.MethodGet || !worthRetry(a, err) || ctx.Err() != nil {
		return a, err
	}
	pause := c.limits.retry/2 + rand.N(c.limits.retry)
	if s := a.Header.Get("Retry-After"); s != "" {
		seconds, perr := strconv.Atoi(s)
		if perr != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxRetryAfter {
			return a, err
		}
		pause = max(pause, time.Duration(seconds)*time.Second)
	}
	select {
	case <-ctx.Done():
		return a, err
	case <-time.After(pause):
	}
	return c.once(ctx, req)
}

func worthRetry(a answer, err error) bool {
	if err != nil {
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	}
	return a.Status == http.StatusBadGateway || a.Status == http.StatusServiceUnavailable || a.Status == http.StatusGatewayTimeout
}

func (c *client) once(ctx context.Context, req *http.Request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.call)
	defer cancel()
	resp, err := c.http.Do(req.Clone(ctx))
	if err != nil {
		return answer{}, redact(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // in memory already: transport bounded it
	if err != nil {
		return answer{}, redact(err)
	}
	return answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// get fetches a URL with an access token, "" none, and an Accept header, ""
// JSON.
func (c *client) get(ctx context.Context, address string, token broker.Secret, accept string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, redact(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return c.do(ctx, req)
}

// getJSON decodes a JSON document into v, numbers as json.Number.
func (c *client) getJSON(ctx context.Context, address string, token broker.Secret, v any) error {
	a, err := c.get(ctx, address, token, "")
	if err != nil {
		return err
	}
	what := "GET " + withoutQuery(address)
	if err := a.ok(what); err != nil {
		return err
	}
	if !a.isJSON() {
		return ErrUpstream.Why(whyBroken).Becausef("%s: %q is no JSON", what, clean(a.mediaType()))
	}
	if err := decodeJSON(a.Body, v); err != nil {
		return ErrUpstream.Why(whyBroken).Becausef("%s: %w", what, err)
	}
	return nil
}

// postForm posts a form with client authentication in the app's style.
func (c *client) postForm(ctx context.Context, address string, form url.Values, app App, style string) (answer, error) {
	form = url.Values(http.Header(form).Clone())
	switch style {
	case AuthPost:
		form.Set("client_id", app.ClientID)
		form.Set("client_secret", app.ClientSecret.Reveal())
	case AuthNone:
		form.Set("client_id", app.ClientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, redact(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if style == AuthBasic { // form-encoded first: RFC 6749, section 2.3.1
		req.SetBasicAuth(url.QueryEscape(app.ClientID), url.QueryEscape(app.ClientSecret.Reveal()))
	}
	return c.do(ctx, req)
}

// exchange redeems a code, once. cfg has an explicit AuthStyle. It returns
// the errors of this package.
func (c *client) exchange(ctx context.Context, cfg *oauth2.Config, s *session, code broker.Secret, opts ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	fixed := *cfg
	fixed.RedirectURL = s.RedirectURI
	if s.Verifier != "" {
		opts = append(opts, oauth2.VerifierOption(s.Verifier))
	}
	return c.token(ctx, code, func(ctx context.Context) (*oauth2.Token, error) { return fixed.Exchange(ctx, code.Reveal(), opts...) })
}

// refresh uses a refresh token, once.
func (c *client) refresh(ctx context.Context, cfg *oauth2.Config, token broker.Secret) (*oauth2.Token, error) {
	return c.token(ctx, token, func(ctx context.Context) (*oauth2.Token, error) {
		return cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: token.Reveal()}).Token()
	})
}

// token makes a call to a token endpoint with a code or a refresh token, which
// some providers repeat in the description of an error.
func (c *client) token(ctx context.Context, sent broker.Secret, call func(context.Context) (*oauth2.Token, error)) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.call)
	defer cancel()
	asked := time.Now()
	t, err := call(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{
		Transport: jsonOnly{c.http.Transport}, CheckRedirect: c.http.CheckRedirect,
	}))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && sent != "" {
		refused.ErrorDescription = strings.ReplaceAll(refused.ErrorDescription, sent.Reveal(), sent.String())
	}
	if err != nil {
		return nil, classify(err)
	}
	if !strings.EqualFold(t.Type(), "Bearer") {
		return nil, ErrUpstream.Becausef("token endpoint: token type %q", clean(t.Type()))
	}
	life, err := lifetime(t.Extra("expires_in"))
	if err != nil {
		return nil, ErrUpstream.Becausef("token endpoint: expires_in: %w", err)
	}
	t.Expiry = endsAt(asked, life)
	return t, nil
}

// jsonOnly refuses token answers that are no JSON: x/oauth2 would read a form
// too, in which parameters can stand twice. We ask for JSON, also of GitHub.
type jsonOnly struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (j jsonOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := j.next.RoundTrip(r)
	if err == nil && resp.StatusCode >= 200 && resp.StatusCode <= 299 && !(answer{Header: resp.Header}).isJSON() {
		return nil, fmt.Errorf("%w: the token endpoint's answer is none", errJSON)
	}
	return resp, err
}

// withoutQuery is a URL that can be logged.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return u.Host + u.Path
}
