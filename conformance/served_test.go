package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"idbroker/broker"
	"idbroker/cmd/broker/demo"
	"idbroker/conformance/served"
	"idbroker/mail"
)

// startServed runs "serve" as an operator does: a configuration file, a client
// registered with a command, an SMTP server, the given database. The demo's
// application, providers and mailbox stand around it. env are settings beside the
// file.
func startServed(t testing.TB, dsn string, env ...string) *house {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "broker.yaml")
	h := &house{issuer: "http://" + served.FreeAddress(t), cli: operator(dir, file)}
	var d *demo.Demo
	h.app, h.providers, h.mailbox = surround(t, func() *demo.Demo { return d })
	c := settings{issuer: h.issuer, dsn: dsn, dir: dir}
	c.write(t, file)
	h.cli(t, "", "keys", "keyring", "--file", c.keyring())
	h.cli(t, "", "migrate", "up")
	var client struct {
		Secret broker.Secret `json:"client_secret"`
	}
	registered := h.cli(t, "", "clients", "create", "Demo Application", "--id", demo.ClientID, "--redirect-uri", h.app+"/callback",
		"--post-logout-redirect-uri", h.app+"/signed-out", "--json")
	if err := json.Unmarshal([]byte(registered), &client); err != nil || client.Secret == "" {
		t.Fatalf("clients create: %v: %s", err, registered)
	}
	var err error
	if d, err = demo.New(demo.Options{Issuer: h.issuer, AppURL: h.app, ProviderURL: h.providers, MailboxURL: h.mailbox, ClientSecret: client.Secret}); err != nil {
		t.Fatal(err)
	}
	c.smtp, c.providers = smtpServer(t, d.Mailbox), d.Providers()
	c.write(t, file)
	h.process = run(t, dir, env, "--config", file, "serve")
	served.Answers(t, h.transport(1), h.issuer)
	return h
}

// operator runs the operator's commands, which must succeed, and returns what they print.
func operator(dir, file string) func(t testing.TB, stdin string, args ...string) string {
	return func(t testing.TB, stdin string, args ...string) string {
		t.Helper()
		cmd := served.Command(bin, dir, nil, append([]string{"--config", file}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		var problems bytes.Buffer
		cmd.Stderr = &problems
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("broker %s: %v: %s", strings.Join(args, " "), err, problems.String())
		}
		return string(out)
	}
}

// surround serves the demo's parts from this process.
func surround(t testing.TB, d func() *demo.Demo) (app, providers, mailbox string) {
	t.Helper()
	serve := func(part func() http.Handler) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { part().ServeHTTP(w, r) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	return serve(func() http.Handler { return d().App }), serve(func() http.Handler { return d().Provider }), serve(func() http.Handler { return d().Mailbox })
}

// settings are what the configuration file says.
type settings struct {
	issuer, dsn, dir  string
	smtp              string // "": mails go to a directory
	providers         []demo.ProviderApp
	tls, registration map[string]any // nil: the defaults
}

func (s settings) keyring() string { return filepath.Join(s.dir, "broker.key") }

// write writes JSON, which is YAML, too.
func (s settings) write(t testing.TB, file string) {
	t.Helper()
	mail := map[string]any{"directory": filepath.Join(s.dir, "mail")}
	if host, port, err := net.SplitHostPort(s.smtp); err == nil {
		mail = map[string]any{"from": "Community <no-reply@example.org>", "smtp": map[string]any{"host": host, "port": json.Number(port), "tls": "none"}}
	}
	providers := []map[string]any{}
	for _, p := range s.providers {
		providers = append(providers, map[string]any{
			"id": p.ID, "kind": "oidc", "title": p.Title, "issuer": p.Issuer, "client_id": p.ClientID, "client_secret": p.ClientSecret.Reveal(),
		})
	}
	_, address, _ := strings.Cut(s.issuer, "://")
	server := map[string]any{"address": address, "base_url": s.issuer, "admin_address": "off"}
	all := map[string]any{
		"server":    server,
		"database":  map[string]any{"dsn": s.dsn},
		"secrets":   map[string]any{"keyring_file": s.keyring()},
		"mail":      mail,
		"providers": providers,
	}
	if s.tls != nil {
		server["tls"] = s.tls
	}
	if s.registration != nil {
		all["registration"] = s.registration
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// smtpServer takes mails for the mailbox, whoever they are for.
func smtpServer(t testing.TB, box *demo.Mailbox) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &post{box: box}, nil }))
	s.Domain, s.AllowInsecureAuth = "localhost", true
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// post is one connection of the broker's.
type post struct {
	box      *demo.Mailbox
	from, to string
}

func (p *post) Mail(from string, _ *smtp.MailOptions) error { p.from = from; return nil }
func (p *post) Rcpt(to string, _ *smtp.RcptOptions) error   { p.to = to; return nil }
func (p *post) Reset()                                      {}
func (p *post) Logout() error                               { return nil }

// Data reads the mail as a mail program does.
func (p *post) Data(r io.Reader) error {
	m, err := served.ReadMail(r)
	if err != nil {
		return err
	}
	return p.box.Send(context.Background(), mail.Message{From: p.from, To: p.to, Subject: m.Subject, Text: m.Text})
}
