package providers

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"idbroker/providers/providertest"
)

// TestAllowedClaims: what a claim must be is asked at each sign-in, and what is of
// another type never is it.
func TestAllowedClaims(t *testing.T) {
	long := make([]any, maxMembers+1)
	for i := range long {
		long[i] = "staff"
	}
	groups := map[string][]string{"groups": {"staff", "guests"}}
	both := map[string][]string{"groups": {"staff"}, "eduperson_assurance": {"https://refeds.org/assurance/IAP/medium"}}
	for _, tt := range []struct {
		name   string
		rule   map[string][]string
		claims map[string]any
		why    string // in the log; "" they come in
	}{
		{"no rule", nil, nil, ""},
		{"one value", groups, map[string]any{"groups": "guests"}, ""},
		{"one of a list", groups, map[string]any{"groups": []any{"x", "staff"}}, ""},
		{"both", both, map[string]any{"groups": []any{"staff"}, "eduperson_assurance": []any{"https://refeds.org/assurance", "https://refeds.org/assurance/IAP/medium"}}, ""},
		{"one of two", both, map[string]any{"groups": []any{"staff"}}, "eduperson_assurance is missing"},
		{"missing", groups, nil, "groups is missing"},
		{"null", groups, map[string]any{"groups": nil}, "groups is missing"},
		{"another", groups, map[string]any{"groups": []any{"students"}}, "groups has 1 values, none of them allowed"},
		{"none", groups, map[string]any{"groups": []any{}}, "has 0 values"},
		{"another case", groups, map[string]any{"groups": "Staff"}, "none of them allowed"},
		{"a part of it", groups, map[string]any{"groups": "staff guests"}, "none of them allowed"},
		{"an object with the name", groups, map[string]any{"groups": map[string]any{"staff": true}}, "neither a text nor a list"},
		{"true", groups, map[string]any{"groups": true}, "neither a text nor a list"},
		{"a number", groups, map[string]any{"groups": 1}, "neither a text nor a list"},
		{"a list that holds other things too", groups, map[string]any{"groups": []any{"staff", 1}}, "holds a value that is no text"},
		{"a list in the list", groups, map[string]any{"groups": []any{[]any{"staff"}}}, "holds a value that is no text"},
		{"an endless list", groups, map[string]any{"groups": long}, "more than 2000"},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.AllowedClaims = tt.rule })
		h.fake.AddPerson(providertest.Person{Subject: "user-2", Claims: tt.claims})
		_, err := h.signIn("user-2")
		if tt.why == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantError(t, tt.name, err, ErrNotAllowed)
		if err != nil && (!strings.Contains(err.Error(), "allowed_claims: ") || !strings.Contains(err.Error(), tt.why)) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if h.fake.Count(providertest.Revoke) == 0 {
			t.Errorf("%s: the tokens of the refused account live on", tt.name)
		}
	}
}

// TestUserInfoCannotAddProtocolClaims: how somebody signed in stands in the signed
// ID token alone.
func TestUserInfoCannotAddProtocolClaims(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{
		IDTokenClaims: func(_ providertest.Grant, c map[string]any) { delete(c, "acr") },
		OnUserInfo:    func(_ providertest.Grant, c map[string]any) { c["acr"] = "gold" },
	}, func(a *App) { a.AllowedClaims = map[string][]string{"acr": {"gold"}} })
	_, err := h.signIn("user-1")
	wantError(t, "acr of userinfo", err, ErrNotAllowed)
}

