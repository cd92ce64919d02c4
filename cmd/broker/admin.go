package main

import (
	"context"
	"io"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"idbroker/store"
	"idbroker/tokens"
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
	tokens   *tokens.Service
	counters *counters
	stopping atomic.Bool
}

// handler routes the second listener. Profiles show memory, and so secrets:
// they are served on loopback alone.
func (a *admin) handler(loopback bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", a.getMetrics)
	mux.HandleFunc("GET "+livePath, a.getLive)
	mux.HandleFunc("GET "+readyPath, a.getReady)
	if loopback {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func (a *admin) getMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	a.counters.write(w)
}

// getLive says that the process answers. Restarting helps against nothing that
// it could look at beside that.
func (a *admin) getLive(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "live") }

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
