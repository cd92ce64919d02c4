// Package config reads the operator's settings: built-in defaults, then one
// YAML file, then the environment. It refuses what it does not know and tells
// all problems at once; it never prints a secret, and it writes no file.
//
// The structs below are the one description of every setting. Their tags give
// the key (koanf), the default, the description (doc), a value for the example
// (example) and the limits (enum, min, max); the decoder, the JSON Schema, the
// annotated example and "config print" are made from them.
package config

import (
	"time"

	"idbroker/broker"
)

// Config is everything that an operator can set. The zero value is not usable:
// Load fills in the defaults.
type Config struct {
	Server       Server       `koanf:"server" doc:"Where the broker listens and under which address people reach it."`
	Database     Database     `koanf:"database" doc:"Where everything is kept."`
	Redis        Redis        `koanf:"redis" doc:"A Redis for what changes with every visit: sessions and the counting of tries. Without one they are in the database. See docs/sessions.md."`
	Secrets      Secrets      `koanf:"secrets" doc:"The keys that seal what the database holds. Back them up apart from the database: neither is of use without the other."`
	Mail         Mail         `koanf:"mail" doc:"How mails leave. Without an SMTP server they are written to a directory."`
	Brand        Brand        `koanf:"brand" doc:"How the pages introduce themselves."`
	Templates    Templates    `koanf:"templates" doc:"Pages, mails and texts of your own, and further languages."`
	Accounts     Accounts     `koanf:"accounts" doc:"What people may do for themselves."`
	Linking      Linking      `koanf:"linking" doc:"How accounts at providers are tied to accounts here."`
	Sessions     Sessions     `koanf:"sessions" doc:"How long a browser stays signed in at the broker."`
	Limits       Limits       `koanf:"limits" doc:"How often somebody may try a password or have a mail sent, before it costs them."`
	Tokens       Tokens       `koanf:"tokens" doc:"How long the tokens of applications last."`
	Applications Applications `koanf:"applications" doc:"What applications may have the broker do."`
	Registration Registration `koanf:"registration" doc:"Whether applications may register themselves (RFC 7591). Without it an operator does, with \"broker clients create\"."`
	Providers    []Provider   `koanf:"providers" doc:"Remote apps that people can sign in with. The order is the order of the buttons."`
	Events       Events       `koanf:"events" doc:"The audit trail: who signed in, linked, allowed and changed what."`
	Log          Log          `koanf:"log" doc:"What is written to standard error."`

	origin   map[string]string // path: where its value came from; missing: the default
	warnings []string
}

// Server is the section "server".
type Server struct {
	Address      string `koanf:"address" default:"127.0.0.1:8080" doc:"Host and port of the public listener. \":8080\" listens on every interface."`
	BaseURL      string `koanf:"base_url" example:"https://id.example.org" doc:"The URL that people and applications use: scheme and host, no path. It is the issuer of every token, so it cannot change later. https, unless the host is loopback. Not set: made from the address, where that is loopback."`
	AdminAddress string `koanf:"admin_address" default:"127.0.0.1:8081" doc:"Host and port of the second listener, for /metrics, /healthz/live and /healthz/ready; profiling too where it is loopback. \"off\" does without."`
	TLS          TLS    `koanf:"tls" doc:"Serve HTTPS without a proxy. Both files are read again on SIGHUP."`
	TrustedHops  int    `koanf:"trusted_hops" default:"0" min:"0" max:"10" example:"1" doc:"How many proxies of yours stand in front and add to X-Forwarded-For. 0: such headers are ignored."`

	ShutdownTimeout time.Duration `koanf:"shutdown_timeout" default:"20s" min:"1s" max:"10m" doc:"How long requests that are under way may take to finish after SIGTERM."`
}

// TLS is the section "server.tls".
type TLS struct {
	Certificate string `koanf:"certificate" example:"/etc/broker/tls.crt" doc:"File with the certificate and its chain, PEM."`
	Key         string `koanf:"key" example:"/etc/broker/tls.key" doc:"File with the private key, PEM."`
}

