package tokens

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"idbroker/broker"
)

// maxEncrypted bounds an encrypted request object: a JWT of a client as base64,
// and the header and the key beside it.
const maxEncrypted = maxClientJWT * 3 / 2

var (
	errObjectEncrypted = refuse(fosite.ErrInvalidRequestObject, "The client is not registered for encrypted request objects; it needs request_object_encryption_alg.")
	errObjectOpen      = refuse(fosite.ErrInvalidRequestObject, "The request object is not encrypted to a key in our JWK Set, or with something that is not supported.")
)

// openObject decrypts a request object (RFC 9101, section 6.1). One that is only
// signed is returned as it is: who may encrypt need not (OpenID Connect Dynamic
// Client Registration 1.0, section 2). Every other cause has one error, so that
// nobody learns from it what stands inside.
func (s *Service) openObject(ctx context.Context, c broker.Client, object string) (string, error) {
	if strings.Count(object, ".") != 4 {
		return object, nil
	}
	if c.Metadata.RequestObjectEncryptionAlg == "" {
		return "", errObjectEncrypted
	}
	signed, ok := s.open(ctx, object)
	if !ok {
		return "", errObjectOpen
	}
	return signed, nil
}

// open decrypts a compact JWE whose contents are a JWT.
func (s *Service) open(ctx context.Context, object string) (string, bool) {
	alg, enc, kid, ok := readJWEHeader(object)
	if !ok {
		return "", false
	}
	encrypted, err := jose.ParseEncryptedCompact(object, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(enc)})
	if err != nil {
		return "", false
	}
	at := time.Now()
	if kid != "" && !slices.ContainsFunc(s.openings().keys, func(k *openingKey) bool { return k.ID == kid }) && at.Sub(s.openings().readAt) >= openingPause {
		if err := s.loadEncryptionKeys(ctx); err != nil {
			s.log.WarnContext(ctx, "encryption keys not loaded, those of before stay in use", "err", err)
		}
	}
	tried := 0
	for _, k := range s.openings().keys {
		if k.Kty != ktyOf(alg) || kid != "" && k.ID != kid || !k.ExpiresAt.IsZero() && !at.Before(k.ExpiresAt) {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		if text, err := encrypted.Decrypt(k.private); err == nil {
			return string(text), true
		}
	}
	return "", false
}

// readJWEHeader reads the header of a compact JWE, and refuses what we do not
// support. Compressed contents are among that: a small text could become a large
// one.
func readJWEHeader(object string) (alg, enc, kid string, ok bool) {
	first, _, _ := strings.Cut(object, ".")
	if len(object) > maxEncrypted {
		return "", "", "", false
	}
	header, err := segment(first)
	if err != nil {
		return "", "", "", false
	}
	for _, name := range []string{"crit", "zip", "b64"} {
		if header[name] != nil {
			return "", "", "", false
		}
	}
	alg, _ = text(header, "alg")
	enc, _ = text(header, "enc")
	if header["kid"] != nil {
		if kid, ok = text(header, "kid"); !ok {
			return "", "", "", false
		}
	}
	if header["cty"] != nil {
		contents, ok := text(header, "cty")
		contents = strings.TrimPrefix(strings.ToLower(contents), "application/")
		if !ok || !slices.Contains(objectTypes, contents) {
			return "", "", "", false
		}
	}
	return alg, enc, kid, slices.Contains(encryptionAlgs, alg) && slices.Contains(contentAlgs, enc)
}
