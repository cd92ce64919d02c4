package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type factorRow struct {
	bun.BaseModel `bun:"table:factors"`

	ID          string `bun:"id,pk"`
	UserID      string `bun:"user_id"`
	Kind        string `bun:"kind"`
	Secret      []byte `bun:"secret"`
	LastStep    int64  `bun:"last_step"`
	CreatedAt   micros `bun:"created_at"`
	ConfirmedAt micros `bun:"confirmed_at"`
	LastUsedAt  micros `bun:"last_used_at"`
	BegunBy     string `bun:"begun_by"`
	CodeMAC     string `bun:"code_mac"`
	CodeAt      micros `bun:"code_at"`
	CodeTries   int    `bun:"code_tries"`
	UntilAt     micros `bun:"until_at"`
}

type recoveryRow struct {
	bun.BaseModel `bun:"table:recovery_codes"`

	UserID    string `bun:"user_id,pk"`
	MAC       string `bun:"mac,pk"`
	CreatedAt micros `bun:"created_at"`
	UsedAt    micros `bun:"used_at"`
}

// CreateFactor writes a new factor. broker.ErrConflict where the user has one of
// its kind, confirmed or not.
func (db *DB) CreateFactor(ctx context.Context, f broker.Factor) error {
	const what = "create factor"
	secret, err := db.ring().seal(inRow("factors", "secret", f.ID), []byte(f.Secret.Reveal()))
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	return db.insert(ctx, what, &factorRow{
		ID: f.ID, UserID: string(f.UserID), Kind: string(f.Kind), Secret: secret, LastStep: f.LastStep,
		CreatedAt: micro(f.CreatedAt), ConfirmedAt: micro(f.ConfirmedAt), LastUsedAt: micro(f.LastUsedAt),
		BegunBy: f.BegunBy, CodeMAC: f.CodeMAC, CodeAt: micro(f.CodeAt), CodeTries: f.CodeTries, UntilAt: micro(f.Until),
	})
}

// factor opens the secret of a row.
func (db *DB) factor(what string, r *factorRow) (broker.Factor, error) {
	secret, err := db.ring().open(inRow("factors", "secret", r.ID), r.Secret)
	if err != nil {
		return broker.Factor{}, db.failed(what, err)
	}
	return broker.Factor{
		ID: r.ID, UserID: broker.UserID(r.UserID), Kind: broker.FactorKind(r.Kind), Secret: broker.Secret(secret), LastStep: r.LastStep,
		CreatedAt: r.CreatedAt.time(), ConfirmedAt: r.ConfirmedAt.time(), LastUsedAt: r.LastUsedAt.time(),
		BegunBy: r.BegunBy, CodeMAC: r.CodeMAC, CodeAt: r.CodeAt.time(), CodeTries: r.CodeTries, Until: r.UntilAt.time(),
	}, nil
}

// Factor returns a user's factor of a kind, confirmed or not, or
// broker.ErrNotFound.
func (db *DB) Factor(ctx context.Context, user broker.UserID, kind broker.FactorKind) (broker.Factor, error) {
	const what = "read factor"
	r, err := one[factorRow](ctx, db, what, "user_id = ? AND kind = ?", string(user), string(kind))
	if err != nil {
		return broker.Factor{}, err
	}
	return db.factor(what, r)
}

// Factors returns the factors of a user, confirmed or not, the oldest first.
func (db *DB) Factors(ctx context.Context, user broker.UserID) ([]broker.Factor, error) {
	const what = "list factors"
	rows, err := many[factorRow](ctx, db, what, "created_at, id", all, "user_id = ?", string(user))
	if err != nil {
		return nil, err
	}
	factors := make([]broker.Factor, 0, len(rows))
	for i := range rows {
		f, err := db.factor(what, &rows[i])
		if err != nil {
			return nil, err
		}
		factors = append(factors, f)
	}
	return factors, nil
}

// ConfirmFactor makes a factor count, once: a code of a time step was verified.
// broker.ErrSpent where it counts already or was replaced.
func (db *DB) ConfirmFactor(ctx context.Context, id string, step int64, at time.Time) error {
	n, err := db.exec(ctx, "confirm factor",
		"UPDATE factors SET confirmed_at = ?, last_used_at = ?, last_step = ? WHERE id = ? AND confirmed_at = 0", micro(at), micro(at), step, id)
	return must(n, err, broker.ErrSpent, "confirm factor")
}

// UseFactor spends a time step of a confirmed factor, and all before it.
// broker.ErrSpent where it is spent, or the factor is gone.
func (db *DB) UseFactor(ctx context.Context, id string, step int64, at time.Time) error {
	n, err := db.exec(ctx, "use factor",
		"UPDATE factors SET last_used_at = ?, last_step = ? WHERE id = ? AND confirmed_at <> 0 AND last_step < ?", micro(at), step, id, step)
	return must(n, err, broker.ErrSpent, "use factor")
}

