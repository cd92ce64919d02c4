package storetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// marker stands in everything that must be sealed.
const marker = "MARKER-of-a-secret"

// sealedColumns are the columns in which it must not stand, with the primary key
// of their tables.
var sealedColumns = []struct{ table, column, key string }{
	{"remote_tokens", "access_token", "kind"},
	{"remote_tokens", "refresh_token", "kind"},
	{"remote_tokens", "id_token", "kind"},
	{"attempts", "session", "state_hash"},
	{"logins", "remote", "id"},
	{"logins", "sign_up", "id"},
	{"logins", "upstream", "id"},
	{"logins", "identifier", "id"},
	{"upstream_sessions", "id_token", "id_hash"},
	{"signing_keys", "private", "id"},
	{"outbox", "payload", "id"},
	{"encryption_keys", "private", "id"},
	{"client_secrets", "secret", "hash"},
	{"factors", "secret", "id"},
}

// fillSealed writes two rows of everything that is sealed.
func fillSealed(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := context.Background()
	for _, id := range []string{"1", "2"} {
		secret := broker.Secret(marker + id)
		if id == "1" {
			ok(t, db.CreateUser(ctx, broker.User{ID: "u"}))
			must(db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "a", UserID: "u"}))(t)
			ok(t, db.CreateClient(ctx, broker.Client{ID: "c"}))
		}
		ok(t, db.SaveRemoteTokens(ctx, "a", []broker.RemoteToken{{Kind: id, AccessToken: secret, RefreshToken: secret, IDToken: secret}}))
		ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: id, Session: secret}))
		ok(t, db.CreateLogin(ctx, broker.Login{
			ID:       broker.LoginID(id),
			Remote:   &broker.Profile{Email: marker, Tokens: []broker.RemoteToken{{AccessToken: secret}}},
			SignUp:   &broker.SignUp{Email: marker, PasswordHash: secret},
			Upstream: broker.Upstream{IDToken: secret}, Identifier: marker,
		}))
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: id}))
		ok(t, db.CreateUpstream(ctx, id, "p", broker.Upstream{IDToken: secret}, now()))
		ok(t, db.CreateKey(ctx, broker.Key{ID: id, Private: secret}))
		ok(t, db.CreateEncryptionKey(ctx, broker.EncryptionKey{ID: id, Private: secret}))
		ok(t, db.KeepSecret(ctx, "c", secret))
		ok(t, db.CreateFactor(ctx, broker.Factor{ID: id, UserID: "u", Kind: broker.FactorKind(id), Secret: secret}))
		ok(t, db.Enqueue(ctx, broker.OutboxEntry{ID: id, Payload: []byte(secret.Reveal())}))
	}
}

// readSealed reads everything that is sealed, and returns what it could not.
func readSealed(ctx context.Context, db *store.DB) map[string]error {
	failed := map[string]error{}
	check := func(what string, err error, got ...broker.Secret) {
		for _, s := range got {
			if err == nil && !strings.HasPrefix(s.Reveal(), marker) {
				err = fmt.Errorf("%s opens as something else", what)
			}
		}
		if err != nil {
			failed[what] = err
		}
	}
	tokens, err := db.RemoteTokens(ctx, "a")
	for _, r := range tokens {
		check("remote_tokens", err, r.AccessToken, r.RefreshToken, r.IDToken)
	}
	check("remote_tokens", err)
	keys, err := db.Keys(ctx)
	for _, k := range keys {
		check("signing_keys", err, k.Private)
	}
	check("signing_keys", err)
	encryption, err := db.EncryptionKeys(ctx)
	for _, k := range encryption {
		check("encryption_keys", err, k.Private)
	}
	check("encryption_keys", err)
	kept, err := db.KeptSecrets(ctx, "c")
	for _, s := range kept {
		check("client_secrets", err, s)
	}
	check("client_secrets", err)
	for _, id := range []string{"1", "2"} {
		f, err := db.Factor(ctx, "u", broker.FactorKind(id))
		check("factors", err, f.Secret)
		a, err := db.Attempt(ctx, id)
		check("attempts", err, a.Session)
		l, err := db.Login(ctx, broker.LoginID(id))
		check("logins", err)
		if err == nil {
			check("logins", err, l.Remote.Tokens[0].AccessToken, l.SignUp.PasswordHash, l.Upstream.IDToken)
		}
		u, err := db.Upstream(ctx, id)
		check("upstream_sessions", err, u.IDToken)
	}
	return failed
}

// TestSealedAtRest looks for the marker in every column of every table.
func TestSealedAtRest(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		fillSealed(t, db)
		if failed := readSealed(context.Background(), db); len(failed) != 0 {
			t.Fatalf("not opened: %v", failed)
		}
		raw := storetest.Raw(t, dsn)
		for _, c := range sealedColumns {
			n := 0
			for _, value := range readColumn(t, raw, c.table, c.column) {
				n++
				if len(value) < 40 || strings.Contains(string(value), marker) {
					t.Errorf("%s.%s is not sealed: %q", c.table, c.column, value)
				}
			}
			if n != 2 {
				t.Errorf("%s.%s has %d rows", c.table, c.column, n)
			}
		}
		for _, table := range tables(t, raw) {
			rows, err := raw.Query("SELECT * FROM " + table)
			ok(t, err)
			for rows.Next() {
				if text := fmt.Sprint(scanAll(t, rows)); strings.Contains(text, marker) {
					t.Errorf("%s holds a secret in the clear: %s", table, text)
				}
			}
			ok(t, rows.Err())
		}
	})
}

