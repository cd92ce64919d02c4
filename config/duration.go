package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// maxDays keeps a duration far from the end of time.Duration (292 years).
const maxDays = 36500

var errDuration = errors.New("not a duration such as 90s, 15m, 12h or 30d")

// parseDuration reads what time.ParseDuration reads, and days: "30d", "1d12h".
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	var days time.Duration
	if number, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n > maxDays {
			return 0, errDuration
		}
		days, s = time.Duration(n)*day, rest
		if s == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDays*day {
		return 0, errDuration
	}
	return days + d, nil
}

// formatDuration writes d as an operator would: "12h", "30d", "1m30s".
func formatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%day == 0:
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
