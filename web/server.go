package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/i18n"
	"idbroker/limits"
	"idbroker/linking"
	"idbroker/tokens"
)

// Store is what web needs of the database beside what it asks the other rooms
// for.
type Store interface {
	sessionRows

	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	User(ctx context.Context, id broker.UserID) (broker.User, error)
	ForgetKnown(ctx context.Context, id broker.UserID, at time.Time) error
	UserByEmail(ctx context.Context, email string) (broker.User, error)

	CreateLogin(ctx context.Context, l broker.Login) error
	Login(ctx context.Context, id broker.LoginID) (broker.Login, error)
	SaveLogin(ctx context.Context, l broker.Login) error
	FinishLogin(ctx context.Context, id broker.LoginID, at time.Time) error

	TouchRemembered(ctx context.Context, id string, at time.Time) error
	TakeSession(ctx context.Context, idHash string) error
	OpenAttempt(ctx context.Context, browserHash, provider string, at time.Time) (broker.Attempt, error)

	CreateUpstream(ctx context.Context, idHash, provider string, u broker.Upstream, since time.Time) error
	Upstream(ctx context.Context, idHash string) (broker.Upstream, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	EndSession(ctx context.Context, user broker.UserID, sid string) error
	EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error)

	Client(ctx context.Context, id string) (broker.Client, error)
	ClientsNamed(ctx context.Context, ids []string) (map[string]broker.Client, error)
	Consent(ctx context.Context, user broker.UserID, client string) (broker.Consent, error)
	ConsentsOf(ctx context.Context, user broker.UserID) ([]broker.Consent, error)
	DeleteConsent(ctx context.Context, user broker.UserID, client string) error
	GrantsOf(ctx context.Context, user broker.UserID) ([]broker.Grant, error)

	Enqueue(ctx context.Context, e broker.OutboxEntry) error
	EnqueueUnlessFirst(ctx context.Context, e broker.OutboxEntry, user broker.UserID) error
	SignInsOf(ctx context.Context, user broker.UserID) (broker.SignIns, error)

	AddEvent(ctx context.Context, e broker.Event) error
	Events(ctx context.Context, user broker.UserID, limit int) ([]broker.Event, error)
}

// Options configures a Server. The zero value of a field is its default.
type Options struct {
	// BaseURL is our external URL, scheme and host alone:
	// "https://id.example.org". Required. With https, cookies are Secure and
	// carry the prefix "__Host-".
	BaseURL string
	Brand   Brand
	Pages   *Pages // templates of the operator's; nil: ours

	SessionIdle     time.Duration // without a request; 0: 2 hours
	SessionAbsolute time.Duration // since sign-in; 0: 12 hours
	Remember        time.Duration // since sign-in, of a session that its person lets outlive the browser; 0: none does
	Theft           Theft         // what is done about copied cookies; "": TheftBasic
	// CookieKey makes the cookies that tell copies and known browsers apart. All
	// replicas have the same one. Zero: a random one, until the process ends.
	CookieKey      [32]byte
	NewBrowserMail bool // a sign-in from a browser that is new to the account is mailed
	// Country says in which country an address is, by its code of ISO 3166-1; ""
	// where it is not known. nil: it never is.
	Country  func(ip string) string
	FreshFor time.Duration // how recent a sign-in is recent; as linking and local have it; 0: 15 minutes

	FreshGrace time.Duration // how long a form that was opened while the sign-in was recent may be sent after that; 0: not at all
	FormKey    [32]byte      // says that it was; replicas share it. Zero: this process has one alone

	TrustedHops int  // proxies of ours before us, whose X-Forwarded-… entries count; 0: none
	MinPassword int  // what the pages say; as local has it; 0: 8
	NoSignUp    bool // newcomers cannot begin accounts
	NoPasswords bool // people sign in with providers alone
	// IdentifyFirst asks who somebody is before it shows the ways in; not with
	// NoPasswords, where nobody is asked that.
	IdentifyFirst bool
	// StraightTo is the provider that people go straight to, without the sign-in
	// page: an id, or StraightToOnly; "" nobody does.
	StraightTo string

	Usernames   bool // people sign in with a username, too
	NoEmails    bool // and not with an address
	UsernameMax int  // most characters; as local has it; 0: broker.MaxUsername
	// UsernameRule is what a username must be, in the operator's words by language.
	UsernameRule map[string]string
	// Fields are what the operator asks for beside; local checks them.
	Fields []broker.ProfileField
	// Affiliations and Visibility are asked for.
	Affiliations, Visibility bool
	// What holds where somebody has chosen nothing. "": restricted; UTC.
	PresetVisibility, PresetEmailVisibility broker.Visibility
	Zone                                    string

	// Limits says who may try a password and have mails sent; nil: everybody,
	// as often as they like.
	Limits *limits.Limiter
	// OnSMSHeld is told of each message that a bound on all of them together held back, for
	// metrics: a limits.SMSBound; nil: nobody listens.
	OnSMSHeld func(bound string)

	// Logos gets the pictures of applications; nil: their initials stand for them.
	Logos Logos

	Log *slog.Logger // nil: discard
	// Wake is called after something may have been put into the outbox; nil:
	// nobody waits.
	Wake func()
	// OnRequest is told of every request, for metrics: route is the pattern,
	// such as "/login/", and "" where none matched; nil: nobody listens.
	OnRequest func(method, route string, status int, d time.Duration)
}

const (
	defaultFresh       = 15 * time.Minute
	defaultMinPassword = 8
)

