package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"idbroker/broker"
	"idbroker/broker/local"
)

// Where the operator wants it, sign-in asks who somebody is before it shows the ways in
// (Options.IdentifyFirst). Which ways a person has is told to nobody but them: a browser
// in which they have signed in keeps a MAC that says so, and shows their own; every other
// one shows the site's, whoever is named. Without that cookie the account is
// not even looked for.
//
// The MAC is over a name of the browser, the account, the way that was used last, and
// broker.User.KnownStamp. The cookie itself tells neither who nor how, and of two
// accounts in one browser each has its own last way.

// lastCode stands for a mailed code where lastPassword stands for a password.
const lastCode = "*"

// ways are how one person can sign in, beside their password.
type ways struct {
	providers []string // whose identities open the account
	last      string   // a provider, lastPassword, lastPasskey or lastCode; "" not known
}

// identifiesFirst tells whether sign-in asks who somebody is before it shows the ways in.
func (s *Server) identifiesFirst() bool { return s.o.IdentifyFirst && !s.o.NoPasswords }

// wayIn is how a login's person has signed in.
func wayIn(l *broker.Login) string {
	switch begunBy(l) {
	case broker.AMRKey:
		return lastPasskey
	case amrCode:
		return lastCode
	}
	return or(l.Provider, lastPassword)
}

// typedIdentifier is what was typed as it may name an account, by its form alone; ok is
// false for what can name none here.
func (s *Server) typedIdentifier(typed string) (name string, ok bool) {
	if email, err := broker.NormalizeEmail(typed); err == nil && !s.o.NoEmails {
		return email, true
	}
	if !s.o.Usernames {
		return "", false
	}
	name, ok = broker.CleanUsername(typed)
	return name, ok && name != ""
}

// expected is whom a login that begins now is about: whom the application expects, or
// who is signed in and has to prove it anew; "" nobody says.
func (s *Server) expected(r *http.Request, l broker.Login) string {
	if !s.identifiesFirst() {
		return ""
	}
	if name, ok := s.typedIdentifier(requestParam(l, "login_hint")); ok {
		return name
	}
	v := visitOf(r)
	if v.user == nil || choosing(v, l) {
		return ""
	}
	name, ok := s.typedIdentifier(v.user.Email)
	if !ok {
		name, _ = s.typedIdentifier(v.user.Username)
	}
	return name
}

// addressIn is the address that the person of a login has said is theirs; "" none.
func addressIn(l broker.Login) string {
	if strings.Contains(l.Identifier, "@") {
		return l.Identifier
	}
	return ""
}

// postIdentify serves POST /login/identify/: who somebody says they are (email), or
// that they are somebody else (other=1). Nothing is looked up: the answer is the same
// for names that nobody has.
func (s *Server) postIdentify(w http.ResponseWriter, r *http.Request) error {
	if !s.identifiesFirst() {
		return errNoSuchPage
	}
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	v := visitOf(r)
	l.Identifier = ""
	if v.form.Get("other") == "" {
		typed, ok := v.form.Get("email"), false
		if l.Identifier, ok = s.typedIdentifier(typed); !ok {
			return s.showLogin(w, r, http.StatusUnprocessableEntity, l, typed, problems{"email": s.noIdentifier(typed)})
		}
	}
	if err := s.keep(r.Context(), &l); err != nil {
		return err
	}
	to := withLogin("/login/", l)
	if v.user != nil {
		to += "&switch=1"
	}
	return s.redirect(w, r, to)
}

// noIdentifier says what is wrong with something typed that can name nobody.
func (s *Server) noIdentifier(typed string) *broker.Error {
	switch {
	case typed == "":
		return local.ErrRequired.At("email")
	case s.o.Usernames:
		return local.ErrUsernameBad.At("email")
	}
	return broker.ErrEmail
}

// showStep makes the page one of the two steps: the question who somebody is, or the
// ways in of whoever they say they are, which it returns where they are the person's
// own.
func (s *Server) showStep(r *http.Request, l broker.Login, p *loginPage) (*ways, error) {
	if !s.identifiesFirst() {
		return nil, nil
	}
	name, ok := s.typedIdentifier(or(p.Email, l.Identifier))
	if !ok {
		p.Identify = true
		return nil, nil
	}
	p.Email, p.Identified = name, name
	if p.All { // they want another way
		return nil, nil
	}
	user, last, err := s.knownHere(r, name)
	if err != nil || user == nil {
		return nil, err
	}
	own := &ways{last: last}
	if own.providers, err = s.identityProviders(r, user.ID); err != nil {
		return nil, err
	}
	own.providers = slices.DeleteFunc(own.providers, func(id string) bool {
		return !slices.ContainsFunc(s.providerButtons(), func(b providerButton) bool { return b.ID == id })
	})
	open, err := s.accounts.WaysIn(r.Context(), *user, 0)
	if err != nil {
		return nil, err
	}
	passkey, codes := p.Passkey, p.CodeURL
	if open.Passkeys == 0 {
		passkey = nil
	}
	if !user.EmailVerified() { // nothing is mailed there
		codes = ""
	}
	if !open.Password && len(own.providers) == 0 && passkey == nil && codes == "" {
		return nil, nil // "lost password" is for them, and stands beside the site's ways
	}
	p.Own, p.SignUpURL, p.LocalPasswords = true, "", open.Password
	p.Passkey, p.CodeURL = passkey, codes
	p.LastPassword, p.LastCode = last == lastPassword, last == lastCode && p.MailCode()
	if passkey != nil {
		passkey.Primary = last == lastPasskey && p.Present == ""
	}
	return own, nil
}

