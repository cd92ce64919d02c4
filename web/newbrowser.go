package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
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

// marksIn is the value of a cookie of such MACs, taken apart: name and MACs; nil none of
// ours.
func (s *Server) marksIn(r *http.Request, cookie string) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s.cookies.read(r, cookie))
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
	b := s.marksIn(r, knownCookie)
	return b != nil && marked(b, s.knownMAC(b[:knownName], user))
}

// marked tells whether a MAC is among those of a cookie.
func marked(b, mac []byte) bool {
	found := false
	for rest := b[knownName:]; len(rest) > 0; rest = rest[knownName:] {
		found = hmac.Equal(rest[:knownName], mac) || found
	}
	return found
}

// rememberBrowser lets a browser remember that it has been signed in to an account,
// for as long again.
func (s *Server) rememberBrowser(w http.ResponseWriter, r *http.Request, user broker.User) {
	s.mark(w, r, knownCookie, func(name []byte) [][]byte { return [][]byte{s.knownMAC(name, user)} })
}

// mark puts a MAC first into a cookie: the first of macs, which takes the place of all
// of them.
func (s *Server) mark(w http.ResponseWriter, r *http.Request, cookie string, macs func(name []byte) [][]byte) {
	old := s.marksIn(r, cookie)
	if old == nil {
		secret := sha256.Sum256([]byte(broker.NewSecret().Reveal()))
		old = secret[:knownName]
	}
	replaced := macs(old[:knownName])
	b := append(append([]byte{}, old[:knownName]...), replaced[0]...)
	for rest := old[knownName:]; len(rest) > 0 && len(b) < (1+maxKnown)*knownName; rest = rest[knownName:] {
		one := rest[:knownName]
		if !slices.ContainsFunc(replaced, func(mac []byte) bool { return hmac.Equal(one, mac) }) {
			b = append(b, one...)
		}
	}
	http.SetCookie(w, s.cookies.make(cookie, base64.RawURLEncoding.EncodeToString(b), keepChoice))
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
