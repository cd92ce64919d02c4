package store

import (
	"context"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type consentRow struct {
	bun.BaseModel `bun:"table:consents"`

	UserID    string             `bun:"user_id,pk"`
	ClientID  string             `bun:"client_id,pk"`
	Scopes    document[[]string] `bun:"scopes"`
	CreatedAt micros             `bun:"created_at"`
	UpdatedAt micros             `bun:"updated_at"`
}

func (r *consentRow) consent() broker.Consent {
	return broker.Consent{
		UserID: broker.UserID(r.UserID), ClientID: r.ClientID, Scopes: r.Scopes.v,
		CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// Consent returns what a user remembered to allow a client, or
// broker.ErrNotFound.
func (db *DB) Consent(ctx context.Context, user broker.UserID, client string) (broker.Consent, error) {
	r, err := hotRead[consentRow](ctx, db, db.read, hotConsent, "read consent", consentColumns, string(user), client)
	if err != nil {
		return broker.Consent{}, err
	}
	return r.consent(), nil
}

// ConsentsOf returns the consents of a user by client.
func (db *DB) ConsentsOf(ctx context.Context, user broker.UserID) ([]broker.Consent, error) {
	rows, err := many[consentRow](ctx, db, "list consents", "client_id", all, "user_id = ?", string(user))
	return each(rows, (*consentRow).consent), err
}

// SaveConsent writes a consent, over the one that stands; CreatedAt of that one
// stays.
func (db *DB) SaveConsent(ctx context.Context, c broker.Consent) error {
	const what = "save consent"
	args, err := values(&consentRow{
		UserID: string(c.UserID), ClientID: c.ClientID, Scopes: doc(c.Scopes), CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt),
	}, consentColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	_, err = db.exec(ctx, what, "INSERT INTO consents ("+names(consentColumns)+") VALUES ("+marks(len(args))+")"+
		" ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes, updated_at = excluded.updated_at", args...)
	return err
}

// DeleteConsent forgets a consent; nothing where there is none.
func (db *DB) DeleteConsent(ctx context.Context, user broker.UserID, client string) error {
	_, err := db.exec(ctx, "delete consent", "DELETE FROM consents WHERE user_id = ? AND client_id = ?", string(user), client)
	return err
}
