package tokens

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// clientAlgs are the algorithms with which clients may sign assertions and
// request objects (RFC 7518, section 3.1; RFC 8037; RFC 9864): every asymmetric
// one. "none" is no signature, and a MAC serves in assertions alone (secretAlgs).
var clientAlgs = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
}

// sameAlg is the name under which algorithms are compared. Ed25519 (RFC 9864,
// section 2.2) is the newer name of EdDSA on that curve, and we take no other.
func sameAlg(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

const (
	// maxClientJWT bounds a JWT of a client: with RSA keys of 4096 bits and
	// all the claims that anybody sends, a tenth of it is used.
	maxClientJWT = 16 << 10
	// clockSkew is how far the clock of a client may differ from ours, in either
	// direction. FAPI 2.0, section 5.3.2.1, wants 10 seconds at least and 60 at most.
	clockSkew = 30 * time.Second
)

var errJWT = errors.New("tokens: the JWT is malformed, or not signed by a key of the client")

// clientJWT is a JWT of a client, read but not verified.
type clientJWT struct {
	text   string
	alg    string
	kid    string
	typ    string // in lower case, without "application/"
	claims map[string]json.RawMessage
}

// readClientJWT reads a compact JWT. What it says is not to be trusted until
// verify has been called.
func readClientJWT(compact string) (clientJWT, error) { return readJWT(compact, clientAlgs) }

// readJWT is readClientJWT for some algorithms.
func readJWT(compact string, algs []string) (clientJWT, error) {
	parts := strings.Split(compact, ".")
	if len(compact) > maxClientJWT || len(parts) != 3 || parts[2] == "" {
		return clientJWT{}, errJWT
	}
	header, err := segment(parts[0])
	if err != nil {
		return clientJWT{}, err
	}
	claims, err := segment(parts[1])
	if err != nil {
		return clientJWT{}, err
	}
	j := clientJWT{text: compact, claims: claims}
	j.alg, _ = text(header, "alg")
	if !slices.Contains(algs, j.alg) {
		return clientJWT{}, errJWT
	}
	for _, name := range []string{"crit", "b64", "zip"} { // we know no extension (RFC 7515, section 4.1.11)
		if header[name] != nil {
			return clientJWT{}, errJWT
		}
	}
	for name, to := range map[string]*string{"kid": &j.kid, "typ": &j.typ} {
		if header[name] == nil {
			continue
		}
		value, ok := text(header, name)
		if !ok {
			return clientJWT{}, errJWT
		}
		*to = value
	}
	j.typ = strings.TrimPrefix(strings.ToLower(j.typ), "application/")
	return j, nil
}

// segment decodes a part of a JWT: base64url without padding, of an object.
func segment(part string) (map[string]json.RawMessage, error) {
	body, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return nil, errJWT
	}
	return readObject(body)
}

// verify checks the signature with one of keys.
func (j clientJWT) verify(keys []jose.JSONWebKey) error {
	tried := 0
	for i := range keys {
		if !fits(keys[i], j.alg) || j.kid != "" && keys[i].KeyID != j.kid {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		if j.signedWith(keys[i]) {
			return nil
		}
	}
	return errJWT
}

// signedWith tells whether the signature is that of a key. go-jose does not
// know the name Ed25519.
func (j clientJWT) signedWith(k jose.JSONWebKey) bool {
	if public, ok := k.Key.(ed25519.PublicKey); ok {
		dot := strings.LastIndexByte(j.text, '.')
		signature, err := base64.RawURLEncoding.Strict().DecodeString(j.text[dot+1:])
		return err == nil && ed25519.Verify(public, []byte(j.text[:dot]), signature)
	}
	signed, err := jose.ParseSignedCompact(j.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.alg)})
	if err != nil {
		return false
	}
	_, err = signed.Verify(k.Key)
	return err == nil
}

// within checks when the JWT is good: "exp" is required and at most longest
// away, and it has begun.
func (j clientJWT) within(at time.Time, longest time.Duration) (expires time.Time, ok bool) {
	expires, ok = j.time("exp")
	if !ok || !at.Before(expires.Add(clockSkew)) || expires.After(at.Add(longest+clockSkew)) || !j.begun(at) {
		return time.Time{}, false
	}
	return expires, true
}

// begun checks that "nbf" and "iat", where they are there, are not later than at.
func (j clientJWT) begun(at time.Time) bool {
	for _, name := range []string{"nbf", "iat"} {
		if j.claims[name] == nil {
			continue
		}
		if t, ok := j.time(name); !ok || t.After(at.Add(clockSkew)) {
			return false
		}
	}
	return true
}

// maxNumericDate is the year 9999: later times overflow what they are put into.
const maxNumericDate = 253402300799

// time reads a NumericDate (RFC 7519, section 2); fractions are cut off.
func (j clientJWT) time(name string) (time.Time, bool) {
	var seconds *float64
	if err := json.Unmarshal(j.claims[name], &seconds); err != nil || seconds == nil || *seconds < 0 || *seconds > maxNumericDate {
		return time.Time{}, false
	}
	return time.Unix(int64(*seconds), 0), true
}

// is tells whether a claim is exactly this string.
func (j clientJWT) is(name, want string) bool {
	got, ok := text(j.claims, name)
	return ok && got == want
}
