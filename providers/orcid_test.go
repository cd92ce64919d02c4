package providers

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

const (
	orcidSecretText = "orcid-secret-0123456789"
	sofia           = "0000-0001-2345-6789"
	markX           = "0000-0002-1694-233X"
)

// newORCIDStage starts a fake with a client and two people, and a registry.
func newORCIDStage(t testing.TB, member bool, change ...func(*App)) (*providertest.ORCID, *Registry, *bytes.Buffer) {
	t.Helper()
	o := providertest.NewORCID(t, false)
	o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: orcidSecretText, RedirectURIs: []string{"https://broker.example"}, Member: member})
	o.AddRecord(providertest.ORCIDRecord{ID: sofia, Given: "Sofia", Family: "Example"})
	o.AddRecord(providertest.ORCIDRecord{ID: markX, Given: "Mark"})
	app := App{ID: "orcid", Kind: "orcid", Issuer: o.URL, BaseURL: o.PublicAPI(), ClientID: "APP-1", ClientSecret: orcidSecretText, Member: member}
	if member {
		app.Scopes, app.BaseURL = []string{"openid", "/read-limited"}, o.MemberAPI()
	}
	for _, c := range change {
		c(&app)
	}
	r, log := registryOf(t, app)
	return o, r, log
}

func TestORCIDSignIn(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	p := signIn(t, r, "orcid", o.Visitor(), sofia)
	if p.Provider != "orcid" || p.Issuer != o.URL || p.Subject != sofia || p.Name != "Sofia Example" || p.Username != "" ||
		p.ProfileURL != o.URL+"/"+sofia || p.Email != "" || p.EmailVerified || p.AMR != nil || p.AuthTime.IsZero() {
		t.Errorf("profile %+v", p)
	}
	if string(p.Extra) != `{"full_name":"Sofia Example","orcid":"0000-0001-2345-6789"}` {
		t.Errorf("extra %s", p.Extra)
	}
	tok := p.Tokens[0]
	if len(p.Tokens) != 1 || tok.RefreshToken == "" || tok.IDToken == "" || strings.Join(tok.Scopes, " ") != "openid" || time.Until(tok.ExpiresAt) < 19*365*24*time.Hour {
		t.Errorf("tokens %+v", p.Tokens)
	}
	sent := o.Exchanges("/oauth/token")
	if len(sent) != 1 || sent[0].Form().Has("code_verifier") || sent[0].Form().Get("client_secret") != orcidSecretText || sent[0].Header.Get("Authorization") != "" {
		t.Errorf("token requests %v", sent)
	}
	asked := o.Exchanges("/oauth/authorize")[0].Query
	if asked.Has("code_challenge") || asked.Get("nonce") == "" || asked.Get("scope") != "openid" || asked.Get("show_login") != "true" {
		t.Errorf("authorization request %v", asked)
	}
	if len(o.Exchanges("/oauth/userinfo")) != 0 {
		t.Error("userinfo was asked although the ID token has the names")
	}
}

// The four registries by their real names, over HTTPS.
func TestORCIDRealNames(t *testing.T) {
	for _, tt := range []struct {
		sandbox, member bool
		site, email     string
	}{
		{false, false, "https://orcid.org", "public@example.org"},
		{false, true, "https://orcid.org", "limited@example.org"},
		{true, false, "https://sandbox.orcid.org", "public@example.org"},
		{true, true, "https://sandbox.orcid.org", "limited@example.org"},
	} {
		o := providertest.NewORCIDOrg(t, tt.sandbox)
		o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: orcidSecretText, RedirectURIs: []string{"https://broker.example"}, Member: tt.member})
		o.AddRecord(providertest.ORCIDRecord{ID: sofia, Given: "Sofia", Emails: []providertest.ORCIDEmail{
			{Email: "public@example.org", Visibility: "public", Verified: true},
			{Email: "limited@example.org", Visibility: "limited", Verified: true, Primary: true},
			{Email: "private@example.org", Verified: true},
		}})
		app := App{ID: "orcid", Kind: "orcid", ClientID: "APP-1", ClientSecret: orcidSecretText, Sandbox: tt.sandbox, Member: tt.member}
		if tt.member {
			app.Scopes = []string{"openid", "/read-limited"}
		}
		r, _ := registryOf(t, app)
		p := r.byID["orcid"].provider.(*orcidProvider)
		p.env.client = clientOver(o.Client())
		p.dir = newDirectory(p.app.Issuer, p.env, nil)
		got := signIn(t, r, "orcid", o.Visitor(), sofia)
		if got.Issuer != tt.site || got.Email != tt.email || !got.EmailVerified || got.ProfileURL != tt.site+"/"+sofia {
			t.Errorf("%+v: %+v", tt, got)
		}
		if (len(got.AMR) == 1 && got.AMR[0] == "pwd") != tt.member { // a plain string there
			t.Errorf("%+v: amr %q", tt, got.AMR)
		}
	}
}

