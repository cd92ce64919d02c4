package store

import (
	"context"
	"errors"
	"time"

	"idbroker/broker"
)

// rotateSQL uses a current refresh token up: the generation that was presented
// must be the one that stands.
const rotateSQL = `UPDATE grants SET refresh_generation = refresh_generation + 1, refresh_rotated_at = ?,
		refresh_expires_at = CASE WHEN CAST(? AS bigint) = 0 THEN refresh_expires_at
			WHEN expires_at > 0 AND expires_at < ? THEN expires_at ELSE ? END,
		last_used_at = ?
	WHERE id = ? AND client_id = ? AND refresh_generation = ? AND refresh_generation > 0` + refreshable + ownerActive

// refreshable tells whether a grant can be refreshed at all at a time (twice).
const refreshable = ` AND revoked_at = 0 AND (expires_at = 0 OR expires_at > ?) AND (refresh_expires_at = 0 OR refresh_expires_at > ?)`

// reuseSQL revokes a grant of which an old refresh token was presented: the
// predecessor of the current one after the grace time, or any before that.
const reuseSQL = `UPDATE grants SET revoked_at = ?, revoked_reason = 'refresh reuse'
	WHERE id = ? AND client_id = ? AND 0 < ? AND
		(refresh_generation > ? OR refresh_generation = ? AND refresh_rotated_at <= ?)` + refreshable

// Refresh presents the refresh token of a generation for a grant in the name of a
// client, whose state was known to be stamp (zero: whatever it is), and returns the
// grant as it stands afterwards:
//
//   - broker.RefreshRotated: it was the current one. RefreshGeneration is the
//     next, and RefreshExpiresAt is idle after at, but not past ExpiresAt (idle 0:
//     as it was).
//   - broker.RefreshRepeat: it was rotated less than grace ago; nothing changed.
//     The client did not see the answer, or asked twice at once.
//   - broker.RefreshReuse: it was rotated before; the grant is revoked now.
//   - broker.RefreshDead: the grant is revoked, expired, unknown or another
//     client's, its user is disabled, or the generation never was; nothing changed, and the grant is
//     the zero value where it is not the client's.
//
// broker.ErrStale: the client is in another state, or disabled; nothing changed.
//
// Each step is one conditional statement, so it needs no unit of work, and the
// usual one needs no second step. Within a unit that is rolled back a reuse
// would be forgotten: commit it.
func (db *DB) Refresh(ctx context.Context, id broker.GrantID, client string, stamp broker.ClientStamp, generation int, at time.Time, grace, idle time.Duration) (broker.Grant, broker.RefreshOutcome, error) {
	const what = "refresh grant"
	now := int64(micro(at))
	var idleEnd int64
	if idle > 0 {
		idleEnd = int64(micro(at.Add(idle)))
	}
	r, err := hotRead[grantRow](ctx, db, db.write, hotRotate, what, grantColumns,
		append([]any{now, idleEnd, idleEnd, idleEnd, now, string(id), client, int64(generation), now, now}, stampArgs(stamp)...)...)
	if err == nil {
		return r.grant(), broker.RefreshRotated, nil
	}
	if !errors.Is(err, broker.ErrNotFound) {
		return broker.Grant{}, "", err
	}

	if stamp.Known {
		if c, err := db.CurrentClient(ctx, client); isNotFound(err) || err == nil && (c.Stamp() != stamp || !c.DisabledAt.IsZero()) {
			return broker.Grant{}, "", broker.ErrStale.Becausef("%s: client %s", what, client)
		} else if err != nil {
			return broker.Grant{}, "", err
		}
	}
	for { // again only where another refresh came between the two statements; then the first matches
		reused, err := db.exec(ctx, what, reuseSQL, now, string(id), client,
			generation, generation+1, generation+1, micro(at.Add(-grace)), now, now)
		if err != nil {
			return broker.Grant{}, "", err
		}
		state, err := db.state(ctx, hotStateWhole, what, grantColumns, client, string(id))
		g := state.Grant
		switch {
		case errors.Is(err, broker.ErrNotFound), err == nil && g.ClientID != client:
			return broker.Grant{}, broker.RefreshDead, nil
		case err != nil:
			return broker.Grant{}, "", err
		case reused > 0:
			return g, broker.RefreshReuse, nil
		case state.User.Disabled(), !g.Live(at), !g.RefreshExpiresAt.IsZero() && !at.Before(g.RefreshExpiresAt),
			generation <= 0, g.RefreshGeneration <= generation:
			return g, broker.RefreshDead, nil
		case g.RefreshGeneration == generation+1:
			return g, broker.RefreshRepeat, nil
		}
	}
}
