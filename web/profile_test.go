package web

import (
	"slices"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/tokens"
)

// address is the fields of a postal address.
var address = []string{"street_address", "1 Esplanade des Particules\r\nBuilding 33", "postal_code", "1211", "locality", "Meyrin", "country", "Switzerland"}

// TestPhoneAndAddressInTheProfile: entered, shown again, checked, and given away
// with consent alone.
func TestPhoneAndAddressInTheProfile(t *testing.T) {
	w := newWorldWith(t, tokens.Options{Phone: true, Address: true})
	u := w.user("ada")
	w.client(func(c *broker.Client) { c.Scopes = []string{"openid", "profile", "phone", "address"} })
	b := w.browser()
	b.signIn("ada")

	// asked before there is anything to tell: the page says that there will be
	page, _ := b.follow(b.get(authorize("scope", "openid profile phone address")))
	page.want(200).says("Your phone number Not in your profile.").says("Your postal address Not in your profile.")

	profile := append([]string{"name", "Ada", "locale", "de", "phone", "+41 22 767 (61) 11"}, address...)
	b.post(profilePath, profile...).to(profilePath)
	got, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	if got.Phone != "+41227676111" || got.Address != (broker.Address{Street: "1 Esplanade des Particules\nBuilding 33", PostalCode: "1211", Locality: "Meyrin", Country: "Switzerland"}) {
		t.Errorf("kept: %q, %+v", got.Phone, got.Address)
	}
	if a := b.get(profilePath).want(200); !strings.Contains(a.body, `value="&#43;41227676111"`) || !strings.Contains(a.body, "\n1 Esplanade des Particules\nBuilding 33</textarea>") {
		t.Errorf("the page does not show them:\n%s", a.body)
	}
	// the language chooser keeps the rest
	b.post("/account/settings/language/", "lang", "en", "return", profilePath).to(profilePath)
	if again, err := w.db.User(t.Context(), u.ID); err != nil || again.Phone != got.Phone || again.Address != got.Address || again.Locale != "en" {
		t.Errorf("after the choice of a language: %+v, %v", again, err)
	}
}

// TestProfileThatIsRefused shows what was typed, and what is wrong where.
func TestProfileThatIsRefused(t *testing.T) {
	w := newWorldWith(t, tokens.Options{Phone: true, Address: true})
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	for field, bad := range map[string]string{
		"phone": "022 767 61 11", "street_address": "a\nb\nc\nd", "postal_code": strings.Repeat("1", 101), "country": "</textarea><script>\x07",
	} {
		a := b.post(profilePath, "name", "Ada", field, bad).want(422)
		if !strings.Contains(a.body, `id="field-`+field+`-problem"`) || strings.Contains(a.body, "<script>\x07") {
			t.Errorf("%s: %s", field, text(a.body))
		}
	}
	got, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	if got.Phone != "" || got.Address != (broker.Address{}) {
		t.Errorf("kept: %q %+v", got.Phone, got.Address)
	}
}

// TestProfileAsksForNoMoreThanTheOperator: what is not asked for is not kept,
// whatever is posted; what is there from before can be seen and taken away.
func TestProfileAsksForNoMoreThanTheOperator(t *testing.T) {
	w := newWorld(t)
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	all := append([]string{"name", "Ada", "phone", "+41227676111"}, address...)
	b.post(profilePath, all...).to(profilePath)
	got, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	if got.Phone != "" || got.Address != (broker.Address{}) {
		t.Errorf("kept: %q %+v", got.Phone, got.Address)
	}
	if page := b.get(profilePath).want(200); strings.Contains(page.body, `name="phone"`) || strings.Contains(page.body, `name="country"`) {
		t.Error("the page asks for them")
	}

	got.Phone = "+41227676111"
	must(t, w.db.UpdateUser(t.Context(), got))
	page := b.get(profilePath).want(200).says("Applications no longer get this.")
	if !strings.Contains(page.body, `value="&#43;41227676111"`) || strings.Contains(page.body, `name="country"`) {
		t.Error("the number cannot be taken away")
	}
	b.post(profilePath, slices.Concat([]string{"name", "Ada", "phone", ""}, address)...).to(profilePath)
	if got, err = w.db.User(t.Context(), u.ID); err != nil || got.Phone != "" || got.Address != (broker.Address{}) {
		t.Errorf("kept: %q %+v %v", got.Phone, got.Address, err)
	}
}
