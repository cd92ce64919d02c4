package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mileusna/useragent"

	"idbroker/broker"
	"idbroker/limits"
	"idbroker/tokens"
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
	p.Section, p.Path = "security", securityPath
	mine, err := s.identityProviders(r, v.user.ID)
	if err != nil {
		return err
	}
	p.Identities = len(mine)
	if p.PasskeysOn = s.accounts.Passkeys(); p.PasskeysOn {
		if p.Passkeys, err = s.passkeys(r, v.user.ID); err != nil {
			return err
		}
	}
	p.Factors, p.FactorAt = s.accounts.Factors(), v.user.SecondFactorAt
	if p.Remembered, err = s.rememberedRows(r); err != nil {
		return err
	}
	sessions, err := s.store.SessionsOf(ctx, v.user.ID)
	if err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	for _, row := range sessions {
		if !v.at.Before(row.ExpiresAt) || v.at.Sub(row.LastSeenAt) >= s.o.SessionIdle {
			continue // dead, and not cleared away yet
		}
		view := s.viewSession(p.base, row)
		if view.Current = row.SID == v.session.SID; view.Current {
			p.Sessions = append([]sessionRow{view}, p.Sessions...)
		} else {
			p.Sessions = append(p.Sessions, view)
		}
	}
	if p.Events, err = s.events(ctx, v.user.ID); err != nil {
		return err
	}
	return s.show(w, r, status, &p)
}

// browserName is a user agent for mails, in no language: "Firefox, Linux". It is
// "" for what is no browser; programs at the token endpoint need not wait for it.
func browserName(userAgent string) string {
	if !strings.HasPrefix(userAgent, "Mozilla/") || len(userAgent) > maxUserAgent {
		return ""
	}
	ua := useragent.Parse(userAgent)
	return strings.Trim(printable(ua.Name, maxID)+", "+printable(ua.OS, maxID), ", ")
}

// viewSession is what a person sees of a session: enough to recognise it.
func (s *Server) viewSession(b base, row broker.Session) sessionRow {
	ua := useragent.Parse(row.UserAgent)
	device := printable(ua.Name, maxID)
	if system := printable(ua.OS, maxID); device != "" && system != "" {
		device = b.T("security.device", "browser", device, "system", system)
	}
	return sessionRow{
		SID: row.SID, Device: device, Mobile: ua.Mobile || ua.Tablet, IP: row.IP, Provider: s.title(row.Provider),
		SignedInAt: row.AuthTime, LastSeenAt: row.LastSeenAt,
	}
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
func (s *Server) events(ctx context.Context, user broker.UserID) ([]eventRow, error) {
	all, err := s.store.Events(ctx, user, recentEvents)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	names := map[string]string{}
	rows := make([]eventRow, 0, len(all))
	for _, e := range all {
		if _, ok := names[e.ClientID]; !ok {
			client, err := s.client(ctx, e.ClientID, "")
			if err != nil {
				return nil, err
			}
			names[e.ClientID] = e.ClientID
			if client != nil {
				names[e.ClientID] = client.Name
			}
		}
		rows = append(rows, eventRow{Name: e.Name, At: e.At, Provider: s.title(e.Provider), Client: names[e.ClientID], Code: e.Detail[byDetail] == amrCode, Passkey: e.Detail[byDetail] == broker.AMRKey, IP: e.IP})
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
	if err := s.limitRight(w, r, verdict, v.user.Email); err != nil {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "security.password_changed"}); err != nil {
		return err
	}
	return s.redirect(w, r, securityPath)
}

// postSessions serves POST /account/settings/sessions/: it ends one session of
// the person's (sid), or all but this one (others=1).
func (s *Server) postSessions(w http.ResponseWriter, r *http.Request) error {
	v, ctx := visitOf(r), r.Context()
	sid := v.form.Get("sid")
	switch {
	case v.form.Get("others") == "1":
		err := s.store.InTx(ctx, func(ctx context.Context) error {
			ended, err := s.store.EndSessions(ctx, v.user.ID, v.session.SID)
			for i := 0; err == nil && i < len(ended); i++ {
				err = s.sessionEnded(ctx, v.user.ID, ended[i], v.at)
			}
			if err == nil {
				_, err = s.accounts.ForgetBrowsers(ctx, v.user.ID, s.cookies.secretCookie(r, rememberCookie))
			}
			return err
		})
		if err != nil {
			return err
		}
		sid = "" // of several
	case sid == "" || len(sid) > maxID:
		return errForm.Becausef("no sid")
	case sid == v.session.SID:
		return s.logOut(w, r, tokens.Logout{}, nil)
	default:
		err := s.store.InTx(ctx, func(ctx context.Context) error {
			if err := s.store.EndSession(ctx, v.user.ID, sid); err != nil {
				return err
			}
			return s.sessionEnded(ctx, v.user.ID, sid, v.at)
		})
		if err != nil && !errors.Is(err, broker.ErrNotFound) { // over already: that was the wish
			return err
		}
	}
	s.o.Wake()
	key := "security.ended"
	if sid == "" {
		key = "security.ended_others"
	}
	if err := s.say(w, r, sessionNotice{Key: key}); err != nil {
		return err
	}
	return s.redirect(w, r, securityPath)
}
