package demo

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"idbroker/mail"
)

// maxMails bounds the mailbox; the oldest go first.
const maxMails = 200

// arrival is a mail and when it arrived.
type arrival struct {
	mail.Message
	at time.Time
}

// Mailbox is a mail.Transport that keeps the mails and shows them to whoever
// looks.
type Mailbox struct {
	handler http.Handler
	mu      sync.Mutex
	mails   []arrival // oldest first
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

// Send implements mail.Transport.
func (m *Mailbox) Send(_ context.Context, msg mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, arrival{msg, time.Now()})
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
	mail.Message
	Time  string
	Parts []textPart
}

// getMails serves GET /: all mails, newest first.
func (m *Mailbox) getMails(w http.ResponseWriter, r *http.Request) {
	page := mailsPage{frame: frame{Title: "Demo mailbox", Part: "Demo mailbox"}}
	m.mu.Lock()
	for _, a := range slices.Backward(m.mails) {
		page.Mails = append(page.Mails, mailView{Message: a.Message, Time: a.at.Format(time.TimeOnly), Parts: linkify(a.Text)})
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
