package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
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
	// machine away: 256 MiB, 16 passes, 1 GiB passed over.
	maxMemoryKiB = 256 << 10
	maxPasses    = 16
	maxWorkKiB   = 1 << 20
	// hashWait is how long a request waits for its turn to hash. After that
	// the person has gone, and the queue only grows.
	hashWait = 10 * time.Second
)

// errBusy: too many passwords are being checked.
var errBusy = &broker.Error{Kind: broker.KindUnavailable, Message: "error.busy"}

// hasher computes password hashes, a bounded number at once: each takes memory
// and a processor, and anybody may ask for one.
type hasher struct {
	params  Argon2
	peppers Peppers
	hmacKey broker.Secret // of double hashes; "" none is read
	tell    func()        // of every argon2id of ours, the dummy's too
	slots   chan struct{}
	large   chan struct{} // one at once of those that take more memory than ours
	dummy   stored
	memory  chan struct{} // of hashes in work, and of those whose memory nobody has collected
	lot     int64         // so many of the latter are collected at once
	dead    atomic.Int64  // how many they are
}

// deadKiB is how much may lie about at least: to collect it takes some milliseconds
// of a processor, which small hashes are not worth.
const deadKiB = 16 << 10

func newHasher(p Argon2, atOnce int, hmacKey broker.Secret, peppers Peppers, tell func()) *hasher {
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
	if tell == nil {
		tell = func() {}
	}
	dummy := peppers.newest().stored(p.stored(random(saltBytes), random(keyBytes)))
	lot := max(atOnce, deadKiB/int(p.MemoryKiB))
	return &hasher{params: p, tell: tell, hmacKey: hmacKey, peppers: peppers, slots: make(chan struct{}, atOnce), large: make(chan struct{}, 1), dummy: dummy,
		memory: make(chan struct{}, atOnce+lot), lot: int64(lot)}
}

