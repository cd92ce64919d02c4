package main

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestUsersPasskeys: an operator sees passkeys and removes one, of its account alone;
// its owner is told.
func TestUsersPasskeys(t *testing.T) {
	o := newOperator(t)
	var ada, eve userView
	o.read(&ada, "users", "create", "ada@example.org")
	o.read(&eve, "users", "create", "eve@example.org")
	db, now := o.open(), time.Now()
	for _, name := range []string{"phone", "laptop"} {
		if err := db.CreatePasskey(t.Context(), broker.Passkey{ID: name, UserID: ada.ID, CredentialID: name, Name: name, CreatedAt: now}); err != nil {
			t.Fatal(err)
		}
	}
	var v passkeysView
	o.read(&v, "users", "passkeys", "list", "ada@example.org")
	if v.User != ada.ID || len(v.Passkeys) != 2 || v.Passkeys[0].Name != "laptop" || v.Removed != "" {
		t.Errorf("list: %+v", v)
	}
	for _, user := range []string{"eve@example.org", string(eve.ID)} {
		if told := o.refuses("users", "passkeys", "remove", user, "phone"); !strings.Contains(told, "has no passkey") {
			t.Errorf("another's: %q", told)
		}
	}
	v = passkeysView{}
	o.read(&v, "users", "passkeys", "remove", "ada@example.org", "phone")
	if v.Removed != "phone" || len(v.Passkeys) != 1 || v.Passkeys[0].ID != "laptop" {
		t.Errorf("removed: %+v", v)
	}
	o.read(&v, "users", "passkeys", "remove", "ada@example.org", "laptop") // the last one, too
	mails, err := db.ClaimOutbox(t.Context(), 10, time.Now(), time.Minute, broker.OutboxMail)
	if err != nil || len(mails) != 2 || !strings.Contains(string(mails[0].Payload), "passkey-removed-for-you") {
		t.Errorf("%d mails, %v", len(mails), err)
	}
	if events, err := db.Events(t.Context(), ada.ID, 1); err != nil || events[0].Name != broker.EventPasskeyReset {
		t.Errorf("events %+v, %v", events, err)
	}
}
