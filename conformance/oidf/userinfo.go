package oidf

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// How an access token is sent to userinfo (RFC 6750, section 2).
const (
	GetHeader  = "GET"
	PostHeader = "POST"
	PostBody   = "POST with the token in the body"
)

// TryUserInfo asks userinfo and returns the answer, whatever it is.
func (r *Run) TryUserInfo(how, token string) *Response {
	endpoint := r.Metadata.Text("userinfo_endpoint")
	if endpoint == "" {
		r.Skip("the OP has no userinfo_endpoint")
	}
	var body any
	method := http.MethodGet
	switch how {
	case PostHeader:
		method, body = http.MethodPost, url.Values{}
	case PostBody:
		method, body = http.MethodPost, url.Values{"access_token": {token}}
	}
	req, err := newRequest(r.ctx, method, endpoint, body)
	if err != nil {
		r.Fatal(discovery("3"), "userinfo_endpoint: %v", err)
	}
	if how != PostBody {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return r.Send(req)
}

// UserInfo asks userinfo, checks the answer and that it is about sub, and
// returns the claims. It may be signed, if the client was registered so.
func (r *Run) UserInfo(how string, c *Client, token, sub string) Claims {
	res := r.TryUserInfo(how, token)
	if res.Status != http.StatusOK {
		r.Fatal(core("5.3.2"), "userinfo is answered with 200, not %d: %s", res.Status, clip(res.Header.Get("WWW-Authenticate"), 200))
	}
	var claims Claims
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/jwt") {
		claims = r.signedUserInfo(c, string(res.Body))
	} else {
		o, err := res.Object()
		if err != nil || !res.isJSON() {
			r.Fatal(core("5.3.2"), "userinfo is application/json or application/jwt: %v, %q", err, res.Header.Get("Content-Type"))
		}
		claims = o
	}
	r.Check(claims.Text("sub") != "" && (sub == "" || claims.Text("sub") == sub), core("5.3.2"), "sub of userinfo is that of the ID token")
	return claims
}

func (r *Run) signedUserInfo(c *Client, raw string) Claims {
	signed, err := jose.ParseSignedCompact(raw, signatures)
	if err != nil {
		r.Fatal(core("5.3.2"), "userinfo is a signed JWT: %v", err)
	}
	h := signed.Signatures[0].Header
	payload, ok := verify(signed, h, r.Keys, c.Secret)
	if !ok {
		r.Fatal(core("5.3.4"), "the signature of userinfo (alg %s, kid %q) is of a key in jwks_uri", h.Algorithm, h.KeyID)
	}
	o, err := object(payload)
	if err != nil {
		r.Fatal(core("5.3.2"), "the claims of userinfo: %v", err)
	}
	claims := Claims(o)
	want := c.Metadata.Text("userinfo_signed_response_alg")
	r.Check(want == "" || want == h.Algorithm, registration("2"), "userinfo is signed with %s, as registered; it is %s", want, h.Algorithm)
	r.Check(claims.Text("iss") == r.Issuer, core("5.3.2"), "iss of signed userinfo is the issuer")
	r.Check(strings.Contains(" "+strings.Join(anyList(claims["aud"]), " ")+" ", " "+c.ID+" "), core("5.3.2"), "aud of signed userinfo has the client_id")
	return claims
}
