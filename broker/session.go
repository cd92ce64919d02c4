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
	Provider   string // provider of the identity used; "" a password
	Data       []byte // what the page layer keeps; at most 4 KiB
	UserAgent  string // at most 255 bytes
	IP         string
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute end
}

// WithFactor is the session after its person has set a second factor up in it.
func (s Session) WithFactor() Session {
	s.ACR, s.AMR = ACRSecond, withFactor(s.AMR, AMROTP)
	return s
}

// Fresh tells whether the user signed in within d before at.
func (s Session) Fresh(d time.Duration, at time.Time) bool {
	return s.UserID != "" && !s.AuthTime.IsZero() && at.Sub(s.AuthTime) <= d
}
