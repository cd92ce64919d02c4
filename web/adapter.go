package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/linking"
)

const (
	// maxBody bounds the body of a request, in bytes. The longest form of ours
	// is a tenth of it.
	maxBody = 64 << 10
	// maxURI bounds path and query of a request, in bytes: twice what a
	// callback may bring, so that the callback can say what is wrong.
	maxURI = 16 << 10
	// referenceLength is how much of an id makes a reference number: 60 bits, short
	// enough to be read out on the telephone.
	referenceLength = 12
)

// Errors that the adapter finds by itself.
var (
	errNoSuchPage  = &broker.Error{Kind: broker.KindNotFound, Message: "error.no_such_page"}
	errCrossOrigin = &broker.Error{Kind: broker.KindForbidden, Message: "error.cross_origin"}
	errForm        = &broker.Error{Kind: broker.KindBadRequest, Message: "error.form"}
	errText        = &broker.Error{Kind: broker.KindBadRequest, Message: "error.text"}
	errTextIn      = errText.Why("error.text_in")
)

// statusError is an error with an HTTP status that no kind stands for.
type statusError struct {
	status int
	err    *broker.Error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

var (
	errTooLarge = &statusError{http.StatusRequestEntityTooLarge, &broker.Error{Kind: broker.KindBadRequest, Message: "error.too_large"}}
	errURI      = &statusError{http.StatusRequestURITooLong, &broker.Error{Kind: broker.KindBadRequest, Message: "error.too_large"}}
	// errGoneAway: the person closed the connection; nobody reads the answer.
	// 499 is what nginx made of it, and what dashboards know.
	errGoneAway = &statusError{499, &broker.Error{Kind: broker.KindUnavailable, Message: "error.gone_away"}}
	errMethod   = &statusError{http.StatusMethodNotAllowed, &broker.Error{Kind: broker.KindBadRequest, Message: "error.method"}}
)

// statuses maps kinds to HTTP. A kind that is missing is 500.
var statuses = map[broker.Kind]int{
	broker.KindInvalid:         http.StatusUnprocessableEntity,
	broker.KindBadRequest:      http.StatusBadRequest,
	broker.KindUnauthenticated: http.StatusUnauthorized,
	broker.KindForbidden:       http.StatusForbidden,
	broker.KindNotFound:        http.StatusNotFound,
	broker.KindConflict:        http.StatusConflict,
	broker.KindGone:            http.StatusGone,
	broker.KindTooMany:         http.StatusTooManyRequests,
	broker.KindUpstream:        http.StatusBadGateway,
	broker.KindUnavailable:     http.StatusServiceUnavailable,
}

func statusOf(err error) int {
	var s *statusError
	if errors.As(err, &s) {
		return s.status
	}
	if status, ok := statuses[broker.KindOf(err)]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// levelOf is how loud an error is: what we must mend is an error, what others
// must mend a warning, and what people do belongs to a day's work.
func levelOf(status int) slog.Level {
	switch {
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status >= 500:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int // 0: nothing written yet
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP gives the request an id, recovers from panics, logs, and passes
// what is in order to its route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	s.hearOfProxy(r)
	id := broker.NewID()[:referenceLength]
	rec := &recorder{ResponseWriter: w}
	ip := clientIP(r, s.o.TrustedHops)
	ctx := broker.WithRequest(r.Context(), broker.Request{
		ID: id, IP: ip, UserAgent: printable(r.UserAgent(), maxUserAgent), Browser: browserName(r.UserAgent()),
	})
	var to machine
	if r.URL.RawPath == "" { // otherwise the mux knows what an encoded slash is
		to = s.machines[r.URL.Path]
	}
	if to.serve == nil {
		ctx = context.WithValue(ctx, visitKey{}, &visit{at: began})
		to.headers = s.headers.pages
	}
	setHeaders(rec.Header(), to.headers)
	r = r.WithContext(ctx)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.log.ErrorContext(r.Context(), "panic", "request", id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			s.fail(rec, r, errors.New("panic"))
		}
		d, status := time.Since(began), or(rec.status, http.StatusOK) // as net/http has it
		s.o.OnRequest(r.Method, route(r), status, d)
		s.logRequest(r, id, ip, status, d)
	}()
	rec.Header()["X-Request-Id"] = []string{id}
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(rec, r.Body, maxBody)
	}
	if err := s.dispatch(rec, r, to.serve); err != nil {
		s.fail(rec, r, err)
	}
}

// logRequest writes the line of a request. It goes to the handler directly: a
// logger would look up, for each, that it was called from here.
func (s *Server) logRequest(r *http.Request, id, ip string, status int, d time.Duration) {
	h := s.log.Handler()
	if !h.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	line.AddAttrs(slog.String("request", id), slog.String("method", r.Method), slog.String("route", route(r)),
		slog.Int("status", status), slog.Float64("ms", float64(d.Microseconds())/1000), slog.String("ip", ip))
	_ = h.Handle(r.Context(), line) // there is nowhere else to tell it
}

// route is the pattern that served the request, without its method.
func route(r *http.Request) string {
	pattern := r.Pattern
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	return strings.TrimSuffix(pattern, "{$}")
}

// dispatch refuses what no route may see and hands the rest to its route. machine
// is the endpoint for programs that stands at the path; nil: none.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, machine http.HandlerFunc) error {
	if len(r.RequestURI) > maxURI {
		return errURI
	}
	if to := s.elsewhere(r); to != "" {
		http.Redirect(w, r, to, http.StatusPermanentRedirect)
		return nil
	}
	if err := s.origin.Check(r); err != nil {
		return errCrossOrigin.Because(err)
	}
	if machine != nil {
		r.Pattern = r.URL.Path
		machine(w, r)
		return nil
	}
	h, pattern := s.mux.Handler(r)
	switch {
	case pattern == "":
		return s.unmatched(w, r, h)
	case strings.Contains(strings.TrimSuffix(pattern, "{$}"), "{"): // the mux knows what they stand for
		s.mux.ServeHTTP(w, r)
	default:
		r.Pattern = pattern
		h.ServeHTTP(w, r)
	}
	return nil
}

