package storetest_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestUnique: what must be unique is, also when sixteen write it at once.
func TestUnique(t *testing.T) {
	tests := []struct {
		name   string
		create func(ctx context.Context, db *store.DB, id string) error
		field  string
	}{
		{"e-mail", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateUser(ctx, broker.User{ID: broker.UserID(id), Email: "ada@example.org"})
		}, "email"},
		{"username", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateUser(ctx, broker.User{ID: broker.UserID(id), Username: "Ada"})
		}, "username"},
		{"user id", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateUser(ctx, broker.User{ID: "u"})
		}, ""},
		{"identity", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateIdentity(ctx, broker.UserIdentity{ID: id, UserID: "owner", Provider: "orcid", Issuer: "https://orcid.org", Subject: "0000-0002-1825-0097"})
		}, ""},
		{"client id", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateClient(ctx, broker.Client{ID: "c"})
		}, ""},
		{"code", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateGrant(ctx, broker.Grant{ID: broker.GrantID(id), CodeHash: "h"})
		}, ""},
		{"state", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateAttempt(ctx, broker.Attempt{StateHash: "s"})
		}, ""},
		{"session", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateSession(ctx, broker.Session{IDHash: "s"})
		}, ""},
		{"mail token", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateMailToken(ctx, broker.MailToken{Hash: "s"})
		}, ""},
		{"code to an address", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateMailCode(ctx, broker.MailCode{ID: id, Email: "ada@example.org", Nth: 3})
		}, ""},
		{"key", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateKey(ctx, broker.Key{ID: "k", Private: "p"})
		}, ""},
		{"key of a generation", func(ctx context.Context, db *store.DB, id string) error {
			return db.CreateKey(ctx, broker.Key{ID: id, Alg: "ES256", Generation: 2, Private: "p"})
		}, ""},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		ok(t, db.CreateUser(ctx, broker.User{ID: "owner"}))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				var mu sync.Mutex
				won := 0
				race(func(int) {
					err := tt.create(ctx, db, broker.NewID())
					mu.Lock()
					defer mu.Unlock()
					var e *broker.Error
					switch {
					case err == nil:
						won++
					case !errors.Is(err, broker.ErrConflict) || !errors.As(err, &e) || e.Field != tt.field:
						t.Errorf("a loser got %v", err)
					}
				})
				if won != 1 {
					t.Errorf("%d won", won)
				}
			})
		}
	})
}

// TestNotUnique: what is empty is not taken.
func TestNotUnique(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for _, id := range []broker.UserID{"a", "b"} {
			ok(t, db.CreateUser(ctx, broker.User{ID: id}))
			ok(t, db.CreateGrant(ctx, broker.Grant{ID: broker.GrantID(id)}))
		}
		if _, err := db.UserByEmail(ctx, ""); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the empty address finds a user: %v", err)
		}
		if _, err := db.UserByUsername(ctx, ""); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the empty username finds a user: %v", err)
		}
		// One person with identities of several providers, and the other way round.
		for _, i := range []broker.UserIdentity{
			{ID: "1", UserID: "a", Provider: "github", Issuer: "https://github.com", Subject: "7"},
			{ID: "2", UserID: "a", Provider: "gitlab", Issuer: "https://gitlab.com", Subject: "7"},
			{ID: "3", UserID: "b", Provider: "github", Issuer: "https://github.example", Subject: "7"},
			{ID: "4", UserID: "b", Provider: "github", Issuer: "https://github.com", Subject: "07"},
		} {
			ok(t, db.CreateIdentity(ctx, i))
		}
	})
}

// TestUsernameIgnoresCase: also beyond ASCII, where SQLite's own lower() fails.
func TestUsernameIgnoresCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for _, tt := range []struct{ name, same, other string }{
			{"Ada", "aDA", "Adah"},
			{"Ægir", "æGIR", "aegir"},
			{"ΣΊΣΥΦΟΣ", "σίσυφος", "σισυφος"}, // the final sigma folds with the others
			{"Жанна", "жАННА", "жана"},
			{"straße", "STRAẞE", "strasse"},
			{"\u212Aelvin", "kelvin", "celvin"}, // the Kelvin sign is a K
		} {
			ok(t, db.CreateUser(ctx, broker.User{ID: broker.UserID(broker.NewID()), Username: tt.name}))
			for _, name := range []string{tt.name, tt.same} {
				if u := must(db.UserByUsername(ctx, name))(t); u.Username != tt.name {
					t.Errorf("%q finds %q", name, u.Username)
				}
			}
			if err := db.CreateUser(ctx, broker.User{ID: broker.UserID(broker.NewID()), Username: tt.same}); !errors.Is(err, broker.ErrConflict) {
				t.Errorf("%q beside %q: %v", tt.same, tt.name, err)
			}
			if _, err := db.UserByUsername(ctx, tt.other); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%q is found: %v", tt.other, err)
			}
		}
	})
}

func TestUpdateUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, other := newUser(t, db), newUser(t, db)
		next := filled[broker.User](t)
		next.ID, next.Version = u.ID, u.Version
		ok(t, db.UpdateUser(ctx, next))
		next.CreatedAt, next.Version = u.CreatedAt, u.Version+1
		same(t, must(db.User(ctx, u.ID))(t), next)
		same(t, must(db.User(ctx, other.ID))(t), other)
		if err := db.UpdateUser(ctx, u); !errors.Is(err, broker.ErrSpent) {
			t.Errorf("an update of an old version = %v", err)
		}
		next.Email = other.Email
		if err := db.UpdateUser(ctx, next); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("an update to a taken address = %v", err)
		}
		next.Email = "free@example.org"
		ok(t, db.UpdateUser(ctx, next))
	})
}

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for _, id := range []broker.UserID{"b", "Z", "a", "é", "_"} { // by bytes, whatever the locale
			ok(t, db.CreateUser(ctx, broker.User{ID: id, Admin: id == "Z"}))
		}
		var got []broker.UserID
		for after := broker.UserID(""); ; {
			page := must(db.Users(ctx, after, 2))(t)
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				got = append(got, u.ID)
			}
			after = page[len(page)-1].ID
		}
		same(t, got, []broker.UserID{"Z", "_", "a", "b", "é"})
		same(t, must(db.CountUsers(ctx))(t), 5)
		same(t, must(db.CountAdmins(ctx))(t), 1)
		same(t, len(must(db.Users(ctx, "", 0))(t)), 0)
	})
}
