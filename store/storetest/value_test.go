package storetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestTimes: whatever zone and precision goes in, UTC and microseconds come
// back, and compare as they should.
func TestTimes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		tokyo := time.FixedZone("Tokyo", 9*3600)
		for _, in := range []time.Time{
			{},
			time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
			time.Date(2026, 7, 1, 12, 0, 0, 123456789, tokyo),
			time.Date(2026, 10, 25, 2, 30, 0, 1000, time.FixedZone("CEST", 2*3600)), // the hour that happens twice
			time.Date(2026, 10, 25, 2, 30, 0, 1000, time.FixedZone("CET", 3600)),
			time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Now(), // with a monotonic reading
		} {
			u := broker.User{ID: broker.UserID(broker.NewID()), CreatedAt: in}
			ok(t, db.CreateUser(ctx, u))
			want := in.UTC().Truncate(time.Microsecond)
			if in.Before(time.Unix(0, 0)) && !in.IsZero() { // Truncate counts from the year 1, which is the same
				want = time.UnixMicro(in.UnixMicro()).UTC()
			}
			if in.IsZero() {
				want = time.Time{}
			}
			same(t, must(db.User(ctx, u.ID))(t).CreatedAt, want)
		}
		// The later of two instants is later, whatever their clocks show.
		early, late := time.Date(2026, 7, 1, 20, 0, 0, 0, tokyo), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
		ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: "a", ExpiresAt: late}))
		ok(t, db.SpendAttempt(ctx, "a", early))
		ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: "b", ExpiresAt: early}))
		if err := db.SpendAttempt(ctx, "b", late); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("an instant in Tokyo is later than the same hour in London: %v", err)
		}
		// Times inside JSON too.
		in := time.Date(2026, 7, 1, 12, 0, 0, 123456789, tokyo)
		ok(t, db.CreateClient(ctx, broker.Client{ID: "c", Secrets: []broker.ClientSecret{{Hash: "h", CreatedAt: in}}}))
		same(t, must(db.Client(ctx, "c"))(t).Secrets[0].CreatedAt, in.UTC().Truncate(time.Microsecond))
		ok(t, db.CreateLogin(ctx, broker.Login{ID: "l", Remote: &broker.Profile{AuthTime: in}}))
		same(t, must(db.Login(ctx, "l"))(t).Remote.AuthTime, in.UTC().Truncate(time.Microsecond))
	})
}

