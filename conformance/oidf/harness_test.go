package oidf

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"idbroker/conformance/served"
)

var binDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "oidf-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binDir = dir
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // modules wait most of the time, for answers and for seconds to pass
		if err := flag.Set("test.parallel", "12"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var binary = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(binDir, "broker")
	return bin, served.Build("../..", bin)
})

const (
	testEmail    = "ada@example.org"
	testPassword = "correct horse battery staple"
	// testReuse stands for the 30 seconds of oidcc-codereuse-30seconds: the
	// broker remembers used codes far longer than either.
	testReuse = 2 * time.Second
	// testRefetch is how long the broker keeps a client's keys before it looks for
	// one that it does not know, and a second.
	testRefetch = 31 * time.Second
)

// world is a broker over HTTPS with one account.
type world struct {
	issuer   string
	bin, dir string
	file     string
	roots    *x509.CertPool
}

// start runs the built broker as an operator does.
func start(t testing.TB, env ...string) *world {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{bin: bin, dir: t.TempDir()}
	w.roots = certify(t, filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key"))
	w.configure(t, served.FreeAddress(t))
	w.operator(t, "", "migrate", "up")
	w.operator(t, testPassword+"\n", "users", "create", testEmail, "--name", "Ada Lovelace", "--username", "ada", "--password-stdin")
	served.Start(t, bin, w.dir, append(env, "SSL_CERT_FILE="+filepath.Join(w.dir, "ca.crt")), "--config", w.file, "serve")
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots, MinVersion: tls.VersionTLS12}}
	defer tr.CloseIdleConnections()
	served.Answers(t, tr, w.issuer)
	return w
}

// configure writes the configuration of a broker at the address, with the
// certificate that is there.
func (w *world) configure(t testing.TB, address string) {
	t.Helper()
	w.file = filepath.Join(w.dir, "broker.yaml")
	w.issuer = "https://" + address
	cert, key := filepath.Join(w.dir, "tls.crt"), filepath.Join(w.dir, "tls.key")
	config, err := json.Marshal(map[string]any{
		"server":       map[string]any{"address": address, "base_url": w.issuer, "admin_address": "off", "tls": map[string]any{"certificate": cert, "key": key}},
		"database":     map[string]any{"dsn": "sqlite:" + filepath.Join(w.dir, "broker.db")},
		"secrets":      map[string]any{"keyring_file": filepath.Join(w.dir, "broker.key")},
		"mail":         map[string]any{"directory": filepath.Join(w.dir, "mail")},
		"registration": map[string]any{"mode": "open", "per_address": 10000, "per_day": 10000},
		"accounts":     map[string]any{"profile": map[string]any{"phone": true, "address": true}},
		"limits":       map[string]any{"enabled": false}, // dozens of modules sign in as one person at the same time
		"applications": map[string]any{"networks": []string{"127.0.0.0/8"}},
		"log":          map[string]any{"level": "warn"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, config, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *world) operator(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	cmd := served.Command(w.bin, w.dir, nil, append([]string{"--config", w.file}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("broker %s: %v: %s", strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

// client registers a client of a suite at baseURL with the operator's command.
func (w *world) client(t testing.TB, baseURL string, args ...string) ClientConfig {
	t.Helper()
	out := w.operator(t, "", append([]string{"clients", "create", "Conformance", "--no-pkce", "--json",
		"--scope", "openid,profile,email,address,phone,offline_access",
		"--redirect-uri", baseURL + "/test/a/broker/callback", "--post-logout-redirect-uri", baseURL + "/test/a/broker/post_logout_redirect"}, args...)...)
	var c ClientConfig
	d := struct {
		*ClientConfig
		ID string `json:"client_id"`
	}{&c, ""}
	if err := json.Unmarshal([]byte(out), &d); err != nil || d.ID == "" {
		t.Fatalf("clients create: %v: %s", err, out)
	}
	c.ID = d.ID
	return c
}

// suite reads the metadata. A listener makes the suite one that the broker can
// reach, at baseURL; nil and "": it cannot.
func (w *world) suite(t testing.TB, c Config, l net.Listener, baseURL string) *Suite {
	t.Helper()
	s, err := New(context.Background(), Options{Config: c, CAs: w.roots, CodeReuse: testReuse, KeyRefetch: testRefetch, Listener: l, BaseURL: baseURL, RotateKeys: w.rotateKeys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// rotateKeys is what the operator does.
func (w *world) rotateKeys(context.Context) error {
	out, err := served.Command(w.bin, w.dir, nil, "--config", w.file, "keys", "rotate").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// listen is an address for the suite that the OP can reach: with the certificate
// that certify wrote into dir, of an authority that the OP trusts.
func listen(t testing.TB, dir string) (l net.Listener, baseURL string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	l, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	return l, "https://" + l.Addr().String()
}

// certify writes a certificate for loopback of a new authority, and returns the authority.
func certify(t testing.TB, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	sign := func(c, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	now := time.Now()
	caKey, key := newKey(), newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca := sign(template, template, caKey, caKey)
	leaf := sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, key, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, b []byte) {
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(certFile, "CERTIFICATE", leaf.Raw)
	write(keyFile, "PRIVATE KEY", der)
	write(filepath.Join(filepath.Dir(certFile), "ca.crt"), "CERTIFICATE", ca.Raw)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return pool
}
