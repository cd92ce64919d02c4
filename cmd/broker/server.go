package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/mail"
	"idbroker/outbox"
	"idbroker/providers"
	"idbroker/sms"
	"idbroker/store"
	"idbroker/web"
)

// Limits of the public listener. A person on a bad line gets a form through;
// who sends a header a minute does not hold a connection.
const (
	headerTime = 10 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10 // an authorization request in a URL, and cookies of the whole domain
)

// server is a broker that listens.
type server struct {
	cfg         config.Config
	base        string
	rooms       *rooms
	outbox      *outbox.Worker // of mails
	notices     *outbox.Worker // of notices to applications: a slow one must hold up no mail
	messages    *outbox.Worker // of codes to telephones: people wait for them
	revocations *outbox.Worker // of tokens at providers, which may be slow too
	ring        *watched       // nil before the rooms are furnished
	counters    *counters
	admin       *admin
	cert        *certificate // nil: no TLS
	countries   *countries   // nil: none are known
	log         *slog.Logger
	face        *web.Server
	sender      *mail.Sender

	public, side *http.Server // side may be nil
	listeners    map[*http.Server]net.Listener
	failed       chan error     // of a listener that stopped by itself
	hangups      chan os.Signal // SIGHUP
}

// listen opens the listeners, the database and the rooms, in this order: a
// port that is taken is told before anything is written.
func listen(ctx context.Context, cfg config.Config, extra func(base string) (extras, error), log *slog.Logger) (s *server, err error) {
	s = &server{cfg: cfg, counters: newCounters(), log: log, listeners: map[*http.Server]net.Listener{}, failed: make(chan error, 2), hangups: make(chan os.Signal, 1)}
	signal.Notify(s.hangups, syscall.SIGHUP) // before all else: it would end the process
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.cert, err = newCertificate(cfg.Server.TLS); err != nil {
		return s, err
	}
	if s.countries, err = newCountries(cfg.Sessions.Countries); err != nil {
		return s, err
	}
	public, err := s.bind(ctx, "server.address", cfg.Server.Address)
	if err != nil {
		return s, err
	}
	s.public = s.newServer(public)
	s.base = orElse(cfg.Server.BaseURL, "http://"+public.Addr().String())
	if cfg.Server.AdminAddress != "" {
		side, err := s.bind(ctx, "server.admin_address", cfg.Server.AdminAddress)
		if err != nil {
			return s, err
		}
		s.side = s.newServer(side)
		s.side.WriteTimeout = 0 // a profile takes as long as was asked for
	}
	return s, s.furnish(ctx, extra)
}

// bind listens at an address, and says which setting is to blame otherwise.
func (s *server) bind(ctx context.Context, setting, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w; ports below 1024 need the capability CAP_NET_BIND_SERVICE: give it to the broker, or choose another port with %s", setting, err, config.VariableOf(setting))
	case err != nil:
		return nil, fmt.Errorf("%s: %w; is another broker running? choose another port with %s", setting, err, config.VariableOf(setting))
	}
	return l, nil
}

func (s *server) newServer(l net.Listener) *http.Server {
	srv := &http.Server{
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // handshakes that strangers break off
	}
	s.listeners[srv] = l
	return srv
}

// extras is what demo mode adds.
type extras struct {
	apps      []providers.App
	clients   []broker.Client
	transport mail.Transport // nil: as configured
}

// furnish opens the database and wires the rooms.
func (s *server) furnish(ctx context.Context, extra func(base string) (extras, error)) error {
	var x extras
	if extra != nil {
		var err error
		if x, err = extra(s.base); err != nil {
			return err
		}
	}
	look, err := brand(s.cfg.Brand)
	if err != nil {
		return err
	}
	own, db, ring, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.rooms = &rooms{db: db} // closed with the server from here on
	r, err := furnish(s.cfg, s.base, db, ring, own.texts, x.apps, s.counters, s.log)
	if err != nil {
		return err
	}
	s.rooms = r
	r.lookAtRedis(ctx)
	for _, c := range x.clients {
		if err := db.CreateClient(ctx, c); err != nil && !errors.Is(err, broker.ErrConflict) {
			return fmt.Errorf("client %s: %w", c.ID, err)
		}
	}
	s.ring = r.watchRing(func(ring store.Keyring) {
		s.log.Info("keyring changed", "seals", ring.IDs()[0], "keys", ring.Len(), "staged", ring.StagedID())
	})
	if err := s.ring.look(ctx); err != nil { // before the first request: nobody seals with a key that we don't know
		return err
	}
	if err := s.postOffice(x.transport, own.mails); err != nil {
		return err
	}
	var both errgroup.Group // pages are parsed while keys are made
	both.Go(func() error {
		if err := r.tokens.EnsureKeys(ctx); err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
		return nil
	})
	both.Go(func() error { return s.shop(look, own.pages) })
	if err := both.Wait(); err != nil {
		return err
	}
	s.admin = &admin{db: db, redis: r.redis, tokens: r.tokens, counters: s.counters}
	if s.side != nil {
		host, _, _ := net.SplitHostPort(s.listeners[s.side].Addr().String())
		s.side.Handler = s.admin.handler(config.Loopback(host))
	}
	if s.cert != nil {
		s.counters.set.NewGauge("broker_tls_certificate_not_after_seconds", func() float64 { return float64(s.cert.notAfter().Unix()) })
	}
	return nil
}

// open opens the database, and reads meanwhile what an operator has put in the place of ours.
func (s *server) open(ctx context.Context) (own overrides, db *store.DB, ring store.Keyring, err error) {
	var read errgroup.Group
	read.Go(func() (err error) { own, err = s.overrides(); return err })
	if s.cfg.Templates.Directory != "" { // which may be wrong: then nothing is written
		if err = read.Wait(); err != nil {
			return own, nil, ring, err
		}
	}
	db, ring, err = database(ctx, s.cfg, s.log)
	err = errors.Join(err, read.Wait())
	return own, db, ring, err
}

