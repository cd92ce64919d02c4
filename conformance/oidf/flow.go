package oidf

import (
	"net/url"
	"reflect"
	"slices"
)

// Flow is an authorization that went well: what was asked, what came back, and
// what the code was redeemed for.
type Flow struct {
	Client  *Client
	Request url.Values
	Answer  Answer
	Params  url.Values // of the authorization response
	Code    string
	Front   Claims // of the ID token from the authorization endpoint; nil: none
	Back    Claims // of the ID token from the token endpoint; nil: none
	Tokens  Tokens // from the token endpoint
}

// IDToken are the claims of the ID token, from wherever it came.
func (f Flow) IDToken() Claims {
	if f.Back != nil {
		return f.Back
	}
	return f.Front
}

// RawIDToken is the ID token itself.
func (f Flow) RawIDToken() string {
	if f.Tokens.ID != "" {
		return f.Tokens.ID
	}
	return f.Params.Get("id_token")
}

// AccessToken is the access token, from wherever it came; "": the response type
// gives none.
func (f Flow) AccessToken() string {
	if f.Tokens.Access != "" {
		return f.Tokens.Access
	}
	return f.Params.Get("access_token")
}

// SignIn makes an authorization request with the changes, lets the person go
// through the pages, redeems the code, and checks everything on the way.
func (r *Run) SignIn(changes ...Change) Flow {
	return r.Redeem(r.Visit(r.Request(changes...)))
}

// Redeem checks a successful answer and redeems its code.
func (r *Run) Redeem(a Answer) Flow {
	f := r.Accept(a)
	if f.Code == "" {
		return f
	}
	form := CodeRequest(f.Code, f.Request.Get("redirect_uri"))
	if v := r.verifiers[f.Request.Get("code_challenge")]; v != "" {
		form.Set("code_verifier", v)
	}
	f.Tokens = r.Exchange(f.Client, form)
	if f.Tokens.ID != "" {
		f.Back = r.IDToken(f.Client, f.Tokens.ID, Want{Nonce: f.Request.Get("nonce"), AccessToken: f.Tokens.Access, AuthTime: f.Request.Has("max_age")})
	}
	if f.Front != nil && f.Back != nil {
		r.sameTokens(f.Front, f.Back)
	}
	return f
}

// sameTokens compares the two ID tokens of the hybrid flow.
func (r *Run) sameTokens(front, back Claims) {
	c := core("3.3.3.6")
	r.Check(front.Text("iss") == back.Text("iss") && front.Text("sub") == back.Text("sub"), c, "iss and sub are the same in both ID tokens")
	for name, v := range front {
		if slices.Contains([]string{"iat", "exp", "nbf", "jti", "at_hash", "c_hash", "s_hash"}, name) {
			continue
		}
		if other, both := back[name]; both && !reflect.DeepEqual(v, other) {
			r.Warn(c, "%s has another value in the ID token of the token endpoint", name)
		} else if !both && slices.Contains([]string{"auth_time", "acr", "amr"}, name) {
			r.Warn(c, "%s is in the first ID token alone", name)
		}
	}
}

// Accept checks a successful answer without redeeming its code.
func (r *Run) Accept(a Answer) Flow {
	f := Flow{Client: r.Client(), Request: a.Request, Answer: a, Params: r.Granted(a)}
	f.Code = f.Params.Get("code")
	if raw := f.Params.Get("id_token"); raw != "" {
		f.Front = r.IDToken(f.Client, raw, Want{
			Nonce: f.Request.Get("nonce"), Code: f.Code, AccessToken: f.Params.Get("access_token"), Front: true, AuthTime: f.Request.Has("max_age"),
		})
	}
	return f
}
