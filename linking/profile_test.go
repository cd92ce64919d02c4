package linking_test

import (
	"reflect"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

func setBy(rule broker.ProfileRule) func(*providers.App) {
	return func(a *providers.App) { a.Profile = broker.ProfileRules{Name: rule, Username: rule, Locale: rule} }
}

// TestProviderSetsTheProfile: at each sign-in, where the policy says so. What it
// does not tell stays, a taken username stays its owner's, and the address of the
// account is never the provider's to change.
func TestProviderSetsTheProfile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, setBy(broker.ProfileProvider))
		u, bob := w.user("ada", "hash"), w.user("bob", "hash")
		bob.Username = "Robert"
		must(t, db.UpdateUser(t.Context(), bob))
		w.link(u, "one", "ada")
		tell := func(p providertest.Person) broker.User {
			t.Helper()
			p.Subject = "ada"
			w.op.AddPerson(p)
			res := w.signIn("ada")
			got := w.read(u)
			if res.Outcome != linking.SignedIn || res.User.Name != got.Name || res.User.Version != got.Version || got.Email != u.Email || got.EmailVouchedBy != "" {
				t.Errorf("%+v, %+v", res, got)
			}
			return got
		}
		got := tell(providertest.Person{Username: "countess", Name: "Ada King", Email: "new@example.org", EmailVerified: true})
		if got.Name != "Ada King" || got.Username != "countess" {
			t.Errorf("%+v", got)
		}
		if again := tell(providertest.Person{Username: "countess", Name: "Ada King", Email: "new@example.org", EmailVerified: true}); again.Version != got.Version {
			t.Error("the same was written again")
		}
		if got = tell(providertest.Person{}); got.Name != "Ada King" || got.Username != "countess" {
			t.Errorf("nothing told: %+v", got)
		}
		if got = tell(providertest.Person{Username: "ROBERT", Name: "Ada"}); got.Name != "Ada" || got.Username != "countess" {
			t.Errorf("a username that is taken: %+v", got)
		}
		if got = tell(providertest.Person{Username: "COUNTESS"}); got.Username != "COUNTESS" {
			t.Errorf("one's own in capitals: %+v", got)
		}
	})
}

// TestPersonKeepsTheProfile: initial values and the person's own stay as they are.
func TestPersonKeepsTheProfile(t *testing.T) {
	for _, rule := range []broker.ProfileRule{"", broker.ProfileInitial, broker.ProfilePerson} {
		w := newWorld(t, storetest.New(t), setBy(rule), automatic)
		first := w.signIn("ada").User
		if want := rule != broker.ProfilePerson; (first.Name == "ada") != want || (first.Username == "ada-at-one") != want || first.Name == "" == want {
			t.Errorf("%q: began as %+v", rule, first)
		}
		must(t, w.accounts.UpdateProfile(t.Context(), first.ID, local.Profile{Version: local.AnyVersion, Name: "Augusta"}))
		before := w.read(first)
		if res := w.signIn("ada"); res.Outcome != linking.SignedIn || !reflect.DeepEqual(w.read(first), before) {
			t.Errorf("%q: %+v became %+v", rule, before, w.read(first))
		}
	}
}

// TestProviderSetsTheForm: what the provider decides stands in the account,
// whatever is typed; where it could not, what was typed does.
func TestProviderSetsTheForm(t *testing.T) {
	for name, tt := range map[string]struct {
		rule       broker.ProfileRule
		taken      string
		name, user string
	}{
		"provider":                           {broker.ProfileProvider, "", "ada", "ada-at-one"},
		"provider, but its username is gone": {broker.ProfileProvider, "ada-at-one", "ada", "typed"},
		"initial":                            {broker.ProfileInitial, "", "Typed", "typed"},
		"person":                             {broker.ProfilePerson, "", "Typed", "typed"},
	} {
		w := newWorld(t, storetest.New(t), setBy(tt.rule))
		if tt.taken != "" {
			other := w.user("bob", "hash")
			other.Username = tt.taken
			must(t, w.db.UpdateUser(t.Context(), other))
		}
		must(t, w.accounts.SignUp(t.Context(), w.signIn("ada").Login, local.SignUpForm{Email: "ada@mail.example", Name: "Typed", Username: "typed"}))
		u, _, err := w.accounts.Prove(t.Context(), w.token("ada@mail.example", "sign-up"), "")
		if err != nil || u.Name != tt.name || u.Username != tt.user {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}
