package web

import (
	"slices"
	"testing"

	"idbroker/tokens"
)

// watch holds the handlers of a server to the table of operations, whatever a test
// does with them: a field that one asks for, and a page that one shows, stand there.
func watch(t testing.TB, s *Server) {
	s.onField = func(pattern, name string) {
		op := s.operations[pattern]
		known := func(f field) bool { return f.name == name }
		if op.does != "" && op.standard == "" && !slices.ContainsFunc(op.fields, known) && !slices.ContainsFunc(op.query, known) {
			t.Errorf("%q asks for the field %q, which operations() does not have", pattern, name)
		}
	}
	s.onPage = func(pattern string, p page) {
		is := func(other page) bool { return other.template() == p.template() }
		if op := s.operations[pattern]; op.does != "" && !slices.ContainsFunc(op.shows, is) && !isReopen(p) {
			t.Errorf("%q shows the page %q, which operations() does not have", pattern, p.template())
		}
	}
}

// isReopen tells whether a page is the offer to open a closed account again, which
// any sign-in may end with: it is an error, and no answer of its operation.
func isReopen(p page) bool { return p.top().Refusal != nil }

// TestEveryRouteIsAnOperation: what is served is described, and the other way
// round.
func TestEveryRouteIsAnOperation(t *testing.T) {
	s := newWorldWith(t, tokens.Options{Registration: tokens.Registration{Mode: tokens.RegisterOpen}}).server
	for _, pattern := range s.patterns {
		if op := s.operations[pattern]; op.does == "" {
			t.Errorf("route %q has no operation: add it to operations(), or it speaks no JSON", pattern)
		}
	}
	for pattern := range s.operations {
		if !slices.Contains(s.patterns, pattern) {
			t.Errorf("operation %q has no route", pattern)
		}
	}
}

// TestEveryPageHasJSON: a page is shown by an operation, and each of its fields can
// be given to programs.
func TestEveryPageHasJSON(t *testing.T) {
	shown := map[string]bool{}
	for _, op := range operations() {
		for _, p := range op.shows {
			shown[p.template()] = true
		}
	}
	seen := map[string]bool{}
	for _, s := range samples(testRenderer(t, Brand{}), "en", plainWords) {
		name := s.page.template()
		if seen[name] || name == "error" { // which is a problem
			continue
		}
		seen[name] = true
		if !shown[name] {
			t.Errorf("page %s has no JSON: no operation shows it", name)
		}
		if _, err := (schemas{}).page(s.page); err != nil {
			t.Errorf("page %s has no JSON: %v; give it a method api", name, err)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d pages only", len(seen))
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"SignUpURL": "sign_up_url", "IP": "ip", "MinPassword": "min_password", "IdentityID": "identity_id", "URL": "url", "AMR": "amr", "HTMLPage": "html_page", "Email": "email",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