// Database is the section "database".
type Database struct {
	DSN      broker.Secret `koanf:"dsn" default:"sqlite:broker.db" example:"postgres://broker@db.example.org/broker?sslmode=verify-full" essential:"true" doc:"\"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST/NAME\". dsn_file reads it from a file."`
	Migrate  string        `koanf:"migrate" default:"auto" enum:"auto,always,never" doc:"Whether serve brings the schema up to date by itself. auto: on SQLite only; on PostgreSQL run \"broker migrate up\" first."`
	MaxConns int           `koanf:"max_connections" default:"0" min:"0" max:"1000" doc:"Most connections to the database. 0: a number that suits the machine."`
}

// Redis is the section "redis".
type Redis struct {
	URL      string        `koanf:"url" example:"rediss://broker@redis.example.org:6379/0" doc:"redis://USER@HOST:PORT/NUMBER, rediss:// for TLS, or unix:///PATH; the same for all replicas. Not set: none. Setting or changing it signs everybody out."`
	Password broker.Secret `koanf:"password" example:"/run/secrets/redis-password" doc:"Password there. Not set: none."`
	CA       string        `koanf:"ca" example:"/etc/broker/redis-ca.pem" doc:"File with the authority (PEM) that the server's certificate must come from. Not set: those that the machine trusts."`
	Prefix   string        `koanf:"prefix" default:"broker." doc:"What every key begins with; another one for each broker that shares the Redis."`
}

// Secrets is the section "secrets".
type Secrets struct {
	Keyring     broker.Secret `koanf:"keyring" nofile:"true" example:"bm90IGEga2V5OiBydW4gImJyb2tlciBrZXlzIGtleXJpbmciIQ==" doc:"The keyring itself, as \"broker keys keyring\" prints it: base64 of 32 bytes a line, newest first. Prefer keyring_file."`
	KeyringFile string        `koanf:"keyring_file" default:"broker.key" example:"/run/secrets/broker-keyring" doc:"File with the keyring. With a new SQLite database it is made where it does not exist, for its owner alone (0600)."`
}

// Mail is the section "mail".
type Mail struct {
	From      string  `koanf:"from" example:"Example Identity <id@example.org>" doc:"Sender of every mail. Needed with an SMTP server."`
	ReplyTo   string  `koanf:"reply_to" example:"Helpdesk <help@example.org>" doc:"Where answers to our mails go. Not set: to the sender."`
	Senders   Senders `koanf:"senders" doc:"Senders for single kinds of mails, where they differ."`
	SMTP      SMTP    `koanf:"smtp" doc:"The server that takes our mail."`
	Directory string  `koanf:"directory" default:"mail" doc:"Where mails are written, as .eml files, while no SMTP server is set."`
}

// Senders is the section "mail.senders".
type Senders struct {
	Requested string `koanf:"requested" example:"Example Identity <sign-in@example.org>" doc:"Sender of mails that somebody asked for just now: links and codes. Not set: mail.from."`
	Security  string `koanf:"security" example:"Example Security <security@example.org>" doc:"Sender of mails that tell of a change of an account. Not set: mail.from."`
}

// SMTP is the section "mail.smtp".
type SMTP struct {
	Host     string        `koanf:"host" example:"smtp.example.org" doc:"Host name of the server."`
	Port     int           `koanf:"port" default:"587" min:"1" max:"65535" doc:"Port of the server."`
	Username string        `koanf:"username" example:"broker" doc:"Login there. Not set: no authentication."`
	Password broker.Secret `koanf:"password" example:"/run/secrets/smtp-password" doc:"Password there."`
	TLS      string        `koanf:"tls" default:"starttls" enum:"starttls,implicit,none" doc:"starttls: encrypt or fail. implicit: TLS from the first byte (port 465). none: in the clear; only without a password, or on loopback."`
	CA       string        `koanf:"ca" example:"/etc/broker/mail-ca.pem" doc:"File with the authority (PEM) that the server's certificate must come from. Not set: those that the machine trusts."`
}

