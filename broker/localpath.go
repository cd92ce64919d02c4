package broker

import (
	"net/url"
	"strings"
)

// maxLocalPath bounds a path that is carried through a sign-in. An
// authorization request with everything in it stays under it.
const maxLocalPath = 4096

// LocalPath returns next, byte for byte, when it is a path on this site that no
// browser reads as anything else, and "" otherwise. Refused are: other hosts
// and schemes, "//" and "/\" at the start, a backslash or a control character or a space anywhere,
// and whatever net/url cannot parse. An encoded slash or backslash right
// behind the first slash is refused too: a proxy may decode it.
func LocalPath(next string) string {
	if next == "" || len(next) > maxLocalPath || next[0] != '/' {
		return ""
	}
	for i := 0; i < len(next); i++ {
		if c := next[i]; c <= ' ' || c == '\\' || c >= 0x7f {
			return ""
		}
	}
	if strings.HasPrefix(next, "//") {
		return ""
	}
	if l := strings.ToLower(next); strings.HasPrefix(l, "/%2f") || strings.HasPrefix(l, "/%5c") || strings.HasPrefix(l, "/%09") {
		return ""
	}
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil {
		return ""
	}
	return next
}
