package main

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func TestRotated(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	one, two, three := broker.NewSecret(), broker.NewSecret(), broker.NewSecret()
	c := broker.Client{ID: "app", AuthMethod: broker.AuthBasic, Secrets: []broker.ClientSecret{{Hash: one.Hash(), CreatedAt: at}}}
	var err error
	if c.Secrets, err = rotated(c, two, time.Hour, at); err != nil || !c.Authenticates(one, at) || !c.Authenticates(two, at) || c.Authenticates(one, at.Add(time.Hour)) || !c.Authenticates(two, at.Add(9999*time.Hour)) {
		t.Fatalf("%v %+v", err, c.Secrets)
	}
	if _, err := rotated(c, three, time.Hour, at.Add(time.Minute)); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("a third live secret: %v", err)
	}
	later := at.Add(2 * time.Hour)
	next := c
	if next.Secrets, err = rotated(c, three, time.Hour, later); err != nil || len(next.Secrets) != 2 || next.Authenticates(one, later) || !next.Authenticates(two, later) {
		t.Errorf("%v %+v", err, next.Secrets)
	}
	if next.Secrets, err = rotated(c, three, 0, at); err != nil || len(next.Secrets) != 1 || next.Authenticates(two, at) || !next.Authenticates(three, at) {
		t.Errorf("%v %+v", err, next.Secrets)
	}
	if _, err := rotated(broker.Client{AuthMethod: broker.AuthNone}, one, 0, at); err == nil {
		t.Error("a public client got a secret")
	}
}