// knownHere is the account that is named, and the way that it was signed in to last,
// where this browser may know: it is signed in to it, or was. nil for everybody else.
func (s *Server) knownHere(r *http.Request, name string) (user *broker.User, last string, err error) {
	v := visitOf(r)
	if v.user == nil && s.marksIn(r, waysCookie) == nil {
		return nil, "", nil // nobody can be known: nobody is looked for
	}
	u, err := s.accounts.Named(r.Context(), name)
	if err != nil && !errors.Is(err, broker.ErrNotFound) {
		return nil, "", fmt.Errorf("find who is named: %w", err)
	}
	last, known := s.lastWay(r, u) // of nobody, too
	if u.ID == "" || !known && (v.user == nil || v.user.ID != u.ID) {
		return nil, "", nil
	}
	return &u, last, nil
}

// allWays are the ways in that there are, as wayIn names them.
func (s *Server) allWays() []string {
	all := []string{lastPassword, lastPasskey, lastCode}
	for _, p := range s.linker.Providers() {
		all = append(all, p.ID)
	}
	return all
}

func (s *Server) wayMAC(name []byte, user broker.User, way string) []byte {
	mac := hmac.New(sha256.New, s.o.CookieKey[:])
	mac.Write([]byte("ways\x00"))
	mac.Write(name)
	mac.Write([]byte(strings.Join([]string{string(user.ID), user.KnownStamp(), way}, "\x00")))
	return mac.Sum(nil)[:knownName]
}

// lastWay is the way by which an account was signed in to last in this browser; known
// tells whether it ever was, and the person has not had that forgotten since.
func (s *Server) lastWay(r *http.Request, user broker.User) (last string, known bool) {
	b := s.marksIn(r, waysCookie)
	if b == nil {
		return "", false
	}
	for _, way := range s.allWays() {
		if marked(b, s.wayMAC(b[:knownName], user, way)) {
			last, known = way, true
		}
	}
	return last, known
}

// rememberWay lets a browser remember that it has been signed in to an account, and how.
func (s *Server) rememberWay(w http.ResponseWriter, r *http.Request, user broker.User, way string) {
	s.mark(w, r, waysCookie, func(name []byte) [][]byte {
		macs := [][]byte{s.wayMAC(name, user, way)}
		for _, other := range s.allWays() {
			if other != way {
				macs = append(macs, s.wayMAC(name, user, other))
			}
		}
		return macs
	})
}

// stillKnown keeps this browser known to the account that is signed in, while all others
// have just been forgotten (ForgetKnown, at the time of the visit).
func (s *Server) stillKnown(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r)
	last, known := s.lastWay(r, *v.user)
	if v.user.KnownSince = v.at; known {
		s.rememberWay(w, r, *v.user, last)
	}
}

// loginHint is whom a provider shall expect: in a browser that the account knows the
// name that it has there, otherwise whom the person or the application has named.
func (s *Server) loginHint(r *http.Request, l broker.Login, provider string) (string, error) {
	hint := requestParam(l, "login_hint")
	if !s.identifiesFirst() || again(l) {
		return hint, nil
	}
	hinted, _ := s.typedIdentifier(hint)
	if l.Identifier == "" {
		if hinted != "" {
			return "", nil // the person has said that it is not them
		}
		return hint, nil
	}
	user, _, err := s.knownHere(r, l.Identifier)
	if err != nil {
		return "", err
	}
	if user != nil {
		linked, err := s.linker.Accounts(r.Context(), user.ID)
		if err != nil {
			return "", err
		}
		for _, a := range linked {
			if a.Identity.Provider == provider && a.OpensAccount {
				if name := or(a.Account.Email, a.Account.Username); name != "" {
					return name, nil
				}
			}
		}
	}
	if l.Identifier == hinted {
		return hint, nil
	}
	return addressIn(l), nil // a username of ours is nobody's there
}
