package tokens

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// encryptionAlgs are the ways in which the key of an encrypted JWT reaches whom
// it is for (RFC 7518, section 4.1). RSA1_5 is not among them, since it can be
// decrypted by whoever may ask often enough; nor is what encrypts with a secret
// that both sides have.
var encryptionAlgs = []string{"RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}

// contentAlgs are the ways in which the contents are encrypted (RFC 7518, section
// 5.1); the first is the default of registrations.
var contentAlgs = []string{"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"}

// nestedType is the "cty" of an encrypted JWT whose contents are a signed one
// (RFC 7519, section 5.2).
const nestedType = "JWT"

// errCannotEncrypt: a client wants an answer encrypted, and has no key for it.
// Nothing is told then: not encrypting would be worse.
var errCannotEncrypt = errors.New("tokens: the client has no key that its answers can be encrypted to")

// encryption is how a client wants something encrypted; alg is "" where it does not.
type encryption struct{ alg, enc string }

func idTokenEncryption(c broker.Client) encryption {
	return encryption{c.Metadata.IDTokenEncryptedResponseAlg, orDefault(c.Metadata.IDTokenEncryptedResponseEnc, contentAlgs[0])}
}

func userInfoEncryption(c broker.Client) encryption {
	return encryption{c.Metadata.UserInfoEncryptedAlg, orDefault(c.Metadata.UserInfoEncryptedEnc, contentAlgs[0])}
}

// recipient is whom something is encrypted to: a key of a client.
type recipient struct {
	encryption
	key jose.JSONWebKey
}

// recipientFor finds the key to encrypt to; nil where the client wants none of
// it. It may ask the client for its keys, so it is no call for a unit of work.
// errCannotEncrypt where there is no usable key.
func (s *Service) recipientFor(ctx context.Context, c broker.Client, e encryption) (*recipient, error) {
	if e.alg == "" {
		return nil, nil
	}
	key, err := s.encryptionKeyOf(ctx, c, e.alg)
	if err != nil {
		s.troubles.note(c.ID, "keys", "server_error", "No key of the client fits "+clean(e.alg)+", or its keys cannot be fetched: its answers cannot be encrypted.", time.Now())
		return nil, fmt.Errorf("%w: client %s, %s: %w", errCannotEncrypt, c.ID, e.alg, err)
	}
	return &recipient{e, key}, nil
}

// encryptionKeyOf is the client's key for an algorithm. Where its keys are
// fetched and none fits, they are fetched once more: it may have put one there.
func (s *Service) encryptionKeyOf(ctx context.Context, c broker.Client, alg string) (jose.JSONWebKey, error) {
	switch {
	case c.Metadata.JWKS != "":
		return encryptionKey([]byte(c.Metadata.JWKS), alg)
	case c.Metadata.JWKSURI == "" || s.o.Fetcher == nil:
		return jose.JSONWebKey{}, errNoEncryptionKey
	}
	var key jose.JSONWebKey
	var err error
	for _, age := range []time.Duration{clientKeysAge, 0} {
		var document []byte
		if document, err = s.o.Fetcher.Get(ctx, c.Metadata.JWKSURI, age); err != nil {
			return key, fmt.Errorf("keys of the client: %w", err)
		}
		if key, err = encryptionKey(document, alg); err == nil {
			break
		}
	}
	return key, err
}

var errNoEncryptionKey = errors.New("tokens: no key of the JWK Set is for encryption with the algorithm")

// encryptionKey is the key of a JWK Set to encrypt to: one that says that it is
// for encryption comes before one that does not say what it is for.
func encryptionKey(document []byte, alg string) (jose.JSONWebKey, error) {
	keys, err := parseKeySet(document)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	keys = slices.DeleteFunc(keys, func(k jose.JSONWebKey) bool { return !encrypts(k, alg) })
	if len(keys) == 0 {
		return jose.JSONWebKey{}, errNoEncryptionKey
	}
	if i := slices.IndexFunc(keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" }); i >= 0 {
		return keys[i], nil
	}
	return keys[0], nil
}

// encrypts tells whether something may be encrypted to a key with an algorithm.
func encrypts(k jose.JSONWebKey, alg string) bool {
	if k.Use != "" && k.Use != "enc" || k.Algorithm != "" && k.Algorithm != alg || !slices.Contains(encryptionAlgs, alg) {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return strings.HasPrefix(alg, "RSA") && bits >= minRSABits && bits <= maxRSABits && public.E >= 3
	case *ecdsa.PublicKey:
		return strings.HasPrefix(alg, "ECDH")
	}
	return false
}

// encrypt encrypts a payload. contents is its "cty": nestedType for a signed JWT,
// "" for claims. beside are further members of the header.
func (r *recipient) encrypt(payload []byte, contents string, beside map[string]any) (string, error) {
	o := &jose.EncrypterOptions{}
	if contents != "" {
		o = o.WithContentType(jose.ContentType(contents))
	}
	for name, value := range beside {
		o = o.WithHeader(jose.HeaderKey(name), value)
	}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(r.enc), jose.Recipient{
		Algorithm: jose.KeyAlgorithm(r.alg), Key: r.key.Key, KeyID: r.key.KeyID,
	}, o)
	if err != nil {
		return "", fmt.Errorf("encrypt with %s, %s: %w", r.alg, r.enc, err)
	}
	encrypted, err := encrypter.Encrypt(payload)
	if err != nil {
		return "", fmt.Errorf("encrypt with %s, %s: %w", r.alg, r.enc, err)
	}
	return encrypted.CompactSerialize()
}

// parseKeySet reads the public keys of a JWK Set (RFC 7517). Keys of kinds that
// we do not know are left out (section 5). A private key is refused: it is known
// to too many already.
func parseKeySet(document []byte) ([]jose.JSONWebKey, error) {
	if _, err := readObject(document); err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil || len(set.Keys) > maxClientKeys {
		return nil, fmt.Errorf("tokens: no JWK Set of at most %d keys", maxClientKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if err := json.Unmarshal(raw, &k); err != nil {
			continue
		}
		if !k.IsPublic() {
			if _, symmetric := k.Key.([]byte); symmetric {
				continue
			}
			return nil, errors.New("tokens: a key of the JWK Set is private")
		}
		if k.Valid() {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// checkKeys tells what is wrong with the JWK Set of a client that signs with it,
// or that wants answers encrypted with algs.
func checkKeys(document string, signs bool, algs []string) error {
	if signs {
		if _, err := ParseClientKeys([]byte(document)); err != nil {
			return err
		}
	}
	for _, alg := range algs {
		if _, err := encryptionKey([]byte(document), alg); err != nil {
			return fmt.Errorf("%w: %s", err, clean(alg[:min(len(alg), 40)]))
		}
	}
	keys, err := parseKeySet([]byte(document))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(keys, func(k jose.JSONWebKey) bool {
		return slices.ContainsFunc(clientAlgs, func(alg string) bool { return fits(k, alg) }) || slices.ContainsFunc(encryptionAlgs, func(alg string) bool { return encrypts(k, alg) })
	}) {
		return errors.New("tokens: no key of the JWK Set is of any use: none verifies " + strings.Join(clientAlgs, ", ") + ", or encrypts with " + strings.Join(encryptionAlgs, ", "))
	}
	return nil
}
