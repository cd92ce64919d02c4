package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// offlineAccess is the scope that lets a grant outlive its session (OpenID
// Connect Core 1.0, section 11).
const offlineAccess = "offline_access"

type grantRow struct {
	bun.BaseModel `bun:"table:grants"`

	ID                string             `bun:"id,pk"`
	ClientID          string             `bun:"client_id"`
	UserID            string             `bun:"user_id"`
	SID               string             `bun:"sid"`
	Scopes            document[[]string] `bun:"scopes"`
	Audience          document[[]string] `bun:"audience"`
	Offline           bool               `bun:"offline"`
	CodeHash          string             `bun:"code_hash"`
	CodeExpiresAt     micros             `bun:"code_expires_at"`
	CodeUsedAt        micros             `bun:"code_used_at"`
	RedirectURI       string             `bun:"redirect_uri"`
	CodeChallenge     string             `bun:"code_challenge"`
	Nonce             string             `bun:"nonce"`
	Claims            string             `bun:"claims"`
	AuthTime          micros             `bun:"auth_time"`
	AMR               document[[]string] `bun:"amr"`
	ACR               string             `bun:"acr"`
	Provider          string             `bun:"provider"`
	RefreshGeneration int64              `bun:"refresh_generation"`
	RefreshRotatedAt  micros             `bun:"refresh_rotated_at"`
	RefreshExpiresAt  micros             `bun:"refresh_expires_at"`
	ExpiresAt         micros             `bun:"expires_at"`
	RevokedAt         micros             `bun:"revoked_at"`
	RevokedReason     string             `bun:"revoked_reason"`
	CreatedAt         micros             `bun:"created_at"`
	LastUsedAt        micros             `bun:"last_used_at"`
}

func rowOfGrant(g broker.Grant) *grantRow {
	return &grantRow{
		ID: string(g.ID), ClientID: g.ClientID, UserID: string(g.UserID), SID: g.SID,
		Scopes: doc(g.Scopes), Audience: doc(g.Audience), Offline: slices.Contains(g.Scopes, offlineAccess),
		CodeHash: g.CodeHash, CodeExpiresAt: micro(g.CodeExpiresAt), CodeUsedAt: micro(g.CodeUsedAt),
		RedirectURI: g.RedirectURI, CodeChallenge: g.CodeChallenge, Nonce: g.Nonce, Claims: g.Claims,
		AuthTime: micro(g.AuthTime), AMR: doc(g.AMR), ACR: g.ACR, Provider: g.Provider,
		RefreshGeneration: int64(g.RefreshGeneration), RefreshRotatedAt: micro(g.RefreshRotatedAt), RefreshExpiresAt: micro(g.RefreshExpiresAt),
		ExpiresAt: micro(g.ExpiresAt), RevokedAt: micro(g.RevokedAt), RevokedReason: g.RevokedReason,
		CreatedAt: micro(g.CreatedAt), LastUsedAt: micro(g.LastUsedAt),
	}
}

func (r *grantRow) grant() broker.Grant {
	return broker.Grant{
		ID: broker.GrantID(r.ID), ClientID: r.ClientID, UserID: broker.UserID(r.UserID), SID: r.SID,
		Scopes: r.Scopes.v, Audience: r.Audience.v,
		CodeHash: r.CodeHash, CodeExpiresAt: r.CodeExpiresAt.time(), CodeUsedAt: r.CodeUsedAt.time(),
		RedirectURI: r.RedirectURI, CodeChallenge: r.CodeChallenge, Nonce: r.Nonce, Claims: r.Claims,
		AuthTime: r.AuthTime.time(), AMR: r.AMR.v, ACR: r.ACR, Provider: r.Provider,
		RefreshGeneration: int(r.RefreshGeneration), RefreshRotatedAt: r.RefreshRotatedAt.time(), RefreshExpiresAt: r.RefreshExpiresAt.time(),
		ExpiresAt: r.ExpiresAt.time(), RevokedAt: r.RevokedAt.time(), RevokedReason: r.RevokedReason,
		CreatedAt: r.CreatedAt.time(), LastUsedAt: r.LastUsedAt.time(),
	}
}

