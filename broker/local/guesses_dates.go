package local

import (
	"strconv"
	"strings"

	"github.com/ccojocar/zxcvbn-go/entropy"
	"github.com/ccojocar/zxcvbn-go/match"
)

const (
	shortestDate, longestDate = 5, 10 // 1.1.7, 01.01.2007
	// firstYear and lastYear are those that mean something to people who are alive.
	firstYear, lastYear = 1900, 2049
)

// dates finds days in the ways in which people write them.
func dates(password string) []match.Match {
	var all []match.Match
	for i := range password {
		for end := i + shortestDate; end <= min(len(password), i+longestDate); end++ {
			if d, ok := date(password[i:end]); ok {
				m := found("date", password, i, end)
				m.Entropy = entropy.DateEntropy(d)
				all = append(all, m)
			}
		}
	}
	return all
}

// date reads a day: 31.12.1999, 12/31/99, 1999-12-31, 311299, 19991231.
func date(text string) (match.DateMatch, bool) {
	digits := strings.TrimLeft(text, "0123456789")
	if digits == "" {
		switch len(text) {
		case 6:
			return dateOf("", text[:2], text[2:4], text[4:])
		case 8:
			if d, ok := dateOf("", text[:2], text[2:4], text[4:]); ok {
				return d, true
			}
			return dateOf("", text[:4], text[4:6], text[6:])
		}
		return match.DateMatch{}, false
	}
	separator := digits[:1]
	parts := strings.Split(text, separator)
	if len(parts) != 3 || !strings.Contains(` -/\_.`, separator) {
		return match.DateMatch{}, false
	}
	return dateOf(separator, parts[0], parts[1], parts[2])
}

// dateOf puts the parts of a date in order.
func dateOf(separator, a, b, c string) (match.DateMatch, bool) {
	if len(a) == 4 {
		a, c = c, a
	}
	day, ok1 := part(a, 1, 31)
	month, ok2 := part(b, 1, 31)
	year, ok3 := part(c, firstYear, lastYear)
	if len(c) == 2 {
		year, ok3 = part(c, 0, 99)
	}
	if month > 12 {
		day, month = month, day
	}
	return match.DateMatch{Separator: separator, Day: day, Month: month, Year: year}, ok1 && ok2 && ok3 && month <= 12
}

// part is a number within bounds, written in digits alone.
func part(text string, least, most int64) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int64(n), err == nil && int64(n) >= least && int64(n) <= most //nolint:gosec // 16 bits
}
