// Package sms hands messages to the operator's own service that sends them: one
// POST of JSON each, signed, with a contract that docs/sms-hook.md writes down. It
// knows no provider of such services, and never asks anybody else.
package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"idbroker/broker"
)

const (
	// timeout bounds one request: people wait for their code.
	timeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, so that the connection can be used
	// again; nothing in it is looked at.
	maxAnswer = 4 << 10
)

// Hook is where messages go.
type Hook struct {
	url    string
	secret broker.Secret                    // signs each request
	text   func(locale, code string) string // what the message says
	client *http.Client
}

// New returns a Hook. text puts a code into words.
func New(address string, secret broker.Secret, text func(locale, code string) string) *Hook {
	return &Hook{url: address, secret: secret, text: text, client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a code goes where the operator said
	}}
}

// message is the body of a request.
type message struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	Text      string    `json:"text"`
	Locale    string    `json:"locale"`
	Purpose   string    `json:"purpose"`
	ExpiresAt time.Time `json:"expires_at"`
}

// purposeFactor: the message holds a code that is a second factor.
const purposeFactor = "second_factor"

// Handle sends the SMS of an outbox entry. What the service refuses, and what is too
// late, is not tried again.
func (h *Hook) Handle(ctx context.Context, payload []byte) error {
	var m broker.SMS
	if err := json.Unmarshal(payload, &m); err != nil {
		return broker.Permanent(fmt.Errorf("payload: %w", err))
	}
	at, end := time.Now(), m.At.Add(broker.SMSCodeLifetime)
	if !at.Before(end) {
		return broker.Permanent(errors.New("the code has expired before it could be sent"))
	}
	body, err := json.Marshal(message{m.ID, m.To, h.text(m.Locale, m.Code), m.Locale, purposeFactor, end.UTC().Truncate(time.Second)})
	if err != nil {
		return broker.Permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return broker.Permanent(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", strconv.Quote(m.ID))
	r.Header.Set("Broker-Signature", "t="+stamp+",v1="+h.sign(stamp, body))
	resp, err := h.client.Do(r)
	if err != nil {
		var u *url.Error // its text has the address, which may hold a key
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("the SMS service (accounts.sms.url) did not answer: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing was written
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	switch status := resp.StatusCode; {
	case status/100 == 2:
		return nil
	case status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusConflict && status != http.StatusTooEarly && status != http.StatusTooManyRequests:
		return broker.Permanent(fmt.Errorf("the SMS service refused it with status %d", status))
	default:
		return fmt.Errorf("the SMS service answered with status %d", status)
	}
}

// sign is HMAC-SHA256 of the time, a dot and the body, in hexadecimal.
func (h *Hook) sign(stamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(h.secret.Reveal()))
	_, _ = m.Write([]byte(stamp + "."))
	_, _ = m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}
