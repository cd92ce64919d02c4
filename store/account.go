package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type accountRow struct {
	bun.BaseModel `bun:"table:remote_accounts"`

	ID            string `bun:"id,pk"`
	UserID        string `bun:"user_id"`
	Provider      string `bun:"provider"`
	Issuer        string `bun:"issuer"`
	Subject       string `bun:"subject"`
	ClientID      string `bun:"client_id"`
	Username      string `bun:"username"`
	Name          string `bun:"name"`
	Email         string `bun:"email"`
	EmailVerified bool   `bun:"email_verified"`
	Locale        string `bun:"locale"`
	ProfileURL    string `bun:"profile_url"`
	Extra         string `bun:"extra"` // JSON, byte for byte
	CreatedAt     micros `bun:"created_at"`
	UpdatedAt     micros `bun:"updated_at"`
}

func rowOfAccount(a broker.RemoteAccount) *accountRow {
	return &accountRow{
		ID: a.ID, UserID: string(a.UserID), Provider: a.Provider, Issuer: a.Issuer, Subject: a.Subject,
		ClientID: a.ClientID, Username: a.Username, Name: a.Name, Email: a.Email, EmailVerified: a.EmailVerified,
		Locale: a.Locale, ProfileURL: a.ProfileURL, Extra: string(a.Extra), CreatedAt: micro(a.CreatedAt), UpdatedAt: micro(a.UpdatedAt),
	}
}

func (r *accountRow) account() broker.RemoteAccount {
	return broker.RemoteAccount{
		ID: r.ID, UserID: broker.UserID(r.UserID), Provider: r.Provider, Issuer: r.Issuer, Subject: r.Subject,
		ClientID: r.ClientID, Username: r.Username, Name: r.Name, Email: r.Email, EmailVerified: r.EmailVerified,
		Locale: r.Locale, ProfileURL: r.ProfileURL, Extra: json.RawMessage(some([]byte(r.Extra))), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// SaveRemoteAccount writes what is known of a person at a provider: a new row,
// or over that of (Provider, Issuer, Subject), whose ID and CreatedAt stay. The
// account belongs to a.UserID afterwards, whoever had it before. It returns what
// stands.
func (db *DB) SaveRemoteAccount(ctx context.Context, a broker.RemoteAccount) (broker.RemoteAccount, error) {
	const what = "save remote account"
	row := rowOfAccount(a)
	args, err := values(row, accountColumns)
	if err != nil {
		return broker.RemoteAccount{}, db.doomed(ctx, db.failed(what, err))
	}
	saved, err := hotRead[accountRow](ctx, db, db.write, hotSaveAccount, what, accountColumns, args...)
	if err != nil {
		return broker.RemoteAccount{}, err
	}
	return saved.account(), nil
}

// saveAccountSQL writes a remote account, over what stood there.
func saveAccountSQL() string {
	return "INSERT INTO remote_accounts (" + names(accountColumns) + ") VALUES (" + marks(len(accountColumns)) + `)
		ON CONFLICT (provider, issuer, subject) DO UPDATE SET
			user_id = excluded.user_id, client_id = excluded.client_id, username = excluded.username,
			name = excluded.name, email = excluded.email, email_verified = excluded.email_verified,
			locale = excluded.locale, profile_url = excluded.profile_url, extra = excluded.extra, updated_at = excluded.updated_at
		RETURNING ` + names(accountColumns)
}

// RemoteAccount returns what is known of subject at a provider, or
// broker.ErrNotFound.
func (db *DB) RemoteAccount(ctx context.Context, provider, issuer, subject string) (broker.RemoteAccount, error) {
	r, err := one[accountRow](ctx, db, "read remote account", "provider = ? AND issuer = ? AND subject = ?", provider, issuer, subject)
	if err != nil {
		return broker.RemoteAccount{}, err
	}
	return r.account(), nil
}

// RemoteAccountsOf returns the remote accounts of a user, oldest first.
func (db *DB) RemoteAccountsOf(ctx context.Context, user broker.UserID) ([]broker.RemoteAccount, error) {
	rows, err := many[accountRow](ctx, db, "list remote accounts", "created_at, id", all, "user_id = ?", string(user))
	return each(rows, (*accountRow).account), err
}

// DeleteRemoteAccount removes a remote account and its tokens.
// broker.ErrNotFound.
func (db *DB) DeleteRemoteAccount(ctx context.Context, id string) error {
	n, err := db.exec(ctx, "delete remote account", "DELETE FROM remote_accounts WHERE id = ?", id)
	return must(n, err, broker.ErrNotFound, "delete remote account")
}