// Brand is the section "brand".
type Brand struct {
	Name    string `koanf:"name" default:"Identity Broker" max:"60" doc:"What the service is called, on pages and in mails."`
	Logo    string `koanf:"logo" example:"/etc/broker/logo.svg" doc:"File with the logo: SVG, PNG, WebP or JPEG, at most 256 KiB."`
	Accent  string `koanf:"accent" example:"#1a5fb4" doc:"Colour of buttons and links, as #rrggbb. Contrast is seen to."`
	Terms   string `koanf:"terms_url" example:"https://example.org/terms" doc:"Page with the terms of use."`
	Privacy string `koanf:"privacy_url" example:"https://example.org/privacy" doc:"Page with the privacy notice."`
	Help    string `koanf:"help_url" example:"https://example.org/help" doc:"Page where people find help."`
	Imprint string `koanf:"imprint_url" example:"https://example.org/imprint" doc:"Page that says who runs the service."`
}

// Templates is the section "templates".
type Templates struct {
	Directory string `koanf:"directory" example:"/etc/broker/templates" doc:"Directory of templates and catalogs that take the place of ours, as \"broker templates export\" prepares and \"broker templates check\" checks it. It is read at the start, which is refused where something is wrong, and on SIGHUP, where what was read before stays."`
}

// Accounts is the section "accounts".
type Accounts struct {
	SignUp            bool          `koanf:"sign_up" default:"true" doc:"Newcomers may create accounts. false: an operator does, with \"broker users create\"."`
	WelcomeMail       string        `koanf:"welcome_mail" default:"vouched" enum:"vouched,all,none" doc:"Who is told by mail that an account began. vouched: where a provider's word stood for the address and no mail was sent, so that its owner hears of it. all: everybody. none: nobody."`
	Passwords         bool          `koanf:"passwords" default:"true" doc:"Accounts may have a password. false: providers open accounts and, where they are on, codes by mail (email_codes: sign_in) and passkeys; newcomers then sign up with their address, where codes sign in or passkeys are all there is. Something has to be on."`
	StraightTo        string        `koanf:"straight_to" default:"only" example:"off" doc:"Who goes straight to a provider instead of the sign-in page. only: everybody, while neither passwords nor codes by mail sign in and one provider is offered. An id: everybody, to that provider. off: nobody. /login/?choose=1 always shows the page; so does it to whoever was not let in or has signed out, for ten minutes."`
	PasswordMin       int           `koanf:"password_min" default:"8" min:"8" max:"64" doc:"Least number of characters in a new password."`
	PasswordStrength  int           `koanf:"password_strength" default:"2" min:"0" max:"4" doc:"Least strength of a new password, as zxcvbn scores it: 1 not guessed within 10^6 tries, 2 within 10^8, 3 within 10^10, 4 within 10^12; 0 any. People are told what makes theirs weak. There are no rules about signs and digits, and old passwords keep working."`
	HashingAtOnce     int           `koanf:"hashing_at_once" default:"0" min:"0" max:"1024" doc:"How many password hashes are computed at once; each takes 19 MiB and a processor for 25 ms. Others wait for up to ten seconds. 0: as many as there are processors."`
	InvenioSalt       broker.Secret `koanf:"invenio_password_salt" example:"/run/secrets/invenio-salt" doc:"SECURITY_PASSWORD_SALT of the Invenio (Flask-Security) whose double hashes were imported with \"broker users create --double-hash\". Keep it until their owners have signed in once."`
	Pepper            broker.Secret `koanf:"pepper" example:"/run/secrets/pepper" doc:"Keys that are mixed into password hashes and kept apart from the database: base64 of 32 bytes a line, newest first, as \"broker keys keyring\" prints one. Whoever loses one loses the passwords made with it."`
	BreachedPasswords string        `koanf:"breached_passwords" example:"/var/lib/broker/breached" doc:"File of breached passwords that nobody may choose, as \"broker passwords prepare\" makes it. Nothing is asked of the Internet."`
	BreachedRangeURL  string        `koanf:"breached_range_url" example:"https://api.pwnedpasswords.com/range/" doc:"Where to ask whether a new password has leaked: five digits of its SHA-1 are sent, and the answer holds all that begin so (k-anonymity). Where nobody answers, the password is taken. Empty: nobody is asked."`
	EmailCodes        string        `koanf:"email_codes" default:"link" enum:"off,link,sign_in" doc:"What a code that is mailed to the address of an account may open it for. link: to prove the account to which a new identity is to be linked, where passwords are on (there the mailbox can choose a new password anyway). sign_in: that, and to sign in instead of a password, also where passwords are off."`
	CloseAfter        time.Duration `koanf:"close_after" default:"14d" min:"24h" max:"90d" doc:"How long an account is kept that its person has closed. Until then they can reopen it; then it is erased, as with \"broker users delete\"."`
	SecondFactor      string        `koanf:"second_factor" default:"opt_in" enum:"never,opt_in,required" doc:"Whether people are asked for a second factor when they sign in: a passkey, a code of an app (TOTP), one that is sent to their phone (accounts.sms), or a recovery code. opt_in: whoever has set one up, after whatever came first, a provider included, and whoever signs in for an application that wants one. required: everybody; who has none sets one up as they sign in, and sessions from before end. never: nobody, also those who have set one up before, and applications that want one are refused."`
	Passkeys          string        `koanf:"passkeys" default:"opt_in" enum:"never,opt_in" doc:"Whether people may sign in with passkeys, which they add in their settings. They are bound to the host of server.base_url, which has to be a name and no address: where it changes, all of them stop working. never: nobody, also those who have added some before."`
	Domains           Domains       `koanf:"domains" doc:"The e-mail domains that people come from; \"broker domains\" says what holds for single ones."`
	SMS               SMS           `koanf:"sms" doc:"A service of yours that sends messages to telephones: with it a number can be a second factor, which is weaker than an app. docs/sms-hook.md has the contract."`
	RememberFactor    time.Duration `koanf:"remember_factor" default:"30d" min:"0s" max:"400d" doc:"How long people need not show their second factor again in a browser in which they said so when they did. What they prove first is asked for all the same; for an application that wants two factors, and before they change what protects the account, the second one is too. 0s: never."`
	Identifiers       []string      `koanf:"identifiers" example:"[email]" doc:"What people may sign in with beside a password: email, username. Not set: both. username alone: everybody needs one, and says so at sign-up. The answer and its time are the same for names that nobody has."`
	IdentifyFirst     bool          `koanf:"identify_first" doc:"Sign-in asks for the address or username first, and shows the ways in on the next page: in a browser in which that person has signed in before their own, the one used last first, in every other browser those of the site, whoever is named. false: one page has it all, which is a step less for whoever comes with a new browser; to tell them which ways an account has would tell strangers that there is one."`
	Username          Username      `koanf:"username" doc:"Which usernames people may choose. Names that they have already stay."`
	Defaults          Defaults      `koanf:"defaults" doc:"What holds where somebody has chosen nothing."`
	Profile           Profile       `koanf:"profile" doc:"What people may tell of themselves beside name, username and language. Ask for what an application of yours needs, and no more."`
}

