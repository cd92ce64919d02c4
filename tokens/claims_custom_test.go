package tokens

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
)

// customClaims are claims of an operator: one under a scope of its own, one under a
// standard scope.
func customClaims() []broker.ProfileClaim {
	field := func(name string) func(broker.User) json.RawMessage {
		return func(u broker.User) json.RawMessage { return u.Details.Fields[name] }
	}
	return []broker.ProfileClaim{
		{Name: "group", Scope: "group", Title: broker.Words{"": "Your group"}, Value: field("group")},
		{Name: "https://example.org/age", Scope: "profile", Value: field("age")},
	}
}

// customWorld is a world with customClaims, whose person has told both.
func customWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, func(o *Options) { o.Claims = customClaims() })
	u, err := w.db.User(t.Context(), w.user.ID)
	must(t, err)
	u.Details.Fields = map[string]json.RawMessage{"group": json.RawMessage(`["engine","</script>"]`), "age": json.RawMessage(`36`)}
	u.Details.Zone = "Europe/London"
	must(t, w.db.UpdateUser(t.Context(), u))
	u.Version++
	w.user = u
	clients, err := w.db.Clients(t.Context())
	must(t, err)
	for _, c := range clients {
		c.Scopes = append(c.Scopes, "group")
		must(t, w.db.UpdateClient(t.Context(), c))
	}
	return w
}

// TestCustomClaims: each is told for its scope, or by its name, and nowhere else.
func TestCustomClaims(t *testing.T) {
	w := customWorld(t)
	group := []any{"engine", "</script>"}
	for _, tt := range []struct {
		scope, claims string
		group, age    any
		inID          bool
	}{
		{scope: "openid"}, {scope: "openid group", group: group}, {scope: "openid profile", age: 36.0},
		{scope: "openid", claims: `{"userinfo": {"group": null}}`, group: group},
		{scope: "openid", claims: `{"id_token": {"group": {"essential": true}}}`, inID: true},
	} {
		tokens := w.tokens("app", "scope", tt.scope, "claims", tt.claims)
		info := w.info(tokens)
		if !reflect.DeepEqual(info["group"], tt.group) || !reflect.DeepEqual(info["https://example.org/age"], tt.age) {
			t.Errorf("%s %s: %v", tt.scope, tt.claims, info)
		}
		if (info["zoneinfo"] == "Europe/London") != strings.Contains(tt.scope, "profile") {
			t.Errorf("%s: zoneinfo %v", tt.scope, info["zoneinfo"])
		}
		_, payload, _ := strings.Cut(tokens.str("id_token"), ".")
		payload, _, _ = strings.Cut(payload, ".")
		var id map[string]any
		text, err := base64.RawURLEncoding.DecodeString(payload)
		must(t, err)
		must(t, json.Unmarshal(text, &id))
		if (id["group"] != nil) != tt.inID || id["sub"] != string(w.user.ID) {
			t.Errorf("%s %s: ID token %v", tt.scope, tt.claims, id)
		}
	}
	a := w.parse(with(request("all"), "scope", "openid group", "claims", `{"userinfo": {"group": null, "https://example.org/age": null}}`))
	if want := []string{"openid", "group", "claim:https://example.org/age"}; !slices.Equal(a.Asked(), want) {
		t.Errorf("asked: %q", a.Asked())
	}
	lines := w.s.ClaimsOf(a, w.user)
	if i := slices.IndexFunc(lines, func(c Claim) bool { return c.Name == "claim.group" }); i < 0 || lines[i].Title.In("de") != "Your group" || lines[i].Value != "engine, </script>" {
		t.Errorf("%+v", lines)
	}
}

// TestCustomClaimsTakeNoPlace is the attack of a configuration that would let
// people write what clients trust: it is refused.
func TestCustomClaimsTakeNoPlace(t *testing.T) {
	value := func(broker.User) json.RawMessage { return json.RawMessage(`"x"`) }
	for _, c := range []broker.ProfileClaim{
		{Name: "sub", Scope: "x", Value: value}, {Name: "email", Scope: "x", Value: value}, {Name: "email_verified", Scope: "x", Value: value}, {Name: "acr", Scope: "x", Value: value},
		{Name: "idp", Scope: "x", Value: value}, {Name: "x", Scope: "openid", Value: value}, {Name: "x", Scope: "email", Value: value}, {Name: "x", Scope: "offline_access", Value: value},
		{Name: "x", Value: value}, {Scope: "x", Value: value}, {Name: "x", Scope: "x"},
	} {
		if problems := (Options{Claims: []broker.ProfileClaim{c}}).checkCustom(); len(problems) == 0 {
			t.Errorf("%s under %s was taken", c.Name, c.Scope)
		}
	}
	if problems := (Options{Claims: append(customClaims(), customClaims()...)}).checkCustom(); len(problems) != 2 {
		t.Errorf("twice: %v", problems)
	}
}

// TestCustomScopesArePeoples: no client has them for itself.
func TestCustomScopesArePeoples(t *testing.T) {
	o := Options{Claims: customClaims()}
	if want := []string{"openid", "profile", "email", "offline_access", "group"}; !slices.Equal(o.offeredScopes(), want) {
		t.Errorf("offered: %q", o.offeredScopes())
	}
	if !slices.Contains(o.personalScopes(), "group") {
		t.Error("a client may have the scope for itself")
	}
}
