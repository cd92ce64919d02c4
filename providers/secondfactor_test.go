package providers

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// TestTwoFactorsThere: an ID token in the operator's words counts, and nothing else:
// neither userinfo, which nobody signs, nor another word.
func TestTwoFactorsThere(t *testing.T) {
	mapped := SecondFactor{AMR: []string{"mfa", "hwk"}, ACR: []string{"https://refeds.org/profile/mfa"}}
	for _, tt := range []struct {
		name     string
		rule     SecondFactor
		id, info map[string]any
		want     bool
	}{
		{"a method", mapped, map[string]any{"amr": []string{"pwd", "mfa"}}, nil, true},
		{"a method as text", mapped, map[string]any{"amr": "hwk"}, nil, true},
		{"a context", mapped, map[string]any{"acr": "https://refeds.org/profile/mfa"}, nil, true},
		{"another method", mapped, map[string]any{"amr": []string{"pwd", "otp"}}, nil, false},
		{"another context", mapped, map[string]any{"acr": "https://refeds.org/profile/sfa"}, nil, false},
		{"a context among the methods", mapped, map[string]any{"amr": []string{"https://refeds.org/profile/mfa"}, "acr": "mfa"}, nil, false},
		{"nothing", mapped, nil, nil, false},
		{"userinfo", mapped, nil, map[string]any{"amr": []string{"mfa"}, "acr": "https://refeds.org/profile/mfa"}, false},
		{"userinfo beside an ID token that says no", mapped, map[string]any{"amr": []string{"pwd"}, "acr": "low"}, map[string]any{"amr": []string{"mfa"}}, false},
		{"not mapped", SecondFactor{}, map[string]any{"amr": []string{"mfa"}, "acr": "https://refeds.org/profile/mfa"}, nil, false},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{
			IDTokenClaims: func(_ providertest.Grant, c map[string]any) {
				delete(c, "amr")
				delete(c, "acr")
				for name, value := range tt.id {
					c[name] = value
				}
			},
			OnUserInfo: func(_ providertest.Grant, c map[string]any) {
				for name, value := range tt.info {
					c[name] = value
				}
			},
		}, func(a *App) { a.SecondFactor = tt.rule })
		p, err := h.signIn("user-1")
		if err != nil || p.TwoFactors != tt.want {
			t.Errorf("%s: %v, %v", tt.name, p.TwoFactors, err)
		}
		how := p.Authentication(p.AuthTime)
		if two := how.ACR == broker.ACRSecond && how.AMR[len(how.AMR)-1] != ""; two != tt.want {
			t.Errorf("%s: %+v", tt.name, how)
		}
	}
}

// TestSecondFactorIsChecked: what can stand in no ID token, or at a provider that
// signs none, is refused.
func TestSecondFactorIsChecked(t *testing.T) {
	app := func(kind string, f SecondFactor) App {
		return App{ID: "x", Kind: kind, ClientID: "c", Issuer: "https://op.example", SecondFactor: f}
	}
	for name, a := range map[string]App{
		"second_factor: it has no meaning": app("github", SecondFactor{AMR: []string{"mfa"}}),
		"second_factor.amr":                app("oidc", SecondFactor{AMR: []string{"a b"}}),
		"second_factor.acr":                app("oidc", SecondFactor{ACR: []string{broker.ACRSingle}}),
	} {
		if err := a.check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := app("oidc", SecondFactor{AMR: []string{"mfa"}, ACR: []string{"https://refeds.org/profile/mfa"}}).check(); err != nil {
		t.Error(err)
	}
}
