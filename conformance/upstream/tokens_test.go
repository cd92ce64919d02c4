package upstream

import "strings"

// refresh: Keycloak takes each refresh token once, so that a second refresh works
// only with what the first one brought. What Keycloak has ended needs the person,
// who mends it by signing in.
func (w *world) refresh() {
	const email = "ada@harbour.example"
	w.browser().to("harbour").as("ada").wantAccount(email)
	for range 3 {
		if said, ok := w.cli("users", "tokens", "refresh", email, "harbour"); !ok {
			w.t.Fatalf("refresh: %s", said)
		}
	}
	if said, ok := w.cli("users", "tokens", "list", email); !ok || !strings.Contains(said, "usable") {
		w.t.Errorf("refreshed: %v %s", ok, said)
	}
	w.kc.SignOut(w.t, "ada")
	if said, ok := w.cli("users", "tokens", "refresh", email, "harbour"); ok {
		w.t.Errorf("a refresh of what Keycloak has ended: %s", said)
	}
	if said, ok := w.cli("users", "tokens", "list", email); !ok || !strings.Contains(said, "needs the person: the provider refuses") {
		w.t.Errorf("refused: %v %s", ok, said)
	}
	w.browser().to("harbour").as("ada").wantAccount(email)
	if said, ok := w.cli("users", "tokens", "list", email); !ok || !strings.Contains(said, "usable") {
		w.t.Errorf("signed in again: %v %s", ok, said)
	}
}
