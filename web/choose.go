package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"

	"idbroker/broker"
)

// showChoose asks whose identity waits in a login whether they have an account
// here, which they can prove, or begin one.
func (s *Server) showChoose(w http.ResponseWriter, r *http.Request, l broker.Login) error {
	formsLeave(w)
	client, err := s.client(r.Context(), l.ClientID, s.language(r))
	if err != nil {
		return err
	}
	known, err := s.known(r, l)
	if err != nil {
		return err
	}
	p := choosePage{
		base: s.base(r), Login: l.ID, Client: client, Remote: *s.remoteView(l.Remote), Known: known, OtherURL: notMe(l),
	}
	signIn := withLogin("/login/", l)
	if !s.o.NoPasswords {
		p.PasswordURL = signIn
	}
	for _, b := range s.providerButtons() {
		if b.ID == l.Remote.Provider {
			continue
		}
		if len(p.Providers) == shownToChoose {
			p.MoreURL = signIn
			break
		}
		b.URL = withLogin("/oauth/login/"+url.PathEscape(b.ID)+"/", l)
		p.Providers = append(p.Providers, b)
	}
	if s.accounts.Codes(l) {
		p.CodeURL = withLogin("/code/", l)
	}
	if !s.o.NoSignUp {
		p.NewURL = newcomerPath(l)
	}
	return s.show(w, r, http.StatusOK, &p)
}

// newcomerPath is the form of a newcomer with the identity that waits in a login.
func newcomerPath(l broker.Login) string { return stepPath(broker.StepSignUp, l) + "&new=1" }

// mustChoose tells whether a GET of the sign-up path asks for the choice: an identity
// waits, and the form was neither asked for nor sent.
func mustChoose(r *http.Request, l broker.Login) bool {
	return l.Remote != nil && l.SignUp == nil && r.PathValue("app") == l.Remote.Provider && visitOf(r).query.Get("new") == ""
}

// notMe begins the login anew, without the identity that waits in it.
func notMe(l broker.Login) string {
	if l.Request != "" {
		return authorizePath + "?" + l.Request
	}
	return "/login/?switch=1&next=" + url.QueryEscape(l.ReturnTo)
}

// identityMark names the identity that waits in a login, for the forms that are
// about it; "" none.
func identityMark(l broker.Login) string {
	if l.Remote == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(string(l.ID) + "\x00" + l.Remote.Provider + "\x00" + l.Remote.Issuer + "\x00" + l.Remote.Subject))
	return base64.RawURLEncoding.EncodeToString(sum[:markBytes])
}

// markBytes tells two identities of one person apart; nothing is kept from
// anybody by it.
const markBytes = 9

// sameIdentity tells whether a form is about the identity that waits in its login. It is not
// where the person has come back with another one in another tab since: then what
// they read is not what would be done.
func sameIdentity(r *http.Request, l broker.Login) bool {
	f := visitOf(r).form
	return !f.Has("identity") || f.Get("identity") == identityMark(l)
}

// otherTab sends a person on to where their login is now.
func (s *Server) otherTab(w http.ResponseWriter, r *http.Request, l broker.Login) error {
	if err := s.say(w, r, sessionNotice{Key: "login.other_tab", Problem: true}); err != nil {
		return err
	}
	return s.advance(w, r, l)
}