func TestORCIDConfiguration(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*App)
		want   string // in the error; "" there is none
		api    string
	}{
		{"public", func(*App) {}, "", "https://pub.orcid.org/v3.0"},
		{"sandbox", func(a *App) { a.Sandbox = true }, "", "https://pub.sandbox.orcid.org/v3.0"},
		{"member", func(a *App) { a.Member, a.Scopes = true, []string{"openid", "/read-limited"} }, "", "https://api.orcid.org/v3.0"},
		{"member who reads no more", func(a *App) { a.Member = true }, "", "https://pub.orcid.org/v3.0"},
		{"sandbox member", func(a *App) { a.Member, a.Sandbox, a.Scopes = true, true, []string{"openid", "/read-limited"} }, "", "https://api.sandbox.orcid.org/v3.0"},
		{"issuer spelled out", func(a *App) { a.Issuer = "https://orcid.org" }, "", "https://pub.orcid.org/v3.0"},
		{"PKCE off", func(a *App) { a.PKCE = PKCEOff }, "", "https://pub.orcid.org/v3.0"},
		{"legacy scope", func(a *App) { a.Scopes = []string{"/authenticate"} }, "use openid", ""},
		{"member scope", func(a *App) { a.Scopes = []string{"openid", "/read-limited"} }, "member: true", ""},
		{"no openid", func(a *App) { a.Member, a.Scopes = true, []string{"/read-limited"} }, "openid", ""},
		{"no secret", func(a *App) { a.ClientSecret = "" }, "client_secret", ""},
		{"basic", func(a *App) { a.AuthStyle = AuthBasic }, "auth_style", ""},
		{"PKCE", func(a *App) { a.PKCE = PKCES256 }, "pkce", ""},
		{"sandbox issuer in production", func(a *App) { a.Issuer = "https://sandbox.orcid.org" }, "sandbox", ""},
		{"issuer with a slash", func(a *App) { a.Issuer = "https://orcid.org/" }, "issuer", ""},
		{"plain API", func(a *App) { a.BaseURL = "http://pub.orcid.org/v3.0" }, "base_url", ""},
	} {
		a := App{ID: "orcid", Kind: "orcid", ClientID: "APP-1", ClientSecret: "s"}
		tt.change(&a)
		r, err := New(Options{Apps: []App{a}, BaseURL: brokerURL})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil && r.byID["orcid"].provider.(*orcidProvider).api != tt.api {
			t.Errorf("%s: API %s", tt.name, r.byID["orcid"].provider.(*orcidProvider).api)
		}
	}
}

func TestORCIDBegin(t *testing.T) {
	o, r, _ := newORCIDStage(t, false, func(a *App) { a.Forward = []string{ForwardPrompt, ForwardLoginHint, ForwardUILocales} })
	for _, tt := range []struct {
		o    broker.BeginOptions
		want url.Values
	}{
		{broker.BeginOptions{}, url.Values{"show_login": {"true"}}},
		{broker.BeginOptions{Prompt: "select_account", LoginHint: sofia, UILocales: "de-CH en"}, url.Values{"prompt": {"login"}, "orcid": {sofia}, "lang": {"de"}}},
		{broker.BeginOptions{Prompt: "login", LoginHint: "sofia@example.org", UILocales: "?"}, url.Values{"prompt": {"login"}, "email": {"sofia@example.org"}}},
	} {
		out, a := begin(t, r, "orcid", "st", tt.o)
		q, _ := url.Parse(out.URL)
		for _, name := range []string{"prompt", "orcid", "email", "lang"} {
			if q.Query().Get(name) != tt.want.Get(name) {
				t.Errorf("%+v: %s = %q", tt.o, name, q.Query().Get(name))
			}
		}
		arrive(t, a, "st", o.Visitor().Allow(t, out.URL, sofia))
	}
}

// A private name is nobody's business; one that only userinfo tells is read there.
func TestORCIDNames(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	o.ChangeRecord(sofia, func(rec *providertest.ORCIDRecord) { rec.NamePrivate = true })
	if p := signIn(t, r, "orcid", o.Visitor(), sofia); p.Name != "" || len(o.Exchanges("/oauth/userinfo")) != 1 {
		t.Errorf("name %q, %d userinfo requests", p.Name, len(o.Exchanges("/oauth/userinfo")))
	}
	if p := signIn(t, r, "orcid", o.Visitor(), markX); p.Name != "Mark" || p.Subject != markX {
		t.Errorf("%q %q", p.Name, p.Subject)
	}
	for name, tt := range map[string]struct {
		trouble providertest.Trouble
		want    *broker.Error
	}{
		"403 with a hyphen": {providertest.Fails(providertest.Failure{Status: 403, Body: `{"error":"access_denied","error-description":"access_token is invalid"}`}), ErrRestart},
		"other sub":         {providertest.Fails(providertest.Failure{Body: `{"sub":"0000-0002-1694-233X","name":"Mark"}`}), ErrUpstream},
		"no JSON":           {providertest.Fails(providertest.Failure{HTML: true}), ErrUpstream},
	} {
		tr := visit(t, r, "orcid", o.Visitor(), sofia)
		o.Script("/oauth/userinfo", tt.trouble)
		_, err := complete(r, tr)
		wantRefusal(t, err, tt.want, orcidSecretText)
		if name == "403 with a hyphen" && !strings.Contains(err.Error(), "access_token is invalid") {
			t.Errorf("%s: the operator reads %v", name, err)
		}
	}
}

