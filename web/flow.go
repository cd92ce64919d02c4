package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/sessions"

	"idbroker/broker"
	"idbroker/tokens"
)

var (
	// errLoginGone: there is no such login, or it has ended.
	errLoginGone = &broker.Error{Kind: broker.KindGone, Message: "login.expired"}
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
		return broker.Login{}, errLoginGone
	}
	l, err := s.store.Login(r.Context(), broker.LoginID(id))
	if errors.Is(err, broker.ErrNotFound) {
		return broker.Login{}, errLoginGone.Because(err)
	}
	if err != nil {
		return broker.Login{}, fmt.Errorf("find login: %w", err)
	}
	if !v.browser.Matches(l.BrowserHash) {
		return broker.Login{}, errOtherBrowser
	}
	if !l.Live(v.browser, v.at) {
		return broker.Login{}, errLoginGone.Becausef("it has ended")
	}
	v.locales = requestParam(l, "ui_locales")
	v.returnTo = l.ReturnTo
	return l, nil
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
		return errLoginGone.Because(err)
	}
	return err
}

// authorization reads the application's request anew: the client may have
// changed while the person was away. The first error is for a page, the second
// for the application.
func (s *Server) authorization(ctx context.Context, l broker.Login) (*tokens.Authorization, error, error) {
	form, err := url.ParseQuery(l.Request)
	if err != nil {
		return nil, fmt.Errorf("request of login %s: %w", l.ID, err), nil
	}
	a, err := s.tokens.ParseAuthorization(ctx, form)
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
	if a != nil && l.Remote == nil && l.SignUp == nil {
		step, err := s.decide(r, &l, a)
		if err != nil {
			return s.refuse(w, r, l, a, err)
		}
		consent = step == broker.StepConsent
	}
	step := l.Next(consent)
	if step == broker.StepDone {
		return s.finish(w, r, l, a)
	}
	if err := s.keep(r.Context(), &l); err != nil {
		return err
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
	step, force, err := a.Decide(tokens.Standing{Session: v.session, Consent: consent, Login: l, At: v.at})
	if err != nil {
		return "", err
	}
	if step == broker.StepIdentify {
		l.UserID, l.SID = "", ""
		l.Force = l.Force || force
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
	s.tokens.Refuse(w, r, a, err)
	return nil
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
	return s.tokens.Respond(r.Context(), w, r, a, tokens.Approval{
		User: *v.user, Session: v.session, Scopes: a.Scopes, Consent: consent, Login: l.ID,
	})
}

// stepPath is the page of a step.
func stepPath(step broker.Step, l broker.Login) string {
	path := "/login/"
	switch step {
	case broker.StepSignUp:
		path = "/oauth/signup/" + url.PathEscape(l.Remote.Provider) + "/"
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

// identify makes the session and the login speak of the same person. Who has
// just been authenticated gets a session, once: a login whose session has been
// ended elsewhere has lost its person. A login that knows nobody takes the
// session's user, unless it must not, or an identity waits in it.
func (s *Server) identify(w http.ResponseWriter, r *http.Request, l *broker.Login) error {
	v := visitOf(r)
	if l.UserID != "" {
		switch {
		case v.session.UserID == l.UserID && !v.session.AuthTime.Before(l.AuthTime):
			l.SID = v.session.SID
			return nil
		case l.SID == "":
			return s.startSession(w, r, l)
		}
		l.UserID, l.SID = "", ""
	}
	if v.user != nil && !l.Force && l.Remote == nil && l.SignUp == nil {
		l.Authenticated(v.user.ID, broker.Authentication{At: v.session.AuthTime, AMR: v.session.AMR, ACR: v.session.ACR, Provider: v.session.Provider})
		l.SID = v.session.SID
	}
	return nil
}

// startSession signs the login's user in on this browser, under a new id. It
// replaces the session that stood; somebody else's ends as if signed out. The
// same person keeps the sid, since it is the same stay.
func (s *Server) startSession(w http.ResponseWriter, r *http.Request, l *broker.Login) error {
	v, ctx := visitOf(r), r.Context()
	user, err := s.store.User(ctx, l.UserID)
	if err != nil {
		return fmt.Errorf("user of login: %w", err)
	}
	if user.Disabled() {
		return broker.ErrDisabled
	}
	request := broker.RequestOf(ctx)
	row := broker.Session{
		SID: broker.NewID(), UserID: user.ID, AuthTime: l.AuthTime, AMR: l.AMR, ACR: l.ACR, Provider: l.Provider,
		UserAgent: request.UserAgent, IP: request.IP, CreatedAt: v.at, LastSeenAt: v.at, ExpiresAt: v.at.Add(s.o.SessionAbsolute),
	}
	if v.session.UserID == user.ID {
		row.SID = v.session.SID
	}
	l.SID = row.SID
	jar := sessions.NewSession(s.sessions, sessionCookie)
	jar.Values[rowKey{}] = row
	var cookie *http.Cookie
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.endSession(ctx, v, row.SID, v.at); err != nil {
			return err
		}
		if cookie, err = s.sessions.write(ctx, jar); err != nil {
			return err
		}
		if l.ID != "" {
			if err := s.store.SaveLogin(ctx, *l); err != nil {
				return s.ended(err)
			}
		}
		e := broker.NewEvent(ctx, broker.EventSignedIn, v.at)
		e.UserID, e.SID, e.Provider, e.ClientID = user.ID, row.SID, l.Provider, l.ClientID
		return s.store.AddEvent(ctx, e)
	})
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.SetCookie(w, s.cookies.make(lastCookie, or(l.Provider, lastPassword), keepChoice))
	v.jar, v.session, v.user = jar, rowOf(jar), &user
	s.log.InfoContext(ctx, "signed in", "user", user.ID, "provider", l.Provider, "client", l.ClientID)
	return nil
}

// endSession removes the visit's session inside a unit of work. Unless it goes
// on under keepSID, what hangs on it ends too.
func (s *Server) endSession(ctx context.Context, v *visit, keepSID string, at time.Time) error {
	if v.jar.ID == "" {
		return nil
	}
	if err := s.store.DeleteSession(ctx, v.jar.ID); err != nil && !errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("delete session: %w", err)
	}
	if v.session.UserID == "" || v.session.SID == keepSID {
		return nil
	}
	return s.sessionEnded(ctx, v.session.UserID, v.session.SID, at)
}

// sessionEnded tells the other rooms that a session is over.
func (s *Server) sessionEnded(ctx context.Context, user broker.UserID, sid string, at time.Time) error {
	if err := s.tokens.SessionEnded(ctx, user, sid); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	e := broker.NewEvent(ctx, broker.EventSignedOut, at)
	e.UserID, e.SID = user, sid
	return s.store.AddEvent(ctx, e)
}

// signOut ends the session of this browser. The browser's tie to its logins
// goes too: whoever sits down next cannot go on with one.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	err := s.store.InTx(r.Context(), func(ctx context.Context) error { return s.endSession(ctx, v, "", v.at) })
	if err != nil {
		return err
	}
	if v.user != nil {
		s.log.InfoContext(r.Context(), "signed out", "user", v.user.ID)
	}
	v.session, v.user = broker.Session{}, nil
	v.jar = sessions.NewSession(s.sessions, sessionCookie)
	http.SetCookie(w, s.cookies.make(sessionCookie, "", -1))
	s.forgetBrowser(w, r)
	return nil
}
