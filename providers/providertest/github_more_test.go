package providertest_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/providers/providertest"
)

func TestGitHubEmailPages(t *testing.T) {
	g := startGitHub(t)
	g.ChangeUser(1, func(u *providertest.GitHubUser) { u.Emails = providertest.GitHubEmails(40, "p@example.org") })
	access, _ := ghToken(t, g, g.Visitor(), ghLink(g))
	var list []providertest.GitHubEmail
	status, h, body := say(t, g.Client(), "GET", g.API()+"/user/emails", "", "bearer", access)
	if status != 200 || json.Unmarshal([]byte(body), &list) != nil || len(list) != 30 || !strings.Contains(h.Get("Link"), `rel="next"`) {
		t.Fatalf("%d %s %s", status, h.Get("Link"), body)
	}
	next := h.Get("Link")[1:strings.Index(h.Get("Link"), ">")]
	_, h, body = say(t, g.Client(), "GET", next, "", "bearer", access)
	if json.Unmarshal([]byte(body), &list) != nil || len(list) != 11 || !list[10].Primary || h.Get("Link") != "" {
		t.Errorf("second page: %s %s", h.Get("Link"), body)
	}
}

func TestGitHubOrganisations(t *testing.T) {
	g := startGitHub(t)
	g.AddUser(providertest.GitHubUser{ID: 2, Login: "bob"})
	g.AddOrg(providertest.GitHubOrg{ID: 10, Login: "mine", Members: []int64{1}, Teams: []providertest.GitHubTeam{{ID: 100, Slug: "core", Members: []int64{1}}}})
	g.AddOrg(providertest.GitHubOrg{ID: 11, Login: "closed", Members: []int64{1}, Restricted: true})
	g.AddOrg(providertest.GitHubOrg{ID: 12, Login: "theirs", Members: []int64{2}})
	for i := range 35 {
		g.AddOrg(providertest.GitHubOrg{ID: int64(100 + i), Login: "more", Members: []int64{1}})
	}
	weak, _ := ghToken(t, g, g.Visitor(), ghLink(g))
	access, _ := ghToken(t, g, g.Visitor(), ghLink(g, "scope", "read:org"))
	for _, tt := range []struct {
		path, token string
		want        int
	}{
		{"/orgs/mine/members/ada", access, 204}, {"/orgs/mine/members/bob", access, 404}, {"/orgs/theirs/members/bob", access, 302},
		{"/orgs/closed/members/ada", access, 403}, {"/orgs/nowhere/members/ada", access, 404}, {"/orgs/mine/members/ada", weak, 403},
		{"/user/teams", access, 200}, {"/user/memberships/orgs?state=active", access, 200}, {"/user/teams", weak, 403},
	} {
		status, h, body := say(t, g.Client(), "GET", g.API()+tt.path, "", "bearer", tt.token)
		if status != tt.want {
			t.Errorf("%s: %d %s", tt.path, status, body)
		}
		if strings.HasPrefix(tt.path, "/user/memberships") && (strings.Contains(body, "closed") || strings.Contains(body, "theirs") || !strings.Contains(h.Get("Link"), "next")) {
			t.Errorf("memberships: %s %s", h.Get("Link"), body)
		}
	}
	g.Set(func(s *providertest.GitHubSettings) { s.EnforceSSO = true })
	if status, h, _ := say(t, g.Client(), "GET", g.API()+"/user/teams", "", "bearer", access); status != 403 || !strings.HasPrefix(h.Get("X-GitHub-SSO"), "required; url=") {
		t.Errorf("single sign-on: %d %v", status, h)
	}
}

