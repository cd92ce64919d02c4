package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/conformance/visitor"
)

// TestKeycloak takes people through a Keycloak. The journeys share it, since it
// takes long to start, and the broker; they come one after the other.
func TestKeycloak(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a Keycloak")
	}
	w := newWorld(t)
	for _, j := range []struct {
		name string
		walk func(*world)
	}{
		{"check", (*world).check},
		{"first sign-in, second sign-in", (*world).signInTwice},
		{"trust in addresses", (*world).trust},
		{"link and unlink", (*world).linkAndUnlink},
		{"refresh with rotation", (*world).refresh},
		{"sign-out there", (*world).signOutThere},
		{"sign-out here", (*world).signOutHere},
		{"roles", (*world).roles},
		{"prompt=login", (*world).promptLogin},
		{"no consent", (*world).noConsent},
		{"disabled there", (*world).disabledThere},
		{"wrong secret", (*world).wrongSecret},
		{"another key", (*world).anotherKey},
	} {
		ok := t.Run(j.name, func(t *testing.T) {
			w.t = t
			j.walk(w)
		})
		if w.t = t; !ok {
			t.Logf("the broker said:\n%s", w.process.Said())
		}
	}
}

// check: the operator is told what works before anybody tries it.
func (w *world) check() {
	said, ok := w.cli("providers", "check", "harbour")
	if !ok || !strings.Contains(said, "register exactly "+w.issuer+"/oauth/authorized/harbour/") || !strings.Contains(said, "the token endpoint knows them") ||
		strings.Contains(said, "error") || strings.Contains(said, "warning") {
		w.t.Errorf("check of what is right: %v\n%s", ok, said)
	}
	if said, ok := w.cli("providers", "check", "wrong"); ok || !strings.Contains(said, "the token endpoint refuses them") {
		w.t.Errorf("check of a wrong secret: %v\n%s", ok, said)
	}
}

// signInTwice: the first time makes an account, the second opens it.
func (w *world) signInTwice() {
	b := w.browser().to("harbour").as("ada").sees("Ada Harbour")
	b.must("begin an account", b.Click(w.t.Context(), "Create a new account"))
	b.must("sign up", b.PressFirst(w.t.Context(), visitor.Fill{"name": "Ada", "email": "ada@harbour.example"}))
	b.confirm("ada@harbour.example").wantAccount("ada@harbour.example")

	w.browser().to("harbour").as("ada").wantAccount("ada@harbour.example")

	if b := w.browser().to("harbour"); !b.atKeycloak() {
		w.t.Errorf("a browser that nobody has signed in at is at %s", b.At)
	}
}

// trust: an address counts where Keycloak has proven it, and even then it opens
// nothing.
func (w *world) trust() {
	const email = "bob@harbour.example"
	w.browser().signUp("Bob", email)
	const exists = "There is an account with the address b…@harbour.example already"
	w.browser().to("harbour").as("bob").lacks(exists).wantAccount("")
	w.kc.Change(w.t, "bob", map[string]any{"emailVerified": true})
	w.browser().to("harbour").as("bob").sees(exists).wantAccount("")
}

// linkAndUnlink: what is linked opens the account, and once it is unlinked the
// broker has given back what it held at Keycloak.
func (w *world) linkAndUnlink() {
	const email = "carol@example.org"
	b := w.browser().signUp("Carol", email)
	b.get("/account/settings/linkedaccounts/").press("Link HARBOUR", nil).as("eve").sees("HARBOUR is linked", "Eve Harbour")
	w.browser().to("harbour").as("eve").wantAccount(email)
	held := func() int { return w.sessionsAt("eve", "broker-harbour") }
	before := held() // two browsers, of which the last counts
	if before != 2 {
		w.t.Fatalf("Keycloak does not know that the broker holds tokens: %+v", w.kc.Sessions(w.t, "eve"))
	}
	b.get("/account/settings/linkedaccounts/")
	b.must("unlink", b.Click(w.t.Context(), "Unlink")).press("Unlink HARBOUR", nil).sees("HARBOUR is unlinked")
	w.until("the tokens end at Keycloak", func() bool { return held() == before-1 })
	w.browser().to("harbour").as("eve").wantAccount("")
}

