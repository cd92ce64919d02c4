package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// A refresh is three statements, none of which waits for the network: claim,
// ask the provider, save or fail. The version says which refresh token the answer
// belongs to, the lease who asks.

// ClaimRemoteToken gives the refreshing of a token to the caller alone, until a
// time, and notes that its refresh token is being sent. t is the token as it was
// read. broker.ErrSpent where somebody else has it, or it has changed since.
func (db *DB) ClaimRemoteToken(ctx context.Context, t broker.HeldToken, lease string, at, until time.Time) error {
	n, err := db.exec(ctx, "claim remote token", `UPDATE remote_tokens SET lease_id = ?, lease_until = ?, asked_at = CASE WHEN asked_at = 0 THEN ? ELSE asked_at END
		WHERE account_id = ? AND kind = ? AND version = ? AND asked_at = ? AND lease_until <= ?`,
		lease, micro(until), micro(at), t.AccountID, t.Kind, t.Version, micro(t.AskedAt), micro(at))
	return must(n, err, broker.ErrSpent, "claim remote token")
}

// SaveRenewedToken writes what a refresh of t brought, over what t was. What the
// answer did not bring stays: the refresh token, the ID token. It does not need
// the lease, which may have run out meanwhile: as long as no other refresh token
// has come, this one is the newest. broker.ErrSpent where another has come, or
// the account is gone or user's no more.
func (db *DB) SaveRenewedToken(ctx context.Context, user broker.UserID, t broker.HeldToken, renewed broker.RemoteToken) error {
	const what = "save renewed token"
	renewed.Kind = t.Kind
	row, err := db.rowOfToken(t.AccountID, renewed)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	args := []any{row.AccessToken, row.TokenType, row.Scopes, row.ExpiresAt, row.RefreshExpiresAt, row.UpdatedAt}
	set := `access_token = ?, token_type = ?, scopes = ?, expires_at = ?, refresh_expires_at = ?, updated_at = ?,
		lease_id = '', lease_until = 0, asked_at = 0, retry_at = 0, failures = 0, state = '', last_error = '', version = version + 1`
	if renewed.RefreshToken != "" {
		set, args = set+", refresh_token = ?", append(args, row.RefreshToken)
	}
	if renewed.IDToken != "" {
		set, args = set+", id_token = ?", append(args, row.IDToken)
	}
	n, err := db.exec(ctx, what, "UPDATE remote_tokens SET "+set+` WHERE account_id = ? AND kind = ? AND version = ?
		AND EXISTS (SELECT 1 FROM remote_accounts AS a WHERE a.id = remote_tokens.account_id AND a.user_id = ?)`,
		append(args, t.AccountID, t.Kind, t.Version, string(user))...)
	return must(n, err, broker.ErrSpent, what)
}

// FailRemoteToken ends the refresh that a lease stands for, without tokens. What
// was there stays as it is. broker.ErrSpent where the lease is not the caller's
// any more: whoever came after knows better.
func (db *DB) FailRemoteToken(ctx context.Context, t broker.HeldToken, lease string, f broker.TokenFailure) error {
	asked := ", asked_at = 0"
	if f.Unanswered {
		asked = ""
	} else if !t.AskedAt.IsZero() { // an older one has not been answered either
		asked = ""
	}
	n, err := db.exec(ctx, "fail remote token", "UPDATE remote_tokens SET lease_id = '', lease_until = 0, failures = failures + 1, retry_at = ?, state = ?, last_error = ?"+asked+
		" WHERE account_id = ? AND kind = ? AND version = ? AND lease_id = ?",
		micro(f.RetryAt), string(f.State), clip(f.Error), t.AccountID, t.Kind, t.Version, lease)
	return must(n, err, broker.ErrSpent, "fail remote token")
}

type tokenPlaceRow struct {
	AccountID string `bun:"account_id"`
	Kind      string `bun:"kind"`
	UserID    string `bun:"user_id"`
	Provider  string `bun:"provider"`
	Issuer    string `bun:"issuer"`
	Subject   string `bun:"subject"`
	State     string `bun:"state"`
}

func (r *tokenPlaceRow) place() broker.TokenPlace {
	return broker.TokenPlace{
		AccountID: r.AccountID, Kind: r.Kind, UserID: broker.UserID(r.UserID), Provider: r.Provider, Issuer: r.Issuer, Subject: r.Subject, State: broker.TokenState(r.State),
	}
}

const tokenPlaces = "SELECT t.account_id, t.kind, a.user_id, a.provider, a.issuer, a.subject, t.state FROM remote_tokens AS t JOIN remote_accounts AS a ON a.id = t.account_id"

// LostTokensOf returns the tokens of a user that only the person can bring back.
func (db *DB) LostTokensOf(ctx context.Context, user broker.UserID) ([]broker.TokenPlace, error) {
	return db.places(ctx, "list lost tokens", tokenPlaces+" WHERE a.user_id = ? AND t.state <> '' ORDER BY t.account_id, t.kind", string(user))
}

// EndingTokens returns at most limit tokens at some providers, of people who are
// not disabled, the first to end first: those whose refresh token was given for at
// least a time and has lived two thirds of it, is neither lost nor being
// refreshed, and may be tried.
func (db *DB) EndingTokens(ctx context.Context, providers []string, at time.Time, least time.Duration, limit int) ([]broker.TokenPlace, error) {
	if limit <= 0 || len(providers) == 0 {
		return nil, nil
	}
	return db.places(ctx, "list ending tokens", tokenPlaces+` JOIN users AS u ON u.id = a.user_id
		WHERE t.refresh_expires_at <> 0 AND t.refresh_expires_at > ? AND t.refresh_expires_at - t.updated_at >= ?
			AND (t.refresh_expires_at - ?) * 3 <= t.refresh_expires_at - t.updated_at
			AND t.state = '' AND t.retry_at <= ? AND t.lease_until <= ? AND length(t.refresh_token) > 0 AND u.disabled_at = 0 AND a.provider IN (?)
		ORDER BY t.refresh_expires_at, t.account_id, t.kind LIMIT ?`,
		micro(at), least.Microseconds(), micro(at), micro(at), micro(at), bun.List(providers), limit)
}

func (db *DB) places(ctx context.Context, what, query string, args ...any) ([]broker.TokenPlace, error) {
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []tokenPlaceRow
	if err := on.NewRaw(query, args...).Scan(ctx, &rows); err != nil {
		return nil, db.failed(what, err)
	}
	return each(rows, (*tokenPlaceRow).place), nil
}
