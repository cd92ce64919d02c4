// Package store keeps everything that the broker must not forget, in SQLite or
// in PostgreSQL, behind one set of methods and one set of migrations. It holds
// no rules: it never decides who may do what, never reads the clock for a rule,
// and never talks to anything but its database.
//
// # Promises
//
// They hold on both databases; storetest states them as tests.
//
//   - A unit of work (InTx) is written whole or not at all. Units inside units
//     join; a failed statement dooms the unit, even when its error is swallowed.
//   - A one-time thing is spent by one conditional update: of sixteen that try
//     at once, one succeeds, the others get broker.ErrSpent.
//   - A missing row is broker.ErrNotFound, a taken unique value
//     broker.ErrConflict, a row that changed meanwhile broker.ErrSpent. Other
//     errors say what was being done and never what was bound.
//   - Remote tokens, the provider sessions of attempts, unfinished sign-ups,
//     signing keys and outbox payloads are sealed (AES-256-GCM) and bound to
//     their table, column and row.
//   - Text is UTF-8 without NUL, byte for byte. Anything else is refused with
//     ErrText, and no row is ever found by it.
//
// # Representation
//
// A time is an integer: microseconds since 1970 in UTC, and 0 for the zero
// time. So both databases compare, index and return the same value, no session
// time zone matters, and nothing is lost in a driver. In psql,
// to_timestamp(created_at / 1e6) shows it. A list or map is JSON text, "" where
// it is empty; it comes back as nil. Text columns compare bytes (collation "C"
// on PostgreSQL). No column is NULL.
package store
