package oidf

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// codeModules are about codes and refresh tokens.
func codeModules() []Module {
	return []Module{
		{
			Name: "oidcc-codereuse", Summary: "Redeems a code twice.", Clauses: []Clause{rfc("6749", "4.1.2"), core("3.1.3.2")},
			Run: func(r *Run) { codeReuse(r, 0) },
		},
		{
			Name: "oidcc-codereuse-30seconds", Summary: "Redeems a code again after 30 seconds; what it was redeemed for should be void then.",
			Clauses: []Clause{rfc("6749", "4.1.2"), core("3.1.3.2")},
			Run:     func(r *Run) { codeReuse(r, r.suite.o.CodeReuse) },
		},
		{Name: "oidcc-refresh-token", Summary: "Refreshes, compares the ID tokens, and tries the token with another client.", Clauses: []Clause{core("12"), rfc("6749", "6"), rfc("6749", "10.4")}, Run: refreshToken},
		{
			Name: "oidcc-ensure-request-with-valid-pkce-succeeds", Summary: "Signs in with PKCE (S256), and fails with another verifier.", Clauses: []Clause{rfc("7636", "4.6")},
			Run: pkce,
		},
	}
}

func codeReuse(r *Run, wait time.Duration) {
	f := r.SignIn()
	if wait > 0 {
		r.Sleep(wait)
	}
	res := r.TryToken(f.Client, CodeRequest(f.Code, f.Request.Get("redirect_uri")))
	r.TokenError(res, core("3.1.3.2"), "invalid_grant")
	if r.Metadata.Text("userinfo_endpoint") == "" || wait == 0 {
		return
	}
	if after := r.TryUserInfo(GetHeader, f.Tokens.Access); after.Status == http.StatusOK {
		r.Warn(rfc("6749", "4.1.2"), "the access token that the code was redeemed for still works after the code was used twice")
	} else {
		r.Pass(rfc("6749", "4.1.2"), "the access token that the code was redeemed for is void after the code was used twice")
	}
}

func pkce(r *Run) {
	r.SignIn(r.PKCE())
	request := r.Request(r.PKCE())
	g := r.Granted(r.Visit(request))
	form := CodeRequest(g.Get("code"), request.Get("redirect_uri"))
	form.Set("code_verifier", strings.Repeat("a", 43))
	r.TokenError(r.TryToken(r.Client(), form), rfc("7636", "4.6"), "invalid_grant")
}

// offline asks for a refresh token in the way that the OP knows (Core 11).
func (r *Run) offline() []Change {
	if offered := r.Metadata.List("scopes_supported"); offered != nil && r.Metadata.Offers("scopes_supported", "offline_access") {
		return []Change{Scope("openid offline_access"), With("prompt", "consent")}
	}
	return nil
}

func refreshToken(r *Run) {
	var other *Client
	if r.Variant.Registration == DynamicClient {
		m := r.RegistrationMetadata(nil)
		may := Metadata{"grant_types": append(anyList(m["grant_types"]), "refresh_token")}
		r.Use(r.Register(may))
		other = r.Register(may)
	} else {
		other = r.SecondClient()
	}
	if grants := r.Metadata.List("grant_types_supported"); grants != nil && !r.Metadata.Offers("grant_types_supported", "refresh_token") {
		r.Skip("the OP does not list refresh_token in grant_types_supported")
	}
	f := r.SignIn(r.offline()...)
	if f.Tokens.Refresh == "" {
		r.Skip("the OP gave no refresh token, and need not (Core 11)")
	}
	r.wrongClient(other, f.Tokens.Refresh)
	next := r.Refresh(f.Client, f.Tokens.Refresh)
	r.Check(next.Access != f.Tokens.Access, rfc("6749", "6"), "the refreshed access token is a new one")
	r.UserInfo(GetHeader, f.Client, next.Access, f.Back.Text("sub"))
	if next.ID != "" {
		r.refreshed(f, next)
	}
	if next.Refresh != "" {
		again := r.Refresh(f.Client, next.Refresh)
		r.Check(again.Access != "", rfc("6749", "6"), "the refresh token that came with the refresh works")
	}
}

// wrongClient tries a refresh token with a client that it is not for.
func (r *Run) wrongClient(other *Client, token string) {
	res := r.TryToken(other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	r.TokenError(res, rfc("6749", "10.4"), "invalid_grant", "unauthorized_client")
}

// refreshed compares the ID token of a refresh with the first (Core 12.2).
func (r *Run) refreshed(f Flow, next Tokens) {
	nonce := f.Request.Get("nonce")
	if !strings.Contains(claimsOf(next.ID), `"nonce"`) {
		nonce = "" // Core 12.2: it should not be there
	}
	id := r.IDToken(f.Client, next.ID, Want{Nonce: nonce, AccessToken: next.Access})
	c := core("12.2")
	r.Check(id.Text("iss") == f.Back.Text("iss"), c, "iss is that of the first ID token")
	r.Check(id.Text("sub") == f.Back.Text("sub"), c, "sub is that of the first ID token")
	r.Check(!id.Time("iat").Before(f.Back.Time("iat")), c, "iat is when the new ID token was issued")
	r.Check(id.Time("auth_time").Equal(f.Back.Time("auth_time")) || id["auth_time"] == nil, c, "auth_time, if it is there, is that of the sign-in")
	r.Check(id.Text("azp") == f.Back.Text("azp"), c, "azp is that of the first ID token")
}
