package providers

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

func cernHouse(t *testing.T, change func(*App)) *house {
	t.Helper()
	fake := providertest.NewCERN(t)
	app := App{ID: "cern", Kind: "cern", Issuer: fake.Issuer, ClientID: "my-broker", ClientSecret: testSecret}
	if change != nil {
		change(&app)
	}
	fake.Switch(func(w *providertest.Switches) { w.RequirePKCE = true })
	return newHouse(t, fake.OpenID, app)
}

func TestCERNSignIn(t *testing.T) {
	h := cernHouse(t, nil)
	h.fake.AddPerson(providertest.CERNPerson("mexample", "Maria Example", "123456", "my-broker").With("eduperson_orcid", "0000-0001-2345-6789"))
	p, err := h.signIn("mexample")
	if err != nil {
		t.Fatal(err)
	}
	if p.Provider != "cern" || p.Issuer != h.fake.Issuer || p.Subject != "mexample" || p.Username != "mexample" || p.Name != "Maria Example" ||
		p.Email != "mexample@cern.ch" || p.EmailVerified || p.Locale != "en" {
		t.Errorf("profile %+v", p)
	}
	var extra struct {
		PersonID string `json:"person_id"`
		ORCID    string
		Roles    []string
	}
	if err := json.Unmarshal(p.Extra, &extra); err != nil || extra.PersonID != "123456" || extra.ORCID == "" || !slices.Contains(extra.Roles, "cern_user") {
		t.Errorf("extra %s, %v", p.Extra, err)
	}
	if left := time.Until(p.Tokens[0].ExpiresAt); left > 21*time.Minute {
		t.Errorf("the access token lives %s", left)
	}
}

