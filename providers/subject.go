package providers

// maxSubject is the longest "sub" (OpenID Connect Core 1.0, section 2).
const maxSubject = 255

// validSubject tells whether s can be a stable external id: 1 to 255 printable
// ASCII characters.
func validSubject(s string) bool {
	if s == "" || len(s) > maxSubject {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
