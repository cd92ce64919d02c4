package tokens

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// contactWorld is a world in which phone and address may be asked for by every
// client, and offered is whether the operator offers them. The person has told
// both.
func contactWorld(t *testing.T, offered bool) *world {
	w := newWorld(t, func(o *Options) { o.Phone, o.Address = offered, offered })
	w.tell("+41227676111", broker.Address{Street: "1 Esplanade des Particules\nBuilding 33", PostalCode: "1211", Locality: "Meyrin", Country: "Switzerland"})
	clients, err := w.db.Clients(t.Context())
	must(t, err)
	for _, c := range clients {
		c.Scopes = append(c.Scopes, scopePhone, scopeAddress)
		must(t, w.db.UpdateClient(t.Context(), c))
	}
	return w
}

// tell changes what the person has told.
func (w *world) tell(phone string, address broker.Address) {
	w.t.Helper()
	u, err := w.db.User(w.t.Context(), w.user.ID)
	must(w.t, err)
	u.Phone, u.Address = phone, address
	must(w.t, w.db.UpdateUser(w.t.Context(), u))
	u.Version++
	w.user = u
}

// info is what userinfo answers, but for the claims of every answer.
func (w *world) info(tokens answer) map[string]any {
	w.t.Helper()
	var info map[string]any
	must(w.t, json.Unmarshal(w.userInfo(tokens.str("access_token")).body, &info))
	delete(info, "sub")
	return info
}

var meyrin = map[string]any{
	"formatted": "1 Esplanade des Particules\nBuilding 33\n1211 Meyrin\nSwitzerland", "street_address": "1 Esplanade des Particules\nBuilding 33",
	"postal_code": "1211", "locality": "Meyrin", "country": "Switzerland",
}

// TestPhoneAndAddress: OpenID Connect Core 1.0, sections 5.1, 5.1.1, 5.4 and 5.5.
func TestPhoneAndAddress(t *testing.T) {
	w := contactWorld(t, true)
	for _, tt := range []struct {
		scope, claims string
		want          map[string]any
	}{
		{"openid", "", map[string]any{}},
		{"openid phone", "", map[string]any{"phone_number": "+41227676111", "phone_number_verified": false}},
		{"openid address", "", map[string]any{"address": meyrin}},
		{"openid", `{"userinfo": {"phone_number": null}}`, map[string]any{"phone_number": "+41227676111"}},
		{"openid", `{"userinfo": {"phone_number_verified": {"essential": true}}}`, map[string]any{"phone_number_verified": false}},
		{"openid", `{"userinfo": {"address": {"essential": true}}}`, map[string]any{"address": meyrin}},
		{"openid", `{"id_token": {"address": null, "phone_number": null}}`, map[string]any{}},
	} {
		pairs := []string{"scope", tt.scope, "claims", tt.claims}
		tokens := w.tokens("app", pairs...)
		if got := w.info(tokens); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %s: %v, want %v", tt.scope, tt.claims, got, tt.want)
		}
		id := claimsOf(t, w, tokens.str("id_token"))
		if inToken := slices.Contains([]string{`{"id_token": {"address": null, "phone_number": null}}`}, tt.claims); inToken != (id.Address != nil && id.PhoneNumber != "") {
			t.Errorf("%s %s: ID token %+v", tt.scope, tt.claims, id)
		}
	}
	// No access token comes beside this one, so the claims of the scopes are in it (section 5.4).
	a := w.parse(with(request("all"), "response_type", "id_token", "scope", "openid phone address"))
	id := claimsOf(t, w, w.respond(a, w.approval(a)).Get("id_token"))
	if id.PhoneNumber != "+41227676111" || id.Address == nil || id.Address.Country != "Switzerland" || id.Email != "" {
		t.Errorf("the only ID token has %+v", id.personClaims)
	}

	w.tell("", broker.Address{})
	if got := w.info(w.tokens("app", "scope", "openid phone address")); len(got) != 0 {
		t.Errorf("what nobody told: %v", got)
	}
}

// TestPhoneAndAddressAreWithheld: where the operator does not offer them nobody
// is told, and what was asked for then means nothing when they are offered later.
func TestPhoneAndAddressAreWithheld(t *testing.T) {
	w := contactWorld(t, false)
	const claims = `{"userinfo": {"phone_number": null, "address": null}, "id_token": {"address": null}}`
	tokens := w.tokens("app", "scope", "openid phone address", "claims", claims)
	if got := w.info(tokens); len(got) != 0 {
		t.Errorf("userinfo %v", got)
	}
	if id := claimsOf(t, w, tokens.str("id_token")); id.PhoneNumber != "" || id.Address != nil {
		t.Errorf("ID token %+v", id)
	}
	if got := w.s.ClaimsFor(w.user, []string{"openid", "phone", "address", "claim:phone_number", "claim:phone_number_verified"}); len(got) != 1 {
		t.Errorf("the consent page has %v", got)
	}
	_, err := w.s.ParseAuthorization(t.Context(), with(request("app"), "scope", "phone"))
	if !errors.Is(err, fosite.ErrInvalidScope) {
		t.Errorf("only what is not offered: %v", err)
	}

	w.s.o.Phone, w.s.o.Address = true, true
	if got := w.info(tokens); len(got) != 0 {
		t.Errorf("offered later: %v", got)
	}
	if got := w.info(w.tokens("app", "scope", "openid phone")); len(got) != 2 {
		t.Errorf("asked for anew: %v", got)
	}
}

// TestConsentNamesPhoneAndAddress also where there is none yet: the application
// will be told once there is.
func TestConsentNamesPhoneAndAddress(t *testing.T) {
	w := contactWorld(t, true)
	asked := []string{"phone", "address", "claim:phone_number_verified"}
	want := []Claim{
		{Scope: "phone", Name: "claim.phone_number", Value: "+41227676111"},
		{Scope: "address", Name: "claim.address", Value: w.user.Address.Formatted()},
		{Scope: "phone", Name: "claim.phone_number_verified"},
	}
	if got := w.s.ClaimsFor(w.user, asked); !reflect.DeepEqual(got, want) {
		t.Errorf("ClaimsFor = %v, want %v", got, want)
	}
	w.tell("", broker.Address{})
	want[0].Value, want[0].Missing, want[1].Value, want[1].Missing = "", true, "", true
	if got := w.s.ClaimsFor(w.user, asked); !reflect.DeepEqual(got, want) {
		t.Errorf("without them: %v", got)
	}
	// One claim is not the scope (section 5.5): each is said yes to by itself.
	a := w.parse(with(request("app"), "scope", "openid", "claims", `{"userinfo": {"address": null}}`))
	if given := (broker.Consent{UserID: w.user.ID, ClientID: "app", Scopes: []string{"openid", "phone"}}); given.Covers(a.Asked()) {
		t.Errorf("%v is covered by %v", a.Asked(), given.Scopes)
	}
}