// Domains is the section "accounts.domains".
type Domains struct {
	Default string `koanf:"default" default:"new" enum:"new,moderated,verified,blocked" doc:"What holds for domains about which nothing was decided. new: their people come in as anybody does. moderated: newcomers wait until an operator activates them (\"broker users list --waiting\"). verified: whoever proves an address is verified; only where you trust everybody who can sign up. blocked: nobody proves an address there, so that only the domains which you have set are let in. Who has an account already keeps it."`
}

// SMS is the section "accounts.sms".
type SMS struct {
	URL        string        `koanf:"url" example:"https://sms.example.org/send" doc:"Where each message is posted to as JSON. https, unless the host is loopback. Not set: no messages."`
	Secret     broker.Secret `koanf:"secret" example:"/run/secrets/sms-hook-signing-secret" doc:"What each request is signed with: at least 32 characters."`
	Countries  []string      `koanf:"countries" example:"[\"+41\", \"+49\"]" doc:"What the numbers begin with that messages go to: country codes, or more digits of a region. Not set: all countries, but no satellites, premium rates and the like. Whoever has another number already gets no code there any more."`
	PerHour    int           `koanf:"per_hour" default:"200" min:"10" max:"1000000" doc:"Messages within any hour, all together; half of them at once, and at most half of them to numbers that are nobody's second factor yet. Then codes are held back (429), and the log says so. It is the operator's money, so it holds where limits.enabled is false, too."`
	PerCountry int           `koanf:"per_country" default:"100" min:"10" max:"1000000" doc:"Of these, to one entry of countries or, where that is not set, to one country."`
}

