package providers

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"time"

	"golang.org/x/oauth2"
)

// maxLifetime is the longest life of a token that we believe in, 68 years: ORCID's
// live for twenty, and what is longer makes times that no database keeps.
const maxLifetime = math.MaxInt32 * time.Second

var errLifetime = errors.New("a lifetime is no number of seconds")

// lifetime reads "expires_in" and its like, in seconds: a number (RFC 6749,
// section 5.1), or a string, as some providers send it. 0 where the provider does
// not tell, or tells 0: no provider hands out what has ended, and some mean "never".
// What is longer than maxLifetime is cut to it.
func lifetime(v any) (time.Duration, error) {
	var seconds float64
	switch n := v.(type) {
	case nil:
		return 0, nil
	case float64:
		seconds = n
	case json.Number:
		return lifetime(string(n))
	case string:
		if n == "" {
			return 0, nil
		}
		whole, err := strconv.ParseInt(n, 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, errLifetime
		}
		seconds = float64(whole)
	default:
		return 0, errLifetime
	}
	switch {
	case math.IsNaN(seconds), seconds < 0, seconds < float64(math.MaxInt32) && seconds != math.Trunc(seconds):
		return 0, errLifetime
	case seconds >= float64(math.MaxInt32):
		return maxLifetime, nil
	}
	return time.Duration(seconds) * time.Second, nil
}

// endsAt is when something ends that lives for a time since it was asked for;
// zero where that is not known. The provider's time began to run later, so that we
// never believe in a token that is dead.
func endsAt(asked time.Time, life time.Duration) time.Time {
	if life == 0 {
		return time.Time{}
	}
	return asked.Add(life)
}

// refreshEnds is when the refresh token of an answer ends unless it is used:
// GitHub's word for it or Keycloak's, otherwise what is known of the kind, 0
// nothing. Zero: never, or not known.
func refreshEnds(t *oauth2.Token, at time.Time, idle time.Duration) time.Time {
	if t.RefreshToken == "" {
		return time.Time{}
	}
	for _, name := range []string{"refresh_token_expires_in", "refresh_expires_in"} {
		if life, err := lifetime(t.Extra(name)); err == nil && life > 0 {
			return endsAt(at, life)
		}
	}
	return endsAt(at, idle)
}
