package broker

import (
	"encoding/json"
	"time"
)

// OutboxSMS is the kind of outbox entry whose payload is an SMS as JSON.
const OutboxSMS = "sms"

// SMSCodeLifetime is how long a code that was sent to a telephone number counts.
const SMSCodeLifetime = 10 * time.Minute

// SMS is a code that is sent to a telephone number, put into words when it is sent.
type SMS struct {
	ID     string    `json:"id"` // of the message: a repetition has the same
	To     string    `json:"to"` // as NormalizePhone returns it
	Code   string    `json:"code"`
	Locale string    `json:"locale"`
	At     time.Time `json:"at"` // when the code was made
}

// Entry makes the outbox entry that sends m. The store seals it.
func (m SMS) Entry(at time.Time) OutboxEntry {
	payload, _ := json.Marshal(m) // cannot fail before the year 10000
	return OutboxEntry{ID: NewID(), Kind: OutboxSMS, Payload: payload, CreatedAt: at, NextAt: at}
}

// MaskPhone shows enough of a number to recognise one's own: "+41…11".
func MaskPhone(s string) string {
	if len(s) < minPhone {
		return "…"
	}
	return s[:3] + "…" + s[len(s)-2:]
}
