package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"idbroker/config"
)

// writePair makes a certificate for loopback with a serial number.
func writePair(t *testing.T, dir string, serial int64, notAfter time.Time) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: notAfter.Add(-48 * time.Hour), NotAfter: notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := config.TLS{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	for name, block := range map[string]*pem.Block{files.Certificate: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// serial is the serial number of the certificate that a broker shows.
func serial(t *testing.T, address string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p != "h2" {
		t.Errorf("protocol %q", p)
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestHangUpSwapsTheCertificate(t *testing.T) {
	dir, soon := t.TempDir(), time.Now().Add(time.Hour)
	files := writePair(t, dir, 1, soon)
	r := newOperator(t).set("BROKER_SERVER__TLS__CERTIFICATE="+files.Certificate, "BROKER_SERVER__TLS__KEY="+files.Key, "BROKER_SERVER__BASE_URL=https://localhost").serve()
	address := listenAddress(t, r)
	if n := serial(t, address); n != 1 {
		t.Fatalf("serial %d", n)
	}
	writePair(t, dir, 2, soon)
	r.signal(syscall.SIGHUP)
	r.await("the reload", func() bool { return strings.Contains(r.err.String(), `"certificate reloaded"`) })
	if n := serial(t, address); n != 2 {
		t.Errorf("serial %d after the swap", n)
	}
	if err := os.WriteFile(files.Certificate, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.signal(syscall.SIGHUP)
	r.await("the refusal", func() bool { return strings.Contains(r.err.String(), "certificate not reloaded") })
	if n := serial(t, address); n != 2 {
		t.Errorf("serial %d after a bad pair", n)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is served")
	}
	if _, body := get(t, r.admin+"/metrics"); !strings.Contains(body, "broker_tls_certificate_not_after_seconds") {
		t.Error("no metric of the certificate")
	}
	r.stop()
}

func TestCertificate(t *testing.T) {
	if c, err := newCertificate(config.TLS{}); c != nil || err != nil || !c.notAfter().IsZero() {
		t.Errorf("%v, %v", c, err)
	}
	dir := t.TempDir()
	expired := writePair(t, dir, 1, time.Now().Add(-time.Hour))
	if _, err := newCertificate(expired); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
	good := writePair(t, dir, 2, time.Now().Add(time.Hour))
	other := writePair(t, t.TempDir(), 3, time.Now().Add(time.Hour))
	if _, err := newCertificate(config.TLS{Certificate: good.Certificate, Key: other.Key}); err == nil {
		t.Error("a key of another certificate is taken")
	}
	c, err := newCertificate(good)
	if err != nil || c.notAfter().Before(time.Now()) {
		t.Errorf("%v %v", err, c.notAfter())
	}
}
