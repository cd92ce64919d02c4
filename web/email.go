package web

import (
	"net/http"

	"idbroker/broker"
)

// emailPage asks for another address: templates/email.html, at
// /account/settings/email/. It posts email to the same path.
type emailPage struct {
	base
	Current  string
	Email    string // as typed
	Problems problems
}

func (emailPage) template() string { return "email" }

// getEmail serves GET /account/settings/email/. Who signed in long ago proves
// first that they are still there.
func (s *Server) getEmail(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(emailPath))
	}
	return s.showEmail(w, r, http.StatusOK, "", nil)
}

func (s *Server) showEmail(w http.ResponseWriter, r *http.Request, status int, typed string, bad problems) error {
	p := emailPage{base: s.base(r), Current: visitOf(r).user.Email, Email: typed, Problems: bad}
	p.Section, p.Path = "profile", emailPath
	return s.show(w, r, status, &p)
}

// postEmail serves POST /account/settings/email/. The answer is the same whether
// the address has an account or not.
func (s *Server) postEmail(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(emailPath))
	}
	email := v.form.Get("email")
	silent, err := s.tryMail(w, r, email)
	if err == nil && !silent {
		err = s.accounts.RequestEmail(r.Context(), v.session, email)
	}
	if bad := formProblems(err); bad != nil {
		return s.showEmail(w, r, statusOf(err), email, bad)
	}
	if err != nil {
		return err
	}
	s.o.Wake()
	email, _ = broker.NormalizeEmail(email)
	if err := s.say(w, r, sessionNotice{Key: "email.sent", Args: map[string]string{"email": email}}); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}

// getEmailProof serves GET /account/settings/email/confirm/: what the link in the
// mail opens. It spends nothing. Who is not signed in is asked to, and to open the
// link again: it shall not wait in a login meanwhile.
func (s *Server) getEmailProof(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	token := broker.Secret(v.query.Get("token"))
	email, err := s.accounts.EmailFor(r.Context(), v.session, token)
	if err != nil {
		return err
	}
	p := confirmPage{base: s.base(r), Action: broker.EmailPath, Fields: []hidden{{"token", token.Reveal()}}, BackURL: profilePath}
	p.Title, p.Button, p.Cancel = p.T("email.confirm"), p.T("email.confirm_button"), p.T("email.keep")
	p.Lines = []string{p.T("email.confirm_from", "old", v.user.Email, "new", email), p.T("email.confirm_effect")}
	return s.show(w, r, http.StatusOK, &p)
}

// postEmailProof serves POST /account/settings/email/confirm/.
func (s *Server) postEmailProof(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	email, err := s.accounts.ConfirmEmail(r.Context(), v.session, broker.Secret(v.form.Get("token")))
	if err != nil {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "email.changed", Args: map[string]string{"email": email}}); err != nil {
		return err
	}
	return s.redirect(w, r, profilePath)
}

// getEmailBack serves GET /undo-email/: what the link in the mail to the old
// address opens. It spends nothing.
func (s *Server) getEmailBack(w http.ResponseWriter, r *http.Request) error {
	token := broker.Secret(visitOf(r).query.Get("token"))
	email, err := s.accounts.EmailBackFor(r.Context(), token)
	if err != nil {
		return err
	}
	p := confirmPage{base: s.base(r), Action: broker.EmailBackPath, Fields: []hidden{{"token", token.Reveal()}}, BackURL: "/"}
	p.Title, p.Button, p.Cancel = p.T("email.back"), p.T("undo.button"), p.T("undo.keep")
	p.Lines = []string{p.T("email.back_to", "email", email), p.T("email.back_effect")}
	return s.show(w, r, http.StatusOK, &p)
}

// postEmailBack serves POST /undo-email/. It signs nobody in, and leads to where
// a new password is chosen: somebody knows the old one.
func (s *Server) postEmailBack(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	u, err := s.accounts.TakeEmailBack(r.Context(), broker.Secret(v.form.Get("token")))
	if err != nil {
		return err
	}
	s.o.Wake()
	if v.session.UserID == u.ID { // ended with all the others
		if err := s.drop(w, r); err != nil {
			return err
		}
	}
	if err := s.say(w, r, sessionNotice{Key: "email.back_done", Args: map[string]string{"email": u.Email}}); err != nil {
		return err
	}
	if s.o.NoPasswords {
		return s.redirect(w, r, "/login/")
	}
	return s.redirect(w, r, "/lost-password/")
}
