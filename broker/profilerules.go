package broker

import (
	"strings"
	"unicode"
)

// ProfileRule says who sets a value of an account's profile, where a provider
// tells it.
type ProfileRule string

const (
	ProfileInitial  ProfileRule = "initial"  // the provider's value begins the account; from then on it is the person's
	ProfileProvider ProfileRule = "provider" // the provider's value, at each sign-in there
	ProfilePerson   ProfileRule = "person"   // the person's; what the provider tells is not looked at
)

// ProfileRules says who sets what. The zero value is initial for name and
// username, and person for the language: their browser tells it better. The
// address is not among them: an account's never changes by itself.
type ProfileRules struct {
	Name     ProfileRule
	Username ProfileRule
	Locale   ProfileRule
}

// or is rule, or fallback where there is none.
func (rule ProfileRule) or(fallback ProfileRule) ProfileRule {
	if rule == "" {
		return fallback
	}
	return rule
}

// Full returns r with its defaults.
func (r ProfileRules) Full() ProfileRules {
	return ProfileRules{r.Name.or(ProfileInitial), r.Username.or(ProfileInitial), r.Locale.or(ProfilePerson)}
}

// Told is what a provider's profile offers an account: "" nothing that could
// stand in one.
type Told struct{ Name, Username, Locale string }

// told reads the values whose rule is one of those.
func (r ProfileRules) told(p Profile, rules ...ProfileRule) (t Told) {
	full := r.Full()
	has := func(rule ProfileRule) bool {
		for _, one := range rules {
			if rule == one {
				return true
			}
		}
		return false
	}
	if has(full.Name) {
		t.Name, _ = CleanName(p.Name)
	}
	if has(full.Username) {
		t.Username = DeriveUsername(p.Username)
	}
	if has(full.Locale) {
		t.Locale = CleanLocale(p.Locale)
	}
	return t
}

// First is what p offers an account that begins.
func (r ProfileRules) First(p Profile) Told { return r.told(p, ProfileInitial, ProfileProvider) }

// Always is what p decides, whatever the person says.
func (r ProfileRules) Always(p Profile) Told { return r.told(p, ProfileProvider) }

// Over puts what is told over what was there; what is missing overwrites
// nothing.
func (t Told) Over(name, username, locale string) Told {
	put := func(new, old string) string {
		if new == "" {
			return old
		}
		return new
	}
	return Told{put(t.Name, name), put(t.Username, username), put(t.Locale, locale)}
}

// DeriveUsername makes a username of a login name at a provider: what stands
// before an "@", with what a username cannot have replaced by "-". "" where too
// little is left, or too much is there.
func DeriveUsername(login string) string {
	login, _, _ = strings.Cut(strings.TrimSpace(login), "@")
	login = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, login)
	name, ok := CleanUsername(strings.Trim(login, "._-"))
	if !ok {
		return ""
	}
	return name
}

// maxLocale is the longest language tag that implementations must take (RFC
// 5646, section 4.4.1).
const maxLocale = 35

// CleanLocale is a language tag in the form of RFC 5646, section 2.1; "" where s
// is none. OpenID Connect Core 1.0, section 5.1, lets "_" stand for "-".
func CleanLocale(s string) string {
	s = strings.ReplaceAll(s, "_", "-")
	if len(s) > maxLocale {
		return ""
	}
	for i, part := range strings.Split(s, "-") {
		if len(part) < 1 || len(part) > 8 || i == 0 && (len(part) < 2 || strings.ContainsAny(part, "0123456789")) {
			return ""
		}
		if strings.ContainsFunc(part, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') }) {
			return ""
		}
	}
	return s
}
