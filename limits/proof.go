package limits

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strings"
	"time"

	"idbroker/broker"
)

// A challenge is solved by a text with which its SHA-256 begins with enough zero
// bits. Nothing is stored for it: it carries its own difficulty and time, made for
// one browser, and authenticated. When it is used, it becomes a bucket.

const (
	// easy takes a laptop about a tenth of a second and a phone about half of one (2^16 hashes).
	easy = 16
	// hard takes a laptop about two seconds, a phone ten (2^20 hashes).
	hard = 20
	// challengeLifetime is how long a page may stand open before its challenge is too old: as
	// long as somebody might look for their password.
	challengeLifetime = 15 * time.Minute
	// patience is how long who cannot compute (no JavaScript) waits instead: more than any computation takes.
	patience = 30 * time.Second
	// maxSolution bounds what is hashed, in bytes; a counter of 64 bits has 20 digits.
	maxSolution = 20
	// challengeBytes: difficulty, time, random, MAC.
	challengeBytes = 1 + 8 + 16 + 32
)

// waiting is how many of one network may wait instead of computing.
var waiting = broker.Limit{Burst: 4, Every: 30 * time.Second}

// Proof is what comes back with a form.
type Proof struct {
	Challenge broker.Secret
	Solution  string // "" the visitor waited instead
	Captcha   string // what the captcha of Options.Captcha gave; "" nothing
}

type challenge struct {
	bits   int
	madeAt time.Time
	solved bool
	waited bool // it was not solved, but old enough
}

// challenge makes a challenge for a browser.
func (l *Limiter) challenge(at time.Time, browser string, difficulty int) broker.Secret {
	b := make([]byte, challengeBytes)
	b[0] = byte(difficulty)
	binary.BigEndian.PutUint64(b[1:], uint64(at.UnixMicro()))
	_, _ = rand.Read(b[9:25]) // never fails since Go 1.24
	copy(b[25:], l.mac(b[:25], browser))
	return broker.Secret(base64.RawURLEncoding.EncodeToString(b))
}

func (l *Limiter) mac(head []byte, browser string) []byte {
	mac := hmac.New(sha256.New, l.o.Key[:])
	mac.Write([]byte("challenge\x00"))
	mac.Write(head)
	mac.Write([]byte(browser))
	return mac.Sum(nil)
}

// read tells whether the visitor's proof is of a challenge of ours, made for this browser not
// long ago, and solved or waited for, or a captcha stands in for it. Whether it was used before is for
// its bucket to say, and what the captcha is worth for its service.
func (l *Limiter) read(at time.Time, v Visitor) (c challenge, ok bool) {
	text := v.Proof.Challenge.Reveal()
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != challengeBytes || v.Browser == "" || !hmac.Equal(b[25:], l.mac(b[:25], v.Browser)) {
		return c, false
	}
	c.bits, c.madeAt = int(b[0]), time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:])))
	age := at.Sub(c.madeAt)
	if age < -time.Minute || age > challengeLifetime { // the clocks of replicas differ
		return c, false
	}
	c.solved = solves(text, v.Proof.Solution, c.bits)
	if c.solved || l.wantsCaptcha(c.bits) && v.Proof.Captcha != "" {
		return c, true
	}
	c.waited = age >= patience
	return c, c.waited
}

// solves tells whether SHA-256(challenge ":" solution) begins with as many zero bits.
func solves(challenge, solution string, difficulty int) bool {
	if solution == "" || len(solution) > maxSolution || strings.Trim(solution, "0123456789") != "" {
		return false
	}
	sum := sha256.Sum256([]byte(challenge + ":" + solution))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= difficulty
}

// Patience is how long who cannot solve a challenge waits instead.
func Patience() time.Duration { return patience }

// Difficulty is how many zero bits a challenge wants; 0 where it is none.
func Difficulty(challenge broker.Secret) int {
	b, err := base64.RawURLEncoding.DecodeString(challenge.Reveal())
	if err != nil || len(b) != challengeBytes {
		return 0
	}
	return int(b[0])
}
