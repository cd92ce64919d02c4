package providers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func inOrganizations(entries ...string) func(*App) {
	return func(a *App) { a.AllowedOrganizations = entries }
}

// TestGitHubOrganizations: membership, private too, of an organisation or a team;
// neither an invitation nor a name alone will do.
func TestGitHubOrganizations(t *testing.T) {
	const other = ghID + 1
	orgs := []providertest.GitHubOrg{
		{ID: 10, Login: "Example", Members: []int64{ghID}, Teams: []providertest.GitHubTeam{{ID: 100, Slug: "core", Members: []int64{ghID}}, {ID: 101, Slug: "board"}}},
		{ID: 11, Login: "theirs", Members: []int64{other}, Teams: []providertest.GitHubTeam{{ID: 110, Slug: "core", Members: []int64{other}}}},
		{ID: 12, Login: "inviting", Invited: []int64{ghID}},
		{ID: 13, Login: "closed", Members: []int64{ghID}, Restricted: true},
		{ID: 14, Login: "strict", Members: []int64{ghID}, EnforceSSO: true},
	}
	for _, tt := range []struct {
		rule string
		want *broker.Error // nil they come in
	}{
		{"example", nil}, {"EXAMPLE", nil}, {"id:10", nil}, {"theirs example", nil}, {"example/core", nil}, {"example/id:100", nil}, {"id:10/core", nil}, {"theirs/core example/core", nil},
		{"theirs", ErrNotShown}, {"example/board", ErrNotAllowed}, {"theirs/core", ErrNotAllowed}, {"id:10/id:110", ErrNotAllowed}, {"example/100", ErrNotAllowed},
		{"inviting", ErrNotShown}, {"closed", ErrNotShown}, {"strict", ErrNotShown}, {"10", ErrNotShown}, {"id:1", ErrNotShown}, {"id:100", ErrNotShown},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			g, r, _ := newGitHubStage(t, inOrganizations(strings.Fields(tt.rule)...))
			for _, o := range orgs {
				g.AddOrg(o)
			}
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			p, err := complete(r, tr)
			if tt.want == nil {
				if err != nil || p.Subject != "9900112" || p.Email != "ada@example.org" {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantRefusal(t, err, tt.want)
			if n := g.LiveTokens(ghID); n != 0 {
				t.Errorf("%d tokens of the refused account live on", n)
			}
		})
	}
}

// TestGitHubOrganizationsHiddenFromUs: without single sign-on in play the answer is
// a plain no, and who withholds the scope is told so.
func TestGitHubOrganizationsHiddenFromUs(t *testing.T) {
	mine := providertest.GitHubOrg{ID: 10, Login: "example", Members: []int64{ghID}}
	for name, tt := range map[string]struct {
		org    providertest.GitHubOrg
		change func(*providertest.GitHub)
		pairs  []string
		want   *broker.Error
	}{
		"a stranger":            {providertest.GitHubOrg{ID: 10, Login: "example"}, nil, nil, ErrNotAllowed},
		"an invitation":         {providertest.GitHubOrg{ID: 10, Login: "example", Invited: []int64{ghID}}, nil, nil, ErrNotAllowed},
		"app not approved":      {providertest.GitHubOrg{ID: 10, Login: "example", Members: []int64{ghID}, Restricted: true}, nil, nil, ErrNotAllowed},
		"scope withheld":        {mine, nil, []string{"grant", "read:user"}, ErrNotShown},
		"single sign-on":        {mine, func(g *providertest.GitHub) { g.Set(func(s *providertest.GitHubSettings) { s.EnforceSSO = true }) }, nil, ErrNotShown},
		"another took the name": {providertest.GitHubOrg{ID: 66, Login: "example", Members: []int64{ghID}}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rule := "example"
			if tt.want == nil { // whoever knows that names move writes the number
				rule, tt.want = "id:10", ErrNotAllowed
			}
			g, r, _ := newGitHubStage(t, inOrganizations(rule))
			g.AddOrg(tt.org)
			if tt.change != nil {
				tt.change(g)
			}
			_, err := complete(r, visit(t, r, "github", g.Visitor(), "ada-example", tt.pairs...))
			wantRefusal(t, err, tt.want)
		})
	}
}

// TestGitHubInvitationIsNoMembership, also from a server that takes no notice of
// "state=active".
func TestGitHubInvitationIsNoMembership(t *testing.T) {
	g, r, _ := newGitHubStage(t, inOrganizations("example"))
	g.Script("/user/memberships/orgs", providertest.Fails(providertest.Failure{Body: `[{"state":"pending","organization":{"id":10,"login":"example"}}]`}))
	_, err := complete(r, visit(t, r, "github", g.Visitor(), "ada-example"))
	wantRefusal(t, err, ErrNotAllowed)
}

