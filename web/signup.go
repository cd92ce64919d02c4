package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
)

// resendAfter is how long a person waits before the mail can be sent again.
const resendAfter = time.Minute

var errResend = &broker.Error{Kind: broker.KindTooMany, Message: "sent.too_soon"}

// getSignUp serves GET /signup/ and GET /oauth/signup/{app}/: the form of a
// newcomer, in the second case filled in from what the provider told, once they
// have said (new=1) that they have no account.
func (s *Server) getSignUp(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	l := broker.Login{ReturnTo: v.next()}
	if v.query.Get("login") != "" {
		var err error
		if l, err = s.login(r); err != nil {
			return err
		}
	}
	if err := s.waits(r, l); err != nil {
		return err
	}
	choose := mustChoose(r, l)
	if err := s.maySignUp(l); err != nil && !choose {
		return err
	}
	if l.UserID != "" || v.user != nil && l.Remote == nil && (!l.Force || again(l)) {
		return s.advance(w, r, l) // signed in already
	}
	if choose {
		return s.showChoose(w, r, l)
	}
	if l.ID == "" && l.ReturnTo != "" { // a form must not carry where to go: a login does
		l = s.newLogin(w, r, l.ReturnTo)
		if err := s.keep(r.Context(), &l); err != nil {
			return err
		}
		return s.redirect(w, r, withLogin("/signup/", l))
	}
	f := local.SignUpForm{}
	switch {
	case l.SignUp != nil: // back from the page that says the mail is out
		f = local.SignUpForm{Email: l.SignUp.Email, Name: l.SignUp.Name, Username: l.SignUp.Username, Fields: l.SignUp.Fields}
	case l.Remote != nil:
		p, _ := s.linker.Provider(l.Remote.Provider)
		told := p.Profile.First(*l.Remote)
		f = local.SignUpForm{Email: l.Remote.Email, Name: told.Name, Username: told.Username}
	}
	return s.showSignUp(w, r, http.StatusOK, l, f, nil)
}

// waits tells whether a path that names a provider is right for a login: an
// identity of that provider waits in it, and the provider is still there.
func (s *Server) waits(r *http.Request, l broker.Login) error {
	app := r.PathValue("app")
	if app != "" && (l.Remote == nil || l.Remote.Provider != app) {
		return errLoginGone.Becausef("no identity of %s waits", app)
	}
	if l.Remote == nil {
		return nil
	}
	for _, p := range s.linker.Providers() { // hidden ones are not among them
		if p.ID == l.Remote.Provider {
			return nil
		}
	}
	return linking.ErrUnknownProvider
}

// maySignUp tells whether the form is open for a login.
func (s *Server) maySignUp(l broker.Login) error {
	if s.o.NoSignUp || l.Remote == nil && !s.newcomers() {
		return local.ErrSignUpClosed
	}
	return nil
}

// postSignUp serves POST /signup/ and POST /oauth/signup/{app}/.
func (s *Server) postSignUp(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	if err := s.waits(r, l); err != nil {
		return err
	}
	if err := s.maySignUp(l); err != nil {
		return err
	}
	if l.UserID != "" {
		return s.advance(w, r, l)
	}
	if !sameIdentity(r, l) {
		return s.otherTab(w, r, l)
	}
	f := local.SignUpForm{
		Email: v.form.Get("email"), Name: v.form.Get("name"), Username: v.form.Get("username"),
		Locale: s.language(r),
	}
	if f.Fields, err = s.readAsked(v.form, nil); err != nil {
		return err
	}
	if l.Remote == nil && !s.o.NoPasswords {
		f.Password = broker.Secret(v.form.Get("password"))
	}
	if l.ID == "" {
		l.ID = broker.LoginID(broker.NewID()) // SignUp writes the row
	}
	if f.Silent, err = s.tryMail(w, r, f.Email); err == nil {
		err = s.accounts.SignUp(r.Context(), l, f)
	}
	if bad := formProblems(err); bad != nil {
		if v.value("login") == "" {
			l.ID = ""
		}
		return s.showSignUp(w, r, statusOf(err), l, f, bad)
	}
	if err != nil {
		return s.ended(err)
	}
	s.o.Wake()
	return s.redirect(w, r, stepPath(broker.StepProveEmail, l))
}

func (s *Server) showSignUp(w http.ResponseWriter, r *http.Request, status int, l broker.Login, f local.SignUpForm, bad problems) error {
	formsLeave(w)
	client, err := s.client(r.Context(), l.ClientID, s.language(r))
	if err != nil {
		return err
	}
	b := s.base(r)
	bad = s.explain(b, bad)
	p := signupPage{
		base: b, Rule: s.usernameHint(b), Asked: s.asked(b, f.Fields, true, bad), Login: l.ID, Identity: identityMark(l), Client: client, Remote: s.remoteView(l.Remote), Email: f.Email, Name: f.Name, Username: f.Username,
		NeedPassword: l.Remote == nil && !s.o.NoPasswords, NeedUsername: s.accounts.NeedUsername(), MinPassword: s.o.MinPassword, Problems: bad, SignInURL: withLogin("/login/", l),
	}
	if l.Remote != nil {
		policy, _ := s.linker.Provider(l.Remote.Provider)
		told := policy.Profile.First(*l.Remote)
		p.Unmailed, p.Fixed = policy.Unmailed && l.Remote.EmailVerified, policy.Profile.Always(*l.Remote)
		p.EmailFromProvider, p.NameFromProvider = same(f.Email, l.Remote.Email), same(f.Name, told.Name)
		p.UsernameFromProvider = same(f.Username, told.Username)
		p.SignInURL, p.OtherURL = stepPath(broker.StepSignUp, l), notMe(l)
	}
	return s.show(w, r, status, &p)
}

