package served

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A process gets nothing of our environment that concerns it, says what it says
// to whoever waits, and can be stopped twice.
func TestProcess(t *testing.T) {
	t.Setenv("BROKER_SERVER__ADDRESS", "leaked")
	dir := t.TempDir()
	script := filepath.Join(dir, "broker")
	text := "#!/bin/sh\ntrap 'exit 0' TERM\necho \"address=[$BROKER_SERVER__ADDRESS] here=[$HERE] arg=[$1]\"\nwhile :; do sleep 0.05; done\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	p := Start(t, script, dir, []string{"HERE=yes"}, "serve")
	if got := p.Wait(t, `(address=\[.*)`); got != "address=[] here=[yes] arg=[serve]" {
		t.Error(got)
	}
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-p.Ended():
	default:
		t.Error("stopped and not ended")
	}
	if !strings.Contains(p.Said(), "HERE") && !strings.Contains(p.Said(), "here=[yes]") {
		t.Error(p.Said())
	}
}

func TestReadMail(t *testing.T) {
	const mail = "From: a@example.org\r\nTo: \"B\" <b@example.org>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
		"Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n" +
		"--x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nhttp://h/?token=3Da=\r\nb\r\n--x--\r\n"
	m, err := ReadMail(strings.NewReader(mail))
	if err != nil || m.To != "b@example.org" || m.Subject != "Grüße" || m.Text != "http://h/?token=ab" {
		t.Errorf("%+v, %v", m, err)
	}
	for name, bad := range map[string]string{
		"no mail": "nothing", "no recipient": "Subject: x\r\nContent-Type: text/plain\r\n\r\nx",
		"no plain text": "To: b@example.org\r\nContent-Type: text/html\r\n\r\nx", "no type": "To: b@example.org\r\n\r\nx",
		"no part": "To: b@example.org\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n",
	} {
		if m, err := ReadMail(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestFreeAddress: while a test goes on nobody else is handed its address, whether it listens there by now or not.
func TestFreeAddress(t *testing.T) {
	const many = 500 // so many at random would meet among the ports there are
	seen := map[string]bool{}
	for i := range many {
		address := FreeAddress(t)
		if seen[address] {
			t.Fatalf("%s is handed out again after %d", address, i)
		}
		seen[address] = true
	}
}
