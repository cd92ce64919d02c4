package mail

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/i18n"
)

const installSMTPServer = "npm ci --prefix mail/smtpserver"

// nodeServer is npm's smtp-server, which we did not write.
type nodeServer struct {
	port  int
	ca    []byte // PEM
	mu    sync.Mutex
	mails []taken
}

// taken is a mail as the server tells it.
type taken struct {
	From struct {
		Address string
		Args    any // parameters of MAIL FROM; false none
	}
	To     []struct{ Address string }
	Secure bool
	User   string
	Mail   string
}

func (s *nodeServer) received() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// first waits for a mail: it is told after the server has answered.
func (s *nodeServer) first(t *testing.T) taken {
	t.Helper()
	for range 500 {
		if all := s.received(); len(all) > 0 {
			return all[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no mail arrived")
	return taken{}
}

// startNode runs the server with these options until the test ends. Without Node
// or the package the test is skipped, or fails where BROKER_TEST_ALL=1.
func startNode(t *testing.T, options map[string]any) *nodeServer {
	t.Helper()
	node, err := exec.LookPath("node")
	if _, serr := os.Stat("smtpserver/node_modules/smtp-server"); err != nil || serr != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("node or smtp-server is missing; get it: %s", installSMTPServer)
		}
		t.Skipf("node or smtp-server is missing; get it: %s", installSMTPServer)
	}
	dir := t.TempDir()
	pair, _ := certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s := &nodeServer{ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})}
	given := map[string]any{"key": filepath.Join(dir, "key"), "cert": filepath.Join(dir, "cert"), "username": "broker", "password": secretOfRelay}
	for k, v := range options {
		given[k] = v
	}
	for name, text := range map[string][]byte{"key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), "cert": s.ca} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "server.mjs", string(text))
	cmd.Dir, cmd.Stderr = "smtpserver", os.Stderr
	stdin, err := cmd.StdinPipe() // it ends when this closes
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	lines, ready := bufio.NewReader(stdout), make(chan error, 1)
	go func() {
		line, err := lines.ReadBytes('\n')
		if err == nil {
			var r struct{ Port int }
			err = json.Unmarshal(line, &r)
			s.port = r.Port
		}
		ready <- err
		for err == nil {
			if line, err = lines.ReadBytes('\n'); err == nil {
				var m taken
				if err = json.Unmarshal(line, &m); err == nil {
					s.mu.Lock()
					s.mails = append(s.mails, m)
					s.mu.Unlock()
				}
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	select {
	case err := <-ready:
		if err != nil {
			t.Fatalf("smtp-server: %v", err)
		}
	case <-time.After(30 * time.Second): // machines that run tests are busy
		t.Fatal("smtp-server did not start")
	}
	return s
}

const secretOfRelay = "s3cret-of-the-relay"

// way is a transport to the server.
func (s *nodeServer) way(t *testing.T, c SMTP) Transport {
	t.Helper()
	if c.Host == "" {
		c.Host = "localhost"
	}
	c.Port = s.port
	if c.CA == nil {
		c.CA = s.ca
	}
	tr, err := NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestRealServerTakesMail(t *testing.T) {
	login := SMTP{Username: "broker", Password: secretOfRelay}
	implicit := login
	implicit.TLS = "implicit"
	for _, tt := range []struct {
		name    string
		options map[string]any
		c       SMTP
	}{
		{"STARTTLS, PLAIN", map[string]any{"auth": []string{"PLAIN"}, "authRequired": true}, login},
		{"STARTTLS, LOGIN", map[string]any{"auth": []string{"LOGIN"}, "authRequired": true}, login},
		{"STARTTLS, CRAM-MD5", map[string]any{"auth": []string{"CRAM-MD5"}, "authRequired": true}, login},
		{"implicit TLS", map[string]any{"tls": "implicit", "auth": []string{"PLAIN", "LOGIN"}, "authRequired": true}, implicit},
		{"STARTTLS, no login", map[string]any{}, SMTP{}},
		{"in the clear, on this machine", map[string]any{"hideSTARTTLS": true}, SMTP{TLS: "none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startNode(t, tt.options)
			if err := s.way(t, tt.c).Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			got := []taken{s.first(t)}
			if got[0].User != tt.c.Username || got[0].Secure != (tt.c.TLS != "none") || got[0].To[0].Address != hello.To || got[0].From.Address != "no-reply@example.org" {
				t.Fatalf("%+v", got)
			}
			if args, ok := got[0].From.Args.(map[string]any); ok && args["SMTPUTF8"] != nil {
				t.Error("asks for SMTPUTF8 without need: the next server may lack it")
			}
			for _, want := range []string{"Auto-Submitted: auto-generated", "@example.org>", "multipart/alternative", "Subject: =?UTF-8?q?Gr=C3=BC=C3=9Fe?="} {
				if !strings.Contains(got[0].Mail, want) {
					t.Errorf("the mail lacks %q:\n%s", want, got[0].Mail)
				}
			}
		})
	}
}

// TestRealServerRefuses: what goes wrong is told in plain words, given up only where
// nothing helps, and nothing leaves where it should not.
func TestRealServerRefuses(t *testing.T) {
	auth := map[string]any{"auth": []string{"PLAIN"}, "authRequired": true}
	answers := func(to, text string, code int) map[string]any {
		return map[string]any{"answers": map[string]any{to: []any{code, text}}}
	}
	other, _ := certificate(t)
	foreign := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate[0]})
	wide := hello
	wide.To = "jörg@bücher.example"
	for _, tt := range []struct {
		name      string
		options   map[string]any
		c         SMTP
		m         Message
		permanent bool
		address   bool
		says      string
	}{
		{"no such mailbox", answers(hello.To, "5.1.1 <"+hello.To+"> unknown", 550), SMTP{}, hello, true, true, "the address takes no mail (550 5.1.1)"},
		{"mailbox full for good", answers(hello.To, "5.2.2 over quota", 552), SMTP{}, hello, true, true, "the address takes no mail (552 5.2.2)"},
		{"relay denied", answers(hello.To, "5.7.1 relay access denied", 554), SMTP{}, hello, true, false, "does not let us send to this address (554 5.7.1)"},
		{"greylisted", answers(hello.To, "4.7.1 come back later", 451), SMTP{}, hello, false, false, "come back later (451 4.7.1)"},
		{"content refused", answers("data", "5.7.0 spam", 554), SMTP{}, hello, true, false, "refuses what is in the mail"},
		{"content later", answers("data", "4.3.0 disk full", 452), SMTP{}, hello, false, false, "come back later"},
		{"sender refused", answers("no-reply@example.org", "5.7.1 not yours", 550), SMTP{}, hello, false, false, "check mail.from"},
		{"wrong password", auth, SMTP{Username: "broker", Password: secretOfRelay + "x"}, hello, false, false, "check mail.smtp.username and mail.smtp.password"},
		{"no login given", auth, SMTP{}, hello, false, false, "mail.smtp.username"},
		{"no login there", map[string]any{}, SMTP{Username: "broker", Password: secretOfRelay}, hello, false, false, "offers no login"},
		{"STARTTLS taken away", map[string]any{"hideSTARTTLS": true, "auth": []string{"PLAIN"}, "allowInsecureAuth": true}, SMTP{Username: "broker", Password: secretOfRelay}, hello, false, false, "offers no STARTTLS"},
		{"certificate of nobody we know", map[string]any{}, SMTP{CA: foreign}, hello, false, false, "mail.smtp.ca"},
		{"certificate of another name", map[string]any{}, SMTP{Host: "127.0.0.1"}, hello, false, false, "is for another name"},
		{"implicit where it wants STARTTLS", map[string]any{}, SMTP{TLS: "implicit"}, hello, false, false, "write mail.smtp.tls: starttls"},
		{"nonsense", map[string]any{"nonsense": "HTTP/1.1 400 Bad Request\r\n\r\n"}, SMTP{}, hello, false, false, "is it a mail server?"},
		{"silence", map[string]any{"nonsense": " "}, SMTP{}, hello, false, false, "localhost:"},
		{"turned away", map[string]any{"nonsense": "554 5.7.1 no service for you\r\n"}, SMTP{}, hello, false, false, "turns us away"},
		{"no SMTPUTF8", map[string]any{"hideSMTPUTF8": true}, SMTP{}, wide, true, true, "SMTPUTF8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startNode(t, tt.options)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := s.way(t, tt.c).Send(ctx, tt.m)
			if err == nil || broker.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("Send = %v, permanent %v; want permanent %v and %q", err, broker.IsPermanent(err), tt.permanent, tt.says)
			}
			var f *Failure
			if !asFailure(err, &f) || f.Address != tt.address {
				t.Errorf("%#v: about the address: want %v", f, tt.address)
			}
			if strings.Contains(err.Error(), tt.m.To) || strings.Contains(err.Error(), secretOfRelay) {
				t.Errorf("the error tells what is nobody's business: %v", err)
			}
			if n := len(s.received()); n != 0 {
				t.Errorf("%d mails were taken", n)
			}
		})
	}
}

