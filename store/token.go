package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type tokenRow struct {
	bun.BaseModel `bun:"table:remote_tokens"`

	AccountID        string             `bun:"account_id,pk"`
	Kind             string             `bun:"kind,pk"`
	AccessToken      []byte             `bun:"access_token"`
	RefreshToken     []byte             `bun:"refresh_token"`
	IDToken          []byte             `bun:"id_token"`
	TokenType        string             `bun:"token_type"`
	Scopes           document[[]string] `bun:"scopes"`
	ExpiresAt        micros             `bun:"expires_at"`
	UpdatedAt        micros             `bun:"updated_at"`
	RefreshExpiresAt micros             `bun:"refresh_expires_at"`
	Version          int                `bun:"version"`
	LeaseID          string             `bun:"lease_id"`
	LeaseUntil       micros             `bun:"lease_until"`
	AskedAt          micros             `bun:"asked_at"`
	RetryAt          micros             `bun:"retry_at"`
	Failures         int                `bun:"failures"`
	State            string             `bun:"state"`
	LastError        string             `bun:"last_error"`
}

// rowOfToken seals a token. It is as new: nobody refreshes it, nothing failed.
func (db *DB) rowOfToken(accountID string, t broker.RemoteToken) (*tokenRow, error) {
	row := &tokenRow{
		AccountID: accountID, Kind: t.Kind, TokenType: t.TokenType, Scopes: doc(t.Scopes),
		ExpiresAt: micro(t.ExpiresAt), UpdatedAt: micro(t.UpdatedAt), RefreshExpiresAt: micro(t.RefreshExpiresAt),
	}
	for _, s := range []struct {
		column string
		to     *[]byte
		secret broker.Secret
	}{
		{"access_token", &row.AccessToken, t.AccessToken},
		{"refresh_token", &row.RefreshToken, t.RefreshToken},
		{"id_token", &row.IDToken, t.IDToken},
	} {
		sealed, err := db.ring().seal(inRow("remote_tokens", s.column, accountID, t.Kind), []byte(s.secret.Reveal()))
		if err != nil {
			return nil, err
		}
		*s.to = sealed
	}
	return row, nil
}

// SaveRemoteTokens writes the tokens of a remote account over those of the same
// Kind. An old refresh token stays where the new one has none, unless it is known
// to be dead: providers that do not rotate send it once. So does whatever is known
// of it, somebody's refreshing it included. Of several tokens with one Kind the last
// counts.
func (db *DB) SaveRemoteTokens(ctx context.Context, accountID string, tokens []broker.RemoteToken) error {
	return db.InTx(ctx, func(ctx context.Context) error {
		for _, t := range tokens {
			if err := db.saveRemoteToken(ctx, accountID, t); err != nil {
				return err
			}
		}
		return nil
	})
}

// tokenStays is the condition that a sign-in brought no refresh token, and the
// one before is still of use.
const tokenStays = "length(excluded.refresh_token) = 0 AND remote_tokens.state = ''"

func (db *DB) saveRemoteToken(ctx context.Context, accountID string, t broker.RemoteToken) error {
	const what = "save remote token"
	row, err := db.rowOfToken(accountID, t)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	args, err := values(row, tokenColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	keep := ""
	for _, column := range []string{"refresh_token", "refresh_expires_at", "lease_id", "lease_until", "asked_at", "retry_at", "failures", "last_error"} {
		keep += column + " = CASE WHEN " + tokenStays + " THEN remote_tokens." + column + " ELSE excluded." + column + " END, "
	}
	_, err = db.exec(ctx, what, "INSERT INTO remote_tokens ("+names(tokenColumns)+") VALUES ("+marks(len(args))+")"+`
		ON CONFLICT (account_id, kind) DO UPDATE SET `+keep+`
			version = CASE WHEN `+tokenStays+` THEN remote_tokens.version ELSE remote_tokens.version + 1 END, state = '',
			access_token = excluded.access_token, id_token = excluded.id_token, token_type = excluded.token_type,
			scopes = excluded.scopes, expires_at = excluded.expires_at, updated_at = excluded.updated_at`,
		args...)
	return err
}

// RemoteTokens returns the tokens of a remote account by Kind, opened.
func (db *DB) RemoteTokens(ctx context.Context, accountID string) ([]broker.RemoteToken, error) {
	held, err := db.HeldTokens(ctx, accountID)
	return each(held, func(t *broker.HeldToken) broker.RemoteToken { return t.RemoteToken }), err
}

// HeldTokens is RemoteTokens with what keeps them alive.
func (db *DB) HeldTokens(ctx context.Context, accountID string) ([]broker.HeldToken, error) {
	const what = "read remote tokens"
	rows, err := many[tokenRow](ctx, db, what, "kind", all, "account_id = ?", accountID)
	if err != nil {
		return nil, err
	}
	var tokens []broker.HeldToken
	for _, r := range rows {
		t, err := db.heldToken(r)
		if err != nil {
			return nil, db.failed(what, err)
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

func (db *DB) heldToken(r tokenRow) (broker.HeldToken, error) {
	t := broker.HeldToken{
		RemoteToken: broker.RemoteToken{
			AccountID: r.AccountID, Kind: r.Kind, TokenType: r.TokenType, Scopes: r.Scopes.v,
			ExpiresAt: r.ExpiresAt.time(), RefreshExpiresAt: r.RefreshExpiresAt.time(), UpdatedAt: r.UpdatedAt.time(),
		},
		Version: r.Version, LeaseUntil: r.LeaseUntil.time(), AskedAt: r.AskedAt.time(), RetryAt: r.RetryAt.time(),
		Failures: r.Failures, State: broker.TokenState(r.State), LastError: r.LastError,
	}
	for _, s := range []struct {
		column string
		sealed []byte
		to     *broker.Secret
	}{
		{"access_token", r.AccessToken, &t.AccessToken},
		{"refresh_token", r.RefreshToken, &t.RefreshToken},
		{"id_token", r.IDToken, &t.IDToken},
	} {
		text, err := db.ring().open(inRow("remote_tokens", s.column, r.AccountID, r.Kind), s.sealed)
		if err != nil {
			return t, err
		}
		*s.to = broker.Secret(text)
	}
	return t, nil
}
