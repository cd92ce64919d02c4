package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"idbroker/broker"
	"idbroker/config"
)

const (
	maxURIs      = 50
	maxURI       = 2000 // as browsers and proxies carry them
	maxAppName   = 100
	maxAppScopes = 50
)

var (
	clientID     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,99}$`)
	customScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
)

// checkClient returns everything that is wrong with a registration, in words.
func checkClient(c broker.Client) (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !clientID.MatchString(c.ID) {
		bad("id %q: use at most 100 letters, digits, and . _ ~ - between them", c.ID)
	}
	if name, ok := broker.CleanName(c.Name); !ok || name == "" || name != c.Name || utf8.RuneCountInString(name) > maxAppName {
		bad("name %q: give a name of at most %d printable characters; people read it", c.Name, maxAppName)
	}
	if !slices.Contains([]string{broker.AuthNone, broker.AuthBasic, broker.AuthPost, broker.AuthPrivateKeyJWT}, c.AuthMethod) {
		bad("authentication method %q: use %s, %s, %s or %s", c.AuthMethod, broker.AuthBasic, broker.AuthPost, broker.AuthPrivateKeyJWT, broker.AuthNone)
	}
	if !slices.Contains([]string{"", broker.RS256, broker.ES256}, c.IDTokenAlg) {
		bad("algorithm %q: use %s or %s", c.IDTokenAlg, broker.RS256, broker.ES256)
	}
	checkKeys(c, bad)
	checkGrants(c, bad)
	checkResponseTypes(c, bad)
	checkScopes(c, bad)
	checkLogout(c, bad)
	if len(c.RedirectURIs) > maxURIs || len(c.PostLogoutRedirectURIs) > maxURIs {
		bad("at most %d redirect URIs of a kind can be registered", maxURIs)
	}
	for _, uri := range slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs) {
		if what := checkRedirect(uri, c.Public()); what != "" {
			bad("redirect URI %q %s", uri, what)
		}
	}
	for _, link := range []string{c.ClientURI, c.PolicyURI, c.TermsURI} {
		if u, err := url.Parse(link); link != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && config.Loopback(u.Hostname()))) {
			bad("link %q: write an https URL", link)
		}
	}
	return problems
}

func checkGrants(c broker.Client, bad func(string, ...any)) {
	known := []string{broker.GrantCode, broker.GrantRefresh, broker.GrantCredentials, broker.GrantImplicit}
	redirects := c.MayGrant(broker.GrantCode) || c.MayGrant(broker.GrantImplicit)
	for _, g := range c.GrantTypes {
		if !slices.Contains(known, g) {
			bad("grant type %q: use %s", g, strings.Join(known, ", "))
		}
	}
	switch {
	case len(c.GrantTypes) == 0:
		bad("grant types: name at least one")
	case redirects && len(c.RedirectURIs) == 0:
		bad("redirect URI: %s needs at least one; add --redirect-uri", broker.GrantCode)
	case !redirects && len(c.RedirectURIs) > 0:
		bad("redirect URI: only %s uses one", broker.GrantCode)
	case c.MayGrant(broker.GrantRefresh) && !c.MayGrant(broker.GrantCode):
		bad("grant type %s: it needs %s beside it", broker.GrantRefresh, broker.GrantCode)
	}
	if c.Public() && c.MayGrant(broker.GrantCredentials) {
		bad("grant type %s: a public client has no credentials (RFC 6749, section 4.4)", broker.GrantCredentials)
	}
}

func checkScopes(c broker.Client, bad func(string, ...any)) {
	if len(c.Scopes) > maxAppScopes {
		bad("at most %d scopes can be registered", maxAppScopes)
	}
	for _, s := range c.Scopes {
		// RFC 6749, section 3.3
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			bad("scope %q: use printable ASCII without spaces, quotes and backslashes", s)
		}
	}
}

// responseParams are ours to add to a redirect.
var responseParams = []string{"code", "state", "iss", "error", "error_description", "access_token", "token_type", "expires_in", "scope", "id_token"}

// checkRedirect says what is wrong with a redirect URI; "" nothing. It is
// compared as text later, so what two parsers could read differently is
// refused here (RFC 9700, section 2.1; RFC 8252, sections 7.1 to 7.3).
func checkRedirect(uri string, public bool) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI:
		return fmt.Sprintf("is not a URI of at most %d characters", maxURI)
	case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}", r) }):
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
	scheme := strings.TrimSuffix(uri[:strings.IndexByte(uri, ':')], ":")
	switch {
	case scheme == "https" || scheme == "http":
		switch {
		case u.Hostname() == "" || u.Opaque != "":
			return "has no host"
		case u.Host != strings.ToLower(u.Host):
			return "has capital letters in its host; write it small"
		case scheme == "http" && !config.Loopback(u.Hostname()):
			return "is not https; plain http is for loopback alone (RFC 8252, section 8.3)"
		}
	case !customScheme.MatchString(scheme):
		return "has a scheme of its own without a dot; use https, or the app's domain backwards, such as org.example.app:/callback (RFC 8252, section 7.1)"
	case !public:
		return "has a scheme of its own, which is for public clients; use https, or --public for an app on a device"
	}
	return ""
}
