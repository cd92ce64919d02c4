package providers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestGitHubCallback(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setUp func(*providertest.GitHub, *providertest.GitHubApp)
		trip  func(t *testing.T, g *providertest.GitHub, r *Registry) trip
		want  *broker.Error // nil: success
	}{
		{name: "iss absent"},
		{name: "iss right", setUp: issuer("/login/oauth")},
		{name: "iss wrong", setUp: func(g *providertest.GitHub, _ *providertest.GitHubApp) {
			g.Set(func(s *providertest.GitHubSettings) { s.Issuer = "https://evil.example/login/oauth" })
		}, want: ErrUpstream},
		{name: "iss like an OpenID issuer", setUp: issuer(""), want: ErrUpstream},
		{name: "iss with a slash", setUp: issuer("/login/oauth/"), want: ErrUpstream},
		{name: "iss empty", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			tr.callback.HasIssuer = true
			return tr
		}, want: ErrUpstream},
		{name: "denied", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			out, a := begin(t, r, "github", "st", broker.BeginOptions{})
			return arrive(t, a, "st", g.Visitor().Deny(t, out.URL, "ada-example"))
		}, want: ErrDenied},
		{name: "suspended", setUp: func(_ *providertest.GitHub, a *providertest.GitHubApp) { a.Suspended = true }, want: ErrMisconfigured},
		{name: "redirect URI not registered", setUp: func(_ *providertest.GitHub, a *providertest.GitHubApp) {
			a.Callbacks = []string{brokerURL + "/oauth/authorized/github/", brokerURL + "/other/"}
		}, trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			out, a := begin(t, r, "github", "st", broker.BeginOptions{})
			link := strings.Replace(out.URL, "authorized%2Fgithub", "authorized%2Felse", 1)
			return arrive(t, a, "st", g.Visitor().Allow(t, link, "ada-example"))
		}, want: ErrMisconfigured},
		{name: "neither code nor error", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			tr.callback.Code = ""
			return tr
		}, want: ErrIncomplete},
		{name: "old server without PKCE", setUp: func(g *providertest.GitHub, _ *providertest.GitHubApp) {
			g.Set(func(s *providertest.GitHubSettings) { s.OldPKCE = true })
		}},
		{name: "unverified account", setUp: func(g *providertest.GitHub, _ *providertest.GitHubApp) {
			g.Set(func(s *providertest.GitHubSettings) { s.RequireVerifiedEmail = true })
			g.ChangeUser(ghID, func(u *providertest.GitHubUser) {
				u.Emails = []providertest.GitHubEmail{{Email: "x@example.org", Primary: true}}
			})
		}, want: ErrUnverified},
		{name: "wrong secret", setUp: func(_ *providertest.GitHub, a *providertest.GitHubApp) { a.Secret = "changed" }, want: ErrMisconfigured},
		{name: "code expired", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			g.Advance(11 * time.Minute)
			return tr
		}, want: ErrRestart},
		{name: "code unknown", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			tr.callback.Code = "guessed"
			return tr
		}, want: ErrRestart},
		{name: "code used before", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			if _, err := complete(r, tr); err != nil {
				t.Fatal(err)
			}
			return tr
		}, want: ErrRestart},
		{name: "code of another session", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			attacker := visit(t, r, "github", g.Visitor(), "ada-example")
			victim := visit(t, r, "github", g.Visitor(), "ada-example")
			victim.callback.Code = attacker.callback.Code // PKCE catches it
			return victim
		}, want: ErrRestart},
		{name: "code of another app", setUp: func(g *providertest.GitHub, _ *providertest.GitHubApp) {
			g.Register(providertest.GitHubApp{ClientID: "other", Secret: "x", Callbacks: []string{brokerURL + "/oauth/authorized/github/"}})
		}, trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			other := g.Visitor().Allow(t, g.URL+"/login/oauth/authorize?client_id=other&scope=user", "ada-example")
			tr.callback.Code = broker.Secret(other.Query().Get("code"))
			return tr
		}, want: ErrRestart},
		{name: "attempt of another client id", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			tr.attempt.ClientID = "before"
			return tr
		}, want: ErrRestart},
		{name: "session garbled", trip: func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			tr.attempt.Session = "{"
			return tr
		}, want: ErrRestart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, r, log := newGitHubStage(t)
			app := providertest.GitHubApp{ClientID: "app", Secret: ghSecret, Callbacks: []string{brokerURL + "/oauth/authorized/github/"}}
			if tt.setUp != nil {
				tt.setUp(g, &app)
				g.Register(app)
			}
			if tt.trip == nil {
				tt.trip = func(t *testing.T, g *providertest.GitHub, r *Registry) trip {
					return visit(t, r, "github", g.Visitor(), "ada-example")
				}
			}
			tr := tt.trip(t, g, r)
			_, err := complete(r, tr)
			if tt.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantRefusal(t, err, tt.want, ghSecret, tr.callback.Code.Reveal())
			wantNoSecret(t, log.String(), ghSecret, tr.callback.Code.Reveal())
			if tt.name != "code used before" && g.DoublePosts() != 0 {
				t.Error("a code was posted twice")
			}
		})
	}
}

