package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestFormsAddressesLeadToTheirPage: whoever comes back to the address of a form that was
// refused (a phone that reloads a tab, a bookmark) sees the form and not that
// they have asked in the wrong way. Programs are told so.
func TestFormsAddressesLeadToTheirPage(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post("/account/settings/password/", "current", "wrong", "password", "another good one").want(422)
	b.get("/account/settings/password/").to(securityPath)
	b.get(securityPath).want(200)
	b.get("/second-factor/send/?login=abc&way=sms").to("/second-factor/?login=abc")
	b.get("/.well-known/change-password").to(securityPath)

	posted, shownToo := map[string]bool{}, map[string]bool{}
	for pattern := range w.server.operations {
		method, path, _ := strings.Cut(strings.TrimSuffix(pattern, "{$}"), " ")
		posted[path] = posted[path] || method == http.MethodPost && !strings.Contains(path, "{") && w.server.operations[pattern].takesJSON()
		shownToo[path] = shownToo[path] || method == http.MethodGet
	}
	for path := range posted {
		if !posted[path] || shownToo[path] {
			continue
		}
		to := instead[path]
		if to == "" || !shownToo[to] {
			t.Errorf("GET %s leads to %q, which is no page; write the page with its form into instead", path, to)
			continue
		}
		b.get(path).to(to)
		program := b.request(http.MethodGet, path, nil)
		program.Header.Set("Accept", jsonMediaType)
		if a := b.do(program); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
			t.Errorf("GET %s as a program: %d, Allow %q", path, a.status, a.header.Get("Allow"))
		}
	}
	for path := range instead {
		if !posted[path] && path != "/.well-known/change-password" {
			t.Errorf("nothing is posted to %s", path)
		}
	}
}
