package oidf

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// maxCookies bounds a jar; browsers keep 180 or less of a site.
const maxCookies = 300

// jar keeps cookies as RFC 6265bis says, with SameSite, which net/http/cookiejar
// does not know. A cookie without SameSite is Lax, as in browsers.
type jar struct{ cookies []cookie }

type cookie struct {
	name, value, domain, path string
	hostOnly, secure          bool
	httpOnly                  bool // scripts do not see it
	sameSite                  http.SameSite
	expires                   time.Time // zero: with the browser
}

// origin is where a request comes from, as far as cookies are concerned.
type origin struct {
	crossSite bool // begun by another site: the application, not the OP
	frame     bool // not what the address bar shows
}

// take keeps what a response from u sets.
func (j *jar) take(u *url.URL, h http.Header, at time.Time) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		k := cookie{name: c.Name, value: c.Value, domain: u.Hostname(), hostOnly: true, path: c.Path, secure: c.Secure, httpOnly: c.HttpOnly, sameSite: c.SameSite, expires: c.Expires}
		if d := strings.TrimPrefix(strings.ToLower(c.Domain), "."); d != "" && net.ParseIP(k.domain) == nil {
			if suffix, _ := publicsuffix.PublicSuffix(d); d == suffix || d != k.domain && !strings.HasSuffix(k.domain, "."+d) {
				continue
			}
			k.domain, k.hostOnly = d, false
		}
		if k.secure && u.Scheme != "https" && !loopback(u.Hostname()) ||
			k.sameSite == http.SameSiteNoneMode && !k.secure ||
			strings.HasPrefix(k.name, "__Secure-") && !k.secure ||
			strings.HasPrefix(k.name, "__Host-") && (!k.secure || !k.hostOnly || k.path != "/") {
			continue
		}
		if !strings.HasPrefix(k.path, "/") {
			k.path = "/"
			if i := strings.LastIndexByte(u.Path, '/'); i > 0 {
				k.path = u.Path[:i]
			}
		}
		if c.MaxAge > 0 {
			k.expires = at.Add(time.Duration(c.MaxAge) * time.Second)
		}
		j.cookies = slices.DeleteFunc(j.cookies, func(o cookie) bool { return o.name == k.name && o.domain == k.domain && o.path == k.path })
		if c.MaxAge < 0 || !k.expires.IsZero() && !k.expires.After(at) || len(j.cookies) >= maxCookies {
			continue
		}
		j.cookies = append(j.cookies, k)
	}
}

// give are the cookies of a request as it carries them.
func (j *jar) give(u *url.URL, method string, from origin, at time.Time) []*http.Cookie {
	mine := j.sent(u, method, from, at)
	sent := make([]*http.Cookie, len(mine))
	for i, c := range mine {
		sent[i] = &http.Cookie{Name: c.name, Value: c.value}
	}
	return sent
}

// sent are the cookies of a request, those with the longest paths first.
func (j *jar) sent(u *url.URL, method string, from origin, at time.Time) []cookie {
	var mine []cookie
	for _, c := range j.cookies {
		if !c.expires.IsZero() && !c.expires.After(at) || c.secure && u.Scheme != "https" && !loopback(u.Hostname()) {
			continue
		}
		if host := u.Hostname(); host != c.domain && (c.hostOnly || !strings.HasSuffix(host, "."+c.domain)) {
			continue
		}
		if path := orSlash(u.Path); path != c.path && !strings.HasPrefix(path, strings.TrimSuffix(c.path, "/")+"/") {
			continue
		}
		if from.crossSite {
			lax := !from.frame && (method == http.MethodGet || method == http.MethodHead)
			if c.sameSite == http.SameSiteStrictMode || c.sameSite != http.SameSiteNoneMode && !lax {
				continue
			}
		}
		mine = append(mine, c)
	}
	slices.SortStableFunc(mine, func(a, b cookie) int { return len(b.path) - len(a.path) })
	return mine
}

// seen are the cookies that a script sees in a frame with the address on a page of
// another site.
func (j *jar) seen(u *url.URL, at time.Time) []cookie {
	return slices.DeleteFunc(j.sent(u, http.MethodGet, origin{crossSite: true, frame: true}, at), func(c cookie) bool { return c.httpOnly })
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// site is what cookies call a site: the scheme and the domain that somebody registered.
func site(u *url.URL) string {
	host := u.Hostname()
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		host = d
	}
	return u.Scheme + "://" + host
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.") || strings.HasSuffix(host, ".localhost")
}
