package web

import (
	"net/http"

	"idbroker/broker"
)

// cookies knows how our cookies are named and written. On HTTPS they carry the
// prefix "__Host-": the browser then takes them only from this host, over
// TLS, for every path, so that no sub-domain and no plain connection can
// plant one (RFC 6265bis, section 4.1.3.2). On loopback without TLS the plain
// names serve.
type cookies struct {
	secure bool
}

// Names of our cookies, without the prefix.
const (
	sessionCookie  = "broker_session"  // opens the session; the database has its hash
	browserCookie  = "broker_browser"  // ties logins and outward attempts to this browser
	leavingCookie  = "broker_leaving"  // ties a journey to sign out at a provider to this browser
	languageCookie = "broker_language" // what a visitor without an account chose
	lastCookie     = "broker_last"     // the provider that was used here last
	deviceCookie   = "broker_devices"  // the accounts that this browser has signed in to; opens nothing (limits)
	turnCookie     = "broker_turn"     // follows the session, so that a copy of it is noticed (theft.go)
	knownCookie    = "broker_known"    // the accounts that this browser was signed in to; opens nothing (newbrowser.go)
	waysCookie     = "broker_ways"     // how accounts were signed in to here last; opens nothing (ways.go)
	rememberCookie = "broker_remember" // stands in for the second factors of people who wanted that here
	chooseCookie   = "broker_choose"   // nobody is sent straight to a provider now
)

// keepChoice is how long a browser keeps a choice that is no secret, in
// seconds: half a year.
const keepChoice = 180 * 24 * 60 * 60

func (c cookies) name(name string) string {
	if c.secure {
		return "__Host-" + name
	}
	return name
}

// make returns a cookie for this host. maxAge is in seconds; 0 means until the
// browser ends, -1 removes it.
func (c cookies) make(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// read returns the value of a cookie; "" where there is none.
func (c cookies) read(r *http.Request, name string) string {
	k, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	return k.Value
}

// secretLength is the length of a broker.NewSecret.
const secretLength = 43

// secretCookie returns the value of a cookie that holds a secret of ours, and
// "" for anything that we cannot have made.
func (c cookies) secretCookie(r *http.Request, name string) broker.Secret {
	v := c.read(r, name)
	if len(v) != secretLength {
		return ""
	}
	for i := 0; i < len(v); i++ {
		switch b := v[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_':
		default:
			return ""
		}
	}
	return broker.Secret(v)
}

// browser returns the secret of this browser, and makes one where it has none.
// Logins and attempts carry its hash: whoever brings the cookie began them.
func (s *Server) browser(w http.ResponseWriter, r *http.Request) broker.Secret {
	v := visitOf(r)
	if v.browser == "" {
		v.browser = broker.NewSecret()
		http.SetCookie(w, s.cookies.make(browserCookie, v.browser.Reveal(), 0))
	}
	return v.browser
}

// forgetBrowser unties this browser from the logins that it began, so that
// whoever sits down next cannot go on with one.
func (s *Server) forgetBrowser(w http.ResponseWriter, r *http.Request) {
	visitOf(r).browser = ""
	http.SetCookie(w, s.cookies.make(browserCookie, "", -1))
}
