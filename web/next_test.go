package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idbroker/store"
	"idbroker/store/storetest"
)

// refused are the open redirects of our predecessors (invenio-oauthclient,
// Flask-Security) and of browsers' address parsers.
var refused = []string{
	"https://evil.example", "https://evil.example/a/b?x=1", "http://evil.example", "//evil.example", "//evil.example/x",
	"///evil.example", "////evil.example/x", "http:///evil.example", "https:/evil.example", "http:evil.example", "https://evil.example//attacker.example/x",
	"/%2F/evil.example", "/%2f%2fevil.example", "/%5Cevil.example", `/\evil.example`, `\/evil.example`, `\\evil.example`, `\\\evil.example`, `/\/evil.example`,
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", " //evil.example", "\t//evil.example", " /login/", "/ /evil.example", "/%09/evil.example",
	"javascript:alert(1)", "data:text/html,x", "search", "?q=1", "#frag", ".", "./x", "../x",
	"https://user@good.example/x", "https://127.0.0.1@evil.example/", `https://amazon.example\.lp.example`, `https://user:pass@amazon.example\.lp.example`,
	"/a\r\nSet-Cookie: x=1", "/café", "/\u2028", "/\u00a0/evil.example", "/a" + strings.Repeat("a", 5000),
}

// kept come back byte for byte: nothing is decoded and put together again.
var kept = []string{
	"/", "/search?q=a%20b&page=1#x", "/x?u=a%26b%3Dc", "/x?q=a%2Bb", "/a%2Fb", "/caf%C3%A9", "/a%0d%0aSet-Cookie:x",
	"/oauth/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A5100%2Fcb%3Fx%3D1%26y%3D2&state=s", "/account/settings/security/",
	"/x?next=https://evil.example", "/x?a=//evil.example",
}

// TestOpenRedirects is the attack of a sign-in link that ends elsewhere: in
// the query, in the form, through a login, through a provider.
func TestOpenRedirects(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	member := w.member("bob")
	for _, next := range append(append([]string{}, refused...), kept...) {
		want := "/"
		for _, k := range kept {
			if next == k {
				want = next
			}
		}
		q := url.QueryEscape(next)
		check := func(how string, a answer) {
			t.Helper()
			if a.status == http.StatusBadRequest && want == "/" {
				return // what is no text is refused altogether
			}
			if a.status != http.StatusSeeOther || a.location != want {
				t.Errorf("%s, next %q: %d to %q, want %q", how, next, a.status, a.location, want)
			}
		}
		check("form", w.browser().post("/login/", "email", "ada@example.org", "password", password, "next", next))
		check("query of the post", w.browser().post("/login/?next="+q, "email", "ada@example.org", "password", password))

		b := w.browser()
		if a := b.get("/login/?next=" + q); a.status == http.StatusSeeOther {
			check("login", b.post("/login/", "login", a.param("login"), "email", "ada@example.org", "password", password))
		} else if want != "/" || a.status != 200 && a.status != 400 {
			if !(next == "/" && a.status == 200) {
				t.Errorf("login, next %q: %d", next, a.status)
			}
		}
		check("signed in", member.get("/login/?next="+q))
		check("signed in, at a provider's start", member.get("/oauth/login/demo/?next="+q))
		check("language", member.post("/account/settings/language/", "lang", "en", "return", next))

		b = w.browser()
		if a := b.get("/oauth/login/demo/?next=" + q); a.status == http.StatusSeeOther {
			check("provider", b.walk(a, "bob"))
		} else if want != "/" || a.status != 400 {
			t.Errorf("provider, next %q: %d", next, a.status)
		}
	}
	// The Referer is nobody's wish.
	r := member.request("GET", "/login/", nil)
	r.Header.Set("Referer", "https://evil.example/x")
	if a := member.do(r); a.location != "/" {
		t.Errorf("Referer: %q", a.location)
	}
}

// FuzzNext: whatever comes as next, the browser stays here.
func FuzzNext(f *testing.F) {
	for _, s := range append(append([]string{}, refused...), kept...) {
		f.Add(s)
	}
	here := &url.URL{Scheme: "https", Host: "id.example.org", Path: "/login/"}
	f.Fuzz(func(t *testing.T, next string) {
		v := visit{query: formValues{Values: url.Values{"next": {next}}}}
		got := v.next()
		if got == "" {
			return
		}
		if got != next {
			t.Fatalf("%q became %q", next, got)
		}
		// As a browser reads it: backslashes are slashes, tabs and line ends
		// are not there.
		read := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(got)
		u, err := here.Parse(read)
		if err != nil || u.Host != here.Host || u.Scheme != here.Scheme {
			t.Fatalf("%q leads to %v, %v", next, u, err)
		}
	})
}

// FuzzCallback: no query of a callback ends in a panic, a 5xx or a session.
func FuzzCallback(f *testing.F) {
	for _, s := range []string{
		"", "code=a&state=b", "error=access_denied&state=b", "code=a&code=b", "state=%00", "state=%ff", "code=%zz", "a;b", "iss=x&iss=y",
		"error=server_error&error_description=" + strings.Repeat("x", 9000),
	} {
		f.Add(s)
	}
	w := fuzzWorld(f)
	f.Fuzz(func(t *testing.T, query string) {
		rec := w.raw("GET", "/oauth/authorized/demo/", query)
		if rec.Code/100 != 4 {
			t.Fatalf("%q: %d", query, rec.Code)
		}
		for _, c := range rec.Result().Cookies() {
			if c.Name == sessionCookie {
				t.Fatalf("%q: a session", query)
			}
		}
	})
}

func fuzzStore(f *testing.F) *store.DB { return storetest.New(f) }
