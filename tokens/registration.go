package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// Who may register applications at the endpoint (RFC 7591, section 3).
const (
	RegisterOff   = "off"   // nobody
	RegisterToken = "token" // who has an initial access token
	RegisterOpen  = "open"  // everybody, within quotas
)

// Registration configures dynamic client registration. The zero value of a field
// is its default.
type Registration struct {
	Mode       string   // "": RegisterOff
	Scopes     []string // what such clients may ask for at most; nil: the scopes about people
	PerAddress int      // open registrations a day from one address; 0: 10
	PerDay     int      // and from everywhere; 0: 100
	Total      int      // dynamic clients there may be; 0: 1000
	// Statements are by whom software can be vouched for; nil: by nobody.
	Statements       []StatementIssuer
	RequireStatement bool          // nobody registers without a software statement
	Unused           time.Duration // after so long without use one is removed; 0: 90 days
}

const (
	registerPerAddress = 10
	registerPerDay     = 100
	registerTotal      = 1000
	registerUnused     = 90 * 24 * time.Hour

	registerDay = 24 * time.Hour // of the quotas
	// useNoted is how precisely the last use of a dynamic client is known.
	useNoted = 24 * time.Hour
	// pruneClients is how many go at a time.
	pruneClients = 100
)

func (r Registration) complete(offered []string) Registration {
	r.Mode = orDefault(r.Mode, RegisterOff)
	if r.Scopes == nil {
		r.Scopes = offered
	}
	r.PerAddress, r.PerDay, r.Total = orDefault(r.PerAddress, registerPerAddress), orDefault(r.PerDay, registerPerDay), orDefault(r.Total, registerTotal)
	r.Unused = orDefault(r.Unused, registerUnused)
	return r
}

func orDefault[T comparable](v, preset T) T {
	var zero T
	if v == zero {
		return preset
	}
	return v
}

// Errors of RFC 7591, section 3.2.2.
var (
	errMetadata  = &fosite.RFC6749Error{ErrorField: "invalid_client_metadata", CodeField: http.StatusBadRequest}
	errRedirects = &fosite.RFC6749Error{ErrorField: "invalid_redirect_uri", CodeField: http.StatusBadRequest}
	errDocument  = refuse(errMetadata, "The body must be one JSON object in UTF-8, with every member once.")
	errJSONType  = refuse(errMetadata, "The content type must be application/json, in UTF-8.")
	errQuota     = &fosite.RFC6749Error{ErrorField: "temporarily_unavailable", DescriptionField: "Too many applications were registered. Try again tomorrow, or ask the operator for an initial access token.", CodeField: http.StatusTooManyRequests}
	errFull      = &fosite.RFC6749Error{ErrorField: "temporarily_unavailable", DescriptionField: "No more applications can register themselves. Ask the operator.", CodeField: http.StatusTooManyRequests}
)

// bearerWrong answers a registration or initial access token that is of no use.
var bearerWrong = bearerProblem{http.StatusUnauthorized, "invalid_token", "The token is unknown, used up or expired."}

// Registers tells whether the registration endpoint is there.
func (s *Service) Registers() bool { return s.o.Registration.Mode != RegisterOff }

// registrationEndpoint is its address; "" it is not there.
func (s *Service) registrationEndpoint() string {
	if !s.Registers() {
		return ""
	}
	return s.url(s.o.Paths.Register)
}

// ServeRegistration registers a client (RFC 7591, section 3.1).
func (s *Service) ServeRegistration(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.fail(w, r, "register", errMethod)
		return
	}
	token, problem := headerBearer(r)
	if problem == nil && token == "" && s.o.Registration.Mode != RegisterOpen {
		problem = &bearerProblem{status: http.StatusUnauthorized}
	}
	if problem != nil {
		s.challenge(w, *problem)
		return
	}
	answer, err := s.register(w, r, token)
	switch {
	case errors.Is(err, broker.ErrSpent):
		s.challenge(w, bearerWrong)
	case err != nil:
		var refusal *fosite.RFC6749Error
		if errors.As(err, &refusal) && refusal == errSectorBusy { // errors.Is compares the codes alone
			w.Header().Set("Retry-After", "60")
		} else if errors.Is(err, errQuota) || errors.Is(err, errFull) {
			w.Header().Set("Retry-After", "86400")
		}
		s.fail(w, r, "register", err)
	default:
		writeJSON(w, http.StatusCreated, answer)
	}
}

