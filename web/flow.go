package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"idbroker/broker"
	"idbroker/tokens"
)

var (
	// errLoginGone: there is no such login, or it has ended.
	errLoginGone = &broker.Error{Kind: broker.KindGone, Message: "login.expired"}
	// errLoginOver: it has been completed, or refused, in this browser.
	errLoginOver = &broker.Error{Kind: broker.KindGone, Message: "login.finished"}
	// errOtherBrowser: it began in another browser, or before a sign-out.
	errOtherBrowser = &broker.Error{Kind: broker.KindForbidden, Message: "login.browser"}
)

// maxID bounds an id that a request names, in bytes. Ours have 26.
const maxID = 64

// newLogin begins a login of this browser. It has no row before it must wait
// for something: see keep.
func (s *Server) newLogin(w http.ResponseWriter, r *http.Request, returnTo string) broker.Login {
	at := visitOf(r).at
	return broker.Login{
		BrowserHash: s.browser(w, r).Hash(), ReturnTo: returnTo,
		StartedAt: at, ExpiresAt: at.Add(broker.LoginLifetime),
	}
}

// login returns the login that the request names. Its application's wish for a
// language becomes the page's.
func (s *Server) login(r *http.Request) (broker.Login, error) {
	v := visitOf(r)
	id := v.value("login")
	if id == "" || len(id) > maxID {
		return broker.Login{}, loginGone(v)
	}
	l, err := s.store.Login(r.Context(), broker.LoginID(id))
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Login{}, loginGone(v).Because(err)
	}
	if err != nil {
		return broker.Login{}, fmt.Errorf("find login: %w", err)
	}
	if !v.browser.Matches(l.BrowserHash) {
		return broker.Login{}, errOtherBrowser
	}
	v.locales, v.returnTo = requestParam(l, "ui_locales"), l.ReturnTo
	if l.Request != "" {
		v.returnTo = authorizePath + "?" + l.Request // begins anew
	}
	switch {
	case !l.FinishedAt.IsZero():
		return broker.Login{}, errLoginOver
	case !l.Live(v.browser, v.at):
		return broker.Login{}, loginGone(v).Becausef("it has ended")
	}
	return l, nil
}

// loginGone is errLoginGone in words that are true for who is signed in, too.
func loginGone(v *visit) *broker.Error {
	if v.user != nil {
		return errLoginGone.Why("login.expired.inside")
	}
	return errLoginGone
}

// requestParam is a parameter of the application's request; "" none.
func requestParam(l broker.Login, name string) string {
	q, err := url.ParseQuery(l.Request)
	if err != nil {
		return ""
	}
	return q.Get(name)
}

// keep writes a login that has to wait for its person.
func (s *Server) keep(ctx context.Context, l *broker.Login) error {
	if l.ID != "" {
		return s.ended(s.store.SaveLogin(ctx, *l))
	}
	l.ID = broker.LoginID(broker.NewID())
	return s.store.CreateLogin(ctx, *l)
}

// ended turns the store's word for a login that is over into the person's.
func (s *Server) ended(err error) error {
	if errors.Is(err, broker.ErrSpent) {
		return errLoginOver.Because(err)
	}
	return err
}

// authorization reads the application's request anew: the client may have
// changed while the person was away. The first error is for a page, the second
// for the application.
func (s *Server) authorization(ctx context.Context, l broker.Login) (*tokens.Authorization, error, error) {
	a, err := s.tokens.ResumeAuthorization(ctx, l.Request)
	if a == nil {
		return nil, err, nil
	}
	return a, nil, err
}

// advance takes a login to its next step: whatever happened on the way is in l,
// Login.Next decides, and the browser is sent to the page of the step.
func (s *Server) advance(w http.ResponseWriter, r *http.Request, l broker.Login) error {
	if l.Request == "" {
		return s.proceed(w, r, l, nil)
	}
	a, page, refusal := s.authorization(r.Context(), l)
	switch {
	case page != nil:
		return page
	case refusal != nil:
		return s.refuse(w, r, l, a, refusal)
	}
	return s.proceed(w, r, l, a)
}

// proceed is advance for a login whose application's request has been read; a
// is nil where there is none.
func (s *Server) proceed(w http.ResponseWriter, r *http.Request, l broker.Login, a *tokens.Authorization) error {
	if err := s.identify(w, r, &l); err != nil {
		return err
	}
	consent := false
	if a != nil && l.Remote == nil && l.SignUp == nil && !l.OwesFactor {
		step, err := s.decide(r, &l, a)
		if err != nil {
			return s.refuse(w, r, l, a, err)
		}
		consent = step == broker.StepConsent
	}
	step, begins := l.Next(consent), l.ID == ""
	if step == broker.StepDone {
		return s.finish(w, r, l, a)
	}
	if begins && step == broker.StepIdentify {
		l.Identifier = s.expected(r, l)
	}
	if err := s.keep(r.Context(), &l); err != nil {
		return err
	}
	if step == broker.StepIdentify && a != nil && a.Creates() && s.maySignUp(l) == nil {
		return s.redirect(w, r, withLogin("/signup/", l))
	}
	if step == broker.StepIdentify && a != nil && begins { // a login goes straight to a provider once
		if to := s.straightTo(r, l); to != "" {
			return s.redirect(w, r, withLogin(startPath(to), l))
		}
	}
	return s.redirect(w, r, stepPath(step, l))
}

