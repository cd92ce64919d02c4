package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"idbroker/broker"
)

// identityAt writes an identity of a user, as years before left it.
func (w *world) identityAt(user broker.UserID, provider, subject string, used time.Time) broker.UserIdentity {
	w.t.Helper()
	i := broker.UserIdentity{
		ID: broker.NewID(), UserID: user, Provider: provider, Issuer: w.op.Issuer, Subject: subject,
		CreatedAt: time.Now().Add(-400 * 24 * time.Hour), LastUsedAt: used,
	}
	must(w.t, w.db.CreateIdentity(w.t.Context(), i))
	return i
}

// TestLinkedAccountsCountWaysIn: what opens the account is counted, what does not
// is shown and can be removed, also where its provider is gone.
func TestLinkedAccountsCountWaysIn(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.signIn("ada")
	b.get(linkedAccountsPath).want(200).says("One way in: your password")
	w.identityAt(ada.ID, "demo", "ada", time.Now().Add(-time.Hour))
	old := w.identityAt(ada.ID, "retired", "old-subject", time.Now().Add(-300*24*time.Hour))
	w.identityAt(ada.ID, "gone", "hidden-subject", time.Time{})
	page := b.get(linkedAccountsPath).want(200).says("2 ways in").says("retired No longer offered").says("Gone No longer offered").says("Demo Last used")
	if n := strings.Count(page.body, `>Last used</span>`); n != 1 {
		t.Errorf("%d identities were used last", n)
	}
	b.get("/oauth/disconnect/retired/?identity=" + old.ID).want(200).says("Unlink retired?")
	w.mails()
	b.post("/oauth/disconnect/retired/", "identity", old.ID).to(linkedAccountsPath)
	b.get(linkedAccountsPath).want(200).says("retired unlinked").says("2 ways in").says("a…@example.org has a link that takes it back, until")
	link := w.mailedLink("unlinked")
	w.browser().get(link).want(200).says("old-subject")
	if left, err := w.db.IdentitiesOf(t.Context(), ada.ID); err != nil || len(left) != 2 {
		t.Errorf("identities %v, %v", left, err)
	}
}

// TestNobodyWasMailed: an address that was never proven got no mail, and the page
// does not promise one.
func TestNobodyWasMailed(t *testing.T) {
	w := newWorld(t)
	ada := w.user("ada")
	ada.EmailVerifiedAt = time.Time{}
	must(t, w.db.UpdateUser(t.Context(), ada))
	b := w.browser()
	b.signIn("ada")
	b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
	page := b.get(linkedAccountsPath).want(200).says("Demo linked")
	if strings.Contains(text(page.body), "@example.org") || strings.Contains(text(page.body), "taken back until") {
		t.Errorf("the page promises a mail:\n%s", text(page.body))
	}
}

// TestHistoryOfLinks in a real browser: the banner says what changed last, the
// list unfolds, on a phone and without scripts.
func TestHistoryOfLinks(t *testing.T) {
	s := surf(t)
	w := newWorld(t)
	ada := w.user("ada")
	b := w.browser()
	b.agent = s.agent()
	b.signIn("ada")
	w.identityAt(ada.ID, "other", "ada", time.Now().Add(-time.Hour))
	for range 3 { // six changes
		b.walk(b.post("/oauth/login/demo/"), "bob").to(linkedAccountsPath)
		mine, err := w.db.IdentitiesOf(t.Context(), ada.ID)
		must(t, err)
		for _, i := range mine {
			if i.Provider == "demo" {
				b.post("/oauth/disconnect/demo/", "identity", i.ID).to(linkedAccountsPath)
			}
		}
	}
	b.get(linkedAccountsPath).want(200) // takes the notice
	s.open(w.url + "/")
	s.do(command(network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: b.cookie(sessionCookie), URL: w.url}))
	for _, scripts := range []bool{true, false} {
		s.scripts(scripts)
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				s.do(chromedp.EmulateViewport(width, 844))
				s.scheme(scheme)
				s.open(w.url + linkedAccountsPath)
				s.sees("Demo unlinked (Bob)")
				s.sees("2 ways in.")
				s.keep(fmt.Sprintf("history-%d-%s", width, scheme))
				if n := evaluate[int](s, `[...document.querySelectorAll(".events .row")].filter(e => e.checkVisibility()).length`); n != shownChanges {
					t.Errorf("%d changes are shown at once", n)
				}
				s.do(chromedp.Click(chromedp.CSS("summary"), chromedp.NodeVisible))
				if n := evaluate[int](s, `[...document.querySelectorAll(".events .row")].filter(e => e.checkVisibility()).length`); n != 6 {
					t.Errorf("%d changes are shown after all", n)
				}
				for _, f := range evaluate[[]string](s, strings.Replace(faults, `"main a, main button`, `"main .button, main summary, main .links a, main button`, 1)) {
					t.Errorf("%d px, %s: %s", width, scheme, f)
				}
			}
		}
	}
}
