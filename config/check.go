package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"strings"

	"idbroker/broker"
)

// checker holds the rules that concern more than the form of one value.
type checker struct {
	c        *Config
	where    map[string]string // path: line or variable
	problems Problems
}

func (k *checker) add(path, value, what, fix string) {
	k.problems = append(k.problems, Problem{Path: path, Where: whereabouts(k.where, path), Value: value, What: what, Fix: fix})
}

// wrong tells whether the decoder complained about the path already.
func (k *checker) wrong(path string) bool {
	for _, p := range k.problems {
		if p.Path == path {
			return true
		}
	}
	return false
}

func (k *checker) check() {
	k.server()
	k.database()
	k.redis()
	k.mail()
	k.brand()
	k.ranges()
	k.captcha()
	k.lifetimes()
	k.events()
	k.applications()
	k.networks("limits.exempt_networks", k.c.Limits.ExemptNetwork)
	k.statements()
	k.providers()
	k.straightTo()
	k.sms()
	k.usernames()
	k.ways()
	k.reach()
}

// reach warns of people whom nobody can help.
func (k *checker) reach() {
	if k.c.Brand.Help != "" {
		return
	}
	base, err := url.Parse(k.c.Server.BaseURL)
	switch {
	case k.c.Accounts.SecondFactor == "required":
		k.c.warnings = append(k.c.warnings, "brand.help_url: not set, although accounts.second_factor is required; whoever loses the factor is told to ask those who run the service, and not where. Set it to a page or to mailto:…")
	case err == nil && base.Hostname() != "" && !Loopback(base.Hostname()):
		k.c.warnings = append(k.c.warnings, "brand.help_url: not set, so people who cannot sign in are not told whom to ask. Set it to a page or to mailto:…")
	}
}

func (k *checker) server() {
	s := &k.c.Server
	host, port, ok := splitAddress(s.Address)
	if !ok && !k.wrong("server.address") {
		k.add("server.address", shown(s.Address), "is not host:port", "write 127.0.0.1:8080, or :8080 for every interface")
		return
	}
	if s.AdminAddress == "off" {
		s.AdminAddress = ""
	} else if _, _, ok := splitAddress(s.AdminAddress); !ok {
		k.add("server.admin_address", shown(s.AdminAddress), "is not host:port", "write 127.0.0.1:8081, or off")
	} else if s.AdminAddress == s.Address && port != "0" {
		k.add("server.admin_address", shown(s.AdminAddress), "is the address of the public listener too", "give it a port of its own")
	}
	k.tls()
	k.baseURL(host, port)
}

func (k *checker) tls() {
	t := k.c.Server.TLS
	switch {
	case t.Certificate != "" && t.Key == "":
		k.add("server.tls.key", "", "is missing", "name the file with the private key of server.tls.certificate")
	case t.Certificate == "" && t.Key != "":
		k.add("server.tls.certificate", "", "is missing", "name the file with the certificate of server.tls.key")
	case t.Certificate != "":
		for path, name := range map[string]string{"server.tls.certificate": t.Certificate, "server.tls.key": t.Key} {
			if f, err := os.Open(name); err != nil {
				k.add(path, shown(name), "cannot be read: "+cause(err), "name a PEM file that the broker may read")
			} else {
				f.Close()
			}
		}
		if w := Readable(t.Key); w != "" {
			k.c.warnings = append(k.c.warnings, "server.tls.key: "+w)
		}
	}
}