// roles: who has one of them comes in. Keycloak tells roles only where a mapper
// puts them into the ID token; without one nobody has any.
func (w *world) roles() {
	w.browser().to("crew").as("ada").sees("Ada Harbour", "Create")
	for provider, name := range map[string]string{"crew": "eve", "roleless": "ada"} {
		b := w.browser().to(provider).as(name)
		if b.sees("account can’t be used here"); b.Status != http.StatusForbidden {
			w.t.Errorf("%s as %s: %d", provider, name, b.Status)
		}
		b.wantAccount("")
	}
}

// promptLogin: an application that wants the person to prove anew who they are
// gets that, though Keycloak knows them still.
func (w *world) promptLogin() {
	const app = "http://127.0.0.1:1/callback"
	if said, ok := w.cli("clients", "create", "App", "--id", "app", "--redirect-uri", app, "--first-party"); !ok {
		w.t.Fatal(said)
	}
	authorize := "/oauth2/authorize?" + url.Values{
		"client_id": {"app"}, "redirect_uri": {app}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}.Encode()
	b := w.browser().to("harbour").as("ada")
	b.Stop = app
	if b.get(authorize); b.Stopped == nil || b.Stopped.Query().Get("code") == "" {
		w.t.Fatalf("no code for who is signed in: %v; at %s: %s", b.Stopped, b.At, b.Text())
	}
	b.get(authorize + "&prompt=login")
	b.must("on to Keycloak", b.Click(w.t.Context(), "HARBOUR"))
	if b.Stopped != nil || !b.atKeycloak() {
		w.t.Fatalf("nobody was asked to prove it again: %v; at %s: %s", b.Stopped, b.At, b.Text())
	}
	if b.again("ada"); b.Stopped == nil || b.Stopped.Query().Get("code") == "" {
		w.t.Errorf("no code behind the proof: %v; at %s: %s", b.Stopped, b.At, b.Text())
	}
}

// noConsent: who says no at Keycloak is told where to go on.
func (w *world) noConsent() {
	b := w.browser().to("asks").as("eve").press("No", nil)
	b.sees("You didn’t go on at ASKS").wantAccount("")
}

// disabledThere: whom Keycloak has locked out does not come in, not even with a
// session there.
func (w *world) disabledThere() {
	b := w.browser().to("harbour").as("ada").wantAccount("ada@harbour.example")
	b.get("/logout/").press("Sign out", nil)
	w.kc.Change(w.t, "ada", map[string]any{"enabled": false})
	defer w.kc.Change(w.t, "ada", map[string]any{"enabled": true})
	for name, b := range map[string]*browser{"new browser": w.browser().to("harbour").as("ada"), "session": b.to("harbour")} {
		if b.wantAccount(""); !b.atKeycloak() && b.At.Path == "/" {
			w.t.Errorf("%s: at %s", name, b.At)
		}
	}
}

// wrongSecret: it is the operator's fault, and the page says so.
func (w *world) wrongSecret() {
	b := w.browser().to("wrong").as("ada").sees("don’t understand each other")
	if b.Status < 500 {
		w.t.Errorf("status %d", b.Status)
	}
	b.wantAccount("")
}

// anotherKey: Keycloak signs with a new key and has forgotten the old one. The
// broker, which knows the old one, follows; it asks for keys every ten seconds at most.
func (w *world) anotherKey() {
	old, fresh := w.kc.RotateKey(w.t)
	if old == fresh {
		w.t.Fatal("Keycloak has its key still")
	}
	w.until("the broker follows", func() bool { return w.browser().to("harbour").as("ada").account() == "ada@harbour.example" })
}