func TestGitHubGrants(t *testing.T) {
	g := startGitHub(t)
	v := g.Visitor()
	first, _ := ghToken(t, g, v, ghLink(g))
	second, _ := ghToken(t, g, v, ghLink(g))
	body := func(token string) string { return `{"access_token":"` + token + `"}` }
	app := g.API() + "/applications/app"
	for _, tt := range []struct {
		method, path, body, basic string
		want, live                int
	}{
		{"POST", "/token", body(first), "app:s", 200, 2},
		{"POST", "/token", body("x"), "app:s", 404, 2},
		{"DELETE", "/token", body(first), "app:wrong", 401, 2},
		{"DELETE", "/token", body(first), "", 401, 2},
		{"DELETE", "/token", `{}`, "app:s", 422, 2},
		{"DELETE", "/token", `nonsense`, "app:s", 422, 2},
		{"DELETE", "/token", body(first), "app:s", 204, 1},
		{"DELETE", "/token", body(first), "app:s", 404, 1},
		{"DELETE", "/grant", body(first), "app:s", 404, 1},
		{"DELETE", "/grant", body(second), "app:s", 204, 0},
		{"DELETE", "/grant", body(second), "app:s", 404, 0},
	} {
		var pairs []string
		if tt.basic != "" {
			pairs = []string{"basic", tt.basic}
		}
		if status, _, b := say(t, g.Client(), tt.method, app+tt.path, tt.body, pairs...); status != tt.want || g.LiveTokens(1) != tt.live {
			t.Errorf("%+v: %d %s, %d live", tt, status, b, g.LiveTokens(1))
		}
	}
	if u, _ := v.Open(ghLink(g)); u != nil {
		t.Error("the consent outlived the grant")
	}
}

// Ten tokens for a person, app and set of scopes; the eleventh costs the oldest.
func TestGitHubEleventhToken(t *testing.T) {
	g := startGitHub(t)
	v := g.Visitor()
	oldest, _ := ghToken(t, g, v, ghLink(g))
	for range 10 {
		ghToken(t, g, v, ghLink(g))
	}
	other, _ := ghToken(t, g, v, ghLink(g, "scope", "read:user"))
	for token, want := range map[string]int{oldest: 401, other: 200} {
		if status, _, _ := say(t, g.Client(), "GET", g.API()+"/user", "", "bearer", token); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
	if g.LiveTokens(1) != 11 {
		t.Errorf("%d live", g.LiveTokens(1))
	}
}

func TestGitHubExpiry(t *testing.T) {
	g := startGitHub(t)
	g.Register(providertest.GitHubApp{ClientID: "app", Secret: "s", Callbacks: []string{ghCallback}, Expiring: true})
	access, _ := ghToken(t, g, g.Visitor(), ghLink(g))
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{7 * time.Hour, 200}, {2 * time.Hour, 401}} {
		g.Advance(tt.after)
		if status, _, _ := say(t, g.Client(), "GET", g.API()+"/user", "", "bearer", access); status != tt.want {
			t.Errorf("after %s: %d", tt.after, status)
		}
	}
}

func TestGitHubLimits(t *testing.T) {
	g := startGitHub(t)
	access, _ := ghToken(t, g, g.Visitor(), ghLink(g))
	g.Script("/user", providertest.GitHubRateLimit(time.Unix(1800000000, 0)))
	g.Script("/user", providertest.GitHubSecondaryLimit(60))
	status, h, _ := say(t, g.Client(), "GET", g.API()+"/user", "", "bearer", access)
	if status != 403 || h.Get("X-RateLimit-Remaining") != "0" || h.Get("X-RateLimit-Reset") != "1800000000" {
		t.Errorf("%d %v", status, h)
	}
	status, h, body := say(t, g.Client(), "GET", g.API()+"/user", "", "bearer", access)
	if status != 429 || h.Get("Retry-After") != "60" || !strings.Contains(member(t, body, "message"), "secondary") {
		t.Errorf("%d %v %s", status, h, body)
	}
}

// What reaches the token endpoint can be read, raw.
func TestGitHubLog(t *testing.T) {
	g := startGitHub(t)
	raw := url.Values{"client_id": {"app"}, "code": {"a+b"}}.Encode()
	say(t, g.Client(), "POST", g.URL+"/login/oauth/access_token", raw, "X-Mark", "here")
	log := g.Exchanges("/access_token")
	if len(log) != 1 || log[0].Body != raw || log[0].Header.Get("X-Mark") != "here" || log[0].Form().Get("code") != "a+b" || log[0].Method != "POST" {
		t.Errorf("%+v", log)
	}
}
