package linking_test

import (
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/providers"
	"idbroker/store/storetest"
)

// TestHiddenBeforeTheProof: the provider was hidden, or may not begin accounts any
// more, while the mail was under way. Nothing begins, and the link still works
// once it is back.
func TestHiddenBeforeTheProof(t *testing.T) {
	for name, edit := range map[string]func(*providers.App){
		"hidden":     func(a *providers.App) { a.Hidden = true },
		"link-only":  func(a *providers.App) { a.LinkOnly = true },
		"no sign-up": func(a *providers.App) { a.SignUp = broker.SignUpNo },
	} {
		db := storetest.New(t)
		w := newWorld(t, db)
		login := w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada").Login
		must(t, local.New(db, w.Linker, local.Options{Issuer: base}).SignUp(t.Context(), login, local.SignUpForm{Email: "ada@mail.example"}))
		m, err := w.inbox.last(db, "ada@mail.example")
		must(t, err)
		_, token, _ := strings.Cut(m.Data["link"], "token=")
		closed := newWorld(t, db, edit)
		if _, _, err := local.New(db, closed.Linker, local.Options{}).Prove(t.Context(), broker.Secret(token), ""); err == nil {
			t.Errorf("%s: an account began", name)
		}
		if n, err := db.CountUsers(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: %d users, %v", name, n, err)
		}
		_, _, err = local.New(db, w.Linker, local.Options{}).Prove(t.Context(), broker.Secret(token), "")
		must(t, err)
	}
}
