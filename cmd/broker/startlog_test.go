package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// started are the lines of a log by their message, and all messages in order.
func started(t *testing.T, log string) (order []string, lines map[string][]map[string]any) {
	t.Helper()
	lines = map[string][]map[string]any{}
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("not JSON: %s", line)
		}
		msg, _ := entry["msg"].(string)
		order, lines[msg] = append(order, msg), append(lines[msg], entry)
	}
	return order, lines
}

// TestWhatAStartSays: a plain start has one warning, which says what to do; nothing is
// said twice, also where an installation is configured for others.
func TestWhatAStartSays(t *testing.T) {
	o := newOperator(t)
	r := o.serve()
	r.stop()
	order, lines := started(t, r.err.String())
	said := strings.Join(order, "; ")
	const want = "keyring made; back it up apart from the database; database migrated; signing key made; signing key made; listening; no passkeys: browsers bind them to a host name, and server.base_url has an address; write a name there, such as localhost, or accounts.passkeys: never; no mail server: mails are only written to files; shutting down; a second signal stops at once; stopped"
	if said != want {
		t.Errorf("said %s\nwant %s", said, want)
	}
	for msg, entries := range lines {
		for _, e := range entries {
			if todo, _ := e["todo"].(string); e["level"] != "INFO" && !strings.Contains(todo, "set mail.smtp") {
				t.Errorf("%s: %v says not what to do", msg, e)
			}
		}
	}

	need(t, os.Chmod(filepath.Join(o.dir, "broker.key"), 0o644))
	o = o.set("BROKER_SERVER__BASE_URL=https://id.example.org", "BROKER_ACCOUNTS__USERNAME__PATTERN=[a-z]+", "BROKER_ACCOUNTS__CLOSE_AFTER=24h")
	_, told, _ := o.try("", "config", "validate")
	r = o.serve()
	r.stop()
	order, lines = started(t, r.err.String())
	if strings.Contains(strings.Join(order, "; "), "no mail server") {
		t.Errorf("said twice: %q", order)
	}
	for setting, fix := range map[string]string{
		"server.trusted_hops: ": "Set it to 1", "mail.smtp.host: ": "Set mail.smtp and mail.from", "brand.help_url: ": "Set it to a page", "accounts.username.message: ": "Say it in a sentence",
		"linking.undo_within: ": "Set accounts.close_after to at least", "broker.key can be read": "run: chmod 600",
	} {
		var found []string
		for _, e := range lines["configuration"] {
			if w, _ := e["warning"].(string); strings.HasPrefix(w, setting) {
				found = append(found, w)
			}
		}
		if len(found) != 1 || !strings.Contains(found[0], fix) || !strings.Contains(told, "warning: "+found[0]) {
			t.Errorf("%s: the log has %q, config validate\n%s", setting, found, told)
		}
	}
	if len(lines["configuration"]) != 6 {
		t.Errorf("warnings: %v", lines["configuration"])
	}
}