// elsewhere is where a request belongs that came to another address of ours: to
// HTTPS where the outermost proxy took it without, and to the name of the base
// URL where both are loopback, since cookies and redirect URIs know only that
// one. "" it is right here. Only reading can be sent on.
func (s *Server) elsewhere(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.Host == s.host && s.o.TrustedHops == 0 {
		return ""
	}
	plain := s.cookies.secure && forwardedHTTP(r, s.o.TrustedHops)
	asked, ours := splitHost(r.Host), splitHost(s.host)
	if plain || asked.port == ours.port && asked.name != ours.name && isLoopback(asked.name) && isLoopback(ours.name) {
		if r.URL.Path == "" || r.URL.Path[0] != '/' {
			return ""
		}
		return s.o.BaseURL + r.URL.RequestURI()
	}
	return ""
}

// unmatched answers what no route serves: with the page of a form that is posted there, where
// somebody asks to see it. h is the mux's answer: it tells whether the path serves other methods.
func (s *Server) unmatched(w http.ResponseWriter, r *http.Request, h http.Handler) error {
	if to := s.insteadOf(r); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	probe := &probe{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		return errMethod
	}
	return errNoSuchPage
}

// probe is a ResponseWriter that keeps the status and drops the rest.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// handler is a route of ours. What it returns is shown and logged by the
// adapter; it has written nothing where it returns an error.
type handler func(w http.ResponseWriter, r *http.Request) error

// fail shows an error and logs it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	ctx, id := r.Context(), broker.RequestOf(r.Context()).ID
	if visitOf(r) == nil { // an endpoint for programs, which looks at no visitor; its errors are its own but for these
		r = r.WithContext(context.WithValue(ctx, visitKey{}, &visit{at: time.Now()}))
		setHeaders(w.Header(), s.headers.pages)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errGoneAway
	}
	if s.mayReopen(w, r, err) {
		return
	}
	status := statusOf(err)
	s.log.Log(ctx, levelOf(status), "request failed", "request", id, "route", route(r), "status", status, "err", err)
	if rec, ok := w.(*recorder); ok && rec.status != 0 {
		return // the answer was under way: the connection broke
	}
	var e *broker.Error
	if !errors.As(err, &e) || status == http.StatusInternalServerError {
		e = &broker.Error{Message: "error.internal"}
	}
	if (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "10")
	}
	p := errorOf(s.base(r), status, e, id, s.waysOn(r, err)...)
	w.Header().Add("Vary", "Accept")
	if wantsJSON(r) {
		answer := problemOf(p)
		if e.Field != "" {
			answer.Errors = []fieldProblem{problemAt(p.base, e, e.Field)}
		}
		if err := s.giveProblem(w, r, answer); err != nil {
			s.log.ErrorContext(ctx, "problem not told", "request", id, "err", err)
		}
		return
	}
	p.Fragment = errors.Is(err, linking.ErrIncomplete)
	if slices.ContainsFunc(p.Actions, func(a action) bool { return a.Post }) {
		formsLeave(w) // to a provider
	}
	if err := s.pages.render(w, status, &p); err != nil {
		s.log.ErrorContext(ctx, "error page failed", "request", id, "err", err)
		http.Error(w, http.StatusText(status)+"\n"+id, status)
	}
}
