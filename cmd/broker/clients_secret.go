package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/tokens"
)

type clientsCreate struct {
	Name        string   `arg:"" help:"What people know the application as."`
	ID          string   `name:"id" placeholder:"ID" help:"Client id. Otherwise a random one."`
	RedirectURI []string `name:"redirect-uri" sep:"none" placeholder:"URI" help:"Where people come back to; exact. Repeat for more."`
	LogoutURI   []string `name:"post-logout-redirect-uri" sep:"none" placeholder:"URI" help:"Where people may go after sign-out. Repeat for more."`
	Public      bool     `help:"An app in a browser or on a device, which cannot keep a secret."`
	Auth        string   `name:"auth" enum:"basic,post,client_secret_jwt,private_key_jwt" default:"basic" help:"How it proves who it is: ${enum}. The last has keys instead of a secret; for the one before, the secret itself is kept, sealed."`
	Grant       []string `placeholder:"TYPE" help:"authorization_code, refresh_token, client_credentials. Otherwise the first two."`
	Scope       []string `placeholder:"SCOPE" help:"What it may ask for. Otherwise openid, profile, email and offline_access."`
	Alg         string   `default:"RS256" enum:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA" help:"Signature of its ID tokens: ${enum}."`
	FirstParty  bool     `help:"Run by you: people are not asked whether it may know them."`
	NoPKCE      bool     `name:"no-pkce" help:"It does not know PKCE. Never for public clients."`
	ClientURI   string   `name:"client-uri" placeholder:"URL" help:"Its home page."`
	PolicyURI   string   `name:"policy-uri" placeholder:"URL" help:"Its privacy notice."`
	TermsURI    string   `name:"tos-uri" placeholder:"URL" help:"Its terms."`
	Contact     []string `placeholder:"WHO" help:"Who runs it, as shown to people. Repeat for more."`
	clientKeys
	openIDFlags
	logoutFlags
	output
}

// Help teaches.
func (clientsCreate) Help() string {
	return `The secret is printed once and kept only as a hash (with --auth client_secret_jwt: sealed, since a MAC cannot be checked with a hash).

	broker clients create "Wiki" --redirect-uri https://wiki.example.org/callback
	broker clients create "Desktop app" --public --redirect-uri http://127.0.0.1/callback
	broker clients create "Nightly job" --grant client_credentials --scope api:read
	broker clients create "Portal" --redirect-uri https://portal.example.org/cb --auth private_key_jwt --jwks-uri https://portal.example.org/jwks.json

Give the application the issuer, the client id and the secret; everything else it finds by discovery.`
}

