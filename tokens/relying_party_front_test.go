package tokens_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"idbroker/broker"
	"idbroker/tokens"
)

// fragment opens a URL like a browser and returns the parameters behind the
// "#" of the redirect.
func fragment(t *testing.T, address string) url.Values {
	t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(address)
	check(t, err)
	defer resp.Body.Close()
	to, err := resp.Location()
	check(t, err)
	if to.RawQuery != "" {
		t.Errorf("the query has %q", to.RawQuery)
	}
	params, err := url.ParseQuery(to.EscapedFragment())
	check(t, err)
	return params
}

// TestRelyingPartyLibraryReadsTheFragment: go-oidc accepts what comes through
// the browser, and the code that came with it.
func TestRelyingPartyLibraryReadsTheFragment(t *testing.T) {
	secret := broker.NewSecret()
	for _, alg := range []string{broker.RS256, broker.ES256} {
		o, srv := newOP(t, broker.Client{
			ID: "rp", Name: "RP", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: secret.Hash()}}, IDTokenAlg: alg,
			RedirectURIs: []string{"https://rp.example/cb"}, GrantTypes: []string{broker.GrantCode, broker.GrantImplicit},
			Scopes: []string{"openid", "email"}, Metadata: broker.ClientMetadata{ResponseTypes: tokens.ResponseTypes()},
		})
		ctx := oidc.ClientContext(t.Context(), srv.Client())
		provider, err := oidc.NewProvider(ctx, srv.URL)
		check(t, err)
		config := oauth2.Config{
			ClientID: "rp", ClientSecret: secret.Reveal(), RedirectURL: "https://rp.example/cb", Scopes: []string{"openid", "email"}, Endpoint: provider.Endpoint(),
		}
		for _, types := range []string{"id_token", "id_token token", "code id_token", "code id_token token"} {
			params := fragment(t, config.AuthCodeURL("s", oidc.Nonce("n"), oauth2.SetAuthURLParam("response_type", types)))
			idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: "rp"}).Verify(ctx, params.Get("id_token"))
			if err != nil {
				t.Fatalf("%s, %s: %v: %v", alg, types, err, params)
			}
			if idToken.Nonce != "n" || idToken.Subject != string(o.user.ID) || params.Get("state") != "s" {
				t.Errorf("%s, %s: %+v", alg, types, idToken)
			}
			if access := params.Get("access_token"); access != "" {
				check(t, idToken.VerifyAccessToken(access))
				info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: access, TokenType: params.Get("token_type")}))
				check(t, err)
				if info.Email != "ada@example.org" {
					t.Errorf("%s, %s: userinfo %+v", alg, types, info)
				}
			}
			if code := params.Get("code"); code != "" {
				token, err := config.Exchange(ctx, code)
				check(t, err)
				if again := verified(t, ctx, provider, "rp", token); again.Subject != idToken.Subject || again.Issuer != idToken.Issuer {
					t.Errorf("%s, %s: two people: %+v, %+v", alg, types, idToken, again)
				}
			}
		}
	}
}
