package web

import (
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
)

// takingBack serves the page behind the link in a mail about what was added to an
// account, or who came in: GET shows what it takes back and spends nothing, POST does it.
type takingBack struct {
	s       *Server
	purpose broker.MailPurpose
	path    string
	words   takeBackWords
	view    func(p *confirmPage, b local.TakeBack) (what string) // "" it is gone
}

// takeBackWords are catalog keys: of the heading, of what happens where the thing is gone
// and to sessions, of the button, and of what was done.
type takeBackWords struct{ title, gone, sessions, button, done string }

// takingsBack are the pages of what can be taken back so.
func (s *Server) takingsBack() []takingBack {
	return []takingBack{
		{s, broker.MailPasskeyBack, broker.PasskeyBackPath, takeBackWords{"take_back.passkey", "take_back.passkey_gone", "take_back.everybody", "undo.button", "take_back.passkey_done"}, func(p *confirmPage, b local.TakeBack) string {
			if b.Passkey == "" {
				return ""
			}
			return p.T("take_back.passkey_effect", "passkey", b.Passkey)
		}},
		{s, broker.MailFactorBack, broker.FactorBackPath, takeBackWords{"take_back.factor", "take_back.factor_gone", "take_back.everybody", "undo.button", "take_back.factor_done"}, func(p *confirmPage, b local.TakeBack) string {
			switch {
			case b.Before != "":
				return p.T("take_back.number_effect", "date", p.exact(b.At), "number", b.Before)
			case b.Factor == broker.FactorTOTP:
				return p.T("take_back.factor_effect_app", "date", p.exact(b.At))
			case b.Factor == broker.FactorSMS:
				return p.T("take_back.factor_effect_number", "date", p.exact(b.At))
			}
			return ""
		}},
		{s, broker.MailSignInBack, broker.SignInBackPath, takeBackWords{"take_back.sign_in", "take_back.sign_in_gone", "take_back.sign_in_since", "take_back.sign_in_button", "take_back.sign_in_done"}, func(p *confirmPage, b local.TakeBack) string {
			device := s.viewSession(p.base, b.Session).Device
			switch {
			case b.Session.SID == "":
				return ""
			case device == "":
				return p.T("take_back.sign_in_effect", "date", p.exact(b.At))
			}
			return p.T("take_back.sign_in_effect_device", "date", p.exact(b.At), "device", device)
		}},
	}
}

func (t takingBack) get(w http.ResponseWriter, r *http.Request) error {
	token := broker.Secret(visitOf(r).query.Get("token"))
	b, err := t.s.accounts.TakeBackFor(r.Context(), t.purpose, token)
	if err != nil {
		return err
	}
	p := confirmPage{base: t.s.base(r), Action: t.path, Fields: []hidden{{"token", token.Reveal()}}, BackURL: "/"}
	p.Title, p.Button, p.Cancel = p.T(t.words.title), p.T(t.words.button), p.T("undo.keep")
	what := t.view(&p, b)
	if what == "" {
		what = p.T(t.words.gone)
	}
	p.Lines = []string{what, p.T(t.words.sessions)}
	return t.s.show(w, r, http.StatusOK, &p)
}

// post signs nobody in, and leads to where a new password is chosen: somebody may know
// the old one.
func (t takingBack) post(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	b, err := t.s.accounts.TakeBack(r.Context(), v.session, t.purpose, broker.Secret(v.form.Get("token")))
	if err != nil {
		return err
	}
	t.s.o.Wake()
	if v.session.UserID == b.User.ID && !b.Spared {
		if err := t.s.drop(w, r); err != nil { // it has ended with the others
			return err
		}
	}
	if err := t.s.say(w, r, sessionNotice{Key: t.words.done}); err != nil {
		return err
	}
	if t.s.o.NoPasswords {
		return t.s.redirect(w, r, "/login/?switch=1")
	}
	return t.s.redirect(w, r, "/lost-password/")
}
