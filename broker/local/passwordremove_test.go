package local_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"idbroker/broker/local"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestRemovedPasswordIsLogged: as each step is that protects the account, when it is done and not
// when it was refused, and nothing secret with it.
func TestRemovedPasswordIsLogged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var log strings.Builder
		_, l := linkedAccounts(t, db)
		a := local.New(db, l, local.Options{Issuer: issuer, Hashing: cheap, Log: slog.New(slog.NewTextHandler(&log, nil))})
		u := signUp(t, db, a, "ada@example.org")
		s := startSession(t, db, u)
		const said = `msg="password removed"`
		wantErr(t, "nothing else opens it", a.RemovePassword(t.Context(), s, good), local.ErrPasswordLast)
		must(t, l.Attach(t.Context(), u, hub, time.Now()))
		wantErr(t, "a guess", a.RemovePassword(t.Context(), s, "another good password"), local.ErrPasswordWrong)
		if strings.Contains(log.String(), said) {
			t.Errorf("refused, and logged:\n%s", log.String())
		}
		must(t, a.RemovePassword(t.Context(), s, good))
		if userOf(t, db, u.ID).HasPassword() || strings.Count(log.String(), said+" user="+string(u.ID)) != 1 {
			t.Errorf("the log has\n%s", log.String())
		}
		if strings.Contains(log.String(), good.Reveal()) || strings.Contains(log.String(), u.Email) {
			t.Errorf("the log tells\n%s", log.String())
		}
		wantErr(t, "once more", a.RemovePassword(t.Context(), s, good), local.ErrPasswordNone)
	})
}
