package storetest_test

import (
	"strings"
	"testing"

	"idbroker/store/storetest"
)

// TestScans: what reads a whole table or a whole index is noticed, and what
// follows an index is not.
func TestScans(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		storetest.Fill(t, dsn, 3000, map[string]string{"provider": "'demo'"}, "events", "sessions")
		raw := storetest.Raw(t, dsn)
		any := "?"
		if !strings.HasPrefix(dsn, "sqlite:") {
			any = "$1"
		}
		// The index has no rows of nobody, and SQLite cannot know that somebody is asked for;
		// PostgreSQL does at the values.
		one := "SELECT * FROM sessions WHERE user_id = ? AND (expires_at = 0 OR expires_at > 5)"
		if any == "?" {
			if got := storetest.Scans(t, raw, dsn, one); len(got) != 1 {
				t.Errorf("%s: %q", one, got)
			}
		}
		for statement, want := range map[string]bool{
			"SELECT * FROM sessions WHERE id_hash = 'id_hash1000007'":                                                     false,
			"SELECT * FROM sessions WHERE user_id = 'x' AND user_id <> ''":                                                false,
			"SELECT * FROM sessions WHERE id_hash = " + any:                                                               false,
			"UPDATE sessions SET sid = 'x' WHERE id_hash = " + any:                                                        false,
			"DELETE FROM sessions WHERE id_hash = 'x'":                                                                    false,
			"SELECT * FROM sessions WHERE user_id = " + any + " AND user_id <> '' AND (expires_at = 0 OR expires_at > 5)": false,
			"DELETE FROM sessions WHERE expires_at > 5 AND expires_at < 9":                                                false,
			"SELECT * FROM sessions WHERE sid = 'sid1000007'":                                                             true,
			"SELECT * FROM sessions WHERE sid = " + any:                                                                   true,
			"UPDATE sessions SET sid = 'x' WHERE user_agent = 'y'":                                                        true,
			"SELECT id_hash FROM sessions ORDER BY id_hash":                                                               true,
			"SELECT 1 FROM sessions s JOIN events e ON e.provider = s.sid":                                                true,
			"SELECT 1 FROM sessions WHERE id_hash IN (SELECT ip FROM events)":                                             true,
		} {
			if got := storetest.Scans(t, raw, dsn, statement); (len(got) > 0) != want {
				t.Errorf("%s: %q", statement, got)
			}
		}
	})
}
