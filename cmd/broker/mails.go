package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/mail"
)

// todo says what an operator can do about work that was given up.
var todo = map[string]string{
	broker.OutboxMail:   "broker mail list",
	broker.OutboxLogout: "broker logouts list",
	broker.OutboxRevoke: "broker revocations list",
}

// mailTransport makes the way that mails go.
func mailTransport(m config.Mail) (mail.Transport, error) {
	if m.SMTP.Host == "" {
		return mail.NewDirectory(m.Directory)
	}
	smtp := mail.SMTP{Host: m.SMTP.Host, Port: m.SMTP.Port, Username: m.SMTP.Username, Password: m.SMTP.Password, TLS: m.SMTP.TLS}
	if m.SMTP.CA != "" {
		var err error
		if smtp.CA, err = os.ReadFile(m.SMTP.CA); err != nil {
			return nil, config.Unreadable("mail.smtp.ca", m.SMTP.CA, err, "name a PEM file that the broker may read")
		}
	}
	return mail.NewSMTP(smtp)
}

// mailOptions are who writes mails, and for whom.
func mailOptions(cfg config.Config, base string) mail.Options {
	m := cfg.Mail
	return mail.Options{
		From:    orElse(m.From, "no-reply@localhost.localdomain"), // written to files alone: config asks for a sender with an SMTP server
		ReplyTo: m.ReplyTo, Requested: m.Senders.Requested, Security: m.Senders.Security, Brand: cfg.Brand.Name, BaseURL: base,
		NoPasswords: !cfg.Accounts.Passwords,
	}
}

// mailRefused notes that an address takes no mail.
func (s *server) mailRefused(ctx context.Context, to, template, answer string) {
	s.counters.add("broker_mails_refused_total", "mail", template)
	if err := s.rooms.accounts.MailRefused(ctx, to, template, answer); err != nil {
		s.log.ErrorContext(ctx, "refused mail not noted", "err", err)
	}
}

type mailCommands struct {
	Test  mailTest  `cmd:"" help:"Send one mail now, and say what goes wrong."`
	List  mailList  `cmd:"" help:"List mails that could not be sent yet, or were given up."`
	Retry mailRetry `cmd:"" help:"Try mails again that were given up."`
	Drop  mailDrop  `cmd:"" help:"Forget mails that could not be sent."`
}

type mailTest struct {
	Address string `arg:"" help:"Where to."`
	Lang    string `placeholder:"TAG" help:"In which language, such as de."`
}

// Help teaches.
func (mailTest) Help() string {
	return `It goes the way that all mails go, with the same sender and templates, but at once and without the database. What a server has taken can still be lost behind it: look into the mailbox, its spam too.`
}

// testTime bounds the test.
const testTime = 30 * time.Second

// Run sends the mail.
func (c mailTest) Run(ctx context.Context, p *program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	to, err := broker.NormalizeEmail(c.Address)
	if err != nil {
		return fmt.Errorf("%s: %w", printable(c.Address), err)
	}
	own, found, err := readOverrides(cfg.Templates.Directory)
	if err != nil {
		return err
	}
	if refused := broker.Refused(found); len(refused) > 0 {
		return findings(refused)
	}
	transport, err := mailTransport(cfg.Mail)
	if err != nil {
		return err
	}
	o := mailOptions(cfg, orElse(cfg.Server.BaseURL, "http://"+cfg.Server.Address))
	o.Templates = own.mails
	smtp := cfg.Mail.SMTP
	way := fmt.Sprintf("%s:%d, TLS %s, login %s", smtp.Host, smtp.Port, smtp.TLS, orElse(smtp.Username, "none"))
	if smtp.Host == "" {
		way = "none (mail.smtp.host is not set): the mail becomes a file in " + cfg.Mail.Directory
	}
	fmt.Fprintf(p.out, "server  %s\nsender  %s\n", printable(way), printable(orElse(o.Security, o.From)))
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	entry := broker.Mail{To: to, Template: "test", Locale: c.Lang, Data: map[string]string{"when": time.Now().UTC().Format(time.RFC3339)}}.Entry(time.Now())
	if err := mail.New(transport, own.texts, o).Handle(ctx, entry.Payload); err != nil {
		return err
	}
	if smtp.Host == "" {
		fmt.Fprintln(p.out, "written")
	} else {
		fmt.Fprintln(p.out, "the server has taken it; see whether it arrives")
	}
	return nil
}

// mailEntry is a mail that has failed so far; what is in it is not shown.
type mailEntry struct {
	troubled
	Mail string `json:"mail"`
	To   string `json:"to"`
}

func viewMail(e broker.OutboxEntry) mailEntry {
	v := mailEntry{troubled: viewTroubled(e)}
	var m broker.Mail
	if json.Unmarshal(e.Payload, &m) == nil { // otherwise its key is gone: the rest is worth seeing
		v.Mail, v.To = m.Template, m.To
	}
	return v
}

type mailList struct{ troubledList }

// Help teaches.
func (mailList) Help() string {
	return `"waiting" ones failed and will be tried again, for about two days, or as long as their link works. Ones "given up" are kept for a month: an address that takes no mail, or what LAST ERROR says. When that is mended, send them with "broker mail retry".`
}

// Run lists mails.
func (c mailList) Run(ctx context.Context, p *program) error {
	return listTroubled(ctx, p, c.troubledList, broker.OutboxMail, viewMail, func(w io.Writer, all []mailEntry) {
		row(w, "ID", "MAIL", "TO", "STATE", "ATTEMPTS", "SINCE", "NEXT", "LAST ERROR")
		for _, v := range all {
			row(w, v.ID, v.Mail, v.To, v.State, v.Attempts, v.CreatedAt, v.NextAt, v.Error)
		}
	})
}

type mailRetry struct {
	ID  []string `arg:"" optional:"" help:"Ids, as \"broker mail list\" shows them."`
	All bool     `help:"Every one that was given up."`
	To  string   `placeholder:"ADDRESS" help:"Those to one address that were given up."`
	output
}

// Help teaches.
func (mailRetry) Help() string {
	return `A running broker sends them within seconds. One whose link has expired meanwhile is given up again: its person asks for a new one.

	broker mail retry --to ada@example.org`
}

// Run gives mails back to the outbox.
func (c mailRetry) Run(ctx context.Context, p *program) error {
	if !oneWay(len(c.ID) > 0, c.All, c.To != "") {
		return errors.New("say which: ids, --to ADDRESS or --all; see: broker mail list")
	}
	return retryTroubled(ctx, p, c.output, broker.OutboxMail, c.ID, func(e broker.OutboxEntry) bool { return c.All || viewMail(e).To == c.To }, "broker mail list")
}

type mailDrop struct {
	ID []string `arg:"" help:"Ids, as \"broker mail list\" shows them; given up or waiting."`
	output
}

// Run removes mails.
func (c mailDrop) Run(ctx context.Context, p *program) error {
	_, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	at := time.Now()
	err = db.InTx(ctx, func(ctx context.Context) error {
		for _, id := range c.ID {
			if err := db.DropOutbox(ctx, broker.OutboxMail, id, at); errors.Is(err, broker.ErrNotFound) {
				return fmt.Errorf("%s has not failed, is being sent right now, or is not there; see: broker mail list", printable(id))
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.print(p.out, map[string][]string{"dropped": c.ID}, func(w io.Writer) { fmt.Fprintf(w, "dropped: %d\n", len(c.ID)) })
}