// TestRulesThatCannotBeMeant are refused at start, each with its setting.
func TestRulesThatCannotBeMeant(t *testing.T) {
	many := map[string][]string{}
	for i := range maxAllowedClaims + 1 {
		many[strings.Repeat("c", i+1)] = []string{"v"}
	}
	for _, tt := range []struct {
		kind   string
		change func(*App)
		want   string
	}{
		{"oidc", func(a *App) { a.AllowedClaims = map[string][]string{"groups": {}} }, "allowed_claims"},
		{"oidc", func(a *App) { a.AllowedClaims = map[string][]string{"groups": {""}} }, "allowed_claims"},
		{"oidc", func(a *App) { a.AllowedClaims = map[string][]string{"": {"x"}} }, "allowed_claims"},
		{"oidc", func(a *App) {
			a.AllowedClaims = map[string][]string{"groups": strings.Split(strings.Repeat("x,", maxAllowedClaims)+"y", ",")}
		}, "allowed_claims"},
		{"oidc", func(a *App) { a.AllowedClaims = many }, "allowed_claims"},
		{"github", func(a *App) { a.AllowedClaims = map[string][]string{"groups": {"x"}} }, "allowed_claims: it has no meaning"},
		{"oidc", func(a *App) { a.AllowedOrganizations = []string{"example"} }, "allowed_organizations: it has no meaning"},
		{"github", func(a *App) { a.AllowedOrganizations = []string{} }, "allowed_organizations: the list is empty"},
		{"github", func(a *App) { a.AllowedOrganizations = []string{"example/core/more"} }, "allowed_organizations"},
		{"github", func(a *App) { a.AllowedOrganizations = []string{"https://github.com/example"} }, "allowed_organizations"},
		{"github", func(a *App) { a.AllowedOrganizations = []string{"example/"} }, "allowed_organizations"},
		{"github", func(a *App) { a.AllowedOrganizations = []string{"id:x"} }, "allowed_organizations"},
		{"cern", func(a *App) { a.AllowedIdentityClasses = []string{"CERN Registered"} }, "allowed_identity_classes"},
		{"cern", func(a *App) { a.AllowedIdentityClasses = []string{} }, "allowed_identity_classes"},
		{"cern", func(a *App) { a.AllowedIdentityClasses, a.AllowServiceAccounts = []string{"person"}, true }, "allow_service_accounts"},
		{"oidc", func(a *App) { a.AllowedIdentityClasses = []string{"person"} }, "allowed_identity_classes: it has no meaning"},
		{"globus", func(a *App) { a.AllowedGroups = []string{"my group"} }, "allowed_groups"},
		{"globus", func(a *App) { a.AllowedGroups = []string{} }, "allowed_groups"},
		{"globus", func(a *App) { a.AllowedIdentityProviders = []string{"ORCID"} }, "allowed_identity_providers"},
		{"globus", func(a *App) {
			a.AllowedIdentityProviders, a.RequiredIdentityProvider = []string{university}, university
		}, "allowed_identity_providers"},
		{"globus", func(a *App) { a.AllowedIdentityProviders, a.Scopes = []string{university}, []string{"openid"} }, "scopes: add profile"},
		{"orcid", func(a *App) { a.AllowedGroups = []string{university} }, "allowed_groups: it has no meaning"},
	} {
		a := App{ID: "x", Kind: tt.kind, ClientID: "c", ClientSecret: "s"}
		if tt.kind == "oidc" {
			a.Issuer = "https://op.example"
		}
		tt.change(&a)
		if _, err := New(Options{BaseURL: testBase, Apps: []App{a}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %+v: %v, want %s", tt.kind, a, err, tt.want)
		}
	}
}

// TestCERNIdentityClasses: the account's class decides; an empty list of roles lets
// nobody in, and neither does a class that is not told.
func TestCERNIdentityClasses(t *testing.T) {
	people := map[string]providertest.Person{
		classPerson:    providertest.CERNPerson("mexample", "Maria Example", "123456", "my-broker"),
		classService:   providertest.CERNPerson("svcexample", "A Service", "1", "my-broker").Without("cern_person_id"),
		classFederated: providertest.CERNGuest("albert@unibe.example", "albert@unibe.example", "my-broker"),
		classSocial:    providertest.CERNGuest("1234567@google", "someone@example.org", "my-broker"),
	}
	for _, tt := range []struct {
		allowed string // "" not set
		service bool
		in      string
	}{
		{"", false, "person federated social"}, {"", true, "person federated service social"},
		{"person", false, "person"}, {"person service", false, "person service"}, {"federated social", false, "federated social"},
	} {
		h := cernHouse(t, func(a *App) {
			a.AllowServiceAccounts = tt.service
			if tt.allowed != "" {
				a.AllowedIdentityClasses = strings.Fields(tt.allowed)
			}
		})
		for class, person := range maps.All(people) {
			h.fake.AddPerson(person)
			_, err := h.signIn(person.Subject)
			if in := strings.Contains(tt.in, class); in != (err == nil) || !in && (!errors.Is(err, ErrNotAllowed) || !strings.Contains(err.Error(), "allowed_identity_classes")) {
				t.Errorf("%q: %s: %v", tt.allowed, class, err)
			}
		}
	}
}

// TestExplainNamesTheRule: an operator reads the setting that refused.
func TestExplainNamesTheRule(t *testing.T) {
	r, err := New(Options{BaseURL: testBase, Apps: []App{
		{ID: "op", Kind: "oidc", Issuer: "https://op.example", ClientID: "c", AllowedClaims: map[string][]string{"groups": {"staff"}}, AllowedDomains: []string{"example.org"}},
		{ID: "kc", Kind: "keycloak", Issuer: "https://kc.example", ClientID: "c", AllowedRoles: []string{"staff"}},
		{ID: "cern", Kind: "cern", ClientID: "c", AllowedIdentityClasses: []string{classPerson}},
		{ID: "globus", Kind: "globus", ClientID: "c", ClientSecret: "s", AllowedIdentityProviders: []string{university}},
		{ID: "groups", Kind: "globus", ClientID: "c", ClientSecret: "s", AllowedGroups: []string{university}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ app, claims, want string }{
		{"op", `{"sub":"1"}`, "allowed_claims: groups is missing"},
		{"op", `{"sub":"1","groups":"staff","email":"a@b.example","email_verified":true}`, `allowed_domains: "b.example"`},
		{"op", `{"sub":"1","groups":"staff","email":"a@example.org","email_verified":true}`, ""},
		{"kc", `{"sub":"1"}`, "allowed_roles"},
		{"cern", `{"sub":"1@google","cern_roles":["cern_user"]}`, "allowed_identity_classes: the account is of the class social"},
		{"globus", `{"sub":"` + jane + `","identity_provider":"` + orcidIdP + `"}`, "allowed_identity_providers"},
		{"globus", `{"sub":"` + jane + `","identity_provider":"` + university + `"}`, ""},
		{"groups", `{"sub":"` + jane + `"}`, ErrNotExplained.Error()},
	} {
		_, err := r.Explain(context.Background(), tt.app, []byte(tt.claims))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s %s: %v, want %q", tt.app, tt.claims, err, tt.want)
		}
	}
}

func FuzzAllowedClaims(f *testing.F) {
	for _, s := range []string{`{"groups":"staff"}`, `{"groups":["staff",1]}`, `{"groups":{"staff":1}}`, `{"groups":[["staff"]]}`, `{"groups":[],"Groups":["staff"]}`, `{}`, `null`} {
		f.Add([]byte(s))
	}
	app := App{AllowedClaims: map[string][]string{"groups": {"staff"}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseClaims(text)
		if err != nil || app.admitsClaims(c) != nil {
			return
		}
		switch v := c["groups"].(type) {
		case string:
			if v != "staff" {
				t.Errorf("%s", text)
			}
		case []any:
			if !strings.Contains(string(text), "staff") && !strings.Contains(string(text), `\u`) {
				t.Errorf("%s", text)
			}
		default:
			t.Errorf("%T: %s", v, text)
		}
	})
}