// CreateGrant writes a new grant: its one row, for all of its life.
func (db *DB) CreateGrant(ctx context.Context, g broker.Grant) error {
	const what = "create grant"
	args, err := values(rowOfGrant(g), grantColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	_, err = db.hotExec(ctx, hotCreateGrant, what, args...)
	return err
}

// CreateGrantFor is CreateGrant for a client whose state was known to be stamp.
// broker.ErrStale: it is in another, or disabled; nothing was written.
func (db *DB) CreateGrantFor(ctx context.Context, g broker.Grant, stamp broker.ClientStamp) error {
	const what = "create grant"
	args, err := values(rowOfGrant(g), grantColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	n, err := db.hotExec(ctx, hotCreateGrantFor, what, append(args, g.ClientID, int64(stamp.Version), stamp.CreatedAt)...)
	return must(n, err, broker.ErrStale, what)
}

// Grant returns a grant, dead ones too, or broker.ErrNotFound.
func (db *DB) Grant(ctx context.Context, id broker.GrantID) (broker.Grant, error) {
	return db.hotGrant(ctx, hotGrant, "read grant", string(id))
}

// GrantByCode returns the grant of a code, whether used or not, or
// broker.ErrNotFound.
func (db *DB) GrantByCode(ctx context.Context, codeHash string) (broker.Grant, error) {
	return db.hotGrant(ctx, hotGrantByCode, "read grant by code", codeHash)
}

func (db *DB) hotGrant(ctx context.Context, h hot, what, key string) (broker.Grant, error) {
	r, err := hotRead[grantRow](ctx, db, db.read, h, what, grantColumns, key)
	if err != nil {
		return broker.Grant{}, err
	}
	return r.grant(), nil
}

// GrantsOf returns the grants of a user that are neither revoked nor expired
// now, nor wait for a code that has expired; the newest first.
func (db *DB) GrantsOf(ctx context.Context, user broker.UserID) ([]broker.Grant, error) {
	now := micro(time.Now())
	rows, err := many[grantRow](ctx, db, "list grants", "created_at DESC, id", all,
		`user_id = ? AND user_id <> '' AND revoked_at = 0 AND (expires_at = 0 OR expires_at > ?)
		AND (code_hash = '' OR code_used_at <> 0 OR code_expires_at > ?)`, string(user), now, now)
	return each(rows, (*grantRow).grant), err
}

// ownerActive leaves out what belongs to a disabled user: an authorization that
// was under way while an operator disabled its user may have left a grant
// behind the one statement that revoked the others.
const ownerActive = ` AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = grants.user_id AND users.disabled_at <> 0)`

// redeemSQL spends a code.
const redeemSQL = `UPDATE grants SET code_used_at = ?, refresh_generation = ?, refresh_rotated_at = ?, refresh_expires_at = ?, expires_at = ?, last_used_at = ?
	WHERE id = ? AND code_hash <> '' AND code_used_at = 0 AND code_expires_at > ? AND revoked_at = 0` + ownerActive

// RedeemCode spends the code of a grant, and writes what the tokens for it
// brought: RefreshGeneration, RefreshRotatedAt, RefreshExpiresAt and ExpiresAt of
// g; code and grant are marked as used at a time. broker.ErrSpent where the
// code was used or has expired, the grant is revoked or unknown, or its user is
// disabled.
func (db *DB) RedeemCode(ctx context.Context, g broker.Grant, at time.Time) error {
	n, err := db.hotExec(ctx, hotRedeem, "redeem code",
		int64(micro(at)), int64(g.RefreshGeneration), int64(micro(g.RefreshRotatedAt)), int64(micro(g.RefreshExpiresAt)),
		int64(micro(g.ExpiresAt)), int64(micro(at)), string(g.ID), int64(micro(at)))
	return must(n, err, broker.ErrSpent, "redeem code")
}

// RevokeGrant ends a grant. One that is revoked already keeps its first reason;
// one that is unknown is as good as revoked.
func (db *DB) RevokeGrant(ctx context.Context, id broker.GrantID, reason string, at time.Time) error {
	_, err := db.exec(ctx, "revoke grant", "UPDATE grants SET revoked_at = ?, revoked_reason = ? WHERE id = ? AND revoked_at = 0",
		micro(at), reason, string(id))
	return err
}

// RevokeGrants ends the grants that f selects, and returns how many those were.
func (db *DB) RevokeGrants(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error) {
	where, args := selecting(f)
	if where == "" {
		return 0, nil
	}
	if f.KeepOffline {
		where += " AND NOT offline"
	}
	n, err := db.exec(ctx, "revoke grants", "UPDATE grants SET revoked_at = ?, revoked_reason = ? WHERE revoked_at = 0"+where,
		append([]any{micro(at), reason}, args...)...)
	return int(n), err
}

// DeleteGrantsOf removes every grant of a user; end them first, or nobody is told.
func (db *DB) DeleteGrantsOf(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "delete grants", "DELETE FROM grants WHERE user_id = ? AND user_id <> ''", string(user))
	return err
}

// selecting is the condition for what f selects, each part with AND before it;
// "" where f selects nothing.
func selecting(f broker.GrantFilter) (where string, args []any) {
	for _, r := range []struct{ column, value string }{{"user_id", string(f.UserID)}, {"client_id", f.ClientID}, {"sid", f.SID}} {
		if r.value != "" {
			where += " AND " + r.column + " = ? AND " + r.column + " <> ''" // the second lets the partial index be used
			args = append(args, r.value)
		}
	}
	if where != "" && f.ExceptSID != "" {
		where += " AND sid <> ?"
		args = append(args, f.ExceptSID)
	}
	return where, args
}