func TestCERNWhoMayComeIn(t *testing.T) {
	ordinary := providertest.CERNPerson("mexample", "Maria Example", "123456", "my-broker")
	for _, tt := range []struct {
		name   string
		person providertest.Person
		change func(*App)
		want   *broker.Error
	}{
		{name: "ordinary", person: ordinary},
		{name: "a second account of the same person", person: providertest.CERNPerson("mexample2", "Maria Example", "123456", "my-broker")},
		{name: "roles in cern_roles alone", person: ordinary.Without("resource_access")},
		{name: "roles in resource_access alone", person: ordinary.Without("cern_roles")},
		{name: "no roles", person: ordinary.Without("cern_roles", "resource_access"), want: ErrNotAllowed},
		{name: "empty roles", person: ordinary.Without("resource_access").With("cern_roles", []string{}), want: ErrNotAllowed},
		{name: "roles that are no list", person: ordinary.Without("resource_access").With("cern_roles", map[string]any{"cern_user": true}), want: ErrNotAllowed},
		{name: "another role", person: ordinary.Without("resource_access").With("cern_roles", []string{"default-role"}), want: ErrNotAllowed},
		{name: "a role beside others", person: ordinary.With("cern_roles", []string{"x", "cern_user", "y"})},
		{name: "a role in another application", person: ordinary.Without("cern_roles").With("resource_access", providertest.CERNRoles("other-app", "cern_user")), want: ErrNotAllowed},
		{name: "no roles where none are asked for", person: ordinary.Without("cern_roles", "resource_access"), change: func(a *App) { a.AllowedRoles = []string{} }},
		{name: "the role that is asked for", person: ordinary.With("cern_roles", []string{"editors"}), change: func(a *App) { a.AllowedRoles = []string{"editors"} }},
		{name: "a guest", person: providertest.CERNGuest("1234567@google", "someone@example.org", "my-broker")},
		{name: "a service account", person: ordinary.Without("cern_person_id"), want: ErrNotAllowed},
		{name: "a service account that may", person: ordinary.Without("cern_person_id"), change: func(a *App) { a.AllowServiceAccounts = true }},
		{name: "cern_upn of somebody else", person: ordinary.With("cern_upn", "director"), want: ErrUpstream},
		{name: "no cern_upn", person: ordinary.Without("cern_upn")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := cernHouse(t, tt.change)
			h.fake.AddPerson(tt.person)
			p, err := h.signIn(tt.person.Subject)
			if tt.want == nil {
				if err != nil || p.Subject != tt.person.Subject {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			wantError(t, tt.name, err, tt.want)
			if h.fake.Count(providertest.Revoke) == 0 {
				t.Error("the tokens of the refused account live on")
			}
		})
	}
}

// Neither a person number, nor a display name, nor an address is an identity.
func TestCERNSubjectIsTheLogin(t *testing.T) {
	h := cernHouse(t, nil)
	one := providertest.CERNPerson("one", "Maria Example", "123456", "my-broker")
	two := providertest.CERNPerson("two", "Maria Example", "123456", "my-broker")
	one.Username, two.Username, two.Email = "maria", "maria", one.Email
	h.fake.AddPerson(one)
	h.fake.AddPerson(two)
	for _, login := range []string{"one", "two"} {
		if p, err := h.signIn(login); err != nil || p.Subject != login {
			t.Errorf("%s: %q, %v", login, p.Subject, err)
		}
	}
	one.Email = "maria.married@cern.ch" // an address changes, the identity stays
	h.fake.AddPerson(one)
	if p, err := h.signIn("one"); err != nil || p.Subject != "one" || p.Email != "maria.married@cern.ch" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestCERNEmail(t *testing.T) {
	for _, tt := range []struct {
		trust    string
		person   providertest.Person
		verified bool
	}{
		{"", providertest.CERNPerson("a", "A", "1", "my-broker"), false},
		{"", providertest.CERNPerson("a", "A", "1", "my-broker").With("email_verified", true), false},
		{EmailAlways, providertest.CERNPerson("a", "A", "1", "my-broker"), true},
		{EmailAlways, providertest.CERNGuest("a@google", "victim@example.org", "my-broker"), false}, // not at cern.ch
		{EmailVerified, providertest.CERNPerson("a", "A", "1", "my-broker"), false},
		{EmailVerified, providertest.CERNPerson("a", "A", "1", "my-broker").With("email_verified", true), true},
	} {
		h := cernHouse(t, func(a *App) { a.EmailTrust = tt.trust })
		h.fake.AddPerson(tt.person)
		if p, err := h.signIn(tt.person.Subject); err != nil || p.EmailVerified != tt.verified {
			t.Errorf("%q, %+v: verified %v, %v", tt.trust, tt.person, p.EmailVerified, err)
		}
	}
	h := cernHouse(t, nil)
	none := providertest.CERNPerson("a", "A", "1", "my-broker")
	none.Email = ""
	h.fake.AddPerson(none)
	if p, err := h.signIn("a"); err != nil || p.Email != "" {
		t.Errorf("no address: %q, %v", p.Email, err)
	}
}

func TestCERNDefaults(t *testing.T) {
	for sandbox, want := range map[bool]string{false: "https://auth.cern.ch/auth/realms/cern", true: "https://keycloak-qa.cern.ch/auth/realms/cern"} {
		r, err := New(Options{BaseURL: testBase, Apps: []App{{ID: "cern", Kind: "cern", ClientID: "c", Sandbox: sandbox}}})
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := r.Provider("cern"); p.Issuer != want || p.Title != "CERN" {
			t.Errorf("%+v", p)
		}
	}
}

func TestKeycloakRoles(t *testing.T) {
	person := providertest.Person{Subject: "f:1:ada", Email: "ada@example.org", EmailVerified: true}
	for _, tt := range []struct {
		allowed []string
		person  providertest.Person
		want    *broker.Error
	}{
		{nil, person, nil},
		{[]string{"staff"}, person, ErrNotAllowed},
		{[]string{"staff"}, person.With("realm_access", map[string]any{"roles": []string{"staff"}}), nil},
		{[]string{"staff"}, person.With("resource_access", providertest.CERNRoles("my-broker", "staff")), nil},
		{[]string{"staff"}, person.With("resource_access", providertest.CERNRoles("other", "staff")), ErrNotAllowed},
		{[]string{"staff"}, person.With("realm_access", map[string]any{"roles": "staffer"}), ErrNotAllowed},
		{[]string{"staff"}, person.With("realm_access", "staff"), ErrNotAllowed},
	} {
		fake := providertest.NewOpenID(t, providertest.OpenIDOptions{Path: "/realms/main"})
		h := newHouse(t, fake, App{ID: "kc", Kind: "keycloak", Issuer: fake.Issuer, ClientID: "my-broker", ClientSecret: testSecret, AllowedRoles: tt.allowed})
		fake.AddPerson(tt.person)
		p, err := h.signIn(tt.person.Subject)
		if tt.want != nil {
			wantError(t, "keycloak", err, tt.want)
		} else if err != nil || !p.EmailVerified {
			t.Errorf("%+v: %+v, %v", tt, p, err)
		}
	}
}

// CERN's access token is a JWT with the same claims, which nobody verified.
func TestCERNAccessTokenIsNotBelieved(t *testing.T) {
	fake := providertest.NewCERN(t)
	h := newHouse(t, fake.OpenID, App{ID: "cern", Kind: "cern", Issuer: fake.Issuer, ClientID: "my-broker", ClientSecret: testSecret})
	fake.AddPerson(providertest.CERNPerson("a", "A", "1", "my-broker"))
	fake.LieAbout(t, "id_token missing")
	_, err := h.signIn("a")
	wantError(t, "no ID token", err, ErrUpstream)
}
