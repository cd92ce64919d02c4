package web

import (
	"net/http"

	"idbroker/broker"
	"idbroker/broker/local"
)

// getClaim serves GET /claim/: the one-time link that a new installation prints.
func (s *Server) getClaim(w http.ResponseWriter, r *http.Request) error {
	token := broker.Secret(visitOf(r).query.Get("token"))
	if err := s.accounts.CheckClaim(r.Context(), token); err != nil {
		return err
	}
	return s.showClaim(w, r, http.StatusOK, token, local.SignUpForm{}, nil)
}

func (s *Server) showClaim(w http.ResponseWriter, r *http.Request, status int, token broker.Secret, f local.SignUpForm, bad problems) error {
	return s.show(w, r, status, &claimPage{
		base: s.base(r), Token: token, Email: f.Email, Name: f.Name, Username: f.Username, MinPassword: s.o.MinPassword, Problems: bad,
		NeedPassword: !s.o.NoPasswords, NeedUsername: s.accounts.NeedUsername(),
	})
}

// postClaim serves POST /claim/: it makes the first administrator and signs
// them in.
func (s *Server) postClaim(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	token := broker.Secret(v.form.Get("token"))
	f := local.SignUpForm{
		Email: v.form.Get("email"), Name: v.form.Get("name"), Username: v.form.Get("username"),
		Password: broker.Secret(v.form.Get("password")), Locale: s.language(r),
	}
	user, err := s.accounts.ClaimAdmin(r.Context(), token, f)
	if bad := formProblems(err); bad != nil {
		return s.showClaim(w, r, statusOf(err), token, f, bad)
	}
	if err != nil {
		return err
	}
	next, amr := "", broker.AMRPassword
	if s.o.NoPasswords {
		amr = broker.AMROTP // the printed link
		switch {
		case s.accounts.Codes(broker.Login{}): // a code will open the account
		case len(s.providerButtons()) > 0: // nothing does before an identity is linked
			next = linkedAccountsPath
		default:
			next = passkeysPath
		}
	}
	l := s.newLogin(w, r, next)
	l.Authenticated(user.ID, broker.Authentication{At: v.at, AMR: []string{amr}, ACR: broker.ACRSingle})
	return s.advance(w, r, l)
}
