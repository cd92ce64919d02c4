package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	gomail "github.com/wneessen/go-mail"

	"idbroker/broker"
)

// Failure is why a mail did not leave, for the operator. Its text never holds the
// address that the mail was for.
type Failure struct {
	Err     error
	Advice  string // what it means and what to do
	Address bool   // the server refuses this address for good
	Answer  string // its code: "550 5.1.1"; "" it gave none
}

// Error implements error.
func (f *Failure) Error() string { return f.Advice + ": " + f.Err.Error() }

// Unwrap implements errors.
func (f *Failure) Unwrap() error { return f.Err }

// explain finds out what an error of a conversation means. Failures to log in or
// to send as this sender concern every mail and go when the operator mends a setting:
// no mail is given up for them.
func explain(err error, c SMTP, m Message) error {
	f := &Failure{Err: quiet{err, m.To}}
	at := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() != 0 {
		return f.refused(refused)
	}
	var (
		dns       *net.DNSError
		unknown   x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		answer    *textproto.Error
		timed     net.Error
		says      = err.Error()
		encrypted = c.TLS != "none"
	)
	switch {
	case errors.As(err, &dns):
		f.Advice = fmt.Sprintf("the name %s cannot be resolved; check mail.smtp.host", c.Host)
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Advice = fmt.Sprintf("nothing listens at %s; check mail.smtp.host and mail.smtp.port", at)
	case errors.As(err, &unknown):
		f.Advice = fmt.Sprintf("the certificate of %s comes from nobody whom this machine trusts; name its authority with mail.smtp.ca", at)
	case errors.As(err, &name):
		f.Advice = fmt.Sprintf("the certificate of %s is for another name; write in mail.smtp.host the name that it has", at)
	case errors.As(err, &invalid):
		f.Advice = fmt.Sprintf("the certificate of %s is not valid; its operators must renew it, or a clock is wrong", at)
	case errors.As(err, &record), c.TLS == "implicit" && errors.Is(err, io.EOF):
		f.Advice = fmt.Sprintf("%s does not speak TLS from the first byte; for port 587 or 25 write mail.smtp.tls: starttls", at)
	case strings.Contains(says, "does not support STARTTLS"):
		f.Advice = fmt.Sprintf("%s offers no STARTTLS, or somebody between takes the offer away; nothing was sent. Port 465 wants mail.smtp.tls: implicit", at)
	case errors.As(err, &answer) && (answer.Code == 535 || answer.Code == 534 || answer.Code == 454 || answer.Code == 538):
		f.Answer, f.Advice = strconv.Itoa(answer.Code), fmt.Sprintf("%s does not take the login; check mail.smtp.username and mail.smtp.password", at)
	case errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), errors.Is(err, gomail.ErrPlainAuthNotSupported), strings.Contains(says, "SMTP AUTH"):
		f.Advice = fmt.Sprintf("%s offers no login that we know on this connection; check mail.smtp.tls, or remove mail.smtp.username where it needs none", at)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timed) && timed.Timeout(), strings.Contains(says, "i/o timeout"): // SendError hides its cause
		f.Advice = fmt.Sprintf("%s did not answer in time; check mail.smtp.port, mail.smtp.tls and the firewall", at)
	case errors.As(err, &answer):
		f.Answer, f.Advice = strconv.Itoa(answer.Code), at+" turns us away"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		f.Advice = fmt.Sprintf("%s closed the connection; check mail.smtp.port and mail.smtp.tls", at)
		if encrypted && c.Port == 465 && c.TLS != "implicit" {
			f.Advice += "; port 465 wants mail.smtp.tls: implicit"
		}
	default:
		f.Advice = at + " was not understood; is it a mail server?"
	}
	return f
}

// enhanced is a status code of RFC 3463.
var enhanced = regexp.MustCompile(`\b[45]\.\d{1,3}\.\d{1,3}\b`)

// refused explains an answer to the mail itself.
func (f *Failure) refused(e *gomail.SendError) error {
	status := enhanced.FindString(e.Error()) // also where the server does not announce them
	code := strings.TrimSpace(strconv.Itoa(e.ErrorCode()) + " " + status)
	f.Answer = code
	if e.ErrorCode() < 500 {
		f.Advice = "the mail server wants us to come back later (" + code + "), as many do with senders that they don't know; nothing needs to be done"
		return f
	}
	switch {
	case e.Reason == gomail.ErrSMTPMailFrom: // concerns every mail: none is given up for it
		f.Advice = "the mail server does not let us send with this sender (" + code + "); check mail.from, mail.senders and mail.smtp.username"
		return f
	case e.Reason == gomail.ErrSMTPRcptTo && strings.HasPrefix(status, "5.7."), strings.Contains(strings.ToLower(e.Error()), "relay"):
		f.Advice = "the mail server does not let us send to this address (" + code + "); most want a login first: check mail.smtp.username"
	case e.Reason == gomail.ErrSMTPRcptTo:
		f.Address, f.Advice = true, "the mail server says that the address takes no mail ("+code+")"
	default:
		f.Advice = "the mail server refuses what is in the mail (" + code + ")"
	}
	return broker.Permanent(f)
}

// quiet is an error that leaves out an address: errors are logged and kept.
type quiet struct {
	error
	address string
}

func (q quiet) Error() string {
	if q.address == "" {
		return q.error.Error()
	}
	return strings.ReplaceAll(q.error.Error(), q.address, "(address)")
}

func (q quiet) Unwrap() error { return q.error }
