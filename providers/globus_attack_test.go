package providers

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestGlobusCallback(t *testing.T) {
	set := func(change func(*providertest.GlobusSettings)) func(*providertest.Globus) {
		return func(g *providertest.Globus) { g.Set(change) }
	}
	claim := func(name string, value any) func(*providertest.Globus) {
		return set(func(s *providertest.GlobusSettings) { s.Claims = func(c map[string]any) { c[name] = value } })
	}
	info := func(name string, value any) func(*providertest.Globus) {
		return set(func(s *providertest.GlobusSettings) { s.UserInfo = func(c map[string]any) { c[name] = value } })
	}
	for _, tt := range []struct {
		name  string
		setUp func(*providertest.Globus)
		trip  func(t *testing.T, g *providertest.Globus, r *Registry) trip
		want  *broker.Error // nil: success
	}{
		{name: "ordinary"},
		{name: "nonce missing", setUp: set(func(s *providertest.GlobusSettings) { s.NoNonce = true }), want: ErrUpstream},
		{name: "nonce wrong", setUp: claim("nonce", "another"), want: ErrUpstream},
		{name: "iss of the ID token", setUp: claim("iss", "https://auth.globus.example"), want: ErrUpstream},
		{name: "audience", setUp: claim("aud", "another"), want: ErrUpstream},
		{name: "at_hash", setUp: claim("at_hash", strings.Repeat("A", 43)), want: ErrUpstream},
		{name: "sub no UUID", setUp: claim("sub", "jane@example.edu"), want: ErrUpstream},
		{name: "expired", setUp: claim("exp", 1), want: ErrUpstream},
		{name: "userinfo of somebody else", setUp: info("sub", janeAtORCID), want: ErrUpstream},
		{name: "userinfo about another issuer", setUp: info("iss", "https://evil.example")},
		{name: "e-mail null", setUp: set(func(s *providertest.GlobusSettings) {
			s.Claims = func(c map[string]any) { c["email"] = nil }
			s.UserInfo = s.Claims
		})},
		{name: "identity_set of another form", setUp: info("identity_set", "none")},
		{name: "iss of the callback", setUp: set(func(s *providertest.GlobusSettings) { s.Issuer = "https://evil.example" }), want: ErrUpstream},
		{name: "iss of the callback right", setUp: func(g *providertest.Globus) {
			g.Set(func(s *providertest.GlobusSettings) { s.Issuer = g.URL })
		}},
		{name: "wrong secret", setUp: func(g *providertest.Globus) {
			c, _ := globusPeople()
			c.Secret = "changed"
			g.Register(c)
		}, want: ErrMisconfigured},
		{name: "denied", trip: func(t *testing.T, g *providertest.Globus, r *Registry) trip {
			out, a := begin(t, r, "globus", "st", broker.BeginOptions{})
			return arrive(t, a, "st", g.Visitor().Deny(t, out.URL, jane))
		}, want: ErrDenied},
		{name: "code expired", trip: func(t *testing.T, g *providertest.Globus, r *Registry) trip {
			tr := visit(t, r, "globus", g.Visitor(), jane)
			g.Advance(11 * time.Minute)
			return tr
		}, want: ErrRestart},
		{name: "code used before", trip: func(t *testing.T, g *providertest.Globus, r *Registry) trip {
			tr := visit(t, r, "globus", g.Visitor(), jane)
			if _, err := complete(r, tr); err != nil {
				t.Fatal(err)
			}
			return tr
		}, want: ErrRestart},
		{name: "code of another session", trip: func(t *testing.T, g *providertest.Globus, r *Registry) trip {
			attacker, victim := visit(t, r, "globus", g.Visitor(), jane), visit(t, r, "globus", g.Visitor(), jane)
			victim.callback.Code = attacker.callback.Code // PKCE catches it
			return victim
		}, want: ErrRestart},
		{name: "identity closed meanwhile", trip: func(t *testing.T, g *providertest.Globus, r *Registry) trip {
			tr := visit(t, r, "globus", g.Visitor(), jane)
			g.ChangeIdentity(jane, func(i *providertest.GlobusIdentity) { i.Closed = true })
			return tr
		}, want: ErrUpstream},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, r, log := newGlobusStage(t)
			if tt.setUp != nil {
				tt.setUp(g)
			}
			if tt.trip == nil {
				tt.trip = func(t *testing.T, g *providertest.Globus, r *Registry) trip {
					return visit(t, r, "globus", g.Visitor(), jane)
				}
			}
			tr := tt.trip(t, g, r)
			p, err := complete(r, tr)
			if tt.want == nil {
				if err != nil || p.Subject != jane || p.Issuer != g.URL || (p.Email == "") != (tt.name == "e-mail null") {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantRefusal(t, err, tt.want, globusSecretText, tr.callback.Code.Reveal())
			wantNoSecret(t, log.String(), globusSecretText, tr.callback.Code.Reveal())
			if n := len(g.Exchanges("/oauth2/token")); n != 1 && tt.name != "code used before" && tt.name != "denied" && tt.name != "iss of the callback" {
				t.Errorf("%d token requests", n)
			}
			if tt.name != "code used before" && g.LiveTokens(jane) != 0 {
				t.Error("tokens of a refused sign-in live on")
			}
		})
	}
}

