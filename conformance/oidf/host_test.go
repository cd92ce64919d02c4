package oidf

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestHost publishes a document and receives a request, as modules do.
func TestHost(t *testing.T) {
	op := newOP(t)
	s := op.suite(t, true)
	got := op.run(s, func(r *Run) {
		address := r.Publish("doc", "application/json", []byte(`{"a":1}`))
		box := r.Inbox("logout")
		req, err := newRequest(r.ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Check(string(r.Send(req).Body) == `{"a":1}`, "test", "the document is served")
		r.Check(r.Fetched("doc") == 1, "test", "once")
		if req, err = newRequest(r.ctx, http.MethodPost, box.URL+"?sid=1", url.Values{"logout_token": {"x.y.z"}}); err != nil {
			t.Fatal(err)
		}
		r.Check(r.Send(req).Status == http.StatusOK, "test", "the request is taken")
		in, ok := r.Wait(box, time.Second)
		r.Check(ok && in.Form.Get("logout_token") == "x.y.z" && in.Query.Get("sid") == "1", "test", "the request is in the inbox")
		_, ok = r.Wait(box, 10*time.Millisecond)
		r.Check(!ok, "test", "no other is")
		r.Cleanup(func() {
			if req, err := newRequest(r.ctx, http.MethodGet, address, nil); err == nil {
				if res := r.Send(req); res.Status != http.StatusOK {
					r.Fail("test", "the document is gone too early")
				}
			}
		})
	})
	if got.Outcome != Passed {
		t.Errorf("%s: %s", got.Outcome, got.Reason)
	}
}

func TestHostIsNeeded(t *testing.T) {
	op := newOP(t)
	got := op.run(op.suite(t, false), func(r *Run) { r.Inbox("logout") })
	if got.Outcome != Skipped || !strings.Contains(got.Reason, "--listen") {
		t.Errorf("%s: %s", got.Outcome, got.Reason)
	}
}
