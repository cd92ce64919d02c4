// Package tokens makes the broker an OpenID Provider: authorization requests,
// codes, access, refresh and ID tokens, signing keys, claims, discovery,
// introspection, revocation, logout. ory/fosite parses requests and dispatches
// the token endpoint; what issues, redeems and refuses is ours.
//
// A grant is one row (broker.Grant), from the code to the last refresh. Access
// tokens have no row: a MAC authenticates them and they name their grant.
// Refresh tokens have none either: they are computed from the grant and its
// generation.
//
// It never shows a page, never reads a cookie and never signs anybody in:
// package web does, and asks Authorization.Decide what comes next.
package tokens