// TestSealedIsBound swaps the ciphertexts of two rows, and of two columns.
func TestSealedIsBound(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db := storetest.Open(t, dsn)
		fillSealed(t, db)
		raw := storetest.Raw(t, dsn)
		for _, c := range sealedColumns {
			if c.table == "outbox" {
				continue // TestOutboxUnopenable
			}
			for _, broken := range []bool{true, false} { // there and back
				for _, q := range []string{
					"CREATE TABLE swap AS SELECT %[3]s, %[2]s FROM %[1]s", // a copy, since SQLite reads what it has just written
					"UPDATE %[1]s SET %[2]s = (SELECT o.%[2]s FROM swap AS o WHERE o.%[3]s <> %[1]s.%[3]s)",
					"DROP TABLE swap --%[1]s%[2]s%[3]s",
				} {
					_, err := raw.Exec(fmt.Sprintf(q, c.table, c.column, c.key))
					ok(t, err)
				}
				failed := readSealed(ctx, db)
				if _, got := failed[c.table]; got != broken || (broken && len(failed) != 1) {
					t.Errorf("%s.%s swapped (%t): %v", c.table, c.column, broken, failed)
				}
			}
		}
		for _, columns := range []string{"access_token, refresh_token", "remote, sign_up"} {
			a, b, _ := strings.Cut(columns, ", ")
			table := map[string]string{"access_token": "remote_tokens", "remote": "logins"}[a]
			_, err := raw.Exec(fmt.Sprintf("UPDATE %s SET %s = %s", table, a, b))
			ok(t, err)
			if failed := readSealed(ctx, db); failed[table] == nil {
				t.Errorf("%s opens as %s", b, a)
			}
		}
	})
}

// TestReseal: after a rotation both keys open; after Reseal the new one is
// enough.
func TestReseal(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		old := store.NewKeyring()
		fillSealed(t, storetest.Open(t, dsn, storetest.Keys(old)))
		both := old.Rotated()
		db := storetest.Open(t, dsn, storetest.Keys(both))
		if failed := readSealed(ctx, db); len(failed) != 0 {
			t.Errorf("with both keys: %v", failed)
		}
		newest, err := store.ParseKeyring([]byte(strings.SplitAfter(string(both.Marshal()), "\n")[0]))
		ok(t, err)
		alone := storetest.Open(t, dsn, storetest.Keys(newest))
		if failed := readSealed(ctx, alone); len(failed) != 8 {
			t.Errorf("the new key alone fails at %v", failed)
		}
		if n, err := alone.Reseal(ctx, nil); err == nil || n != 0 {
			t.Errorf("Reseal without the old key: %d, %v", n, err)
		}
		same(t, must(db.Reseal(ctx, nil))(t), 2*len(sealedColumns))
		same(t, must(db.Reseal(ctx, nil))(t), 0)
		if failed := readSealed(ctx, alone); len(failed) != 0 {
			t.Errorf("after Reseal: %v", failed)
		}
		same(t, len(must(alone.ClaimOutbox(ctx, 9, now(), lease))(t)), 2)
	})
}

// TestResealMany: more rows than are read at a time, one of them empty.
func TestResealMany(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		old := store.NewKeyring()
		const rows = 450
		ok(t, func() error {
			db := storetest.Open(t, dsn, storetest.Keys(old))
			return db.InTx(ctx, func(ctx context.Context) error {
				for i := range rows {
					if err := db.Enqueue(ctx, broker.OutboxEntry{ID: fmt.Sprint(i), Payload: []byte(marker)[:min(i, 5)]}); err != nil {
						return err
					}
				}
				return nil
			})
		}())
		same(t, must(storetest.Open(t, dsn, storetest.Keys(old.Rotated())).Reseal(ctx, nil))(t), rows-1)
	})
}

// TestWithoutKeys: nothing is written that should have been sealed.
func TestWithoutKeys(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db, err := store.Open(ctx, store.Options{DSN: dsn})
		ok(t, err)
		defer db.Close() //nolint:errcheck // nothing was written
		if err := db.CreateKey(ctx, broker.Key{ID: "k", Private: "p"}); err == nil || broker.KindOf(err) != broker.KindInternal {
			t.Errorf("CreateKey without a keyring = %v", err)
		}
		same(t, len(must(db.Keys(ctx))(t)), 0)
	})
}

// tables lists the tables of a database.
func tables(t *testing.T, raw *sql.DB) []string {
	t.Helper()
	var list []string
	query := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	rows, err := raw.Query(query)
	if err != nil {
		rows, err = raw.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
	}
	ok(t, err)
	for rows.Next() {
		var name string
		ok(t, rows.Scan(&name))
		list = append(list, name)
	}
	ok(t, rows.Err())
	return list
}

// readColumn reads a column of bytes.
func readColumn(t *testing.T, raw *sql.DB, table, column string) [][]byte {
	t.Helper()
	rows, err := raw.Query("SELECT " + column + " FROM " + table)
	ok(t, err)
	var list [][]byte
	for rows.Next() {
		var b []byte
		ok(t, rows.Scan(&b))
		list = append(list, b)
	}
	ok(t, rows.Err())
	return list
}

// scanAll reads a row, bytes as text.
func scanAll(t *testing.T, rows *sql.Rows) []string {
	t.Helper()
	cols, err := rows.Columns()
	ok(t, err)
	values, dest := make([]any, len(cols)), make([]any, len(cols))
	for i := range values {
		dest[i] = &values[i]
	}
	ok(t, rows.Scan(dest...))
	var list []string
	for _, v := range values {
		if b, isBytes := v.([]byte); isBytes {
			v = string(b)
		}
		list = append(list, fmt.Sprint(v))
	}
	return list
}
