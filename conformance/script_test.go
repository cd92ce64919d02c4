package conformance

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/conformance/served"
	"idbroker/conformance/visitor"
	"idbroker/store/storetest"
)

const (
	scriptDir = "relyingparty"
	// scriptTime is how long a script may take for one message: a few requests
	// on loopback, on a machine that does other things too.
	scriptTime = 30 * time.Second
)

// startSecure runs "serve" over TLS with a certificate of its own, where
// applications may register themselves with a token.
func startSecure(t *testing.T) (h *house, certificate string) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "broker.yaml")
	h = &house{issuer: "https://" + served.FreeAddress(t), cli: operator(dir, file), roots: x509.NewCertPool()}
	certificate, key := writeCertificate(t, dir, h.roots)
	c := settings{
		issuer: h.issuer, dsn: storetest.EmptySQLite(t), dir: dir,
		tls: map[string]any{"certificate": certificate, "key": key}, registration: map[string]any{"mode": "token"},
	}
	c.write(t, file)
	h.cli(t, "", "keys", "keyring", "--file", c.keyring())
	h.cli(t, "", "migrate", "up")
	h.process = run(t, dir, nil, "--config", file, "serve")
	served.Answers(t, h.transport(1), h.issuer)
	return h, certificate
}

// writeCertificate makes a certificate for loopback that vouches for itself.
func writeCertificate(t *testing.T, dir string, roots *x509.CertPool) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for name, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})) {
		t.Fatal("no certificate")
	}
	return certificate, key
}

// script is a relying party in another language that runs beside the test; see
// relyingparty/talk.mjs for what is said.
type script struct {
	stdin  io.WriteCloser
	lines  chan []byte
	errors *served.Output
}

// refusal is who said no to a script: the broker with an error, or the library
// with a code of its own.
type refusal struct {
	Error  string `json:"error"`
	Code   string `json:"code"`
	Status int    `json:"status"`
	Why    string `json:"why"`
}

// startScript runs the script of a library, which trusts the certificate, or skips.
func startScript(t *testing.T, lib library, certificate string) *script {
	t.Helper()
	program, err := exec.LookPath(lib.program)
	if strings.Contains(lib.program, "/") {
		program, err = filepath.Abs(filepath.Join(scriptDir, lib.program)) // os/exec looks from here
	}
	if _, serr := os.Stat(filepath.Join(scriptDir, lib.installed)); err != nil || serr != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("%s is missing; get it: %s", lib.name, lib.get)
		}
		t.Skipf("%s is missing; get it: %s", lib.name, lib.get)
	}
	cmd := exec.Command(program, lib.script)
	cmd.Dir = scriptDir
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+certificate, "REQUESTS_CA_BUNDLE="+certificate, "PYTHONDONTWRITEBYTECODE=1")
	s := &script{lines: make(chan []byte), errors: &served.Output{}}
	cmd.Stderr = s.errors
	if s.stdin, err = cmd.StdinPipe(); err != nil { // it ends when this closes
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(s.lines)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			s.lines <- append([]byte(nil), in.Bytes()...)
		}
	}()
	t.Cleanup(func() {
		_ = s.stdin.Close()
		for range s.lines { // what nobody waited for
		}
		<-read
		_ = cmd.Wait()
		if said := s.errors.String(); said != "" && t.Failed() {
			t.Logf("%s said:\n%s", lib.name, said)
		}
	})
	return s
}

func (s *script) say(t *testing.T, message any) {
	t.Helper()
	if err := json.NewEncoder(s.stdin).Encode(message); err != nil {
		t.Fatalf("the script is gone: %v: %s", err, s.errors.String())
	}
}

// do gives the script a job and lets browse walk wherever it sends somebody,
// until it says what it got, which goes into got, or what refused.
func (s *script) do(t *testing.T, job map[string]any, browse func(browser, address string) (back *url.URL, posted url.Values), got any) *refusal {
	t.Helper()
	s.say(t, job)
	for {
		var line []byte
		select {
		case line = <-s.lines:
		case <-time.After(scriptTime):
		}
		var m struct {
			Visit, Browser string
			Got            json.RawMessage
			Refused        *refusal
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("the script said %q: %v: %s", line, err, s.errors.String())
		}
		switch {
		case m.Visit != "":
			back, posted := browse(m.Browser, m.Visit)
			answer := map[string]any{"url": back.String()}
			if posted != nil {
				answer["form"] = posted.Encode()
			}
			s.say(t, answer)
		case m.Refused != nil:
			return m.Refused
		default:
			if err := json.Unmarshal(m.Got, got); err != nil {
				t.Fatalf("%v: %s", err, m.Got)
			}
			return nil
		}
	}
}

// goThrough signs in, says yes and lets answers be posted, as the pages ask
// for it, until the visitor is sent to where it stops.
func (w *walker) goThrough(address, email, password string) (*url.URL, url.Values) {
	w.t.Helper()
	w.open(address)
	for range 5 { // more than there are pages on the way
		switch {
		case w.Stopped != nil:
			return w.Stopped, w.Posted
		case strings.Contains(w.Body, `name="password"`):
			w.press("Sign in", visitor.Fill{"email": email, "password": password})
		case strings.Contains(w.Body, `name="decision"`):
			w.press("decision=allow", nil)
		default:
			w.sees("Back to the application").press("Continue", nil)
		}
	}
	w.t.Fatalf("no way on from %s (%d): %s", w.At, w.Status, w.Text())
	return nil, nil
}
