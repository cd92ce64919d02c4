package providertest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// LogoutToken issues a logout token (OpenID Connect Back-Channel Logout 1.0) about
// claims such as sub and sid. edit, which may be nil, changes header and claims;
// a claim that becomes nil goes.
func (s *OpenID) LogoutToken(client string, about map[string]any, edit func(header, claims map[string]any)) string {
	k := s.signing()
	header, claims := s.logoutToken(client, about, edit)
	opts := &jose.SignerOptions{}
	for name, value := range header {
		if value != nil {
			opts = opts.WithHeader(jose.HeaderKey(name), value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: k.private}, opts)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign(mustJSON(claims))
	if err != nil {
		panic(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func (s *OpenID) logoutToken(client string, about map[string]any, edit func(header, claims map[string]any)) (header, claims map[string]any) {
	at := s.Now()
	header = map[string]any{"typ": "logout+jwt", "kid": s.signing().kid}
	claims = map[string]any{
		"iss": s.Issuer, "aud": client, "iat": at.Unix(), "exp": at.Add(2 * time.Minute).Unix(), "jti": random(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(claims, about)
	if edit != nil {
		edit(header, claims)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return header, claims
}

// logoutForgeries are the ways to sign an ID token wrongly that serve here too.
var logoutForgeries = []string{
	"alg none", "HS256 with the client secret", "HS256 with the public key", "unknown kid", "foreign key", "signature cut",
	"payload swapped", "JSON serialization", "id_token garbage", "sub twice",
}

// ForgedLogoutTokens are logout tokens about claims that a relying party must
// refuse for how they are signed, by what is wrong.
func (s *OpenID) ForgedLogoutTokens(client string, about map[string]any) map[string]string {
	s.mu.Lock()
	g := Grant{Client: s.clients[client]}
	s.mu.Unlock()
	all := map[string]string{}
	for name, lie := range idTokenLies {
		if !slices.Contains(logoutForgeries, name) {
			continue
		}
		_, claims := s.logoutToken(client, about, nil)
		if text, ok := lie.sign(s, g, mustJSON(claims)).(string); ok {
			all[name] = text
		}
	}
	return all
}

// TellLogout posts a logout token as the provider does, and returns the answer.
func TellLogout(t testing.TB, to, token string) *http.Response {
	t.Helper()
	resp, err := http.PostForm(to, url.Values{"logout_token": {token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
