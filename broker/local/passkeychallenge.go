package local

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"

	"idbroker/broker"
)

// A challenge carries its own time and is authenticated together with what it is
// bound to; nothing is stored before somebody answers it. So a page that shows one
// costs nothing, however often strangers ask for it, and an answered challenge is
// remembered until it would be too old.
const (
	challengeTime   = 8  // microseconds since 1970
	challengeRandom = 24 // WebAuthn Level 3, section 13.4.3, wants 16 at least
	challengeHead   = challengeTime + challengeRandom
	challengeBytes  = challengeHead + sha256.Size
	// clockSkew is how far the clocks of replicas may be apart.
	clockSkew = time.Minute
)

// challenge makes a challenge.
func (a *Accounts) challenge(ask PasskeyAsk, at time.Time) []byte {
	b := make([]byte, challengeHead, challengeBytes)
	binary.BigEndian.PutUint64(b, uint64(at.UnixMicro())) //nolint:gosec // long after 1970
	_, _ = rand.Read(b[challengeTime:])                   // never fails since Go 1.24
	return append(b, a.challengeMAC(ask, b)...)
}

func (a *Accounts) challengeMAC(ask PasskeyAsk, head []byte) []byte {
	m := hmac.New(sha256.New, a.o.PasskeyKey[:])
	_, _ = m.Write([]byte("challenge\x00"))
	_, _ = m.Write(head)
	for _, part := range []string{string(ask.Purpose), ask.Browser, string(ask.Login), string(ask.User)} {
		_, _ = m.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return m.Sum(nil)
}

// answered tells whether text, as a browser sends it, is a challenge of ours for
// ask that is not too old. hash is what it is remembered by until expires. Errors:
// ErrPasskeyRefused, ErrPasskeyExpired.
func (a *Accounts) answered(ask PasskeyAsk, text string, at time.Time) (hash string, expires time.Time, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != challengeBytes {
		return "", time.Time{}, ErrPasskeyRefused.Becausef("no challenge of ours")
	}
	if ask.Browser == "" || !hmac.Equal(b[challengeHead:], a.challengeMAC(ask, b[:challengeHead])) {
		return "", time.Time{}, ErrPasskeyRefused.Becausef("a challenge for something else, or another browser")
	}
	made := time.UnixMicro(int64(binary.BigEndian.Uint64(b))) //nolint:gosec // we made it
	if age := at.Sub(made); age < -clockSkew || age > broker.PasskeyChallengeLifetime {
		return "", time.Time{}, ErrPasskeyExpired
	}
	return broker.Secret(text).Hash(), made.Add(broker.PasskeyChallengeLifetime), nil
}

// handle is what the devices of a user call the account: the same for all of them,
// and to whoever reads it out of one as good as random.
func (a *Accounts) handle(user broker.UserID) []byte {
	m := hmac.New(sha256.New, a.o.PasskeyKey[:])
	_, _ = m.Write([]byte("handle\x00" + string(user)))
	return m.Sum(nil)
}
