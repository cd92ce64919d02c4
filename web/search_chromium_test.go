package web

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"idbroker/broker"
	"idbroker/providers"
	"idbroker/store/storetest"
	"idbroker/tokens"
)

// forty are providers as operators call them.
func forty() []providers.App {
	titles := []string{
		"Universität Zürich", "École polytechnique fédérale de Lausanne", "جامعة القاهرة", "האוניברסיטה העברית בירושלים", "東京大学",
		"Rheinische Friedrich-Wilhelms-Universität Bonn – Zentrale Anmeldung für Studierende, Beschäftigte und Gäste der Universität",
		"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "University <b>of</b> \"Quotes\" & Co", "CERN", "ORCID",
	}
	for len(titles) < 40 {
		titles = append(titles, fmt.Sprintf("University of Applied Sciences %d", len(titles)))
	}
	var all []providers.App
	for i, title := range titles {
		all = append(all, providers.App{ID: fmt.Sprintf("p%d", i), Title: title})
	}
	return all
}

// shown lists the labels of the ways in that can be seen.
const shown = `[...document.querySelectorAll("a.provider")].filter(e => e.checkVisibility()).map(e => e.querySelector(".label").innerText.replace(/[\u2066-\u2069]/g, ""))`

// faults lists what makes a page hard to use with a thumb.
const faults = `(() => {
	const found = [], wide = document.documentElement.scrollWidth - innerWidth;
	if (wide > 0) found.push("wider than the screen by " + wide);
	for (const e of document.querySelectorAll("main a, main button, main input:not([type=hidden])")) {
		const box = e.getBoundingClientRect();
		if (e.checkVisibility() && (box.height < 43.5 || box.width < 43.5 || box.left < 0 || box.right > innerWidth)) found.push(e.outerHTML.slice(0, 120) + " " + JSON.stringify(box));
	}
	return found;
})()`

// keep writes a picture to where BROKER_SCREENSHOTS says.
func (s *surfer) keep(name string) {
	s.t.Helper()
	dir := os.Getenv("BROKER_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	must(s.t, err)
	must(s.t, os.MkdirAll(dir, 0o755))
	must(s.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// TestFortyProviders: on a phone, with a keyboard and without scripts.
func TestFortyProviders(t *testing.T) {
	s := surf(t)
	w := crowdedWorld(t, storetest.New(t), tokens.Options{}, forty())
	ada := w.user("ada")
	must(t, w.db.CreateIdentity(t.Context(), broker.UserIdentity{
		ID: broker.NewID(), UserID: ada.ID, Provider: "p33", Issuer: w.op.Issuer, Subject: "ada", CreatedAt: time.Now(),
	}))
	wants := func(what string, labels ...string) {
		t.Helper()
		if got := evaluate[[]string](s, shown); strings.Join(got, "|") != strings.Join(labels, "|") {
			t.Errorf("%s: shown are %q, want %q", what, got, labels)
		}
	}
	usable := func(name string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			s.scheme(scheme)
			for _, f := range evaluate[[]string](s, faults) {
				t.Errorf("%s, %s: %s", name, scheme, f)
			}
			s.keep("forty-" + name + "-" + scheme)
		}
	}
	s.do(chromedp.EmulateViewport(390, 844))
	s.open(w.url + "/login/?next=/account/settings/")
	if got := evaluate[[]string](s, shown); len(got) != shownFirst {
		t.Errorf("%d are shown at first: %q", len(got), got)
	}
	usable("first")

	search := func(words string) {
		t.Helper()
		evaluate[int](s, `(q => { q.focus(); q.select(); return 0 })(document.getElementById("q"))`)
		s.do(chromedp.KeyEvent(words))
	}
	search("universitat zur")
	wants("without its dots", "Continue with Universität Zürich")
	if got := evaluate[string](s, `document.querySelector("[role=status]").innerText`); !strings.Contains(got, "1") {
		t.Errorf("a screen reader hears %q", got)
	}
	usable("found")
	search("القاهرة")
	wants("right to left", "Continue with جامعة القاهرة")
	search("nothing like it")
	wants("nothing")
	if got := evaluate[string](s, `document.querySelector("[role=status]").innerText`); !strings.Contains(got, "nothing like that") {
		t.Errorf("a screen reader hears %q", got)
	}
	usable("nothing")
	search("x" + kb.Backspace)
	if got := evaluate[[]string](s, shown); len(got) != shownFirst {
		t.Errorf("%d are shown after the search was cleared: %q", len(got), got)
	}
	// Enter goes on to what was found, once more goes there.
	search("sciences 33" + kb.Enter)
	if got := evaluate[string](s, `document.activeElement.innerText`); !strings.Contains(got, "Sciences 33") {
		t.Fatalf("the focus is on %q", got)
	}
	s.do(chromedp.KeyEvent(kb.Enter))
	s.leaves(w.url)
	if at := evaluate[string](s, "location.href"); !strings.Contains(at, "client_id=p33") {
		t.Fatalf("Enter leads to %s", at)
	}

	// Who has been here finds the one that they used at the top.
	press := func(button string) {
		t.Helper()
		_, err := chromedp.RunResponse(s.ctx, chromedp.Click(chromedp.CSS(button), chromedp.NodeVisible))
		must(t, err)
	}
	press("button[value=ada]")
	s.sees("Profile")
	s.open(w.url + "/logout/")
	press("main button")
	s.sees("You are signed out")
	s.open(w.url + "/login/")
	if got := evaluate[[]string](s, shown); len(got) != shownFirst+1 || got[0] != "Continue with University of Applied Sciences 33" {
		t.Errorf("shown are %q", got)
	}
	if got := evaluate[string](s, `document.querySelector("a.provider").innerText`); !strings.Contains(got, "Last used") {
		t.Errorf("the first says %q", got)
	}
	usable("last")
	search("33") // it can be found, too
	wants("the last one", "Continue with University of Applied Sciences 33")

	// Without scripts: the form asks the server, the link shows all.
	s.scripts(false)
	s.open(w.url + "/login/")
	search("ECOLE")
	press(".search button")
	wants("from the server", "Continue with École polytechnique fédérale de Lausanne")
	s.open(w.url + "/login/")
	press("[data-more] a")
	if got := evaluate[[]string](s, shown); len(got) != 42 { // with the two of every world
		t.Errorf("%d of them are shown", len(got))
	}
	usable("all")
	s.scripts(true)

	// A page that the server has searched goes on being searched here.
	s.open(w.url + "/login/?q=orcid")
	wants("asked for", "Continue with ORCID")
	search("zurich")
	wants("after that", "Continue with Universität Zürich")
	search("x" + kb.Backspace)
	if got := evaluate[[]string](s, shown); len(got) != 42 {
		t.Errorf("%d are shown after the words are gone", len(got))
	}
}