func issuer(path string) func(*providertest.GitHub, *providertest.GitHubApp) {
	return func(g *providertest.GitHub, _ *providertest.GitHubApp) {
		g.Set(func(s *providertest.GitHubSettings) { s.Issuer = g.URL + path })
	}
}

// A code is posted once, whatever happens to the answer.
func TestGitHubTokenEndpointTroubles(t *testing.T) {
	for name, tt := range map[string]struct {
		trouble providertest.Trouble
		want    *broker.Error
	}{
		"500":               {providertest.Fails(providertest.Failure{Status: 500, HTML: true}), ErrUnavailable},
		"502":               {providertest.Fails(providertest.Failure{Status: 502, HTML: true}), ErrUnavailable},
		"503":               {providertest.Fails(providertest.Failure{Status: 503, HTML: true, Header: map[string]string{"Retry-After": "1"}}), ErrUnavailable},
		"slow":              {providertest.Fails(providertest.Failure{Delay: 5 * time.Second}), ErrUnavailable},
		"connection broken": {providertest.Fails(providertest.Failure{Reset: true}), ErrUnavailable},
		"too large":         {providertest.Fails(providertest.Failure{Huge: true}), ErrUpstream},
		"HTML":              {providertest.Fails(providertest.Failure{HTML: true}), ErrUpstream},
		"truncated":         {providertest.Fails(providertest.Failure{Truncate: true}), ErrUpstream},
		"redirect":          {providertest.Fails(providertest.Failure{Redirect: "https://evil.example/"}), ErrUpstream},
		"not a token":       {providertest.Fails(providertest.Failure{Body: `{"hello":"world"}`}), ErrUpstream},
		"list":              {providertest.Fails(providertest.Failure{Body: `[]`}), ErrUpstream},
		"token twice":       {providertest.Fails(providertest.Failure{Body: `{"access_token":"a","access_token":"b","token_type":"bearer"}`}), ErrUpstream},
		"token type mac":    {providertest.Fails(providertest.Failure{Body: `{"access_token":"a","token_type":"mac"}`}), ErrUpstream},
		"unknown error":     {providertest.Fails(providertest.Failure{Body: `{"error":"surprise"}`}), ErrUpstream},
		"form answer": {providertest.Fails(providertest.Failure{
			ContentType: "application/x-www-form-urlencoded", Body: "access_token=x&token_type=bearer"}), ErrUpstream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, r, _ := newGitHubStage(t)
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			g.Script("/access_token", tt.trouble)
			_, err := complete(r, tr)
			wantRefusal(t, err, tt.want, ghSecret, tr.callback.Code.Reveal())
			if n := len(g.Exchanges("/access_token")); n != 1 {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

func TestGitHubAPITroubles(t *testing.T) {
	fails := func(f providertest.Failure) []providertest.Trouble {
		return []providertest.Trouble{providertest.Fails(f), providertest.Fails(f)}
	}
	for name, tt := range map[string]struct {
		path     string
		troubles []providertest.Trouble
		want     *broker.Error // nil: success
	}{
		"one 502 is tried again": {"/user", fails(providertest.Failure{Status: 502})[:1], nil},
		"two 503":                {"/user", fails(providertest.Failure{Status: 503}), ErrUnavailable},
		"slow":                   {"/user", fails(providertest.Failure{Delay: 5 * time.Second})[:1], ErrUnavailable},
		"too large":              {"/user", fails(providertest.Failure{Huge: true}), ErrUpstream},
		"HTML":                   {"/user", fails(providertest.Failure{HTML: true}), ErrUpstream},
		"truncated":              {"/user", fails(providertest.Failure{Truncate: true}), ErrUpstream},
		"wrong content type":     {"/user", fails(providertest.Failure{ContentType: "text/plain", Body: `{"id":1,"login":"x","type":"User"}`}), ErrUpstream},
		"elsewhere":              {"/user", fails(providertest.Failure{Redirect: "https://evil.example/user"}), ErrUpstream},
		"401":                    {"/user", fails(providertest.Failure{Status: 401, Body: `{"message":"Bad credentials"}`}), ErrRestart},
		"403":                    {"/user", fails(providertest.Failure{Status: 403, Body: `{"message":"Forbidden"}`}), ErrUpstream},
		"rate limit":             {"/user", []providertest.Trouble{providertest.GitHubRateLimit(time.Now())}, ErrUnavailable},
		"secondary limit":        {"/user", []providertest.Trouble{providertest.GitHubSecondaryLimit(60)}, ErrUnavailable},
		"id a string":            {"/user", fails(providertest.Failure{Body: `{"id":"1","login":"x","type":"User"}`}), ErrUpstream},
		"id a float":             {"/user", fails(providertest.Failure{Body: `{"id":1.5,"login":"x","type":"User"}`}), ErrUpstream},
		"id with an exponent":    {"/user", fails(providertest.Failure{Body: `{"id":1e3,"login":"x","type":"User"}`}), ErrUpstream},
		"id negative":            {"/user", fails(providertest.Failure{Body: `{"id":-1,"login":"x","type":"User"}`}), ErrUpstream},
		"id zero":                {"/user", fails(providertest.Failure{Body: `{"id":0,"login":"x","type":"User"}`}), ErrUpstream},
		"id missing":             {"/user", fails(providertest.Failure{Body: `{"login":"x","type":"User"}`}), ErrUpstream},
		"id twice":               {"/user", fails(providertest.Failure{Body: `{"id":1,"id":2,"type":"User"}`}), ErrUpstream},
		"ID beside id":           {"/user", fails(providertest.Failure{Body: `{"id":1,"ID":2,"type":"User"}`}), ErrUpstream},
		"type missing":           {"/user", fails(providertest.Failure{Body: `{"id":1,"login":"x"}`}), ErrNotAllowed},
		"e-mails down":           {"/user/emails", fails(providertest.Failure{Status: 503}), ErrUnavailable},
		"e-mails limited":        {"/user/emails", []providertest.Trouble{providertest.GitHubRateLimit(time.Now())}, ErrUnavailable},
		"e-mails an object":      {"/user/emails", fails(providertest.Failure{Body: `{"email":"a@example.org"}`}), ErrUpstream},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, r, log := newGitHubStage(t)
			tr := visit(t, r, "github", g.Visitor(), "ada-example")
			for _, one := range tt.troubles {
				g.Script(tt.path, one)
			}
			p, err := complete(r, tr)
			if tt.want == nil {
				if err != nil || p.Subject != "9900112" {
					t.Fatalf("%+v, %v", p, err)
				}
				return
			}
			wantRefusal(t, err, tt.want, ghSecret)
			wantNoSecret(t, log.String(), ghSecret)
			if n := g.LiveTokens(ghID); n != 0 {
				t.Errorf("%d tokens of a refused sign-in live on", n)
			}
		})
	}
}

// A refused sign-in must not end the tokens of an earlier one.
func TestGitHubRefusalKeepsEarlierGrant(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	v := g.Visitor()
	signIn(t, r, "github", v, "ada-example")
	tr := visit(t, r, "github", v, "ada-example")
	g.Script("/user", providertest.Fails(providertest.Failure{HTML: true}))
	if _, err := complete(r, tr); err == nil {
		t.Fatal("no error")
	}
	if n := g.LiveTokens(ghID); n != 1 {
		t.Errorf("%d tokens live, want the earlier one", n)
	}
}

// A login is not an identity: it can be renamed, and taken by somebody else.
func TestGitHubRenamedLogin(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	before := signIn(t, r, "github", g.Visitor(), "ada-example")
	g.ChangeUser(ghID, func(u *providertest.GitHubUser) { u.Login = "ada-renamed" })
	g.AddUser(providertest.GitHubUser{ID: 9900113, Login: "ada-example", Name: "Ada Example", Emails: githubAda.Emails})
	after := signIn(t, r, "github", g.Visitor(), "ada-renamed")
	thief := signIn(t, r, "github", g.Visitor(), "ada-example")
	if before.Subject != after.Subject || after.Username != "ada-renamed" {
		t.Errorf("%q became %q (%q)", before.Subject, after.Subject, after.Username)
	}
	if thief.Subject == before.Subject {
		t.Error("the new owner of a login is the old one")
	}
}

func TestGitHubAccounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		user providertest.GitHubUser
		want *broker.Error
		sub  string
	}{
		{"beyond 2^53", providertest.GitHubUser{ID: 9007199254740993, Login: "big"}, nil, "9007199254740993"},
		{"bot", providertest.GitHubUser{ID: 5, Login: "big", Type: "Bot"}, ErrNotAllowed, ""},
		{"organisation", providertest.GitHubUser{ID: 6, Login: "big", Type: "Organization"}, ErrNotAllowed, ""},
	} {
		g, r, _ := newGitHubStage(t)
		g.AddUser(tt.user)
		p, err := complete(r, visit(t, r, "github", g.Visitor(), "big"))
		if tt.want != nil {
			wantRefusal(t, err, tt.want)
			if n := g.LiveTokens(tt.user.ID); n != 0 {
				t.Errorf("%s: %d tokens live on", tt.name, n)
			}
			continue
		}
		if err != nil || p.Subject != tt.sub || p.Name != "" || p.Email != "" || string(p.Extra) != fmt.Sprintf(`{"id":%s,"login":"big"}`, tt.sub) {
			t.Errorf("%s: %+v, %v", tt.name, p, err)
		}
	}
}

