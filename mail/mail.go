// Package mail puts a mail into the person's words and hands it to a
// transport: an SMTP server, a directory, or the demo's mailbox. It never
// decides to whom or when; that is the business of who wrote the outbox entry.
package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"idbroker/broker"
)

// Message is a mail in its final words.
type Message struct {
	ID      string // what is before the @ of its Message-ID, ASCII letters and digits; "" a new one
	From    string // RFC 5322 address, with or without a name
	ReplyTo string // such an address; "" From
	To      string // one bare address
	Lang    string // BCP 47; "" not told
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
	Languages() []string
	Keys() []string
}

// Options configures a Sender.
type Options struct {
	From    string // sender, "Community <no-reply@example.org>"
	ReplyTo string // where answers go; "" to the sender
	Brand   string // name of the installation, as pages show it
	BaseURL string // external base URL, no slash at the end

	NoPasswords bool // nobody has one here: no mail speaks of choosing another

	Requested string // sender of what somebody asked for just now, a link or a code; "" From
	Security  string // sender of what tells of a change of the account; "" From

	Templates *Templates // nil: ours

	// Refused is told that a mail server refuses an address for good, and its
	// answer without the address; nil: nobody listens.
	Refused func(ctx context.Context, to, template, answer string)
}

// Sender renders mails and sends them.
type Sender struct {
	transport Transport
	texts     Catalogs
	o         Options
	templates atomic.Pointer[Templates]
	now       func() time.Time
}

// New returns a Sender.
func New(t Transport, c Catalogs, o Options) *Sender {
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	s := &Sender{transport: t, texts: c, o: o, now: time.Now}
	s.Use(o.Templates)
	return s
}

// Use writes mails by these templates from now on; nil: by ours.
func (s *Sender) Use(t *Templates) {
	if t == nil {
		t = ours()
	}
	s.templates.Store(t)
}

// errExpired is a mail that waited for longer than what is in it works.
var errExpired = errors.New("what is in it had expired before it could be sent; the person asks for a new one")

// Handle is the outbox handler of the kind broker.OutboxMail. A payload that is
// no mail, of a template that does not exist, or whose link or code has expired
// meanwhile, is given up at once. A mail that is sent again, because nobody knows
// whether the first try arrived, has the same Message-ID.
func (s *Sender) Handle(ctx context.Context, payload []byte) error {
	var m broker.Mail
	if err := json.Unmarshal(payload, &m); err != nil {
		return broker.Permanent(fmt.Errorf("read mail: %w", err))
	}
	if expired(m, s.now()) {
		return broker.Permanent(fmt.Errorf("mail %q: %w", m.Template, errExpired))
	}
	msg, err := s.render(m)
	if err != nil {
		return broker.Permanent(err)
	}
	sum := sha256.Sum256(payload)
	msg.ID = hex.EncodeToString(sum[:16])
	if err := s.transport.Send(ctx, msg); err != nil {
		var f *Failure
		if errors.As(err, &f) && f.Address && s.o.Refused != nil {
			s.o.Refused(ctx, m.To, m.Template, f.Answer)
		}
		return fmt.Errorf("send mail %q: %w", m.Template, err)
	}
	return nil
}

// expired tells whether the link or code of a mail has ended: it works for so many
// minutes since when.
func expired(m broker.Mail, at time.Time) bool {
	when, err := time.Parse(time.RFC3339, m.Data["when"])
	minutes, merr := strconv.Atoi(m.Data["minutes"])
	return err == nil && merr == nil && at.Sub(when) > time.Duration(minutes)*time.Minute
}

// requested are the mails that somebody asked for just now; all others tell of a
// change.
var requested = map[string]bool{
	"sign-up": true, "known": true, "reset": true, "email": true, "email-known": true, "code-link": true, "code-sign-in": true,
	"closed-known": true,
}

// from is the sender of a mail.
func (s *Sender) from(template string) string {
	switch {
	case requested[template] && s.o.Requested != "":
		return s.o.Requested
	case !requested[template] && s.o.Security != "":
		return s.o.Security
	}
	return s.o.From
}