// Username is the section "accounts.username".
type Username struct {
	Pattern    string            `koanf:"pattern" example:"[a-z][a-z0-9-]*" doc:"Regular expression (RE2) that a whole username must match. It has letters, digits and \".\", \"_\", \"-\" between them in any case, never looks like an address, and its letters are of one script. Write (?i) in front to ignore case."`
	Message    map[string]string `koanf:"message" example:"{en: \"Small letters, digits and dashes, beginning with a letter.\"}" doc:"What the pattern asks for, by language, for the people who choose a name."`
	Min        int               `koanf:"min" default:"1" min:"1" max:"64" doc:"Fewest characters."`
	Max        int               `koanf:"max" default:"64" min:"1" max:"64" doc:"Most characters."`
	Reserved   []string          `koanf:"reserved" example:"[press, jobs]" doc:"Names that nobody may choose, beside admin, root, support and others that would be taken for the service; also with \".\", \"_\" and \"-\" in them. An operator can give them away."`
	KeepFormer time.Duration     `koanf:"keep_former" default:"0s" min:"0s" max:"36500d" doc:"How long nobody else may take a username that somebody has given up, or whose account is gone: applications may know them by it. 0s: for ever."`
}

// Defaults is the section "accounts.defaults".
type Defaults struct {
	Locale          string `koanf:"locale" example:"de" doc:"Language of accounts that an operator makes. Not set: that of the browser they are used with."`
	Zone            string `koanf:"zone" example:"Europe/Zurich" doc:"Time zone of the times on pages (a name of the IANA time zone database). Not set: UTC."`
	Visibility      string `koanf:"visibility" default:"restricted" enum:"restricted,public" doc:"Who may see a profile in applications that ask."`
	EmailVisibility string `koanf:"email_visibility" default:"restricted" enum:"restricted,public" doc:"Who may see the address in applications that ask."`
}

// Profile is the section "accounts.profile".
type Profile struct {
	Phone   bool `koanf:"phone" doc:"A telephone number, for the scope \"phone\". It is not checked by calling it."`
	Address bool `koanf:"address" doc:"A postal address, for the scope \"address\"."`

	Affiliations bool   `koanf:"affiliations" doc:"Where they work or study, for the scope and claim \"affiliations\"."`
	Visibility   bool   `koanf:"visibility" doc:"Whether applications may show profile and address to everybody, for the scope \"visibility\" with the claims \"profile_visibility\" and \"email_visibility\"."`
	Fields       string `koanf:"fields" example:"/etc/broker/fields.json" doc:"Fields of your own: a file with a JSON Schema, or the schema itself where this begins with {. See docs/profile.md."`
}

// Linking is the section "linking".
type Linking struct {
	UndoWithin time.Duration `koanf:"undo_within" default:"7d" min:"1h" max:"90d" doc:"How long the link in a mail about a linked or unlinked account, or another e-mail address, takes that change back; also a passkey or a second factor that was added, and a sign-in from a new browser."`
}

// Sessions is the section "sessions".
type Sessions struct {
	Idle       time.Duration `koanf:"idle" default:"2h" min:"1m" max:"400d" doc:"A session ends after so long without a request."`
	Absolute   time.Duration `koanf:"absolute" default:"12h" min:"1m" max:"400d" doc:"A session ends so long after sign-in."`
	Fresh      time.Duration `koanf:"fresh" default:"15m" min:"1m" max:"24h" doc:"What protects an account, or tells all of it, asks for a sign-in not older than this: linking, unlinking, the e-mail address, the second factor, exporting, closing; the password where there is none yet, or a second factor beside it."`
	FreshGrace time.Duration `koanf:"fresh_grace" default:"10m" min:"0s" max:"24h" doc:"How much longer such a form may be sent that was opened in time. 0s: not at all."`
	Remember   time.Duration `koanf:"remember" default:"0s" min:"0s" max:"400d" doc:"People may choose to stay signed in for so long after sign-in, also when they close the browser. At least as long as absolute. 0s: nobody is asked."`

	TheftProtection string        `koanf:"theft_protection" default:"basic" enum:"strict,basic,off" doc:"basic: a session that is used from another browser or system, or with copied cookies, ends, and its person is told. strict: also one that comes from another network or country; for people who do not travel. See docs/sessions.md."`
	NewDeviceMail   bool          `koanf:"new_device_mail" default:"true" doc:"A sign-in from a browser that is new to the account is told by mail."`
	KeepIPs         time.Duration `koanf:"keep_ips" default:"30d" min:"0s" max:"1000d" doc:"IP addresses of sessions, sign-ins, remembered browsers and the audit trail are forgotten after so long. 0s: never."`
	Countries       string        `koanf:"countries" example:"/var/lib/broker/countries.mmdb" doc:"A file in MaxMind's format (.mmdb) that knows the countries of IP addresses, such as GeoLite2-Country or DB-IP's; it is read again on SIGHUP. \"\": people see addresses alone."`
}

