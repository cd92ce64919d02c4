package web

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// TestWordsForPeople: neither the title of a page nor what programs read of it is a key
// of the catalogs, which somebody forgot to translate.
func TestWordsForPeople(t *testing.T) {
	r := testRenderer(t, sampleBrand)
	for _, s := range samples(r, "de", plainWords) {
		b := s.page.top()
		if title := titleOf(s.page); title == "" || b.Has(title) || strings.HasSuffix(title, ".title") {
			t.Errorf("%s has the title %q", s.name, title)
		}
		var look func(at string, v any)
		look = func(at string, v any) {
			switch v := v.(type) {
			case string:
				if strings.Contains(v, ".") && b.Has(v) {
					t.Errorf("%s: %s is the key %q", s.name, at, v)
				}
			case []any:
				for i, one := range v {
					look(at+"["+strconv.Itoa(i)+"]", one)
				}
			case map[string]any:
				for name, one := range v {
					if name != "code" && name != "message" && name != "what" { // meant for programs
						look(at+"."+name, one)
					}
				}
			}
		}
		if _, ok := s.page.(*errorPage); !ok { // programs get a problem for it
			look("data", dataOf(s.page))
		}
	}
}

// notOfPeople are the names of events that happen to nobody's account.
var notOfPeople = []string{"domain.", "key.", "client."}

// TestEventsHaveWords: whatever happens to an account is told in words of its own.
func TestEventsHaveWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../broker/event.go", nil, 0)
	must(t, err)
	b, seen := testBase(t, "en"), 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Event") || len(spec.Values) != 1 {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		must(t, err)
		if slices.ContainsFunc(notOfPeople, func(of string) bool { return strings.HasPrefix(name, of) }) {
			return true
		}
		seen++
		if said := (securityPage{base: b}).Event(eventRow{Name: name, Client: "Atlas", Provider: "ORCID"}); said == b.T("events.other") || said == "" {
			t.Errorf("%s has no words", name)
		}
		return true
	})
	if seen < 40 {
		t.Fatalf("saw %d events: where have they gone?", seen)
	}
}

// TestHeadingsOfProblems: an error has a heading of its own or a general one, never
// that of a page whose name its key begins with.
func TestHeadingsOfProblems(t *testing.T) {
	b := testBase(t, "en")
	for _, key := range []string{"login.wrong", "profile.changed", "email.nothing"} {
		p := errorOf(b, 422, &broker.Error{Message: key}, "")
		if got := p.title(); got != b.T("error.title") {
			t.Errorf("%s is headed %q", key, got)
		}
	}
}

// TestSessionThatEnded: whoever shows the cookie of a session that is over reads that it
// is, once; whoever has never been here does not.
func TestSessionThatEnded(t *testing.T) { storetest.Each(t, sessionThatEnded) }

func sessionThatEnded(t *testing.T, db *store.DB) {
	w := worldOn(t, db, tokens.Options{})
	ada := w.user("ada")
	const ended = "You are no longer signed in here."
	b := w.browser()
	if page := b.get("/login/").want(200); strings.Contains(text(page.body), ended) {
		t.Error("said to a visitor")
	}
	b.signIn("ada")
	_, err := db.EndSessions(t.Context(), ada.ID, "")
	must(t, err)
	b.get("/login/").want(200).says(ended)
	b.signIn("ada")
	b.idle(13 * time.Hour)
	b.get("/login/").want(200).says(ended)
	b.signIn("ada")
	b.post("/logout/")
	if page := b.get("/login/").want(200); strings.Contains(text(page.body), ended) {
		t.Error("said after a sign-out")
	}
}

// TestProfileInPieces: a program that leaves a member out leaves it as it is.
func TestProfileInPieces(t *testing.T) {
	w := newWorldWith(t, tokens.Options{Phone: true, Address: true})
	u := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.post(profilePath, append([]string{"name", "Ada", "locale", "de", "phone", "+41227676111"}, address...)...).to(profilePath)
	before, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	b.post(profilePath, "name", "Ada L.").to(profilePath)
	b.post(profilePath, "postal_code", "1212").to(profilePath)
	after, err := w.db.User(t.Context(), u.ID)
	must(t, err)
	if before.Locale != "de" || after.Locale != "de" || after.Phone != before.Phone || after.Address.Street != before.Address.Street || after.Address.PostalCode != "1212" || after.Name != "Ada L." {
		t.Errorf("%+v", after)
	}
}

// TestRecoveryCodesAskedForTwice: who loads the page of the codes anew is led to where new
// ones can be made, and never sees the same again.
func TestRecoveryCodesAskedForTwice(t *testing.T) {
	w := newWorld(t)
	w.user("ada")
	b := w.browser()
	b.signIn("ada")
	secret, _ := b.setUpApp()
	b.post(factorPath+"confirm/", "code", appShows(t, secret, 0)).to(factorPath)
	b.get(factorPath).want(200).says("make new ones here")
}

// TestDeadResetLink leads to a new one.
func TestDeadResetLink(t *testing.T) {
	w := newWorld(t)
	if next := w.browser().get("/reset-password/?token=none").wayOn(); next != "/lost-password/" {
		t.Errorf("leads to %s", next)
	}
	b := w.browser()
	if next := b.post("/reset-password/", "token", "none", "password", password).wayOn(); next != "/lost-password/" {
		t.Errorf("leads to %s", next)
	}
}

// TestEmptyCode is no wrong one, and costs no try.
func TestEmptyCode(t *testing.T) {
	db := storetest.New(t)
	a := local.New(db, nil, local.Options{Codes: local.CodesSignIn})
	if _, _, err := a.RedeemCode(t.Context(), broker.Login{}, " "); !errors.Is(err, local.ErrRequired) {
		t.Error(err)
	}
}

// TestProgramsSeeWhatIsAsked: the operator's fields and what can be chosen.
func TestProgramsSeeWhatIsAsked(t *testing.T) {
	asked := []askedField{{Kind: broker.FieldChoice, fieldPart: fieldPart{Name: "fields.group", Label: "Group"}, Options: []askedOption{{"engine", "Engine", false}}}}
	b := testBase(t, "en")
	for _, p := range []page{&profilePage{base: b, Asked: asked, Profile: local.Profile{Details: broker.Details{Affiliations: []string{"CERN", "EPFL"}}}}, &signupPage{base: b, Asked: asked}} {
		data := dataOf(p).(map[string]any)
		field := data["asked"].([]any)[0].(map[string]any)
		if field["name"] != "group" || field["kind"] != "choice" || field["required"] != true || field["choices"].([]any)[0].(map[string]any)["value"] != "engine" {
			t.Errorf("%s: %v", p.template(), field)
		}
		if text, ok := data["affiliations"]; ok && text != "CERN\nEPFL" {
			t.Errorf("%v", text)
		}
	}
	if at := problemAt(b, local.ErrRequired, "fields.group"); at.Pointer != "#/fields" || at.Field != "fields.group" {
		t.Errorf("%+v", at)
	}
}
