package oidf

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Tokens are what the token endpoint gave.
type Tokens struct {
	Access, Refresh, ID, Scope string
	ExpiresIn                  int64 // seconds; 0: not said
	Claims                     Claims
}

// TryToken sends a token request of the client and returns the answer, whatever
// it is.
func (r *Run) TryToken(c *Client, form url.Values) *Response {
	endpoint := r.Metadata.Text("token_endpoint")
	if endpoint == "" {
		r.Fatal(discovery("3"), "the metadata has no token_endpoint")
	}
	sent := url.Values{}
	for name, values := range form {
		sent[name] = values
	}
	draft, err := newRequest(r.ctx, http.MethodPost, endpoint, nil)
	if err != nil {
		r.Fatal(discovery("3"), "token_endpoint: %v", err)
	}
	r.authenticate(c, draft, sent)
	req, err := newRequest(r.ctx, http.MethodPost, endpoint, sent)
	if err != nil {
		r.Fatal(discovery("3"), "token_endpoint: %v", err)
	}
	if a := draft.Header.Get("Authorization"); a != "" {
		req.Header.Set("Authorization", a)
	}
	req.Header.Set("Accept", "application/json")
	return r.Send(req)
}

// CodeRequest is the token request for a code.
func CodeRequest(code, redirectURI string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}}
}

// Exchange redeems a code and checks the answer.
func (r *Run) Exchange(c *Client, form url.Values) Tokens {
	t := r.tokens(r.TryToken(c, form), core("3.1.3.3"))
	r.Check(t.ID != "", core("3.1.3.3"), "the token response has an id_token")
	return t
}

// Refresh redeems a refresh token and checks the answer.
func (r *Run) Refresh(c *Client, token string, more ...Change) Tokens {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for _, change := range more {
		change(form)
	}
	return r.tokens(r.TryToken(c, form), core("12.2"))
}

// tokens reads a successful token response.
func (r *Run) tokens(res *Response, c Clause) Tokens {
	if res.Status != http.StatusOK {
		r.Fatal(c, "the token request is answered with 200, not %d: %s", res.Status, r.errorText(res))
	}
	o, err := res.Object()
	if err != nil || !res.isJSON() {
		r.Fatal(rfc("6749", "5.1"), "the token response is application/json: %v, %q", err, res.Header.Get("Content-Type"))
	}
	r.Check(strings.Contains(res.Header.Get("Cache-Control"), "no-store"), core("3.1.3.3"), "the token response has Cache-Control: no-store")
	text := func(name string) string {
		s, ok := o[name].(string)
		if _, there := o[name]; there && !ok {
			r.Fail(rfc("6749", "5.1"), "%s is a string", name)
		}
		return s
	}
	t := Tokens{Access: text("access_token"), Refresh: text("refresh_token"), ID: text("id_token"), Scope: text("scope"), Claims: o}
	r.Check(t.Access != "", rfc("6749", "5.1"), "the token response has an access_token")
	r.Check(strings.EqualFold(text("token_type"), "bearer"), core("3.1.3.3"), "token_type is Bearer")
	if n, there := o["expires_in"]; there {
		number, _ := n.(json.Number)
		t.ExpiresIn, err = number.Int64()
		r.Check(err == nil && t.ExpiresIn > 0, rfc("6749", "5.1"), "expires_in is a number of seconds")
	} else {
		r.Warn(rfc("6749", "5.1"), "the token response does not say when the access token expires")
	}
	return t
}

// TokenError checks that the token endpoint answered with one of the errors.
func (r *Run) TokenError(res *Response, c Clause, codes ...string) {
	o, err := res.Object()
	if err != nil {
		r.Fatal(rfc("6749", "5.2"), "the answer is %d and no JSON error: %v", res.Status, err)
	}
	code, _ := o["error"].(string)
	status := []int{http.StatusBadRequest}
	if code == "invalid_client" {
		status = append(status, http.StatusUnauthorized)
	}
	r.Check(slices.Contains(status, res.Status), rfc("6749", "5.2"), "the status of %s is 400, or 401 where the client did not prove itself; it is %d", code, res.Status)
	r.Check(slices.Contains(codes, code), c, "the error is %s; it is %q", strings.Join(codes, " or "), code)
	description, _ := o["error_description"].(string)
	r.Check(printableError(description), rfc("6749", "5.2"), "error_description has only the characters %%x20-21 / %%x23-5B / %%x5D-7E")
}

// errorText is an error response in a few words.
func (r *Run) errorText(res *Response) string {
	o, err := res.Object()
	if err != nil {
		return clip(maskBody(res.Header.Get("Content-Type"), res.Body), 200)
	}
	code, _ := o["error"].(string)
	description, _ := o["error_description"].(string)
	return clip(code+" "+description, 300)
}
