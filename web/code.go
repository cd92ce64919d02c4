package web

import (
	"errors"
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// errCodeElsewhere: the link with a code was opened in another browser than the one
// that asked for it, or too late.
var errCodeElsewhere = &broker.Error{Kind: broker.KindForbidden, Message: "code.elsewhere"}

// mayCode refuses where a code can do nothing in a login: the operator wants none, or
// who is signed in must prove to be there and has more to show than their mailbox.
func (s *Server) mayCode(r *http.Request, l broker.Login) error {
	if !s.accounts.Codes(l) {
		return local.ErrNoCodes
	}
	u := stillThere(r, l)
	if u == nil {
		return nil
	}
	only, err := s.onlyCodes(r, *u)
	if err == nil && !only {
		return local.ErrNoCodes
	}
	return err
}

// stillThere is who must prove in a login that they are still there; nil nobody.
func stillThere(r *http.Request, l broker.Login) *broker.User {
	if again(l) {
		return visitOf(r).user
	}
	return nil
}

// getCode serves GET /code/: the address to mail a code to, or (after that) the
// code. other=1 asks for the address once more. The link in the mail brings the code along, and
// fills it in: looking spends nothing, and in another browser it does nothing.
func (s *Server) getCode(w http.ResponseWriter, r *http.Request) error {
	l, err := s.loginOf(w, r)
	if visitOf(r).query.Get("code") != "" && (errors.Is(err, errOtherBrowser) || errors.Is(err, errLoginGone)) {
		return errCodeElsewhere.Because(err)
	}
	if err != nil {
		return err
	}
	if err := s.mayCode(r, l); err != nil {
		return err
	}
	if l.UserID != "" {
		return s.advance(w, r, l)
	}
	if l.ID == "" {
		return s.showAskCode(w, r, http.StatusOK, l, "", nil)
	}
	sent, ok, err := s.accounts.CodeSent(r.Context(), l)
	if err != nil {
		return err
	}
	if !ok || visitOf(r).query.Get("other") != "" {
		email := sent.Email
		if email == "" && l.Remote != nil {
			email = l.Remote.Email
		}
		if email == "" {
			email = addressIn(l)
		}
		return s.showAskCode(w, r, http.StatusOK, l, email, nil)
	}
	return s.showCode(w, r, http.StatusOK, l, sent.Email, nil)
}

// postSendCode serves POST /code/send/. The answer is the same whether the
// address is known or not.
func (s *Server) postSendCode(w http.ResponseWriter, r *http.Request) error {
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	if err := s.mayCode(r, l); err != nil {
		return err
	}
	if l.UserID != "" {
		return s.advance(w, r, l)
	}
	if err := s.keep(r.Context(), &l); err != nil { // the code belongs to it
		return err
	}
	email := visitOf(r).form.Get("email")
	if u := stillThere(r, l); u != nil {
		email = u.Email // whoever else they are, that is not the question
	}
	ask, err := s.tryCode(w, r, email)
	if err == nil {
		err = s.accounts.SendCode(r.Context(), l, email, ask)
	}
	bad := formProblems(err)
	if errors.Is(err, local.ErrCodeSoon) || errors.Is(err, local.ErrCodeMany) {
		retryAfter(w, resendAfter)
		bad = problemsOf(err) // the page with the code, where there is one, is the better place
		if sent, ok, err := s.accounts.CodeSent(r.Context(), l); err != nil {
			return err
		} else if ok {
			return s.showCode(w, r, http.StatusTooManyRequests, l, sent.Email, bad)
		}
	}
	if bad != nil {
		return s.showAskCode(w, r, statusOf(err), l, email, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	return s.redirect(w, r, withLogin("/code/", l))
}

// postCode serves POST /code/: a right code proves its account, as a password does.
func (s *Server) postCode(w http.ResponseWriter, r *http.Request) error {
	l, err := s.login(r)
	if err != nil {
		return err
	}
	if err := s.mayCode(r, l); err != nil {
		return err
	}
	if l.UserID != "" {
		return s.advance(w, r, l)
	}
	s.chooseRemember(r, &l)
	sent, _, err := s.accounts.CodeSent(r.Context(), l)
	if err != nil {
		return err
	}
	if u := stillThere(r, l); u != nil && broker.FoldEmail(sent.Email) != broker.FoldEmail(u.Email) {
		return s.showAskCode(w, r, statusOf(local.ErrCodeGone), l, u.Email, problemsOf(local.ErrCodeGone))
	}
	user, how, err := s.accounts.RedeemCode(r.Context(), l, visitOf(r).form.Get("code"))
	switch bad := formProblems(err); {
	case errors.Is(err, local.ErrCodeGone):
		return s.showAskCode(w, r, statusOf(err), l, sent.Email, bad)
	case bad != nil:
		return s.showCode(w, r, statusOf(err), l, sent.Email, bad)
	case err != nil:
		return err
	}
	if err := s.limitRight(w, r, limits.Verdict{}, user.Email); err != nil { // the browser is known to the account now
		return err
	}
	l.SignUp = nil
	visitOf(r).proven = user
	l.Authenticated(user.ID, how)
	return s.advance(w, r, l)
}

// otherWays is where the other ways of signing in stand.
func otherWays(l broker.Login) string {
	if l.Remote != nil {
		return stepPath(broker.StepSignUp, l)
	}
	return withLogin("/login/", l)
}

func (s *Server) showAskCode(w http.ResponseWriter, r *http.Request, status int, l broker.Login, email string, bad problems) error {
	p := askCodePage{base: s.base(r), Login: l.ID, Remote: s.remoteView(l.Remote), Email: email, Problems: bad, BackURL: otherWays(l)}
	if u := stillThere(r, l); u != nil {
		p.Fixed, p.Email = true, u.Email
	}
	if l.ID == "" {
		p.Next = visitOf(r).next()
	}
	return s.show(w, r, status, &p)
}

func (s *Server) showCode(w http.ResponseWriter, r *http.Request, status int, l broker.Login, email string, bad problems) error {
	formsLeave(w)
	p := codePage{
		base: s.base(r), Login: l.ID, Remote: s.remoteView(l.Remote), Email: email, Problems: bad,
		OtherURL: withLogin("/code/", l) + "&other=1", BackURL: otherWays(l),
		remembering: s.remembering(l.Remember),
	}
	if bad == nil && r.Method == http.MethodGet {
		p.Code = printable(visitOf(r).query.Get("code"), maxID)
	}
	if stillThere(r, l) != nil {
		p.OtherURL, p.remembering = "", remembering{}
	}
	return s.show(w, r, status, &p)
}
