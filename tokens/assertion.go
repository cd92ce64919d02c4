package tokens

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// assertionType is the one client_assertion_type (RFC 7523, section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

const (
	// assertionLife is how far away the end of an assertion may be. It
	// authenticates one request; we remember it until then.
	assertionLife = 5 * time.Minute
	// maxJTI bounds what names an assertion; a UUID has 36.
	maxJTI = 512
)

// Refusals of assertions. The first is for whoever cannot prove to be the
// client; the others tell the client what to change.
var (
	errAssertion         = refuse(fosite.ErrInvalidClient, "The client assertion is malformed, or not signed as the client is registered for it.")
	errAssertionType     = refuse(fosite.ErrInvalidClient, "The client_assertion_type is missing or not supported.")
	errAssertionTime     = refuse(fosite.ErrInvalidClient, "The client assertion has expired, begins later, or lasts longer than five minutes.")
	errAssertionAudience = refuse(fosite.ErrInvalidClient, "The audience of the client assertion must be the issuer, as one string.")
	errAssertionID       = refuse(fosite.ErrInvalidClient, "The client assertion has no jti.")
	errAssertionSpent    = refuse(fosite.ErrInvalidClient, "The client assertion was used before.")
)

// assertionTypes are the values of "typ" that an assertion may have: none, the
// usual one, and its own. Anything else is a JWT for another purpose.
var assertionTypes = []string{"", "jwt", "client-authentication+jwt"}

// assertedID is the client that an assertion is about, before anything is
// verified; "" none.
func assertedID(assertion string) string {
	j, err := readJWT(assertion, assertionAlgs)
	if err != nil {
		return ""
	}
	id, _ := text(j.claims, "sub")
	return id
}

// checkAssertion lets a client in that proves to have its private key, or its
// secret (RFC 7523, section 3; private_key_jwt and client_secret_jwt of OpenID
// Connect Core 1.0, section 9), by the method that it is registered for. Our issuer
// identifier is the only audience: an assertion that is meant for somebody else,
// too, could have come from them.
func (s *Service) checkAssertion(ctx context.Context, c broker.Client, assertion broker.Secret, at time.Time) error {
	j, err := readJWT(assertion.Reveal(), algsOf(c))
	alg := c.Metadata.TokenEndpointAuthSigningAlg
	if err != nil || !j.is("iss", c.ID) || !j.is("sub", c.ID) || !slices.Contains(assertionTypes, j.typ) || alg != "" && sameAlg(j.alg) != sameAlg(alg) {
		return errAssertion
	}
	if c.AuthMethod == broker.AuthSecretJWT {
		ok, err := s.verifyBySecret(ctx, c, j, at)
		if err != nil {
			return err
		}
		if !ok {
			return errAssertion
		}
	} else if err := s.verifyBy(ctx, c, j); err != nil {
		s.log.InfoContext(ctx, "client assertion refused", "client", c.ID, "err", err)
		return errAssertion
	}
	expires, ok := j.within(at, assertionLife)
	jti, _ := text(j.claims, "jti")
	switch {
	case !ok:
		return errAssertionTime
	case !j.is("aud", s.o.Issuer):
		return errAssertionAudience
	case jti == "" || len(jti) > maxJTI:
		return errAssertionID
	}
	a := attemptOf(ctx)
	if a != nil && a.spent == assertion {
		return nil
	}
	err = s.store.SpendAssertion(ctx, c.ID, broker.Secret(jti).Hash(), expires.Add(clockSkew))
	if errors.Is(err, broker.ErrSpent) {
		return errAssertionSpent
	}
	if err == nil && a != nil {
		a.spent = assertion
	}
	return err
}
