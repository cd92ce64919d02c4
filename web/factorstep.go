package web

import (
	"context"
	"errors"
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/tokens"
)

// getSetUp serves GET /second-factor/set-up/: somebody needs a second factor to go
// on, and has none.
func (s *Server) getSetUp(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepSetUp)
	if done {
		return err
	}
	return s.showSetUp(w, r, http.StatusOK, l, nil)
}

// stayOf stands for the session that a login leads to: who sets a factor up in it
// proves with that what they proved to the login. Where the login rides on a session,
// it is that one.
func stayOf(v *visit, l broker.Login) broker.Session {
	if l.SID != "" && l.SID == v.session.SID && v.session.UserID == l.UserID {
		return v.session
	}
	stay := broker.Session{SID: string(l.ID), UserID: l.UserID, AuthTime: l.AuthTime, AMR: l.AMR, ACR: l.ACR}
	if v.session.UserID == l.UserID { // it goes on under the new one
		stay.SID = v.session.SID
	}
	return stay
}

// inSetUp does something about the factor that a login sets up. done tells that the
// request has been answered.
func (s *Server) inSetUp(w http.ResponseWriter, r *http.Request, l broker.Login, do func(stay broker.Session) error) (done bool, err error) {
	err = do(stayOf(visitOf(r), l))
	bad := factorProblems(err)
	switch {
	case errors.Is(err, broker.ErrSignIn): // they have thought about it for long, or were thrown out
		l.UserID, l.SID, l.OwesFactor, l.SetsUpFactor, l.Force = "", "", false, false, true
		return true, s.advance(w, r, l)
	case errors.Is(err, local.ErrFactorGone), errors.Is(err, local.ErrFactorHas):
		return true, s.redirect(w, r, stepPath(broker.StepSetUp, l)) // begun anew, or ready, in another tab
	case bad != nil:
		return true, s.showSetUp(w, r, statusOf(err), l, bad)
	}
	return err != nil, err
}

func (s *Server) showSetUp(w http.ResponseWriter, r *http.Request, status int, l broker.Login, bad problems) error {
	formsLeave(w)
	v, ctx := visitOf(r), r.Context()
	client, err := s.client(ctx, l.ClientID, s.language(r))
	if err != nil {
		return err
	}
	p := setUpFactorPage{
		base: s.base(r), Login: l.ID, Client: client, Problems: bad, OtherURL: withLogin("/login/", l) + "&switch=1",
		Everybody: s.accounts.NeedFactors(), SMS: s.accounts.SMS(),
	}
	if p.WayIn, err = s.lacksWayIn(ctx, *v.owing, l); err != nil {
		return err
	}
	view := passkeyView{Action: setUpPath + "passkey/", Label: p.T("passkeys.add"), Primary: p.WayIn}
	if p.Passkey, err = s.passkeyView(r, s.firstPasskeyAsk(w, r, l), view); err != nil {
		return err
	}
	if p.Passkey != nil {
		if p.Passkey.Field, err = passkeyName(p.base, bad, proposedName(p.base, r, nil)); err != nil {
			return err
		}
	}
	if p.WayIn {
		return s.show(w, r, status, &p)
	}
	if p.Number, err = s.accounts.PendingSMS(ctx, stayOf(v, l)); err != nil {
		return err
	}
	f, _, err := s.accounts.FactorOf(ctx, l.UserID)
	if err != nil {
		return err
	}
	if f.ID != "" && !f.Confirmed() && f.BegunBy == stayOf(v, l).SID {
		if p.Key, err = s.keyOf(f, v.owing.Email); err != nil {
			return err
		}
	}
	return s.show(w, r, status, &p)
}

// firstPasskeyAsk is what a passkey answers that somebody sets up on their way in.
func (s *Server) firstPasskeyAsk(w http.ResponseWriter, r *http.Request, l broker.Login) local.PasskeyAsk {
	return local.PasskeyAsk{Purpose: broker.PasskeyAdd, Browser: s.browser(w, r).Hash(), Login: l.ID, User: l.UserID}
}

// postSetUpStart serves POST /second-factor/set-up/start/: a new secret for an app.
func (s *Server) postSetUpStart(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepSetUp)
	if done {
		return err
	}
	done, err = s.inSetUp(w, r, l, func(stay broker.Session) error { return s.accounts.StartFactor(r.Context(), stay) })
	if done {
		return err
	}
	return s.redirect(w, r, stepPath(broker.StepSetUp, l))
}

// postSetUp serves POST /second-factor/set-up/: the app shows the right code, or
// (decision=cancel) the person goes back to the application without.
func (s *Server) postSetUp(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepSetUp)
	if done {
		return err
	}
	v := visitOf(r)
	if v.form.Get("decision") == "cancel" && l.Request != "" {
		a, page, refusal := s.authorization(r.Context(), l)
		if page != nil {
			return page
		}
		if refusal == nil {
			refusal = tokens.ErrUnmet
		}
		return s.refuse(w, r, l, a, refusal)
	}
	var codes []string
	done, err = s.inSetUp(w, r, l, func(stay broker.Session) error {
		verdict, err := s.tryFactor(w, r, *v.owing, false)
		if err != nil {
			return err
		}
		if v.form.Get("way") == waySMS {
			codes, err = s.accounts.ConfirmSMS(r.Context(), stay, v.form.Get("code"), func(ctx context.Context) error {
				return s.letInWith(ctx, w, r, &l, broker.AMRSMS)
			})
		} else {
			err = s.beginWith(w, r, &l, func(ctx context.Context) (err error) {
				codes, err = s.accounts.ConfirmFactor(ctx, stay, v.form.Get("code"))
				return err
			}, broker.AMROTP)
		}
		if err != nil {
			return err
		}
		return s.factorChanged(w, r, verdict, v.owing.ID)
	})
	if done {
		return err
	}
	s.o.Wake()
	p := recoveryCodesPage{base: s.base(r), Account: v.user.Email, Codes: codes, DoneURL: withLogin("/login/", l), OnTheWay: true}
	formsLeave(w)
	return s.show(w, r, http.StatusOK, &p)
}

// beginWith makes a factor count and lets its person in with it, both or neither.
func (s *Server) beginWith(w http.ResponseWriter, r *http.Request, l *broker.Login, count func(ctx context.Context) error, methods ...string) error {
	return s.store.InTx(r.Context(), func(ctx context.Context) error {
		if err := count(ctx); err != nil {
			return err
		}
		return s.letInWith(ctx, w, r, l, methods...)
	})
}

// letInWith goes on with a login whose person has set a factor up, inside the unit of
// work that makes it count: its session begins, or gets stronger, with it.
func (s *Server) letInWith(ctx context.Context, w http.ResponseWriter, r *http.Request, l *broker.Login, methods ...string) error {
	l.FactorShown(methods...)
	if err := s.identify(w, r.WithContext(ctx), l); err != nil {
		return err
	}
	if l.UserID == "" {
		return broker.ErrSignIn // thrown out this very moment
	}
	return nil
}
