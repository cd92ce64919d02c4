package demo

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxMails bounds the mailbox; the oldest go first.
const maxMails = 200

// Mail is a mail as it arrived.
type Mail struct {
	To      string
	From    string
	Subject string
	Text    string
	At      time.Time
}

// Mailbox keeps the mails that would have been sent and shows them to whoever
// looks.
type Mailbox struct {
	handler http.Handler
	mu      sync.Mutex
	mails   []Mail // oldest first
}

func newMailbox(o Options) *Mailbox {
	m := &Mailbox{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.getMails)
	m.handler = part(o.MailboxURL, nil, mux)
	return m
}

// ServeHTTP serves the page.
func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// Deliver puts a mail into the box.
func (m *Mailbox) Deliver(_ context.Context, mail Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, mail)
	if extra := len(m.mails) - maxMails; extra > 0 {
		m.mails = slices.Delete(m.mails, 0, extra)
	}
	return nil
}

type mailsPage struct {
	frame
	Mails []mailView
}

type mailView struct {
	Mail
	Time  string
	Parts []textPart
}

// getMails serves GET /: all mails, newest first.
func (m *Mailbox) getMails(w http.ResponseWriter, r *http.Request) {
	page := mailsPage{frame: frame{Title: "Demo mailbox", Part: "Demo mailbox"}}
	m.mu.Lock()
	for _, mail := range slices.Backward(m.mails) {
		page.Mails = append(page.Mails, mailView{Mail: mail, Time: mail.At.Format("15:04:05"), Parts: linkify(mail.Text)})
	}
	m.mu.Unlock()
	render(w, http.StatusOK, "mails.html", page)
}

// textPart is a piece of a mail's text; Link tells whether it is a URL.
type textPart struct {
	Text string
	Link bool
}

// linkify finds the http and https URLs in a text. A URL ends at white space, a
// quote or an angle bracket; punctuation at its end belongs to the sentence.
func linkify(text string) []textPart {
	var parts []textPart
	add := func(s string, link bool) {
		if s != "" {
			parts = append(parts, textPart{s, link})
		}
	}
	for text != "" {
		start := nextURL(text)
		add(text[:start], false)
		text = text[start:]
		end := strings.IndexAny(text, " \t\r\n<>\"'`")
		if end < 0 {
			end = len(text)
		}
		url := strings.TrimRight(text[:end], ".,;:!?)")
		_, rest, _ := strings.Cut(url, "://")
		add(url, rest != "")
		text = text[len(url):]
		if url == "" && text != "" {
			add(text[:1], false)
			text = text[1:]
		}
	}
	return parts
}

// nextURL is where the next URL begins; the text's length where there is none.
func nextURL(text string) int {
	at := len(text)
	for _, scheme := range []string{"http://", "https://"} {
		if i := strings.Index(text, scheme); i >= 0 && i < at {
			at = i
		}
	}
	return at
}
