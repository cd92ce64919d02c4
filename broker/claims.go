package broker

import "strings"

// standardClaims are the members of ID tokens and userinfo that have a meaning of
// their own: those of OpenID Connect Core 1.0 (sections 2, 3 and 5), RFC 7519,
// RFC 8693, RFC 9068, the logout specifications, and ours.
var standardClaims = strings.Fields(`
	iss sub aud exp nbf iat jti auth_time nonce acr amr azp at_hash c_hash s_hash sid events typ cnf
	name given_name family_name middle_name nickname preferred_username profile picture website gender birthdate
	zoneinfo locale updated_at email email_verified phone_number phone_number_verified address
	act scope client_id may_act roles groups entitlements sub_id sub_jwk org vot vtm trust_framework
	_claim_names _claim_sources verified_claims idp
	affiliations profile_visibility email_visibility`)

// StandardClaim tells whether an operator must not give a claim a meaning.
func StandardClaim(name string) bool {
	for _, one := range standardClaims {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

// standardScopes are scopes that have a meaning of their own.
var standardScopes = strings.Fields("openid profile email phone address offline_access affiliations visibility")

// CustomScope tells whether an operator may give a scope a meaning: it is a
// scope-token (RFC 6749, section 3.3) that has none.
func CustomScope(name string) bool {
	for _, one := range standardScopes {
		if strings.EqualFold(one, name) {
			return false
		}
	}
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\\' || r > '~'
	})
}
