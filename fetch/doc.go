// Package fetch goes to addresses that others name: it gets the keys, request
// objects and logos of applications, and posts notices to them. Whoever may register an application chooses
// these addresses, and whoever knows its id can make us ask for them; so they
// lead to the public Internet alone, by https, without redirects, within bounds
// of size and time, and no more often than the rest of the world can bear.
package fetch
