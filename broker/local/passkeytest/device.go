// Package passkeytest is a device that keeps passkeys, for tests. It does what it
// is told, also what no honest one does.
package passkeytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// COSE numbers of the algorithms that a device can use.
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
	ES384 = -35
)

// Flags of authenticator data (WebAuthn Level 3, section 6.1).
const (
	Present  = 1 << 0
	Verified = 1 << 2
	Syncable = 1 << 3
	Synced   = 1 << 4
	attested = 1 << 6
)

// Key is a passkey of a device.
type Key struct {
	ID     []byte
	Handle []byte // user handle
	Count  uint32 // 0: it does not count
	Flags  byte   // Syncable, Synced
	signer crypto.Signer
	alg    int
}

// Answer is what a device is about to say. What stands in it may be changed.
type Answer struct {
	Type        string // of the client data
	Challenge   string
	Origin      string
	CrossOrigin bool
	TopOrigin   string
	RPID        string
	Flags       byte
	Count       uint32
	ID          []byte // of the credential
	Handle      []byte // nil: it says none
	Format      string // of the attestation
	Alg         int    // that the key says it is for
	Transports  []string
	Forged      bool // the signature is somebody else's
}

// options is what we read of those of navigator.credentials.
type options struct {
	Challenge string
	RPID      string
	RP        struct{ ID string }
	User      struct{ ID string }
	Params    []struct{ Alg int }   `json:"pubKeyCredParams"`
	Allow     []struct{ ID string } `json:"allowCredentials"`
	Exclude   []struct{ ID string } `json:"excludeCredentials"`
	UV        string                `json:"userVerification"`
}

func read(t testing.TB, text string) options {
	t.Helper()
	var o options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("options %q: %v", text, err)
	}
	return o
}

// Allowed are the ids that options name, as base64url.
func Allowed(t testing.TB, text string) []string {
	t.Helper()
	o := read(t, text)
	var ids []string
	for _, c := range append(o.Allow, o.Exclude...) {
		ids = append(ids, c.ID)
	}
	return ids
}

// New makes a key for an algorithm.
func New(t testing.TB, alg int) *Key {
	t.Helper()
	k := &Key{ID: make([]byte, 32), alg: alg}
	_, _ = rand.Read(k.ID)
	var err error
	switch alg {
	case EdDSA:
		_, k.signer, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		k.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case ES384:
		k.signer, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		k.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Copy is a second device with the same key, as it is now.
func (k *Key) Copy() *Key {
	other := *k
	return &other
}

// Register answers navigator.credentials.create at an origin with the key.
func (k *Key) Register(t testing.TB, text, origin string, edit ...func(*Answer)) string {
	t.Helper()
	o := read(t, text)
	k.Handle = decode(t, o.User.ID)
	a := Answer{
		Type: "webauthn.create", Challenge: o.Challenge, Origin: origin, RPID: o.RP.ID, Flags: Present | Verified | k.Flags, Count: k.Count,
		ID: k.ID, Format: "none", Alg: k.alg, Transports: []string{"internal", "hybrid"},
	}
	for _, f := range edit {
		f(&a)
	}
	data := append(a.data(attested), make([]byte, 16)...) // no make
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), k.cose(a.Alg)...)
	object := mapping(word("fmt"), word(a.Format), word("attStmt"), mapping(), word("authData"), octets(data))
	return a.credential(map[string]any{"attestationObject": encode(object), "transports": a.Transports})
}

// Sign answers navigator.credentials.get at an origin with the key.
func (k *Key) Sign(t testing.TB, text, origin string, edit ...func(*Answer)) string {
	t.Helper()
	o := read(t, text)
	if k.Count > 0 {
		k.Count++
	}
	a := Answer{
		Type: "webauthn.get", Challenge: o.Challenge, Origin: origin, RPID: o.RPID, Flags: Present | Verified | k.Flags, Count: k.Count, ID: k.ID, Handle: k.Handle,
	}
	for _, f := range edit {
		f(&a)
	}
	data := a.data(0)
	client := sha256.Sum256(a.client())
	signed := append(append([]byte{}, data...), client[:]...)
	signer := k.signer
	if a.Forged {
		signer = New(t, k.alg).signer
	}
	response := map[string]any{"authenticatorData": encode(data), "signature": encode(sign(t, signer, signed))}
	if a.Handle != nil {
		response["userHandle"] = encode(a.Handle)
	}
	return a.credential(response)
}

func sign(t testing.TB, signer crypto.Signer, message []byte) []byte {
	t.Helper()
	digest, hash := sha256.Sum256(message), crypto.SHA256
	signed := digest[:]
	if _, ok := signer.(ed25519.PrivateKey); ok {
		signed, hash = message, crypto.Hash(0)
	}
	sig, err := signer.Sign(rand.Reader, signed, hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// credential is the JSON of a PublicKeyCredential.
func (a Answer) credential(response map[string]any) string {
	response["clientDataJSON"] = encode(a.client())
	text, _ := json.Marshal(map[string]any{
		"id": encode(a.ID), "rawId": encode(a.ID), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	return string(text)
}

// client is what the browser adds (section 5.8.1).
func (a Answer) client() []byte {
	data := map[string]any{"type": a.Type, "challenge": a.Challenge, "origin": a.Origin, "crossOrigin": a.CrossOrigin}
	if a.TopOrigin != "" {
		data["topOrigin"] = a.TopOrigin
	}
	text, _ := json.Marshal(data)
	return text
}

// data is the authenticator data without the key.
func (a Answer) data(flags byte) []byte {
	rp := sha256.Sum256([]byte(a.RPID))
	return binary.BigEndian.AppendUint32(append(rp[:], a.Flags|flags), a.Count)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
