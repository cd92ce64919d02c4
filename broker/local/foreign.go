package local

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/pbkdf2"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"

	"idbroker/broker"
)

// Bounds of hashes that other systems made. What is dearer than these is
// refused when it is imported and never computed at a sign-in. Each is above
// what the usual systems write, and cost three seconds at most when measured (a
// shared server core, 512 bytes of password), for each Unicode form tried.
const (
	maxHashText     = 512       // bytes of a whole stored hash
	maxBcryptCost   = 15        // 2^15 rounds
	maxPBKDF2Rounds = 2_000_000 // OWASP asks for 600 000 of SHA-256
	maxCryptRounds  = 1_000_000 // passlib writes 656 000 of SHA-512
	minCryptRounds  = 1000      // crypt(3) counts fewer as 1000, the library as they are
	maxScryptKiB    = 128 << 10 // N=2^17, r=8: the first choice of the OWASP guide
	maxScryptWork   = 1 << 22   // N·r·p: four times that choice
	// maxForeignPassword is what crypt(3) takes, in bytes (libxcrypt's
	// CRYPT_MAX_PASSPHRASE_SIZE): the rounds of SHA-crypt each hash the password.
	maxForeignPassword = 512
	// bcryptPassword is what bcrypt reads of a password, in bytes.
	bcryptPassword = 72
)

// What is wrong with a hash that somebody wants to import.
var (
	errHash      = errors.New("is not a password hash of a kind that can be verified here: argon2id, bcrypt, scrypt, pbkdf2-sha256, pbkdf2-sha512, sha256-crypt, sha512-crypt, $invenio-aes$")
	errHashDear  = errors.New("asks for more memory or time than a sign-in may cost; let the person set a new password with \"lost password\" instead")
	errNoHMACKey = errors.New("is a double hash of Invenio, and accounts.invenio_password_salt is not set: give it the SECURITY_PASSWORD_SALT of that installation")
)

// The forms of hashes, written so narrowly that we and the library cannot read
// different numbers out of one text.
var (
	bcryptForm       = form(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)
	bcryptSHA256Form = form(`^\$bcrypt-sha256\$v=2,t=2b,r=([0-9]{1,2})\$[./A-Za-z0-9]{22}\$[./A-Za-z0-9]{31}$`)
	scryptForm       = form(`^\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$[A-Za-z0-9+/]{1,86}\$[A-Za-z0-9+/]{22,86}$`)
	pbkdf2Form       = form(`^\$pbkdf2-sha(?:256\$([0-9]{1,7})\$[A-Za-z0-9./]{1,86}\$[A-Za-z0-9./]{43}|512\$([0-9]{1,7})\$[A-Za-z0-9./]{1,86}\$[A-Za-z0-9./]{86})$`)
	shacryptForm     = form(`^\$(?:5\$(?:rounds=([0-9]{4,7})\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}|6\$(?:rounds=([0-9]{4,7})\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86})$`)
	invenioForm      = form(`^\$invenio-aes\$([^$\s]{3,254})\$([0-9a-f]{64})$`)
)