// TestGitHubAsksForOrganizations: read:org is asked for where it is needed, and
// for that alone.
func TestGitHubAsksForOrganizations(t *testing.T) {
	for rule, want := range map[string]string{"": "read:user user:email", "example": "read:user user:email read:org"} {
		_, r, _ := newGitHubStage(t, inOrganizations(strings.Fields(rule)...), func(a *App) {
			if rule == "" {
				a.AllowedOrganizations = nil
			}
		})
		out, _ := begin(t, r, "github", "st", broker.BeginOptions{})
		to, err := url.Parse(out.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Query().Get("scope"); got != want {
			t.Errorf("%q: scope %q, want %q", rule, got, want)
		}
	}
}

// TestGitHubManyOrganizations: the right one on a late page is found, and a list
// without end is not followed without end.
func TestGitHubManyOrganizations(t *testing.T) {
	g, r, _ := newGitHubStage(t, inOrganizations("last"))
	for i := range 150 {
		g.AddOrg(providertest.GitHubOrg{ID: int64(1000 + i), Login: fmt.Sprint("org", i), Members: []int64{ghID}})
	}
	g.AddOrg(providertest.GitHubOrg{ID: 9, Login: "last", Members: []int64{ghID}})
	signIn(t, r, "github", g.Visitor(), "ada-example")
	if n := len(g.Exchanges("/user/memberships/orgs")); n != 2 {
		t.Errorf("%d pages asked for", n)
	}

	g, r, _ = newGitHubStage(t, inOrganizations("nowhere"))
	endless := func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Link", "<"+g.API()+`/user/memberships/orgs?page=2>; rel="next"`)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]"))
	}
	for range maxPages + 5 {
		g.Script("/user/memberships/orgs", endless)
	}
	_, err := complete(r, visit(t, r, "github", g.Visitor(), "ada-example"))
	wantRefusal(t, err, ErrNotAllowed)
	if n := len(g.Exchanges("/user/memberships/orgs")); n != maxPages {
		t.Errorf("%d pages asked for, want %d", n, maxPages)
	}
}

func FuzzGitHubOrganizations(f *testing.F) {
	for _, s := range []string{
		`[{"state":"active","organization":{"id":10,"login":"example"}}]`, `[{"state":"pending","organization":{"id":10,"login":"example"}}]`,
		`[{"id":100,"slug":"core","organization":{"id":10,"login":"example"}}]`, `[{"organization":{"id":"10"}}]`, `[{}]`, `null`, `{}`, `[{"slug":"core","organization":null}]`,
	} {
		f.Add([]byte(s))
	}
	none := &githubProvider{organizations: []organization{{}}} // must match nothing
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, in := range []func([]byte) (bool, error){none.inOrganization, none.inTeam} {
			if found, _ := in(body); found {
				t.Errorf("%s is in the organisation without a name", body)
			}
		}
	})
}

// TestGlobusGroups: an active membership of an allowed group, shown by Globus.
func TestGlobusGroups(t *testing.T) {
	const wanted, another = "5fd0a8a5-0000-4000-8000-000000000001", "5fd0a8a5-0000-4000-8000-000000000002"
	for name, tt := range map[string]struct {
		memberships map[string]string
		trouble     providertest.Trouble
		want        *broker.Error
	}{
		"a member":       {map[string]string{wanted: "active", another: "active"}, nil, nil},
		"of another":     {map[string]string{another: "active"}, nil, ErrNotAllowed},
		"of none":        {map[string]string{}, nil, ErrNotAllowed},
		"invited":        {map[string]string{wanted: "invited"}, nil, ErrNotAllowed},
		"left":           {map[string]string{wanted: "left"}, nil, ErrNotAllowed},
		"not shown":      {nil, providertest.Fails(providertest.Failure{Status: 403, Body: `{"errors":[]}`}), ErrNotShown},
		"no list":        {nil, providertest.Fails(providertest.Failure{Status: 200, Body: `{"groups":[]}`}), ErrUpstream},
		"groups down":    {nil, providertest.Fails(providertest.Failure{Status: 500, Body: `{}`}), ErrUnavailable},
		"nothing at all": {nil, providertest.Fails(providertest.Failure{Status: 200, Body: ` `}), ErrUpstream},
	} {
		t.Run(name, func(t *testing.T) {
			g, r, _ := newGlobusStage(t, func(a *App, _ *providertest.GlobusClient) { a.AllowedGroups = []string{wanted} })
			r.byID["globus"].provider.(*globusProvider).app.BaseURL = g.GroupsAPI()
			g.Set(func(s *providertest.GlobusSettings) { s.Memberships = tt.memberships })
			if tt.trouble != nil {
				g.Script("/my_groups", tt.trouble)
			}
			p, err := complete(r, visit(t, r, "globus", g.Visitor(), jane))
			if tt.want == nil {
				if err != nil || p.Subject != jane || !strings.Contains(strings.Join(r.byID["globus"].app.Scopes, " "), globusViewGroups) {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantRefusal(t, err, tt.want)
			if n := g.LiveTokens(jane); n != 0 {
				t.Errorf("%d tokens of the refused account live on", n)
			}
		})
	}
}

// TestGlobusIdentityProviders: whoever vouches for the identity must be allowed.
func TestGlobusIdentityProviders(t *testing.T) {
	for idp, want := range map[string]*broker.Error{university: nil, orcidIdP: ErrNotAllowed} {
		g, r, _ := newGlobusStage(t, func(a *App, _ *providertest.GlobusClient) { a.AllowedIdentityProviders = []string{idp} })
		_, err := complete(r, visit(t, r, "globus", g.Visitor(), jane))
		if want == nil && err != nil || want != nil && (err == nil || !strings.Contains(err.Error(), "allowed_identity_providers")) {
			t.Errorf("%s: %v", idp, err)
		}
	}
}
