package providers

import (
	"slices"
	"strings"

	"idbroker/broker"
)

// Values of App.EmailTrust: when an address that a provider tells counts as
// proven. An address that does not count is still offered on the sign-up form,
// and proven by a mail.
const (
	EmailNever    = "never"    // the provider's word does not count
	EmailVerified = "verified" // where the provider says that it verified the address
	EmailAlways   = "always"   // every address of the provider: the operator vouches for it
)

// email returns the address as broker.NormalizeEmail has it, "" where it cannot
// be used, and tells whether it counts as proven. verified is what the
// provider said.
func (a App) email(said string, verified bool) (string, bool) {
	address, err := broker.NormalizeEmail(said)
	if err != nil {
		return "", false
	}
	trusted := a.EmailTrust == EmailAlways || a.EmailTrust == EmailVerified && verified
	if len(a.EmailDomains) > 0 {
		// As the provider said it: where that has other forms of ASCII letters ("ſ"), whose mailbox it
		// checked nobody knows. EqualFold takes them for these, as NormalizeEmail does.
		_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(said)), "@")
		trusted = trusted && slices.ContainsFunc(a.EmailDomains, func(d string) bool { return strings.ToLower(d) == domain })
	}
	return address, trusted
}
