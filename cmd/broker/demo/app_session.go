package demo

import (
	"net/http"
	"sync"
	"time"

	"idbroker/broker"
)

const (
	appCookie = "demo_app"
	// visitLifetime is how long the application remembers a browser.
	visitLifetime = 12 * time.Hour
	// maxVisits bounds the memory that strangers can take.
	maxVisits = 1000
	// maxDepartures bounds the sign-ins that one browser has under way: tabs.
	maxDepartures = 20
	// departureLifetime is how long somebody may stay at the broker.
	departureLifetime = time.Hour
)

// departure is what the application keeps of a sign-in that it began.
type departure struct {
	nonce    string
	verifier string
	at       time.Time
}

// visit is one browser at the application. Its fields are guarded by visits.
type visit struct {
	departures map[string]departure // by state
	signedIn   *signedIn            // nil: nobody
	notice     string               // shown once
	seen       time.Time
}

// visits are the application's sessions.
type visits struct {
	mu sync.Mutex
	m  map[string]*visit // by hash of the cookie
}

// with runs fn on the visit of the request's browser, which it begins where
// there is none and create says so. It tells whether there was one.
func (v *visits) with(w http.ResponseWriter, r *http.Request, create bool, fn func(*visit)) bool {
	at := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if c, err := r.Cookie(appCookie); err == nil {
		if one := v.m[broker.Secret(c.Value).Hash()]; one != nil && at.Sub(one.seen) < visitLifetime {
			one.seen = at
			fn(one)
			return true
		}
	}
	if !create {
		return false
	}
	id := broker.NewSecret()
	v.makeRoom(at)
	one := &visit{departures: map[string]departure{}, seen: at}
	v.m[id.Hash()] = one
	http.SetCookie(w, &http.Cookie{Name: appCookie, Value: id.Reveal(), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	fn(one)
	return true
}

// renew gives the browser a new id, with what fn puts into its visit: nobody
// who planted the old one has it after a sign-in.
func (v *visits) renew(w http.ResponseWriter, r *http.Request, fn func(*visit)) {
	v.end(r)
	fresh := r.Clone(r.Context())
	fresh.Header.Del("Cookie")
	v.with(w, fresh, true, fn)
}

// end forgets the visit.
func (v *visits) end(r *http.Request) {
	c, err := r.Cookie(appCookie)
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.m, broker.Secret(c.Value).Hash())
}

// makeRoom drops what is over, and the longest unseen visit when it is full.
func (v *visits) makeRoom(at time.Time) {
	oldest := ""
	for key, one := range v.m {
		if at.Sub(one.seen) >= visitLifetime {
			delete(v.m, key)
		} else if oldest == "" || one.seen.Before(v.m[oldest].seen) {
			oldest = key
		}
	}
	if len(v.m) >= maxVisits {
		delete(v.m, oldest)
	}
}

// depart records a sign-in that begins.
func (one *visit) depart(state string, d departure) {
	oldest := ""
	for s, other := range one.departures {
		if d.at.Sub(other.at) >= departureLifetime {
			delete(one.departures, s)
		} else if oldest == "" || other.at.Before(one.departures[oldest].at) {
			oldest = s
		}
	}
	if len(one.departures) >= maxDepartures {
		delete(one.departures, oldest)
	}
	one.departures[state] = d
}

// arrive spends the departure of a state.
func (one *visit) arrive(state string, at time.Time) (departure, bool) {
	d, ok := one.departures[state]
	delete(one.departures, state)
	return d, ok && at.Sub(d.at) < departureLifetime
}