// Server serves the public listener. It is an http.Handler and safe for
// concurrent use.
type Server struct {
	store    Store
	linker   *linking.Linker
	accounts *local.Accounts
	tokens   *tokens.Service
	cat      *i18n.Catalogs
	pages    *renderer
	sessions *sessionStore
	cookies  cookies
	origin   *http.CrossOriginProtection
	mux      *http.ServeMux
	patterns []string           // of mux
	machines map[string]machine // of mux, by path
	headers  headerSets
	host     string      // of the base URL, with its port
	proxied  atomic.Bool // a proxy has shown itself that we were not told of
	zones    sync.Map    // of pages that were shown: name to *time.Location
	o        Options
	log      *slog.Logger

	operations map[string]operation // by pattern
	openAPI    func() ([]byte, error)
	// Tests hear of every field that a handler asks for, and every page that it
	// shows; nil: nobody listens.
	onField func(pattern, name string)
	onPage  func(pattern string, p page)
}

// New returns a Server. Errors: the base URL is not scheme and host alone, or a
// template is broken.
func New(store Store, linker *linking.Linker, accounts *local.Accounts, tok *tokens.Service, cat *i18n.Catalogs, o Options) (*Server, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("base URL: %w", err)
	case base.Scheme != "https" && base.Scheme != "http", base.Host == "", base.User != nil,
		base.Path != "" && base.Path != "/", base.RawQuery != "", base.Fragment != "":
		return nil, fmt.Errorf("base URL %q must be a scheme and a host, such as https://id.example.org", o.BaseURL)
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		return nil, fmt.Errorf("base URL %q must be https: only loopback goes without", o.BaseURL)
	}
	o.BaseURL = base.Scheme + "://" + base.Host
	o.SessionIdle = or(o.SessionIdle, defaultIdle)
	o.SessionAbsolute = or(o.SessionAbsolute, defaultAbsolute)
	o.FreshFor = or(o.FreshFor, defaultFresh)
	if o.FormKey == [32]byte{} {
		_, _ = rand.Read(o.FormKey[:]) // never fails since Go 1.24
	}
	o.MinPassword = or(o.MinPassword, defaultMinPassword)
	o.UsernameMax = or(o.UsernameMax, broker.MaxUsername)
	o.PresetVisibility = or(o.PresetVisibility, broker.VisibilityRestricted)
	o.PresetEmailVisibility = or(o.PresetEmailVisibility, broker.VisibilityRestricted)
	o.Theft = or(o.Theft, TheftBasic)
	if o.CookieKey == [32]byte{} {
		_, _ = rand.Read(o.CookieKey[:]) // never fails since Go 1.24
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.OnRequest == nil {
		o.OnRequest = func(string, string, int, time.Duration) {}
	}
	pages, err := newRenderer(cat, o.Brand)
	if err != nil {
		return nil, err
	}
	if o.Pages != nil {
		if err := pages.use(o.Pages); err != nil {
			return nil, err
		}
	}
	jar := cookies{secure: base.Scheme == "https"}
	s := &Server{
		store: store, linker: linker, accounts: accounts, tokens: tok, cat: cat, pages: pages, cookies: jar,
		origin: http.NewCrossOriginProtection(), host: base.Host, o: o, log: o.Log, operations: operations(),
	}
	if err := s.origin.AddTrustedOrigin(o.BaseURL); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	s.sessions = &sessionStore{
		rows: store, cookies: jar, idle: o.SessionIdle, absolute: o.SessionAbsolute, remember: o.Remember,
		theft: &theftGuard{level: o.Theft, key: o.CookieKey, country: s.country, cookies: jar},
	}
	s.headers = newHeaders(jar.secure)
	s.openAPI = sync.OnceValues(s.describe) // few ask, and it is half a megabyte
	s.mux = s.routes()
	return s, tok.UseFormPost(s.formPost)
}

// or is v, or preset where v is zero.
func or[T comparable](v, preset T) T {
	var zero T
	if v == zero {
		return preset
	}
	return v
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// client returns an application for a page, in a language; nil where there is none.
func (s *Server) client(ctx context.Context, id, lang string) (*clientView, error) {
	if id == "" {
		return nil, nil
	}
	c, err := s.store.Client(ctx, id)
	if errors.Is(err, broker.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("client %s: %w", id, err)
	}
	v := viewClient(c, lang)
	return &v, nil
}

// clientNames are what applications are called in a language, by id; those that are not
// here any more are left out, and so is "".
func (s *Server) clientNames(ctx context.Context, ids []string, lang string) (map[string]string, error) {
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	clients, err := s.store.ClientsNamed(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("clients: %w", err)
	}
	names := make(map[string]string, len(clients))
	for id, c := range clients {
		names[id] = viewClient(c, lang).Name
	}
	return names, nil
}

// viewClient is what a person sees of an application. The host comes from its
// registration, never from a request.
func viewClient(c broker.Client, lang string) clientView {
	v := clientView{
		Name: c.Localized("client_name", lang, c.Name), URL: c.Localized("client_uri", lang, c.ClientURI),
		Policy: c.Localized("policy_uri", lang, c.PolicyURI), Terms: c.Localized("tos_uri", lang, c.TermsURI), Contacts: c.Contacts,
	}
	if v.Name == "" {
		v.Name = c.ID
	}
	for _, raw := range append([]string{c.ClientURI}, c.RedirectURIs...) {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			v.Host = u.Host
			break
		}
	}
	return v
}
