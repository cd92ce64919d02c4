// Package broker is the vocabulary of the identity broker and the rules that
// need no input or output: users and the identities that open them, clients,
// grants, logins, sessions, events, errors. It imports the standard library
// alone, and every other package may import it.
//
// Three words are easily confused. A Client is an application that sends
// people to us (a relying party). A Provider is a remote app that we send
// people to (GitHub, ORCID). A User is the person's account here; what opens
// it is a UserIdentity, what we know of the person at the remote app is a
// RemoteAccount, and what lets us act there is a RemoteToken.
package broker
