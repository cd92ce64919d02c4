package mail

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/i18n"
)

// composed is a mail as it travels.
func composed(t *testing.T, m Message) string {
	t.Helper()
	msg, err := m.compose()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEveryMailTravels reads every mail in every language as a mail program does: two
// forms, no line too long, nothing loaded, headers for machines.
func TestEveryMailTravels(t *testing.T) {
	texts, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	s, k := sender(t)
	s.o.ReplyTo, s.o.Brand = "Helpdesk <help@example.org>", strings.Repeat("Universität der Künste ", 3)
	s.now = func() time.Time { return time.Date(2026, 11, 22, 12, 1, 0, 0, time.UTC) }
	for _, lang := range texts.Languages() {
		for _, name := range mails(texts) {
			k.all = nil
			handle(t, s, example(name, lang))
			raw := composed(t, k.all[0])
			for _, line := range strings.Split(raw, "\r\n") {
				if len(line) > 78 && !strings.HasPrefix(line, "Content-Type: multipart") {
					t.Errorf("%s %s: a line of %d bytes: %s", name, lang, len(line), line)
				}
				if strings.ContainsAny(line, "\n\r") || strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
					t.Errorf("%s %s: not for every server: %q", name, lang, line)
				}
			}
			m, err := mail.ReadMessage(strings.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != k.all[0].Subject {
				t.Errorf("%s %s: subject %q, %v", name, lang, subject, err)
			}
			for header, want := range map[string]string{
				"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Content-Language": lang,
				"Reply-To": `"Helpdesk" <help@example.org>`, "To": "<ada@example.test>", "From": "<no-reply@example.org>",
			} {
				if got := m.Header.Get(header); got != want {
					t.Errorf("%s %s: %s is %q, want %q", name, lang, header, got, want)
				}
			}
			if id := m.Header.Get("Message-ID"); !strings.HasSuffix(id, "@example.org>") || len(id) < 30 {
				t.Errorf("%s %s: Message-ID %q is not of our domain", name, lang, id)
			}
			kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			if err != nil || kind != "multipart/alternative" {
				t.Fatalf("%s %s: %s, %v", name, lang, kind, err)
			}
			parts := multipart.NewReader(m.Body, params["boundary"])
			for _, want := range []struct{ kind, content string }{{"text/plain; charset=UTF-8", k.all[0].Text}, {"text/html; charset=UTF-8", k.all[0].HTML}} {
				part, err := parts.NextRawPart()
				if err != nil {
					t.Fatalf("%s %s: %s is missing: %v", name, lang, want.kind, err)
				}
				if got := part.Header.Get("Content-Type"); got != want.kind || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
					t.Errorf("%s %s: part %s %s", name, lang, got, part.Header.Get("Content-Transfer-Encoding"))
				}
				body, err := io.ReadAll(quotedprintable.NewReader(part))
				if err != nil || strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")) != strings.TrimSpace(want.content) {
					t.Errorf("%s %s: %s arrives as\n%s\n%v", name, lang, want.kind, body, err)
				}
			}
			if strings.Contains(k.all[0].HTML, "src=") || strings.Contains(k.all[0].HTML, "url(") {
				t.Errorf("%s %s loads something", name, lang)
			}
		}
	}
}

// TestHeadersCannotBeWritten: neither a name, nor a brand, nor an address adds a header.
func TestHeadersCannotBeWritten(t *testing.T) {
	evil := "x\r\nBcc: eve@example.org\r\n\r\nBody"
	s, k := sender(t)
	s.o.Brand = evil
	handle(t, s, broker.Mail{To: "ada@example.org", Template: "linked", Locale: "en", Data: map[string]string{"provider": evil, "name": evil}})
	m, err := mail.ReadMessage(strings.NewReader(composed(t, k.all[0])))
	if err != nil || m.Header.Get("Bcc") != "" {
		t.Errorf("%v, Bcc %q", err, m.Header.Get("Bcc"))
	}
	for name, m := range map[string]Message{
		"from": {From: "a@example.org\r\nBcc: eve@example.org", To: "ada@example.org"}, "to": {From: "a@example.org", To: evil},
		"reply-to": {From: "a@example.org", To: "ada@example.org", ReplyTo: "b@example.org\r\nBcc: eve@example.org"},
		"subject":  {From: "a@example.org", To: "ada@example.org", Subject: evil},
		"lang":     {From: "a@example.org", To: "ada@example.org", Lang: "en\r\nBcc: eve@example.org"},
		"id":       {From: "a@example.org", To: "ada@example.org", ID: "x\r\nBcc: eve@example.org"},
	} {
		if msg, err := m.compose(); err == nil {
			t.Errorf("%s is written: %v", name, msg.GetGenHeader("Subject"))
		}
	}
}

func TestSenders(t *testing.T) {
	s, k := sender(t)
	s.o.Requested, s.o.Security = "Sign-in <sign-in@example.org>", "Security <security@example.org>"
	for name, want := range map[string]string{"reset": s.o.Requested, "code-sign-in": s.o.Requested, "password-changed": s.o.Security, "erased": s.o.Security} {
		k.all = nil
		handle(t, s, example(name, "en"))
		if got := k.all[0].From; got != want {
			t.Errorf("%s comes from %q", name, got)
		}
	}
	s.o.Security = ""
	handle(t, s, example("erased", "en"))
	if got := k.all[1].From; got != s.o.From {
		t.Errorf("without a sender of its own: %q", got)
	}
}

// TestSentAgain: the same mail has the same Message-ID, another has another.
func TestSentAgain(t *testing.T) {
	s, k := sender(t)
	m := example("linked", "en")
	handle(t, s, m)
	handle(t, s, m)
	m.Data["provider"] = "ORCID"
	handle(t, s, m)
	if k.all[0].ID == "" || k.all[0].ID != k.all[1].ID || k.all[0].ID == k.all[2].ID {
		t.Errorf("ids %q %q %q", k.all[0].ID, k.all[1].ID, k.all[2].ID)
	}
}

// TestExpiredMails: a link that works no more is not sent, however long the server
// was away.
func TestExpiredMails(t *testing.T) {
	s, k := sender(t)
	m := example("reset", "en")
	payload := m.Entry(time.Now()).Payload
	for late, want := range map[time.Duration]int{29 * time.Minute: 1, 31 * time.Minute: 0, 24 * time.Hour: 0} {
		k.all = nil
		s.now = func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(late) }
		err := s.Handle(t.Context(), payload)
		if len(k.all) != want || want == 0 && (!broker.IsPermanent(err) || !errors.Is(err, errExpired)) {
			t.Errorf("after %s: %d sent, %v", late, len(k.all), err)
		}
	}
}
