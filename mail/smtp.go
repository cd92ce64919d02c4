package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	gomail "github.com/wneessen/go-mail"

	"idbroker/broker"
)

// SMTP configures the way to a mail server.
type SMTP struct {
	Host     string
	Port     int    // 0: 587 (submission), 465 with TLS "implicit"
	Username string // "" no authentication
	Password broker.Secret
	TLS      string      // "starttls" (default), "implicit", "none" (a server on this machine)
	Config   *tls.Config // nil: the system's roots
}

// smtpTimeout bounds one conversation; mail servers that greylist answer at
// once, and slow ones are tried again by the outbox.
const smtpTimeout = 15 * time.Second

type smtpTransport struct {
	host    string
	options []gomail.Option
}

// NewSMTP returns a transport that opens one connection a message.
func NewSMTP(c SMTP) (Transport, error) {
	opts := []gomail.Option{gomail.WithTimeout(smtpTimeout)}
	port := c.Port
	switch c.TLS {
	case "", "starttls":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
		if port == 0 {
			port = gomail.DefaultPortTLS
		}
	case "implicit":
		opts = append(opts, gomail.WithSSL())
		if port == 0 {
			port = gomail.DefaultPortSSL
		}
	case "none":
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
		if port == 0 {
			port = gomail.DefaultPort
		}
	default:
		return nil, fmt.Errorf("mail.smtp.tls: %q is none of starttls, implicit, none", c.TLS)
	}
	opts = append(opts, gomail.WithPort(port))
	if c.Config != nil {
		opts = append(opts, gomail.WithTLSConfig(c.Config))
	}
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
	return &smtpTransport{host: c.Host, options: opts}, nil
}

// Send delivers m. A refusal with a 5xx code is permanent.
func (t *smtpTransport) Send(ctx context.Context, m Message) error {
	msg, err := m.compose()
	if err != nil {
		return broker.Permanent(err)
	}
	options := t.options
	if deadline, ok := ctx.Deadline(); ok { // go-mail heeds ctx only while it dials
		options = append(slices.Clip(options), gomail.WithTimeout(max(min(time.Until(deadline), smtpTimeout), time.Millisecond)))
	}
	client, err := gomail.NewClient(t.host, options...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	var refused *gomail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 500 {
		return broker.Permanent(err)
	}
	return err
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
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
