package providers

import (
	"testing"

	"idbroker/providers/providertest"
)

// TestEmailAsserted: an address is the provider's own assertion where it says that
// it verified it, and its word counts; that an operator trusts all addresses from
// there makes none of it.
func TestEmailAsserted(t *testing.T) {
	for _, tt := range []struct {
		claim    any
		trust    string
		domains  []string
		asserted bool
	}{
		{true, "", nil, true}, {"true", "", nil, false}, {false, "", nil, false}, {nil, "", nil, false}, {1, "", nil, false},
		{true, EmailNever, nil, false}, {true, EmailAlways, nil, true}, {false, EmailAlways, nil, false}, {nil, EmailAlways, nil, false},
		{true, "", []string{"example.org"}, true}, {true, "", []string{"campus.example"}, false}, {true, EmailAlways, []string{"campus.example"}, false},
	} {
		h := oidcHouse(t, providertest.OpenIDOptions{}, func(a *App) { a.EmailTrust, a.EmailDomains = tt.trust, tt.domains })
		h.fake.AddPerson(providertest.Person{Subject: "user-1", Email: "ada@example.org", EmailVerified: tt.claim})
		if p, err := h.signIn("user-1"); err != nil || p.EmailAsserted != tt.asserted || p.EmailAsserted && !p.EmailVerified {
			t.Errorf("%v with %q, %v: asserted %v, %v", tt.claim, tt.trust, tt.domains, p.EmailAsserted, err)
		}
	}
	for trust, verified := range map[string]bool{EmailVerified: true, EmailAlways: false, EmailNever: true} {
		g, r, _ := newGitHubStage(t, func(a *App) { a.EmailTrust = trust })
		g.ChangeUser(ghID, func(u *providertest.GitHubUser) {
			u.Emails = []providertest.GitHubEmail{{Email: "a@example.org", Primary: true, Verified: verified}}
		})
		if p := signIn(t, r, "github", g.Visitor(), "ada-example"); p.Email == "" || p.EmailAsserted != (trust == EmailVerified) {
			t.Errorf("GitHub, %s: %q asserted %v", trust, p.Email, p.EmailAsserted)
		}
		o, r, _ := newORCIDStage(t, false, func(a *App) { a.EmailTrust = trust })
		o.ChangeRecord(sofia, func(rec *providertest.ORCIDRecord) {
			rec.Emails = []providertest.ORCIDEmail{{Email: "a@example.org", Verified: true, Visibility: "public"}}
		})
		if p := signIn(t, r, "orcid", o.Visitor(), sofia); p.Email == "" || p.EmailAsserted != (trust != EmailNever) {
			t.Errorf("ORCID, %s: %q asserted %v", trust, p.Email, p.EmailAsserted)
		}
	}
}
