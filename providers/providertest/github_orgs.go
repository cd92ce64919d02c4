package providertest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
)

// GitHubOrg is an organisation with its teams.
type GitHubOrg struct {
	ID         int64
	Login      string
	Members    []int64
	Invited    []int64 // have not accepted: state "pending"
	Teams      []GitHubTeam
	EnforceSSO bool // left out of lists for a session without it, and named in X-GitHub-SSO
	Restricted bool // has not approved the OAuth app: silently absent from lists, 403 elsewhere
}

// GitHubTeam is a team of an organisation.
type GitHubTeam struct {
	ID      int64
	Slug    string
	Members []int64
}

// AddOrg makes an organisation.
func (g *GitHub) AddOrg(o GitHubOrg) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.orgs = append(g.orgs, &o)
}

// readsOrgs refuses tokens without read:org, and every token where single
// sign-on is enforced.
func (g *GitHub) readsOrgs(w http.ResponseWriter, tok *githubToken) bool {
	if !hasGitHubScope(tok.scopes, "read:org") {
		githubFailure(w, http.StatusForbidden, "You need at least read:org scope.")
		return false
	}
	if g.settings.EnforceSSO {
		w.Header().Set("X-GitHub-SSO", "required; url="+g.URL+"/orgs/example/sso?authorization_request=1")
		githubFailure(w, http.StatusForbidden, "Resource protected by organization SAML enforcement.")
		return false
	}
	return true
}

// leftOut tells whether lists are silent about an organisation.
func (g *GitHub) leftOut(w http.ResponseWriter, o *GitHubOrg) bool {
	if o.EnforceSSO {
		w.Header().Set("X-GitHub-SSO", "partial-results; organizations="+strconv.FormatInt(o.ID, 10))
	}
	return o.EnforceSSO || o.Restricted
}

// memberships serves GET /user/memberships/orgs.
func (g *GitHub) memberships(w http.ResponseWriter, r *http.Request, tok *githubToken, u *GitHubUser) {
	if !g.readsOrgs(w, tok) {
		return
	}
	out := []map[string]any{}
	for _, o := range g.orgs {
		state := "active"
		if slices.Contains(o.Invited, u.ID) {
			state = "pending"
		}
		if g.leftOut(w, o) || state != cmp.Or(r.URL.Query().Get("state"), state) {
			continue
		}
		if slices.Contains(o.Members, u.ID) || state == "pending" {
			out = append(out, map[string]any{
				"state": state, "role": "member", "organization": map[string]any{"id": o.ID, "login": o.Login},
			})
		}
	}
	lo, hi := g.page(w, r, len(out))
	writeJSON(w, http.StatusOK, out[lo:hi])
}

// teams serves GET /user/teams.
func (g *GitHub) teams(w http.ResponseWriter, r *http.Request, tok *githubToken, u *GitHubUser) {
	if !g.readsOrgs(w, tok) {
		return
	}
	out := []map[string]any{}
	for _, o := range g.orgs {
		for _, team := range o.Teams {
			if slices.Contains(team.Members, u.ID) && !g.leftOut(w, o) {
				out = append(out, map[string]any{
					"id": team.ID, "slug": team.Slug, "organization": map[string]any{"id": o.ID, "login": o.Login},
				})
			}
		}
	}
	lo, hi := g.page(w, r, len(out))
	writeJSON(w, http.StatusOK, out[lo:hi])
}

// member serves GET /orgs/{org}/members/{login}: 204 a member, 404 not one,
// 302 to the public list where the asker is no member.
func (g *GitHub) member(w http.ResponseWriter, r *http.Request, tok *githubToken, u *GitHubUser) {
	if !g.readsOrgs(w, tok) {
		return
	}
	i := slices.IndexFunc(g.orgs, func(o *GitHubOrg) bool { return o.Login == r.PathValue("org") })
	if i < 0 {
		githubFailure(w, http.StatusNotFound, "Not Found")
		return
	}
	o, asked := g.orgs[i], g.userByLogin(r.PathValue("login"))
	switch {
	case o.Restricted:
		githubFailure(w, http.StatusForbidden, "Although you appear to have the correct authorization credentials, the organization has enabled OAuth App access restrictions.")
	case !slices.Contains(o.Members, u.ID):
		http.Redirect(w, r, g.API()+"/orgs/"+o.Login+"/public_members/"+r.PathValue("login"), http.StatusFound)
	case asked != nil && slices.Contains(o.Members, asked.ID):
		w.WriteHeader(http.StatusNoContent)
	default:
		githubFailure(w, http.StatusNotFound, "Not Found")
	}
}
