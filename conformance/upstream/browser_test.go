package upstream

import (
	"net/http"
	"net/url"
	"strings"

	"idbroker/conformance/visitor"
)

// browser is somebody's browser. Its methods fail the journey where a page is
// not what they need.
type browser struct {
	*visitor.Visitor
	w *world
}

func (w *world) browser() *browser { return &browser{visitor.New(visitor.Transport(2)), w} }

// must fails the journey, and says what stood on the page.
func (b *browser) must(what string, err error) *browser {
	b.w.t.Helper()
	if err != nil {
		b.w.t.Fatalf("%s: %v\nat %s: %d %s", what, err, b.At, b.Status, b.Text())
	}
	return b
}

// get opens a path of the broker, or an address.
func (b *browser) get(path string) *browser {
	b.w.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.w.issuer + path
	}
	return b.must("open "+path, b.Open(b.w.t.Context(), path))
}

func (b *browser) press(button string, fill visitor.Fill) *browser {
	b.w.t.Helper()
	return b.must("press "+button, b.Press(b.w.t.Context(), button, fill))
}

// to begins a sign-in at a provider. The page that comes is Keycloak's, or the
// broker's where Keycloak knows the person still.
func (b *browser) to(provider string) *browser {
	b.w.t.Helper()
	return b.get("/oauth/login/" + provider + "/")
}

// atKeycloak tells whether the page is Keycloak's.
func (b *browser) atKeycloak() bool { return "http://"+b.At.Host == b.w.kc.URL }

// as fills in Keycloak's page.
func (b *browser) as(name string) *browser {
	b.w.t.Helper()
	if !b.atKeycloak() {
		b.w.t.Fatalf("not at Keycloak but at %s: %d %s", b.At, b.Status, b.Text())
	}
	return b.must("sign in at Keycloak", b.PressFirst(b.w.t.Context(), visitor.Fill{"username": name, "password": name + " at the harbour"}))
}

// again proves to Keycloak, which knows the person, that they are still there.
func (b *browser) again(name string) *browser {
	b.w.t.Helper()
	return b.must("prove it again at Keycloak", b.PressFirst(b.w.t.Context(), visitor.Fill{"password": name + " at the harbour"}))
}

// sees fails the journey unless the page says all the words.
func (b *browser) sees(words ...string) *browser {
	b.w.t.Helper()
	for _, s := range words {
		if !b.Has(s) {
			b.w.t.Fatalf("no %q at %s: %d %s", s, b.At, b.Status, b.Text())
		}
	}
	return b
}

// lacks fails the journey where the page says one of the words.
func (b *browser) lacks(words ...string) *browser {
	b.w.t.Helper()
	for _, s := range words {
		if b.Has(s) {
			b.w.t.Fatalf("%q at %s: %s", s, b.At, b.Text())
		}
	}
	return b
}

// account is the address of the account that is signed in; "" nobody is.
func (b *browser) account() string {
	b.w.t.Helper()
	const profile = "/account/settings/profile/"
	if b.get(profile); b.At.Path != profile || b.Status != http.StatusOK {
		return ""
	}
	return b.TextOf("class", "code")
}

// wantAccount fails the journey where another account, or none, is signed in.
func (b *browser) wantAccount(email string) *browser {
	b.w.t.Helper()
	if got := b.account(); got != email {
		b.w.t.Fatalf("signed in as %q, want %q; at %s: %s", got, email, b.At, b.Text())
	}
	return b
}

// confirm opens the link in a mail and presses its button.
func (b *browser) confirm(email string) *browser {
	b.w.t.Helper()
	link, err := url.Parse(b.w.mail(email, "/verify-email/"))
	b.must("link in the mail", err)
	b.get(link.String())
	return b.must("confirm", b.PressFirst(b.w.t.Context(), visitor.Fill{"token": link.Query().Get("token")}))
}

const password = "a few unrelated words"

// signUp begins an account with a password.
func (b *browser) signUp(name, email string) *browser {
	b.w.t.Helper()
	b.get("/signup/")
	b.must("sign up", b.PressFirst(b.w.t.Context(), visitor.Fill{"name": name, "email": email, "password": password}))
	return b.confirm(email).wantAccount(email)
}
