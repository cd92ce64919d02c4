package volatile_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/volatile"
	"idbroker/volatile/volatiletest"
)

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	whole := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der := must(x509.CreateCertificate(rand.Reader, whole, whole, key.Public(), key))(t)
	return authority{must(x509.ParseCertificate(der))(t), key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// certify writes the certificate of an address, and its key, into a folder.
func (a authority) certify(t *testing.T, dir string, ip net.IP) (cert, key string) {
	t.Helper()
	mine := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), IPAddresses: []net.IP{ip}, NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der := must(x509.CreateCertificate(rand.Reader, leaf, a.cert, mine.Public(), a.key))(t)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ok(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ok(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(mine))(t)}), 0o600))
	return cert, key
}

// secured starts a Redis that speaks TLS with a certificate for an address, and returns
// where. The test is skipped where Redis was built without TLS.
func secured(t *testing.T, a authority, ip net.IP) (*volatiletest.Client, string) {
	t.Helper()
	s := volatiletest.Start(t)
	c, ctx := s.Client(), t.Context()
	cert, key := a.certify(t, t.TempDir(), ip)
	var err error
	for _, setting := range [][2]string{{"tls-auth-clients", "no"}, {"tls-cert-file", cert}, {"tls-key-file", key}} {
		if err = c.ConfigSet(ctx, setting[0], setting[1]).Err(); err != nil && strings.Contains(err.Error(), "Unknown option") {
			const missing = "this Redis was built without TLS; get one that was: apt-get install redis-server"
			if os.Getenv("BROKER_TEST_ALL") == "1" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		} else if err != nil {
			t.Fatalf("%s: %v", setting[0], err)
		}
	}
	host := ""
	for range 10 { // somebody may take the port before Redis does
		free := must(net.Listen("tcp", "127.0.0.1:0"))(t)
		host = free.Addr().String()
		ok(t, free.Close())
		_, port, _ := net.SplitHostPort(host)
		if err = c.ConfigSet(ctx, "tls-port", port).Err(); err == nil {
			break
		}
	}
	ok(t, err)
	ok(t, c.Do(ctx, "ACL", "SETUSER", "broker", "on", ">secret", "~*", "+@all").Err())
	return c, host
}

// TestTLS: over rediss:// all works with a server whose certificate our authority made for
// its address, and nothing is told to any other.
func TestTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	_, right := secured(t, ours, net.IPv4(127, 0, 0, 1))
	_, wrong := secured(t, ours, net.IPv4(192, 0, 2, 1))
	for name, tt := range map[string]struct {
		url   string
		ca    []byte
		fails string // in the error; "": it works
	}{
		"ours":              {"rediss://broker@" + right + "/2", ours.pem, ""},
		"another authority": {"rediss://broker@" + right, others.pem, "unknown authority"},
		"the machine's":     {"rediss://broker@" + right, nil, "certificate"},
		"another address":   {"rediss://broker@" + wrong, ours.pem, "192.0.2.1"},
		"in the clear":      {"redis://broker@" + right, nil, "dial"},
	} {
		r, err := volatile.Open(volatile.Options{URL: broker.Secret(tt.url), Password: "secret", CA: tt.ca, Prefix: "p:"})
		ok(t, err)
		t.Cleanup(func() { _ = r.Close() })
		err = r.Try(t.Context())
		if tt.fails == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if tt.fails != "" && (!errors.Is(err, volatile.ErrAway) || !strings.Contains(err.Error(), tt.fails)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOldTLS: a server that speaks nothing newer than TLS 1.1 is not spoken to.
func TestOldTLS(t *testing.T) {
	ours := newAuthority(t)
	c, host := secured(t, ours, net.IPv4(127, 0, 0, 1))
	ok(t, c.ConfigSet(t.Context(), "tls-ciphers", "ALL:@SECLEVEL=0").Err())
	ok(t, c.ConfigSet(t.Context(), "tls-protocols", "TLSv1.1").Err())
	home := volatiletest.Over(t, storetest.New(t), &volatiletest.Server{URL: "rediss://" + host}, "p:", func(o *volatile.Options, _ *volatile.HomeOptions) { o.CA = ours.pem })
	if _, err := home.Redis.Look(t.Context()); !errors.Is(err, volatile.ErrAway) || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("%v", err)
	}
}
