package providertest

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// CERN is a fake of auth.cern.ch: a realm of a Keycloak with CERN's claims.
type CERN struct {
	*OpenID

	mu      sync.Mutex
	blocked map[string]bool
}

// cernPath is where the realm is.
const cernPath = "/auth/realms/cern"

// Lifetime of CERN's access tokens.
const cernLifetime = 20 * time.Minute

// NewCERN starts a fake that ends with the test.
func NewCERN(t testing.TB) *CERN {
	t.Helper()
	c := &CERN{blocked: map[string]bool{}}
	const below = "/protocol/openid-connect/"
	sid := func(g Grant, m map[string]any) { m["session_state"] = g.SID }
	c.OpenID = NewOpenID(t, OpenIDOptions{
		Path: cernPath,
		Paths: map[string]string{
			Authorize: below + "auth", Token: below + "token", UserInfo: below + "userinfo", JWKS: below + "certs", Revoke: below + "revoke", EndSession: below + "logout",
		},
		Lifetime: cernLifetime,
		Metadata: func(m map[string]any) {
			m["backchannel_logout_supported"], m["backchannel_logout_session_supported"] = true, true
			m["code_challenge_methods_supported"] = []string{"plain", "S256"}
		},
		OnCallback: func(params map[string]string) {
			if params["code"] != "" {
				params["session_state"] = random()
			}
		},
		OnDecision:    c.refuse,
		IDTokenClaims: func(g Grant, m map[string]any) { sid(g, m); m["typ"] = "ID" },
		AccessToken:   c.accessToken,
		TokenAnswer: func(g Grant, m map[string]any) {
			sid(g, m)
			m["refresh_expires_in"], m["not-before-policy"] = 35999, 0
		},
		OnTokenError: func(e *TokenError) {
			if e.Code == "invalid_client" {
				e.Code, e.Description = "unauthorized_client", "Invalid client or Invalid client credentials"
			}
		},
	})
	return c
}

// CERNPerson makes an ordinary account: a login, a person, the role cern_user in
// the application of client.
func CERNPerson(login, name, person, client string) Person {
	return Person{
		Subject: login, Username: login, Name: name, Email: login + "@cern.ch",
		Claims: map[string]any{
			"cern_upn": login, "cern_person_id": person, "cern_mail_upn": login + "@cern.ch", "cern_preferred_language": "EN",
			"cern_roles": []string{"default-role", "cern_user"}, "resource_access": CERNRoles(client, "default-role", "cern_user"),
		},
	}
}

// CERNRoles is the claim resource_access with roles in the application of client.
func CERNRoles(client string, roles ...string) map[string]any {
	return map[string]any{client: map[string]any{"roles": roles}}
}

// CERNGuest makes an account of somebody whom another provider knows: a scoped
// login, no person number, an address that nobody at CERN checked.
func CERNGuest(login, email, client string) Person {
	p := CERNPerson(login, "Guest", "", client)
	p.Email = email
	delete(p.Claims, "cern_person_id")
	delete(p.Claims, "cern_mail_upn")
	return p
}

// Block takes from an account the role that CERN asks for before it lets anybody
// through: it shows a page and never comes back.
func (c *CERN) Block(login string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked[login] = true
}

func (c *CERN) refuse(w http.ResponseWriter, g Grant) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.blocked[g.Person.Subject] {
		return false
	}
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "<!doctype html><title>We are sorry...</title><p>You do not have the required role.")
	return true
}

// accessToken is a JWT with the claims of the ID token. A relying party must not
// believe it.
func (c *CERN) accessToken(g Grant) string {
	m := personClaims(g.Person, g.Scope)
	now := c.Now()
	m["iss"], m["azp"], m["typ"], m["jti"] = c.Issuer, g.Client.ID, "Bearer", random()
	m["iat"], m["exp"] = now.Unix(), now.Add(cernLifetime).Unix()
	return c.SignJWT(m)
}

// LogoutTokens are back-channel logout tokens about a session (OpenID Connect
// Back-Channel Logout 1.0, section 2.4) by name: "good", and those that a
// relying party must refuse.
func (c *CERN) LogoutTokens(client, subject, sid string) map[string]string {
	now := c.Now()
	token := func(change func(m map[string]any)) string {
		m := map[string]any{
			"iss": c.Issuer, "aud": client, "sub": subject, "sid": sid, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": random(),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
		change(m)
		return c.SignJWT(m)
	}
	unsigned := idTokenLies["alg none"].sign(c.OpenID, Grant{}, mustJSON(map[string]any{"iss": c.Issuer, "aud": client, "sid": sid})).(string)
	foreign := newKey(c.t, "RS256", c.signing().kid, false).sign(mustJSON(map[string]any{"iss": c.Issuer, "aud": client, "sid": sid}))
	return map[string]string{
		"good":            token(func(map[string]any) {}),
		"wrong aud":       token(func(m map[string]any) { m["aud"] = "somebody-else" }),
		"wrong iss":       token(func(m map[string]any) { m["iss"] = "https://evil.example" }),
		"with nonce":      token(func(m map[string]any) { m["nonce"] = "n" }),
		"about nobody":    token(func(m map[string]any) { delete(m, "sub"); delete(m, "sid") }),
		"expired":         token(func(m map[string]any) { m["exp"] = now.Add(-time.Hour).Unix() }),
		"no events":       token(func(m map[string]any) { delete(m, "events") }),
		"by an other key": foreign,
		"alg none":        unsigned,
	}
}
