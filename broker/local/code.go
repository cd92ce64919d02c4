package local

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

// Codes says what a code may be mailed for. The mailbox that gets it chooses a
// new password anyway ("lost password"), so where passwords are on, CodesLink
// lets in nobody who could not come in before.
type Codes string

const (
	CodesLink   Codes = ""        // to prove an account that an identity is to be linked to
	CodesSignIn Codes = "sign_in" // that, and to sign in
	CodesOff    Codes = "off"
)

const (
	// codeAlphabet has no vowels, so that no code is a word, and no digits that
	// look like letters (RFC 8628, section 6.1).
	codeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	// codeLength letters are 20^8 codes, 34 bits. With the bounds below, who
	// guesses at one account all day and all night is right once in 100 000 years.
	codeLength = 8
	// codeTries is how often a code may be guessed at: a few slips of the finger.
	codeTries = 5
	// codesToAddress is how many codes an address gets in a clock hour, whoever
	// asks: more than a person needs whose mail is slow, and no flood. It is the
	// bound that a guesser meets; a browser is as new as its cookie. The browsers
	// that have signed in with the address have as many together, which nobody else
	// can use up: or a stranger would keep out who has nothing but their mailbox.
	codesToAddress = 5
	// codesProven is how many of those in a clock hour for which work was proven: what package limits lets
	// through in a whole day, which is the bound that is met. They raise a guesser's chances by a fifth.
	codesProven = 24
	// codesFromBrowser is how many a browser may ask for in a clock hour, for
	// whatever addresses.
	codesFromBrowser = 10
	// codeAgain is how long a login waits before it can have another one.
	codeAgain = time.Minute
)

// Errors about mailed codes.
var (
	ErrNoCodes   = &broker.Error{Kind: broker.KindNotFound, Message: "code.off"}
	ErrCodeWrong = &broker.Error{Kind: broker.KindInvalid, Message: "code.wrong", Field: "code"}
	ErrCodeGone  = &broker.Error{Kind: broker.KindInvalid, Message: "code.gone"}
	ErrCodeSoon  = &broker.Error{Kind: broker.KindTooMany, Message: "code.too_soon"}
	ErrCodeMany  = &broker.Error{Kind: broker.KindTooMany, Message: "code.too_many"}
)

// purposeOf is what a code would prove an account for in a login.
func purposeOf(l broker.Login) broker.CodePurpose {
	if l.Remote != nil {
		return broker.CodeLink
	}
	return broker.CodeSignIn
}

// Codes tells whether a code can be had in a login.
func (a *Accounts) Codes(l broker.Login) bool {
	return a.o.Codes == CodesSignIn || a.o.Codes == CodesLink && purposeOf(l) == broker.CodeLink
}

// newCode makes a code.
func newCode() string { return lettersOf(codeLength) }

// lettersOf are n random letters of codeAlphabet.
func lettersOf(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = codeAlphabet[randomBelow(len(codeAlphabet))]
	}
	return string(b)
}

// randomBelow is a random number below n, each as likely as the others.
func randomBelow(n int) int {
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails since Go 1.24
		if int(b[0]) < 256-256%n {
			return int(b[0]) % n
		}
	}
}

// cleanCode is a code as newCode made it: people type small letters, and what
// stands between the groups. ok is false for what can be no code.
func cleanCode(typed string) (code string, ok bool) { return cleanLetters(typed, codeLength) }

// cleanLetters is cleanCode for codes of some length.
func cleanLetters(typed string, length int) (code string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "", "\t", "", "\u00a0", "", "\u2011", "").Replace(strings.TrimSpace(typed)))
	if len(code) != length || strings.Trim(code, codeAlphabet) != "" {
		return "", false
	}
	return code, true
}

// maxTyped bounds what is looked at as a code, in bytes: spaces between all
// letters and some more.
const maxTyped = 64

// codeMAC seals a code to what it is bound to. The key is not in the database, so
// that whoever steals that cannot try all codes at home.
func codeMAC(key [32]byte, c broker.MailCode, code string) string {
	m := hmac.New(sha256.New, key[:])
	for _, part := range []string{string(c.Purpose), string(c.LoginID), c.BrowserHash, c.Email, code} {
		_, _ = m.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// opens tells whether code is what c was made of, under any of the keys.
func (a *Accounts) opens(c broker.MailCode, code string) bool {
	right := false
	for _, key := range a.o.CodeKeys {
		right = hmac.Equal([]byte(codeMAC(key, c, code)), []byte(c.MAC)) || right
	}
	return right
}
