package main

import (
	"strings"
	"testing"
)

// TestUsersDeleteAndEmail: an operator deletes an account only when they mean it,
// and changes an address, which then has to be proven.
func TestUsersDeleteAndEmail(t *testing.T) {
	o := newOperator(t)
	var ada, bob, again userView
	o.read(&ada, "users", "create", "ada@example.org")
	o.read(&bob, "users", "create", "bob@example.org")

	if text := o.run("users", "email", "bob@example.org", "bob@new.example.org"); !strings.Contains(text, "not proven") || !strings.Contains(text, "/lost-password/") {
		t.Error(text)
	}
	o.read(&bob, "users", "show", "bob@new.example.org")
	if bob.EmailVerified {
		t.Errorf("%+v", bob)
	}
	for _, args := range [][]string{
		{"users", "email", "bob@example.org", "x@example.org"}, {"users", "email", string(bob.ID), "no address"}, {"users", "email", string(bob.ID), "ada@example.org"},
		{"users", "delete", "nobody", "--yes"},
	} {
		o.refuses(args...)
	}
	if text := o.refuses("users", "delete", "ada@example.org"); !strings.Contains(text, "--yes") || !strings.Contains(text, "keep all of it and let nobody in: broker users deactivate") {
		t.Error(text)
	}
	o.read(&again, "users", "show", "ada@example.org") // it is still there
	if text := o.run("users", "delete", "ada@example.org", "--yes"); !strings.Contains(text, string(ada.ID)) {
		t.Error(text)
	}
	o.refuses("users", "show", "ada@example.org")
	o.read(&again, "users", "create", "ada@example.org")
	if again.ID == ada.ID {
		t.Error("the id was given again")
	}
}
