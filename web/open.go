package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"idbroker/broker"
)

// opens tells whether an application takes people who begin here (initiate_login_uri
// of OpenID Connect Core 1.0, section 4). A registration holds no other scheme
// than https; a row that somebody else wrote might.
func opens(c broker.Client) bool {
	return strings.HasPrefix(c.Metadata.InitiateLoginURI, "https://") && c.DisabledAt.IsZero()
}

func openPath(client string) string { return "/applications/" + url.PathEscape(client) + "/open" }

// getOpen serves GET /applications/{client}/open: it takes the person to where
// the application begins a sign-in, and says who sends them (OpenID Connect Core
// 1.0, section 4). There is no login_hint, since the application asks us who it is
// anyway, and no target_link_uri. It leads to registered addresses of applications
// that the person has let in, so that nobody can make our address lead to theirs
// by registering one.
func (s *Server) getOpen(w http.ResponseWriter, r *http.Request) error {
	ctx, user := r.Context(), visitOf(r).user.ID
	c, err := s.store.Client(ctx, r.PathValue("client"))
	if errors.Is(err, broker.ErrNotFound) || err == nil && !opens(c) {
		return errNoSuchPage
	}
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	known, err := s.letIn(ctx, user, c.ID)
	if err != nil {
		return err
	}
	if !known {
		return errNoSuchPage
	}
	to, sep := c.Metadata.InitiateLoginURI, "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return s.redirect(w, r, to+sep+url.Values{"iss": {s.tokens.Issuer()}}.Encode())
}

// letIn tells whether the person has allowed an application something, or it has
// tokens of theirs.
func (s *Server) letIn(ctx context.Context, user broker.UserID, client string) (bool, error) {
	switch _, err := s.store.Consent(ctx, user, client); {
	case err == nil:
		return true, nil
	case !errors.Is(err, broker.ErrNotFound):
		return false, fmt.Errorf("consent: %w", err)
	}
	grants, err := s.store.GrantsOf(ctx, user)
	if err != nil {
		return false, fmt.Errorf("grants: %w", err)
	}
	return slices.ContainsFunc(grants, func(g broker.Grant) bool { return g.ClientID == client }), nil
}
