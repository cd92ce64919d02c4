package broker

import (
	"errors"
	"time"
)

// OutboxMail is the kind of outbox entry whose payload is a Mail as JSON.
const OutboxMail = "mail"

// OutboxEntry is work that must happen after a commit. The store seals its
// payload, since mails carry one-time links.
type OutboxEntry struct {
	ID           string
	Kind         string
	Payload      []byte
	CreatedAt    time.Time
	NextAt       time.Time // do not try before
	Attempts     int
	LastError    string // at most 500 bytes, no secrets
	ClaimedUntil time.Time
	DoneAt       time.Time
	FailedAt     time.Time // given up
}

// Permanent marks the error of an outbox handler that trying again cannot mend.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent tells whether Permanent marked err.
func IsPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}

type permanentError struct{ error }

func (p permanentError) Unwrap() error { return p.error }
