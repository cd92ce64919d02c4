package tokens

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"slices"

	"idbroker/broker"
)

// Subject types (OpenID Connect Core 1.0, section 8).
const (
	subjectPublic   = "public"
	subjectPairwise = "pairwise"
)

// pairwise makes a subject of its own for each person and sector, so that
// applications cannot compare whom they know (OpenID Connect Core 1.0, section
// 8.1). It is the account's id, encrypted under a synthetic IV: the MAC of
// sector and id. Nothing needs to be stored, the same comes out each time, only
// we can read it, and one of another sector does not pass.
type pairwise struct {
	mac    []byte
	cipher cipher.Block
}

// newPairwise derives the keys from a secret. It must be the oldest that there
// is: subjects stay as they are when the secrets rotate.
func newPairwise(secret [32]byte) (pairwise, error) {
	mac, err := hkdf.Key(sha256.New, secret[:], nil, "idbroker pairwise subject mac v1", sha256.Size)
	if err != nil {
		return pairwise{}, err
	}
	key, err := hkdf.Key(sha256.New, secret[:], nil, "idbroker pairwise subject key v1", 32)
	if err != nil {
		return pairwise{}, err
	}
	block, err := aes.NewCipher(key)
	return pairwise{mac: mac, cipher: block}, err
}

// iv is the MAC of sector and user; the length keeps the two apart.
func (p pairwise) iv(sector string, user []byte) []byte {
	h := hmac.New(sha256.New, p.mac)
	_ = binary.Write(h, binary.BigEndian, uint32(len(sector)))
	h.Write([]byte(sector))
	h.Write(user)
	return h.Sum(nil)[:aes.BlockSize]
}

// subject is the subject of user in sector.
func (p pairwise) subject(sector string, user broker.UserID) string {
	iv := p.iv(sector, []byte(user))
	text := make([]byte, len(user))
	cipher.NewCTR(p.cipher, iv).XORKeyStream(text, []byte(user))
	return base64.RawURLEncoding.EncodeToString(append(iv, text...))
}

// user reads a subject that we made for sector.
func (p pairwise) user(sector, subject string) (broker.UserID, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(subject)
	if err != nil || len(b) <= aes.BlockSize {
		return "", false
	}
	user := make([]byte, len(b)-aes.BlockSize)
	cipher.NewCTR(p.cipher, b[:aes.BlockSize]).XORKeyStream(user, b[aes.BlockSize:])
	return broker.UserID(user), subtle.ConstantTimeCompare(p.iv(sector, user), b[:aes.BlockSize]) == 1
}

// sector is what groups clients that may compare subjects: the host of the
// sector identifier, or the one host of the redirect URIs. A client without
// either is a sector by itself.
func sector(c broker.Client) string {
	if u, err := url.Parse(c.Metadata.SectorIdentifierURI); err == nil && u.Host != "" {
		return u.Host
	}
	var hosts []string
	for _, uri := range c.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" {
			return "client:" + c.ID
		}
		if !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	if len(hosts) != 1 {
		return "client:" + c.ID
	}
	return hosts[0]
}

// subjectOf is the "sub" of a person for a client. Whatever tells a client of a
// person tells this.
func (s *Service) subjectOf(c broker.Client, user broker.UserID) string {
	if c.Metadata.SubjectType != subjectPairwise || user == "" {
		return string(user)
	}
	return s.pairwise.subject(sector(c), user)
}

// userOf undoes subjectOf. ok is false for a subject that is not for the client.
func (s *Service) userOf(c broker.Client, subject string) (user broker.UserID, ok bool) {
	if c.Metadata.SubjectType != subjectPairwise {
		return broker.UserID(subject), true
	}
	return s.pairwise.user(sector(c), subject)
}

// hinted is the person whom an ID token of ours names. One from before the
// client's subjects became pairwise still names them plainly.
func (s *Service) hinted(c broker.Client, claims idClaims) broker.UserID {
	if user, ok := s.userOf(c, claims.Subject); ok {
		return user
	}
	return broker.UserID(claims.Subject)
}