// TestRealServerComesRound: who was greylisted gets the mail at the next try.
func TestRealServerComesRound(t *testing.T) {
	s := startNode(t, map[string]any{"answers": map[string]any{hello.To: []any{450, "4.2.0 greylisted", 1}}})
	tr := s.way(t, SMTP{})
	if err := tr.Send(t.Context(), hello); err == nil || broker.IsPermanent(err) {
		t.Fatalf("first try: %v", err)
	}
	if err := tr.Send(t.Context(), hello); err != nil {
		t.Fatalf("second try: %v", err)
	}
	s.first(t)
}

// TestRealServerStalls: a server that says nothing holds a mail up for no longer than
// it may, and it is tried again.
func TestRealServerStalls(t *testing.T) {
	for _, at := range []string{hello.To, "data"} {
		s := startNode(t, map[string]any{"stall": at})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		err := s.way(t, SMTP{}).Send(ctx, hello)
		if err == nil || broker.IsPermanent(err) || !strings.Contains(err.Error(), "did not answer in time") {
			t.Errorf("stalled at %s: %v", at, err)
		}
		if took := time.Since(start); took >= smtpTimeout {
			t.Errorf("stalled at %s: took %s", at, took)
		}
	}
}

// TestRealServerWideAddresses: SMTPUTF8 where an address needs it, ASCII where only the
// domain does and the server knows no other.
func TestRealServerWideAddresses(t *testing.T) {
	m := hello
	m.To = "jörg@bücher.example"
	s := startNode(t, nil)
	if err := s.way(t, SMTP{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	args, _ := s.first(t).From.Args.(map[string]any)
	if args["SMTPUTF8"] != true || s.first(t).To[0].Address != "jörg@bücher.example" {
		t.Errorf("%+v", s.first(t))
	}
	s = startNode(t, map[string]any{"hideSMTPUTF8": true})
	m.To = "joerg@bücher.example"
	if err := s.way(t, SMTP{}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := s.first(t).Mail; !strings.Contains(got, "To: <joerg@xn--bcher-kva.example>") {
		t.Errorf("the mail is for:\n%s", got)
	}
}

// TestRefusedAddressIsTold: who wrote the outbox entry hears of an address that takes
// no mail, once, and not of a server that wants us later.
func TestRefusedAddressIsTold(t *testing.T) {
	s := startNode(t, map[string]any{"answers": map[string]any{"gone@example.org": []any{550, "5.1.1 gone"}, "later@example.org": []any{450, "4.2.0 later"}}})
	texts, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	sender := New(s.way(t, SMTP{}), texts, Options{From: "no-reply@example.org", Brand: "B", Refused: func(_ context.Context, to, template, answer string) {
		told = append(told, to+" "+template+" "+answer)
	}})
	sender.now = func() time.Time { return time.Date(2026, 11, 22, 12, 1, 0, 0, time.UTC) } // a minute after example's
	for _, to := range []string{"gone@example.org", "later@example.org", "ada@example.org"} {
		m := example("linked", "en")
		m.To = to
		err := sender.Handle(t.Context(), m.Entry(time.Now()).Payload)
		if want := to == "gone@example.org"; broker.IsPermanent(err) != want {
			t.Errorf("%s: %v", to, err)
		}
	}
	if want := []string{"gone@example.org linked 550 5.1.1"}; !slices.Equal(told, want) || s.first(t).To[0].Address != "ada@example.org" {
		t.Errorf("told %q, %d arrived", told, len(s.received()))
	}
}

func asFailure(err error, f **Failure) bool { return errors.As(err, f) }
