package mail

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"idbroker/broker"
	"idbroker/i18n"
)

// kept is a transport that keeps what it was given.
type kept struct{ all []Message }

func (k *kept) Send(_ context.Context, m Message) error {
	k.all = append(k.all, m)
	return nil
}

func sender(t *testing.T) (*Sender, *kept) {
	t.Helper()
	c, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{}
	s := New(k, c, Options{From: "no-reply@example.org", Brand: "Example Community", BaseURL: "https://broker.example"})
	s.now = func() time.Time { return time.Date(2026, 11, 22, 1, 5, 0, 0, time.UTC) }
	return s, k
}

func handle(t *testing.T, s *Sender, m broker.Mail) {
	t.Helper()
	payload, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Handle(t.Context(), payload); err != nil {
		t.Fatalf("%s: %v", m.Template, err)
	}
}

const link = "https://broker.example/verify-email/?token=abc"

// TestEveryMail renders every template in every language, with and without the
// optional facts, and reads what comes out.
func TestEveryMail(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		for _, tpl := range []string{"sign-up", "known", "reset", "password-changed", "linked", "unlinked", "replaced", "unlinked-for-you", "email-changed-for-you", "email", "email-known", "email-changed", "closed", "closed-known", "erased", "deleted-for-you", "link-undone", "passkey-undone", "factor-undone", "sign-in-undone", "passkey-added", "number-added", "new-browser", "factor-added", "factor-removed", "factor-removed-for-you", "recovery-renewed", "recovery-used", "code-link", "code-sign-in"} {
			for _, full := range []bool{true, false} {
				s, k := sender(t)
				m := broker.Mail{To: "ada@example.org", Template: tpl, Locale: lang, Data: map[string]string{"link": link, "minutes": "30", "when": "2026-11-22T01:02:03Z"}}
				way, button := "https://broker.example/", `href="https://broker.example/`
				if strings.HasPrefix(tpl, "code-") { // typed, on the page that is open already
					m.Data = map[string]string{"code": "WDJB-MJHT", "minutes": "15", "when": m.Data["when"], "provider": "GitHub"}
					way, button = "\n\nWDJB-MJHT\n\n", `letter-spacing:.1em">WDJB-MJHT<`
				}
				if full {
					m.Data["name"], m.Data["provider"], m.Data["ip"], m.Data["browser"] = "Ada Lovelace", "GitHub", "192.0.2.7", "Firefox on Linux"
				} else if strings.HasSuffix(tpl, "linked") {
					continue // always told which provider
				}
				handle(t, s, m)
				got := k.all[0]
				if got.To != m.To || got.Subject == "" || strings.Contains(got.Subject, "mail.") || strings.Contains(got.Text+got.HTML+got.Subject, "<no value>") {
					t.Errorf("%s %s: %+v", tpl, lang, got)
				}
				if !strings.Contains(got.Text, way) || !strings.Contains(got.HTML, button) || !strings.Contains(got.HTML, `lang="`+lang) {
					t.Errorf("%s %s has no way on:\n%s", tpl, lang, got.Text)
				}
				if full && !strings.HasSuffix(tpl, "-for-you") && tpl != "erased" && !strings.Contains(got.Text, "192.0.2.7") || !strings.Contains(got.Text, "2026-11-22 01:02 UTC") {
					t.Errorf("%s %s does not say who asked:\n%s", tpl, lang, got.Text)
				}
				if strings.Contains(got.HTML, ">mail.") {
					t.Errorf("%s %s: the button has no words", tpl, lang)
				}
			}
		}
	}
}

// TestNamesCannotWriteMails: what a stranger typed neither adds lines nor
// becomes HTML.
func TestNamesCannotWriteMails(t *testing.T) {
	s, k := sender(t)
	evil := "Ada\r\nBcc: eve@example.org\n\nhttps://evil.example/\n\n<a href=\"https://evil.example/\">win</a>"
	handle(t, s, broker.Mail{To: "ada@example.org", Template: "reset", Locale: "en", Data: map[string]string{"name": evil, "link": link, "minutes": "30", "ip": evil, "browser": evil}})
	got := k.all[0]
	if strings.Contains(got.Text, "\nhttps://evil") || strings.ContainsAny(got.Subject, "\r\n") {
		t.Errorf("a line of its own:\n%s", got.Text)
	}
	doc, err := html.Parse(strings.NewReader(got.HTML))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "href" && !strings.HasPrefix(a.Val, "https://broker.example/") {
				t.Errorf("a link of theirs: %q", a.Val)
			}
		}
	}
}

func TestHandleGivesUp(t *testing.T) {
	s, k := sender(t)
	for _, payload := range []string{"", "{", "[]", `{"to":"a@b.org","template":"no-such"}`, `{"to":1}`} {
		if err := s.Handle(t.Context(), []byte(payload)); !broker.IsPermanent(err) {
			t.Errorf("%q: %v, want it given up", payload, err)
		}
	}
	if len(k.all) != 0 {
		t.Errorf("%d mails sent", len(k.all))
	}
}

func FuzzHandle(f *testing.F) {
	f.Add([]byte(`{"to":"ada@example.org","template":"reset","locale":"de","data":{"link":"https://x/","name":"Ada"}}`))
	c, err := i18n.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		k := &kept{}
		s := New(k, c, Options{From: "no-reply@example.org", Brand: "B"})
		if err := s.Handle(t.Context(), payload); err == nil {
			if _, err := k.all[0].compose(); err != nil && !strings.Contains(err.Error(), "recipient") {
				t.Errorf("%q cannot be composed: %v", payload, err)
			}
		}
	})
}

// TestNoMailLeadsToAPasswordThereIsNot: where passwords are off, the page that gives a
// new one is not there, and no mail sends anybody to it or speaks of one.
func TestNoMailLeadsToAPasswordThereIsNot(t *testing.T) {
	for _, lang := range []string{"en", "de"} {
		for _, name := range []string{"known", "link-undone", "passkey-undone", "factor-undone", "sign-in-undone", "factor-removed", "factor-swapped", "number-removed", "passkey-added", "passkey-removed", "recovery-renewed", "recovery-used", "session-stolen", "new-browser", "until new-browser", "username-changed"} {
			tpl, until := strings.CutPrefix(name, "until ")
			for _, off := range []bool{true, false} {
				s, k := sender(t)
				s.o.NoPasswords = off
				m := broker.Mail{To: "ada@example.org", Template: tpl, Locale: lang, Data: map[string]string{"provider": "GitHub"}}
				if until {
					m.Data["until"] = "2026-11-29T01:02:03Z"
				}
				if tpl == "known" {
					m.Data["link"] = "https://broker.example/login/"
				}
				handle(t, s, m)
				got := strings.ToLower(k.all[0].Text + k.all[0].HTML)
				speaks := strings.Contains(got, "passwor") || strings.Contains(got, "lost-password")
				if speaks == off {
					t.Errorf("%s %s, passwords off %v: it speaks of one: %v\n%s", tpl, lang, off, speaks, k.all[0].Text)
				}
			}
		}
	}
}
