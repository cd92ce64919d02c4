// Package volatile keeps in Redis what changes with every visit and may be lost: when
// and from where a session was seen last, the notice that waits in it, sessions of
// nobody, and the buckets of tries. It never decides who somebody is: a session of
// somebody is a row in the database, and its record here opens nothing without that.
//
// A session stands while both are there. So a Redis that lost its memory signs people
// out, and nothing that was ended comes back, since the row went in the same unit of
// work as its tokens.
//
// Records are found and sealed by keys that are made of the keyring's and of the hash
// of the session's cookie. Redis has neither, so whoever reads it learns of nobody, and
// whoever writes to it can destroy, or put back what stood at the same place before,
// but move nothing to another session and make nothing up. The hash is nowhere but in the
// row: when that goes, nobody can open what may be left here until it expires.
//
// No call to Redis is made inside a unit of work: what is to be written there waits in
// the context until the outermost unit has been committed (Home.InTx).
package volatile