// TestText: every text that is UTF-8 comes back byte for byte, and none of it is
// ever read as SQL.
func TestText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for _, text := range []string{
			"Ada Lovelace", "山田太郎", "Дмитрий", "👩🏽‍🔬 🇨🇭", "\u202eevil\u202c", "مرحبا بالعالم", "é", "e\u0301", "\ufeff", "\U0010ffff",
			"'", "''", `\`, `\'`, `"`, `\x00`, "?", "??", "?0", "$1", ":name", "@p1", "; DROP TABLE users; --", "' OR '1'='1", `E'\''`, "$$", "/*", "--", "%_", "a\r\nb\tc", "\x01\x7f",
			" leading and trailing ",
		} {
			u := broker.User{ID: broker.UserID("u" + text), Email: "e" + text, Username: "n" + text, Name: text, Locale: text, PasswordHash: broker.Secret(text)}
			ok(t, db.CreateUser(ctx, u))
			same(t, must(db.User(ctx, u.ID))(t), u)
			same(t, must(db.UserByEmail(ctx, u.Email))(t), u)
			g := broker.Grant{ID: broker.GrantID(text), CodeHash: "c" + text, Scopes: []string{text, text}, Nonce: text}
			ok(t, db.CreateGrant(ctx, g)) // prepared
			same(t, must(db.GrantByCode(ctx, g.CodeHash))(t), g)
			e := broker.Event{ID: text, Detail: map[string]string{text: text}}
			ok(t, db.AddEvent(ctx, e))
			same(t, detail(t, db, text), text)
			ok(t, db.CreateClient(ctx, broker.Client{ID: text, Secrets: []broker.ClientSecret{{Hash: text}}}))
			same(t, must(db.Client(ctx, text))(t).Secrets[0].Hash, text)
			ok(t, db.RevokeGrant(ctx, g.ID, text, time.Unix(1, 0)))
			same(t, must(db.Grant(ctx, g.ID))(t).RevokedReason, text)
		}
	})
}

// TestTextRefused: what PostgreSQL cannot keep is refused on both, before
// anything is written, and finds nothing.
func TestTextRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for _, text := range []string{"a\x00b", "\x00", "\xff", "a\xc3\x28", "\xed\xa0\x80"} {
			for name, err := range map[string]error{
				"user":    db.CreateUser(ctx, broker.User{ID: "x", Name: text}),
				"grant":   db.CreateGrant(ctx, broker.Grant{ID: "x", Nonce: text}),
				"session": db.SaveSession(ctx, broker.Session{IDHash: "x", Provider: text}),
				"account": func() error {
					_, err := db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "x", Name: text})
					return err
				}(),
				"extra": func() error {
					_, err := db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "x", Extra: json.RawMessage(text)})
					return err
				}(),
				"consent": db.SaveConsent(ctx, broker.Consent{UserID: "x", ClientID: text}),
			} {
				if !errors.Is(err, store.ErrText) || strings.Contains(err.Error(), text) {
					t.Errorf("%s with %q = %v", name, text, err)
				}
			}
			for name, err := range map[string]error{
				"user":     func() error { _, err := db.User(ctx, broker.UserID(text)); return err }(),
				"email":    func() error { _, err := db.UserByEmail(ctx, text); return err }(),
				"username": func() error { _, err := db.UserByUsername(ctx, text); return err }(),
				"identity": func() error { _, err := db.Identity(ctx, "a", "b", text); return err }(),
				"client":   func() error { _, err := db.Client(ctx, text); return err }(),
				"session":  func() error { _, err := db.Session(ctx, text); return err }(),
				"code":     func() error { _, err := db.GrantByCode(ctx, text); return err }(),
				"login":    func() error { _, err := db.Login(ctx, broker.LoginID(text)); return err }(),
				"delete":   db.DeleteClient(ctx, text),
				"lock": db.InTx(ctx, func(ctx context.Context) error {
					_, err := db.LockUser(ctx, broker.UserID(text))
					return err
				}),
			} {
				if !errors.Is(err, broker.ErrNotFound) {
					t.Errorf("%s by %q = %v", name, text, err)
				}
			}
			if err := db.SpendAttempt(ctx, text, time.Now()); !errors.Is(err, broker.ErrSpent) {
				t.Errorf("SpendAttempt(%q) = %v", text, err)
			}
		}
		same(t, must(db.CountUsers(ctx))(t), 0)
	})
}

// TestSizes: big values come back whole.
func TestSizes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u := newUser(t, db)
		for _, size := range []int{1, 1 << 10, 1 << 16, 1 << 20, 3 << 20} {
			id := broker.NewID()
			a := broker.RemoteAccount{ID: id, UserID: u.ID, Subject: id, Extra: json.RawMessage(`{"x":"` + strings.Repeat("ü", size) + `"}`)}
			ok(t, db.CreateSession(ctx, broker.Session{IDHash: id, Data: bytes.Repeat([]byte{0, 0xff, '\''}, size)}))
			same(t, len(must(db.Session(ctx, id))(t).Data), 3*size)
			same(t, must(db.SaveRemoteAccount(ctx, a))(t), a)
			token := broker.Secret(strings.Repeat("t", size))
			ok(t, db.SaveRemoteTokens(ctx, id, []broker.RemoteToken{{AccessToken: token}}))
			if must(db.RemoteTokens(ctx, id))(t)[0].AccessToken != token {
				t.Errorf("a token of %d bytes is another", size)
			}
		}
	})
}

// detail returns Detail[id] of the event with an id.
func detail(t *testing.T, db *store.DB, id string) string {
	t.Helper()
	for _, e := range must(db.Events(context.Background(), "", 1000))(t) {
		if e.ID == id {
			return e.Detail[id]
		}
	}
	return "there is no event " + id
}
