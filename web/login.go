package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
)

// lastPassword is what the cookie "last" holds where a password was used. No
// provider has the id: it is not of their alphabet.
const lastPassword = "-"

// again tells whether a login is for who is signed in to prove that they are
// still there. An application that asks for it (prompt=login) takes anybody.
func again(l broker.Login) bool { return l.Force && l.Request == "" }

// getLogin serves GET /login/: the way in, alone or as a step of a login.
//
// next is where to go afterwards; again=1 asks who is signed in to prove that
// they are there; switch=1 shows the page although somebody is, choose=1 although
// people go straight to a provider.
func (s *Server) getLogin(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if v.query.Get("login") != "" {
		l, err := s.login(r)
		if err != nil {
			return err
		}
		settled := l.UserID != "" || v.user != nil && !l.Force && l.Remote == nil && l.SignUp == nil
		if settled && v.query.Get("switch") == "" {
			return s.advance(w, r, l)
		}
		return s.showLogin(w, r, http.StatusOK, l, v.query.Get("email"), nil)
	}
	next, proof := v.next(), v.query.Get("again") == "1" && v.user != nil
	if v.user != nil && !proof && v.query.Get("switch") == "" {
		return s.redirect(w, r, or(next, "/"))
	}
	if to := s.straightTo(r, broker.Login{}); to != "" && v.user == nil {
		if to = startPath(to); next != "" {
			to += "?next=" + url.QueryEscape(next)
		}
		return s.redirect(w, r, to)
	}
	if next == "" && !proof {
		return s.showLogin(w, r, http.StatusOK, broker.Login{}, "", nil)
	}
	l := s.newLogin(w, r, next) // a form must not carry where to go: a login does
	l.Force = proof
	if err := s.keep(r.Context(), &l); err != nil {
		return err
	}
	to := withLogin("/login/", l)
	if v.user != nil && !proof {
		to += "&switch=1" // asked for, or they would not be here
	}
	return s.redirect(w, r, to)
}

// loginOf is the login that a form names, or a new one without a row.
func (s *Server) loginOf(w http.ResponseWriter, r *http.Request) (broker.Login, error) {
	if visitOf(r).value("login") != "" {
		return s.login(r)
	}
	return s.newLogin(w, r, visitOf(r).next()), nil
}

// postLogin serves POST /login/: a password, or (present=1) the choice to go on
// as who is signed in.
func (s *Server) postLogin(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	if v.form.Get("present") != "" {
		return s.goOnAsPresent(w, r, l)
	}
	if s.o.NoPasswords {
		return errNoSuchPage
	}
	s.chooseRemember(r, &l)
	email := or(v.form.Get("email"), l.Identifier)
	if again(l) && v.user != nil {
		email = s.identifierOf(*v.user) // whoever else they are, that is not the question
	}
	var user broker.User
	var how broker.Authentication
	verdict, err := s.tryPassword(w, r, email)
	if err == nil {
		user, how, err = s.accounts.Authenticate(r.Context(), email, broker.Secret(v.form.Get("password")))
	}
	if bad := formProblems(err); bad != nil {
		return s.showLogin(w, r, statusOf(err), l, email, bad)
	}
	if err != nil {
		return err
	}
	if err := s.limitRight(w, r, verdict, email); err != nil {
		return err
	}
	l.SignUp = nil // an address that was being proven is not needed any more
	v.proven = user
	l.Authenticated(user.ID, how)
	return s.advance(w, r, l)
}

// choosing tells whether an application asks for nothing but a choice between
// accounts (prompt=select_account), and there is one to go on with.
func choosing(v *visit, l broker.Login) bool {
	prompt := strings.Fields(requestParam(l, "prompt"))
	return v.user != nil && l.Remote == nil && slices.Contains(prompt, "select_account") && !slices.Contains(prompt, "login")
}

// goOnAsPresent takes the account that is signed in as the person's choice: the
// application's request has been met in that point, and the rest of it counts.
func (s *Server) goOnAsPresent(w http.ResponseWriter, r *http.Request, l broker.Login) error {
	if !choosing(visitOf(r), l) {
		return errForm.Becausef("there is nobody to choose")
	}
	request, err := url.ParseQuery(l.Request)
	if err != nil {
		return fmt.Errorf("request of login %s: %w", l.ID, err)
	}
	rest := slices.DeleteFunc(strings.Fields(request.Get("prompt")), func(p string) bool { return p == "select_account" })
	if request.Set("prompt", strings.Join(rest, " ")); len(rest) == 0 {
		request.Del("prompt")
	}
	l.Request, l.Force, l.SignUp = request.Encode(), false, nil
	return s.advance(w, r, l)
}