func (s *Service) register(w http.ResponseWriter, r *http.Request, token broker.Secret) (map[string]any, error) {
	at := time.Now()
	c := broker.Client{ID: broker.NewID(), CreatedAt: at, Metadata: broker.ClientMetadata{Dynamic: true}}
	if _, err := s.readClient(w, r, &c, at); err != nil {
		return nil, err
	}
	if err := s.admissible(r.Context(), c, token, at); err != nil {
		return nil, err
	}
	secret := giveSecret(&c, "", at)
	registration := broker.NewSecret()
	c.Metadata.RegistrationTokenHash = registration.Hash()
	err := s.store.InTx(r.Context(), func(ctx context.Context) error {
		e := broker.NewEvent(ctx, broker.EventClientRegistered, at)
		e.ClientID, e.IP = c.ID, network(e.IP)
		if err := s.admit(ctx, token, e.IP, at); err != nil {
			return err
		}
		if err := s.store.CreateClient(ctx, c); err != nil {
			return err
		}
		if err := s.keepSecret(ctx, c, secret); err != nil {
			return err
		}
		return s.store.AddEvent(ctx, e)
	})
	if err != nil {
		return nil, err
	}
	s.log.InfoContext(r.Context(), "client registered itself", "client", c.ID)
	s.readyToOpen(r.Context(), c)
	return s.registered(c, secret, registration), nil
}

// admissible does what must be done before the unit of work that admits a client:
// others are asked only for who would be let in.
func (s *Service) admissible(ctx context.Context, c broker.Client, token broker.Secret, at time.Time) error {
	if c.Metadata.SectorIdentifierURI == "" {
		return nil
	}
	if token == "" {
		if err := s.admit(ctx, "", network(broker.NewEvent(ctx, broker.EventClientRegistered, at).IP), at); err != nil {
			return err
		}
	} else if t, err := s.store.InitialAccessToken(ctx, token.Hash()); err != nil || !t.Live(at) {
		if err == nil || errors.Is(err, broker.ErrNotFound) {
			return broker.ErrSpent
		}
		return err
	}
	return s.checkSector(ctx, c, at)
}

// admit spends the initial access token, or asks whether the quotas have room.
func (s *Service) admit(ctx context.Context, token broker.Secret, ip string, at time.Time) error {
	if token != "" {
		return s.store.SpendInitialAccessToken(ctx, token.Hash(), at)
	}
	since := at.Add(-registerDay)
	n, err := s.store.Registrations(ctx, "", since)
	if err != nil {
		return err
	}
	if n >= s.o.Registration.PerDay {
		return errQuota
	}
	if ip != "" {
		if n, err = s.store.Registrations(ctx, ip, since); err != nil {
			return err
		}
		if n >= s.o.Registration.PerAddress {
			return errQuota
		}
	}
	all, err := s.store.Clients(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(c broker.Client) bool { return !c.Metadata.Dynamic })
	if len(all) >= s.o.Registration.Total {
		return errFull
	}
	return nil
}

// network is what quotas count as one address: an IPv6 subscriber has a /64.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Unmap().Is4() {
		return ip
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return ip
	}
	return p.Masked().Addr().String()
}

// readClient reads a registration into c, on top of the defaults, and checks it.
// What c has beside metadata stays. It returns the document too.
func (s *Service) readClient(w http.ResponseWriter, r *http.Request, c *broker.Client, at time.Time) (map[string]json.RawMessage, error) {
	t, params, err := mime.ParseMediaType(strings.Join(r.Header["Content-Type"], ", "))
	if charset := params["charset"]; err != nil || t != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, errJSONType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, errTooBig
		}
		return nil, errDocument
	}
	object, err := readObject(body)
	var member *memberError
	if errors.As(err, &member) {
		return nil, refuse(errMetadata, clean(fmt.Sprintf("%.100s %s", member.name, member.wrong)))
	}
	if err != nil {
		return nil, errDocument
	}
	said, statement, err := s.vouched(r.Context(), object, c.Metadata.SoftwareStatement != "", at)
	if err != nil {
		return nil, err
	}
	allowed := append(slices.Clone(s.o.Registration.Scopes), c.Scopes...) // an operator may have given it more
	defaults(c)
	if problems := readMetadata(c, said); len(problems) > 0 {
		return nil, refuseMetadata(problems)
	}
	c.Metadata.SoftwareStatement = statement
	agree(c, said)
	if c.Scopes == nil {
		c.Scopes = slices.Clone(s.o.Registration.Scopes)
	}
	c.Scopes = slices.DeleteFunc(c.Scopes, func(scope string) bool { return !slices.Contains(allowed, scope) })
	slices.Sort(c.Scopes)
	c.Scopes = slices.Compact(c.Scopes)
	if c.Name == "" {
		c.Name = nameOf(c.RedirectURIs)
	}
	c.RequirePKCE = c.RequirePKCE || c.Public()
	c.UpdatedAt = at
	offer := Offer()
	offer.GrantTypes = slices.DeleteFunc(slices.Clone(offer.GrantTypes), func(g string) bool { return g == broker.GrantCredentials }) // people's applications register themselves, machines do not
	if problems := c.Problems(offer); len(problems) > 0 {
		return nil, refuseMetadata(problems)
	}
	return object, nil
}

