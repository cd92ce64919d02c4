// Package conformance holds the built broker to its promises from outside: the
// plan of the house, real relying-party libraries, a browser. It has tests
// only, and knows none of the broker's rooms; package load beside it measures.
package conformance
