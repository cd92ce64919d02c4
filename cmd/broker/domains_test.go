package main

import (
	"strconv"
	"strings"
	"testing"

	"idbroker/broker"
)

// TestUsersStates: what operators do to accounts, in the words of the commands.
func TestUsersStates(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	var v userView
	shown := func(args ...string) userView {
		v = userView{}
		o.read(&v, args...)
		return v
	}
	if v := shown("users", "block", "ada@example.org", "--reason", " Spam  was posted. "); v.BlockedAt.IsZero() || v.DisabledAt.IsZero() || v.BlockedReason != "Spam was posted." {
		t.Errorf("%+v", v)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "Spam was posted.") {
		t.Error(text)
	}
	for domain, want := range map[string]bool{"Example.ORG": true, "org": true, "ample.org": false, "example.com": false} {
		if text := o.run("users", "list", "--domain", domain); strings.Contains(text, "ada@example.org") != want {
			t.Errorf("--domain %s:\n%s", domain, text)
		}
	}
	o.refuses("users", "list", "--domain", "a b")
	if text := o.run("users", "list", "--blocked"); !strings.Contains(text, "ada@example.org") || !strings.Contains(text, "blocked") {
		t.Error(text)
	}
	if text := o.run("users", "unblock", "ada@example.org"); strings.Contains(text, "Spam") {
		t.Error(text)
	}
	if text := o.run("users", "unblock", "ada@example.org"); !strings.Contains(text, "nothing has changed") {
		t.Error(text)
	}
	if v := shown("users", "verify", "ada@example.org"); v.VerifiedAt.IsZero() {
		t.Errorf("%+v", v)
	}
	if v := shown("users", "deactivate", "ada@example.org"); v.DisabledAt.IsZero() || !v.VerifiedAt.IsZero() {
		t.Errorf("%+v", v)
	}
	o.run("users", "block", "ada@example.org")
	if text := o.run("users", "unblock", "ada@example.org"); !strings.Contains(text, "disabled before") {
		t.Error(text)
	}
	if v := shown("users", "activate", "ada@example.org"); !v.DisabledAt.IsZero() {
		t.Errorf("%+v", v)
	}
	var waiting []userView
	if o.read(&waiting, "users", "list", "--waiting"); len(waiting) != 0 {
		t.Errorf("%+v", waiting)
	}
	for _, args := range [][]string{
		{"users", "block", "nobody@example.org"}, {"users", "block", "ada@example.org", "--reason", strings.Repeat("x", broker.MaxReason+1)},
		{"users", "block", "ada@example.org", "--reason", "a\x1b[31m"}, {"users", "verify", ""},
	} {
		if out, errs, code := o.try("", args...); code != 1 || errs == "" || out != "" {
			t.Errorf("%q: %d %s%s", args, code, out, errs)
		}
	}
}

