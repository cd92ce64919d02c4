// Package limits says who must do something for their next try, and who must
// wait. It slows down who guesses passwords or has us send mails, and it never
// locks a person out: what a stranger does to somebody's account at most makes
// a browser that has not been signed in to it compute for some seconds.
//
// Each try takes a token from the buckets that it concerns: that of the account
// as it was typed (known or not, the answer is the same), and those of the network.
// A browser that has signed in to the account before has a bucket of its own
// (a device cookie, after the OWASP page "Slow Down Online Guessing Attacks with Device
// Cookies"), which no stranger can empty. Where a bucket is empty, the answer is a
// proof of work; the emptier, the harder. Only who empties the second, deep bucket of
// their network is sent away for a while (429).
//
// Tokens are taken before the password is looked at, so that a hundred guesses at
// once count as a hundred, and given back when it was right.
package limits
