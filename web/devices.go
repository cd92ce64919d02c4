package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mileusna/useragent"

	"idbroker/broker"
	"idbroker/tokens"
)

const (
	// shownSessions bounds how many sessions the page shows: more than anybody has
	// who is no program. The rest ends with "everywhere else".
	shownSessions = 100
	// shownApps bounds how many applications stand at a session.
	shownApps = 10
)

// standing are the sessions of a visit's person that open something: this one first,
// then the one seen last.
func (s *Server) standing(ctx context.Context, v *visit) ([]broker.Session, error) {
	all, err := s.store.SessionsOf(ctx, v.user.ID)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	all = slices.DeleteFunc(all, func(row broker.Session) bool { return !s.sessions.alive(row, v.at) }) // dead, and not cleared away yet
	if i := slices.IndexFunc(all, func(row broker.Session) bool { return row.SID == v.session.SID }); i > 0 {
		this := all[i]
		all = slices.Insert(slices.Delete(all, i, i+1), 0, this)
	}
	return all, nil
}

// getDevices serves GET /account/settings/devices/.
func (s *Server) getDevices(w http.ResponseWriter, r *http.Request) error {
	v, ctx := visitOf(r), r.Context()
	p := devicesPage{base: s.base(r)}
	p.Section, p.Path = "devices", devicesPath
	sessions, err := s.standing(ctx, v)
	if err != nil {
		return err
	}
	apps, err := s.appsBySession(ctx, v.user.ID, p.Lang)
	if err != nil {
		return err
	}
	p.More = max(0, len(sessions)-shownSessions)
	for _, row := range sessions[:len(sessions)-p.More] {
		view := s.viewSession(p.base, row)
		view.Current, view.Apps = row.SID == v.session.SID, apps[row.SID]
		p.Sessions = append(p.Sessions, view)
	}
	p.remembering = s.remembering(v.session.Lasting)
	if p.SignIn, p.SignedInBefore, p.SignIns, err = s.signIns(ctx, p.base, v.user.ID); err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, &p)
}

// appsBySession names the applications that were entered from each session of a person
// and have something of it still.
func (s *Server) appsBySession(ctx context.Context, user broker.UserID, lang string) (map[string][]string, error) {
	grants, err := s.store.GrantsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("grants: %w", err)
	}
	ids := make([]string, len(grants))
	for i, g := range grants {
		ids[i] = g.ClientID
	}
	names, err := s.clientNames(ctx, ids, lang)
	if err != nil {
		return nil, err
	}
	bySID := map[string][]string{}
	for _, g := range grants {
		name := names[g.ClientID]
		if list := bySID[g.SID]; g.SID != "" && name != "" && len(list) < shownApps && !slices.Contains(list, name) {
			bySID[g.SID] = append(list, name)
		}
	}
	for _, list := range bySID {
		slices.Sort(list)
	}
	return bySID, nil
}

// viewSession is what a person sees of a session: enough to recognise it.
func (s *Server) viewSession(b base, row broker.Session) sessionRow {
	ua := useragent.Parse(row.UserAgent)
	view := sessionRow{
		SID: row.SID, Mobile: ua.Mobile || ua.Tablet, IP: row.IP, Country: s.countryName(b.Lang, row.IP), Remembered: row.Lasting && s.o.Remember > 0,
		SignedInAt: row.AuthTime, CreatedAt: row.CreatedAt, LastSeenAt: row.LastSeenAt,
		How: b.how(s.title(row.Provider), begunBy(&broker.Login{Provider: row.Provider, AMR: row.AMR}), row.ACR == broker.ACRSecond),
	}
	name, system := printable(ua.Name, maxID), printable(ua.OS, maxID)
	if view.Device = name; name != "" && system != "" {
		view.Device = b.T("security.device", "browser", name, "system", system)
	}
	if version, _, _ := strings.Cut(printable(ua.Version, maxID), "."); name != "" && version != "" {
		view.Browser = name + " " + version // the rest of the number tells nobody anything
	}
	switch {
	case ua.Tablet:
		view.Kind = b.T("devices.tablet")
	case ua.Mobile:
		view.Kind = b.T("devices.phone")
	case ua.Desktop:
		view.Kind = b.T("devices.computer")
	}
	return view
}

// countryName is the country of an address in the language of a page; "" not known.
func (s *Server) countryName(lang, ip string) string {
	if code := s.country(ip); code != "" {
		return s.cat.Country(lang, code)
	}
	return ""
}

