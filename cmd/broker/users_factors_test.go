package main

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestUsersFactors: an operator sees a second factor and removes it; its owner
// is told.
func TestUsersFactors(t *testing.T) {
	o := newOperator(t)
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	var v factorsView
	o.read(&v, "users", "factors", "ada@example.org")
	if v.User != ada.ID || v.Kind != "" || v.Removed {
		t.Errorf("none: %+v", v)
	}
	if told := o.refuses("users", "factors", "ada@example.org", "--remove"); !strings.Contains(told, "has no second factor") {
		t.Errorf("told %q", told)
	}
	db, now := o.open(), time.Now()
	for _, err := range []error{
		db.CreateFactor(t.Context(), broker.Factor{ID: "f", UserID: ada.ID, Kind: broker.FactorTOTP, Secret: "JBSWY3DPEHPK3PXP", CreatedAt: now, ConfirmedAt: now}),
		db.CreateRecoveryCode(t.Context(), ada.ID, "mac", now),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	u, err := db.User(t.Context(), ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	u.SecondFactorAt = now
	if err := db.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if err := db.CreateRemembered(t.Context(), broker.RememberedBrowser{ID: "b", UserID: ada.ID, Hash: "h", Stamp: u.FactorStamp(), CreatedAt: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	o.read(&v, "users", "factors", "ada@example.org", "--forget")
	if v.Forgotten != 1 || v.Browsers != 0 || v.Removed {
		t.Errorf("forget: %+v", v)
	}
	v = factorsView{}
	o.read(&v, "users", "factors", "ada@example.org")
	if v.Browsers != 0 || v.Kind != "totp" || v.Since.IsZero() || v.CodesLeft != 1 {
		t.Errorf("one: %+v", v)
	}
	v = factorsView{}
	o.read(&v, "users", "factors", "ada@example.org", "--remove")
	if !v.Removed {
		t.Errorf("removed: %+v", v)
	}
	if u, err = db.User(t.Context(), ada.ID); err != nil || u.HasSecondFactor() {
		t.Errorf("still asked for: %v", err)
	}
	mails, err := db.ClaimOutbox(t.Context(), 10, time.Now(), time.Minute, broker.OutboxMail)
	if err != nil || len(mails) != 1 {
		t.Errorf("%d mails, %v", len(mails), err)
	}
	if events, err := db.Events(t.Context(), ada.ID, 1); err != nil || events[0].Name != broker.EventFactorReset {
		t.Errorf("events %+v, %v", events, err)
	}
	_ = db.Close()
}
