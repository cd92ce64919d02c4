// Package cvezoo keeps the linking, federation and callback vulnerabilities that
// were published about other identity software, and performs each on our broker
// from outside: a built process, fake providers, browsers and mailboxes. Each
// attack must fail, and must succeed on the same broker without the defence
// that stopped it (see conformance/mutant); otherwise the test of it would show
// nothing. The table is docs/security/cve-zoo.md.
//
// Attacks talk to loopback addresses alone, to processes that the test started.
package cvezoo