// Run registers the application.
func (c clientsCreate) Run(ctx context.Context, p *program) error {
	at := time.Now()
	client, secret := c.client(at)
	if err := c.fill(&client); err != nil {
		return err
	}
	if problems := client.Problems(tokens.Offer()); len(problems) > 0 {
		return errors.New(joinProblems(problems))
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	cfg, db := r.cfg, r.db
	if problem, err := r.tokens.CheckSector(ctx, client); problem != nil {
		return errors.Join(errors.New(problem.String()), err)
	}
	err = db.InTx(ctx, func(ctx context.Context) error {
		if err := db.CreateClient(ctx, client); err != nil {
			return err
		}
		if client.AuthMethod == broker.AuthSecretJWT {
			if err := db.KeepSecret(ctx, client.ID, secret); err != nil {
				return err
			}
		}
		return db.AddEvent(ctx, event(ctx, broker.EventClientCreated, client.ID, at))
	})
	if errors.Is(err, broker.ErrConflict) {
		return fmt.Errorf("there is an application %s already; choose another --id", client.ID)
	}
	if err != nil {
		return err
	}
	v := viewClient(client, at)
	v.Secret, v.Issuer = secret.Reveal(), issuer(cfg)
	return c.print(p.out, v, v.text)
}

// client is the registration that the flags describe, with its secret.
func (c clientsCreate) client(at time.Time) (broker.Client, broker.Secret) {
	client := broker.Client{
		ID: orElse(c.ID, broker.NewID()), Name: strings.TrimSpace(c.Name), AuthMethod: broker.AuthNone,
		RedirectURIs: c.RedirectURI, PostLogoutRedirectURIs: c.LogoutURI, GrantTypes: splitWords(c.Grant), Scopes: splitWords(c.Scope),
		IDTokenAlg: c.Alg, FirstParty: c.FirstParty, RequirePKCE: !c.NoPKCE || c.Public,
		ClientURI: c.ClientURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, Contacts: c.Contact,
		CreatedAt: at, UpdatedAt: at,
	}
	c.logoutFlags.into(&client.Metadata)
	if len(client.GrantTypes) == 0 {
		client.GrantTypes = []string{broker.GrantCode, broker.GrantRefresh}
	}
	if len(client.Scopes) == 0 && client.MayGrant(broker.GrantCode) {
		client.Scopes = []string{"openid", "profile", "email", "offline_access"}
	}
	c.openIDFlags.apply(&client)
	if c.Public {
		return client, ""
	}
	if c.Auth == broker.AuthPrivateKeyJWT {
		client.AuthMethod = c.Auth
		return client, ""
	}
	client.AuthMethod = orElse(map[string]string{"basic": broker.AuthBasic, "post": broker.AuthPost}[c.Auth], c.Auth)
	secret := tokens.NewClientSecret(client)
	client.Secrets = []broker.ClientSecret{{Hash: secret.Hash(), CreatedAt: at}}
	return client, secret
}

type clientsRotate struct {
	Client    string        `arg:"" help:"Client id."`
	ExpireOld time.Duration `default:"24h" help:"How long the old secret goes on; 0s ends it now."`
	output
}

// maxOverlap bounds the life of an old secret: a rotation that never ends is
// none.
const maxOverlap = 90 * 24 * time.Hour

// Help teaches.
func (clientsRotate) Help() string {
	return `Both secrets work until the old one expires, so that the application can be changed without an outage. The new one is printed once.

	broker clients rotate-secret wiki                     # 24 hours to change it
	broker clients rotate-secret wiki --expire-old 0s     # it leaked: end it now`
}

// Run makes a new secret.
func (c clientsRotate) Run(ctx context.Context, p *program) error {
	if c.ExpireOld < 0 || c.ExpireOld > maxOverlap {
		return fmt.Errorf("--expire-old %s: give a time from 0s to %s", c.ExpireOld, maxOverlap)
	}
	cfg, db, _, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	at := time.Now()
	var secret broker.Secret
	var client broker.Client
	err = db.InTx(ctx, func(ctx context.Context) error {
		if client, err = findClient(ctx, db, c.Client); err != nil {
			return err
		}
		secret = tokens.NewClientSecret(client)
		if client.Secrets, err = rotated(client, secret, c.ExpireOld, at); err != nil {
			return err
		}
		client.UpdatedAt = at
		if err := db.UpdateClient(ctx, client); err != nil {
			return err
		}
		if client.AuthMethod == broker.AuthSecretJWT {
			var live []string
			for _, s := range client.Secrets {
				live = append(live, s.Hash)
			}
			if err := db.ForgetSecrets(ctx, client.ID, live...); err != nil {
				return err
			}
			if err := db.KeepSecret(ctx, client.ID, secret); err != nil {
				return err
			}
		}
		return db.AddEvent(ctx, event(ctx, broker.EventSecretRotated, client.ID, at))
	})
	if errors.Is(err, broker.ErrSpent) {
		return errors.New("somebody changed the application at the same time; run it again")
	}
	if err != nil {
		return err
	}
	v := viewClient(client, at)
	v.Secret, v.Issuer = secret.Reveal(), issuer(cfg)
	return c.print(p.out, v, func(w io.Writer) {
		v.text(w)
		for _, s := range client.Secrets[:len(client.Secrets)-1] {
			fmt.Fprintf(w, "\nThe old secret works until %s.\n", when(s.ExpiresAt))
		}
	})
}

// rotated are the secrets after a rotation: at most one old one, which expires,
// and the new one. While a rotation is under way another would make the secret
// in use expire at once, so that must be asked for.
func rotated(c broker.Client, secret broker.Secret, overlap time.Duration, at time.Time) ([]broker.ClientSecret, error) {
	if c.Public() {
		return nil, fmt.Errorf("%s is a public client and has no secret", c.ID)
	}
	if c.AuthMethod == broker.AuthPrivateKeyJWT {
		return nil, fmt.Errorf("%s has keys instead of a secret; it changes them itself", c.ID)
	}
	live := slices.DeleteFunc(slices.Clone(c.Secrets), func(s broker.ClientSecret) bool {
		return !s.ExpiresAt.IsZero() && !at.Before(s.ExpiresAt)
	})
	if overlap == 0 {
		live = nil
	}
	if len(live) > 1 {
		return nil, fmt.Errorf("a rotation is under way: two secrets are live until %s; wait, or end both now with --expire-old 0s", when(live[0].ExpiresAt))
	}
	for i := range live {
		if end := at.Add(overlap); live[i].ExpiresAt.IsZero() || end.Before(live[i].ExpiresAt) {
			live[i].ExpiresAt = end
		}
	}
	return append(live, broker.ClientSecret{Hash: secret.Hash(), CreatedAt: at}), nil
}

// joinProblems says all that is wrong with a registration in one line.
func joinProblems(problems []broker.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.String())
	}
	return strings.Join(all, "; ")
}