// decide asks what the application's request still needs. Where the person has
// to prove again who they are, whoever the login knew is forgotten.
func (s *Server) decide(r *http.Request, l *broker.Login, a *tokens.Authorization) (broker.Step, error) {
	v := visitOf(r)
	consent, err := s.consent(r.Context(), l.UserID, a.Client)
	if err != nil {
		return "", err
	}
	has := v.user != nil && v.user.HasSecondFactor()
	step, force, err := a.Decide(tokens.Standing{Session: v.session, Consent: consent, Login: l, Factor: has, At: v.at})
	if err != nil {
		return "", err
	}
	if step == broker.StepFactor && !has && v.user != nil {
		if has, err = s.hasFactor(r.Context(), *v.user); err != nil {
			return "", err
		}
	}
	switch {
	case step == broker.StepFactor && !has && !s.fresh(v):
		l.Force = true // who finds the browser open sets up no factor of theirs
		fallthrough
	case step == broker.StepIdentify:
		step = broker.StepIdentify
		l.UserID, l.SID, l.OwesFactor, l.SetsUpFactor = "", "", false, false
		l.Force = l.Force || force
	case step == broker.StepFactor:
		l.Owe(has)
	}
	return step, nil
}

// consent is what a person has allowed an application; zero nothing, or not
// needed.
func (s *Server) consent(ctx context.Context, user broker.UserID, c broker.Client) (broker.Consent, error) {
	if user == "" || c.FirstParty {
		return broker.Consent{}, nil
	}
	given, err := s.store.Consent(ctx, user, c.ID)
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Consent{}, nil
	}
	if err != nil {
		return broker.Consent{}, fmt.Errorf("consent: %w", err)
	}
	return given, nil
}

// refuse ends a login with an error for the application.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, l broker.Login, a *tokens.Authorization, err error) error {
	if l.ID != "" {
		if err := s.store.FinishLogin(r.Context(), l.ID, visitOf(r).at); err != nil {
			return s.ended(err)
		}
	}
	s.log.InfoContext(r.Context(), "authorization refused", "client", a.Client.ID, "err", err)
	v := visitOf(r)
	w = s.leaving(w, r)
	switch {
	case v.user != nil:
		s.setState(w, v.session.SID)
		s.tokens.RefuseKnowing(w, r, a, err, v.session.SID)
	case framed(r):
		s.tokens.Refuse(w, r, a, err)
	default:
		s.tokens.RefuseKnowing(w, r, a, err, "")
	}
	return nil
}

// framed tells whether the request was made for a frame or by a script. A browser
// leaves our session cookie out where the page around it is another site's, so a
// session that we don't see may well be there.
func framed(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return dest != "" && dest != "document"
}

// finish ends a login that has nothing left to do.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, l broker.Login, a *tokens.Authorization) error {
	if a != nil {
		return s.respond(w, r, l, a, nil)
	}
	if l.ID != "" {
		if err := s.store.FinishLogin(r.Context(), l.ID, visitOf(r).at); err != nil && !errors.Is(err, broker.ErrSpent) {
			return fmt.Errorf("finish login: %w", err)
		}
	}
	return s.redirect(w, r, or(broker.LocalPath(l.ReturnTo), "/"))
}

// respond gives the application its answer and ends the login.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, l broker.Login, a *tokens.Authorization, consent *broker.Consent) error {
	v := visitOf(r)
	s.setState(w, v.session.SID)
	return s.tokens.Respond(r.Context(), s.leaving(w, r), r, a, tokens.Approval{
		User: *v.user, Session: v.session, Scopes: a.Scopes, Consent: consent, Login: l.ID,
	})
}

// stepPath is the page of a step.
func stepPath(step broker.Step, l broker.Login) string {
	path := "/login/"
	switch step {
	case broker.StepSignUp:
		path = "/oauth/signup/" + url.PathEscape(l.Remote.Provider) + "/"
	case broker.StepFactor:
		path = "/second-factor/"
	case broker.StepSetUp:
		path = setUpPath
	case broker.StepProveEmail:
		path = "/sent/"
	case broker.StepLink:
		path = "/link/"
	case broker.StepConsent:
		path = "/consent/"
	}
	return path + "?login=" + url.QueryEscape(string(l.ID))
}

// withLogin is path with a login's id as its query; path alone where the login
// has none.
func withLogin(path string, l broker.Login) string {
	if l.ID == "" {
		return path
	}
	return path + "?login=" + url.QueryEscape(string(l.ID))
}
