package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type tokenRow struct {
	bun.BaseModel `bun:"table:remote_tokens"`

	AccountID    string             `bun:"account_id,pk"`
	Kind         string             `bun:"kind,pk"`
	AccessToken  []byte             `bun:"access_token"`
	RefreshToken []byte             `bun:"refresh_token"`
	IDToken      []byte             `bun:"id_token"`
	TokenType    string             `bun:"token_type"`
	Scopes       document[[]string] `bun:"scopes"`
	ExpiresAt    micros             `bun:"expires_at"`
	UpdatedAt    micros             `bun:"updated_at"`
}

// SaveRemoteTokens writes the tokens of a remote account over those of the same
// Kind. An old refresh token stays where the new one has none: providers
// that do not rotate send it once. Of several tokens with one Kind the last counts.
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

func (db *DB) saveRemoteToken(ctx context.Context, accountID string, t broker.RemoteToken) error {
	const what = "save remote token"
	row := &tokenRow{
		AccountID: accountID, Kind: t.Kind, TokenType: t.TokenType, Scopes: doc(t.Scopes),
		ExpiresAt: micro(t.ExpiresAt), UpdatedAt: micro(t.UpdatedAt),
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
		sealed, err := db.keys.seal(inRow("remote_tokens", s.column, accountID, t.Kind), []byte(s.secret.Reveal()))
		if err != nil {
			return db.doomed(ctx, db.failed(what, err))
		}
		*s.to = sealed
	}
	args, err := values(row, tokenColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	_, err = db.exec(ctx, what, "INSERT INTO remote_tokens ("+names(tokenColumns)+") VALUES ("+marks(len(args))+")"+`
		ON CONFLICT (account_id, kind) DO UPDATE SET
			access_token = excluded.access_token, id_token = excluded.id_token, token_type = excluded.token_type,
			refresh_token = CASE WHEN length(excluded.refresh_token) = 0 THEN remote_tokens.refresh_token ELSE excluded.refresh_token END,
			scopes = excluded.scopes, expires_at = excluded.expires_at, updated_at = excluded.updated_at`,
		args...)
	return err
}

// RemoteTokens returns the tokens of a remote account by Kind, opened.
func (db *DB) RemoteTokens(ctx context.Context, accountID string) ([]broker.RemoteToken, error) {
	const what = "read remote tokens"
	rows, err := many[tokenRow](ctx, db, what, "kind", all, "account_id = ?", accountID)
	if err != nil {
		return nil, err
	}
	var tokens []broker.RemoteToken
	for _, r := range rows {
		t := broker.RemoteToken{
			AccountID: r.AccountID, Kind: r.Kind, TokenType: r.TokenType, Scopes: r.Scopes.v,
			ExpiresAt: r.ExpiresAt.time(), UpdatedAt: r.UpdatedAt.time(),
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
			text, err := db.keys.open(inRow("remote_tokens", s.column, r.AccountID, r.Kind), s.sealed)
			if err != nil {
				return nil, db.failed(what, err)
			}
			*s.to = broker.Secret(text)
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}
