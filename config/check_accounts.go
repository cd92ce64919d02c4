package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"idbroker/broker"
)

// usernames checks which usernames people may choose, and what else they may tell.
func (k *checker) usernames() {
	a := &k.c.Accounts
	for i, id := range a.Identifiers {
		if id != "email" && id != "username" {
			k.add(fmt.Sprintf("accounts.identifiers[%d]", i), shown(id), "is not one of email, username", "write email, username or both")
		}
	}
	if a.Identifiers != nil && len(a.Identifiers) == 0 {
		k.add("accounts.identifiers", "", "is empty", "write [email, username], or set accounts.passwords to false")
	}
	if len(a.Identifiers) == 1 && a.Identifiers[0] == "username" && a.Passwords {
		k.c.warnings = append(k.c.warnings, "accounts.identifiers: username alone, so everybody needs one; who has none from before cannot sign in with a password (broker users list, broker users username)")
	}
	if a.IdentifyFirst && !a.Passwords {
		k.add("accounts.identify_first", "true", "asks for nothing that is needed while accounts.passwords is false", "remove it, or set accounts.passwords to true")
	}
	u := a.Username
	if _, err := regexp.Compile(u.Pattern); err != nil {
		k.add("accounts.username.pattern", shown(u.Pattern), "is no regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "write one of RE2, such as [a-z][a-z0-9-]*")
	}
	if u.Pattern == "" && len(u.Message) > 0 {
		k.add("accounts.username.message", "", "explains no pattern", "set accounts.username.pattern, or remove it")
	}
	if u.Pattern != "" && len(u.Message) == 0 {
		k.c.warnings = append(k.c.warnings, "accounts.username.message: not set, so people are not told what accounts.username.pattern asks for. Say it in a sentence, such as {en: \"Small letters and digits.\"}")
	}
	if u.Min > u.Max {
		k.add("accounts.username.min", fmt.Sprint(u.Min), "is more than accounts.username.max", fmt.Sprintf("write at most %d", u.Max))
	}
	for i, name := range u.Reserved {
		if clean, ok := broker.CleanUsername(name); !ok || clean == "" {
			k.add(fmt.Sprintf("accounts.username.reserved[%d]", i), shown(name), "is not a username", "write letters and digits with \".\", \"_\" or \"-\" between them")
		}
	}
	if undo := k.c.Linking.UndoWithin; undo > a.CloseAfter {
		k.c.warnings = append(k.c.warnings, "linking.undo_within: "+formatDuration(undo)+", which is longer than accounts.close_after ("+formatDuration(a.CloseAfter)+"); an account can be erased before a change of it that somebody else made can be taken back. Set accounts.close_after to at least "+formatDuration(undo))
	}
	if zone := a.Defaults.Zone; zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || !broker.ZoneName(zone) {
			k.add("accounts.defaults.zone", shown(zone), "is not a time zone", "write a name such as Europe/Zurich, or UTC")
		}
	}
}

// maxFieldsFile bounds the file of accounts.profile.fields, in bytes.
const maxFieldsFile = 256 << 10

// FieldsText is the JSON Schema of accounts.profile.fields; nil none. Errors: the
// file cannot be read, or is too large.
func (p Profile) FieldsText() ([]byte, error) {
	switch {
	case p.Fields == "":
		return nil, nil
	case strings.HasPrefix(strings.TrimSpace(p.Fields), "{"):
		return []byte(p.Fields), nil
	}
	info, err := os.Stat(p.Fields)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFieldsFile {
		return nil, fmt.Errorf("%s is no file of at most %d KiB", p.Fields, maxFieldsFile>>10)
	}
	return os.ReadFile(p.Fields)
}
