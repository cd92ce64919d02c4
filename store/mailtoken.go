package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type mailTokenRow struct {
	bun.BaseModel `bun:"table:mail_tokens"`

	Hash      string `bun:"hash,pk"`
	Purpose   string `bun:"purpose"`
	Email     string `bun:"email"`
	UserID    string `bun:"user_id"`
	LoginID   string `bun:"login_id"`
	Version   int    `bun:"version"`
	About     string `bun:"about"`
	CreatedAt micros `bun:"created_at"`
	ExpiresAt micros `bun:"expires_at"`
	UsedAt    micros `bun:"used_at"`
}

// CreateMailToken writes a new mail token.
func (db *DB) CreateMailToken(ctx context.Context, t broker.MailToken) error {
	return db.insert(ctx, "create mail token", &mailTokenRow{
		Hash: t.Hash, Purpose: string(t.Purpose), Email: t.Email, UserID: string(t.UserID), LoginID: string(t.LoginID),
		Version: t.Version, About: t.About, CreatedAt: micro(t.CreatedAt), ExpiresAt: micro(t.ExpiresAt), UsedAt: micro(t.UsedAt),
	})
}

// MailToken returns a mail token, used or expired ones too, or
// broker.ErrNotFound.
func (db *DB) MailToken(ctx context.Context, hash string) (broker.MailToken, error) {
	r, err := one[mailTokenRow](ctx, db, "read mail token", "hash = ?", hash)
	if err != nil {
		return broker.MailToken{}, err
	}
	return broker.MailToken{
		Hash: r.Hash, Purpose: broker.MailPurpose(r.Purpose), Email: r.Email, UserID: broker.UserID(r.UserID), LoginID: broker.LoginID(r.LoginID),
		Version: r.Version, About: r.About, CreatedAt: r.CreatedAt.time(), ExpiresAt: r.ExpiresAt.time(), UsedAt: r.UsedAt.time(),
	}, nil
}

// SpendMailToken uses a mail token up. broker.ErrSpent where it was used or
// voided, has expired, or never was.
func (db *DB) SpendMailToken(ctx context.Context, hash string, at time.Time) error {
	n, err := db.exec(ctx, "spend mail token",
		"UPDATE mail_tokens SET used_at = ? WHERE hash = ? AND used_at = 0 AND expires_at > ?", micro(at), hash, micro(at))
	return must(n, err, broker.ErrSpent, "spend mail token")
}

// VoidMailTokens uses up every open mail token of a user for a purpose; those
// that belong to nobody (claims) where user is "".
func (db *DB) VoidMailTokens(ctx context.Context, user broker.UserID, purpose broker.MailPurpose, at time.Time) error {
	where := "user_id = ? AND user_id <> ''" // so that the partial index serves
	if user == "" {
		where = "user_id = ?" // a scan, once at start
	}
	_, err := db.exec(ctx, "void mail tokens",
		"UPDATE mail_tokens SET used_at = ? WHERE "+where+" AND purpose = ? AND used_at = 0",
		micro(at), string(user), string(purpose))
	return err
}

// VoidMailTokensSince uses up every open mail token of a user for a purpose that
// was made at a time or later.
func (db *DB) VoidMailTokensSince(ctx context.Context, user broker.UserID, purpose broker.MailPurpose, since, at time.Time) error {
	_, err := db.exec(ctx, "void mail tokens since",
		"UPDATE mail_tokens SET used_at = ? WHERE user_id = ? AND user_id <> '' AND purpose = ? AND created_at >= ? AND used_at = 0",
		micro(at), string(user), string(purpose), micro(since))
	return err
}

// ForgetAbout empties MailToken.About of every open mail token of a user for a purpose.
func (db *DB) ForgetAbout(ctx context.Context, user broker.UserID, purpose broker.MailPurpose) error {
	_, err := db.exec(ctx, "forget what mail tokens are about",
		"UPDATE mail_tokens SET about = '' WHERE user_id = ? AND user_id <> '' AND purpose = ? AND used_at = 0", string(user), string(purpose))
	return err
}

// DeleteMailTokensOf removes every mail token of a user.
func (db *DB) DeleteMailTokensOf(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "delete mail tokens", "DELETE FROM mail_tokens WHERE user_id = ? AND user_id <> ''", string(user))
	return err
}
