package tokens

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idbroker/broker"
)

// secretAlgs are the algorithms with which a client proves that it has its
// secret, without sending it (client_secret_jwt of OpenID Connect Core 1.0,
// section 9), and how many bytes each wants of a secret at least (RFC 7518,
// section 3.2; OpenID Connect Core 1.0, section 16.19).
var (
	secretAlgs  = []string{"HS256", "HS384", "HS512"}
	secretBytes = map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}
)

// assertionAlgs are those of assertions of any kind.
var assertionAlgs = slices.Concat(clientAlgs, secretAlgs)

// NewClientSecret makes a secret for a client. One that a MAC is made with is as
// long as the longest MAC wants it.
func NewClientSecret(c broker.Client) broker.Secret {
	if c.AuthMethod == broker.AuthSecretJWT {
		return broker.NewSecret() + broker.NewSecret()
	}
	return broker.NewSecret()
}

// asserts tells whether a client authenticates with assertions.
func asserts(c broker.Client) bool {
	return c.AuthMethod == broker.AuthPrivateKeyJWT || c.AuthMethod == broker.AuthSecretJWT
}

// algsOf are the algorithms of a client's assertions. Those of one method never
// serve the other: a public key is no secret to make a MAC with.
func algsOf(c broker.Client) []string {
	if c.AuthMethod == broker.AuthSecretJWT {
		return secretAlgs
	}
	return clientAlgs
}

// verifyBySecret checks a MAC with each live secret of a client.
func (s *Service) verifyBySecret(ctx context.Context, c broker.Client, j clientJWT, at time.Time) (bool, error) {
	signed, err := jose.ParseSignedCompact(j.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.alg)})
	if err != nil {
		return false, nil
	}
	kept, err := s.store.KeptSecrets(ctx, c.ID)
	if err != nil {
		return false, err
	}
	for _, one := range c.Secrets {
		secret := kept[one.Hash].Reveal()
		if len(secret) < secretBytes[j.alg] || !one.Live(at) {
			continue
		}
		if _, err := signed.Verify([]byte(secret)); err == nil {
			return true, nil
		}
	}
	return false, nil
}

// keepSecret seals the secret of a client that needs it in the clear, in the unit
// of work that writes the client; what was kept before goes. secret is "" where
// none was made.
func (s *Service) keepSecret(ctx context.Context, c broker.Client, secret broker.Secret) error {
	if c.AuthMethod != broker.AuthSecretJWT {
		return s.store.ForgetSecrets(ctx, c.ID)
	}
	if secret == "" {
		return nil
	}
	if err := s.store.ForgetSecrets(ctx, c.ID); err != nil {
		return err
	}
	return s.store.KeepSecret(ctx, c.ID, secret)
}

// forgetEnded removes what is kept of secrets that have ended. What is kept is
// read before the client is, so that a secret which is made meanwhile stays.
func (s *Service) forgetEnded(ctx context.Context, c broker.Client, at time.Time) error {
	if c.AuthMethod != broker.AuthSecretJWT || !slices.ContainsFunc(c.Secrets, func(one broker.ClientSecret) bool { return !one.Live(at) }) {
		return nil
	}
	kept, err := s.store.KeptSecrets(ctx, c.ID)
	if err != nil {
		return err
	}
	c, err = s.store.Client(ctx, c.ID)
	if errors.Is(err, broker.ErrNotFound) {
		return nil // and with it what was kept
	}
	if err != nil {
		return err
	}
	for hash := range kept {
		if slices.ContainsFunc(c.Secrets, func(one broker.ClientSecret) bool { return one.Hash == hash && one.Live(at) }) {
			continue
		}
		if err := s.store.ForgetSecret(ctx, c.ID, hash); err != nil {
			return err
		}
	}
	return nil
}
