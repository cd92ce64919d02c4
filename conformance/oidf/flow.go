package oidf

import "net/url"

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
		r.Check(f.Front.Text("iss") == f.Back.Text("iss") && f.Front.Text("sub") == f.Back.Text("sub"), core("3.3.3.6"), "iss and sub are the same in both ID tokens")
	}
	return f
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