// defaults are those of RFC 7591, section 2, and OpenID Connect Dynamic Client
// Registration 1.0, section 2. A document says everything anew (RFC 7592, section
// 2.2), so nothing of an earlier one stays.
func defaults(c *broker.Client) {
	old := c.Metadata
	c.AuthMethod, c.GrantTypes, c.IDTokenAlg = broker.AuthBasic, []string{broker.GrantCode}, broker.RS256
	c.Name, c.ClientURI, c.PolicyURI, c.TermsURI = "", "", "", ""
	c.RedirectURIs, c.PostLogoutRedirectURIs, c.Scopes, c.Contacts = nil, nil, nil, nil
	c.Metadata = broker.ClientMetadata{
		ApplicationType: "web", ResponseTypes: []string{responseCode}, SubjectType: subjectTypes[0],
		Origins: old.Origins, Dynamic: old.Dynamic, RegistrationTokenHash: old.RegistrationTokenHash, LastUsedAt: old.LastUsedAt,
	}
}

// agree writes response types as we compare them, and where a document leaves
// out the grant types, gives those that its response types need (OpenID Connect
// Dynamic Client Registration 1.0, section 2).
func agree(c *broker.Client, object map[string]json.RawMessage) {
	for i, t := range c.Metadata.ResponseTypes {
		if known := ResponseType(t); known != "" {
			c.Metadata.ResponseTypes[i] = known
		}
	}
	if raw, ok := object["grant_types"]; ok && string(raw) != "null" {
		return
	}
	c.GrantTypes = nil
	for _, t := range c.Metadata.ResponseTypes {
		words := strings.Fields(t)
		if (slices.Contains(words, responseCode) || t == responseNone) && !c.MayGrant(broker.GrantCode) {
			c.GrantTypes = append(c.GrantTypes, broker.GrantCode)
		}
		if strings.Contains(t, responseToken) && !c.MayGrant(broker.GrantImplicit) {
			c.GrantTypes = append(c.GrantTypes, broker.GrantImplicit)
		}
	}
}

// nameOf names an application that has no name after where it is.
func nameOf(redirects []string) string {
	for _, uri := range redirects {
		if u, err := url.Parse(uri); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return "Application"
}

// refuseMetadata tells what is wrong with a registration: all of it.
func refuseMetadata(problems []broker.Problem) error {
	const most = 500 // of what is said back, in bytes
	base, texts := errRedirects, []string(nil)
	for _, p := range problems {
		if p.Field != "redirect_uris" {
			base = errMetadata
		}
		texts = append(texts, p.String())
	}
	slices.Sort(texts)
	text := strings.Join(texts, "; ")
	return refuse(base, clean(text[:min(len(text), most)]))
}

// giveSecret makes a client that needs a secret have one, and one that needs
// none have none; "" where none was made. before is how it authenticated until
// now: of a secret that did for another method we have the hash alone.
func giveSecret(c *broker.Client, before string, at time.Time) broker.Secret {
	if !strings.HasPrefix(c.AuthMethod, "client_secret_") { // it has a key of its own, or nothing to keep
		c.Secrets = nil
		return ""
	}
	if len(c.Secrets) > 0 && (c.AuthMethod != broker.AuthSecretJWT || before == c.AuthMethod) {
		return ""
	}
	secret := NewClientSecret(*c)
	c.Secrets = []broker.ClientSecret{{Hash: secret.Hash(), CreatedAt: at}}
	return secret
}

// registered is the answer of RFC 7591, section 3.2.1. The secret is told when it
// is made, and never again: we have its hash alone.
func (s *Service) registered(c broker.Client, secret, registration broker.Secret) map[string]any {
	answer := writeMetadata(c)
	answer["client_id"] = c.ID
	answer["client_id_issued_at"] = c.CreatedAt.Unix()
	answer["registration_client_uri"] = s.url(s.o.Paths.Register) + "/" + c.ID
	answer["registration_access_token"] = registration.Reveal()
	if secret != "" {
		answer["client_secret"], answer["client_secret_expires_at"] = secret.Reveal(), 0
	}
	return answer
}
