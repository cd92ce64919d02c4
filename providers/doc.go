// Package providers takes a person to a remote app (GitHub, ORCID, CERN,
// Globus, any OpenID Provider) and brings back a profile and tokens.
//
// Every app is a goth.Provider; what goth cannot express (a context, options,
// an issuer, revocation) are optional interfaces beside it, in seam.go. Gothic
// and goth's own openidConnect are never used: the one lets the caller choose
// the state, the other does not verify signatures.
//
// The package keeps nothing: what must survive until the callback is in the
// marshalled session, which the caller stores. It never decides which account
// an identity opens.
package providers
