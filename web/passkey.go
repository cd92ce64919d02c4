package web

import (
	"context"
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// lastPasskey is what the cookie "last" holds where a passkey was used.
const lastPasskey = "+"

// passkeyAsk is what a passkey has to answer in a login: whoever's it is or, where
// who is signed in shall prove that they are there, theirs and nobody else's.
func (s *Server) passkeyAsk(w http.ResponseWriter, r *http.Request, l broker.Login) local.PasskeyAsk {
	ask := local.PasskeyAsk{Purpose: broker.PasskeySignIn, Browser: s.browser(w, r).Hash(), Login: l.ID}
	if v := visitOf(r); again(l) && v.user != nil {
		ask.Purpose, ask.User = broker.PasskeyAgain, v.user.ID
	}
	return ask
}

// passkeyView is the form that a passkey answers; nil where none can.
func (s *Server) passkeyView(r *http.Request, ask local.PasskeyAsk, v passkeyView) (*passkeyView, error) {
	options, err := s.accounts.PasskeyOptions(r.Context(), ask, visitOf(r).at)
	if err != nil || options == "" {
		return nil, err
	}
	v.base, v.Login, v.Options = s.base(r), ask.Login, options
	return &v, nil
}

// signInPasskey is passkeyView for the sign-in page of a login.
func (s *Server) signInPasskey(w http.ResponseWriter, r *http.Request, l broker.Login, b base) (*passkeyView, error) {
	if !s.accounts.Passkeys() {
		return nil, nil
	}
	return s.passkeyView(r, s.passkeyAsk(w, r, l), passkeyView{
		Action: "/login/passkey/", RenewURL: withLogin("/login/passkey/", l), Label: b.T("passkey.sign_in"),
	})
}

// getPasskey serves GET /login/passkey/: a passkey and nothing else. It leaves the
// login as it is, whoever is signed in by now: a page that stands open looks here
// for a newer challenge.
func (s *Server) getPasskey(w http.ResponseWriter, r *http.Request) error {
	formsLeave(w)
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	p := passkeyPage{base: s.base(r), BackURL: withLogin("/login/", l)}
	view, err := s.signInPasskey(w, r, l, p.base)
	switch {
	case err != nil:
		return err
	case view == nil:
		return errNoSuchPage
	}
	p.Passkey, view.Primary = view, true
	if !again(l) {
		view.remembering = s.remembering(l.Remember)
	}
	return s.show(w, r, http.StatusOK, &p)
}

// postPasskey serves POST /login/passkey/: what a passkey has signed.
func (s *Server) postPasskey(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	l, err := s.loginOf(w, r)
	if err != nil {
		return err
	}
	s.chooseRemember(r, &l)
	user, how, verdict, err := s.usePasskey(w, r, s.passkeyAsk(w, r, l))
	if bad := formProblems(err); bad != nil {
		return s.showLogin(w, r, statusOf(err), l, "", bad)
	}
	if err != nil {
		return err
	}
	if err := s.limitRight(w, r, verdict, user.Email); err != nil {
		return err
	}
	if err := s.factorRight(w, r, limits.Verdict{}, user); err != nil { // a passkey is both factors
		return err
	}
	l.SignUp = nil // an address that was being proven is not needed any more
	v.proven = user
	l.Authenticated(user.ID, how)
	return s.advance(w, r, l)
}

// postFactorPasskey serves POST /second-factor/passkey/: a passkey in the place of a
// code.
func (s *Server) postFactorPasskey(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepFactor)
	if done {
		return err
	}
	_, _, verdict, err := s.usePasskey(w, r, s.factorAsk(w, r, l))
	if bad := formProblems(err); bad != nil {
		return s.showFactor(w, r, statusOf(err), l, "", bad)
	}
	if err != nil {
		return err
	}
	if err := s.factorRight(w, r, verdict, *visitOf(r).owing); err != nil {
		return err
	}
	l.FactorShown(broker.AMRKey, broker.AMRPresent)
	return s.advance(w, r, l)
}

// hasFactor tells whether a user has something to show beside what came first: an app,
// or a passkey. Who has neither may set one up.
func (s *Server) hasFactor(ctx context.Context, u broker.User) (bool, error) {
	if u.HasSecondFactor() || !s.accounts.Passkeys() {
		return u.HasSecondFactor(), nil
	}
	all, err := s.accounts.PasskeysOf(ctx, u.ID)
	return len(all) > 0, err
}

// factorAsk is what a passkey has to answer in the place of a second factor.
func (s *Server) factorAsk(w http.ResponseWriter, r *http.Request, l broker.Login) local.PasskeyAsk {
	return local.PasskeyAsk{Purpose: broker.PasskeyFactor, Browser: s.browser(w, r).Hash(), Login: l.ID, User: l.UserID}
}

// usePasskey takes what a passkey has signed from the form, after the limits were
// asked. The verdict is given back when it was right.
func (s *Server) usePasskey(w http.ResponseWriter, r *http.Request, ask local.PasskeyAsk) (user broker.User, how broker.Authentication, verdict limits.Verdict, err error) {
	if verdict, err = s.tryPasskey(w, r); err != nil {
		return user, how, verdict, err
	}
	user, how, err = s.accounts.UsePasskey(r.Context(), ask, visitOf(r).form.Get("credential"))
	s.o.Wake() // a copy of a passkey is told by mail
	return user, how, verdict, err
}

// tryPasskey asks the limits before what a passkey has signed is looked at.
func (s *Server) tryPasskey(w http.ResponseWriter, r *http.Request) (limits.Verdict, error) {
	if s.o.Limits == nil {
		return limits.Verdict{}, nil
	}
	v, err := s.o.Limits.Passkey(r.Context(), visitOf(r).at, s.visitor(w, r))
	return v, s.limited(w, r, v, err)
}