// baseURL checks the issuer, or makes it from a loopback address.
func (k *checker) baseURL(host, port string) {
	const path = "server.base_url"
	s := &k.c.Server
	tls := s.TLS.Certificate != ""
	if k.wrong(path) {
		return
	}
	if s.BaseURL == "" {
		switch {
		case !Loopback(host):
			k.add(path, "", "is not set, and the broker listens on "+plain(s.Address), "set it to the https URL that people use, such as https://id.example.org")
		case port == "0": // the listener will tell
		case tls:
			s.BaseURL = "https://" + net.JoinHostPort(host, port)
		default:
			s.BaseURL = "http://" + net.JoinHostPort(host, port)
		}
		return
	}
	u, err := url.Parse(s.BaseURL)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.add(path, shown(s.BaseURL), "is not a URL", "write https://id.example.org")
		return
	}
	root := u.Scheme + "://" + u.Host
	switch {
	case u.User != nil:
		k.add(path, "", "holds a user name", "write "+root)
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "", strings.Contains(s.BaseURL, "#"):
		k.add(path, shown(s.BaseURL), "has more than scheme and host", "write "+root+": the broker needs a host name of its own")
	case u.Host != strings.ToLower(u.Host):
		k.add(path, shown(s.BaseURL), "has capital letters", "write "+strings.ToLower(root)+": clients compare the issuer letter by letter")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		k.add(path, shown(s.BaseURL), "is not https", "write https://"+u.Host+" and set server.tls, or put a proxy in front that does")
	case u.Scheme == "http" && tls:
		k.add(path, shown(s.BaseURL), "is not https although server.tls is set", "write https://"+u.Host)
	case Loopback(u.Hostname()) && !Loopback(host):
		k.add(path, shown(s.BaseURL), "is loopback, but the broker listens on "+plain(s.Address), "set it to the https URL that people use, or listen on 127.0.0.1")
	default:
		s.BaseURL = root
		if u.Scheme == "https" && !tls && s.TrustedHops == 0 {
			k.c.warnings = append(k.c.warnings, "server.trusted_hops: 0, although a proxy must stand in front (https without server.tls); the log will name the proxy as the client. Set it to 1")
		}
	}
}

func (k *checker) database() {
	const path = "database.dsn"
	dsn := k.c.Database.DSN.Reveal()
	if k.wrong(path) {
		return
	}
	scheme, rest, _ := strings.Cut(dsn, ":")
	switch scheme {
	case "sqlite":
		if rest == "" || strings.HasPrefix(rest, "?") {
			k.add(path, "", "names no file", "write sqlite:broker.db")
		}
		if strings.Contains(rest, ":memory:") || strings.Contains(rest, "mode=memory") {
			k.add(path, "", "keeps nothing: accounts and keys would be lost with the process", "write sqlite:broker.db; \"broker serve --demo\" is for trying out")
		}
	case "postgres", "postgresql":
		u, err := url.Parse(dsn)
		if err != nil || u.Host == "" && u.Query().Get("host") == "" {
			k.add(path, "", "is not a PostgreSQL URL", "write postgres://USER:PASSWORD@HOST/NAME, with special characters percent-encoded")
			return
		}
		if mode := u.Query().Get("sslmode"); (mode == "disable" || mode == "allow" || mode == "prefer") && !Loopback(u.Hostname()) && u.Hostname() != "" {
			k.c.warnings = append(k.c.warnings, "database.dsn: sslmode="+mode+" lets everything travel in the clear; use sslmode=verify-full")
		}
	default:
		k.add(path, "", "is neither SQLite nor PostgreSQL", "begin it with sqlite: or postgres://")
	}
}

var accentPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (k *checker) brand() {
	b := k.c.Brand
	if b.Accent != "" && !accentPattern.MatchString(b.Accent) && !k.wrong("brand.accent") {
		k.add("brand.accent", shown(b.Accent), "is not a colour", "write #rrggbb, in quotes")
	}
	if strings.TrimSpace(b.Name) == "" && !k.wrong("brand.name") {
		k.add("brand.name", "", "is empty", "say what the service is called")
	}
	for path, text := range map[string]string{"brand.terms_url": b.Terms, "brand.privacy_url": b.Privacy, "brand.help_url": b.Help, "brand.imprint_url": b.Imprint} {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || !(u.Scheme == "https" || u.Scheme == "http") || u.Host == "" {
			if err != nil || u.Scheme != "mailto" || u.Opaque == "" {
				k.add(path, shown(text), "is not a link", "write https://… or mailto:…")
			}
		}
	}
}

