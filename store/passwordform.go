package store

import (
	"context"

	"github.com/uptrace/bun"
)

type passwordFormRow struct {
	bun.BaseModel `bun:"table:users"`

	Head  string `bun:"head"`
	Users int    `bun:"users"`
}

// PasswordForms counts the accounts that have a password by how its hash begins: the scheme,
// or "$pepper=NAME" with the name of the pepper, and nothing of a salt. It reads every account:
// for an operator's command, and for no request.
func (db *DB) PasswordForms(ctx context.Context) (map[string]int, error) {
	var rows []passwordFormRow
	err := db.returning(ctx, "count password forms", &rows, `SELECT CASE
		WHEN password_hash LIKE '$pepper=%' THEN substr(password_hash, 1, 16)
		WHEN password_hash LIKE '$hmac-sha512%' THEN '$hmac-sha512'
		WHEN password_hash LIKE '$invenio-aes$%' THEN '$invenio-aes'
		WHEN password_hash LIKE '$pbkdf2-sha256$%' THEN '$pbkdf2-sha256'
		WHEN password_hash LIKE '$pbkdf2-sha512$%' THEN '$pbkdf2-sha512'
		WHEN password_hash LIKE '$bcrypt-sha256$%' THEN '$bcrypt-sha256'
		WHEN password_hash LIKE '$argon2id$%' THEN '$argon2id'
		WHEN password_hash LIKE '$scrypt$%' THEN '$scrypt'
		WHEN password_hash LIKE '$2%' THEN '$bcrypt'
		WHEN password_hash LIKE '$5$%' THEN '$sha256-crypt'
		WHEN password_hash LIKE '$6$%' THEN '$sha512-crypt'
		ELSE '$other' END AS head, count(*) AS users
		FROM users WHERE password_hash <> '' GROUP BY 1`)
	if err != nil {
		return nil, err
	}
	forms := map[string]int{}
	for _, r := range rows {
		forms[r.Head] += r.Users
	}
	return forms, nil
}
