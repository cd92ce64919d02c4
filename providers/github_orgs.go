package providers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"idbroker/broker"
)

// githubReadOrg is the scope that shows private memberships and teams.
const githubReadOrg = "read:org"

// organization is an entry of App.AllowedOrganizations: "example", or "example/core"
// for a team, each as its name or, since names can be given up and taken by
// others, as "id:" and its number.
type organization struct{ org, team githubName }

// githubName is a name in lower case, or a number.
type githubName struct{ name, id string }

// githubSegment is what a part of an entry may be.
var githubSegment = regexp.MustCompile(`^(id:[1-9][0-9]{0,18}|[a-z0-9_][a-z0-9_.-]{0,99})$`)

func parseOrganization(entry string) (organization, error) {
	org, team, isTeam := strings.Cut(strings.ToLower(entry), "/")
	if !githubSegment.MatchString(org) || isTeam && !githubSegment.MatchString(team) {
		return organization{}, fmt.Errorf("%.100q: write ORGANIZATION or ORGANIZATION/TEAM, each as in the address of its page, or as id:NUMBER", entry)
	}
	o := organization{org: parseGitHubName(org)}
	if isTeam {
		o.team = parseGitHubName(team)
	}
	return o, nil
}

func parseGitHubName(s string) githubName {
	if id, ok := strings.CutPrefix(s, "id:"); ok {
		return githubName{id: id}
	}
	return githubName{name: s}
}

// is tells whether the name means what the API calls name and id.
func (n githubName) is(name string, id json.RawMessage) bool {
	if n.id != "" {
		return githubID.Match(id) && n.id == string(id)
	}
	return n.name != "" && strings.EqualFold(n.name, name)
}

// githubOrg is how the API names an organisation.
type githubOrg struct {
	ID    json.RawMessage `json:"id"`
	Login string          `json:"login"`
}

// githubMembership is an entry of GET /user/memberships/orgs.
type githubMembership struct {
	State        string    `json:"state"` // "active", or "pending": invited
	Organization githubOrg `json:"organization"`
}

// githubTeam is an entry of GET /user/teams.
type githubTeam struct {
	ID           json.RawMessage `json:"id"`
	Slug         string          `json:"slug"`
	Organization githubOrg       `json:"organization"`
}

// checkOrganizations returns ErrNotAllowed for an account that is in none of the
// allowed organisations and teams, and ErrNotShown where GitHub does not let us
// see it.
func (p *githubProvider) checkOrganizations(ctx context.Context, token broker.Secret) error {
	if len(p.organizations) == 0 {
		return nil
	}
	orgs, teams := false, false
	for _, o := range p.organizations {
		orgs, teams = orgs || o.team == githubName{}, teams || o.team != githubName{}
	}
	hidden := false // GitHub left something out
	for _, list := range []struct {
		asked bool
		path  string
		match func(body []byte) (bool, error)
	}{{orgs, "/user/memberships/orgs?state=active&", p.inOrganization}, {teams, "/user/teams?", p.inTeam}} {
		if !list.asked {
			continue
		}
		in, err := p.pages(ctx, list.path, token, func(a answer) (bool, error) {
			hidden = hidden || strings.HasPrefix(a.Header.Get("X-GitHub-SSO"), "partial-results")
			return list.match(a.Body)
		})
		switch {
		case err.Status == http.StatusForbidden, err.Status == http.StatusNotFound: // no scope, or single sign-on is enforced
			return ErrNotShown.Because(err.cause)
		case err.cause != nil:
			return err.cause
		case in:
			return nil
		}
	}
	if hidden {
		return ErrNotShown.Becausef("allowed_organizations: GitHub left out those that enforce single sign-on")
	}
	return ErrNotAllowed.Becausef("allowed_organizations: the account is in none of them, or they have not approved the app")
}

func (p *githubProvider) inOrganization(body []byte) (bool, error) {
	var list []githubMembership
	if err := decodeJSON(body, &list); err != nil {
		return false, err
	}
	for _, m := range list {
		for _, o := range p.organizations {
			if m.State == "active" && (o.team == githubName{}) && o.org.is(m.Organization.Login, m.Organization.ID) {
				return true, nil
			}
		}
	}
	return false, nil
}

func (p *githubProvider) inTeam(body []byte) (bool, error) {
	var list []githubTeam
	if err := decodeJSON(body, &list); err != nil {
		return false, err
	}
	for _, t := range list {
		for _, o := range p.organizations {
			if o.team.is(t.Slug, t.ID) && o.org.is(t.Organization.Login, t.Organization.ID) {
				return true, nil
			}
		}
	}
	return false, nil
}

// pageError is why a list could not be read. The zero value: it could.
type pageError struct {
	Status int // of the answer; 0: there was none, or it is not about the status
	cause  error
}

// maxPages bounds how far we look into a list: a thousand addresses or
// organisations are more than an account has.
const maxPages = 10

// pages hands the pages of a list to read until it has found what it looks for.
// path ends with "?" or "&".
func (p *githubProvider) pages(ctx context.Context, path string, token broker.Secret, read func(answer) (bool, error)) (bool, pageError) {
	address := p.api + path + "per_page=100"
	path, _, _ = strings.Cut(path, "?")
	for range maxPages {
		a, err := p.get(ctx, address, token)
		if err != nil {
			return false, pageError{a.Status, err}
		}
		found, err := read(a)
		if err != nil {
			return false, pageError{0, ErrUpstream.Becausef("GET %s: %w", path, err)}
		}
		if found {
			return true, pageError{}
		}
		if address = p.nextPage(path, a.Header.Values("Link")); address == "" {
			break
		}
	}
	return false, pageError{}
}