// SendFactorCode notes a code of a factor that is about to be sent: it alone counts
// from now on. Nothing is sent before since: broker.ErrSpent where one was, or
// the factor is gone.
func (db *DB) SendFactorCode(ctx context.Context, id, mac string, since, at time.Time) error {
	n, err := db.exec(ctx, "send factor code",
		"UPDATE factors SET code_mac = ?, code_at = ?, code_tries = 0 WHERE id = ? AND code_at <= ?", mac, micro(at), id, micro(since))
	return must(n, err, broker.ErrSpent, "send factor code")
}

// TryFactorCode counts a guess at the code of a factor that was sent after a time.
// broker.ErrSpent where there were so many already, or there is no code.
func (db *DB) TryFactorCode(ctx context.Context, id string, most int, since time.Time) error {
	n, err := db.exec(ctx, "try factor code",
		"UPDATE factors SET code_tries = code_tries + 1 WHERE id = ? AND code_mac <> '' AND code_tries < ? AND code_at > ?", id, most, micro(since))
	return must(n, err, broker.ErrSpent, "try factor code")
}

// SpendFactorCode uses up the code of a factor, once. broker.ErrSpent where another
// one counts, or none.
func (db *DB) SpendFactorCode(ctx context.Context, id, mac string, at time.Time) error {
	n, err := db.exec(ctx, "spend factor code",
		"UPDATE factors SET code_mac = '', last_used_at = ? WHERE id = ? AND code_mac = ? AND code_mac <> ''", micro(at), id, mac)
	return must(n, err, broker.ErrSpent, "spend factor code")
}

// DropPendingFactors removes the factors of a kind that a user is setting up.
func (db *DB) DropPendingFactors(ctx context.Context, user broker.UserID, kind broker.FactorKind) error {
	_, err := db.exec(ctx, "drop pending factors", "DELETE FROM factors WHERE user_id = ? AND kind = ? AND confirmed_at = 0", string(user), string(kind))
	return err
}

// DeleteFactor removes a user's factor of a kind. broker.ErrNotFound.
func (db *DB) DeleteFactor(ctx context.Context, user broker.UserID, kind broker.FactorKind) error {
	n, err := db.exec(ctx, "delete factor", "DELETE FROM factors WHERE user_id = ? AND kind = ?", string(user), string(kind))
	return must(n, err, broker.ErrNotFound, "delete factor")
}

// DeleteFactorsSince removes the factors of a user that count since a time or later.
func (db *DB) DeleteFactorsSince(ctx context.Context, user broker.UserID, since time.Time) error {
	_, err := db.exec(ctx, "delete factors since", "DELETE FROM factors WHERE user_id = ? AND confirmed_at >= ? AND confirmed_at <> 0", string(user), micro(since))
	return err
}

// DeleteFactors removes every factor of a user.
func (db *DB) DeleteFactors(ctx context.Context, user broker.UserID) error {
	_, err := db.exec(ctx, "delete factors", "DELETE FROM factors WHERE user_id = ?", string(user))
	return err
}

// CreateRecoveryCode writes a recovery code, of which only the MAC is known.
func (db *DB) CreateRecoveryCode(ctx context.Context, user broker.UserID, mac string, at time.Time) error {
	return db.insert(ctx, "create recovery code", &recoveryRow{UserID: string(user), MAC: mac, CreatedAt: micro(at)})
}

// SpendRecoveryCode uses up the recovery code of a user with a MAC.
// broker.ErrSpent where there is none, or it was used.
func (db *DB) SpendRecoveryCode(ctx context.Context, user broker.UserID, mac string, at time.Time) error {
	n, err := db.exec(ctx, "spend recovery code",
		"UPDATE recovery_codes SET used_at = ? WHERE user_id = ? AND mac = ? AND used_at = 0", micro(at), string(user), mac)
	return must(n, err, broker.ErrSpent, "spend recovery code")
}

// HasRecoveryCode tells whether a user has a recovery code with a MAC, used or not.
func (db *DB) HasRecoveryCode(ctx context.Context, user broker.UserID, mac string) (bool, error) {
	n, err := db.count(ctx, "find recovery code", "SELECT count(*) FROM recovery_codes WHERE user_id = ? AND mac = ?", string(user), mac)
	return n > 0, err
}

// CountRecoveryCodes counts the recovery codes that a user has left.
func (db *DB) CountRecoveryCodes(ctx context.Context, user broker.UserID) (int, error) {
	return db.count(ctx, "count recovery codes", "SELECT count(*) FROM recovery_codes WHERE user_id = ? AND used_at = 0", string(user))
}

// DeleteRecoveryCodes removes every recovery code of a user.
func (db *DB) DeleteRecoveryCodes(ctx context.Context, user broker.UserID) error {
	return db.DeleteRecoveryCodesSince(ctx, user, time.Time{})
}

// DeleteRecoveryCodesSince removes the recovery codes of a user that were made at a
// time or after it.
func (db *DB) DeleteRecoveryCodesSince(ctx context.Context, user broker.UserID, since time.Time) error {
	_, err := db.exec(ctx, "delete recovery codes", "DELETE FROM recovery_codes WHERE user_id = ? AND created_at >= ?", string(user), micro(since))
	return err
}
