package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"idbroker/broker"
)

// SMTP configures the way to a mail server.
type SMTP struct {
	Host     string
	Port     int    // 0: 587 (submission), 465 with TLS "implicit"
	Username string // "" no authentication
	Password broker.Secret
	TLS      string      // "starttls" (default), "implicit", "none" (a server on this machine)
	CA       []byte      // PEM certificates that the server's must come from; nil: the system's
	Config   *tls.Config // nil: by Host and CA
}

// smtpTimeout bounds one conversation; mail servers that greylist answer at
// once, and slow ones are tried again by the outbox.
const smtpTimeout = 15 * time.Second

type smtpTransport struct {
	c       SMTP
	options []gomail.Option
}

// NewSMTP returns a transport that opens one connection a message. What a server
// refuses comes back as a *Failure.
func NewSMTP(c SMTP) (Transport, error) {
	opts := []gomail.Option{gomail.WithTimeout(smtpTimeout)}
	preset := gomail.DefaultPort
	switch c.TLS {
	case "", "starttls":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
		preset = gomail.DefaultPortTLS
	case "implicit":
		opts = append(opts, gomail.WithSSL())
		preset = gomail.DefaultPortSSL
	case "none":
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("mail.smtp.tls: %q is none of starttls, implicit, none", c.TLS)
	}
	if c.Port == 0 {
		c.Port = preset
	}
	opts = append(opts, gomail.WithPort(c.Port))
	if c.Config == nil {
		c.Config = &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
		if c.CA != nil {
			c.Config.RootCAs = x509.NewCertPool()
			if !c.Config.RootCAs.AppendCertsFromPEM(c.CA) {
				return nil, errors.New("mail.smtp.ca: there is no certificate in the file; it must hold PEM, which begins with -----BEGIN CERTIFICATE-----")
			}
		}
	}
	opts = append(opts, gomail.WithTLSConfig(c.Config))
	if c.Username != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if c.TLS == "none" {
			auth = gomail.SMTPAuthPlainNoEnc
		}
		opts = append(opts, gomail.WithSMTPAuth(auth), gomail.WithUsername(c.Username), gomail.WithPassword(c.Password.Reveal()))
	}
	if _, err := gomail.NewClient(c.Host, opts...); err != nil {
		return nil, fmt.Errorf("mail.smtp: %w", err)
	}
	return &smtpTransport{c, opts}, nil
}

// Send delivers m. What the server refuses for good is permanent.
func (t *smtpTransport) Send(ctx context.Context, m Message) error {
	msg, err := m.compose()
	if err != nil {
		return broker.Permanent(err)
	}
	options := t.options
	if deadline, ok := ctx.Deadline(); ok { // go-mail heeds ctx only while it dials
		options = append(slices.Clip(options), gomail.WithTimeout(max(min(time.Until(deadline), smtpTimeout), time.Millisecond)))
	}
	client, err := gomail.NewClient(t.c.Host, options...)
	if err != nil {
		return err
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return explain(err, t.c, m)
	}
	defer func() { _ = client.CloseWithSMTPClient(conn) }()
	// A server that is told of SMTPUTF8 hands the mail to none that lacks it, so
	// only who needs it asks.
	if wide := !ascii(m.To) || !ascii(addressOf(m.From)); !wide {
		conn.SkipSMTPUTF8(true)
	} else if ok, _ := conn.Extension("SMTPUTF8"); !ok {
		if m, err = narrow(m); err != nil {
			return broker.Permanent(&Failure{Err: err, Address: true, Answer: "no SMTPUTF8", Advice: "the mail server does not take addresses beyond ASCII (SMTPUTF8, RFC 6531)"})
		}
		if msg, err = m.compose(); err != nil {
			return broker.Permanent(err)
		}
	}
	err = client.SendWithSMTPClient(conn, msg)
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.Reason == gomail.ErrSMTPReset {
		return nil // behind the mail, which it has taken
	}
	if err != nil {
		return explain(err, t.c, m)
	}
	return nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// addressOf is the bare address of a sender.
func addressOf(s string) string {
	if a, err := mail.ParseAddress(s); err == nil {
		return a.Address
	}
	return s
}

// narrow writes the domains of a mail in ASCII, for a server that knows no others.
// What stands before the @ cannot be written otherwise.
func narrow(m Message) (Message, error) {
	to, err := narrowed(m.To)
	if err != nil {
		return m, err
	}
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return m, fmt.Errorf("sender: %w", err)
	}
	if from.Address, err = narrowed(from.Address); err != nil {
		return m, err
	}
	m.To, m.From = to, from.String()
	return m, nil
}

func narrowed(address string) (string, error) {
	local, domain, _ := strings.Cut(address, "@")
	if !ascii(local) {
		return "", errors.New("what stands before the @ is not ASCII")
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", fmt.Errorf("domain: %w", err)
	}
	return local + "@" + domain, nil
}

// compose makes the MIME message; go-mail refuses addresses and headers that
// could not be written safely.
func (m Message) compose() (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent()) // who reads mail need not know our library
	if err := msg.From(m.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply-to: %w", err)
		}
	}
	if strings.ContainsAny(m.Subject+m.Lang+m.ID, "\r\n\x00") {
		return nil, errors.New("a header holds a line break")
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	id := m.ID
	if id == "" {
		id = broker.NewID()
	}
	// The sender's domain: the host's name is nobody's business (RFC 5322, section 3.6.4).
	from := addressOf(m.From)
	domain, err := idna.Lookup.ToASCII(from[strings.LastIndexByte(from, '@')+1:])
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	msg.SetMessageIDWithValue(id + "@" + domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5: no out-of-office answers
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")  // Exchange's word for it
	if m.Lang != "" {
		msg.SetGenHeader("Content-Language", m.Lang) // RFC 3282
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
