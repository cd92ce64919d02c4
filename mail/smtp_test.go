package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"idbroker/broker"
)

// server is a real SMTP server that keeps what it was given.
type server struct {
	port   int
	roots  *x509.CertPool
	refuse error // answer to RCPT
	stall  chan struct{}

	mu    sync.Mutex
	mails []string
	auth  string
}

func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{s: s}, nil }

func (s *server) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

type session struct{ s *server }

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "broker" || password != "s3cret-of-the-relay" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no"}
		}
		c.s.mu.Lock()
		c.s.auth = user
		c.s.mu.Unlock()
		return nil
	}), nil
}
func (c *session) Mail(string, *smtp.MailOptions) error { return nil }
func (c *session) Rcpt(string, *smtp.RcptOptions) error { return c.s.refuse }
func (c *session) Data(r io.Reader) error {
	if c.s.stall != nil {
		<-c.s.stall
	}
	b, err := io.ReadAll(r)
	c.s.mu.Lock()
	c.s.mails = append(c.s.mails, string(b))
	c.s.mu.Unlock()
	return err
}
func (c *session) Reset()        {}
func (c *session) Logout() error { return nil }

func serve(t *testing.T, s *server, implicit bool) {
	t.Helper()
	cert, roots := certificate(t)
	s.roots = roots
	srv := smtp.NewServer(s)
	srv.Domain, srv.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.AllowInsecureAuth = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

var hello = Message{From: "Community <no-reply@example.org>", To: "ada@example.org", Subject: "Grüße", Text: "Hallo Ada\n", HTML: "<p>Hallo Ada</p>"}

func transport(t *testing.T, s *server, c SMTP) Transport {
	t.Helper()
	c.Host, c.Port = "localhost", s.port
	if c.Config == nil {
		c.Config = &tls.Config{RootCAs: s.roots, ServerName: "localhost"}
	}
	tr, err := NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestSMTPDelivers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		c        SMTP
		implicit bool
	}{
		{"STARTTLS and authentication", SMTP{Username: "broker", Password: "s3cret-of-the-relay"}, false},
		{"implicit TLS and authentication", SMTP{TLS: "implicit", Username: "broker", Password: "s3cret-of-the-relay"}, true},
		{"plain, without authentication", SMTP{TLS: "none"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{}
			serve(t, s, tt.implicit)
			if err := transport(t, s, tt.c).Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			got := s.received()
			if len(got) != 1 || s.auth != tt.c.Username {
				t.Fatalf("%d mails, authenticated as %q", len(got), s.auth)
			}
			for _, want := range []string{"To: <ada@example.org>", "Auto-Submitted: auto-generated", "Message-ID:", "multipart/alternative", "Hallo Ada"} {
				if !strings.Contains(got[0], want) {
					t.Errorf("the mail lacks %q:\n%s", want, got[0])
				}
			}
		})
	}
}

func TestSMTPRefusals(t *testing.T) {
	secret := "s3cret-of-the-relay"
	for _, tt := range []struct {
		name      string
		s         *server
		c         SMTP
		permanent bool
	}{
		{"no such mailbox", &server{refuse: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "unknown"}}, SMTP{}, true},
		{"greylisted", &server{refuse: &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}}, SMTP{}, false},
		{"wrong password", &server{}, SMTP{Username: "broker", Password: broker.Secret(secret + "x")}, false},
		{"certificate of nobody we trust", &server{}, SMTP{Config: &tls.Config{ServerName: "localhost"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			serve(t, tt.s, false)
			err := transport(t, tt.s, tt.c).Send(t.Context(), hello)
			if err == nil || broker.IsPermanent(err) != tt.permanent {
				t.Errorf("Send = %v, permanent %v; want permanent %v", err, broker.IsPermanent(err), tt.permanent)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the password: %v", err)
			}
			if n := len(tt.s.received()); n != 0 {
				t.Errorf("%d mails were taken", n)
			}
		})
	}
}

// TestSMTPDowngrade takes STARTTLS away, as somebody on the wire would: nothing
// is sent in the clear.
func TestSMTPDowngrade(t *testing.T) {
	s := &server{}
	srv := smtp.NewServer(s)
	srv.Domain = "localhost"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	if err := transport(t, s, SMTP{}).Send(t.Context(), hello); err == nil || len(s.received()) != 0 {
		t.Errorf("Send = %v, %d mails taken without TLS", err, len(s.received()))
	}
}

func TestSMTPEndsWithItsContext(t *testing.T) {
	s := &server{stall: make(chan struct{})}
	serve(t, s, false)
	t.Cleanup(func() { close(s.stall) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := transport(t, s, SMTP{}).Send(ctx, hello); err == nil {
		t.Error("a stalled server took the mail")
	}
	if took := time.Since(start); took >= smtpTimeout {
		t.Errorf("Send took %s", took)
	}
}

func TestSMTPBadRecipients(t *testing.T) {
	s := &server{}
	serve(t, s, false)
	tr := transport(t, s, SMTP{})
	for _, to := range []string{"", "nobody", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org"} {
		m := hello
		m.To = to
		if err := tr.Send(t.Context(), m); !broker.IsPermanent(err) {
			t.Errorf("to %q: %v, want it given up", to, err)
		}
	}
	if n := len(s.received()); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestNewSMTPRefusesUnknownTLS(t *testing.T) {
	if _, err := NewSMTP(SMTP{Host: "localhost", TLS: "perhaps"}); err == nil {
		t.Error("NewSMTP accepts it")
	}
}

func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	tr, err := NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 || filepath.Ext(files[0]) != ".eml" {
		t.Fatalf("files: %v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if d, _ := os.Stat(dir); d.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v", d.Mode())
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := tr.Send(t.Context(), hello); err == nil || broker.IsPermanent(err) {
		t.Errorf("a vanished directory: %v, want an error that is tried again", err)
	}
	if _, err := NewDirectory(files[0] + "/\x00"); err == nil {
		t.Error("a bad path is accepted")
	}
}

// TestSMTPTakenIsTaken: a server that breaks off once it has taken the mail has taken
// it; sending it again would have it arrive twice.
func TestSMTPTakenIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	took := make(chan bool, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in, body := bufio.NewScanner(c), false
		_, _ = io.WriteString(c, "220 localhost\r\n")
		for in.Scan() {
			answer := "250 ok\r\n"
			switch line := in.Text(); {
			case body && line == ".":
				_, _ = io.WriteString(c, "250 taken\r\n")
				took <- true
				return
			case body:
				continue
			case line == "DATA":
				body, answer = true, "354 go on\r\n"
			}
			_, _ = io.WriteString(c, answer)
		}
	}()
	tr, err := NewSMTP(SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: "none"})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Send(t.Context(), hello); err != nil || !<-took {
		t.Errorf("Send = %v", err)
	}
}