// showLogin shows the sign-in page of a login, which may have no row.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request, status int, l broker.Login, email string, bad problems) error {
	formsLeave(w)
	v := visitOf(r)
	client, err := s.client(r.Context(), l.ClientID, s.language(r))
	if err != nil {
		return err
	}
	b := s.base(r)
	if v.ended && status == http.StatusOK { // also for whom a thief was faster, and read why (theft.go)
		b.Flash = &notice{Kind: noticeInfo, Message: "login.ended"}
	}
	last := s.cookies.read(r, lastCookie)
	p := loginPage{
		base: b, Login: l.ID, Client: client, Email: email, Problems: bad,
		Query: printable(v.query.Get("q"), maxID), All: v.query.Get("all") != "", LastPassword: last == lastPassword,
		Identifier: s.identifier(r), Pending: s.remoteView(l.Remote), LocalPasswords: !s.o.NoPasswords,
	}
	if p.Email == "" && !s.identifiesFirst() { // there the login has it
		p.Email, _ = broker.NormalizeEmail(requestParam(l, "login_hint"))
		if status == http.StatusOK && p.Email == "" && l.Force && v.user != nil && !choosing(v, l) && v.query.Get("switch") == "" { // most likely still they
			p.Email = s.identifierOf(*v.user)
		}
	}
	if !s.o.NoPasswords {
		p.LostPasswordURL = withLogin("/lost-password/", l)
	}
	if s.newcomers() && l.Remote == nil {
		p.SignUpURL = withLogin("/signup/", l)
	}
	if s.mayCode(r, l) == nil {
		p.CodeURL = withLogin("/code/", l)
	}
	if choosing(v, l) {
		p.Present = v.user.Called()
	}
	if p.Passkey, err = s.signInPasskey(w, r, l, p.base); err != nil {
		return err
	}
	if p.Passkey != nil {
		p.Passkey.Primary = last == lastPasskey && p.Present == ""
	}
	var mine *ways // that the person has; nil: the site's
	if p.Again = again(l) && v.user != nil; p.Again {
		p.Email, p.CancelURL = s.identifierOf(*v.user), or(broker.LocalPath(l.ReturnTo), "/")
		p.LocalPasswords = p.LocalPasswords && s.accounts.SiteWays().Of(broker.Openers{User: *v.user}).Password
		mine = new(ways)
		if mine.providers, err = s.identityProviders(r, v.user.ID); err != nil {
			return err
		}
	} else if again(l) {
		p.User = nil
	}
	if !p.Again {
		if mine, err = s.showStep(r, l, &p); err != nil {
			return err
		}
		s.offerRemember(&p, l)
	}
	if mine != nil && !p.Again {
		last = mine.last
	}
	for _, b := range s.providerButtons() {
		if mine != nil && !slices.Contains(mine.providers, b.ID) {
			continue
		}
		b.URL, b.LastUsed = withLogin(startPath(b.ID), l), b.ID == last
		p.Providers = append(p.Providers, b)
	}
	p.Stuck = p.Again && !p.LocalPasswords && p.CodeURL == "" && p.Passkey == nil && len(p.Providers) == 0
	return s.show(w, r, status, &p)
}

// identifier is what people sign in with beside a password, in their language; ""
// their address.
func (s *Server) identifier(r *http.Request) string {
	switch {
	case s.o.NoEmails:
		return s.base(r).T("field.username")
	case s.o.Usernames:
		return s.base(r).T("field.identifier")
	}
	return ""
}

// identifierOf is what a user signs in with beside their password; "" nothing.
func (s *Server) identifierOf(u broker.User) string {
	if s.o.NoEmails {
		return u.Username
	}
	return u.Email
}

// providerButtons are the providers that can be signed in with.
func (s *Server) providerButtons() []providerButton {
	var all []providerButton
	for _, p := range s.linker.Providers() {
		if !p.LinkOnly {
			all = append(all, providerButton{ID: p.ID, Title: p.Title, Icon: p.Icon})
		}
	}
	return all
}

// identityProviders are the providers whose identities open a user's account.
func (s *Server) identityProviders(r *http.Request, user broker.UserID) ([]string, error) {
	linked, err := s.linker.Accounts(r.Context(), user)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range linked {
		if l.OpensAccount {
			ids = append(ids, l.Identity.Provider)
		}
	}
	return ids, nil
}

// remoteView is what a page shows of an identity that was proven; nil none.
func (s *Server) remoteView(p *broker.Profile) *remoteView {
	if p == nil {
		return nil
	}
	v := remoteView{Provider: p.Provider, Title: p.Provider, Handle: p.Username, Name: p.Name}
	for _, known := range s.linker.Providers() {
		if known.ID == p.Provider {
			v.Title, v.Icon = known.Title, known.Icon
		}
	}
	return &v
}
