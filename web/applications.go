package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"idbroker/broker"
)

// getApplications serves GET /account/settings/applications/.
func (s *Server) getApplications(w http.ResponseWriter, r *http.Request) error {
	v, ctx := visitOf(r), r.Context()
	p := applicationsPage{base: s.base(r)}
	p.Section = "applications"
	consents, err := s.store.ConsentsOf(ctx, v.user.ID)
	if err != nil {
		return fmt.Errorf("consents: %w", err)
	}
	grants, err := s.store.GrantsOf(ctx, v.user.ID)
	if err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	var apps []appAccess
	access := func(client string) *appAccess {
		for i := range apps {
			if apps[i].client == client {
				return &apps[i]
			}
		}
		apps = append(apps, appAccess{client: client})
		return &apps[len(apps)-1]
	}
	for _, c := range consents {
		a := access(c.ClientID)
		a.row.Since, a.scopes = c.CreatedAt, union(a.scopes, c.Scopes)
	}
	for _, g := range grants {
		access(g.ClientID).add(g)
	}
	ids := make([]string, len(apps))
	for i, a := range apps {
		ids[i] = a.client
	}
	known, err := s.store.ClientsNamed(ctx, ids)
	if err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	clients := make([]broker.Client, len(apps))
	for i, a := range apps {
		clients[i] = known[a.client]
		p.Apps = append(p.Apps, s.viewAccess(p.base, *v.user, a, clients[i]))
	}
	s.addLogos(ctx, p.Lang, clients, func(i int, path string) { p.Apps[i].Logo = path })
	return s.show(w, r, http.StatusOK, &p)
}

// appAccess gathers what an application may.
type appAccess struct {
	client string
	scopes []string
	row    appRow
}

// add counts a grant in.
func (a *appAccess) add(g broker.Grant) {
	a.scopes = union(a.scopes, g.Scopes)
	if a.row.Since.IsZero() || g.CreatedAt.Before(a.row.Since) {
		a.row.Since = g.CreatedAt
	}
	if used := or(g.LastUsedAt, g.CreatedAt); used.After(a.row.LastUsed) {
		a.row.LastUsed = used
	}
}

// viewAccess is what a may, in words. c is zero where the application is gone.
func (s *Server) viewAccess(b base, u broker.User, a appAccess, c broker.Client) appRow {
	a.row.ID, a.row.Name = a.client, a.client
	if c.ID != "" {
		view := viewClient(c, b.Lang)
		a.row.Name, a.row.Host, a.row.URL = view.Name, view.Host, view.URL
		if opens(c) {
			a.row.OpenURL = openPath(c.ID)
		}
	}
	a.row.Offline = slices.Contains(a.scopes, scopeOffline)
	for _, claim := range s.tokens.ClaimsFor(u, a.scopes) {
		a.row.Sees = append(a.row.Sees, claimLabel(b, claim))
	}
	return a.row
}

// postApplications serves POST /account/settings/applications/: it takes back
// what an application (client) was allowed, with every token that it has.
func (s *Server) postApplications(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r)
	id := v.form.Get("client")
	if id == "" {
		return errForm.At("client").Becausef("no client")
	}
	name := id
	if view, err := s.client(r.Context(), id, s.language(r)); err != nil {
		return err
	} else if view != nil {
		name = view.Name
	}
	removed := false
	err := s.store.InTx(r.Context(), func(ctx context.Context) error {
		err := s.store.DeleteConsent(ctx, v.user.ID, id)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return fmt.Errorf("delete consent: %w", err)
		}
		n, revoked := s.tokens.EndGrants(ctx, broker.GrantFilter{UserID: v.user.ID, ClientID: id}, "user", v.at)
		if revoked != nil {
			return fmt.Errorf("revoke grants: %w", revoked)
		}
		if removed = err == nil || n > 0; !removed {
			return nil
		}
		e := broker.NewEvent(ctx, broker.EventConsentRevoked, v.at)
		e.UserID, e.ClientID = v.user.ID, id
		return s.store.AddEvent(ctx, e)
	})
	if err != nil {
		return err
	}
	s.o.Wake()
	if removed { // twice is fine, and says nothing new
		if err := s.say(w, r, sessionNotice{Key: "applications.removed", Args: map[string]string{"client": name}}); err != nil {
			return err
		}
	}
	return s.redirect(w, r, applicationsPath)
}
