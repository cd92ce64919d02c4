package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"idbroker/broker"
)

// A browser keeps a name of its own and, for each account that it has been signed in
// to, a MAC of both. It opens nothing: it says that a sign-in is from no new browser.
// The cookie of the limits would not do, which is given to who knows a password, before
// they have shown the second factor.
const (
	knownName = 16 // bytes of the name, and of each MAC
	// maxKnown is how many accounts a browser remembers to have been signed in to: a
	// family's, and a few for work.
	maxKnown = 8
)

// knownIn is the cookie's value, taken apart: name and MACs; nil none of ours.
func (s *Server) knownIn(r *http.Request) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s.cookies.read(r, knownCookie))
	if err != nil || len(b) < 2*knownName || len(b) > (1+maxKnown)*knownName || len(b)%knownName != 0 {
		return nil
	}
	return b
}

// knownMAC seals a browser's name to an account. Whatever signs its person out because
// somebody else got in makes every browser a new one: nobody knows whose they were.
func (s *Server) knownMAC(name []byte, user broker.User) []byte {
	mac := hmac.New(sha256.New, s.o.CookieKey[:])
	mac.Write([]byte("known\x00"))
	mac.Write(name)
	mac.Write([]byte(user.ID))
	if !user.SignedOutAt.IsZero() {
		mac.Write([]byte("\x00" + strconv.FormatInt(user.SignedOutAt.UnixMicro(), 10)))
	}
	return mac.Sum(nil)[:knownName]
}

// knowsBrowser tells whether the browser of a request has been signed in to an account.
func (s *Server) knowsBrowser(r *http.Request, user broker.User) bool {
	b := s.knownIn(r)
	if b == nil {
		return false
	}
	mac := s.knownMAC(b[:knownName], user)
	for rest := b[knownName:]; len(rest) > 0; rest = rest[knownName:] {
		if hmac.Equal(rest[:knownName], mac) {
			return true
		}
	}
	return false
}

// rememberBrowser lets a browser remember that it has been signed in to an account,
// for as long again.
func (s *Server) rememberBrowser(w http.ResponseWriter, r *http.Request, user broker.User) {
	old := s.knownIn(r)
	if old == nil {
		secret := sha256.Sum256([]byte(broker.NewSecret().Reveal()))
		old = secret[:knownName]
	}
	mac := s.knownMAC(old[:knownName], user)
	b := append(append([]byte{}, old[:knownName]...), mac...)
	for rest := old[knownName:]; len(rest) > 0 && len(b) < (1+maxKnown)*knownName; rest = rest[knownName:] {
		if !hmac.Equal(rest[:knownName], mac) {
			b = append(b, rest[:knownName]...)
		}
	}
	http.SetCookie(w, s.cookies.make(knownCookie, base64.RawURLEncoding.EncodeToString(b), keepChoice))
}

// mailFrom is a mail to a person about a request: from where, with which browser, when.
func (s *Server) mailFrom(request broker.Request, u broker.User, template string, at time.Time) broker.Mail {
	from := request.IP
	if code := s.country(request.IP); code != "" {
		from += ", " + s.cat.Country(s.cat.Match("", u.Locale, ""), code)
	}
	return broker.Mail{To: u.Email, Template: template, Locale: u.Locale, Data: map[string]string{
		"name": u.Called(), "ip": from, "browser": request.Browser, "when": at.UTC().Format(time.RFC3339),
	}}
}

// country is the code of the country that an address is in; "" not known.
func (s *Server) country(ip string) string {
	if s.o.Country == nil || ip == "" {
		return ""
	}
	return s.o.Country(ip)
}
