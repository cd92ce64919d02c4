package tokens

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"idbroker/broker"
)

// What a script of another origin may do is the business of the Fetch standard
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Two wrappers say it here
// for all endpoints. Neither ever allows credentials: nothing behind them looks
// at a cookie. Endpoints that do (authorize, logout, pages) are never wrapped.

const (
	// corsMaxAge is how long a browser may keep the answer to a preflight. An
	// origin that was taken back goes on for so long.
	corsMaxAge = "600"
	// corsHeaders are what a script may send beyond what is always allowed.
	corsHeaders = "Authorization, Content-Type"
	// corsExposed are what a script may read beyond what is always allowed: why
	// a token was refused, when to come again, and which version this is.
	corsExposed = "WWW-Authenticate, Retry-After, ETag"
	// originsKept is how old the list of origins may become; a new client works
	// at once, since an origin that is not in it has it read again.
	originsKept = time.Minute
	// originsAgain is how soon it is read again for an unknown origin, so that
	// strangers cannot keep the database busy.
	originsAgain = time.Second
)

// ForEveryOrigin lets scripts of every origin read what everybody may know. The
// answer is the same for all, so it does not vary.
func (s *Service) ForEveryOrigin(next http.HandlerFunc) http.HandlerFunc {
	star, exposed := []string{"*"}, []string{corsExposed} // made once, and nobody writes into them
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Access-Control-Allow-Origin"] = star
		if r.Header["Origin"] != nil {
			h["Access-Control-Expose-Headers"] = exposed
		}
		if preflight(r) {
			allow(h, "GET, HEAD")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next(w, r)
	}
}

// ForClientOrigins lets scripts call an endpoint whose origin is that of a
// registered client (ClientOrigins). methods are those of the endpoint.
func (s *Service) ForClientOrigins(next http.HandlerFunc, methods ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Vary"] = append(h["Vary"], "Origin")
		origins := r.Header["Origin"]
		known := len(origins) == 1 && s.origins.has(r.Context(), s.store, origins[0], time.Now())
		if known {
			h.Set("Access-Control-Allow-Origin", origins[0])
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		if preflight(r) {
			h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
			if known && slices.Contains(methods, r.Header.Get("Access-Control-Request-Method")) {
				allow(h, strings.Join(methods, ", "))
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next(w, r)
	}
}

// preflight tells whether a browser asks before it sends what a script wants.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

func allow(h http.Header, methods string) {
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
}

// ClientOrigins are the origins from which a client runs in a browser: those of
// its redirect URIs where it is public and not on a device, and those that were
// registered as such. A disabled client has none.
func ClientOrigins(c broker.Client) []string {
	if !c.DisabledAt.IsZero() {
		return nil
	}
	var all []string
	uris := slices.Clone(c.Metadata.Origins)
	if c.Public() && c.Metadata.ApplicationType != "native" {
		uris = append(uris, c.RedirectURIs...)
	}
	for _, uri := range uris {
		if o := browserOrigin(uri); o != "" && !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}

// browserOrigin is the origin of a URL as browsers write it (RFC 6454, section 6.2);
// "" for what is not http or https, whose origin is opaque: "null" belongs to
// everybody who likes.
func browserOrigin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// origins is the set of all clients' origins, kept for a while: a preflight
// names no client.
type origins struct {
	mu   sync.Mutex
	set  map[string]bool
	read time.Time
}

// has tells whether origin is in the set as of a time. Where the clients cannot
// be read, what was known goes on; nothing is allowed that never was.
func (o *origins) has(ctx context.Context, store Store, origin string, at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	age := at.Sub(o.read)
	if o.set[origin] && age < originsKept || !o.set[origin] && age < originsAgain {
		return o.set[origin]
	}
	o.read = at
	all, err := store.Clients(context.WithoutCancel(ctx)) // whoever hangs up must not spoil the list for others
	if err != nil {
		return o.set[origin]
	}
	o.set = make(map[string]bool, len(all))
	for _, c := range all {
		for _, one := range ClientOrigins(c) {
			o.set[one] = true
		}
	}
	return o.set[origin]
}
