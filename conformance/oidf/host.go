package oidf

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// maxReceived bounds what an OP may send us; the largest are logout tokens.
	maxReceived = 64 << 10
	// maxWaiting bounds the requests that an inbox keeps until somebody looks.
	maxWaiting = 16
)

// host is what the OP finds at the suite's own address: documents of clients,
// and addresses that are told of sign-outs.
type host struct {
	server *http.Server
	mu     sync.Mutex
	docs   map[string]published
	boxes  map[string]*Inbox
}

type published struct {
	contentType string
	body        []byte
	asked       int
}

// Received is a request that the OP, or the browser in a frame, made to the suite.
type Received struct {
	At     time.Time
	Method string
	Header http.Header
	Query  url.Values
	Form   url.Values // of a form in the body
}

// Inbox keeps the requests to one address of the suite.
type Inbox struct {
	URL string
	// Status is what requests are answered with; 0: 200.
	Status int
	came   chan Received
}

// serve answers on l until close.
func serve(l net.Listener) *host {
	h := &host{docs: map[string]published{}, boxes: map[string]*Inbox{}}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, MaxHeaderBytes: maxReceived}
	go func() { _ = h.server.Serve(l) }()
	return h
}

// ServeHTTP serves what was published and fills inboxes.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	doc, isDoc := h.docs[r.URL.Path]
	if isDoc {
		doc.asked++
		h.docs[r.URL.Path] = doc
	}
	box := h.boxes[r.URL.Path]
	h.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case isDoc:
		w.Header().Set("Content-Type", doc.contentType)
		_, _ = w.Write(doc.body)
	case box != nil:
		box.receive(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (b *Inbox) receive(w http.ResponseWriter, r *http.Request) {
	in := Received{At: time.Now(), Method: r.Method, Header: r.Header, Query: r.URL.Query()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReceived))
	if err != nil {
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	in.Form, _ = url.ParseQuery(string(body))
	select {
	case b.came <- in:
	default:
		http.Error(w, "nobody looks at this", http.StatusTooManyRequests)
		return
	}
	if b.Status != 0 {
		w.WriteHeader(b.Status)
	}
}

// hosted is the suite's host; without one the module is skipped.
func (r *Run) hosted() *host {
	if r.suite.host == nil {
		r.Skip("the OP cannot reach the suite; give it an address of its own: --listen and --base-url")
	}
	return r.suite.host
}

// HostURL is an address of the suite that the OP can reach. Names that are
// registered with static clients, such as backchannel_logout, are fixed; others
// should have something random in them, since modules may run at once.
func (r *Run) HostURL(name string) string {
	r.hosted()
	return r.suite.o.BaseURL + r.hostPath(name)
}

func (r *Run) hostPath(name string) string { return r.ownPath() + "/" + name }

// Publish serves a document at HostURL(name) until the module ends. The same
// name again replaces it.
func (r *Run) Publish(name, contentType string, body []byte) (address string) {
	h := r.hosted()
	path := h.pathOf(r.HostURL(name))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.docs[path] = published{contentType: contentType, body: body, asked: h.docs[path].asked}
	r.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.docs, path)
	})
	return r.HostURL(name)
}

// Fetched is how often a document was asked for.
func (r *Run) Fetched(name string) int {
	h := r.hosted()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.docs[h.pathOf(r.HostURL(name))].asked
}

// Inbox keeps the requests to HostURL(name) until the module ends.
func (r *Run) Inbox(name string) *Inbox {
	h := r.hosted()
	b := &Inbox{URL: r.HostURL(name), came: make(chan Received, maxWaiting)}
	path := h.pathOf(b.URL)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.boxes[path] = b
	r.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.boxes[path] == b {
			delete(h.boxes, path)
		}
	})
	return b
}

// Wait is the next request to the inbox; ok is false where none came in time.
func (r *Run) Wait(b *Inbox, timeout time.Duration) (in Received, ok bool) {
	select {
	case in = <-b.came:
		r.Log("%s %s came: %s %s", in.Method, b.URL, readable(maskValues(in.Query)), readable(maskValues(in.Form)))
		return in, true
	case <-time.After(timeout):
	case <-r.ctx.Done():
	}
	return Received{}, false
}

func (h *host) pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

func (h *host) close() {
	if h != nil {
		_ = h.server.Close()
	}
}
