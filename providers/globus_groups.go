package providers

import (
	"context"
	"net/http"
	"slices"

	"idbroker/broker"
)

// globusInGroup returns ErrNotAllowed for a person who is in none of the allowed
// groups, and ErrNotShown where we may not ask. An invitation that the person has
// not accepted is no membership.
func globusInGroup(ctx context.Context, p *openID, s *session) error {
	if p.app.AllowedGroups == nil {
		return nil
	}
	token, err := globusTokenFor(globusGroupsServer, s)
	if err != nil {
		return err
	}
	a, err := p.env.client.get(ctx, p.app.BaseURL+"/v2/groups/my_groups", token, "")
	switch {
	case err != nil:
		return err
	case a.Status == http.StatusForbidden:
		return ErrNotShown.Because(&errStatus{"GET my_groups", a.Status})
	case a.Status == http.StatusUnauthorized:
		return ErrRestart.Because(&errStatus{"GET my_groups", a.Status})
	}
	if err := a.ok("GET my_groups"); err != nil {
		return err
	}
	in, err := readGlobusGroups(a.Body, p.app.AllowedGroups)
	switch {
	case err != nil:
		return ErrUpstream.Becausef("GET my_groups: %w", err)
	case !in:
		return ErrNotAllowed.Becausef("allowed_groups: the account is in none of them")
	}
	return nil
}

// globusTokenFor is the access token for one resource server.
func globusTokenFor(server string, s *session) (broker.Secret, error) {
	all, err := readGlobusTokens(s.token)
	if err != nil {
		return "", err
	}
	for _, t := range all {
		if t.server == server {
			return broker.Secret(t.access), nil
		}
	}
	return "", ErrNotShown.Becausef("allowed_groups: Globus gave no token for %s", server)
}

// readGlobusGroups tells whether an answer of the Groups API shows an active
// membership of one of the groups.
func readGlobusGroups(body []byte, allowed []string) (bool, error) {
	var groups []struct {
		ID          string `json:"id"`
		Memberships []struct {
			Status string `json:"status"`
		} `json:"my_memberships"`
	}
	if err := decodeJSON(body, &groups); err != nil {
		return false, err
	}
	for _, g := range groups {
		for _, m := range g.Memberships {
			if m.Status == "active" && slices.Contains(allowed, g.ID) {
				return true, nil
			}
		}
	}
	return false, nil
}
