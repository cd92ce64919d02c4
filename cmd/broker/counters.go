package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"idbroker/broker"
	"idbroker/linking"
)

// counters are the figures of one server, in the format of Prometheus.
type counters struct {
	set       *metrics.Set
	mu        sync.RWMutex
	seen      map[series]figures // of requests, so that a request builds no names
	requests  histograms
	providers histograms
}

func newCounters() *counters {
	c := &counters{set: metrics.NewSet(), seen: map[series]figures{}}
	c.requests.name, c.providers.name = "broker_http_request_duration_seconds", "broker_provider_request_duration_seconds"
	v := version()
	c.set.NewGauge(fmt.Sprintf("broker_build_info{version=%q,commit=%q,go=%q}", v.Version, v.Commit, v.Go), func() float64 { return 1 })
	return c
}

// write writes all figures, those of the process too.
func (c *counters) write(w io.Writer) {
	c.set.WritePrometheus(w)
	c.requests.write(w)
	c.providers.write(w)
	metrics.WriteProcessMetrics(w)
}

// methods are what a request's method is counted as; any other is "other", so
// that strangers cannot make series.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions}

// series is what requests are counted by.
type series struct {
	method, route string
	status        int
}

// figures are those of one series.
type figures struct {
	total *metrics.Counter
	times *histogram
}

// request counts a request of the public listener. route is a pattern of ours.
func (c *counters) request(method, route string, status int, d time.Duration) {
	key := series{method, route, status}
	c.mu.RLock()
	f, ok := c.seen[key]
	c.mu.RUnlock()
	if !ok {
		f = c.figures(key)
	}
	f.total.Inc()
	f.times.observe(d)
}

// figures finds those of a series, under the names that they are exported by.
func (c *counters) figures(key series) figures {
	method, route, status := key.method, key.route, key.status
	known := slices.Contains(methods, method)
	if !known {
		method = "other"
	}
	if route == "" {
		route = "none"
	}
	name := "broker_http_requests_total" + labels("route", route, "method", method, "code", strconv.Itoa(status))
	f := figures{c.set.GetOrCreateCounter(name), c.requests.of("route", route)}
	if known { // what strangers make up is not remembered
		c.mu.Lock()
		c.seen[key] = f
		c.mu.Unlock()
	}
	return f
}

// outbox counts what became of an outbox entry: "done", "retry" or "failed".
func (c *counters) outbox(kind, outcome string) {
	c.add("broker_outbox_entries_total", "kind", kind, "outcome", outcome)
}

// held counts a message that a bound on all of them held back.
func (c *counters) held(bound string) { c.add("broker_sms_held_total", "bound", bound) }

// job counts a run of a background job.
func (c *counters) job(name string, err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	c.add("broker_jobs_total", "job", name, "outcome", outcome)
}

func (c *counters) add(name string, pairs ...string) {
	c.set.GetOrCreateCounter(name + labels(pairs...)).Inc()
}

// labels writes {a="1",b="2"}.
func labels(pairs ...string) string {
	s := "{"
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			s += ","
		}
		s += pairs[i] + "=" + strconv.Quote(pairs[i+1])
	}
	return s + "}"
}

// countedStore counts the events that are written. One in a unit that rolls
// back is counted too.
type countedStore struct {
	kept
	c *counters
}

// AddEvent implements the Store of every room.
func (s countedStore) AddEvent(ctx context.Context, e broker.Event) error {
	err := s.kept.AddEvent(ctx, e)
	if err == nil {
		s.c.add("broker_events_total", "name", e.Name)
		if e.Name == broker.EventSignedIn {
			s.c.add("broker_sign_ins_total", "provider", orElse(e.Provider, wayIn(e)), "outcome", "done")
		}
		if e.Name == broker.EventSignedOutThere {
			s.c.add("broker_provider_logouts_total", "provider", e.Provider, "outcome", "done")
		}
	}
	return err
}

// wayIn is what stands for a provider in broker_sign_ins_total, where there was none.
func wayIn(e broker.Event) string {
	switch e.Detail[broker.DetailAMR] {
	case broker.AMRKey:
		return "passkey"
	case broker.AMROTP:
		return "code"
	}
	return "password"
}

// SpendLogout implements linking.Store.
func (s countedStore) SpendLogout(ctx context.Context, l broker.UpstreamLogout, at time.Time) error {
	err := s.kept.SpendLogout(ctx, l, at)
	if errors.Is(err, broker.ErrSpent) {
		s.c.add("broker_provider_logouts_total", "provider", l.Provider, "outcome", "replayed")
	}
	return err
}

// countedApps counts and times the way back from providers.
type countedApps struct {
	linking.Apps
	c *counters
}

// Complete implements linking.Apps.
func (a countedApps) Complete(ctx context.Context, id string, at broker.Attempt, cb broker.Callback) (broker.Profile, error) {
	start := time.Now()
	p, err := a.Apps.Complete(ctx, id, at, cb)
	if _, known := a.Apps.Provider(id); !known {
		return p, err // the id is a stranger's
	}
	a.c.providers.of("provider", id).observe(time.Since(start))
	if err != nil {
		a.c.add("broker_sign_ins_total", "provider", id, "outcome", outcomeOf(err))
	}
	return p, err
}

// VerifyLogout implements linking.Apps.
func (a countedApps) VerifyLogout(ctx context.Context, id, raw string) (broker.UpstreamLogout, error) {
	l, err := a.Apps.VerifyLogout(ctx, id, raw)
	if _, known := a.Apps.Provider(id); known && err != nil {
		a.c.add("broker_provider_logouts_total", "provider", id, "outcome", outcomeOf(err))
	}
	return l, err
}

// refused counts a journey to a provider that came to nothing, by what the person
// was told: messages are few, and all ours.
func (c *counters) refused(provider string, err error) {
	kind := "error"
	if e, ok := errors.AsType[*broker.Error](err); ok {
		kind = e.Message
	}
	c.add("broker_provider_refusals_total", "provider", provider, "kind", kind)
}

// outcomeOf is a word for the kind of an error.
func outcomeOf(err error) string {
	switch broker.KindOf(err) {
	case broker.KindForbidden:
		return "refused"
	case broker.KindGone, broker.KindBadRequest, broker.KindInvalid:
		return "stale"
	case broker.KindUnavailable, broker.KindTooMany:
		return "unavailable"
	case broker.KindUpstream:
		return "provider_error"
	}
	return "error"
}
