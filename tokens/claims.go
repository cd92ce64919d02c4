package tokens

import (
	"slices"
	"strings"

	"idbroker/broker"
)

// Scopes with a meaning of their own (OpenID Connect Core 1.0, sections 5.4
// and 11).
const (
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access"
)

// userScopes are the scopes that tell of a person or stand for one.
var userScopes = []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline}

// Claim is a line of the consent page: what the application learns.
type Claim struct {
	Scope string
	Name  string // catalog key, such as "claim.name"
	Value string // as the application gets it; "" the name says enough
}

// ClaimsFor lists what an application with these scopes, as Authorization.Asked
// and Consent.Scopes have them, learns of user, with the values. What the account does not have is left out.
func (s *Service) ClaimsFor(user broker.User, scopes []string) []Claim {
	var claims []Claim
	add := func(scope, name, value string) {
		claim := strings.TrimPrefix(name, "claim.")
		if value != "" && (slices.Contains(scopes, scope) || slices.Contains(scopes, claimPrefix+claim)) {
			claims = append(claims, Claim{Scope: scope, Name: name, Value: value})
		}
	}
	add(scopeOpenID, "claim.sub", string(user.ID))
	add(scopeProfile, "claim.name", user.Name)
	add(scopeProfile, "claim.preferred_username", user.Username)
	add(scopeProfile, "claim.locale", user.Locale)
	add(scopeEmail, "claim.email", user.Email)
	for _, name := range []string{"updated_at", "email_verified"} { // told with the others of their scope, and worth a line alone
		if slices.Contains(scopes, claimPrefix+name) {
			claims = append(claims, Claim{Scope: claimScopes[name], Name: "claim." + name})
		}
	}
	return claims
}

// ClaimsOf lists what the application of a request learns of user.
func (s *Service) ClaimsOf(a *Authorization, user broker.User) []Claim {
	claims := s.ClaimsFor(user, a.Asked())
	for i := range claims {
		if claims[i].Name == "claim.sub" {
			claims[i].Value = s.subjectOf(a.Client, user.ID)
		}
	}
	return claims
}

// userInfo is the response of the userinfo endpoint. sub is always there
// (OpenID Connect Core 1.0, section 5.3.2).
type userInfo struct {
	Subject string `json:"sub"`
	personClaims
}

// personClaims are what we know of a person (OpenID Connect Core 1.0, section
// 5.1). There is neither an address nor a telephone number among it, so the
// scopes address and phone are not offered.
type personClaims struct {
	Name              string `json:"name,omitempty"`
	PreferredUsername string `json:"preferred_username,omitempty"`
	Locale            string `json:"locale,omitempty"`
	UpdatedAt         int64  `json:"updated_at,omitempty"` // seconds since the epoch
	Email             string `json:"email,omitempty"`
	EmailVerified     *bool  `json:"email_verified,omitempty"`
}

// infoOf is what a token with these scopes, and these claims beside them, may
// read of user.
func infoOf(user broker.User, scopes []string, claims ...string) userInfo {
	return userInfo{Subject: string(user.ID), personClaims: personOf(user, scopes, claims...)}
}

// personOf are the claims of user that scopes ask for, and those beside them.
func personOf(user broker.User, scopes []string, claims ...string) personClaims {
	asked := func(claim string) bool {
		return slices.Contains(scopes, claimScopes[claim]) || slices.Contains(claims, claim)
	}
	var c personClaims
	if asked("name") {
		c.Name = user.Name
	}
	if asked("preferred_username") {
		c.PreferredUsername = user.Username
	}
	if asked("locale") {
		c.Locale = user.Locale
	}
	if asked("updated_at") && !user.UpdatedAt.IsZero() {
		c.UpdatedAt = user.UpdatedAt.Unix()
	}
	if asked("email") {
		c.Email = user.Email
	}
	if asked("email_verified") && user.Email != "" {
		verified := user.EmailVerified()
		c.EmailVerified = &verified
	}
	return c
}

// claimsSupported is what discovery tells: the claims above and those of the
// ID token.
var claimsSupported = []string{
	"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "c_hash", "amr", "acr", "sid", "azp", "idp",
	"name", "preferred_username", "locale", "updated_at", "email", "email_verified",
}