// Tokens is the section "tokens".
type Tokens struct {
	Code            time.Duration `koanf:"code" default:"1m" min:"10s" max:"10m" doc:"Authorization code (RFC 6749, section 4.1.2: ten minutes at most)."`
	Access          time.Duration `koanf:"access" default:"10m" min:"1m" max:"24h" doc:"Access token."`
	ID              time.Duration `koanf:"id" default:"10m" min:"1m" max:"24h" doc:"ID token."`
	RefreshIdle     time.Duration `koanf:"refresh_idle" default:"30d" min:"5m" max:"400d" doc:"Refresh token, since it was last used."`
	RefreshAbsolute time.Duration `koanf:"refresh_absolute" default:"365d" min:"5m" max:"1000d" doc:"Refresh token, since the person signed in."`
	RefreshGrace    time.Duration `koanf:"refresh_grace" default:"1m" min:"0s" max:"5m" doc:"How long the predecessor of a refresh token is still answered, for applications that refresh twice at once. 0s: not at all."`
	SigningKeys     SigningKeys   `koanf:"signing_keys" doc:"The keys that sign ID tokens, and when one follows another."`
}

// SigningKeys is the section "tokens.signing_keys".
type SigningKeys struct {
	RotateEvery   time.Duration `koanf:"rotate_every" default:"90d" min:"0s" max:"1000d" doc:"How long a key signs before its successor does. At least twice publish_before. 0s: until an operator rotates."`
	PublishBefore time.Duration `koanf:"publish_before" default:"1h" min:"15m" max:"30d" doc:"How long a new key is published before it signs, so that applications have fetched it by then; they may keep the keys for ten minutes."`
}

// Registration is the section "registration".
type Registration struct {
	Mode       string            `koanf:"mode" default:"off" enum:"off,token,open" doc:"token: whoever has an initial access token (\"broker clients token create\"). open: everybody, within the limits below."`
	Scopes     []string          `koanf:"scopes" example:"[openid, email]" doc:"What such applications may ask for at most. Not set: all that the broker offers."`
	PerAddress int               `koanf:"per_address" default:"10" min:"1" max:"100000" doc:"Open registrations a day from one address."`
	PerDay     int               `koanf:"per_day" default:"100" min:"1" max:"1000000" doc:"Open registrations a day altogether."`
	Total      int               `koanf:"total" default:"1000" min:"1" max:"100000" doc:"How many applications that registered themselves there may be."`
	Statements map[string]string `koanf:"software_statements" example:"{\"https://directory.example.org\": https://directory.example.org/jwks.json}" doc:"Who may vouch for software with software statements (RFC 7591, section 2.3): the issuer, and its keys, as an https URL or the name of a file with a JWK Set. What a statement says counts more than what the application says itself."`
	Required   bool              `koanf:"require_software_statement" default:"false" doc:"No application registers itself without a software statement."`
	Unused     time.Duration     `koanf:"unused" default:"90d" min:"1d" max:"1000d" doc:"An application that registered itself and was not used for so long is removed."`
}

// Events is the section "events".
type Events struct {
	Keep time.Duration `koanf:"keep" default:"365d" min:"0s" max:"10000d" doc:"Events older than this are removed; at least 7d. 0s: none ever is."`
}

// Log is the section "log".
type Log struct {
	Format string `koanf:"format" default:"auto" enum:"auto,text,json" doc:"auto: text on a terminal, JSON otherwise."`
	Level  string `koanf:"level" default:"info" enum:"debug,info,warn,error" doc:"The least important lines to write."`
}

// Warnings are what an operator should look at although the broker starts.
func (c *Config) Warnings() []string { return c.warnings }
