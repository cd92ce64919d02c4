package limits

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"idbroker/broker"
)

const (
	// maxDevices is how many names one browser is known by: a family's four accounts, each by what
	// is typed to name it and by its second factor.
	maxDevices = 8
	// deviceBytes: a random name of the browser, and the MAC that ties it to an account.
	deviceBytes = 16 + 16
)

// Known returns the cookie of a browser that has signed in to an account, which
// is named as it was typed, normalised. The cookie opens nothing; it says from which bucket to take.
func (l *Limiter) Known(devices broker.Secret, account string) broker.Secret {
	if l.o.Off {
		return devices
	}
	b := make([]byte, deviceBytes)
	_, _ = rand.Read(b[:16]) // never fails since Go 1.24
	copy(b[16:], l.deviceMAC(b[:16], account))
	entries := []string{base64.RawURLEncoding.EncodeToString(b)}
	old := l.device(devices, account)
	for _, e := range split(devices) {
		if e == old && old != "" {
			entries[0] = e // it keeps its bucket
		} else if len(entries) < maxDevices {
			entries = append(entries, e)
		}
	}
	return broker.Secret(strings.Join(entries, "."))
}

// device is the entry of a cookie that belongs to an account; "" none.
func (l *Limiter) device(devices broker.Secret, account string) string {
	for _, e := range split(devices) {
		b, err := base64.RawURLEncoding.Strict().DecodeString(e)
		if err == nil && len(b) == deviceBytes && hmac.Equal(b[16:], l.deviceMAC(b[:16], account)) {
			return e
		}
	}
	return ""
}

func (l *Limiter) deviceMAC(name []byte, account string) []byte {
	mac := hmac.New(sha256.New, l.o.Key[:])
	mac.Write([]byte("device\x00"))
	mac.Write(name)
	mac.Write([]byte(account))
	return mac.Sum(nil)[:16]
}

// split are the entries of a cookie, as many as we ever write.
func split(devices broker.Secret) []string {
	text := devices.Reveal()
	if text == "" {
		return nil
	}
	entries := strings.SplitN(text, ".", maxDevices+1)
	return entries[:min(len(entries), maxDevices)]
}
