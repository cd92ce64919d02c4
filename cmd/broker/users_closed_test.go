package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/outbox"
	"idbroker/store/storetest"
)

// TestUsersClosed: an operator sees that a person has closed their account, and
// has the last word.
func TestUsersClosed(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	const closing = "UPDATE users SET disabled_at = 1700000000000000, erase_at = 4000000000000000"
	var shown userView
	for command, disabled := range map[string]bool{"enable": false, "disable": true} {
		o.sql(closing)
		if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "by the person") || !strings.Contains(text, "2096") {
			t.Error(text)
		}
		if text := o.run("users", "list"); !strings.Contains(text, "2096") {
			t.Error(text)
		}
		shown = userView{}
		if o.read(&shown, "users", command, "ada@example.org"); !shown.EraseAt.IsZero() || shown.DisabledAt.IsZero() == disabled {
			t.Errorf("%s: %+v", command, shown)
		}
	}
}

// TestPruneErasesClosedAccounts that are due, and no others.
func TestPruneErasesClosedAccounts(t *testing.T) {
	db := storetest.New(t)
	s := &server{rooms: roomsOver(t, db), log: slog.New(slog.DiscardHandler)}
	s.notices, s.revocations, s.outbox = outbox.New(db, nil, s.log, nil), outbox.New(db, nil, s.log, nil), outbox.New(db, nil, s.log, nil)
	at := time.Now()
	for id, eraseAt := range map[broker.UserID]time.Time{"due": at.Add(-time.Second), "later": at.Add(time.Hour)} {
		if err := db.CreateUser(t.Context(), broker.User{ID: id, Email: string(id) + "@example.org", DisabledAt: at, EraseAt: eraseAt}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if users, err := db.Users(t.Context(), "", 9); err != nil || len(users) != 1 || users[0].ID != "later" {
		t.Errorf("%+v, %v", users, err)
	}
}
