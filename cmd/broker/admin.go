package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
	"idbroker/tokens"
	"idbroker/volatile"
)

const (
	readyPath = "/healthz/ready"
	livePath  = "/healthz/live"

	// pingTime bounds the write that readiness depends on.
	pingTime = 2 * time.Second
)

// admin serves the second listener.
type admin struct {
	db       *store.DB
	redis    *volatile.Redis // nil: none
	tokens   *tokens.Service
	counters *counters
	stopping atomic.Bool
}

// handler routes the second listener. Profiles show memory, and so secrets:
// they are served on loopback alone.
func (a *admin) handler(loopback bool) http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range a.routes(loopback) {
		mux.HandleFunc(pattern, h)
	}
	return mux
}

// routes are what it serves, by pattern.
func (a *admin) routes(loopback bool) map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{"GET /metrics": a.getMetrics, "GET " + livePath: a.getLive, "GET " + readyPath: a.getReady}
	if loopback {
		for path, h := range map[string]http.HandlerFunc{
			"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
		} {
			all["GET /debug/pprof/"+path] = toLoopback(h)
		}
	}
	return all
}

// toLoopback answers only requests that were made to a loopback name. A page of
// a stranger in the operator's browser can make a name of its own lead here (DNS
// rebinding), but not change what it asked for.
func toLoopback(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !config.Loopback(host) {
			answer(w, http.StatusMisdirectedRequest, "profiles are served under a loopback name alone, such as 127.0.0.1")
			return
		}
		h(w, r)
	}
}

func (a *admin) getMetrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	a.counters.write(w)
	a.writeGivenUp(r.Context(), w)
}

// outboxKinds are all kinds of work in the outbox, so that there is a figure to watch
// before the first one is given up.
var outboxKinds = []string{broker.OutboxMail, broker.OutboxSMS, broker.OutboxLogout, broker.OutboxRevoke}

// writeGivenUp tells how much of each kind of work was given up and waits for an
// operator; nothing where the database does not answer, so that the other figures
// still come.
func (a *admin) writeGivenUp(ctx context.Context, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	counts, err := a.db.CountFailedOutbox(ctx)
	if err != nil {
		return
	}
	for _, kind := range outboxKinds {
		metrics.WriteGaugeUint64(w, "broker_outbox_given_up"+labels("kind", kind), uint64(counts[kind])) //nolint:gosec // a count
	}
}

// getLive says that the process answers. Restarting helps against nothing that
// it could look at beside that.
func (a *admin) getLive(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "live") }

// withoutRedis is the answer of a broker whose Redis is away. It is ready: all replicas
// ask the same Redis, so whoever took them out of service for it would take the tokens
// along, and the page that says what is wrong.
const withoutRedis = "ready, but redis does not answer: nobody can sign in, tokens go on; run: broker redis check"

// getReady says whether a request would succeed: the database can be written,
// tokens can be signed, and we are not about to stop.
func (a *admin) getReady(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pingTime)
	defer cancel()
	switch err := a.db.Ping(ctx); {
	case a.stopping.Load():
		answer(w, http.StatusServiceUnavailable, "shutting down")
	case err != nil:
		answer(w, http.StatusServiceUnavailable, "the database cannot be written: "+oneLine(err.Error()))
	case !a.tokens.HasSigningKey():
		answer(w, http.StatusServiceUnavailable, "there is no signing key; run: broker keys rotate")
	case a.redis != nil && !a.redis.Up(): // as of its last answer, at most redisEvery ago: a probe does not wait for it
		answer(w, http.StatusOK, withoutRedis)
	default:
		answer(w, http.StatusOK, "ready")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
