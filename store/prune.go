package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

const (
	// pruneBatch rows go in one statement: few enough that nobody waits for
	// SQLite's one writer, many enough that a busy day is pruned in seconds.
	pruneBatch = 500
	// deadKept is how long rows outlive their use, so that a replay is
	// recognised as one, and a person is told "expired" and not "unknown".
	deadKept = 24 * time.Hour
	// deadGrantKept is the same for grants. Access tokens end long before.
	deadGrantKept = 7 * 24 * time.Hour
	// outboxKept is how long a finished entry shows what was sent when.
	outboxKept = 7 * 24 * time.Hour
	// failedKept is how long an operator has to look at what was given up.
	failedKept = 30 * 24 * time.Hour
	// assertionKept is how long an assertion is remembered after it expired:
	// the clocks of replicas differ, though less than this.
	assertionKept = time.Hour
	// troubleKept is how long a refusal of a client is told to its operator.
	troubleKept = 30 * 24 * time.Hour
)

// Prune removes what nobody needs any more, as of a time: attempts, logins,
// sessions, mail tokens and codes, changes of links and pushed requests that expired a day ago, spent
// assertions, answered challenges and providers' logout tokens an hour ago, grants that ended a week ago, outbox entries done a
// week or given up a month ago, initial access tokens that are of no use since a
// day, encryption keys that open nothing more, troubles of a month ago, replicas
// that were last seen a day ago, what was retired long enough ago, buckets that are full, usernames that were given
// up long enough ago, browsers that are remembered no longer, numbers that were replaced
// and cannot be put back any more. Events
// are PruneEvents' business. It works
// in small batches, each its own transaction, and returns how many rows went,
// also where it stopped with an error.
func (db *DB) Prune(ctx context.Context, at time.Time) (int, error) {
	dead := micro(at.Add(-deadKept))
	total, err := db.pruneGrants(ctx, micro(at.Add(-deadGrantKept)))
	if err != nil {
		return total, err
	}
	for _, p := range []struct {
		table, key, where string
		args              []any
	}{
		{"attempts", "state_hash", "expires_at < ?", []any{dead}},
		{"logins", "id", "expires_at < ?", []any{dead}},
		{"sessions", "id_hash", "expires_at < ? AND expires_at <> 0", []any{dead}},
		{"mail_tokens", "hash", "expires_at < ?", []any{dead}},
		{"mail_codes", "id", "expires_at < ?", []any{dead}},
		{"passkey_challenges", "hash", "expires_at < ?", []any{micro(at.Add(-assertionKept))}},
		{"link_changes", "id", "expires_at < ?", []any{dead}},
		{"retired", "id", "expires_at < ?", []any{micro(at)}},
		{"pushed_requests", "uri_hash", "expires_at < ?", []any{dead}},
		{"spent_assertions", "(client_id, jti_hash)", "expires_at < ?", []any{micro(at.Add(-assertionKept))}},
		{"upstream_logouts", "(provider, jti_hash)", "expires_at < ?", []any{micro(at.Add(-assertionKept))}},
		{"outbox", "id", "done_at < ? AND done_at <> 0", []any{micro(at.Add(-outboxKept))}},
		{"outbox", "id", "failed_at < ? AND failed_at <> 0", []any{micro(at.Add(-failedKept))}},
		{"initial_access_tokens", "hash", "expires_at < ? AND expires_at <> 0", []any{dead}},
		{"encryption_keys", "id", "expires_at < ? AND expires_at <> 0", []any{micro(at)}},
		{"replicas", "id", "seen_at < ?", []any{dead}},
		{"client_troubles", "last_at", "last_at < ?", []any{micro(at.Add(-troubleKept))}},
		{"remembered_browsers", "id", "expires_at < ?", []any{micro(at)}},
		{"buckets", "key", "full_at < ?", []any{micro(at)}},
		{"factors", "id", "until_at < ? AND until_at <> 0", []any{micro(at)}},
		{"former_usernames", "mac", "until_at < ? AND until_at <> 0", []any{micro(at)}},
	} {
		query := "DELETE FROM " + p.table + " WHERE " + p.key + " IN (SELECT " + strings.Trim(p.key, "()") + " FROM " + p.table + " WHERE " + p.where + " LIMIT ?)"
		for {
			n, err := db.exec(ctx, "prune "+p.table, query, append(p.args, pruneBatch)...)
			total += int(n)
			if err != nil {
				return total, err
			}
			if n < pruneBatch {
				break
			}
		}
	}
	return total, nil
}

// grantWindow grants are looked at in one statement.
const grantWindow = 2000

// deadGrant is the condition that a grant ended before a time (four times).
const deadGrant = `(revoked_at < ? AND revoked_at <> 0 OR expires_at < ? AND expires_at <> 0
	OR refresh_expires_at < ? AND refresh_expires_at <> 0
	OR code_hash <> '' AND code_used_at = 0 AND code_expires_at < ?)`

// pruneGrants walks over all grants in the order of their ids, and removes those
// that ended before a time. No index could find them but one on what
// every refresh changes; so it looks with a reader, and the writer gets small
// batches of ids. However many grants live, each statement is short.
func (db *DB) pruneGrants(ctx context.Context, before micros) (int, error) {
	const what = "prune grants"
	total := 0
	for after := ""; ; {
		on, err := db.reader(ctx)
		if err != nil {
			return total, db.failed(what, err)
		}
		var window []struct {
			ID   string `bun:"id"`
			Dead bool   `bun:"dead"`
		}
		if err := on.NewRaw("SELECT id, "+deadGrant+" AS dead FROM grants WHERE id > ? ORDER BY id LIMIT ?",
			before, before, before, before, after, grantWindow).Scan(ctx, &window); err != nil {
			return total, db.failed(what, err)
		}
		var dead []string
		for _, g := range window {
			if after = g.ID; g.Dead {
				dead = append(dead, g.ID)
			}
		}
		for batch := range slices.Chunk(dead, pruneBatch) {
			n, err := db.exec(ctx, what, "DELETE FROM grants WHERE id IN (?) AND "+deadGrant, bun.List(batch), before, before, before, before)
			if total += int(n); err != nil {
				return total, err
			}
		}
		if len(window) < grantWindow {
			return total, nil
		}
	}
}