func TestGlobusForgedIDTokens(t *testing.T) {
	for _, how := range providertest.Forgeries {
		g, r, _ := newGlobusStage(t, withGroups)
		g.Set(func(s *providertest.GlobusSettings) { s.Forge = how })
		_, err := complete(r, visit(t, r, "globus", g.Visitor(), jane))
		wantRefusal(t, err, ErrUpstream)
		if g.LiveTokens(jane) != 0 {
			t.Errorf("%s: tokens of a refused sign-in live on", how)
		}
	}
}

func TestGlobusTroubles(t *testing.T) {
	edit := func(from, to string) providertest.Trouble {
		return providertest.Edited(func(body string) string { return strings.Replace(body, from, to, 1) })
	}
	fails := providertest.Fails
	for name, tt := range map[string]struct {
		path    string
		trouble providertest.Trouble
		want    *broker.Error // nil: success
	}{
		"token 503":               {"/oauth2/token", fails(providertest.Failure{Status: 503}), ErrUnavailable},
		"token 429":               {"/oauth2/token", fails(providertest.Failure{Status: 429, Header: map[string]string{"Retry-After": "1"}}), ErrUnavailable},
		"token slow":              {"/oauth2/token", fails(providertest.Failure{Delay: 5 * time.Second}), ErrUnavailable},
		"token broken":            {"/oauth2/token", fails(providertest.Failure{Reset: true}), ErrUnavailable},
		"token huge":              {"/oauth2/token", fails(providertest.Failure{Huge: true}), ErrUpstream},
		"token HTML":              {"/oauth2/token", fails(providertest.Failure{HTML: true}), ErrUpstream},
		"token redirect":          {"/oauth2/token", fails(providertest.Failure{Redirect: "https://evil.example/"}), ErrUpstream},
		"no resource server":      {"/oauth2/token", edit(`"resource_server"`, `"x"`), ErrUpstream},
		"another resource server": {"/oauth2/token", edit(`"auth.globus.org"`, `"transfer.api.globus.org"`), ErrUpstream},
		"two for one server":      {"/oauth2/token", edit(`"groups.api.globus.org"`, `"auth.globus.org"`), ErrUpstream},
		"other_tokens an object":  {"/oauth2/token", edit(`"other_tokens":[`, `"other_tokens":{"x":1},"y":[`), ErrUpstream},
		"other_tokens null":       {"/oauth2/token", edit(`"other_tokens":[`, `"other_tokens":null,"y":[`), nil},
		"userinfo 503 once":       {"/userinfo", fails(providertest.Failure{Status: 503}), nil},
		"userinfo 500":            {"/userinfo", fails(providertest.Failure{Status: 500}), ErrUnavailable},
		"userinfo 401":            {"/userinfo", fails(providertest.Failure{Status: 401, Body: `{"errors":[{"code":"UNAUTHORIZED"}],"error":"unauthorized"}`}), ErrUpstream},
		"userinfo HTML":           {"/userinfo", fails(providertest.Failure{HTML: true}), ErrUpstream},
		"keys down":               {"/jwk.json", fails(providertest.Failure{Status: 500}), ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, r, _ := newGlobusStage(t, withGroups)
			tr := visit(t, r, "globus", g.Visitor(), jane)
			g.Script(tt.path, tt.trouble)
			_, err := complete(r, tr)
			if n := len(g.Exchanges("/oauth2/token")); n != 1 {
				t.Errorf("%d token requests", n)
			}
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefusal(t, err, tt.want, globusSecretText, tr.callback.Code.Reveal())
		})
	}
}

// A requirement on the session that the person does not meet comes back as an
// error; the parameters go out as configured.
func TestGlobusSessionRequirements(t *testing.T) {
	g, r, _ := newGlobusStage(t, func(a *App, _ *providertest.GlobusClient) {
		a.AuthParams = map[string]string{"session_required_single_domain": "example.edu", "session_message": "Use your university's account"}
	})
	signIn(t, r, "globus", g.Visitor(), jane)
	if q := g.Exchanges("/authorize")[0].Query; q.Get("session_required_single_domain") != "example.edu" || q.Get("session_message") == "" {
		t.Errorf("authorization request %v", q)
	}
	_, err := complete(r, visit(t, r, "globus", g.Visitor(), janeAtORCID))
	wantRefusal(t, err, ErrDenied)
}
