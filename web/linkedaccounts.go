package web

import (
	"net/http"
	"net/url"

	"idbroker/broker"
	"idbroker/linking"
)

// getLinkedAccounts serves GET /account/settings/linkedaccounts/.
func (s *Server) getLinkedAccounts(w http.ResponseWriter, r *http.Request) error {
	formsLeave(w)
	v := visitOf(r)
	linked, err := s.linker.Accounts(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	ways, err := s.accounts.WaysIn(r.Context(), *v.user, 0)
	if err != nil {
		return err
	}
	p := linkedAccountsPage{
		base: s.base(r), Password: ways.Password, Passwords: !s.o.NoPasswords && !v.user.HasPassword(),
		Codes: ways.Code, Passkeys: s.accounts.Passkeys(), PasskeyCount: ways.Passkeys,
	}
	p.Section = "linkedaccounts"
	changes, err := s.linker.Changes(r.Context(), v.user.ID)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.UndoHash != "" {
			p.MailedTo = broker.MaskEmail(v.user.Email)
		}
		p.Changes = append(p.Changes, s.viewChange(c))
	}
	has := map[string]bool{}
	for _, l := range linked {
		has[l.Identity.Provider] = true
		p.OnlyWayIn = p.OnlyWayIn || l.OpensAccount && !l.CanRemove
		p.Linked = append(p.Linked, viewLinked(l))
	}
	for _, known := range s.linker.Providers() {
		if !has[known.ID] || known.Second == broker.SecondAdd || known.Second == broker.SecondReplace {
			p.Connect = append(p.Connect, providerButton{
				ID: known.ID, Title: known.Title, Icon: known.Icon, URL: "/oauth/login/" + url.PathEscape(known.ID) + "/",
			})
		}
	}
	return s.show(w, r, http.StatusOK, &p)
}

// viewChange shows a change of links; of a replacement, what was added.
func (s *Server) viewChange(c broker.LinkChange) changeRow {
	row := changeRow{What: wordsOf(c).happened, At: c.ChangedAt, Undone: !c.UndoneAt.IsZero()}
	row.remoteView = *s.changedView(linking.Undo{Change: c})
	if c.UndoHash != "" && !row.Undone {
		row.Until = &c.ExpiresAt
	}
	return row
}

func viewLinked(l linking.LinkedAccount) linkedRow {
	return linkedRow{
		remoteView: remoteView{Provider: l.Provider.ID, Title: l.Provider.Title, Icon: l.Provider.Icon, Handle: l.Account.Username, Name: l.Account.Name},
		IdentityID: l.Identity.ID, Subject: l.Identity.Subject, ProfileURL: l.Account.ProfileURL,
		Since: l.Identity.CreatedAt, LastUsed: l.Identity.LastUsedAt,
		OpensAccount: l.OpensAccount, CanRemove: l.CanRemove, Configured: l.Configured, Lost: l.Lost && l.Configured,
		ReconnectURL:  "/oauth/login/" + url.PathEscape(l.Provider.ID) + "/",
		DisconnectURL: disconnectPath(l.Identity.Provider) + "?identity=" + url.QueryEscape(l.Identity.ID),
	}
}

func disconnectPath(provider string) string {
	return "/oauth/disconnect/" + url.PathEscape(provider) + "/"
}

// linked is the identity that a request names: by its id, or by its provider
// where that is enough.
func (s *Server) linked(r *http.Request) (linking.LinkedAccount, error) {
	v := visitOf(r)
	all, err := s.linker.Accounts(r.Context(), v.user.ID)
	if err != nil {
		return linking.LinkedAccount{}, err
	}
	app, id := r.PathValue("app"), v.value("identity")
	for _, l := range all {
		if l.Identity.Provider == app && (id == "" || l.Identity.ID == id) {
			return l, nil
		}
	}
	return linking.LinkedAccount{}, broker.ErrNotFound.Becausef("user has no such identity at %q", app)
}

// getDisconnect serves GET /oauth/disconnect/{app}/: are you sure? Who signed in
// long ago proves first that they are still there.
func (s *Server) getDisconnect(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	l, err := s.linked(r)
	if err != nil {
		return err
	}
	title := l.Provider.Title
	if !l.CanRemove {
		return linking.ErrLast.With("provider", title)
	}
	if !s.fresh(v) {
		return s.redirect(w, r, proveAgain(url.QueryEscape(r.URL.RequestURI())))
	}
	row := viewLinked(l)
	p := confirmPage{
		base: s.base(r), Remote: &row.remoteView, Action: disconnectPath(l.Identity.Provider),
		Fields: []hidden{{"identity", l.Identity.ID}}, Danger: true, BackURL: linkedAccountsPath,
	}
	p.Title = p.T("linked_accounts.confirm", "provider", title)
	p.Button = p.T("linked_accounts.confirm_button", "provider", title)
	p.Cancel = p.T("linked_accounts.keep")
	p.Lines = []string{p.T("linked_accounts.confirm_effect", "provider", title)}
	if l.ThenByMail {
		p.Lines = append(p.Lines, p.T("ways.then_by_mail", "email", v.user.Email))
	}
	return s.show(w, r, http.StatusOK, &p)
}

// postDisconnect serves POST /oauth/disconnect/{app}/.
func (s *Server) postDisconnect(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	app := r.PathValue("app")
	if err := s.linker.Unlink(r.Context(), v.session, app, v.form.Get("identity")); err != nil {
		return err
	}
	s.o.Wake()
	if err := s.say(w, r, sessionNotice{Key: "linked_accounts.removed", Args: map[string]string{"provider": s.title(app)}}); err != nil {
		return err
	}
	return s.redirect(w, r, linkedAccountsPath)
}
