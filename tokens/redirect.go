package tokens

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"idbroker/broker"
)

// forbiddenSchemes can run or read things in the browser. They are refused even
// where somebody registered them.
var forbiddenSchemes = map[string]bool{
	"javascript": true, "data": true, "vbscript": true, "file": true, "blob": true, "about": true, "view-source": true, "filesystem": true,
}

// matchRedirect returns the redirect URI that may be trusted for a request of
// c. A requested one must be registered, character for character; only the port
// of an http URI with a loopback address may vary (RFC 8252, section 7.3). None
// requested is fine where exactly one is registered (RFC 6749, section 3.1.2.3).
func matchRedirect(c broker.Client, requested string) (string, bool) {
	if requested == "" {
		if len(c.RedirectURIs) != 1 {
			return "", false
		}
		requested = c.RedirectURIs[0]
	}
	if !usableRedirect(c, requested) {
		return "", false
	}
	for _, registered := range c.RedirectURIs {
		if registered == requested || sameButPort(registered, requested) {
			return requested, true
		}
	}
	return "", false
}

// usableRedirect refuses what must not be in a Location header whoever
// registered it: a fragment (RFC 6749, section 3.1.2), credentials, a
// dangerous scheme, and plain http to another machine for a public client.
func usableRedirect(c broker.Client, uri string) bool {
	for i := 0; i < len(uri); i++ {
		if b := uri[i]; b <= ' ' || b >= 0x7f || b == '\\' || b == '#' {
			return false
		}
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil, u.Scheme == "", u.Opaque != "", u.User != nil, forbiddenSchemes[strings.ToLower(u.Scheme)]:
		return false
	case strings.EqualFold(u.Scheme, "http") && c.Public() && !loopback(u.Hostname()):
		return false
	case (strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https")) && u.Host == "":
		return false
	}
	return true
}

// sameButPort tells whether two URIs are http to one loopback address and
// differ in the port at most.
func sameButPort(registered, requested string) bool {
	a, err1 := url.Parse(registered)
	b, err2 := url.Parse(requested)
	if err1 != nil || err2 != nil || a.Scheme != "http" || b.Scheme != "http" ||
		a.Hostname() != b.Hostname() || a.Hostname() == "localhost" || !loopback(a.Hostname()) {
		return false
	}
	rest := func(uri string, u *url.URL) string { return strings.TrimPrefix(uri, "http://"+u.Host) }
	return rest(registered, a) == rest(requested, b)
}

// Refuse tells the application why its request was refused. An error that is
// no protocol error is server_error there and goes to the log here.
func (s *Service) Refuse(w http.ResponseWriter, r *http.Request, a *Authorization, err error) {
	s.refuseWith(w, r, a, err, url.Values{})
}

// RefuseKnowing is Refuse where the session of the browser is known; sid "":
// nobody is signed in. An application that asked with prompt=none, to find out
// what has changed, is told the new session_state with the error: otherwise it
// would find the old one changed for ever (OpenID Connect Session Management 1.0,
// section 3).
func (s *Service) RefuseKnowing(w http.ResponseWriter, r *http.Request, a *Authorization, err error, sid string) {
	params := url.Values{}
	if errors.Is(err, ErrLoginRequired) || errors.Is(err, ErrConsentRequired) {
		s.addSessionState(params, a, a.Scopes, sid)
	}
	s.refuseWith(w, r, a, err, params)
}

func (s *Service) refuseWith(w http.ResponseWriter, r *http.Request, a *Authorization, err error, params url.Values) {
	code, description, status := protocolError(err)
	if status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "authorization not answered", "client", a.Client.ID, "err", err)
	} else {
		s.troubles.note(a.Client.ID, "authorize", code, description, time.Now())
		s.log.InfoContext(r.Context(), "authorization refused", "client", a.Client.ID, "error", code)
	}
	params.Set("error", code)
	params.Set("error_description", description)
	s.answer(w, r, a, params)
}
