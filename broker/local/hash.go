package local

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"idbroker/broker"
)

// Argon2 are the parameters of argon2id (RFC 9106). The zero value stands for
// 19 MiB, 2 passes, 1 lane: about 25 ms on a server core, and what the OWASP
// password storage guide gives as its first choice.
type Argon2 struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

const (
	saltBytes = 16 // RFC 9106, section 3.1
	keyBytes  = 32
	// Bounds of stored parameters, so that no row can make us allocate the
	// machine away: 1 GiB, 16 passes.
	maxMemoryKiB = 1 << 20
	maxPasses    = 16
	// hashWait is how long a request waits for its turn to hash. After that
	// the person has gone, and the queue only grows.
	hashWait = 10 * time.Second
)

// errBusy: too many passwords are being checked.
var errBusy = &broker.Error{Kind: broker.KindUnavailable, Message: "error.busy"}

var errHash = errors.New("not an argon2id hash in PHC form")

// hasher computes password hashes, a bounded number at once: each takes memory
// and a processor, and anybody may ask for one.
type hasher struct {
	params Argon2
	slots  chan struct{}
	dummy  broker.Secret
}

func newHasher(p Argon2, atOnce int) *hasher {
	if p.MemoryKiB == 0 {
		p.MemoryKiB = 19 * 1024
	}
	if p.Passes == 0 {
		p.Passes = 2
	}
	if p.Lanes == 0 {
		p.Lanes = 1
	}
	if atOnce <= 0 {
		atOnce = runtime.GOMAXPROCS(0)
	}
	// The dummy has the cost of a real hash and matches nothing: its key is
	// not the result of any password that anybody knows.
	dummy := encode(p, random(saltBytes), random(keyBytes))
	return &hasher{params: p, slots: make(chan struct{}, atOnce), dummy: dummy}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// turn waits for a slot; the caller calls the returned function when done.
func (h *hasher) turn(ctx context.Context) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, errBusy.Because(ctx.Err())
	}
}

// normal is the one form in which a password is hashed: NFKC, so that the same
// keys pressed on another system give the same bytes (RFC 8265, section 4).
func normal(password broker.Secret) []byte { return norm.NFKC.Bytes([]byte(password.Reveal())) }

// make hashes a new password.
func (h *hasher) make(ctx context.Context, password broker.Secret) (broker.Secret, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := random(saltBytes)
	return encode(h.params, salt, argon2.IDKey(normal(password), salt, h.params.Passes, h.params.MemoryKiB, h.params.Lanes, keyBytes)), nil
}

// verify tells whether password is the one that stored was made of, and
// whether stored was made with other parameters than today's. An empty stored
// hash costs the same and never matches.
func (h *hasher) verify(ctx context.Context, stored, password broker.Secret) (ok, outdated bool, err error) {
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	p, salt, key, err := decode(stored)
	if err != nil {
		return false, false, err
	}
	done, err := h.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	got := argon2.IDKey(normal(password), salt, p.Passes, p.MemoryKiB, p.Lanes, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1 && known, p != h.params, nil
}

func encode(p Argon2, salt, key []byte) broker.Secret {
	b := base64.RawStdEncoding
	return broker.Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Passes, p.Lanes, b.EncodeToString(salt), b.EncodeToString(key)))
}

func decode(s broker.Secret) (p Argon2, salt, key []byte, err error) {
	f := strings.Split(s.Reveal(), "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Passes, &p.Lanes); err != nil || n != 3 {
		return p, nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil {
		return p, nil, nil, errHash
	}
	if key, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil {
		return p, nil, nil, errHash
	}
	if p.Passes == 0 || p.Passes > maxPasses || p.Lanes == 0 || p.MemoryKiB == 0 || p.MemoryKiB > maxMemoryKiB || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}
