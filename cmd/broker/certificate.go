package main

import (
	"crypto/tls"
	"sync/atomic"
	"time"

	"idbroker/config"
)

// certificate is the pair that TLS connections are served with. It can be
// replaced while they are.
type certificate struct {
	files   config.TLS
	current atomic.Pointer[tls.Certificate]
}

// newCertificate loads the configured pair; nil where none is configured.
func newCertificate(files config.TLS) (*certificate, error) {
	if files.Certificate == "" {
		return nil, nil
	}
	c := &certificate{files: files}
	return c, c.reload()
}

// reload reads the files again. A pair that cannot be used leaves the one
// before in service.
func (c *certificate) reload() error {
	pair, err := tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	if err != nil {
		return config.Unfit("server.tls", c.files.Certificate, "cannot be used with its key: "+err.Error(), "name a certificate and the private key that belongs to it, both PEM")
	}
	if leaf := pair.Leaf; leaf != nil && time.Now().After(leaf.NotAfter) {
		return config.Unfit("server.tls", c.files.Certificate, "expired on "+leaf.NotAfter.UTC().Format(time.DateOnly), "renew it")
	}
	c.current.Store(&pair)
	return nil
}

// notAfter is when the certificate ends; zero for none.
func (c *certificate) notAfter() time.Time {
	if c == nil || c.current.Load().Leaf == nil {
		return time.Time{}
	}
	return c.current.Load().Leaf.NotAfter
}

// config is what the listener needs. TLS 1.2 is the least that RFC 9325,
// section 3.1.1, allows; Go's choice of suites fits it.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}
