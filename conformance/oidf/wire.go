package oidf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxBody bounds what is read of a response; the largest are key sets and pages.
	maxBody = 1 << 20
	// maxRequests bounds the requests of one module: the longest of ours makes 60.
	maxRequests = 400
	// requestTimeout bounds one request. A password may be stretched on a busy machine.
	requestTimeout = 30 * time.Second
)

// Response is an answer that was read whole.
type Response struct {
	Request *http.Request
	Status  int
	Header  http.Header
	Body    []byte
}

// wire sends the requests of one module: to the origins that are allowed alone,
// so many at most, each with its line in the log.
type wire struct {
	transport http.RoundTripper
	allowed   func(*url.URL) bool
	log       func(Line)
	sent      int
}

// do sends a request and follows nothing.
func (w *wire) do(req *http.Request) (*Response, error) {
	if !w.allowed(req.URL) {
		return nil, fmt.Errorf("%s://%s is neither the issuer's nor in its metadata; where the OP has pages there, name the address in a match of the configuration", req.URL.Scheme, req.URL.Host)
	}
	if w.sent++; w.sent > maxRequests {
		return nil, fmt.Errorf("more than %d requests in one module", maxRequests)
	}
	t := &Traffic{Method: req.Method, URL: maskURL(req.URL), RequestHeader: maskHeader(req.Header)}
	if req.GetBody != nil {
		if b, err := req.GetBody(); err == nil {
			sent, _ := io.ReadAll(b)
			t.RequestBody = maskBody(req.Header.Get("Content-Type"), sent)
		}
	}
	defer func() { w.log(Line{Kind: Exchange, HTTP: t}) }()
	ctx, cancel := context.WithTimeout(req.Context(), requestTimeout)
	defer cancel()
	res, err := w.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		t.ResponseBody = err.Error()
		return nil, fmt.Errorf("%s %s: %w", req.Method, t.URL, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", req.Method, t.URL, err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("%s %s: the response is larger than %d bytes", req.Method, t.URL, maxBody)
	}
	t.Status, t.ResponseHeader, t.ResponseBody = res.StatusCode, maskHeader(res.Header), maskBody(res.Header.Get("Content-Type"), body)
	return &Response{Request: req, Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// Object is the JSON object in the body.
func (r *Response) Object() (map[string]any, error) {
	return object(r.Body)
}

// object reads one JSON object; numbers stay as they are written.
func object(b []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	if o == nil {
		return nil, errors.New("null instead of a JSON object")
	}
	return o, nil
}

// isJSON tells whether the response says that it is JSON.
func (r *Response) isJSON() bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// newRequest makes a request; body may be a form, JSON or nil.
func newRequest(ctx context.Context, method, address string, body any) (*http.Request, error) {
	switch body := body.(type) {
	case nil:
		return http.NewRequestWithContext(ctx, method, address, http.NoBody)
	case url.Values:
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	default:
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		return req, nil
	}
}
