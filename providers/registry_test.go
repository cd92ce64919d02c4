package providers

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/markbates/goth"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func TestNewReportsEverythingAtOnce(t *testing.T) {
	_, err := New(Options{BaseURL: "broker.example", Apps: []App{
		{ID: "Bad Id", Kind: "oidc", ClientID: "c", Issuer: "https://op.example"},
		{ID: "a", Kind: "nosuch", ClientID: "c"},
		{ID: "b", Kind: "oidc", Issuer: "https://op.example"},
		{ID: "c", Kind: "oidc", ClientID: "c", Issuer: "http://op.example"},
		{ID: "d", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", EmailTrust: "sometimes", AuthStyle: "jwt", PKCE: "plain", IssuerParam: "maybe"},
		{ID: "e", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", AuthStyle: AuthBasic},
		{ID: "f", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", AuthParams: map[string]string{"state": "x"}},
		{ID: "g", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", Scopes: []string{"email"}},
		{ID: "h", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", Scopes: []string{"openid email"}},
		{ID: "i", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", AllowedRoles: []string{"staff"}},
		{ID: "j", Kind: "oidc", ClientID: "c", Issuer: "https://user:hunter2@op.example"},
		{ID: "k", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", ClientSecret: "hunter2"},
		{ID: "k", Kind: "oidc", ClientID: "c", Issuer: "https://op.example"},
		{ID: "l", Kind: "oidc", ClientID: "c"},
	}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"base URL", `"Bad Id"): id`, `"a"): kind: "nosuch": known kinds are`, `"b"): client_id: missing`, `"c"): issuer: `, "does not begin with https",
		`email_trust: "sometimes"`, `auth_style: "jwt"`, `pkce: "plain"`, `issuer_param: "maybe"`, `"e"): client_secret: missing`,
		`"f"): auth_params: "state"`, `"g"): scopes: add openid`, `"h"): scopes: "openid email"`, `"i"): allowed_roles`, `"j"): issuer: the URL holds a user name`,
		"provider 13", "another provider has it", `"l"): issuer`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a secret is told")
	}
}

func TestProviders(t *testing.T) {
	r, err := New(Options{BaseURL: testBase, Apps: []App{
		{ID: "b", Kind: "oidc", ClientID: "c", Issuer: "https://op.example", Title: "Example", Icon: "star", SignUp: broker.SignUpNo},
		{ID: "a", Kind: "cern", ClientID: "c", Hidden: true, LinkOnly: true},
		{ID: "k", Kind: "keycloak", ClientID: "c", Issuer: "https://sso.example/realms/main"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []broker.Provider{
		{ID: "b", Kind: "oidc", Title: "Example", Icon: "star", Issuer: "https://op.example", SignUp: broker.SignUpNo},
		{ID: "a", Kind: "cern", Title: "CERN", Icon: "cern", Issuer: "https://auth.cern.ch/auth/realms/cern", Hidden: true, LinkOnly: true},
		{ID: "k", Kind: "keycloak", Title: "Keycloak", Icon: "openid", Issuer: "https://sso.example/realms/main"},
	}
	for i, got := range r.Providers() {
		if got != want[i] {
			t.Errorf("%+v, want %+v", got, want[i])
		}
		if one, ok := r.Provider(want[i].ID); !ok || one != want[i] {
			t.Errorf("Provider(%q) = %+v, %v", want[i].ID, one, ok)
		}
	}
	if _, ok := r.Provider("none"); ok {
		t.Error("there is a provider none")
	}
	ctx := context.Background()
	for _, id := range []string{"none", "a", ""} { // "a" is hidden
		_, err := r.Begin(ctx, id, "s", broker.BeginOptions{})
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("Begin(%q): %v", id, err)
		}
		if _, err := r.Complete(ctx, id, broker.Attempt{Provider: id}, broker.Callback{Code: "c"}); !errors.Is(err, ErrUnknown) {
			t.Errorf("Complete(%q): %v", id, err)
		}
	}
	if err := r.Revoke(ctx, "none", nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("Revoke: %v", err)
	}
}

func TestEmptyRegistry(t *testing.T) {
	if r, err := New(Options{}); err != nil || len(r.Providers()) != 0 {
		t.Errorf("%v, %v", r, err)
	}
}

// Callbacks that are not the answer to the attempt they come with.
func TestCallbacks(t *testing.T) {
	type change func(a *broker.Attempt, cb *broker.Callback)
	for _, tt := range []struct {
		name   string
		change change
		policy string
		silent bool // the provider sends no iss and promises none
		want   *broker.Error
	}{
		{name: "right", change: func(*broker.Attempt, *broker.Callback) {}},
		{name: "no code", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Code = "" }, want: ErrIncomplete},
		{name: "iss of another", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Issuer = "https://evil.example" }, want: ErrUpstream},
		{name: "iss with slash", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Issuer += "/" }, want: ErrUpstream},
		{name: "iss empty", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Issuer = "" }, want: ErrUpstream},
		{name: "iss missing though promised", change: noIssuer, want: ErrUpstream},
		{name: "iss missing though promised, forgiven", change: noIssuer, policy: IssuerIfPresent},
		{name: "iss missing, not promised", change: func(*broker.Attempt, *broker.Callback) {}, silent: true},
		{name: "iss missing, not promised, required", change: func(*broker.Attempt, *broker.Callback) {}, silent: true, policy: IssuerRequired, want: ErrUpstream},
		{name: "iss of another, ignored", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Issuer = "x" }, policy: IssuerIgnored},
		{name: "iss of another beside an error", change: func(_ *broker.Attempt, cb *broker.Callback) {
			cb.Issuer, cb.Error = "https://evil.example", "access_denied"
		}, want: ErrUpstream},
		{name: "declined", change: failed("access_denied", ""), want: ErrDenied},
		{name: "login required", change: failed("login_required", ""), want: ErrRestart},
		{name: "interaction required", change: failed("interaction_required", ""), want: ErrRestart},
		{name: "Keycloak's form expired", change: failed("temporarily_unavailable", "authentication_expired"), want: ErrRestart},
		{name: "down", change: failed("temporarily_unavailable", ""), want: ErrUnavailable},
		{name: "server error", change: failed("server_error", ""), want: ErrUnavailable},
		{name: "unauthorized client", change: failed("unauthorized_client", ""), want: ErrMisconfigured},
		{name: "bad scope", change: failed("invalid_scope", ""), want: ErrMisconfigured},
		{name: "GitHub suspended the app", change: failed("application_suspended", ""), want: ErrMisconfigured},
		{name: "unheard of", change: failed("whatever", ""), want: ErrUpstream},
		{name: "attempt of another provider", change: func(a *broker.Attempt, _ *broker.Callback) { a.Provider = "other" }, want: ErrRestart},
		{name: "client id changed meanwhile", change: func(a *broker.Attempt, _ *broker.Callback) { a.ClientID = "old" }, want: ErrRestart},
		{name: "redirect URI changed meanwhile", change: func(a *broker.Attempt, _ *broker.Callback) { a.RedirectURI = "https://old.example/" }, want: ErrRestart},
		{name: "session lost", change: func(a *broker.Attempt, _ *broker.Callback) { a.Session = "" }, want: ErrRestart},
		{name: "session garbage", change: func(a *broker.Attempt, _ *broker.Callback) { a.Session = "[]" }, want: ErrRestart},
		{name: "code made up", change: func(_ *broker.Attempt, cb *broker.Callback) { cb.Code = "guess" }, want: ErrRestart},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.IssuerParam = tt.policy })
			h.fake.Switch(func(w *providertest.Switches) { w.OmitIssuer = tt.silent })
			address, attempt, err := h.begin(broker.BeginOptions{})
			if err != nil {
				t.Fatal(err)
			}
			cb, err := broker.ParseCallback(h.fake.Walk(t, address, "user-1").RawQuery)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(&attempt, &cb)
			p, err := h.reg.Complete(context.Background(), "op", attempt, cb)
			if tt.want == nil {
				if err != nil || p.Subject != "user-1" {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantError(t, tt.name, err, tt.want)
			if n := h.fake.Count(providertest.Token); n > 0 && tt.name != "code made up" {
				t.Errorf("%d token requests", n)
			}
		})
	}
}

func noIssuer(_ *broker.Attempt, cb *broker.Callback) { cb.HasIssuer, cb.Issuer = false, "" }

func failed(code, description string) func(*broker.Attempt, *broker.Callback) {
	return func(_ *broker.Attempt, cb *broker.Callback) {
		cb.Code, cb.Error, cb.ErrorDescription = "", code, description
	}
}

// Two providers, one of which is the attacker's: neither its answer nor its code
// is taken for the other's.
func TestMixUp(t *testing.T) {
	honest, evil := oidcHouse(t, providertest.OpenIDOptions{}, nil), oidcHouse(t, providertest.OpenIDOptions{}, nil)
	address, attempt, err := honest.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	evilAddress, _, err := evil.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = honest.complete(attempt, evil.fake.Walk(t, evilAddress, "user-1"))
	wantError(t, "answer of the other provider", err, ErrUpstream)

	back := honest.fake.Walk(t, address, "user-1") // a code of one attempt in another
	_, second, err := honest.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = honest.complete(second, back)
	wantError(t, "code of another attempt", err, ErrRestart) // PKCE
}

// Without PKCE the nonce holds alone.
func TestCodeInjectionWithoutPKCE(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.PKCE = PKCEOff })
	address, attempt, err := h.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(address, "code_challenge") {
		t.Error("PKCE is off and was sent")
	}
	_, second, err := h.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back := h.fake.Walk(t, address, "user-1")
	_, err = h.complete(second, back)
	wantError(t, "code of another attempt", err, ErrUpstream)
	_ = attempt
}

func TestCodeWorksOnceAndNotLate(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	address, attempt, err := h.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back := h.fake.Walk(t, address, "user-1")
	if _, err := h.complete(attempt, back); err != nil {
		t.Fatal(err)
	}
	_, err = h.complete(attempt, back)
	wantError(t, "replayed", err, ErrRestart)

	address, attempt, err = h.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	back = h.fake.Walk(t, address, "user-1")
	h.pass(6 * time.Minute)
	_, err = h.complete(attempt, back)
	wantError(t, "late", err, ErrRestart)
}

func TestPromptLoginIsHeld(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{IDTokenClaims: func(_ providertest.Grant, c map[string]any) {
		c["auth_time"] = time.Now().Add(-time.Hour).Unix()
	}}, nil)
	address, attempt, err := h.begin(broker.BeginOptions{Prompt: "login"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.complete(attempt, h.fake.Walk(t, address, "user-1"))
	wantError(t, "an old session in spite of prompt=login", err, ErrRestart)
	if _, err := h.signIn("user-1"); err != nil {
		t.Errorf("without prompt: %v", err)
	}
}

// A provider whose code panics ends one sign-in, not the process.
type panicky struct{ goth.Provider }

func (panicky) BeginAuth(string) (goth.Session, error) { panic("token SECRET in a panic") }
func (panicky) UnmarshalSession(string) (goth.Session, error) {
	var s *panicky
	return s.inner(), nil // a nil pointer
}
func (p *panicky) inner() goth.Session { return p.Provider.(goth.Session) }
func (panicky) Revoke(context.Context, []broker.RemoteToken) error {
	panic(errors.New("SECRET"))
}

func TestPanicsAreCaught(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	h.reg.byID["op"].provider = panicky{}
	ctx := context.Background()
	_, err := h.reg.Begin(ctx, "op", "s", broker.BeginOptions{})
	wantError(t, "Begin", err, ErrUpstream)
	_, err = h.reg.Complete(ctx, "op", broker.Attempt{Provider: "op", ClientID: "my-broker", RedirectURI: testBase + "/oauth/authorized/op/"}, broker.Callback{Code: "c", Issuer: h.fake.Issuer, HasIssuer: true})
	wantError(t, "Complete", err, ErrUpstream)
	err = h.reg.Revoke(ctx, "op", []broker.RemoteToken{{AccessToken: "a"}})
	wantError(t, "Revoke", err, ErrUpstream)
	if strings.Contains(h.log.String(), "SECRET") || !strings.Contains(h.log.String(), "panic in a provider") {
		t.Errorf("log: %s", h.log)
	}
}

// Every app works through goth's own interface too.
func TestAppsAreGothProviders(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	var p goth.Provider = h.reg.byID["op"].provider
	s, err := p.BeginAuth("the-state")
	if err != nil {
		t.Fatal(err)
	}
	address, err := s.GetAuthURL()
	if err != nil {
		t.Fatal(err)
	}
	back := h.fake.Walk(t, address, "user-1").Query()
	s, err = p.UnmarshalSession(s.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetAuthURL(); err == nil {
		t.Error("a kept session knows an address")
	}
	if _, err := p.FetchUser(s); err == nil {
		t.Error("a user before the exchange")
	}
	evil := url.Values{"code": back["code"], "redirect_uri": {"https://evil.example"}, "code_verifier": {"x"}}
	token, err := s.Authorize(p, evil)
	if err != nil || token == "" {
		t.Fatalf("%q, %v", token, err)
	}
	if body := h.fake.Requests(providertest.Token)[0].Body; strings.Contains(body, "evil") {
		t.Errorf("a callback parameter reached the token endpoint: %s", body)
	}
	u, err := p.FetchUser(s)
	if err != nil || u.Provider != "op" || u.UserID != "user-1" || u.Email != "ada@example.org" || u.AccessToken != token || u.RefreshToken == "" {
		t.Errorf("%+v, %v", u, err)
	}
	fresh, err := p.RefreshToken(u.RefreshToken)
	if err != nil || fresh.AccessToken == token {
		t.Errorf("refresh: %v", err)
	}
	if _, err := p.RefreshToken(u.RefreshToken); !errors.Is(err, ErrRestart) {
		t.Errorf("a rotated refresh token: %v", err)
	}
	if !p.RefreshTokenAvailable() || p.Name() != "op" {
		t.Error("name or refresh")
	}
}
