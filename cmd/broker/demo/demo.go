// Package demo holds what stands around a broker so that it can be tried
// offline: a demo application (a real relying party), two demo providers (real
// OpenID Connect) and a mailbox that shows the mails the broker would send.
// Everything is kept in memory. Nobody proves anything here: it never listens
// anywhere itself, and whoever wires it keeps it on loopback.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"idbroker/broker"
)

// ClientID is the demo application's client id at the broker.
const ClientID = "demo-app"

// Options says where everything is. The four URLs are needed; each is a
// scheme and a host without a path at its end, such as "http://127.0.0.1:9001".
type Options struct {
	Issuer      string // the broker's
	AppURL      string
	ProviderURL string // both providers are below it
	MailboxURL  string

	ClientSecret broker.Secret                  // of the demo application; "": a new one
	RedirectURI  func(providerID string) string // the broker's, at a provider; nil: Issuer/oauth/authorized/ID/
	Log          *slog.Logger                   // nil: discard
}

// Demo is the surroundings of one broker. The handlers expect to be served at
// the root of their URLs.
type Demo struct {
	App      http.Handler
	Provider http.Handler
	Mailbox  *Mailbox

	clientSecret broker.Secret
	appURL       string
	providers    []ProviderApp
}

// ProviderApp is the broker's registration at one of the demo providers.
type ProviderApp struct {
	ID           string
	Title        string
	Issuer       string
	ClientID     string
	ClientSecret broker.Secret
}

// New makes the surroundings. It asks nothing of the network: the application
// discovers the broker when somebody first signs in.
func New(o Options) (*Demo, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ClientSecret == "" {
		o.ClientSecret = broker.NewSecret()
	}
	if o.RedirectURI == nil {
		o.RedirectURI = func(id string) string { return o.Issuer + "/oauth/authorized/" + id + "/" }
	}
	if err := errors.Join(
		checkURL("Issuer", o.Issuer), checkURL("AppURL", o.AppURL),
		checkURL("ProviderURL", o.ProviderURL), checkURL("MailboxURL", o.MailboxURL),
	); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	d := &Demo{clientSecret: o.ClientSecret, appURL: o.AppURL}
	d.App = newApp(o)
	var providers []*provider
	for _, n := range []struct{ id, title, alg string }{
		{"harbour", "Harbour ID", broker.RS256},
		{"lighthouse", "Lighthouse ID", broker.ES256},
	} {
		p := newProvider(o, n.id, n.title, n.alg)
		providers = append(providers, p)
		d.providers = append(d.providers, p.app)
	}
	d.Provider = providerHandler(o, providers)
	d.Mailbox = newMailbox(o)
	return d, nil
}

func checkURL(name, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" || u.RawQuery != "" {
		return fmt.Errorf("%s %q is not a scheme and a host", name, s)
	}
	return nil
}

// Providers are the broker's registrations at the demo providers. There are
// two, since an account holds one identity of each provider.
func (d *Demo) Providers() []ProviderApp { return d.providers }

// ClientSecret is the demo application's secret.
func (d *Demo) ClientSecret() broker.Secret { return d.clientSecret }

// Client is the demo application's registration at the broker.
func (d *Demo) Client(at time.Time) broker.Client {
	return broker.Client{
		ID: ClientID, Name: "Demo Application",
		Secrets:    []broker.ClientSecret{{Hash: d.clientSecret.Hash(), CreatedAt: at}},
		AuthMethod: broker.AuthBasic, RequirePKCE: true,
		RedirectURIs:           []string{d.appURL + callbackPath},
		PostLogoutRedirectURIs: []string{d.appURL + signedOutPath},
		GrantTypes:             []string{broker.GrantCode, broker.GrantRefresh},
		Scopes:                 appScopes,
		ClientURI:              d.appURL,
		Contacts:               []string{"demo@example.org"},
		CreatedAt:              at, UpdatedAt: at,
	}
}

// Person is somebody whom the demo providers know.
type Person struct {
	Key           string // what stands in the form
	Name          string
	Username      string
	Email         string // "" none
	EmailVerified bool
	About         string // why one would try this person
}

// People are whom one can be at both demo providers, where each has a subject of its own.
func People() []Person {
	return []Person{
		{"ada", "Ada Lovelace", "ada", "ada@example.org", true, "e-mail address, proven at the provider"},
		{"grace", "Grace Hopper", "grace", "", false, "no e-mail address at the provider"},
		{"alan", "Alan Turing", "alan", "alan@example.org", false, "e-mail address that the provider has not proven"},
	}
}

func personOf(key string) (Person, bool) {
	for _, p := range People() {
		if p.Key == key {
			return p, true
		}
	}
	return Person{}, false
}

// remoteTimeout bounds the application's calls to the broker: long enough for
// one that has just started, short enough for who waits.
const remoteTimeout = 10 * time.Second

// remoteBytes bounds an answer of the broker.
const remoteBytes = 1 << 20

func withTimeout(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), remoteTimeout)
}