func TestORCIDEmail(t *testing.T) {
	list := func(e ...providertest.ORCIDEmail) []providertest.ORCIDEmail { return e }
	for _, tt := range []struct {
		name   string
		emails []providertest.ORCIDEmail
		member bool
		trust  string
		want   string
		proven bool
	}{
		{"none", nil, false, "", "", false},
		{"private", list(providertest.ORCIDEmail{Email: "a@example.org", Verified: true}), true, "", "", false},
		{"public", list(providertest.ORCIDEmail{Email: "A@example.org", Verified: true, Visibility: "public"}), false, "", "a@example.org", true},
		{"unverified", list(providertest.ORCIDEmail{Email: "a@example.org", Visibility: "public"}), false, "", "", false},
		{"limited to the public API", list(providertest.ORCIDEmail{Email: "a@example.org", Verified: true, Visibility: "limited"}), false, "", "", false},
		{"limited to a member", list(providertest.ORCIDEmail{Email: "a@example.org", Verified: true, Visibility: "limited"}), true, "", "a@example.org", true},
		{"primary first", list(providertest.ORCIDEmail{Email: "a@example.org", Verified: true, Visibility: "public"},
			providertest.ORCIDEmail{Email: "b@example.org", Verified: true, Visibility: "public", Primary: true}), false, "", "b@example.org", true},
		{"never trusted", list(providertest.ORCIDEmail{Email: "a@example.org", Verified: true, Visibility: "public"}), false, EmailNever, "a@example.org", false},
	} {
		o, r, _ := newORCIDStage(t, tt.member, func(a *App) { a.EmailTrust = tt.trust })
		o.ChangeRecord(sofia, func(rec *providertest.ORCIDRecord) { rec.Emails = tt.emails })
		p := signIn(t, r, "orcid", o.Visitor(), sofia)
		if p.Email != tt.want || p.EmailVerified != tt.proven {
			t.Errorf("%s: %q, verified %t", tt.name, p.Email, p.EmailVerified)
		}
	}
}

