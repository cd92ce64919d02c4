package oidf

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// basicModules are what every plan begins with: signing in, the ID token and
// userinfo.
func basicModules() []Module {
	return []Module{
		{
			Name: "oidcc-server", Summary: "Signs in and checks everything that comes back.",
			Clauses: []Clause{core("3.1.2.5"), core("3.1.3.3"), core("3.1.3.7")},
			Run:     func(r *Run) { r.SignIn() },
		},
		{
			Name: "oidcc-server-client-secret-post", Summary: "Signs in with a client that sends its secret in the body of the token request.",
			Clauses: []Clause{core("9")},
			Run: func(r *Run) {
				r.needsAuth(AuthPost)
				r.Use(r.PostClient())
				r.SignIn()
			},
		},
		{
			Name: "oidcc-alternate-happy-flow", Summary: "Signs in with the second client, a state full of signs and a long nonce.",
			Clauses: []Clause{rfc("6749", "4.1.1"), core("3.1.2.1")},
			Run: func(r *Run) {
				r.Use(r.SecondClient())
				r.SignIn(With("state", `~-._ /?:@!$&'()*+,;="<>ü€`+random()), With("nonce", strings.Repeat(random(), 10)))
			},
		},
		{
			Name: "oidcc-idtoken-signature", Summary: "Registers for RS256 and checks that ID tokens are signed so, with a kid.",
			Clauses: []Clause{core("2"), core("10.1")},
			Run: func(r *Run) {
				r.Use(r.Register(Metadata{"id_token_signed_response_alg": "RS256"}))
				f := r.SignIn()
				h := r.header(f.RawIDToken())
				r.Check(h.Algorithm == "RS256", registration("2"), "the ID token is signed with RS256; it is %s", h.Algorithm)
				r.Check(h.KeyID != "", core("10.1"), "the ID token has a kid")
			},
		},
		{Name: "oidcc-idtoken-unsigned", Summary: "Registers for unsigned ID tokens, where the OP offers them.", Clauses: []Clause{core("2"), registration("2")}, Run: idTokenUnsigned},
		userInfo("oidcc-userinfo-get", GetHeader, rfc("6750", "2.1")),
		userInfo("oidcc-userinfo-post-header", PostHeader, rfc("6750", "2.1")),
		userInfo("oidcc-userinfo-post-body", PostBody, rfc("6750", "2.2")),
	}
}

func userInfo(name, how string, c Clause) Module {
	return Module{
		Name: name, Summary: "Asks userinfo by " + how + ".", Clauses: []Clause{core("5.3.1"), core("5.3.2"), c},
		Run: func(r *Run) {
			f := r.SignIn()
			if f.AccessToken() == "" {
				r.Skip("response_type=%s gives no access token", r.Variant.ResponseType)
			}
			r.UserInfo(how, f.Client, f.AccessToken(), f.IDToken().Text("sub"))
			if front := f.Params.Get("access_token"); front != "" && front != f.AccessToken() {
				r.UserInfo(how, f.Client, front, f.IDToken().Text("sub")) // Core 3.3.3.8: they may differ, and both are good
			}
			stranger := r.TryUserInfo(how, "x"+f.AccessToken())
			r.Check(stranger.Status == http.StatusUnauthorized, rfc("6750", "3.1"), "an access token that nobody issued is refused with 401; it is %d", stranger.Status)
			if how != PostBody {
				r.Check(strings.HasPrefix(strings.ToLower(stranger.Header.Get("WWW-Authenticate")), "bearer"), rfc("6750", "3"), "WWW-Authenticate of a 401 names Bearer")
			}
		},
	}
}

// header is the header of a signed token.
func (r *Run) header(raw string) jose.Header {
	signed, err := jose.ParseSignedCompact(raw, signatures)
	if err != nil {
		r.Fatal(core("2"), "the token is a signed JWT: %v", err)
	}
	return signed.Signatures[0].Header
}

func idTokenUnsigned(r *Run) {
	if !r.Metadata.Offers("id_token_signing_alg_values_supported", "none") {
		r.Skip("the OP does not list none in id_token_signing_alg_values_supported, and need not")
	}
	c := r.Register(Metadata{"id_token_signed_response_alg": "none"})
	r.Use(c)
	g := r.Granted(r.Visit(r.Request()))
	t := r.Exchange(c, CodeRequest(g.Get("code"), r.RedirectURI()))
	parts := strings.Split(t.ID, ".")
	r.Check(len(parts) == 3 && parts[2] == "", core("2"), "the ID token has no signature, as registered")
}

// needsAuth skips where the OP does not offer the client authentication.
func (r *Run) needsAuth(method string) {
	offered := r.Metadata.List("token_endpoint_auth_methods_supported")
	if offered == nil {
		offered = []string{AuthBasic} // OpenID Connect Discovery 1.0, section 3
	}
	if !slices.Contains(offered, method) {
		r.Skip("the OP does not list %s in token_endpoint_auth_methods_supported", method)
	}
}
