package main

import (
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"idbroker/broker"
)

// postman is a mail server that refuses some addresses.
type postman struct {
	mu     sync.Mutex
	refuse map[string]*smtp.SMTPError
	took   []string // addresses
}

func (p *postman) NewSession(*smtp.Conn) (smtp.Session, error) { return &round{p: p}, nil }

func (p *postman) answer(address string, e *smtp.SMTPError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse[address] = e
}

func (p *postman) brought() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.took, " ")
}

type round struct {
	p  *postman
	to string
}

func (r *round) Mail(string, *smtp.MailOptions) error { return nil }
func (r *round) Rcpt(to string, _ *smtp.RcptOptions) error {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.to = to
	if e := r.p.refuse[to]; e != nil {
		return e
	}
	return nil
}
func (r *round) Data(text io.Reader) error {
	_, err := io.Copy(io.Discard, text)
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.p.took = append(r.p.took, r.to)
	return err
}
func (r *round) Reset()        {}
func (r *round) Logout() error { return nil }

// TestMails follows mails that a server refuses, for good and for now, through the
// outbox to the operator, and out again.
func TestMails(t *testing.T) {
	p := &postman{refuse: map[string]*smtp.SMTPError{
		"gone@example.org":  {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"},
		"later@example.org": {Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"},
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(p)
	srv.Domain = "localhost"
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	o := newOperator(t).set("BROKER_MAIL__SMTP__HOST=127.0.0.1", "BROKER_MAIL__SMTP__TLS=none", "BROKER_MAIL__FROM=id@example.org",
		"BROKER_MAIL__SMTP__PORT="+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))

	if text := o.run("mail", "test", "ada@example.org", "--lang", "de"); !strings.Contains(text, "the server has taken it") || p.brought() != "ada@example.org" {
		t.Errorf("%s\n%s", text, p.brought())
	}
	if _, line, code := o.try("", "mail", "test", "gone@example.org"); code != 1 || !strings.Contains(line, "the address takes no mail (550 5.1.1)") {
		t.Error(line)
	}
	o.refuses("mail", "test", "nonsense")
	if _, line, code := o.set("BROKER_MAIL__SMTP__PORT=1").try("", "mail", "test", "ada@example.org"); code != 1 || !strings.Contains(line, "nothing listens at 127.0.0.1:1") {
		t.Error(line)
	}
	if _, line, code := o.set("BROKER_MAIL__SMTP__TLS=starttls").try("", "mail", "test", "ada@example.org"); code != 1 || !strings.Contains(line, "offers no STARTTLS") {
		t.Error(line)
	}

	var gone userView
	o.read(&gone, "users", "create", "gone@example.org")
	o.run("users", "create", "later@example.org")
	r := o.serve()
	for _, to := range []string{"gone@example.org", "later@example.org"} {
		if status := post(t, r.base+"/lost-password/", url.Values{"email": {to}}); status >= 400 {
			t.Fatalf("lost password: %d", status)
		}
	}
	var list []mailEntry
	r.await("both mails", func() bool { o.read(&list, "mails", "list"); return len(list) == 2 })
	states := map[string]mailEntry{}
	for _, m := range list {
		states[m.To] = m
	}
	if m := states["gone@example.org"]; m.State != "given up" || m.Mail != "reset" || m.Attempts != 1 || !strings.Contains(m.Error, "550 5.1.1") {
		t.Errorf("%+v", m)
	}
	if m := states["later@example.org"]; m.State != "waiting" || m.NextAt.IsZero() || !strings.Contains(m.Error, "come back later (451 4.7.1)") {
		t.Errorf("%+v", m)
	}
	if shown := o.run("mail", "list") + o.run("mail", "list", "--json"); strings.Contains(shown, "token=") {
		t.Errorf("links are shown:\n%s", shown)
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, `broker_mails_refused_total{mail="reset"} 1`) || !strings.Contains(body, `broker_outbox_entries_total{kind="mail",outcome="failed"} 1`) {
		t.Error("no metric of the refusal")
	}
	db := o.open()
	events, err := db.Events(t.Context(), gone.ID, 10)
	_ = db.Close()
	if err != nil || len(events) == 0 || events[0].Name != broker.EventMailRefused || events[0].Detail["answer"] != "550 5.1.1" {
		t.Errorf("events %+v, %v", events, err)
	}
	if log := r.err.String(); strings.Contains(log, "gone@example.org") || !strings.Contains(log, `"todo":"broker mail list"`) {
		t.Errorf("an address is in the log, or not what to do:\n%s", log)
	}

	for _, args := range [][]string{{"mail", "retry"}, {"mail", "retry", "none"}, {"mail", "retry", "--all", "--to", "x@example.org"}, {"mail", "drop", "none"}, {"mail", "list", "--limit", "0"}} {
		o.refuses(args...)
	}
	o.refuses("mail", "drop", states["later@example.org"].ID, "none") // all, or none
	p.answer("gone@example.org", nil)
	o.run("mail", "retry", "--to", "gone@example.org")
	r.await("the mail", func() bool { return strings.HasSuffix(p.brought(), "gone@example.org") })
	o.run("mail", "drop", states["later@example.org"].ID)
	r.await("an empty list", func() bool { o.read(&list, "mails", "list"); return len(list) == 0 })
	r.stop()
}
