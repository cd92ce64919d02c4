package demo

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"idbroker/mail"
)

var _ mail.Transport = (*Mailbox)(nil)

func TestMailboxShowsNewestFirst(t *testing.T) {
	s, b := newSite(t), newBrowser(t)
	if a := b.get(s.mailbox.URL + "/"); !strings.Contains(a.body, "There are no mails yet") {
		t.Errorf("empty mailbox: %s", a.body)
	}
	for _, m := range []mail.Message{
		{To: "ada@example.org", Subject: "First", Text: "Go to http://127.0.0.1:1/verify-email/?token=a&b=c."},
		{To: "<x>@example.org", Subject: "<script>alert(1)</script>", Text: "javascript:alert(1) </pre><script>"},
	} {
		if err := s.Mailbox.Send(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	body := b.get(s.mailbox.URL + "/").body
	if !strings.Contains(body, `<a href="http://127.0.0.1:1/verify-email/?token=a&amp;b=c" rel="noreferrer">`) {
		t.Errorf("the link cannot be clicked: %s", body)
	}
	if strings.Contains(body, "<script") || strings.Contains(body, `href="javascript`) {
		t.Errorf("mail text is not escaped: %s", body)
	}
	if first, second := strings.Index(body, "First"), strings.Index(body, "alert(1)"); first < second {
		t.Error("the newest mail is not first")
	}
}

func TestMailboxIsBounded(t *testing.T) {
	m := newMailbox(Options{MailboxURL: "http://127.0.0.1:1"})
	for i := range maxMails + 7 {
		_ = m.Send(context.Background(), mail.Message{Subject: fmt.Sprint(i)})
	}
	if len(m.mails) != maxMails || m.mails[0].Subject != "7" {
		t.Errorf("%d mails, the oldest is %q", len(m.mails), m.mails[0].Subject)
	}
}

func TestLinkify(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"no link", "no link"},
		{"http://a/b", "[http://a/b]"},
		{"see http://a/b?c=d&e=f#g.", "see [http://a/b?c=d&e=f#g]."},
		{"<https://a/>, (http://b/)", "<[https://a/]>, ([http://b/])"},
		{"http://a\nhttps://b", "[http://a]\n[https://b]"},
		{"http://", "http://"},
		{"https:// x http://y", "https:// x [http://y]"},
		{`href="http://a/b"`, `href="[http://a/b]"`},
		{"javascript://a ftp://b", "javascript://a ftp://b"},
	} {
		got := ""
		for _, p := range linkify(tt.text) {
			if p.Link {
				got += "[" + p.Text + "]"
			} else {
				got += p.Text
			}
		}
		if got != tt.want {
			t.Errorf("linkify(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzLinkify(f *testing.F) {
	f.Add("see http://a/b. https://")
	f.Add("http://http://https://\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		joined := ""
		for _, p := range linkify(text) {
			joined += p.Text
			if p.Link && !strings.HasPrefix(p.Text, "http://") && !strings.HasPrefix(p.Text, "https://") {
				t.Errorf("link %q", p.Text)
			}
		}
		if joined != text {
			t.Errorf("linkify changed %q to %q", text, joined)
		}
	})
}
