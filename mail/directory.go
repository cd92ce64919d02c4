package mail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"idbroker/broker"
)

type directory struct{ path string }

// NewDirectory returns a transport that writes each mail into a file of its
// own, readable by the owner alone: mails carry links that open accounts. It
// serves installations that have no mail server yet.
func NewDirectory(path string) (Transport, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("mail.directory: %w", err)
	}
	return &directory{path}, nil
}

// Send writes m as an .eml file, whole or not at all.
func (d *directory) Send(ctx context.Context, m Message) error {
	msg, err := m.compose()
	if err != nil {
		return broker.Permanent(err)
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return fmt.Errorf("compose: %w", err)
	}
	name := filepath.Join(d.path, time.Now().UTC().Format("20060102T150405.000000")+"-"+broker.NewID()[:8]+".eml")
	if err := os.WriteFile(name+".part", b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