// TestDomainCommands decide about domains, show who comes from there, and block them.
func TestDomainCommands(t *testing.T) {
	o := newOperator(t)
	for _, email := range []string{"a@evil.example", "b@sub.evil.example", "c@good.evil.example", "d@example.org"} {
		o.run("users", "create", email)
	}
	o.run("domains", "set", "good.evil.example", "new")
	var shown domainShown
	o.read(&shown, "domains", "set", "Evil.EXAMPLE.", "moderated", "--flag", "somebody")
	if shown.Name != "evil.example" || shown.Status != broker.DomainModerated || shown.FlaggedBy != "somebody" || shown.Accounts.Users != 1 || shown.Below.Users != 3 {
		t.Errorf("%+v", shown)
	}
	var done domainBlocked
	o.read(&done, "domains", "block", "evil.example", "--accounts", "--dry-run")
	if done != (domainBlocked{Domain: "evil.example", Accounts: 2, DryRun: true, Was: "moderated"}) {
		t.Errorf("%+v", done)
	}
	o.run("users", "block", "b@sub.evil.example", "--reason", "Before.")
	for args, want := range map[string]string{
		"--accounts": "would be blocked  the domain and 1 account\n\nNothing was changed. To do it: --yes",
		"":           "would be blocked  the domain\nwould go on       1 account\n\nNothing was changed.",
	} {
		if text := o.run(append([]string{"domains", "block", "evil.example", "--dry-run"}, strings.Fields(args)...)...); !strings.Contains(text, want) {
			t.Errorf("%s\n%s", args, text)
		}
	}
	if text := o.run("users", "list", "--blocked", "--domain", "evil.example"); strings.Contains(text, "a@evil") {
		t.Errorf("a dry run has blocked:\n%s", text)
	}
	o.run("users", "unblock", "b@sub.evil.example")
	if _, errs, code := o.try("", "domains", "block", "evil.example", "--accounts"); code != 1 || !strings.Contains(errs, "and 2 accounts; add --yes") {
		t.Error(errs)
	}
	shown = domainShown{}
	if o.read(&shown, "domains", "show", "x@sub.evil.example"); shown.Holds != broker.DomainModerated || shown.By != "evil.example" || shown.Decided {
		t.Errorf("%+v", shown)
	}
	done = domainBlocked{}
	if o.read(&done, "domains", "block", "evil.example", "--accounts", "--yes", "--reason", "Spam."); done.Done != 2 || !done.Blocked {
		t.Errorf("%+v", done)
	}
	var blocked []userView
	if o.read(&blocked, "users", "list", "--blocked"); len(blocked) != 2 || blocked[0].BlockedReason != "Spam." {
		t.Errorf("%+v", blocked)
	}
	for _, args := range [][]string{{"users", "create", "e@sub.evil.example"}, {"users", "email", "d@example.org", "d@evil.example"}} {
		if _, errs, code := o.try("", args...); code != 1 || !strings.Contains(errs, "broker domains set") {
			t.Errorf("%q: %d %s", args, code, errs)
		}
	}
	o.run("users", "create", "e@good.evil.example")
	allow := o.set("BROKER_ACCOUNTS__DOMAINS__DEFAULT=blocked")
	if _, _, code := allow.try("", "users", "create", "e@elsewhere.example"); code != 1 {
		t.Error("an account at a domain that is not on the list")
	}
	allow.run("users", "create", "f@good.evil.example")
	trusting, verified := o.set("BROKER_ACCOUNTS__DOMAINS__DEFAULT=verified"), userView{}
	if trusting.read(&verified, "users", "create", "g@elsewhere.example"); verified.VerifiedAt.IsZero() || verified.VerifiedBy != "elsewhere.example" {
		t.Errorf("by default: %+v", verified)
	}
	verified = userView{}
	if trusting.read(&verified, "users", "create", "h@good.evil.example"); !verified.VerifiedAt.IsZero() { // something else was decided
		t.Errorf("decided: %+v", verified)
	}
	if text := trusting.run("domains", "show", "nobody.example"); !strings.Contains(text, "verified by accounts.domains.default") {
		t.Error(text)
	}

	out, errs, code := o.try("# a list\n@a.example\n*.B.example # and more\n\n.c.example\na.example\nevil.example\n", "domains", "import", "-", "--source", "my list")
	if code != 0 || !strings.Contains(out, "imported             3") || !strings.Contains(out, "decided before       1") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	var list []domainView
	if o.read(&list, "domains", "list", "--flagged", "--status", "blocked"); len(list) != 4 || list[0].FlaggedBy != "my list" {
		t.Errorf("%+v", list)
	}
	if text := o.run("domains", "remove", "evil.example"); !strings.Contains(text, "evil.example") {
		t.Error(text)
	}
	many := strings.Repeat("not a domain\n", 30)
	for stdin, args := range map[string][]string{
		"":                                      {"domains", "remove", "evil.example"},
		"a b\nfine.example\nx..y\n":             {"domains", "import", "-", "--source", "x"},
		many:                                    {"domains", "import", "-", "--source", "x"},
		"co.uk\n":                               {"domains", "import", "-", "--source", "x", "--status", "verified"},
		"#\n":                                   {"domains", "import", "-", "--source", "x"},
		"ok.example\n":                          {"domains", "import", "-", "--source", ""},
		"ok2.example\n":                         {"domains", "import", "-", "--source", "x", "--status", "new"},
		strings.Repeat("x", 1<<17) + ".example": {"domains", "import", "-", "--source", "x"},
		"-1":                                    {"domains", "import", "/nonexistent", "--source", "x"},
		"-2":                                    {"domains", "set", "github.io", "verified"},
		"-3":                                    {"domains", "set", "a b", "blocked"},
		"-4":                                    {"domains", "set", "a.example", "fine"},
		"-5":                                    {"domains", "set", "a.example", "blocked", "--flag", strings.Repeat("x", maxFlag+1)},
		"-6":                                    {"domains", "block", "a.example", "--reason", "x"},
		"-7":                                    {"domains", "list", "--limit", "0"},
	} {
		if out, errs, code := o.try(stdin, args...); code == 0 || errs == "" || out != "" {
			t.Errorf("%q with %.20q: %d %s%s", args, stdin, code, out, errs)
		} else if stdin == many && (strings.Count(errs, "line ") != maxComplaints || !strings.Contains(errs, strconv.Itoa(30-maxComplaints)+" more")) {
			t.Error(errs)
		}
	}
	list = nil
	if o.read(&list, "domains", "list", "--after", "fine"); len(list) != 2 { // good.evil, sub.evil, and nothing of a refused file
		t.Errorf("%+v", list)
	}
	o.run("domains", "set", "github.io", "verified", "--force")
}
