package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

// open opens the operator's database as the program does.
func (o *operator) open() *store.DB {
	o.t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "broker.key"))
	if err != nil {
		o.t.Fatal(err)
	}
	keys, err := store.ParseKeyring(text)
	if err != nil {
		o.t.Fatal(err)
	}
	db, err := store.Open(o.t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(o.dir, "broker.db"), Keys: keys})
	if err != nil {
		o.t.Fatal(err)
	}
	return db
}

// TestUsersLinks: an operator sees what opens an account, and removes it; the
// last way in only when they mean it.
func TestUsersLinks(t *testing.T) {
	o := newOperator(t).set("BROKER_PROVIDERS__HUB__KIND=github", "BROKER_PROVIDERS__HUB__CLIENT_ID=x", "BROKER_PROVIDERS__HUB__CLIENT_SECRET=y")
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	db := o.open()
	now := time.Now()
	for i, provider := range []string{"hub", "old"} {
		id := broker.UserIdentity{ID: "id" + provider, UserID: ada.ID, Provider: provider, Issuer: "https://" + provider, Subject: "1815", CreatedAt: now.Add(time.Duration(i) * time.Second)}
		if err := db.CreateIdentity(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		account, err := db.SaveRemoteAccount(t.Context(), broker.RemoteAccount{ID: "a" + provider, UserID: ada.ID, Provider: provider, Issuer: id.Issuer, Subject: id.Subject, Username: "ada-l"})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.SaveRemoteTokens(t.Context(), account.ID, []broker.RemoteToken{{AccessToken: "secret-token"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	var list []linkView
	o.read(&list, "users", "links", "ada@example.org")
	if len(list) != 2 || list[0].Provider != "hub" || !list[0].Opens || !list[0].OnlyWayIn || list[1].Configured || list[1].OnlyWayIn || list[0].Username != "ada-l" {
		t.Fatalf("links: %+v", list)
	}
	if table := o.run("users", "links", "ada@example.org"); !strings.Contains(table, "only way in") || !strings.Contains(table, "provider not offered") {
		t.Error(table)
	}
	for _, args := range [][]string{
		{"users", "unlink", "ada@example.org", "none"}, {"users", "unlink", "nobody", "hub"}, {"users", "unlink", "ada@example.org", "hub"},
	} {
		o.refuses(args...)
	}
	o.run("users", "unlink", "ada@example.org", "old")
	o.run("users", "unlink", "ada@example.org", "idhub", "--force")
	o.read(&list, "users", "links", "ada@example.org")
	if len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
	db = o.open()
	defer db.Close() //nolint:errcheck // it is thrown away
	events, err := db.Events(t.Context(), ada.ID, 10)
	if err != nil || len(events) != 3 || events[0].Name != broker.EventIdentityUnlinked {
		t.Errorf("events: %+v, %v", events, err)
	}
	entries, err := db.ClaimOutbox(t.Context(), 10, now.Add(time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, e := range entries {
		kinds[e.Kind]++
	}
	if kinds[broker.OutboxRevoke] != 1 || kinds[broker.OutboxMail] != 2 { // nobody can ask a provider that is gone
		t.Errorf("outbox: %v", kinds)
	}
}
