package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestHook holds the request to docs/sms-hook.md, as the service on the other side
// checks it, and says what is tried again.
func TestHook(t *testing.T) {
	const secret = "a secret of thirty-two characters"
	status := http.StatusNoContent
	var got map[string]any
	var keys []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the code went where a redirect led") }))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stamp, signature, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Broker-Signature"), "t="), ",v1=")
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(stamp + "." + string(body)))
		if raw, err := hex.DecodeString(signature); err != nil || !hmac.Equal(raw, m.Sum(nil)) || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, %v", r.Method, r.Header)
		}
		got = nil
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	h := New(srv.URL+"/?key=hidden", secret, func(locale, code string) string { return locale + ": " + code })
	payload := func(at time.Time) []byte {
		return broker.SMS{ID: "m1", To: "+41227676111", Code: "123456", Locale: "de", At: at}.Entry(at).Payload
	}
	now := time.Now()
	for _, tt := range []struct {
		status    int
		fails     bool
		permanent bool
	}{{204, false, false}, {200, false, false}, {400, true, true}, {401, true, true}, {408, true, false}, {409, true, false}, {429, true, false}, {302, true, false}, {500, true, false}, {503, true, false}} {
		status = tt.status
		err := h.Handle(t.Context(), payload(now))
		if (err != nil) != tt.fails || broker.IsPermanent(err) != tt.permanent {
			t.Errorf("status %d: %v", tt.status, err)
		}
	}
	end := now.Add(broker.SMSCodeLifetime).UTC().Truncate(time.Second).Format(time.RFC3339)
	if got["to"] != "+41227676111" || got["text"] != "de: 123456" || got["id"] != "m1" || got["locale"] != "de" || got["purpose"] != "second_factor" || got["expires_at"] != end || len(got) != 6 {
		t.Errorf("%v", got)
	}
	for _, k := range keys {
		if k != `"m1"` {
			t.Errorf("key %s", k)
		}
	}
	n := len(keys)
	if err := h.Handle(t.Context(), payload(now.Add(-broker.SMSCodeLifetime))); !broker.IsPermanent(err) || len(keys) != n {
		t.Errorf("too late: %v", err)
	}
	if err := h.Handle(t.Context(), []byte("[")); !broker.IsPermanent(err) {
		t.Errorf("no payload: %v", err)
	}
	srv.Close()
	if err := h.Handle(t.Context(), payload(now)); err == nil || broker.IsPermanent(err) || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "accounts.sms.url") {
		t.Errorf("nobody there: %v", err)
	}
}
