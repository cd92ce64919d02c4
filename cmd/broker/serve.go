package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"idbroker/broker/local"
	"idbroker/config"
)

type serveCommand struct {
	Demo bool `help:"Try it out: a demo application, demo providers and a mailbox on loopback; nothing is kept."`
}

// Help teaches.
func (serveCommand) Help() string {
	return `Without any configuration it listens on http://127.0.0.1:8080, keeps everything in broker.db in the working directory, makes its keyring (broker.key, mode 0600) and prints a link with which the first administrator takes it over.

	broker serve --demo                        # click through everything, offline
	broker serve                               # run it here
	broker config example > broker.yaml        # then shape it
	broker clients create "My app" --redirect-uri https://app.example.org/callback

SIGTERM finishes what is under way (a second one does not), SIGHUP reads the TLS certificate, templates.directory and sessions.countries again. On PostgreSQL run "broker migrate up" before a new version.`
}

// Run serves until a signal comes.
func (c serveCommand) Run(ctx context.Context, p *program) error {
	if c.Demo {
		return p.serveDemo(ctx)
	}
	cfg, err := p.loadWhole(ctx)
	if err != nil {
		return err
	}
	log, flush := p.spooled(cfg)
	defer flush()
	for _, w := range warnings(cfg) {
		log.WarnContext(ctx, "configuration", "warning", w)
	}
	s, err := listen(ctx, cfg, nil, log)
	if err != nil {
		return err
	}
	s.start()
	s.log.InfoContext(ctx, "listening", "address", s.listeners[s.public].Addr().String(), "base_url", s.base, "tls", s.cert != nil, "version", version().Version)
	if cfg.Accounts.Passkeys != "never" && !local.PasskeysAt(s.base) {
		s.log.InfoContext(ctx, "no passkeys: browsers bind them to a host name, and server.base_url has an address; write a name there, such as localhost, or accounts.passkeys: never", "base_url", s.base)
	}
	if said := slices.ContainsFunc(cfg.Warnings(), func(w string) bool { return strings.HasPrefix(w, "mail.smtp.host: ") }); cfg.Mail.SMTP.Host == "" && !said {
		s.log.WarnContext(ctx, "no mail server: mails are only written to files", "directory", cfg.Mail.Directory, "todo", "read them there while you try it out; set mail.smtp and mail.from to send them")
	}
	fmt.Fprint(p.out, s.announcement()+s.claim(ctx))
	tuneCollector()
	return s.run(ctx)
}

// collectAt is how much the heap may grow between two runs of the garbage
// collector, in percent of what lives. Little does: ten megabytes, of which a
// request needs none for long, so that the usual 100 would have it run all the time. What the
// start needs is collected before: the room that it takes stays in pieces. GOGC overrides it.
const collectAt = 400

func tuneCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}

// warnings are what an operator should look at although the broker starts.
func warnings(cfg config.Config) []string { return append(cfg.Warnings(), openFiles(cfg)...) }

// openFiles warns of files with secrets that everybody can read.
func openFiles(cfg config.Config) []string {
	var all []string
	names := []string{cfg.Secrets.KeyringFile}
	if isSQLite(cfg) {
		names = append(names, sqlitePath(cfg))
	}
	for _, name := range names {
		if w := config.Readable(name); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// announcement says where the broker listens.
func (s *server) announcement() string {
	text := fmt.Sprintf("The broker is at %s\n  discovery           %s/.well-known/openid-configuration\n", s.base, s.base)
	if s.side != nil {
		text += fmt.Sprintf("  health and metrics  http://%s\n", s.listeners[s.side].Addr())
	}
	return text
}

// claim is the link with which the first administrator takes over; "" where
// there is one. It is printed, not logged: logs travel.
func (s *server) claim(ctx context.Context) string {
	token, err := s.rooms.accounts.Claim(ctx)
	if errors.Is(err, local.ErrClaimed) {
		return ""
	}
	if err != nil {
		s.log.ErrorContext(ctx, "no claim link", "err", err, "todo", "make the first administrator with: broker users create ADDRESS --admin --password-stdin")
		return ""
	}
	return fmt.Sprintf("\nNobody administers this installation yet. Open this link to do so; it works once, for a day:\n  %s/claim/?token=%s\n\n", s.base, token.Reveal())
}

// run serves until ctx ends or a listener fails, then stops in order.
func (s *server) run(ctx context.Context) error {
	jobs := s.startJobs()
	defer signal.Stop(s.hangups)
	var failure error
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case failure = <-s.failed:
			running = false
		case <-s.hangups:
			s.reload()
		}
	}
	return errors.Join(failure, s.stop(jobs))
}

// reload reads again what can change while we serve.
func (s *server) reload() {
	if s.cert == nil && s.countries == nil && s.cfg.Templates.Directory == "" {
		s.log.Info("nothing to reload: none of server.tls, templates.directory and sessions.countries is set; other settings need a restart")
		return
	}
	s.reloadOverrides()
	if s.cert != nil {
		if err := s.cert.reload(); err != nil {
			s.log.Error("certificate not reloaded, the one before stays", "err", err)
		} else {
			s.log.Info("certificate reloaded", "not_after", s.cert.notAfter())
		}
	}
	if s.countries != nil {
		if err := s.countries.reload(); err != nil {
			s.log.Error("countries not reloaded, those before stay", "err", err)
		} else {
			s.log.Info("countries reloaded", "built_at", s.countries.builtAt())
		}
	}
}

// jobTime is how long the outbox may take to finish the entry that it is at.
const jobTime = 30 * time.Second

// stop finishes requests, then background work, then closes the database.
func (s *server) stop(jobs *jobs) error {
	began := time.Now()
	s.admin.stopping.Store(true)
	signal.Reset(os.Interrupt, syscall.SIGTERM) // before we promise it: the next one ends the process
	s.log.Info("shutting down; a second signal stops at once", "timeout", s.cfg.Server.ShutdownTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Server.ShutdownTimeout)
	defer cancel()
	var problems []error
	if err := s.public.Shutdown(ctx); err != nil {
		problems = append(problems, fmt.Errorf("requests were still under way after %s and were cut off", s.cfg.Server.ShutdownTimeout), s.public.Close())
	}
	if !jobs.stop(jobTime) {
		problems = append(problems, errors.New("background work did not end in time; it is taken up again at the next start"))
	}
	if s.side != nil {
		_ = s.side.Close()
	}
	s.ring.leave(ctx)
	problems = append(problems, s.rooms.close())
	s.log.Info("stopped", "took", time.Since(began).Round(time.Millisecond).String())
	return errors.Join(problems...)
}
