package web

import (
	"context"
	"net/http"

	"idbroker/broker"
)

// newcomers tells whether somebody without an identity may begin an account, and
// with what: a password or, where there are none, the mailbox that codes go to. A
// passkey alone does where no provider is offered: otherwise who switched passwords
// off wants providers to open accounts.
func (s *Server) newcomers() bool {
	switch {
	case s.o.NoSignUp:
		return false
	case !s.o.NoPasswords, s.accounts.Codes(broker.Login{}):
		return true
	}
	return s.accounts.Passkeys() && len(s.providerButtons()) == 0
}

// lacksWayIn tells whether nothing would open the account of who has just been
// authenticated once their session ends, and a passkey is what can.
func (s *Server) lacksWayIn(ctx context.Context, u broker.User, l broker.Login) (bool, error) {
	if l.Provider != "" || !s.accounts.OnlyPasskeys() || len(s.providerButtons()) > 0 {
		return false, nil
	}
	opens, err := s.accounts.Opens(ctx, u)
	return !opens, err
}

// onlyCodes tells whether a mailed code is all that opens a user's account. Then, and
// only then, it shows that they are still there: who has more shows more.
func (s *Server) onlyCodes(r *http.Request, u broker.User) (bool, error) {
	w, err := s.accounts.WaysIn(r.Context(), u, 0)
	return err == nil && w.OnlyCode(), err
}

// postSetUpPasskey serves POST /second-factor/set-up/passkey/: a passkey is what
// somebody needs to go on. Their session begins with it.
func (s *Server) postSetUpPasskey(w http.ResponseWriter, r *http.Request) error {
	l, done, err := s.owingFactor(w, r, broker.StepSetUp)
	if done {
		return err
	}
	v := visitOf(r)
	done, err = s.inSetUp(w, r, l, func(stay broker.Session) error {
		verdict, err := s.tryPasskey(w, r)
		if err != nil {
			return err
		}
		err = s.beginWith(w, r, &l, func(ctx context.Context) error {
			return s.accounts.AddFirstPasskey(ctx, stay, s.firstPasskeyAsk(w, r, l), v.form.Get("name"), v.form.Get("credential"))
		}, broker.AMRKey, broker.AMRPresent)
		if err != nil {
			return err
		}
		return s.factorChanged(w, r, verdict, v.owing.ID)
	})
	if done {
		return err
	}
	s.o.Wake()
	return s.advance(w, r, l)
}
