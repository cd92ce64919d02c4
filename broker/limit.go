package broker

import "time"

// Limit is a token bucket: Burst things at once, then one every Every. Nobody is
// limited by its zero value.
type Limit struct {
	Burst int           // things; 0: no limit
	Every time.Duration // until one more fits
}

// Charge is one thing taken from a bucket.
type Charge struct {
	Key   string // of the bucket: a kind and a hash, never an address in the clear
	Limit Limit
}

// Charged is what a bucket answered.
type Charged struct {
	Refused bool          // nothing was taken: the bucket was empty
	Last    bool          // one was taken, and no other one fits yet
	Wait    time.Duration // until one fits; 0 where it was taken
}