// form is an expression that is compiled when it is first needed: those of other
// systems take a third of a megabyte, and most brokers never see one.
func form(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// doubleHash begins what Invenio (Flask-Security) made of HMAC-SHA512(salt,
// password) in base64. It writes only what comes behind, so whoever imports must say.
const doubleHash = "$hmac-sha512"

// stored is a password hash that was read.
type stored struct {
	argon2    *Argon2 // nil: of another system
	pepper    string  // name of it; "" none
	memoryKiB int
	matches   func(password []byte) bool
}

// read understands a stored hash. It computes nothing.
func (h *hasher) read(hash broker.Secret) (stored, error) {
	s := hash.Reveal()
	if len(s) > maxHashText {
		return stored{}, errHash
	}
	if strings.HasPrefix(s, "$pepper=") {
		return h.peppers.read(s)
	}
	inner, double := strings.CutPrefix(s, doubleHash)
	if !double {
		return h.readSingle(s)
	}
	if h.hmacKey == "" {
		return stored{}, errNoHMACKey
	}
	if strings.HasPrefix(inner, "$invenio-aes$") {
		return stored{}, errHash // it never was double
	}
	r, err := h.readSingle(inner)
	if err != nil {
		return stored{}, err
	}
	matches := r.matches
	r.argon2 = nil
	r.matches = func(password []byte) bool {
		mac := hmac.New(sha512.New, []byte(h.hmacKey.Reveal()))
		mac.Write(password)
		return matches(base64.StdEncoding.AppendEncode(nil, mac.Sum(nil)))
	}
	return r, nil
}

func (h *hasher) readSingle(s string) (stored, error) {
	switch {
	case strings.HasPrefix(s, "$argon2id$"):
		return readArgon2(s)
	case bcryptForm().MatchString(s):
		if number(bcryptForm().FindStringSubmatch(s)[1:]) > maxBcryptCost {
			return stored{}, errHashDear
		}
		return library(s, bcrypt.Decode, 0, bcryptPassword)
	case bcryptSHA256Form().MatchString(s):
		if number(bcryptSHA256Form().FindStringSubmatch(s)[1:]) > maxBcryptCost {
			return stored{}, errHashDear
		}
		return library(s, bcrypt.Decode, 0, 0)
	case scryptForm().MatchString(s):
		return readScrypt(s)
	case pbkdf2Form().MatchString(s):
		switch n := number(pbkdf2Form().FindStringSubmatch(s)[1:]); {
		case n == 0:
			return stored{}, errHash
		case n > maxPBKDF2Rounds:
			return stored{}, errHashDear
		}
		return library(s, pbkdf2.Decode, 0, 0)
	case shacryptForm().MatchString(s):
		switch n := number(shacryptForm().FindStringSubmatch(s)[1:]); {
		case n != 0 && n < minCryptRounds:
			return stored{}, errHash
		case n > maxCryptRounds:
			return stored{}, errHashDear
		}
		return library(s, shacrypt.Decode, 0, 0)
	case invenioForm().MatchString(s):
		return readInvenioAES(s)
	}
	return stored{}, errHash
}

// number is the one group that matched; 0 none.
func number(groups []string) int {
	n, _ := strconv.Atoi(strings.Join(groups, ""))
	return n
}

func readScrypt(s string) (stored, error) {
	m := scryptForm().FindStringSubmatch(s)
	ln, r, p := number(m[1:2]), number(m[2:3]), number(m[3:4])
	if ln == 0 || r == 0 || p == 0 {
		return stored{}, errHash
	}
	if ln > 20 || (r<<ln)/8 > maxScryptKiB || (r*p)<<ln > maxScryptWork {
		return stored{}, errHashDear
	}
	return library(s, scrypt.Decode, (r<<ln)/8, 0)
}

// library lets the library verify s. It is given cut bytes of the password; 0: all.
func library(s string, decode func(string) (algorithm.Digest, error), memoryKiB, cut int) (stored, error) {
	d, err := decode(s)
	if err != nil {
		return stored{}, errHash
	}
	return stored{memoryKiB: memoryKiB, matches: func(password []byte) bool {
		if len(password) > maxForeignPassword {
			return false
		}
		if cut > 0 && len(password) > cut {
			password = password[:cut]
		}
		ok, err := d.MatchBytesAdvanced(password)
		return ok && err == nil
	}}, nil
}

// readInvenioAES reads what Invenio 1 made: SHA-256 of the address as MySQL's
// AES_ENCRYPT encrypts it under the password.
func readInvenioAES(s string) (stored, error) {
	m := invenioForm().FindStringSubmatch(s)
	want, err := hex.DecodeString(m[2])
	if err != nil {
		return stored{}, errHash
	}
	return stored{matches: func(password []byte) bool {
		got := sha256.Sum256(mysqlAES([]byte(m[1]), password))
		return subtle.ConstantTimeCompare(got[:], want) == 1
	}}, nil
}

// mysqlAES is AES_ENCRYPT of MySQL: ECB, the key folded into 16 bytes by XOR,
// padded as PKCS #7 does.
func mysqlAES(text, password []byte) []byte {
	var key [aes.BlockSize]byte
	for i, c := range password {
		key[i%len(key)] ^= c
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	pad := aes.BlockSize - len(text)%aes.BlockSize
	out := append([]byte(nil), text...)
	for range pad {
		out = append(out, byte(pad))
	}
	for i := 0; i < len(out); i += aes.BlockSize {
		block.Encrypt(out[i:], out[i:])
	}
	return out
}
