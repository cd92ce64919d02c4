// Package providertest runs fake remote apps over HTTP for tests. They keep
// their own state, refuse what the real services refuse, and are steered from
// Go: who exists, what the next answer is, what time it is, what to lie about.
//
// OpenID is a strict OpenID Provider that the fakes of vendors are built on.
// The package imports nothing of ours, so that a misreading of a specification
// cannot be on both sides by way of shared code.
package providertest
