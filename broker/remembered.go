package broker

import (
	"strconv"
	"strings"
	"time"
)

// RememberedBrowser is a browser in which somebody need not show their second
// factor at each sign-in. What they prove first is asked for all the same.
type RememberedBrowser struct {
	ID         string // NewID
	UserID     UserID
	Hash       string // Hash of the browser's cookie; people who share a browser share it
	Stamp      string // User.FactorStamp when it was made; a later change ends it
	Browser    string // "Firefox, Linux"; "" unknown. Another one is not let in
	IP         string
	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
}

// Counts tells whether the browser stands in for the second factor of u at a time.
func (b RememberedBrowser) Counts(u User, browser string, at time.Time) bool {
	return b.UserID == u.ID && b.Stamp == u.FactorStamp() && b.Browser == browser && at.Before(b.ExpiresAt)
}

// FactorStamp names the state of what a remembered browser trusts in: the password,
// that nobody has signed the person out everywhere, and the second factor.
func (u User) FactorStamp() string { return stamp(u.PasswordSetAt, u.SignedOutAt, u.SecondFactorAt) }

// KnownStamp names the state that lets a browser, in which the person has signed in,
// show their ways of signing in: that since then there was no other password, and
// nobody was signed out everywhere or on another device.
func (u User) KnownStamp() string { return stamp(u.PasswordSetAt, u.SignedOutAt, u.KnownSince) }

// stamp writes times down, to the microsecond as the store keeps them; zero as 0.
func stamp(times ...time.Time) string {
	var all []string
	for _, t := range times {
		n := int64(0)
		if !t.IsZero() {
			n = t.UnixMicro()
		}
		all = append(all, strconv.FormatInt(n, 10))
	}
	return strings.Join(all, ".")
}