func (k *checker) mail() {
	m := k.c.Mail
	if m.From != "" {
		if _, err := mail.ParseAddress(m.From); err != nil {
			k.add("mail.from", "", "is not a mail address", "write Name <name@example.org>, or name@example.org")
		}
	}
	for path, text := range map[string]string{"mail.reply_to": m.ReplyTo, "mail.senders.requested": m.Senders.Requested, "mail.senders.security": m.Senders.Security} {
		if _, err := mail.ParseAddress(text); text != "" && err != nil {
			k.add(path, "", "is not a mail address", "write Name <name@example.org>, or name@example.org")
		}
	}
	s := m.SMTP
	if s.CA != "" {
		if _, err := os.ReadFile(s.CA); err != nil {
			k.add("mail.smtp.ca", shown(s.CA), "cannot be read: "+cause(err), "name a PEM file that the broker may read")
		}
	}
	switch {
	case s.Host == "" && (s.Username != "" || s.Password != ""):
		k.add("mail.smtp.host", "", "is missing beside a login", "name the server, or remove username and password")
	case s.Host == "":
		if base, err := url.Parse(k.c.Server.BaseURL); err == nil && base.Hostname() != "" && !Loopback(base.Hostname()) {
			k.c.warnings = append(k.c.warnings, "mail.smtp.host: not set, so mails are only written to "+plain(m.Directory)+" and nobody gets them. Set mail.smtp and mail.from; \"broker mail test\" tries them")
		}
		return
	case m.From == "":
		k.add("mail.from", "", "is missing beside mail.smtp", "write the sender, such as Example Identity <id@example.org>")
	}
	if strings.ContainsAny(s.Host, "/:@ ") && net.ParseIP(s.Host) == nil {
		k.add("mail.smtp.host", shown(s.Host), "is not a host name", "write the name alone; the port goes into mail.smtp.port")
	}
	if (s.Username == "") != (s.Password == "") {
		k.add("mail.smtp.password", "", "and mail.smtp.username are not both set", "set both, or none")
	}
	if s.TLS == "none" && s.Password != "" && !Loopback(s.Host) {
		k.add("mail.smtp.tls", shown(s.TLS), "would send the password in the clear", "write starttls or implicit")
	}
}

func (k *checker) lifetimes() {
	s, t := k.c.Sessions, k.c.Tokens
	if s.Idle > s.Absolute {
		k.add("sessions.idle", shown(formatDuration(s.Idle)), "is longer than sessions.absolute", "write at most "+formatDuration(s.Absolute))
	}
	if s.Remember != 0 && s.Remember < s.Absolute {
		k.add("sessions.remember", shown(formatDuration(s.Remember)), "is shorter than sessions.absolute", "write at least "+formatDuration(s.Absolute)+", or 0s to ask nobody")
	}
	if t.RefreshIdle > t.RefreshAbsolute {
		k.add("tokens.refresh_idle", shown(formatDuration(t.RefreshIdle)), "is longer than tokens.refresh_absolute", "write at most "+formatDuration(t.RefreshAbsolute))
	}
	if every, least := t.SigningKeys.RotateEvery, 2*t.SigningKeys.PublishBefore; every != 0 && every < least {
		k.add("tokens.signing_keys.rotate_every", shown(formatDuration(every)), "is less than twice tokens.signing_keys.publish_before", "write at least "+formatDuration(least)+", or 0s to rotate by hand")
	}
}

// leastEvents is how long events are needed at least: quotas count those of a
// day, and people look for what happened last week.
const leastEvents = 7 * day

func (k *checker) events() {
	if keep := k.c.Events.Keep; keep != 0 && keep < leastEvents {
		k.add("events.keep", shown(formatDuration(keep)), "is less than a week", "write at least "+formatDuration(leastEvents)+", or 0s to keep them for ever")
	}
}

// splitAddress takes host:port apart; a port is a number.
func splitAddress(address string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" || strings.ContainsAny(host, "/@ ") {
		return "", "", false
	}
	var n int
	if _, err := fmt.Sscanf(port, "%d", &n); err != nil || n < 0 || n > 65535 || fmt.Sprint(n) != port {
		return "", "", false
	}
	return host, port, true
}

// Loopback tells whether a host can only be this machine; see broker.Loopback.
func Loopback(host string) bool { return broker.Loopback(host) }
