package web

import (
	"net/http"

	"idbroker/broker"
)

// getLost serves GET /lost-password/.
func (s *Server) getLost(w http.ResponseWriter, r *http.Request) error {
	return s.showLost(w, r, http.StatusOK, "", nil)
}

func (s *Server) showLost(w http.ResponseWriter, r *http.Request, status int, email string, bad problems) error {
	v := visitOf(r)
	p := lostPasswordPage{base: s.base(r), Email: email, Problems: bad, SignInURL: "/login/"}
	if v.value("login") != "" {
		l, err := s.login(r)
		if err != nil {
			return err
		}
		p.Login, p.SignInURL, p.Email = l.ID, withLogin("/login/", l), or(p.Email, addressIn(l))
	}
	if v.user != nil {
		p.Email = or(p.Email, v.user.Email)
		if p.Login == "" { // on the way to nothing: they came from there
			p.SignInURL, p.SettingsURL = "", securityPath
		}
	}
	return s.show(w, r, status, &p)
}

// postLost serves POST /lost-password/. The answer is the same whether the
// address is known or not.
func (s *Server) postLost(w http.ResponseWriter, r *http.Request) error {
	email := visitOf(r).form.Get("email")
	silent, err := s.tryMail(w, r, email)
	if err == nil && !silent {
		err = s.accounts.RequestReset(r.Context(), email)
	}
	if bad := formProblems(err); bad != nil {
		return s.showLost(w, r, statusOf(err), email, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	email, _ = broker.NormalizeEmail(email)
	return s.show(w, r, http.StatusOK, &sentPage{base: s.base(r), Email: email, Reset: true, ChangeURL: "/lost-password/"})
}

// getReset serves GET /reset-password/: what the link in the mail opens. It
// spends nothing.
func (s *Server) getReset(w http.ResponseWriter, r *http.Request) error {
	return s.showReset(w, r, http.StatusOK, broker.Secret(visitOf(r).query.Get("token")), nil)
}

func (s *Server) showReset(w http.ResponseWriter, r *http.Request, status int, token broker.Secret, bad problems) error {
	email, err := s.accounts.ResetFor(r.Context(), token)
	if err != nil {
		return err
	}
	return s.show(w, r, status, &resetPage{base: s.base(r), Token: token, Email: email, MinPassword: s.o.MinPassword, Problems: bad})
}

// postReset serves POST /reset-password/. It signs nobody in: the mailbox has
// chosen the password, now the password opens the account.
func (s *Server) postReset(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	token := broker.Secret(v.form.Get("token"))
	user, err := s.accounts.Reset(r.Context(), token, broker.Secret(v.form.Get("password")))
	if bad := formProblems(err); bad != nil {
		return s.showReset(w, r, statusOf(err), token, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	if v.session.UserID == user.ID { // ended with all the others
		if err := s.drop(w, r); err != nil {
			return err
		}
	}
	if err := s.say(w, r, sessionNotice{Key: "reset.done"}); err != nil {
		return err
	}
	return s.redirect(w, r, "/login/")
}
