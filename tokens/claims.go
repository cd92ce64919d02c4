package tokens

import (
	"encoding/json"
	"maps"
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
	scopePhone   = "phone"
	scopeAddress = "address"
	scopeOffline = "offline_access"
)

// userScopes are the scopes that tell of a person or stand for one: those that
// we know, whether they are offered or not.
var userScopes = []string{scopeOpenID, scopeProfile, scopeEmail, scopePhone, scopeAddress, scopeOffline}

// Offers tells whether requests with a scope of userScopes are answered. The
// others count as scopes that nobody knows: they are ignored.
func (s *Service) Offers(scope string) bool { return slices.Contains(s.o.offeredScopes(), scope) }

// offeredScopes are the scopes that discovery tells.
func (o Options) offeredScopes() []string {
	return slices.DeleteFunc(o.personalScopes(), func(scope string) bool {
		return scope == scopePhone && !o.Phone || scope == scopeAddress && !o.Address
	})
}

// withheld tells whether a scope is known and not offered. A grant that was made
// with it, or a consent, must not come to mean something later, when an operator
// offers it: nobody has seen it on the consent page.
func (s *Service) withheld(scope string) bool {
	return slices.Contains(s.o.personalScopes(), scope) && !s.Offers(scope)
}

// Claim is a line of the consent page: what the application learns.
type Claim struct {
	Scope   string
	Name    string // catalog key, such as "claim.name"; of one of the operator's, Title says it
	Title   broker.Words
	Value   string // as the application gets it; "" the name says enough
	Missing bool   // the account has none; the application gets it once there is one
}

// ClaimsFor lists what an application with these scopes, as Authorization.Asked
// and Consent.Scopes have them, learns of user, with the values. What the account does not have
// is left out, but for the telephone number and the postal address: who says yes
// without having told them must know that they will be told.
func (s *Service) ClaimsFor(user broker.User, scopes []string) []Claim {
	var claims []Claim
	add := func(scope, name, value string) {
		claim := strings.TrimPrefix(name, "claim.")
		missing := value == "" && (scope == scopePhone || scope == scopeAddress)
		if (value != "" || missing) && s.Offers(scope) && (slices.Contains(scopes, scope) || slices.Contains(scopes, claimPrefix+claim)) {
			claims = append(claims, Claim{Scope: scope, Name: name, Value: value, Missing: missing})
		}
	}
	add(scopeOpenID, "claim.sub", string(user.ID))
	add(scopeProfile, "claim.name", user.Name)
	add(scopeProfile, "claim.preferred_username", user.Username)
	add(scopeProfile, "claim.locale", user.Locale)
	add(scopeProfile, "claim.zoneinfo", user.Details.Zone)
	add(scopeEmail, "claim.email", user.Email)
	add(scopePhone, "claim.phone_number", user.Phone)
	add(scopeAddress, "claim.address", user.Address.Formatted())
	for _, name := range []string{"updated_at", "email_verified", "phone_number_verified"} { // told with the others of their scope, and worth a line alone
		if slices.Contains(scopes, claimPrefix+name) && s.Offers(claimScopes[name]) {
			claims = append(claims, Claim{Scope: claimScopes[name], Name: "claim." + name})
		}
	}
	return append(claims, s.customFor(user, scopes)...)
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
// 5.1). Of the scope profile that is five claims: a name is kept as it is
// written, since it cannot be told which part is given and which the family's,
// and there is no picture, web page, gender or birthday. What the operator lets
// applications have beside them stands in custom.
type personClaims struct {
	Name                string        `json:"name,omitempty"`
	PreferredUsername   string        `json:"preferred_username,omitempty"`
	Locale              string        `json:"locale,omitempty"`
	ZoneInfo            string        `json:"zoneinfo,omitempty"`
	UpdatedAt           int64         `json:"updated_at,omitempty"` // seconds since the epoch
	Email               string        `json:"email,omitempty"`
	EmailVerified       *bool         `json:"email_verified,omitempty"`
	PhoneNumber         string        `json:"phone_number,omitempty"`          // E.164
	PhoneNumberVerified *bool         `json:"phone_number_verified,omitempty"` // never true: nobody calls
	Address             *addressClaim `json:"address,omitempty"`

	custom map[string]json.RawMessage // withCustom writes them
}

// addressClaim is the address claim (OpenID Connect Core 1.0, section 5.1.1).
type addressClaim struct {
	Formatted string `json:"formatted"`
	broker.Address
}

// infoOf is what a token with these scopes, and these claims beside them, may
// read of user.
func (s *Service) infoOf(user broker.User, scopes []string, claims ...string) userInfo {
	return userInfo{Subject: string(user.ID), personClaims: s.personOf(user, scopes, claims...)}
}

// personOf are the claims of user that scopes ask for, and those beside them.
func (s *Service) personOf(user broker.User, scopes []string, claims ...string) personClaims {
	asked := func(claim string) bool {
		scope := s.scopeOf(claim)
		return s.Offers(scope) && (slices.Contains(scopes, scope) || slices.Contains(claims, claim))
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
	if asked("zoneinfo") {
		c.ZoneInfo = user.Details.Zone
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
	if asked("phone_number") {
		c.PhoneNumber = user.Phone
	}
	if asked("phone_number_verified") && user.Phone != "" {
		c.PhoneNumberVerified = new(bool)
	}
	if asked("address") && user.Address != (broker.Address{}) {
		c.Address = &addressClaim{user.Address.Formatted(), user.Address}
	}
	c.custom = s.customOf(user, asked)
	return c
}

// tokenClaims are the claims of the ID token that tell of no person.
var tokenClaims = []string{
	"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "c_hash", "amr", "acr", "sid", "azp", "idp",
}

// claimsSupported is what discovery tells: the claims of the ID token, and those
// of a person by the order of their scopes.
func (s *Service) claimsSupported() []string {
	all := slices.Clone(tokenClaims)
	for _, scope := range s.o.offeredScopes() {
		for _, claim := range slices.Sorted(maps.Keys(claimScopes)) {
			if claimScopes[claim] == scope {
				all = append(all, claim)
			}
		}
	}
	for _, c := range s.o.Claims {
		all = append(all, c.Name)
	}
	return all
}