// collect keeps the memory of past hashes below that of as many as may be in work. The
// collector alone would wait until there were several times as much. Others go on
// meanwhile, but get no more memory than there is: what they leave is not collected before
// the next time. A large one is collected at once.
func (h *hasher) collect(large bool) {
	n := int64(1)
	if !large {
		if h.dead.Add(1)%h.lot != 0 {
			return
		}
		h.dead.Add(-h.lot)
		n = h.lot
	}
	runtime.GC()
	for range n {
		<-h.memory
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// turn waits for a slot to fill so much memory; the caller calls the returned
// function when done. Who needs more than our own hashes do waits for the one
// large slot first, so that imported hashes add the memory of one.
func (h *hasher) turn(ctx context.Context, memoryKiB int) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	release := func() {}
	if memoryKiB > int(h.params.MemoryKiB) {
		select {
		case h.large <- struct{}{}:
			release = func() { <-h.large }
		case <-ctx.Done():
			return nil, errBusy.Because(ctx.Err())
		}
	}
	for taken, c := range []chan struct{}{h.slots, h.memory} {
		select {
		case c <- struct{}{}:
		case <-ctx.Done():
			if taken > 0 {
				<-h.slots
			}
			release()
			return nil, errBusy.Because(ctx.Err())
		}
	}
	return func() { h.collect(memoryKiB > int(h.params.MemoryKiB)); <-h.slots; release() }, nil
}

// normal is the one form in which a password is hashed: NFKC, so that the same
// keys pressed on another system give the same bytes (NIST SP 800-63B, section
// 5.1.1.2; RFC 8265, section 4.2, has NFC).
func normal(password broker.Secret) []byte { return norm.NFKC.Bytes([]byte(password.Reveal())) }

// forms are the forms in which a password may have been hashed: ours first, then
// as it was typed, then those that other systems choose (Flask-Security: NFKD).
// They are one for what a keyboard of the United States can write.
func forms(password broker.Secret) [][]byte {
	typed := []byte(password.Reveal())
	all := [][]byte{normal(password)}
	for _, f := range [][]byte{typed, norm.NFKD.Bytes(typed), norm.NFC.Bytes(typed), norm.NFD.Bytes(typed)} {
		if !slices.ContainsFunc(all, func(known []byte) bool { return bytes.Equal(known, f) }) {
			all = append(all, f)
		}
	}
	return all
}

// make hashes a new password.
func (h *hasher) make(ctx context.Context, password broker.Secret) (broker.Secret, error) {
	done, err := h.turn(ctx, 0)
	if err != nil {
		return "", err
	}
	defer done()
	salt := random(saltBytes)
	p := h.peppers.newest()
	h.tell()
	key := argon2.IDKey(p.on(normal(password)), salt, h.params.Passes, h.params.MemoryKiB, h.params.Lanes, keyBytes)
	return p.named(encode(h.params, salt, key)), nil
}

// verify tells whether password is the one that hash was made of, and whether
// hash should be made anew: by argon2id, of the NFKC form, with today's
// parameters and pepper. An empty hash costs what one of ours costs and never matches, as
// does one that cannot be read, which unread reports. Hashes of other systems
// that do not match cost one of ours on top, so that a cheap one tells no
// stranger that the account is there.
func (h *hasher) verify(ctx context.Context, hash, password broker.Secret) (ok, outdated bool, unread, err error) {
	s := h.dummy
	if hash != "" {
		var read stored
		if read, unread = h.read(hash); unread == nil {
			s = read
		}
	}
	possible := hash != "" && unread == nil
	if password == "" || len(password) > maxPassword || strings.ContainsRune(password.Reveal(), 0) {
		s, possible, password = h.dummy, false, "" // never right, and costs no more than any other
	}
	done, err := h.turn(ctx, s.memoryKiB)
	if err != nil {
		return false, false, nil, err
	}
	defer done()
	again := func() { // one more in the same turn: it needs memory of its own
		h.collect(s.memoryKiB > int(h.params.MemoryKiB))
		h.memory <- struct{}{} // never waits for long: less than a lot of it is not being collected
	}
	for i, form := range forms(password) {
		if i > 0 {
			again()
		}
		if s.argon2 != nil {
			h.tell()
		}
		if s.matches(form) && possible {
			return true, i > 0 || s.argon2 == nil || *s.argon2 != h.params || s.pepper != h.peppers.newest().name, nil, nil
		}
		if s.argon2 == nil {
			again()
			h.tell()
			h.dummy.matches(form)
		}
	}
	return false, false, unread, nil
}

// accept returns a hash of another system as it is to be stored. double: it is
// a double hash of Invenio.
func (h *hasher) accept(hash broker.Secret, double bool) (broker.Secret, error) {
	if double {
		hash = doubleHash + hash
	}
	_, err := h.read(hash)
	return hash, err
}

// stored is the hash that has this salt and key.
func (p Argon2) stored(salt, key []byte) stored {
	return stored{argon2: &p, memoryKiB: int(p.MemoryKiB), matches: func(password []byte) bool {
		got := argon2.IDKey(password, salt, p.Passes, p.MemoryKiB, p.Lanes, uint32(len(key)))
		return subtle.ConstantTimeCompare(got, key) == 1
	}}
}

func encode(p Argon2, salt, key []byte) broker.Secret {
	b := base64.RawStdEncoding
	return broker.Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Passes, p.Lanes, b.EncodeToString(salt), b.EncodeToString(key)))
}

// argon2Form is PHC, with numbers that have no second spelling.
var argon2Form = form(`^\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$`)

func readArgon2(s string) (stored, error) {
	f := argon2Form().FindStringSubmatch(s)
	if f == nil {
		return stored{}, errHash
	}
	memory, passes, lanes := number(f[1:2]), number(f[2:3]), number(f[3:4])
	if memory > maxMemoryKiB || passes > maxPasses || memory*passes > maxWorkKiB {
		return stored{}, errHashDear
	}
	salt, err := base64.RawStdEncoding.DecodeString(f[4])
	if err != nil || lanes > 255 || memory < 8*lanes { // RFC 9106, section 3.1
		return stored{}, errHash
	}
	key, err := base64.RawStdEncoding.DecodeString(f[5])
	if err != nil {
		return stored{}, errHash
	}
	return Argon2{MemoryKiB: uint32(memory), Passes: uint32(passes), Lanes: uint8(lanes)}.stored(salt, key), nil
}
