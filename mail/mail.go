// Package mail puts a mail into the person's words and hands it to a
// transport: an SMTP server, a directory, or the demo's mailbox. It never
// decides to whom or when; that is the business of who wrote the outbox entry.
package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"idbroker/broker"
)

// Message is a mail in its final words.
type Message struct {
	From    string // RFC 5322 address, with or without a name
	To      string // one bare address
	Subject string
	Text    string
	HTML    string
}

// Transport takes a message to where it can be read. A transport that knows
// that trying again is useless wraps its error with broker.Permanent.
type Transport interface {
	Send(ctx context.Context, m Message) error
}

// Catalogs is what the texts come from; *i18n.Catalogs is one.
type Catalogs interface {
	Text(lang, key string, args map[string]string) string
	Has(key string) bool
	Match(uiLocales, preference, acceptLanguage string) string
}

// Options configures a Sender.
type Options struct {
	From    string // sender, "Community <no-reply@example.org>"
	Brand   string // name of the installation, as pages show it
	BaseURL string // external base URL, no slash at the end
}

// Sender renders mails and sends them.
type Sender struct {
	transport Transport
	texts     Catalogs
	o         Options
}

// New returns a Sender.
func New(t Transport, c Catalogs, o Options) *Sender {
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	return &Sender{transport: t, texts: c, o: o}
}

// Handle is the outbox handler of the kind broker.OutboxMail. A payload that is
// no mail, or of a template that does not exist, is given up at once.
func (s *Sender) Handle(ctx context.Context, payload []byte) error {
	var m broker.Mail
	if err := json.Unmarshal(payload, &m); err != nil {
		return broker.Permanent(fmt.Errorf("read mail: %w", err))
	}
	msg, err := s.render(m)
	if err != nil {
		return broker.Permanent(err)
	}
	if err := s.transport.Send(ctx, msg); err != nil {
		return fmt.Errorf("send mail %q: %w", m.Template, err)
	}
	return nil
}
