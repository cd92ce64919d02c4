package web

import (
	"errors"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestEveryTemplateHasAPage: a page is a struct and a template of the same
// name, and every one of them stands among the samples.
func TestEveryTemplateHasAPage(t *testing.T) {
	r := testRenderer(t, Brand{})
	seen := map[string]bool{}
	for _, s := range samples(r, "en", plainWords) {
		name := s.page.template()
		seen[name] = true
		if got, want := strings.TrimSuffix(reflect.TypeOf(s.page).Elem().Name(), "Page"), regexp.MustCompile(`_([a-z])`).ReplaceAllStringFunc(name, func(m string) string { return strings.ToUpper(m[1:]) }); got != want {
			t.Errorf("%sPage has the template %q", got, name)
		}
	}
	for name := range *r.pages.Load() {
		if !seen[name] {
			t.Errorf("template %q has no sample", name)
		}
	}
	if len(seen) != len(*r.pages.Load()) {
		t.Errorf("%d pages, %d templates", len(seen), len(*r.pages.Load()))
	}
}

// TestMessagesOfTemplates finds a key that no catalog has also where no sample
// leads.
func TestMessagesOfTemplates(t *testing.T) {
	b := testBase(t, "en")
	entries, err := os.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		text, err := os.ReadFile("templates/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.(?:T|N|Rich|Say) "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			n++
			if !b.Has(m[1]) {
				t.Errorf("%s: no message %q", e.Name(), m[1])
			}
		}
	}
	if n < 100 {
		t.Errorf("found %d messages only", n)
	}
}

// TestMessagesOfSources does the same for the handlers: what they say in
// notices, on buttons and in titles.
func TestMessagesOfSources(t *testing.T) {
	b := testBase(t, "en")
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:\.(?:T|N|Rich|Say)\(|(?:Key|Label|Message|Advice):\s*)"([a-z_]+\.[a-z_.]+)"(\s*\+)?`).FindAllStringSubmatch(string(text), -1) {
			if m[2] == "" && !b.Has(m[1]) {
				t.Errorf("%s: no message %q", e.Name(), m[1])
			}
		}
	}
}

func TestProviderSearch(t *testing.T) {
	forty := manyProviders(40, plainWords)
	forty[4].LastUsed = true
	for _, tt := range []struct {
		name          string
		page          loginPage
		shown, hidden int
		last          bool
	}{
		{"few", loginPage{Providers: manyProviders(searchFrom-1, plainWords)}, searchFrom - 1, 0, false},
		{"many", loginPage{Providers: forty}, shownFirst, 40 - shownFirst - 1, true},
		{"all", loginPage{Providers: forty, All: true}, 39, 0, true},
		{"found", loginPage{Providers: forty, Query: " helmHOLTZ "}, 1, 0, true}, // also the one that was used last
		{"by id", loginPage{Providers: forty, Query: "p17"}, 1, 0, true},
		{"none", loginPage{Providers: forty, Query: "zzz"}, 0, 0, true},
		{"nobody", loginPage{}, 0, 0, false},
	} {
		if got := len(tt.page.Others()); got != tt.shown {
			t.Errorf("%s: %d shown, want %d", tt.name, got, tt.shown)
		}
		if got := tt.page.Hidden(); got != tt.hidden {
			t.Errorf("%s: %d hidden, want %d", tt.name, got, tt.hidden)
		}
		if got := tt.page.Last() != nil; got != tt.last {
			t.Errorf("%s: last used is %v", tt.name, got)
		}
	}
	if got := (loginPage{Login: "a&b"}).AllURL(); got != "/login/?all=1&login=a%26b#providers" {
		t.Errorf("AllURL = %q", got)
	}
}

// TestLastUsedStandsFirst: what worked last time is the one primary action.
func TestLastUsedStandsFirst(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, s := range samples(r, "en", plainWords) {
		text := renderSample(t, r, s)
		if n := strings.Count(text, `class="primary"`) + strings.Count(text, "button primary"); n > 1 {
			t.Errorf("%s has %d primary actions", s.name, n)
		}
		if s.name == "login_last" {
			if strings.Index(text, "Continue with ORCID") > strings.Index(text, "Continue with GitHub") || strings.Contains(text, `class="primary"`) {
				t.Error("the provider that was used last does not stand out")
			}
		}
	}
}

func TestAbsentThings(t *testing.T) {
	r := testRenderer(t, Brand{})
	b := r.base("en", "/", nil, sampleNow)
	none := renderSample(t, r, sample{"no passwords", &loginPage{base: b, Providers: manyProviders(2, plainWords)}})
	for _, gone := range []string{`type="password"`, "Create an account", "Forgot", "continue to"} {
		if strings.Contains(none, gone) {
			t.Errorf("a sign-in without passwords and sign-up shows %q", gone)
		}
	}
	row := linkedRow{remoteView: remoteView{Title: "GitHub"}, Subject: "1"}
	if kept := renderSample(t, r, sample{"only", &linkedAccountsPage{base: b, Linked: []linkedRow{row}, OnlyWayIn: true}}); strings.Contains(kept, "/oauth/disconnect/") || !strings.Contains(kept, "your only way in") {
		t.Error("the last way in can be unlinked, or nobody says why not")
	}
	if whole := renderSample(t, r, sample{"whole", &linkedAccountsPage{base: b, Linked: []linkedRow{row}}}); strings.Contains(whole, "Connect again") {
		t.Error("what is not lost is to be connected again")
	}
	row.Lost, row.ReconnectURL = true, "/oauth/login/github/"
	if lost := renderSample(t, r, sample{"lost", &linkedAccountsPage{base: b, Linked: []linkedRow{row}}}); !strings.Contains(lost, `method="post" action="/oauth/login/github/"`) || !strings.Contains(lost, "GitHub gives us no access any more") {
		t.Error("the way to connect again is missing")
	}
	sent := renderSample(t, r, sample{"sent", &sentPage{base: b, Reset: true, Email: "a@b.example"}})
	if !strings.Contains(sent, "If ") || strings.Contains(sent, `action="/sent/"`) {
		t.Error("the page about a reset tells whether the address is known, or offers what it cannot do")
	}
}

func TestLanguageChoice(t *testing.T) {
	r := testRenderer(t, Brand{})
	b := r.base("de", `/login/?login=l1&next="x`, nil, sampleNow)
	doc := parse(t, renderSample(t, r, sample{"login", &loginPage{base: b}}))
	for _, n := range nodes(doc) {
		switch {
		case n.Data == "html" && (val(n, "lang") != "de" || val(n, "dir") != "ltr"):
			t.Errorf("document is %q %q", val(n, "lang"), val(n, "dir"))
		case val(n, "name") == "return" && val(n, "value") != b.Path:
			t.Errorf("the way back is %q", val(n, "value"))
		case n.Data == "button" && val(n, "name") == "lang" && val(n, "value") != "en":
			t.Errorf("offers %q", val(n, "value"))
		}
	}
}

