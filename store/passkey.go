package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type passkeyRow struct {
	bun.BaseModel `bun:"table:passkeys"`

	ID           string             `bun:"id,pk"`
	UserID       string             `bun:"user_id"`
	CredentialID string             `bun:"credential_id"`
	Handle       string             `bun:"handle"`
	PublicKey    []byte             `bun:"public_key"`
	Name         string             `bun:"name"`
	NameKey      string             `bun:"name_key"`
	SignCount    int64              `bun:"sign_count"`
	Syncable     bool               `bun:"syncable"`
	Synced       bool               `bun:"synced"`
	Transports   document[[]string] `bun:"transports"`
	CreatedAt    micros             `bun:"created_at"`
	LastUsedAt   micros             `bun:"last_used_at"`
}

func (r *passkeyRow) passkey() broker.Passkey {
	return broker.Passkey{
		ID: r.ID, UserID: broker.UserID(r.UserID), CredentialID: r.CredentialID, Handle: r.Handle, PublicKey: some(r.PublicKey), Name: r.Name,
		SignCount: r.SignCount, Syncable: r.Syncable, Synced: r.Synced, Transports: r.Transports.v,
		CreatedAt: r.CreatedAt.time(), LastUsedAt: r.LastUsedAt.time(),
	}
}

// CreatePasskey writes a new passkey. broker.ErrConflict where somebody has its
// credential, or its user another one of its name, ignoring case.
func (db *DB) CreatePasskey(ctx context.Context, p broker.Passkey) error {
	return db.insert(ctx, "create passkey", &passkeyRow{
		ID: p.ID, UserID: string(p.UserID), CredentialID: p.CredentialID, Handle: p.Handle, PublicKey: blob(p.PublicKey), Name: p.Name, NameKey: broker.FoldCase(p.Name),
		SignCount: p.SignCount, Syncable: p.Syncable, Synced: p.Synced, Transports: doc(p.Transports),
		CreatedAt: micro(p.CreatedAt), LastUsedAt: micro(p.LastUsedAt),
	})
}

// Passkey returns the passkey with a credential, whosever it is, or
// broker.ErrNotFound.
func (db *DB) Passkey(ctx context.Context, credentialID string) (broker.Passkey, error) {
	r, err := one[passkeyRow](ctx, db, "read passkey", "credential_id = ?", credentialID)
	if err != nil {
		return broker.Passkey{}, err
	}
	return r.passkey(), nil
}

// PasskeysOf returns the passkeys of a user, oldest first.
func (db *DB) PasskeysOf(ctx context.Context, user broker.UserID) ([]broker.Passkey, error) {
	rows, err := many[passkeyRow](ctx, db, "list passkeys", "created_at, id", all, "user_id = ?", string(user))
	return each(rows, (*passkeyRow).passkey), err
}

// CountPasskeys counts the passkeys of a user.
func (db *DB) CountPasskeys(ctx context.Context, user broker.UserID) (int, error) {
	return db.count(ctx, "count passkeys", "SELECT count(*) FROM passkeys WHERE user_id = ?", string(user))
}

// UsePasskey records that a passkey signed. broker.ErrSpent where its device counts
// and has not counted on since the last time, or the passkey is gone.
func (db *DB) UsePasskey(ctx context.Context, u broker.PasskeyUse) error {
	n, err := db.exec(ctx, "use passkey",
		"UPDATE passkeys SET sign_count = ?, synced = ?, last_used_at = ? WHERE id = ? AND (sign_count < ? OR sign_count = 0 AND ? = 0)",
		u.SignCount, u.Synced, micro(u.At), u.ID, u.SignCount, u.SignCount)
	return must(n, err, broker.ErrSpent, "use passkey")
}

// RenamePasskey gives a user's passkey another name. broker.ErrNotFound;
// broker.ErrConflict where they have another one of that name, ignoring case.
func (db *DB) RenamePasskey(ctx context.Context, user broker.UserID, id, name string) error {
	n, err := db.exec(ctx, "rename passkey",
		"UPDATE passkeys SET name = ?, name_key = ? WHERE id = ? AND user_id = ?", name, broker.FoldCase(name), id, string(user))
	return must(n, err, broker.ErrNotFound, "rename passkey")
}

// DeletePasskey removes a user's passkey. broker.ErrNotFound.
func (db *DB) DeletePasskey(ctx context.Context, user broker.UserID, id string) error {
	n, err := db.exec(ctx, "delete passkey", "DELETE FROM passkeys WHERE id = ? AND user_id = ?", id, string(user))
	return must(n, err, broker.ErrNotFound, "delete passkey")
}

// DeletePasskeysSince removes the passkeys of a user that were made at a time or
// after it; all of them where it is zero.
func (db *DB) DeletePasskeysSince(ctx context.Context, user broker.UserID, since time.Time) error {
	_, err := db.exec(ctx, "delete passkeys", "DELETE FROM passkeys WHERE user_id = ? AND created_at >= ?", string(user), micro(since))
	return err
}

// SpendPasskeyChallenge notes that a challenge was answered, until it expires by
// itself. broker.ErrSpent where it was before. One statement, so that of two at
// once one loses.
func (db *DB) SpendPasskeyChallenge(ctx context.Context, hash string, expires time.Time) error {
	const what = "spend passkey challenge"
	n, err := db.exec(ctx, what, "INSERT INTO passkey_challenges (hash, expires_at) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING", hash, micro(expires))
	return must(n, err, broker.ErrSpent, what)
}
