package upstream

// sessionsAt counts a person's stays at Keycloak of which a client holds tokens.
func (w *world) sessionsAt(name, client string) (n int) {
	w.t.Helper()
	for _, s := range w.kc.Sessions(w.t, name) {
		if s.Holds(client) {
			n++
		}
	}
	return n
}

// signOutThere: who signs out here is led to Keycloak, signed out there, and comes
// back; another browser's stay goes on.
func (w *world) signOutThere() {
	other := w.browser().to("harbour").as("ada").wantAccount("ada@harbour.example")
	before := w.sessionsAt("ada", "broker-harbour")
	b := w.browser().to("harbour").as("ada").wantAccount("ada@harbour.example")
	b.get("/logout/").press("Sign out", nil).sees("You are signed out")
	b.must("sign out at Keycloak", b.Click(w.t.Context(), "Sign out at HARBOUR too"))
	if b.atKeycloak() || b.At.Path != "/logout/" {
		w.t.Fatalf("not back from Keycloak but at %s: %d %s", b.At, b.Status, b.Text())
	}
	if got := w.sessionsAt("ada", "broker-harbour"); got != before {
		w.t.Errorf("%d stays at Keycloak, %d before", got, before)
	}
	if b.wantAccount("").to("harbour"); !b.atKeycloak() {
		w.t.Errorf("Keycloak knows the browser still: at %s", b.At)
	}
	other.wantAccount("ada@harbour.example")
}

// signOutHere: whom Keycloak signs out is signed out here, wherever they came from
// there; who came with a password stays.
func (w *world) signOutHere() {
	const email = "dan@harbour.example"
	b := w.browser().signUp("Dan", email)
	b.get("/account/settings/linkedaccounts/").press("Link HARBOUR", nil).as("dan").sees("HARBOUR is linked")
	one := w.browser().to("harbour").as("dan").wantAccount(email)
	two := w.browser().to("harbour").as("dan").wantAccount(email)
	ada := w.browser().to("harbour").as("ada").wantAccount("ada@harbour.example")
	w.kc.SignOut(w.t, "dan")
	w.until("they are signed out here", func() bool { return one.account() == "" && two.account() == "" })
	b.wantAccount(email)
	ada.wantAccount("ada@harbour.example")
}
