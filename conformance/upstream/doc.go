// Package upstream signs people in at the built broker through an OpenID
// Provider that we did not write: its real pages, over real HTTP. All of it is
// in the tests.
package upstream
