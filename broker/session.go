package broker

import "time"

// Session is one browser's stay. The cookie carries a random id, the database
// its hash. A session without UserID belongs to nobody yet.
type Session struct {
	IDHash     string // Hash of the cookie's value; the key
	SID        string // the "sid" of tokens and of the sessions page; opaque, public
	UserID     UserID // "" nobody
	AuthTime   time.Time
	AMR        []string
	ACR        string
	Provider   string    // provider of the identity used; "" a password
	Data       []byte    // what the page layer keeps; at most 4 KiB
	UserAgent  string    // as it was seen last; at most 255 bytes
	IP         string    // as it was seen last; "" unknown, or forgotten (IPAt)
	IPAt       time.Time // since when it is IP
	Remembered bool      // it outlives the browser, and does not end for idling
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute end

	// Turn counts the values of the cookie that follows the session, so that a copy of
	// the browser's cookies is noticed (web/theft.go).
	Turn     int       // of the value that was given out last; 0 none yet
	TurnedAt time.Time // when it was given out; zero: not yet
	ShownAt  time.Time // when the browser first showed it; zero: not yet
}

// Alive tells whether the session stands at a time: it has not come to its end and,
// unless it is remembered, has not idled for too long.
func (s Session) Alive(idle time.Duration, at time.Time) bool {
	return at.Before(s.ExpiresAt) && (s.Remembered || at.Sub(s.LastSeenAt) < idle)
}

// WithFactor is the session after its person has set a second factor up in it.
func (s Session) WithFactor() Session {
	s.ACR, s.AMR = ACRSecond, withFactor(s.AMR)
	return s
}

// Fresh tells whether the user signed in within d before at.
func (s Session) Fresh(d time.Duration, at time.Time) bool {
	return s.UserID != "" && !s.AuthTime.IsZero() && at.Sub(s.AuthTime) <= d
}
