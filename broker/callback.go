package broker

import (
	"net/url"
	"strings"
	"unicode"
)

const (
	// maxCallbackQuery bounds the query of a callback: codes of some
	// providers are signed tokens of a few KiB.
	maxCallbackQuery = 8 << 10
	// maxErrorDescription is how much of error_description is kept.
	maxErrorDescription = 200
)

// ErrCallback: the query of a callback is too long, malformed, or has a
// parameter twice (RFC 6749, section 3.1).
var ErrCallback = &Error{Kind: KindBadRequest, Message: "provider.incomplete"}

// ParseCallback picks what we know from the query of a callback; everything else
// in it is ignored. It returns ErrCallback. A callback without code and error
// is none: some providers put errors into the fragment, which no server sees.
func ParseCallback(rawQuery string) (Callback, error) {
	if len(rawQuery) > maxCallbackQuery {
		return Callback{}, ErrCallback.Becausef("the query has %d bytes", len(rawQuery))
	}
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Callback{}, ErrCallback.Becausef("the query is malformed") // the cause would show a code
	}
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		if len(q[name]) > 1 {
			return Callback{}, ErrCallback.At(name).Becausef("%q stands twice", name)
		}
	}
	return Callback{
		Code: Secret(q.Get("code")), State: Secret(q.Get("state")),
		Issuer: q.Get("iss"), HasIssuer: q.Has("iss"),
		Error: printable(q.Get("error")), ErrorDescription: printable(q.Get("error_description")),
	}, nil
}

// printable drops what does not print and cuts s to maxErrorDescription code
// points.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxErrorDescription {
		s = string(r[:maxErrorDescription])
	}
	return s
}