// signIns are the latest sign-in of a person and the one before it (zero: there was
// none), and how many there were.
func (s *Server) signIns(ctx context.Context, b base, user broker.UserID) (last, before signInView, times int, err error) {
	all, err := s.store.SignInsOf(ctx, user)
	if err != nil {
		return last, before, 0, fmt.Errorf("sign-ins: %w", err)
	}
	view := func(i broker.SignIn) signInView {
		if i.At.IsZero() {
			return signInView{}
		}
		return signInView{
			At: i.At, IP: i.IP, Country: s.countryName(b.Lang, i.IP),
			How: b.how(s.title(i.Provider), i.Detail[broker.DetailAMR], i.Detail[broker.DetailFactor] != ""),
		}
	}
	return view(all.Last), view(all.Before), all.Times, nil
}

// remembering is the choice whether a session outlives its browser. Less than a day
// counts as one.
func (s *Server) remembering(chosen bool) remembering {
	if s.o.Remember == 0 {
		return remembering{}
	}
	return remembering{Remember: max(1, int(s.o.Remember/(24*time.Hour))), Remembered: chosen}
}

// chooseRemember takes what a form that signs in says of it.
func (s *Server) chooseRemember(r *http.Request, l *broker.Login) {
	l.Remember = s.o.Remember > 0 && visitOf(r).form.Get("remember") == "1"
}

// postRemember serves POST /account/settings/devices/remember/: this browser stays
// signed in when it is closed (on=1), or does not. That takes a recent sign-in:
// whoever finds the browser open must not make it last.
func (s *Server) postRemember(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	if s.o.Remember == 0 {
		return errNoSuchPage
	}
	on, row := v.form.Get("on") == "1", v.session
	if on && !s.fresh(v) {
		return s.redirect(w, r, proveAgain(devicesPath))
	}
	if row.Lasting = on; on {
		row.ExpiresAt = row.CreatedAt.Add(s.o.Remember)
	} else if end := v.at.Add(s.o.SessionAbsolute); end.Before(row.ExpiresAt) {
		row.ExpiresAt = end
	}
	if err := s.store.SaveSession(r.Context(), row); err != nil {
		return err
	}
	v.session, v.jar.Values[rowKey{}] = row, row
	key := "devices.forgotten"
	if on {
		key = "devices.remembered"
	}
	if err := s.say(w, r, sessionNotice{Key: key}); err != nil {
		return err
	}
	secret := s.cookies.secretCookie(r, sessionCookie)
	http.SetCookie(w, s.sessions.cookie(secret, row, v.at))
	s.setStateOf(w, row, v.at)
	if row.Turn > 0 {
		http.SetCookie(w, s.sessions.theft.turnCookie(secret, row, v.at))
	}
	return s.redirect(w, r, devicesPath)
}

// postSessions serves POST /account/settings/sessions/: it ends one session of
// the person's (sid), or all but this one (others=1).
func (s *Server) postSessions(w http.ResponseWriter, r *http.Request) error {
	v, ctx := visitOf(r), r.Context()
	sid, forgot := v.form.Get("sid"), true
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
			if err == nil {
				err = s.store.ForgetKnown(ctx, v.user.ID, v.at)
			}
			return err
		})
		if err != nil {
			return err
		}
		sid = "" // of several
	case sid == "" || len(sid) > maxID:
		return errForm.At("sid").Becausef("no sid")
	case sid == v.session.SID:
		return s.logOut(w, r, tokens.Logout{}, nil)
	default:
		err := s.store.InTx(ctx, func(ctx context.Context) error {
			if err := s.store.EndSession(ctx, v.user.ID, sid); err != nil {
				return err
			}
			if err := s.store.ForgetKnown(ctx, v.user.ID, v.at); err != nil {
				return err
			}
			return s.sessionEnded(ctx, v.user.ID, sid, v.at)
		})
		if err != nil && !errors.Is(err, broker.ErrNotFound) { // over already: that was the wish
			return err
		}
		forgot = err == nil
	}
	s.o.Wake()
	if forgot {
		s.stillKnown(w, r)
	}
	key := "security.ended"
	if sid == "" {
		key = "security.ended_others"
	}
	if err := s.say(w, r, sessionNotice{Key: key}); err != nil {
		return err
	}
	return s.redirect(w, r, devicesPath)
}
