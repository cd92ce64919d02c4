package broker

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxURI bounds a URI of a registration, as browsers and proxies carry them.
	MaxURI = 2000

	maxURIs         = 50
	maxClientName   = 100
	maxClientScopes = 50
	maxContacts     = 10
	maxShortText    = 200
	maxLanguages    = 20
)

var (
	clientID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`)
	customScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
	languageTag  = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$`) // BCP 47, without what nobody writes
)

// Offer is what the OpenID Provider honours of a registration today. tokens
// makes it from the tables that it works by, so that nothing can be registered
// that would not be kept.
type Offer struct {
	AuthMethods   []string
	GrantTypes    []string
	ResponseTypes []string
	IDTokenAlgs   []string
	SubjectTypes  []string
	ClientAlgs    []string // that clients may sign with
	SecretAlgs    []string // that they may make a MAC with, of their secret
	// EncryptionAlgs and ContentAlgs are how a JWT can be encrypted, for clients and
	// by them: "alg" and "enc".
	EncryptionAlgs, ContentAlgs []string
	// Keys tells what is wrong with the JWK Set of a client that signs with it, or
	// for which things are encrypted with algs; nil: nothing ever.
	Keys func(jwks string, signs bool, algs []string) error
}

// Problem is something that is wrong with a registration.
type Problem struct {
	Field string // as RFC 7591 and OpenID Connect call it
	Text  string // what, and what to write instead
}

// String is the problem in words.
func (p Problem) String() string { return p.Field + ": " + p.Text }

// Problems returns everything that is wrong with a registration: whoever wrote
// it, an operator or the application itself.
func (c Client) Problems(o Offer) (problems []Problem) {
	bad := func(field, format string, args ...any) {
		problems = append(problems, Problem{field, fmt.Sprintf(format, args...)})
	}
	oneOf := func(field, value string, known []string) {
		if !slices.Contains(known, value) {
			bad(field, "%.100q is not supported; use %s", value, strings.Join(known, ", "))
		}
	}
	if !clientID.MatchString(c.ID) {
		bad("client_id", "%.120q: use at most 100 letters, digits, and . _ ~ - between them", c.ID)
	}
	if !goodName(c.Name) {
		bad("client_name", "%.120q: give a name of at most %d printable characters; people read it", c.Name, maxClientName)
	}
	oneOf("token_endpoint_auth_method", c.AuthMethod, o.AuthMethods)
	if c.IDTokenAlg != "" {
		oneOf("id_token_signed_response_alg", c.IDTokenAlg, o.IDTokenAlgs)
	}
	if alg := c.Metadata.UserInfoSignedResponseAlg; alg != "" && alg != "none" {
		oneOf("userinfo_signed_response_alg", alg, o.IDTokenAlgs)
	}
	if s := c.Metadata.SubjectType; s != "" {
		oneOf("subject_type", s, o.SubjectTypes)
	}
	if t := c.Metadata.ApplicationType; t != "" {
		oneOf("application_type", t, []string{"web", "native"})
	}
	c.keyProblems(o, bad)
	c.encryptionProblems(o, bad)
	c.grantProblems(o, bad)
	c.responseProblems(o, bad)
	c.subjectProblems(bad)
	c.logoutProblems(bad)
	c.loginProblems(bad)
	c.scopeProblems(bad)
	c.uriProblems(bad)
	c.textProblems(bad)
	return problems
}

func goodName(name string) bool {
	clean, ok := CleanName(name)
	return ok && clean != "" && clean == name && utf8.RuneCountInString(name) <= maxClientName
}

func (c Client) grantProblems(o Offer, bad func(string, string, ...any)) {
	const field = "grant_types"
	for _, g := range c.GrantTypes {
		if !slices.Contains(o.GrantTypes, g) {
			bad(field, "%.100q is not supported; use %s", g, strings.Join(o.GrantTypes, ", "))
		}
	}
	redirects := c.MayGrant(GrantCode) || c.MayGrant(GrantImplicit)
	switch {
	case len(c.GrantTypes) == 0:
		bad(field, "name at least one")
	case redirects && len(c.RedirectURIs) == 0:
		bad("redirect_uris", "%s needs at least one", GrantCode)
	case !redirects && len(c.RedirectURIs) > 0:
		bad("redirect_uris", "only %s uses one", GrantCode)
	case c.MayGrant(GrantRefresh) && !c.MayGrant(GrantCode):
		bad(field, "%s needs %s beside it", GrantRefresh, GrantCode)
	}
	if c.Public() && c.MayGrant(GrantCredentials) {
		bad(field, "%s: a public client has no credentials (RFC 6749, section 4.4)", GrantCredentials)
	}
}

func (c Client) scopeProblems(bad func(string, string, ...any)) {
	if len(c.Scopes) > maxClientScopes {
		bad("scope", "at most %d can be registered", maxClientScopes)
	}
	for _, s := range c.Scopes {
		// RFC 6749, section 3.3
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			bad("scope", "%.100q: use printable ASCII without spaces, quotes and backslashes", s)
		}
	}
}

