package web

import (
	"regexp"
	"slices"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// wrongField finds the fields of a page that are said to be wrong.
var wrongField = regexp.MustCompile(`<input[^>]* id="([^"]*)"[^>]* aria-invalid="true" autofocus`)

// wrongFields are the ids of the fields that are said to be wrong, and have the focus.
func (a answer) wrongFields() (ids []string) {
	for _, m := range wrongField.FindAllStringSubmatch(a.body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// TestFactorProblemAtItsForm: the forms about a second factor share the names of their
// fields, and each says itself what is wrong with it, once.
func TestFactorProblemAtItsForm(t *testing.T) { storetest.Each(t, factorProblemAtItsForm) }

func factorProblemAtItsForm(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	w.client(func(c *broker.Client) { c.FirstParty = true })
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	wrong := func(page answer, field string) {
		t.Helper()
		if got := page.want(422).wrongFields(); !slices.Equal(got, []string{field}) {
			t.Errorf("wrong are said to be %q, want %q alone:\n%s", got, field, text(page.body))
		}
	}
	b.post(factorPath + "start/").to(factorPath)
	wrong(b.post(factorPath+"confirm/", "code", "nonsense"), "field-code")
	_, codes := b.setUpApp()
	wrong(b.post(factorPath+"codes/", "code", "nonsense"), "renew-code")
	wrong(b.post(factorPath+"remove/", "code", "nonsense"), "remove-code")

	// A form that is not on the page any more is told about above the others.
	page := b.post(factorPath+"swap/confirm/", "code", "123456", "current", "nonsense")
	if got := page.wrongFields(); len(got) > 0 {
		t.Errorf("%q are wrong without a form: %s", got, text(page.body))
	}
	b.post(factorPath + "swap/").to(factorPath)
	wrong(b.post(factorPath+"swap/confirm/", "code", "123456", "current", codes[0]), "swap-code")
}