// same tells whether a field holds what the provider told, if it told anything.
func same(typed, told string) bool { return told != "" && typed == told }

// known is the masked address of an account that has the address which the
// provider has proven to be this person's; "" none. Only that proof allows to
// tell.
func (s *Server) known(r *http.Request, l broker.Login) (string, error) {
	if l.Remote == nil || !l.Remote.EmailVerified || l.Remote.Email == "" {
		return "", nil
	}
	_, err := s.store.UserByEmail(r.Context(), l.Remote.Email)
	if errors.Is(err, broker.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find address: %w", err)
	}
	return broker.MaskEmail(l.Remote.Email), nil
}

// getSent serves GET /sent/: the mail is out. It goes on by itself once the
// address has been proven, in whichever browser.
func (s *Server) getSent(w http.ResponseWriter, r *http.Request) error {
	l, err := s.login(r)
	if err != nil {
		return err
	}
	if l.Next(false) != broker.StepProveEmail {
		return s.advance(w, r, l)
	}
	return s.showSent(w, r, http.StatusOK, l, nil)
}

func (s *Server) showSent(w http.ResponseWriter, r *http.Request, status int, l broker.Login, bad problems) error {
	formsLeave(w)
	path := withLogin("/signup/", l)
	if l.Remote != nil {
		path = newcomerPath(l)
	}
	return s.show(w, r, status, &sentPage{
		base: s.base(r), Login: l.ID, Email: l.SignUp.Email, CanResend: true, ChangeURL: path, Problems: bad,
		ContinueURL: stepPath(broker.StepProveEmail, l),
	})
}

// postSent serves POST /sent/: the mail once more.
func (s *Server) postSent(w http.ResponseWriter, r *http.Request) error {
	l, err := s.login(r)
	if err != nil {
		return err
	}
	if l.Next(false) != broker.StepProveEmail {
		return s.advance(w, r, l)
	}
	// Each mail moves the end of the login: it tells when the last one went.
	if visitOf(r).at.Sub(l.ExpiresAt.Add(-broker.LoginLifetime)) < resendAfter {
		retryAfter(w, resendAfter)
		return s.showSent(w, r, statusOf(errResend), l, problemsOf(errResend))
	}
	silent, err := s.tryMail(w, r, l.SignUp.Email)
	if bad := formProblems(err); bad != nil {
		return s.showSent(w, r, statusOf(err), l, bad)
	}
	if err == nil && !silent {
		err = s.accounts.ResendProof(r.Context(), l)
	}
	if err != nil {
		return s.ended(err)
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "sent.sent_again"}); err != nil {
		return err
	}
	return s.redirect(w, r, stepPath(broker.StepProveEmail, l))
}

// retryAfter says when a mail can be asked for again (RFC 9110, section 10.2.3).
func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(d/time.Second)))
}

// getProof serves GET /verify-email/: what the link in a mail opens. Looking at
// it changes nothing, since mail scanners look too.
func (s *Server) getProof(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	token := broker.Secret(v.query.Get("token"))
	proof, err := s.accounts.Proof(r.Context(), token)
	if err != nil {
		return err
	}
	l, err := s.store.Login(r.Context(), proof.LoginID)
	if err != nil {
		return s.ended(err)
	}
	formsLeave(w)
	return s.show(w, r, http.StatusOK, &proofPage{
		base: s.base(r), Token: token, Email: proof.Email, Name: proof.Name, Provider: proof.Provider, NoPassword: s.o.NoPasswords,
		Remote: s.remoteView(l.Remote), OtherBrowser: !l.Live(v.browser, v.at),
	})
}

// postProof serves POST /verify-email/: it spends the link. The browser in which
// the sign-up began goes on; another one learns that it may, and is not
// signed in: a link that somebody else had sent must not sign its reader in.
func (s *Server) postProof(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	user, l, err := s.accounts.Prove(r.Context(), broker.Secret(v.form.Get("token")), v.browser)
	if err != nil {
		return err
	}
	s.o.Wake()
	if l.Live(v.browser, v.at) {
		v.locales = requestParam(l, "ui_locales")
		return s.advance(w, r, l)
	}
	p := provedPage{base: s.base(r), Email: user.Email, Waiting: user.Waiting(), ContinueURL: "/login/"}
	if p.Waiting {
		p.ContinueURL = "/"
	}
	return s.show(w, r, http.StatusOK, &p)
}
