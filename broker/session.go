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
	Lasting    bool      // it outlives the browser, and does not end for idling
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time // absolute end
	Remembered string    // id of the remembered browser that stood in for the second factor; "" none did

	// Turn counts the values of the cookie that follows the session, so that a copy of
	// the browser's cookies is noticed (web/theft.go).
	Turn     int       // of the value that was given out last; 0 none yet
	TurnedAt time.Time // when it was given out; zero: not yet
	ShownAt  time.Time // when the browser first showed it; zero: not yet

	// Grace is until when a form may be sent that was opened while the sign-in was
	// fresh; zero: there is none. It belongs to a request, and is not kept.
	Grace time.Time
}

// Alive tells whether the session stands at a time: it has not come to its end and,
// unless it is lasting, has not idled for too long.
func (s Session) Alive(idle time.Duration, at time.Time) bool {
	return at.Before(s.ExpiresAt) && (s.Lasting || at.Sub(s.LastSeenAt) < idle)
}

// WithFactor is the session after its person has shown a second factor in it, by a
// method (RFC 8176).
func (s Session) WithFactor(method string) Session {
	s.Remembered = ""
	s.ACR, s.AMR = ACRSecond, withFactor(s.AMR, method)
	return s
}

// Fresh tells whether the user signed in within d before at, or did when they
// opened the form that they send now. A session that a remembered browser began
// without the second factor never is.
func (s Session) Fresh(d time.Duration, at time.Time) bool {
	return s.UserID != "" && !s.AuthTime.IsZero() && s.Remembered == "" && (at.Sub(s.AuthTime) <= d || at.Before(s.Grace))
}

// SessionFilter names sessions of one user. The zero value of a field but UserID
// stands for any; without UserID it names none.
type SessionFilter struct {
	UserID     UserID
	SID        string
	ExceptSID  string
	Remembered string // Session.Remembered
}

// SIDs are the public ids of sessions; nil of none.
func SIDs(sessions []Session) []string {
	var sids []string
	for _, s := range sessions {
		sids = append(sids, s.SID)
	}
	return sids
}
