package web

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func testBase(t testing.TB, lang string) base {
	return testRenderer(t, sampleBrand).base(lang, "/", nil, sampleNow)
}

func TestWhen(t *testing.T) {
	en, de := testBase(t, "en"), testBase(t, "de")
	for _, tt := range []struct {
		ago    time.Duration
		en, de string
	}{
		{-30 * 24 * time.Hour, "22 December 2026", "22. Dezember 2026"}, // to come
		{-24*time.Hour - time.Microsecond, "23 November 2026", "23. November 2026"},
		{-24 * time.Hour, "23 November 2026, 12:00 UTC", "23. November 2026, 12:00 Uhr UTC"},
		{-time.Minute - time.Microsecond, "22 November 2026, 12:01 UTC", "22. November 2026, 12:01 Uhr UTC"},
		{-time.Minute, "just now", "gerade eben"}, // clocks differ
		{0, "just now", "gerade eben"},
		{59 * time.Second, "just now", "gerade eben"},
		{time.Minute, "a minute ago", "vor einer Minute"},
		{59*time.Minute + 59*time.Second, "59 minutes ago", "vor 59 Minuten"},
		{time.Hour, "an hour ago", "vor einer Stunde"},
		{23 * time.Hour, "23 hours ago", "vor 23 Stunden"},
		{24 * time.Hour, "yesterday", "gestern"},
		{30 * 24 * time.Hour, "30 days ago", "vor 30 Tagen"},
		{31 * 24 * time.Hour, "22 October 2026", "22. Oktober 2026"},
	} {
		at := sampleNow.Add(-tt.ago)
		if got := en.When(at).Relative; got != tt.en {
			t.Errorf("%s ago: %q, want %q", tt.ago, got, tt.en)
		}
		if got := de.When(at).Relative; got != tt.de {
			t.Errorf("%s ago: %q, want %q", tt.ago, got, tt.de)
		}
	}
	local := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 2*60*60))
	if got := en.When(local); got.ISO != "2026-02-28T22:30:00Z" || got.Exact != "28 February 2026, 22:30 UTC" {
		t.Errorf("another zone: %+v", got)
	}
}

func TestRich(t *testing.T) {
	b := testBase(t, "en")
	got := b.Rich("login.again_lead", "name", "Ada\ue000\ue001")
	want := []span{{"This change needs a recent sign-in. Please sign in once more as ", false}, {"Ada", true}, {".", false}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := b.Rich("login.button"); len(got) != 1 || got[0].Value {
		t.Errorf("without values: %v", got)
	}
	if got := b.Rich("login.again_lead", "name", ""); !reflect.DeepEqual(got[1], span{"", true}) {
		t.Errorf("an empty value: %v", got)
	}
}

func TestIsolateValue(t *testing.T) {
	for in, want := range map[string]string{
		"GitHub":                    "GitHub",
		"جامعة":                     "\u2068جامعة\u2069",
		"a\u202egnp.exe":            "agnp.exe",        // it would read exe.png
		"x\u2069\u2067y":            "xy",              // breaking out of an isolate
		"\u200fעדה":                 "\u2068עדה\u2069", // the mark is taken out, the isolate does its work
		"ада":                       "ада",             // other scripts go left to right
		strings.Repeat("\u202e", 9): "",
	} {
		if got := isolateValue(in); got != want {
			t.Errorf("isolateValue(%+q) = %+q, want %+q", in, got, want)
		}
	}
	if got := testBase(t, "en").T("login.with", "provider", "GitHub\u202e"); got != "Continue with GitHub" {
		t.Errorf("T: %+q", got)
	}
}

func TestList(t *testing.T) {
	b := testBase(t, "de")
	for _, tt := range []struct {
		words []string
		want  string
	}{{nil, ""}, {[]string{"a"}, "a"}, {[]string{"a", "b"}, "a und b"}, {[]string{"a", "b", "c"}, "a, b und c"}} {
		if got := b.List(tt.words); got != tt.want {
			t.Errorf("List(%q) = %q", tt.words, got)
		}
	}
}

func TestPairs(t *testing.T) {
	if got := pairs([]string{"a", "1", "b"}); !reflect.DeepEqual(got, map[string]string{"a": "1"}) {
		t.Errorf("a name without a value: %v", got)
	}
}

func TestTellAndProblems(t *testing.T) {
	b := testBase(t, "en")
	short := (&broker.Error{Message: "password.short", Field: "password"}).With("min", "8")
	p := problemsOf(fmt.Errorf("sign up: %w", short))
	if got := b.Tell(p.On("password")); got != "That is too short to be safe. Use at least 8 characters." {
		t.Errorf("told %q", got)
	}
	if p.Form() != nil || p.On("email") != nil || b.Tell(nil) != "" {
		t.Error("a problem stands where it does not belong")
	}
	if problemsOf(fmt.Errorf("disk full")) != nil || problems(nil).On("x") != nil {
		t.Error("an internal error belongs to no form")
	}
}

func TestNewField(t *testing.T) {
	f, err := newField("email", "type", "email", "label", "E-mail", "hint", "h", "problem", "p")
	if err != nil || f.ID != "field-email" || f.Inputmode != "email" || !f.Plain || f.Describedby() != "field-email-problem field-email-hint" {
		t.Errorf("%+v, %v", f, err)
	}
	for _, args := range [][]any{{"nolabel", "x"}, {"min", "8"}, {1, 2}, {"", "x"}, {"label", nil}} {
		if _, err := newField("x", args...); err == nil {
			t.Errorf("%v passes", args)
		}
	}
}

func TestErrorPage(t *testing.T) {
	r := testRenderer(t, Brand{})
	b := r.base("en", "/", nil, sampleNow)
	for _, tt := range []struct {
		status int
		err    *broker.Error
		title  string
	}{
		{500, nil, "Something broke on our side"},
		{403, (&broker.Error{Message: "provider.denied"}).With("provider", "ORCID"), "You didn’t go on at ORCID"},
		{404, &broker.Error{Message: "no.title"}, "That is not here (any more)"},
		{502, &broker.Error{Message: "no.title"}, "That did not work, and it is not your fault"},
		{400, &broker.Error{Message: "no.title"}, "That did not work"},
	} {
		p := errorOf(b, tt.status, tt.err, "ref")
		if got := p.title(); got != tt.title {
			t.Errorf("%d %v: %q, want %q", tt.status, tt.err, got, tt.title)
		}
		if ways := p.Ways(); len(ways) != 1 || ways[0].URL != "/" {
			t.Errorf("%d: ways on %v", tt.status, ways)
		}
	}
	p := errorOf(b, 403, nil, "", action{Label: "error.sign_in_again", URL: "/login/"})
	p.Brand.Help = "mailto:help@example.org"
	if ways := p.Ways(); len(ways) != 2 || ways[1].URL != "mailto:help@example.org" || len(p.Actions) != 1 {
		t.Errorf("ways on %v", ways)
	}
}
