package providers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"idbroker/broker"
)

// The rules about who may come in are asked at every return from a provider:
// sign-in, link, proof. Each refusal names its setting for the operator.

const (
	// maxAllowedClaims bounds App.AllowedClaims, and the values of one claim:
	// longer lists are roles or groups that belong to the provider.
	maxAllowedClaims = 50
	// maxMembers bounds the list of a claim that decides. Somebody in more
	// groups is refused instead of judged by some of them.
	maxMembers = 2000
)

// admits tells whether the address of a profile lets its person in by
// App.AllowedDomains. A domain that begins with a dot stands for all below it.
func (a App) admits(p broker.Profile) error {
	if len(a.AllowedDomains) == 0 {
		return nil
	}
	_, domain, _ := strings.Cut(p.Email, "@")
	switch {
	case !p.EmailVerified:
		return ErrNotAllowed.Why(whyDomains).Becausef("allowed_domains: the address is not proven")
	case !slices.ContainsFunc(a.AllowedDomains, func(d string) bool {
		d = strings.ToLower(d)
		return d == domain || strings.HasPrefix(d, ".") && strings.HasSuffix(domain, d)
	}):
		return ErrNotAllowed.Why(whyDomains).Becausef("allowed_domains: %q is none of them", domain)
	}
	return nil
}

// admitsClaims holds verified claims to App.AllowedClaims: each of them must be
// there and have one of its values.
func (a App) admitsClaims(c claims) error {
	for _, name := range slices.Sorted(maps.Keys(a.AllowedClaims)) {
		have, err := c.members(name)
		if err != nil {
			return ErrNotAllowed.Becausef("allowed_claims: %s %w", name, err)
		}
		if !slices.ContainsFunc(have, func(v string) bool { return slices.Contains(a.AllowedClaims[name], v) }) {
			return ErrNotAllowed.Becausef("allowed_claims: %s has %d values, none of them allowed", name, len(have))
		}
	}
	return nil
}

// members are the values of a claim that decides: one string, or a list of
// nothing but strings. What is of another type decides nothing, not even by those
// of its parts that would do.
func (c claims) members(name string) ([]string, error) {
	switch v := c[name].(type) {
	case nil:
		return nil, fmt.Errorf("is missing")
	case string:
		return []string{v}, nil
	case []any:
		if len(v) > maxMembers {
			return nil, fmt.Errorf("has more than %d values", maxMembers)
		}
		all := make([]string, 0, len(v))
		for _, m := range v {
			s, ok := m.(string)
			if !ok {
				return nil, fmt.Errorf("holds a value that is no text")
			}
			all = append(all, s)
		}
		return all, nil
	}
	return nil, fmt.Errorf("is neither a text nor a list of texts")
}

// Rules are the rules about who may come in through an app, as the settings that
// make them have them; nil: everybody may, or there is no such app.
func (r *Registry) Rules(id string) []string {
	e, ok := r.byID[id]
	if !ok {
		return nil
	}
	var all []string
	add := func(setting string, values []string) {
		if len(values) > 0 {
			all = append(all, setting+": "+strings.Join(values, ", "))
		}
	}
	add("allowed_domains", e.app.AllowedDomains)
	for _, name := range slices.Sorted(maps.Keys(e.app.AllowedClaims)) {
		add("allowed_claims."+name, e.app.AllowedClaims[name])
	}
	add("allowed_organizations", e.app.AllowedOrganizations)
	add("allowed_roles", e.app.AllowedRoles)
	add("allowed_identity_classes", e.app.AllowedIdentityClasses)
	if e.app.RequiredIdentityProvider != "" {
		add("required_identity_provider", []string{e.app.RequiredIdentityProvider})
	}
	add("allowed_identity_providers", e.app.AllowedIdentityProviders)
	add("allowed_groups", e.app.AllowedGroups)
	return all
}

// checkRules reports what is wrong with the rules about who may come in.
func (a App) checkRules(bad func(field, format string, args ...any)) {
	if len(a.AllowedClaims) > maxAllowedClaims {
		bad("allowed_claims", "%d claims are more than %d", len(a.AllowedClaims), maxAllowedClaims)
	}
	for name, values := range a.AllowedClaims {
		switch {
		case name == "" || len(name) > maxText:
			bad("allowed_claims", "%.50q is no name of a claim", name)
		case len(values) == 0 || slices.Contains(values, ""):
			bad("allowed_claims", "%q: name the values of which one is needed; with none nobody could come in", name)
		case len(values) > maxAllowedClaims:
			bad("allowed_claims", "%q: %d values are more than %d", name, len(values), maxAllowedClaims)
		}
	}
	for field, list := range map[string][]string{
		"allowed_organizations": a.AllowedOrganizations, "allowed_identity_classes": a.AllowedIdentityClasses,
		"allowed_identity_providers": a.AllowedIdentityProviders, "allowed_groups": a.AllowedGroups,
	} {
		if list != nil && len(list) == 0 {
			bad(field, "the list is empty; leave it out to let everybody in")
		}
	}
	for _, entry := range a.AllowedOrganizations {
		if _, err := parseOrganization(entry); err != nil {
			bad("allowed_organizations", "%v", err)
		}
	}
	for _, class := range a.AllowedIdentityClasses {
		if !slices.Contains(cernClasses, class) {
			bad("allowed_identity_classes", "%q: use %s", class, strings.Join(cernClasses, ", "))
		}
	}
	if a.AllowServiceAccounts && a.AllowedIdentityClasses != nil {
		bad("allow_service_accounts", "write %s into allowed_identity_classes instead", classService)
	}
	for field, ids := range map[string][]string{"allowed_identity_providers": a.AllowedIdentityProviders, "allowed_groups": a.AllowedGroups} {
		for _, id := range ids {
			if !uuidForm.MatchString(id) {
				bad(field, "%q: give its UUID in lower case", id)
			}
		}
	}
	if a.RequiredIdentityProvider != "" && a.AllowedIdentityProviders != nil {
		bad("allowed_identity_providers", "required_identity_provider has decided that; keep one of the two")
	}
}