func TestSecurityWords(t *testing.T) {
	b := testBase(t, "en")
	for _, tt := range []struct {
		page securityPage
		kind string
		want string
	}{
		{securityPage{base: b}, noticeProblem, "Nothing lets you back in"},
		{securityPage{base: b, HasPassword: true}, noticeInfo, "One way in: your password"},
		{securityPage{base: b, Identities: 1}, noticeInfo, "One way in: a linked account"},
		{securityPage{base: b, HasPassword: true, Identities: 2}, noticeOK, "3 ways in"},
		{securityPage{base: b, Codes: true}, noticeInfo, "One way in: a code by mail"},
		{securityPage{base: b, Codes: true, CanAdd: true}, noticeInfo, "One way in: a code by mail. Add a second"},
		{securityPage{base: b, Codes: true, Passkeys: 1, Factors: true, FactorAt: sampleNow}, noticeOK, "2 ways in. If one fails, you still get in. A second step guards"},
	} {
		if got := tt.page.Protection(); !strings.HasPrefix(got, tt.want) || tt.page.Standing() != tt.kind {
			t.Errorf("%q, %s", got, tt.page.Standing())
		}
	}
	p := securityPage{base: b}
	for e, want := range map[eventRow]string{
		{Name: broker.EventSignedIn}:                           "Signed in with your password",
		{Name: broker.EventSignedIn, Client: "Atlas"}:          "Signed in with your password",
		{Name: broker.EventSignedIn, Provider: "ORCID"}:        "Signed in with ORCID",
		{Name: broker.EventSignedOutThere, Provider: "GitHub"}: "Signed out at GitHub",
		{Name: broker.EventRefreshReuse, Client: "Atlas"}:      "Access of Atlas ended: an old key was used again",
		{Name: "future.event"}:                                 "Your account was changed",
	} {
		if got := p.Event(e); got != want {
			t.Errorf("%+v: %q", e, got)
		}
	}
}

// brokenWriter is a person who went away.
type brokenWriter struct{ *httptest.ResponseRecorder }

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

type unknownPage struct{ base }

func (unknownPage) template() string { return "no_such_template" }

type failingPage struct{ base }

func (failingPage) template() string { return "login" } // has none of its fields

func TestRenderErrors(t *testing.T) {
	r := testRenderer(t, Brand{})
	b := r.base("en", "/", nil, sampleNow)
	for _, p := range []page{&unknownPage{b}, &failingPage{b}} {
		w := httptest.NewRecorder()
		if err := r.render(w, 200, p); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
			t.Errorf("%T: %v, wrote %d bytes and %v", p, err, w.Body.Len(), w.Header())
		}
	}
	if err := r.render(brokenWriter{httptest.NewRecorder()}, 200, &homePage{base: b}); !errors.Is(err, errBroken) {
		t.Errorf("went away: %v", err)
	}
	w := httptest.NewRecorder()
	if err := r.render(w, 422, &homePage{base: b}); err != nil || w.Code != 422 || w.Header().Get("Content-Language") != "en" {
		t.Errorf("%v, %d, %v", err, w.Code, w.Header())
	}
}

func BenchmarkRender(b *testing.B) {
	r := testRenderer(b, sampleBrand)
	p := samples(r, "de", plainWords)[0].page
	b.ReportAllocs()
	for b.Loop() {
		_ = r.render(httptest.NewRecorder(), 200, p)
	}
}
