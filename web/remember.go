package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"idbroker/broker"
)

// remember lets this browser stand in for the second factor that has just been shown
// in it. Not where the sign-in comes to nothing, since everybody was thrown out.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, l broker.Login) error {
	v := visitOf(r)
	u := *v.owing
	rides := l.SID != "" && l.SID == v.session.SID
	if !rides && (l.AuthTime.Before(u.PasswordSetAt) || l.AuthTime.Before(u.SignedOutAt)) {
		return nil
	}
	secret, err := s.accounts.Remember(r.Context(), u, s.cookies.secretCookie(r, rememberCookie))
	if err != nil || secret == "" {
		return err
	}
	http.SetCookie(w, s.cookies.make(rememberCookie, secret.Reveal(), int(s.accounts.RememberFor()/time.Second)))
	return nil
}

// rememberedRows are the browsers in which the person need not show their second
// factor.
func (s *Server) rememberedRows(r *http.Request) ([]rememberedRow, error) {
	v := visitOf(r)
	if s.accounts.RememberFor() == 0 || !v.user.HasSecondFactor() {
		return nil, nil
	}
	all, err := s.accounts.RememberedOf(r.Context(), *v.user)
	if err != nil {
		return nil, err
	}
	here := s.cookies.secretCookie(r, rememberCookie)
	var rows []rememberedRow
	for _, b := range all {
		rows = append(rows, rememberedRow{
			ID: b.ID, Browser: b.Browser, IP: b.IP, Current: here != "" && here.Matches(b.Hash),
			Since: b.CreatedAt, LastUsedAt: b.LastUsedAt, Until: b.ExpiresAt,
		})
	}
	return rows, nil
}

// postForget serves POST /account/settings/second-factor/forget/: a browser (id) is
// remembered no longer.
func (s *Server) postForget(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	id := v.form.Get("id")
	if id == "" || len(id) > maxID {
		return errForm.At("id").Becausef("no id")
	}
	err := s.store.InTx(r.Context(), func(ctx context.Context) error {
		if err := s.accounts.ForgetBrowser(ctx, v.user.ID, id); err != nil {
			return err
		}
		return s.store.ForgetKnown(ctx, v.user.ID, v.at)
	})
	if err != nil && !errors.Is(err, broker.ErrNotFound) { // over already: that was the wish
		return err
	}
	s.o.Wake()
	if v.session.Remembered == id {
		if err := s.drop(w, r); err != nil { // it has ended with it
			return err
		}
	}
	if err := s.say(w, r, sessionNotice{Key: "security.forgotten"}); err != nil {
		return err
	}
	return s.redirect(w, r, securityPath)
}