func TestGitHubDeletedBetween(t *testing.T) {
	g, r, _ := newGitHubStage(t)
	tr := visit(t, r, "github", g.Visitor(), "ada-example")
	g.Script("/access_token", func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) {
		answer(w, req)
		g.DeleteUser(ghID)
	})
	_, err := complete(r, tr)
	wantRefusal(t, err, ErrRestart)
}

func TestGitHubBegin(t *testing.T) {
	g, r, _ := newGitHubStage(t, func(a *App) {
		a.AuthParams, a.Forward = map[string]string{"allow_signup": "false"}, []string{ForwardLoginHint}
	})
	long := strings.Repeat("a+/%é", 300)
	for _, o := range []broker.BeginOptions{{}, {Prompt: "login", LoginHint: "ada-example", UILocales: "de"}} {
		out, a := begin(t, r, "github", long, o)
		arrive(t, a, long, g.Visitor().Allow(t, out.URL, "ada-example"))
		e := g.Exchanges("/authorize")
		q := e[len(e)-1].Query
		if q.Get("allow_signup") != "false" || q.Get("login") != o.LoginHint || q.Has("nonce") || q.Get("code_challenge_method") != "S256" ||
			(q.Get("prompt") == "select_account") != (o.Prompt != "") || strings.Contains(out.Session.Reveal(), long) {
			t.Errorf("%+v: %v", o, q)
		}
	}
	if _, err := r.Begin(context.Background(), "gitlab", "s", broker.BeginOptions{}); err == nil {
		t.Error("an unknown provider begins")
	}
}
