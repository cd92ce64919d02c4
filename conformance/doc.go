// Package conformance holds the built broker to its promises from outside: the
// plan of the house, real relying-party libraries, a browser. It has tests
// only and imports none of the broker's rooms. Below it, visitor reads pages
// and load measures.
package conformance
