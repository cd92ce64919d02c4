package main

import (
	"strings"
	"testing"
)

// TestDoubledMailboxes: two accounts from before spellings were compared have one mailbox. The program starts, keeps
// both, finds the older by either spelling, and tells the operator, who sets it right.
func TestDoubledMailboxes(t *testing.T) {
	const older, younger = "ada@xn--bcher-kva.example", "ada@b\u00fccher.example"
	o := newOperator(t)
	var first, second userView
	o.read(&first, "users", "create", older)
	o.read(&second, "users", "create", "eve@example.org")
	before := func() {
		t.Helper()
		for {
			var all []migrationView
			o.read(&all, "migrate", "status")
			if last := applied(all); last < "0033" {
				return
			}
			o.run("migrate", "down", "--yes")
		}
	}

	before()
	if _, errs, code := o.try("", "migrate", "up"); code != 0 || errs != "" {
		t.Errorf("nothing to tell: exit code %d, %s", code, errs)
	}
	before()
	o.sql("UPDATE users SET email = '" + younger + "' WHERE id = '" + string(second.ID) + "'")
	if _, errs, code := o.try("", "migrate", "up"); code != 0 || !strings.Contains(errs, "broker users list --doubled") || strings.Contains(errs, "ada@") {
		t.Errorf("migrated by hand: exit code %d, %s", code, errs)
	}
	before()
	out, errs, code := o.try("", "users", "list", "--doubled")
	if code != 0 || !strings.Contains(out, string(second.ID)) || strings.Contains(out, string(first.ID)) || !strings.Contains(errs, "broker users list --doubled") {
		t.Errorf("migrated at the start: exit code %d\n%s\n%s", code, out, errs)
	}
	for _, email := range []string{older, younger} {
		var shown userView
		if o.read(&shown, "users", "show", email); shown.ID != first.ID || shown.Email != older {
			t.Errorf("%s finds %+v", email, shown)
		}
	}
	if errs := o.refuses("users", "create", younger); !strings.Contains(errs, "has an account already") {
		t.Errorf("%s", errs)
	}
	o.run("users", "email", string(second.ID), "eve@example.org")
	if out, errs, code := o.try("", "users", "list", "--doubled"); code != 0 || errs != "" || strings.Contains(out, "@") {
		t.Errorf("set right, there are %s\n%s", out, errs)
	}
}

// applied is the number of the newest migration that is.
func applied(all []migrationView) (number string) {
	for _, m := range all {
		if m.Applied {
			number = m.Name[:4]
		}
	}
	return number
}