// The registry lists verified addresses alone; should that change, nothing does here.
func TestReadORCIDEmail(t *testing.T) {
	for body, want := range map[string]string{
		`{"email":[{"email":"a@example.org","verified":false,"primary":true}]}`:                                          "",
		`{"email":[{"email":"a@example.org","primary":true}]}`:                                                           "",
		`{"email":[{"email":"a@example.org","verified":null}]}`:                                                          "",
		`{"email":[{"email":"a@example.org","primary":true},{"email":"b@example.org","verified":true}]}`:                 "b@example.org",
		`{"email":[{"email":"a@example.org","verified":true}],"path":"/` + sofia + `/email"}`:                            "a@example.org",
		`{"email":[{"email":"a@example.org","verified":true},{"email":"b@example.org","verified":true,"primary":true}]}`: "b@example.org",
		`{"email":null}`: "",
	} {
		if got, err := readORCIDEmail([]byte(body), sofia); err != nil || got != want {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}

// A wrong check character is refused even where everything agrees on it.
func TestORCIDWrongCheckCharacter(t *testing.T) {
	const wrong = "0000-0001-2345-678X"
	o, r, _ := newORCIDStage(t, false)
	o.Set(func(s *providertest.ORCIDSettings) { s.Claims = func(c map[string]any) { c["sub"] = wrong } })
	tr := visit(t, r, "orcid", o.Visitor(), sofia)
	o.Script("/oauth/token", providertest.Edited(func(body string) string {
		return strings.Replace(body, `"orcid":"`+sofia+`"`, `"orcid":"`+wrong+`"`, 1)
	}))
	o.Script("/email", providertest.Fails(providertest.Failure{Body: `{"email":[]}`}))
	_, err := complete(r, tr)
	wantRefusal(t, err, ErrUpstream)
}

// An e-mail claim in the ID token counts for nothing: ORCID sends none.
func TestORCIDEmailClaim(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	o.Set(func(s *providertest.ORCIDSettings) {
		s.Claims = func(c map[string]any) { c["email"], c["email_verified"] = "victim@example.org", true }
	})
	if p := signIn(t, r, "orcid", o.Visitor(), sofia); p.Email != "" || p.EmailVerified {
		t.Errorf("e-mail %q", p.Email)
	}
}

func TestORCIDRecordStates(t *testing.T) {
	for _, tt := range []struct {
		state string
		want  *broker.Error // nil: success
	}{
		{providertest.StateDeactivated, ErrNotAllowed}, {providertest.StateLocked, ErrNotAllowed}, {providertest.StateUnclaimed, ErrNotAllowed},
		{providertest.StatePrivate, nil}, {"gone", nil},
	} {
		o, r, _ := newORCIDStage(t, false)
		tr := visit(t, r, "orcid", o.Visitor(), sofia)
		o.ChangeRecord(sofia, func(rec *providertest.ORCIDRecord) { rec.State = tt.state })
		_, err := complete(r, tr)
		if tt.want == nil && err != nil {
			t.Errorf("%s: %v", tt.state, err)
		}
		if tt.want != nil {
			wantRefusal(t, err, tt.want)
		}
	}
}

// A record that is merged into another: a sign-in that was under way must not
// bring the other's address, and the next one is another identity.
func TestORCIDDeprecated(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	o.ChangeRecord(markX, func(rec *providertest.ORCIDRecord) {
		rec.Emails = []providertest.ORCIDEmail{{Email: "mark@example.org", Verified: true, Visibility: "public"}}
	})
	before := signIn(t, r, "orcid", o.Visitor(), sofia)
	tr := visit(t, r, "orcid", o.Visitor(), sofia)
	o.ChangeRecord(sofia, func(rec *providertest.ORCIDRecord) { rec.State = providertest.StateDeprecated })
	o.Merge(sofia, markX)
	p, err := complete(r, tr)
	wantRefusal(t, err, ErrRestart)
	if p.Email != "" {
		t.Errorf("the address of another record: %q", p.Email)
	}
	for _, e := range o.Exchanges("/email") {
		if strings.Contains(e.Path, markX) {
			t.Errorf("the redirect was followed to %s", e.Path)
		}
	}
	after := signIn(t, r, "orcid", o.Visitor(), sofia)
	if after.Subject != markX || after.Subject == before.Subject {
		t.Errorf("signed in as %s", after.Subject)
	}
}

func TestORCIDRevoke(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	v := o.Visitor()
	first, second := signIn(t, r, "orcid", v, sofia), signIn(t, r, "orcid", v, sofia)
	ctx := context.Background()
	if err := r.Revoke(ctx, "orcid", first.Tokens); err != nil || o.LiveTokens(sofia) != 1 {
		t.Fatalf("%v, %d live", err, o.LiveTokens(sofia))
	}
	refreshOnly := []broker.RemoteToken{{RefreshToken: second.Tokens[0].RefreshToken}}
	for range 2 { // again is fine
		if err := r.Revoke(ctx, "orcid", refreshOnly); err != nil || o.LiveTokens(sofia) != 0 {
			t.Fatalf("%v, %d live", err, o.LiveTokens(sofia))
		}
	}
	if err := r.Revoke(ctx, "orcid", []broker.RemoteToken{{}}); err != nil {
		t.Error(err)
	}
	o.Register(providertest.ORCIDClient{ID: "APP-1", Secret: "changed"})
	wantRefusal(t, r.Revoke(ctx, "orcid", first.Tokens), ErrMisconfigured, orcidSecretText)
}

func TestORCIDRefresh(t *testing.T) {
	o, r, _ := newORCIDStage(t, false)
	p := signIn(t, r, "orcid", o.Visitor(), sofia)
	provider := r.byID["orcid"].provider
	old := p.Tokens[0].RefreshToken.Reveal()
	tok, err := provider.RefreshToken(old)
	if err != nil || tok.RefreshToken == old || tok.AccessToken == p.Tokens[0].AccessToken.Reveal() || o.LiveTokens(sofia) != 1 {
		t.Fatalf("%+v, %v", tok, err)
	}
	_, err = provider.RefreshToken(old) // ORCID repeats the token in the description
	wantRefusal(t, err, ErrRestart, old, orcidSecretText)
}

func TestValidORCID(t *testing.T) {
	for s, want := range map[string]bool{
		sofia: true, markX: true, "0000-0002-1825-0097": true,
		"0000-0002-1694-2330": false, "0000-0001-2345-678X": false, "0000-0002-1694-233x": false, "000000012345 6789": false,
		"https://orcid.org/0000-0001-2345-6789": false, "0000000123456789": false, "": false, "0000-0001-2345-6789\n": false, "０000-0001-2345-6789": false,
	} {
		if validORCID(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}
