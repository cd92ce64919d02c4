package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
		q.Options.ACRValues, q.Options.MaxAge = requestParam(l, "acr_values"), requestParam(l, "max_age")
		if q.Options.LoginHint, err = s.loginHint(r, l, q.Provider); err != nil {
			return err
		}
		if l.Force {
			q.Options.Prompt = "login" // a session at the provider is no proof that they are here
			prompt := strings.Fields(requestParam(l, "prompt"))
			q.Options.Choose = slices.Contains(prompt, "select_account") && !slices.Contains(prompt, "login") && q.Options.MaxAge == ""
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
	if !s.fresh(v) {
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
	v := visitOf(r)
	q.Browser, q.Session = s.browser(w, r), v.session
	if v.value(chooseParam) != "" && q.Options.Prompt == "" {
		q.Options.Prompt = "select_account" // the one that they are signed in with there was refused
	}
	to, err := s.linker.Start(r.Context(), q)
	if err != nil {
		s.wantsChoice(w)
		return &linking.Refused{Attempt: broker.Attempt{Provider: q.Provider, Purpose: q.Purpose, LoginID: q.LoginID, ReturnTo: q.ReturnTo}, Err: err}
	}
	return s.redirect(w, r, to)
}

// errAttemptUsed: the answer has been taken before. ErrAttemptEnded is about time.
var errAttemptUsed = &broker.Error{Kind: broker.KindGone, Message: "attempt.used"}

// comeBackAgain makes the best of a callback that was loaded again: who is
// signed in meanwhile is led on, and who is not learns that nothing happened.
func (s *Server) comeBackAgain(w http.ResponseWriter, r *http.Request, err error) error {
	var refused *linking.Refused
	if !errors.Is(err, linking.ErrAttemptEnded) || !errors.As(err, &refused) {
		return err
	}
	a := refused.Attempt
	if a.UsedAt.IsZero() && !visitOf(r).at.Before(a.ExpiresAt) { // not even by an answer that came at the same time
		return err
	}
	if visitOf(r).user == nil || a.Purpose != broker.PurposeSignIn {
		return &linking.Refused{Attempt: a, Err: errAttemptUsed.Because(err)}
	}
	if a.LoginID != "" {
		return s.redirect(w, r, "/login/"+journeyQuery(a))
	}
	return s.redirect(w, r, or(broker.LocalPath(a.ReturnTo), "/"))
}

// withoutAnswer adds to the error of a callback that names no attempt the one
// that this browser has under way there, so that the page can lead back to it.
// Nothing is believed for that: it is where "try again" leads.
func (s *Server) withoutAnswer(r *http.Request, err error) error {
	var refused *linking.Refused
	if errors.As(err, &refused) || !errors.Is(err, broker.ErrCallback) && !errors.Is(err, linking.ErrIncomplete) {
		return err
	}
	v, app := visitOf(r), r.PathValue("app")
	if !slices.ContainsFunc(s.linker.Providers(), func(p broker.Provider) bool { return p.ID == app }) {
		return err
	}
	a := broker.Attempt{Provider: app, Purpose: broker.PurposeSignIn}
	if v.user != nil {
		a.Purpose = broker.PurposeLink
	}
	if v.browser != "" {
		switch open, missing := s.store.OpenAttempt(r.Context(), v.browser.Hash(), app, v.at); {
		case missing == nil:
			a = open
		case !errors.Is(missing, broker.ErrNotFound):
			return fmt.Errorf("open attempt: %w", missing)
		}
	}
	return &linking.Refused{Attempt: a, Err: err}
}

// getCallback serves GET /oauth/authorized/{app}/: back from a provider.
func (s *Server) getCallback(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	callback, err := broker.ParseCallback(r.URL.RawQuery)
	if err != nil {
		s.wantsChoice(w)
		return s.withoutAnswer(r, s.linker.Unreadable(r.PathValue("app"), err))
	}
	if s.o.FreshGrace > 0 { // who could set out to link may come back: the way takes as long as it takes
		v.session.Grace = v.session.AuthTime.Add(s.o.FreshFor + s.o.FreshGrace + broker.AttemptLifetime)
	}
	res, err := s.linker.Finish(r.Context(), linking.FinishRequest{
		Provider: r.PathValue("app"), Browser: v.browser, Session: v.session, Callback: callback, Locale: s.language(r),
	})
	if err != nil {
		s.o.Wake() // tokens that came may have to end
		s.wantsChoice(w)
		return s.comeBackAgain(w, r, s.withoutAnswer(r, err))
	}
	v.proven, v.twoThere = res.User, res.Profile.TwoFactors
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
	case linking.Began, linking.Found:
		s.o.Wake()
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