func (c Client) uriProblems(bad func(string, string, ...any)) {
	for _, list := range []struct {
		field string
		uris  []string
	}{{"redirect_uris", c.RedirectURIs}, {"post_logout_redirect_uris", c.PostLogoutRedirectURIs}} {
		if len(list.uris) > maxURIs {
			bad(list.field, "at most %d can be registered", maxURIs)
		}
		for _, uri := range list.uris {
			if what := RedirectProblem(uri, c.Public()); what != "" {
				bad(list.field, "%.120q %s", uri, what)
			}
		}
	}
	for field, link := range c.links() {
		if link != "" && !goodLink(link) {
			bad(field, "%.120q: write an https URL", link)
		}
	}
}

// links are the URLs that a person may be shown, by field.
func (c Client) links() map[string]string {
	all := map[string]string{"client_uri": c.ClientURI, "policy_uri": c.PolicyURI, "tos_uri": c.TermsURI, "logo_uri": c.Metadata.LogoURI}
	for field, values := range c.Metadata.Localized {
		for tag, link := range values {
			if field != "client_name" {
				all[field+"#"+tag] = link
			}
		}
	}
	return all
}

func goodLink(link string) bool {
	u, err := url.Parse(link)
	return err == nil && len(link) <= MaxURI && u.Hostname() != "" && u.User == nil && !strings.ContainsFunc(link, notInURI) &&
		(u.Scheme == "https" || u.Scheme == "http" && Loopback(u.Hostname()))
}

func (c Client) textProblems(bad func(string, string, ...any)) {
	if len(c.Contacts) > maxContacts {
		bad("contacts", "at most %d can be registered", maxContacts)
	}
	short := map[string][]string{"contacts": c.Contacts, "software_id": {c.Metadata.SoftwareID}, "software_version": {c.Metadata.SoftwareVersion}}
	for field, texts := range short {
		for _, text := range texts {
			if len(text) > maxShortText || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				bad(field, "%.100q: use at most %d printable characters", text, maxShortText)
			}
		}
	}
	for field, values := range c.Metadata.Localized {
		if len(values) > maxLanguages {
			bad(field, "at most %d languages can be registered", maxLanguages)
		}
		for tag, name := range values {
			if !languageTag.MatchString(tag) {
				bad(field, "%.40q is not a language tag", tag)
			}
			if field == "client_name" && !goodName(name) {
				bad(field, "%.120q: give a name of at most %d printable characters; people read it", name, maxClientName)
			}
		}
	}
}

// Localized is a field of the registration in a language: the value for that
// tag, or for its first part, or for the first of its regions, or what was
// registered without one (OpenID Connect Dynamic Client Registration 1.0, section
// 2.1).
func (c Client) Localized(field, language, otherwise string) string {
	values := c.Metadata.Localized[field]
	short, _, _ := strings.Cut(language, "-")
	for _, fits := range []func(tag string) bool{
		func(tag string) bool { return strings.EqualFold(tag, language) },
		func(tag string) bool { return strings.EqualFold(tag, short) },
		func(tag string) bool {
			first, _, _ := strings.Cut(tag, "-")
			return short != "" && strings.EqualFold(first, short)
		},
	} {
		for _, tag := range slices.Sorted(maps.Keys(values)) {
			if fits(tag) && values[tag] != "" {
				return values[tag]
			}
		}
	}
	return otherwise
}

// responseParams are ours to add to a redirect.
var responseParams = []string{"code", "state", "iss", "error", "error_description", "access_token", "token_type", "expires_in", "scope", "id_token"}

// notInURI tells whether a character cannot stand in a URI.
func notInURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}", r) }

// RedirectProblem says what is wrong with a redirect URI; "" nothing. It is
// compared as text later, so what two parsers could read differently is
// refused here (RFC 9700, section 2.1; RFC 8252, sections 7.1 to 7.3).
func RedirectProblem(uri string, public bool) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > MaxURI:
		return fmt.Sprintf("is not a URI of at most %d characters", MaxURI)
	case strings.ContainsFunc(uri, notInURI):
		return "has characters that a URI cannot have; percent-encode them"
	case !u.IsAbs():
		return "has no scheme; write it in full, such as https://app.example.org/callback"
	case strings.Contains(uri, "#"):
		return "has a fragment; remove it (RFC 6749, section 3.1.2)"
	case u.User != nil:
		return "has a user name; remove it"
	case strings.Contains(uri, "*"):
		return "has a wildcard; register every URI in full"
	case strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./"):
		return "has dots in its path; write where they lead"
	}
	for _, name := range responseParams {
		if u.Query().Has(name) {
			return "has the parameter " + name + ", which the answer adds"
		}
	}
	scheme := uri[:strings.IndexByte(uri, ':')]
	switch {
	case scheme == "https" || scheme == "http":
		switch {
		case u.Hostname() == "" || u.Opaque != "":
			return "has no host"
		case u.Host != strings.ToLower(u.Host):
			return "has capital letters in its host; write it small"
		case scheme == "http" && !Loopback(u.Hostname()):
			return "is not https; plain http is for loopback alone (RFC 8252, section 8.3)"
		}
	case !customScheme.MatchString(scheme):
		return "has a scheme of its own without a dot; use https, or the app's domain backwards, such as org.example.app:/callback (RFC 8252, section 7.1)"
	case !public:
		return "has a scheme of its own, which is for public clients; use https, or --public (token_endpoint_auth_method none) for an app on a device"
	}
	return ""
}

// Loopback tells whether a host name or address can only be this machine. The
// empty host is every interface, so it is not.
func Loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
