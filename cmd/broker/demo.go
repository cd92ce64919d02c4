package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"idbroker/broker"
	"idbroker/cmd/broker/demo"
	"idbroker/config"
	"idbroker/providers"
)

// demoPorts are tried first, so that the links stay the same from run to run;
// a port that is taken is replaced by a free one.
var demoPorts = struct{ broker, admin, app, provider, mailbox string }{"8080", "8081", "8090", "8091", "8092"}

// serveDemo runs the broker with everything around it, on loopback, over a
// database that is deleted at the end. Nobody proves anything to the demo
// providers, and the mailbox shows everybody's mail: it must never be reached
// from elsewhere, so it does not listen anywhere else, whatever is configured.
func (p *program) serveDemo(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "broker-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg, err := p.demoConfig(dir)
	if err != nil {
		return err
	}
	log := p.logger(cfg, slog.LevelWarn)
	stand, err := newStand()
	if err != nil {
		return err
	}
	defer stand.close()
	s, err := listen(ctx, cfg, stand.around(log), log)
	if err != nil {
		return err
	}
	stand.start(s.failed)
	s.start()
	fmt.Fprintf(p.out, `This is a demo: on loopback only, everybody can be anybody, and nothing is kept.

Open the demo application and sign in:
  %s

  the broker       %s
  demo providers   %s
  mailbox          %s   (mails that the broker would send)

Ctrl-C ends it.
%s`, stand.url(stand.app), s.base, stand.url(stand.provider), stand.url(stand.mailbox), s.claim(ctx))
	return s.run(ctx)
}

// demoConfig is the configuration of a demo. It takes addresses from the
// operator's, to refuse those that are not loopback, and its look.
func (p *program) demoConfig(dir string) (config.Config, error) {
	// A demo makes its own base URL. Without one here, an address that others
	// can reach would be refused for the lack of it, and not for what it is.
	own, err := config.Load(p.config, append(slices.Clone(p.environ), "BROKER_SERVER__BASE_URL=https://demo.invalid"))
	if err != nil {
		return own, err
	}
	for setting, address := range map[string]string{"server.address": own.Server.Address, "server.admin_address": own.Server.AdminAddress} {
		if host, _, err := net.SplitHostPort(address); err == nil && !config.Loopback(host) {
			return own, fmt.Errorf("%s: %s: --demo listens on loopback only, since everybody can sign in as anybody; leave the address out", setting, address)
		}
	}
	address, admin := own.Server.Address, own.Server.AdminAddress
	if address == "127.0.0.1:"+demoPorts.broker {
		address = free("127.0.0.1", demoPorts.broker)
	}
	if admin == "127.0.0.1:"+demoPorts.admin {
		admin = free("127.0.0.1", demoPorts.admin)
	}
	if address, err = known(address); err != nil {
		return own, fmt.Errorf("demo: %w", err)
	}
	_, port, _ := net.SplitHostPort(address)
	return config.Parse("demo", nil, []string{
		"BROKER_SERVER__ADDRESS=" + address,
		"BROKER_SERVER__BASE_URL=http://localhost:" + port, // a name: browsers have passkeys for no address
		"BROKER_SERVER__ADMIN_ADDRESS=" + orElse(admin, "off"),
		"BROKER_DATABASE__DSN=sqlite:" + filepath.Join(dir, "broker.db"),
		"BROKER_SECRETS__KEYRING_FILE=" + filepath.Join(dir, "broker.key"),
		"BROKER_MAIL__DIRECTORY=" + filepath.Join(dir, "mail"),
		"BROKER_BRAND__NAME=" + own.Brand.Name, "BROKER_BRAND__ACCENT=" + own.Brand.Accent,
		"BROKER_LOG__LEVEL=" + own.Log.Level, "BROKER_LOG__FORMAT=" + own.Log.Format,
		"BROKER_SERVER__SHUTDOWN_TIMEOUT=2s",
	})
}

// free is host:port, or any free port where that one is taken.
func free(host, port string) string {
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return net.JoinHostPort(host, "0")
	}
	defer l.Close()
	return l.Addr().String()
}

// known is an address whose port is known before it is listened on.
func known(address string) (string, error) {
	if _, port, err := net.SplitHostPort(address); err != nil || port != "0" {
		return address, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// stand is what stands around the broker in a demo.
type stand struct {
	app, provider, mailbox net.Listener
	demo                   *demo.Demo
	servers                []*http.Server
}

func newStand() (*stand, error) {
	s := &stand{}
	for _, x := range []struct {
		listener *net.Listener
		port     string
	}{{&s.app, demoPorts.app}, {&s.provider, demoPorts.provider}, {&s.mailbox, demoPorts.mailbox}} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", x.port))
		if err != nil { // taken
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("demo: %w", err)
		}
		*x.listener = l
	}
	return s, nil
}

func (s *stand) url(l net.Listener) string { return "http://" + l.Addr().String() }

// around makes the surroundings of a broker as soon as its address is known.
func (s *stand) around(log *slog.Logger) func(base string) (extras, error) {
	return func(base string) (extras, error) {
		d, err := demo.New(demo.Options{Issuer: base, AppURL: s.url(s.app), ProviderURL: s.url(s.provider), MailboxURL: s.url(s.mailbox), Log: log})
		if err != nil {
			return extras{}, err
		}
		s.demo = d
		x := extras{clients: []broker.Client{d.Client(time.Now())}, transport: d.Mailbox}
		for _, p := range d.Providers() {
			x.apps = append(x.apps, providers.App{ID: p.ID, Kind: "oidc", Title: p.Title, Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret})
		}
		return x, nil
	}
}

// start serves application, providers and mailbox.
func (s *stand) start(failed chan<- error) {
	for l, h := range map[net.Listener]http.Handler{s.app: s.demo.App, s.provider: s.demo.Provider, s.mailbox: s.demo.Mailbox} {
		srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime}
		s.servers = append(s.servers, srv)
		go func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				select {
				case failed <- fmt.Errorf("demo: %w", err):
				default:
				}
			}
		}()
	}
}

func (s *stand) close() {
	for _, srv := range s.servers {
		_ = srv.Close()
	}
	for _, l := range []net.Listener{s.app, s.provider, s.mailbox} {
		if l != nil {
			_ = l.Close()
		}
	}
}
