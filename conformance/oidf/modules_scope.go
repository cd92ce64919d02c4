package oidf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// scopeClaims are the claims that a scope asks for (OpenID Connect Core 1.0, section 5.4).
var scopeClaims = map[string][]string{
	"profile": {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// scopeModules are about the claims that scopes ask for.
func scopeModules() []Module {
	var all []Module
	for _, scope := range []string{"profile", "email", "address", "phone"} {
		all = append(all, Module{
			Name: "oidcc-scope-" + scope, Summary: "Asks for the scope " + scope + " and looks for its claims.", Clauses: []Clause{core("5.1"), core("5.4")},
			Run: func(r *Run) { scopes(r, scope) },
		})
	}
	return append(all,
		Module{
			Name: "oidcc-scope-all", Summary: "Asks for all scopes with claims at once.", Clauses: []Clause{core("5.1"), core("5.4")},
			Run: func(r *Run) { scopes(r, "profile", "email", "address", "phone") },
		},
		Module{Name: "oidcc-claims-essential", Summary: "Asks for name as an essential claim with the claims parameter.", Clauses: []Clause{core("5.5"), core("5.5.1")}, Run: claimsEssential},
	)
}

func scopes(r *Run, wanted ...string) {
	offered := r.Metadata.List("scopes_supported")
	var asked []string
	for _, s := range wanted {
		if (offered == nil || slices.Contains(offered, s)) && (r.Variant.Registration == DynamicClient || r.Client().Allows(s)) {
			asked = append(asked, s)
		} else {
			r.Log("the scope %s is not in scopes_supported", s)
		}
	}
	if len(asked) == 0 {
		r.Skip("%s is not in scopes_supported, and need not be (Core 5.4)", strings.Join(wanted, ", "))
	}
	f := r.SignIn(Scope("openid " + strings.Join(asked, " ")))
	claims := r.granted(f)
	supported := r.Metadata.List("claims_supported")
	for scope, names := range scopeClaims {
		var got, missing []string
		for _, name := range names {
			if _, there := claims[name]; there {
				got = append(got, name)
				r.claimType(claims, name)
			} else if slices.Contains(supported, name) {
				missing = append(missing, name)
			}
		}
		switch {
		case !slices.Contains(asked, scope):
			if len(got) > 0 {
				r.Warn(core("5.4"), "%s is given without being asked for", strings.Join(got, ", "))
			}
		case len(got) == 0:
			r.Warn(core("5.4"), "not one claim of the scope %s is there; give the account some", scope)
		default:
			r.Pass(core("5.4"), "the scope %s gives %s (%s is supported, and not known of this account)", scope, strings.Join(got, ", "), strings.Join(missing, ", "))
		}
	}
}

// granted are the claims of an authorization: those of userinfo, or, where there
// is no access token, those of the ID token (Core 5.4).
func (r *Run) granted(f Flow) Claims {
	if token := f.AccessToken(); token != "" && r.Metadata.Text("userinfo_endpoint") != "" {
		return r.UserInfo(GetHeader, f.Client, token, f.IDToken().Text("sub"))
	}
	return f.IDToken()
}

// claimType checks the JSON type of a standard claim (Core 5.1).
func (r *Run) claimType(claims Claims, name string) {
	want, ok := "a string that is not empty", false
	switch v := claims[name]; name {
	case "email_verified", "phone_number_verified":
		want = "true or false"
		_, ok = v.(bool)
	case "updated_at":
		want = "a number"
		_, ok = v.(json.Number)
	case "address":
		want = "a JSON object with members of 5.1.1"
		ok = isAddress(v)
	default:
		s, isText := v.(string)
		ok = isText && s != ""
		switch name {
		case "phone_number":
			want += "; E.164 is recommended"
		case "email":
			want, ok = "an address", ok && strings.Contains(s, "@")
		}
	}
	r.Check(ok, core("5.1"), "%s is %s", name, want)
}

func isAddress(v any) bool {
	o, ok := v.(map[string]any)
	if !ok || len(o) == 0 {
		return false
	}
	for name, member := range o {
		_, text := member.(string)
		if !text || !slices.Contains([]string{"formatted", "street_address", "locality", "region", "postal_code", "country"}, name) {
			return false
		}
	}
	return true
}

func claimsEssential(r *Run) {
	if !r.Metadata.Flag("claims_parameter_supported", false) {
		r.Skip("claims_parameter_supported is not true")
	}
	where := "userinfo"
	if !r.Variant.has("code") && !r.Variant.has("token") {
		where = "id_token"
	}
	f := r.SignIn(With("claims", fmt.Sprintf(`{%q:{"name":{"essential":true}}}`, where)))
	claims := r.granted(f)
	if claims.Text("name") == "" {
		r.Warn(core("5.5.1"), "the essential claim name is not there; an OP should give it where it can")
		return
	}
	r.Pass(core("5.5.1"), "the essential claim name is there")
}
