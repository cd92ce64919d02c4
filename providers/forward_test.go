package providers

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// TestForward: a provider is told what the operator lets it know of the
// application's wishes, and an address only where they say so.
func TestForward(t *testing.T) {
	wishes := broker.BeginOptions{Choose: true, LoginHint: "ada@example.org", UILocales: "de", ACRValues: "gold silver", MaxAge: "600"}
	for _, tt := range []struct {
		name    string
		forward []string
		o       broker.BeginOptions
		want    string
	}{
		{"the default", nil, wishes, "ui_locales=de"},
		{"nothing", []string{}, wishes, ""},
		{"everything", forwardable, wishes, "acr_values=gold+silver&login_hint=ada%40example.org&max_age=600&prompt=select_account&ui_locales=de"},
		{"one", []string{ForwardACRValues}, wishes, "acr_values=gold+silver"},
		{"two factors, in the provider's words", forwardable, broker.BeginOptions{ACRValues: broker.ACRSecond + " gold phr " + broker.ACRSingle}, "acr_values=mfa+phr+gold"},
		{"our words mean nothing there", forwardable, broker.BeginOptions{ACRValues: broker.ACRSingle}, ""},
		{"to sign in anew is always told", []string{}, broker.BeginOptions{Prompt: "login"}, "prompt=login"},
		{"who was refused with one account there may choose another", []string{}, broker.BeginOptions{Prompt: "select_account"}, "prompt=select_account"},
		{"to choose, where signing in anew would be told", []string{ForwardPrompt}, broker.BeginOptions{Prompt: "login", Choose: true}, "prompt=select_account"},
		{"to choose, where that is not told", nil, broker.BeginOptions{Prompt: "login", Choose: true}, "prompt=login"},
		{"no wish", forwardable, broker.BeginOptions{}, ""},
		{"a max_age that is none", forwardable, broker.BeginOptions{MaxAge: "soon"}, ""},
		{"a max_age beyond all measure", forwardable, broker.BeginOptions{MaxAge: "99999999999999999999"}, ""},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.Forward, a.SecondFactor = tt.forward, SecondFactor{ACR: []string{"mfa", "phr"}} })
		address, _, err := h.begin(tt.o)
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		told := to.Query()
		maps.DeleteFunc(told, func(name string, _ []string) bool { return !slices.Contains(forwardable, name) })
		if got := told.Encode(); got != tt.want {
			t.Errorf("%s: told %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestMaxAgeIsHeld: who forwards max_age is told when the person signed in there,
// and believes no sign-in that is older, nor one without a time.
func TestMaxAgeIsHeld(t *testing.T) {
	for _, tt := range []struct {
		name     string
		forward  []string
		maxAge   string
		authTime any // of the ID token; nil none
		want     *broker.Error
	}{
		{"young enough", forwardable, "600", -5 * time.Minute, nil},
		{"too old", forwardable, "600", -15 * time.Minute, ErrRestart},
		{"now", forwardable, "0", time.Duration(0), nil},
		{"too old for now", forwardable, "0", -5 * time.Minute, ErrRestart},
		{"untold", forwardable, "600", nil, ErrUpstream},
		{"a text", forwardable, "600", "now", ErrUpstream},
		{"not forwarded", nil, "600", -15 * time.Minute, nil},
		{"not asked for", forwardable, "", nil, nil},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{IDTokenClaims: func(_ providertest.Grant, c map[string]any) {
			switch at := tt.authTime.(type) {
			case time.Duration:
				c["auth_time"] = time.Now().Add(at).Unix()
			default:
				c["auth_time"] = at
			}
		}}, func(a *App) { a.Forward = tt.forward })
		address, attempt, err := h.begin(broker.BeginOptions{MaxAge: tt.maxAge})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.complete(attempt, h.fake.Walk(t, address, "user-1"))
		if tt.want == nil && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if tt.want != nil {
			wantError(t, tt.name, err, tt.want)
		}
	}
}

// TestAuthParamsNeverOverride is the attack by configuration: parameters that
// protect the attempt are refused at the start, in any spelling, and do nothing
// should they ever get past that.
func TestAuthParamsNeverOverride(t *testing.T) {
	for _, name := range reserved {
		for _, spelled := range []string{name, strings.ToUpper(name), " " + name} {
			_, err := New(Options{BaseURL: testBase, Apps: []App{{ID: "x", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", AuthParams: map[string]string{spelled: "evil"}}}})
			if err == nil || !strings.Contains(err.Error(), "auth_params") {
				t.Errorf("%q: %v", spelled, err)
			}
		}
	}
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	p := h.reg.byID["op"].provider.(*openID)
	p.app.AuthParams = map[string]string{}
	for _, name := range reserved {
		p.app.AuthParams[name] = "evil"
		p.app.AuthParams[strings.ToUpper(name)] = "evil"
	}
	p.app.AuthParams["fine"] = "1"
	address, attempt, err := h.begin(broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(address, "evil") || !strings.Contains(address, "fine=1") {
		t.Error(address)
	}
	if _, err := h.complete(attempt, h.fake.Walk(t, address, "user-1")); err != nil {
		t.Error(err)
	}
}

// TestOrder: the operator's order, and the list's among equals.
func TestOrder(t *testing.T) {
	apps := manyApps(6, "https://op.example")
	for i, order := range []int{0, 2, -1, 0, 2, 1} {
		apps[i].Order = order
	}
	r, err := New(Options{Apps: apps, BaseURL: testBase})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range r.Providers() {
		ids = append(ids, p.ID)
	}
	if got := strings.Join(ids, " "); got != "op2 op0 op3 op5 op1 op4" {
		t.Error(got)
	}
}

// TestForwardThatCannotBeMeant is refused at the start.
func TestForwardThatCannotBeMeant(t *testing.T) {
	for _, a := range []App{
		{Kind: "oidc", Issuer: "https://op.example", Forward: []string{"claims"}},
		{Kind: "github", Forward: []string{ForwardACRValues}},
		{Kind: "orcid", Forward: []string{ForwardMaxAge}},
		{Kind: "oidc", Issuer: "https://op.example", Forward: []string{ForwardACRValues}, AuthParams: map[string]string{"acr_values": "gold"}},
	} {
		a.ID, a.ClientID, a.ClientSecret = "x", "c", "s"
		if _, err := New(Options{BaseURL: testBase, Apps: []App{a}}); err == nil || !strings.Contains(err.Error(), "forward: ") {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
