package web

import (
	"net/http"

	"idbroker/broker"
	"idbroker/linking"
)

// getStart serves GET /oauth/login/{app}/: off to a provider to sign in.
func (s *Server) getStart(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	q := linking.StartRequest{
		Provider: r.PathValue("app"), Purpose: broker.PurposeSignIn, ReturnTo: v.next(),
		Options: broker.BeginOptions{UILocales: s.language(r)},
	}
	switch {
	case v.query.Get("login") != "":
		l, err := s.login(r)
		if err != nil {
			return err
		}
		q.LoginID, q.ReturnTo = l.ID, l.ReturnTo
		if l.Force {
			q.Options.Prompt = "login" // a session at the provider is no proof that they are here
		}
		if again(l) && v.user != nil {
			q.Purpose = broker.PurposeReauth
		}
	case v.user != nil:
		return s.redirect(w, r, or(q.ReturnTo, "/")) // nothing to do
	}
	return s.start(w, r, q)
}

// postLink serves POST /oauth/login/{app}/: off to a provider to link an
// identity to the account that is signed in.
func (s *Server) postLink(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !v.session.Fresh(s.o.FreshFor, v.at) {
		return s.redirect(w, r, proveAgain(linkedAccountsPath))
	}
	return s.start(w, r, linking.StartRequest{
		Provider: r.PathValue("app"), Purpose: broker.PurposeLink, ReturnTo: linkedAccountsPath,
		Options: broker.BeginOptions{UILocales: s.language(r)},
	})
}

// proveAgain is where somebody whose sign-in is too old goes first.
func proveAgain(next string) string { return "/login/?again=1&next=" + next }

func (s *Server) start(w http.ResponseWriter, r *http.Request, q linking.StartRequest) error {
	q.Browser, q.Session = s.browser(w, r), visitOf(r).session
	to, err := s.linker.Start(r.Context(), q)
	if err != nil {
		s.wantsChoice(w)
		return err
	}
	return s.redirect(w, r, to)
}

// getCallback serves GET /oauth/authorized/{app}/: back from a provider.
func (s *Server) getCallback(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	callback, err := broker.ParseCallback(r.URL.RawQuery)
	if err != nil {
		s.wantsChoice(w)
		return s.linker.Unreadable(r.PathValue("app"), err)
	}
	res, err := s.linker.Finish(r.Context(), linking.FinishRequest{
		Provider: r.PathValue("app"), Browser: v.browser, Session: v.session, Callback: callback,
	})
	if err != nil {
		s.o.Wake() // tokens that came may have to end
		s.wantsChoice(w)
		return err
	}
	v.proven = res.User
	title := map[string]string{"provider": s.remoteView(&res.Profile).Title}
	back := or(broker.LocalPath(res.Attempt.ReturnTo), "/")
	switch res.Outcome {
	case linking.Linked:
		s.o.Wake()
		if err := s.say(w, r, sessionNotice{Key: "linked_accounts.added", Args: title}); err != nil {
			return err
		}
		return s.redirect(w, r, back)
	case linking.AlreadyLinked:
		if err := s.say(w, r, sessionNotice{Key: "linked_accounts.already", Args: title}); err != nil {
			return err
		}
		return s.redirect(w, r, back)
	}
	l := res.Login
	if res.Outcome == linking.AskReplace {
		return s.advance(w, r, l) // to /link/, which asks
	}
	if l.ID == "" {
		l = s.newLogin(w, r, res.Attempt.ReturnTo)
	}
	if res.Outcome != linking.NewPerson {
		l.Authenticated(res.User.ID, res.How)
	}
	return s.advance(w, r, l)
}
