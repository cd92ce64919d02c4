package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/limits"
)

// recentEvents is how many events the page shows: what fits a screen or two.
const recentEvents = 20

// getSecurity serves GET /account/settings/security/.
func (s *Server) getSecurity(w http.ResponseWriter, r *http.Request) error {
	return s.showSecurity(w, r, http.StatusOK, nil)
}

func (s *Server) showSecurity(w http.ResponseWriter, r *http.Request, status int, bad problems) error {
	v, ctx := visitOf(r), r.Context()
	p := securityPage{
		base: s.base(r), LocalPasswords: !s.o.NoPasswords, HasPassword: v.user.HasPassword() && !s.o.NoPasswords,
		PasswordSetAt: v.user.PasswordSetAt, MinPassword: s.o.MinPassword, Problems: bad,
	}
	p.Section, p.Path, p.Removing = "security", securityPath, r.URL.Path == removePasswordPath
	ways, err := s.accounts.WaysIn(ctx, *v.user, 0)
	if err != nil {
		return err
	}
	p.Identities, p.Passkeys, p.Codes, p.PasskeysOn = ways.Identities, ways.Passkeys, ways.Code, s.accounts.Passkeys()
	p.NeedsUsername = p.HasPassword && !ways.Password
	if p.HasPassword {
		without := *v.user
		without.PasswordHash = ""
		left, err := s.accounts.WaysIn(ctx, without, 0)
		if err != nil {
			return err
		}
		p.CanRemove, p.ThenByMail = left.Lasting() > 0, left.OnlyCode()
	}
	mine, err := s.identityProviders(r, v.user.ID)
	if err != nil {
		return err
	}
	p.CanAdd = p.LocalPasswords && !p.HasPassword || p.PasskeysOn || slices.ContainsFunc(s.linker.Providers(), func(known broker.Provider) bool {
		return !slices.Contains(mine, known.ID) || known.Second == broker.SecondAdd
	})
	p.Factors, p.FactorAt = s.accounts.Factors(), v.user.SecondFactorAt
	if p.Remembered, err = s.rememberedRows(r); err != nil {
		return err
	}
	sessions, err := s.standing(ctx, v)
	if err != nil {
		return err
	}
	p.Devices = len(sessions)
	if p.SignIn, p.SignedInBefore, p.SignIns, err = s.signIns(ctx, p.base, v.user.ID); err != nil {
		return err
	}
	if p.Events, err = s.events(ctx, v.user.ID, p.Lang); err != nil {
		return err
	}
	return s.show(w, r, status, &p)
}

// title is what people call a provider; its id where it is not configured any
// more, and "" for "".
func (s *Server) title(provider string) string {
	if provider == "" {
		return ""
	}
	return s.linker.Title(provider)
}

// events are the latest events of a user.
func (s *Server) events(ctx context.Context, user broker.UserID, lang string) ([]eventRow, error) {
	all, err := s.store.Events(ctx, user, recentEvents)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	ids := make([]string, len(all))
	for i, e := range all {
		ids[i] = e.ClientID
	}
	names, err := s.clientNames(ctx, ids, lang)
	if err != nil {
		return nil, err
	}
	rows := make([]eventRow, 0, len(all))
	for _, e := range all {
		client, known := names[e.ClientID]
		if !known {
			client = e.ClientID
		}
		rows = append(rows, eventRow{Name: e.Name, At: e.At, Provider: s.title(e.Provider), Client: client, Code: e.Detail[broker.DetailAMR] == amrCode, Passkey: e.Detail[broker.DetailAMR] == broker.AMRKey, IP: e.IP, Country: s.countryName(lang, e.IP)})
	}
	return rows, nil
}

// postPassword serves POST /account/settings/password/: another password, or
// the first one.
func (s *Server) postPassword(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if (!v.user.HasPassword() || s.accounts.Factors() && v.user.HasSecondFactor()) && !s.fresh(v) {
		return s.redirect(w, r, proveAgain(securityPath))
	}
	current, next := broker.Secret(v.form.Get("current")), broker.Secret(v.form.Get("password"))
	verdict, err := limits.Verdict{}, error(nil)
	if v.user.HasPassword() { // whoever found the browser open may guess at it
		verdict, err = s.tryPassword(w, r, v.user.Email)
	}
	if err == nil {
		err = s.accounts.ChangePassword(r.Context(), v.session, current, next)
	}
	if bad := formProblems(err); bad != nil {
		return s.showSecurity(w, r, statusOf(err), bad)
	}
	if err != nil {
		return err
	}
	return s.passwordDone(w, r, verdict, "security.password_changed")
}

// passwordDone gives the try back, says what was done, and shows it.
func (s *Server) passwordDone(w http.ResponseWriter, r *http.Request, verdict limits.Verdict, key string) error {
	if err := s.limitRight(w, r, verdict, visitOf(r).user.Email); err != nil {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: key}); err != nil {
		return err
	}
	return s.redirect(w, r, securityPath)
}

// removePasswordPath is where a password is removed.
const removePasswordPath = "/account/settings/password/remove/"

// postPasswordRemove serves POST /account/settings/password/remove/: the person types it
// once more, and does without from now on.
func (s *Server) postPasswordRemove(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(securityPath))
	}
	verdict, err := s.tryPassword(w, r, v.user.Email) // whoever found the browser open may guess at it
	if err == nil {
		err = s.accounts.RemovePassword(r.Context(), v.session, broker.Secret(v.form.Get("current")))
	}
	bad := formProblems(err)
	switch {
	case errors.Is(err, broker.ErrSignIn):
		return s.redirect(w, r, proveAgain(securityPath))
	case errors.Is(err, local.ErrPasswordLast):
		bad = problemsOf(err)
	}
	if bad != nil {
		return s.showSecurity(w, r, statusOf(err), bad)
	}
	if err != nil {
		return err
	}
	return s.passwordDone(w, r, verdict, "security.password_removed")
}
