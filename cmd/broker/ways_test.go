package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestFirstStepLeadsSomewhere: what an operator hands on to the person of a new account
// works with the ways in that are on.
func TestFirstStepLeadsSomewhere(t *testing.T) {
	const off = "BROKER_ACCOUNTS__PASSWORDS=false"
	o := newOperator(t)
	n := 0
	for want, env := range map[string][]string{
		"/lost-password/":       nil,
		"/code/":                {off, "BROKER_ACCOUNTS__EMAIL_CODES=sign_in"},
		"/signup/":              {off, "BROKER_SERVER__BASE_URL=http://localhost:8080"},
		"Nothing opens the acc": {off, "BROKER_SERVER__BASE_URL=http://localhost:8080", "BROKER_ACCOUNTS__SIGN_UP=false"},
	} {
		n++
		out := o.set(env...).run("users", "create", fmt.Sprintf("p%d@example.org", n))
		if !strings.Contains(out, want) || len(env) > 0 && strings.Contains(out, "lost-password") {
			t.Errorf("%v: %s", env, out)
		}
	}
	if line := o.set(off).refuses("config", "validate"); !strings.Contains(line, "accounts.passkeys") {
		t.Errorf("no way in at all: %s", line)
	}
	if line := o.set("BROKER_ACCOUNTS__IDENTIFIERS=[username]").refuses("users", "create", "eve@example.org"); !strings.Contains(line, "username") {
		t.Errorf("an account without the only identifier: %s", line)
	}
}

// TestNoPasskeysAtAnAddress: one line says that there are none, and how to mend it.
func TestNoPasskeysAtAnAddress(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	r.stop()
	if log := r.err.String(); strings.Count(log, "no passkeys: browsers bind them to a host name") != 1 {
		t.Errorf("%s", log)
	}
}