// shop makes the handler of the public listener.
func (s *server) shop(look web.Brand, pages *web.Pages) error {
	r := s.rooms
	face, err := web.New(r.kept, r.linker, r.accounts, r.tokens, r.texts, web.Options{
		BaseURL: s.base, Brand: look, Pages: pages, Logos: logos(s.cfg, s.base),
		SessionIdle: s.cfg.Sessions.Idle, SessionAbsolute: s.cfg.Sessions.Absolute, FreshFor: s.cfg.Sessions.Fresh, FreshGrace: s.cfg.Sessions.FreshGrace, FormKey: r.ring.DeriveOldest("forms"),
		Remember: s.cfg.Sessions.Remember, Theft: web.Theft(s.cfg.Sessions.TheftProtection), CookieKey: r.ring.DeriveOldest("cookies"),
		NewBrowserMail: s.cfg.Sessions.NewDeviceMail, Country: s.countries.of,
		TrustedHops: s.cfg.Server.TrustedHops, MinPassword: s.cfg.Accounts.PasswordMin,
		NoSignUp: !s.cfg.Accounts.SignUp, NoPasswords: !s.cfg.Accounts.Passwords, StraightTo: s.cfg.Accounts.StraightTo, IdentifyFirst: s.cfg.Accounts.IdentifyFirst,
		Limits: r.limits, Log: s.log, Wake: func() { s.outbox.Wake(); s.messages.Wake(); s.notices.Wake(); s.revocations.Wake() }, OnRequest: s.counters.request, OnSMSHeld: s.counters.held,
		Usernames: identifies(s.cfg, "username"), NoEmails: !identifies(s.cfg, "email"), UsernameMax: s.cfg.Accounts.Username.Max, UsernameRule: s.cfg.Accounts.Username.Message,
		Fields: askedFields(r.asked), Affiliations: s.cfg.Accounts.Profile.Affiliations, Visibility: s.cfg.Accounts.Profile.Visibility, Zone: s.cfg.Accounts.Defaults.Zone,
		PresetVisibility: broker.Visibility(s.cfg.Accounts.Defaults.Visibility), PresetEmailVisibility: broker.Visibility(s.cfg.Accounts.Defaults.EmailVisibility),
	})
	if err != nil {
		return err
	}
	s.face, s.public.Handler = face, face
	return nil
}

// noticesAtOnce is how many applications are told at the same time: as many as a
// worker claims, so that those which answer do not wait for those which don't.
const noticesAtOnce = 10

// messagesAtOnce is how many messages are handed over at the same time: people wait
// for them, and one service takes them all.
const messagesAtOnce = 4

// revocationsAtOnce is how many revocations are asked for at the same time: more
// than one, so that a provider that is down does not hold up the others.
const revocationsAtOnce = 4

// postOffice makes the outbox workers and the way that mails go.
func (s *server) postOffice(transport mail.Transport, templates *mail.Templates) error {
	if transport == nil {
		var err error
		if transport, err = mailTransport(s.cfg.Mail); err != nil {
			return err
		}
	}
	o := mailOptions(s.cfg, s.base)
	o.Templates, o.Refused = templates, s.mailRefused
	s.sender = mail.New(transport, s.rooms.texts, o)
	s.outbox = outbox.New(s.rooms.db, map[string]outbox.Handler{
		broker.OutboxMail: s.sender.Handle, broker.OutboxReset: s.rooms.accounts.DeliverReset, broker.OutboxSignIn: s.rooms.accounts.DeliverSignIn, // which write mails
		broker.OutboxCode: s.rooms.accounts.DeliverCode, broker.OutboxEmail: s.rooms.accounts.DeliverEmail, // and so do these
	}, s.log, s.counters.outbox).Advise(todo)
	messages := map[string]outbox.Handler{}
	if c := s.cfg.Accounts.SMS; c.URL != "" {
		text := func(locale, code string) string {
			return s.rooms.texts.Text(s.rooms.texts.Match("", locale, ""), "sms.text", map[string]string{"code": code, "brand": s.cfg.Brand.Name})
		}
		messages[broker.OutboxSMS] = sms.New(c.URL, c.Secret, text).Handle
	}
	s.messages = outbox.New(s.rooms.db, messages, s.log, s.counters.outbox).AtOnce(messagesAtOnce).Advise(todo)
	s.notices = outbox.New(s.rooms.db, map[string]outbox.Handler{broker.OutboxLogout: s.rooms.tokens.DeliverLogout}, s.log, s.counters.outbox).AtOnce(noticesAtOnce).Advise(todo)
	s.revocations = outbox.New(s.rooms.db, map[string]outbox.Handler{broker.OutboxRevoke: s.rooms.linker.DeliverRevocation}, s.log, s.counters.outbox).AtOnce(revocationsAtOnce).Advise(todo)
	return nil
}

// start serves both listeners.
func (s *server) start() {
	for srv, l := range s.listeners {
		if srv == s.public && s.cert != nil {
			srv.TLSConfig = s.cert.config()
			srv.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
			l = tls.NewListener(l, srv.TLSConfig)
		}
		go func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- fmt.Errorf("listener %s: %w", l.Addr(), err)
			}
		}()
	}
}

// close lets go of what listen opened. It is for servers that did not start.
func (s *server) close() {
	signal.Stop(s.hangups)
	for _, l := range s.listeners {
		_ = l.Close()
	}
	if s.rooms != nil {
		_ = s.rooms.close()
	}
}
