package providertest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// Failure is how an endpoint answers once instead of, or on top of, what it would.
type Failure struct {
	Delay       time.Duration // before the answer; with nothing else set, the answer is the right one
	Until       chan struct{} // no answer before it is closed; nil: at once
	Status      int           // 0: 200 where Body is set
	Header      map[string]string
	Body        string
	ContentType string // of Body; "" JSON
	Redirect    string // answer 307 to there
	Reset       bool   // send half of what was announced and break the connection
	Truncate    bool   // the right answer, cut in the middle, well-formed HTTP
	HTML        bool   // a page where JSON was expected
	Huge        bool   // the right answer, then white space up to 2 MiB
}

// Fail makes the next requests to an endpoint fail, one after the other.
func (s *OpenID) Fail(endpoint string, failures ...Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[endpoint] = append(s.failures[endpoint], failures...)
}

// Heal forgets scripted failures.
func (s *OpenID) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.failures)
}

func (s *OpenID) nextFailure(endpoint string) (Failure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := s.failures[endpoint]
	if len(queue) == 0 {
		return Failure{}, false
	}
	s.failures[endpoint] = queue[1:]
	return queue[0], true
}

// play answers; false leaves that to the endpoint.
func (f Failure) play(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return true
		}
	}
	if f.Until != nil {
		select {
		case <-f.Until:
		case <-r.Context().Done():
			return true
		}
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	switch {
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusTemporaryRedirect)
	case f.HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(max(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, "<!doctype html><title>Maintenance</title><p>Back soon.")
	case f.Reset, f.Truncate, f.Huge:
		f.mangle(w, r, next)
	case f.Status != 0 || f.Body != "":
		kind := f.ContentType
		if kind == "" {
			kind = "application/json"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(max(f.Status, http.StatusOK))
		_, _ = io.WriteString(w, f.Body)
	default:
		return false
	}
	return true
}

// mangle sends the right answer in a wrong way.
func (f Failure) mangle(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	rec := httptest.NewRecorder()
	next(rec, r)
	body := rec.Body.Bytes()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	switch {
	case f.Huge:
		body = append(body, bytes.Repeat([]byte(" "), 2<<20)...)
	case f.Reset:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	case f.Truncate:
		body = body[:len(body)/2]
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
	if f.Reset {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // breaks the connection
	}
}

// record keeps a request and gives its body back.
func (s *OpenID) record(endpoint string, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	at := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, Request{Endpoint: endpoint, Method: r.Method, Header: r.Header.Clone(), Body: string(body), At: at})
}
