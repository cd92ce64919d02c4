package store

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// capture keeps the text of every statement.
type capture struct{ queries *[]string }

func (c capture) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	*c.queries = append(*c.queries, e.Query)
	return ctx
}

func (capture) AfterQuery(context.Context, *bun.QueryEvent) {}

// TestIndexes asks SQLite how it finds the rows of each statement: by an index,
// never by reading a whole table.
func TestIndexes(t *testing.T) {
	ctx, at := context.Background(), time.Now()
	db, err := Open(ctx, Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "broker.db"), Keys: NewKeyring()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it is thrown away
	if _, err := db.MigrateUp(ctx); err != nil {
		t.Fatal(err)
	}
	var queries []string
	db.read.bun, db.write.bun = db.read.bun.WithQueryHook(capture{&queries}), db.write.bun.WithQueryHook(capture{&queries})

	_, _ = db.User(ctx, "u")
	_, _ = db.UserByEmail(ctx, "e")
	_, _ = db.UserByUsername(ctx, "n")
	_ = db.UpdateUser(ctx, broker.User{ID: "u"})
	_, _ = db.Users(ctx, "u", 9)
	_, _ = db.UsersWho(ctx, broker.UserFilter{Waiting: true}, "u", 9)
	_, _ = db.UsersWho(ctx, broker.UserFilter{Blocked: true}, "u", 9)
	_, _ = db.Addresses(ctx, "u", 9)
	_, _ = db.ClientsNamed(ctx, []string{"a", "b"})
	_, _ = db.DomainsNamed(ctx, []string{"a.example.org", "example.org", "org"})
	_, _ = db.Domains(ctx, "", false, "a", 9)
	_ = db.NoteDomain(ctx, "example.org", at)
	_ = db.DeleteDomain(ctx, "example.org")
	_, _ = db.CountAdmins(ctx)
	_, _ = db.Identity(ctx, "p", "i", "s")
	_, _ = db.IdentitiesOf(ctx, "u")
	_ = db.TouchIdentity(ctx, "i", at)
	_ = db.DeleteIdentity(ctx, "i")
	_, _ = db.RemoteAccount(ctx, "p", "i", "s")
	_, _ = db.RemoteAccountsOf(ctx, "u")
	_ = db.DeleteRemoteAccount(ctx, "a")
	_, _ = db.RemoteTokens(ctx, "a")
	_, _ = db.LinkChange(ctx, "h")
	_, _ = db.LinkChangesOf(ctx, "u", 9)
	_, _ = db.LinkChangesSince(ctx, "u", at)
	_ = db.UndoLinkChange(ctx, "c", at)
	_ = db.VoidLinkChanges(ctx, "u", at)
	_ = db.DeleteUser(ctx, "u")
	_ = db.DeleteMailTokensOf(ctx, "u")
	_ = db.DeleteGrantsOf(ctx, "u")
	_, _ = db.Attempt(ctx, "s")
	_, _ = db.OpenAttempt(ctx, "b", "p", at)
	_ = db.SpendAttempt(ctx, "s", at)
	_, _ = db.Login(ctx, "l")
	_ = db.SaveLogin(ctx, broker.Login{ID: "l"})
	_ = db.FinishLogin(ctx, "l", at)
	_ = db.SaveSession(ctx, broker.Session{IDHash: "s"})
	_ = db.SaveSessionData(ctx, broker.Session{IDHash: "s"})
	_ = db.DeleteSession(ctx, "s")
	_, _ = db.TakeSessions(ctx, broker.SessionFilter{UserID: "u", SID: "s", ExceptSID: "t", Remembered: "r"})
	_, _ = db.SessionsOf(ctx, "u")
	_ = db.EndSession(ctx, "u", "s")
	_, _ = db.ExpiredSessions(ctx, at, 9)
	_ = db.ExpireSession(ctx, "s", at)
	_, _ = db.EndSessions(ctx, "u", "s")
	_ = db.CreateUpstream(ctx, "s", "p", broker.Upstream{Subject: "u", SID: "i"}, at)
	_, _ = db.Upstream(ctx, "s")
	_ = db.SpendLogout(ctx, broker.UpstreamLogout{JTI: "j"}, at)
	_, _ = db.EndUpstream(ctx, broker.UpstreamLogout{Subject: "u"})
	_, _ = db.EndUpstream(ctx, broker.UpstreamLogout{SID: "i"})
	_, _ = db.EndUpstream(ctx, broker.UpstreamLogout{Subject: "u", SID: "i"})
	_, _ = db.EndLateUpstream(ctx, at, at)
	_ = db.UpdateClient(ctx, broker.Client{ID: "c"})
	_, _ = db.Consent(ctx, "u", "c")
	_, _ = db.ConsentsOf(ctx, "u")
	_ = db.DeleteConsent(ctx, "u", "c")
	_, _ = db.GrantsOf(ctx, "u")
	_, _, _ = db.Refresh(ctx, "g", "c", broker.ClientStamp{}, 1, at, time.Minute, time.Hour)
	_ = db.RevokeGrant(ctx, "g", "r", at)
	_, _ = db.RevokeGrants(ctx, broker.GrantFilter{UserID: "u"}, "r", at)
	_, _ = db.RevokeGrants(ctx, broker.GrantFilter{SID: "s", KeepOffline: true}, "r", at)
	_, _ = db.RevokeGrants(ctx, broker.GrantFilter{UserID: "u", ClientID: "c"}, "r", at)
	_, _ = db.Participants(ctx, broker.GrantFilter{UserID: "u", SID: "s"})
	_, _ = db.Participants(ctx, broker.GrantFilter{UserID: "u"})
	_ = db.ReviveOutbox(ctx, "k", "o", at)
	_ = db.DropOutbox(ctx, "k", "o", at)
	_ = db.UpdateKey(ctx, broker.Key{ID: "k"})
	_, _ = db.MailToken(ctx, "h")
	_ = db.SpendMailToken(ctx, "h", at)
	_ = db.VoidMailTokens(ctx, "u", broker.MailReset, at)
	_, _ = db.UsersToErase(ctx, at, 9)
	_ = db.VoidMailTokensSince(ctx, "u", broker.MailEmailBack, at, at)
	_ = db.ForgetAbout(ctx, "u", broker.MailEmailBack)
	_, _ = db.MailCode(ctx, "c")
	_, _ = db.LastMailCode(ctx, "l")
	_, _, _ = db.CountMailCodes(ctx, "e", "b", at, broker.MailCodesProven)
	_ = db.ReplaceMailCodes(ctx, "l", at)
	_ = db.AddressMailCode(ctx, "c", "u", 1, at)
	_ = db.TryMailCode(ctx, "c", 5, at)
	_ = db.SpendMailCode(ctx, "c", at)
	_ = db.DeleteMailCodesTo(ctx, "e")
	_, _ = db.Passkey(ctx, "c")
	_, _ = db.PasskeysOf(ctx, "u")
	_, _ = db.CountPasskeys(ctx, "u")
	_ = db.UsePasskey(ctx, broker.PasskeyUse{ID: "p", At: at})
	_ = db.RenamePasskey(ctx, "u", "p", "n")
	_ = db.DeletePasskey(ctx, "u", "p")
	_ = db.DeletePasskeysSince(ctx, "u", at)
	_ = db.SpendPasskeyChallenge(ctx, "h", at)
	_, _ = db.RetiredSince(ctx, "u", at)
	_ = db.ForgetRetired(ctx, "u", "r")
	_ = db.ForgetAllRetired(ctx, "u")
	_, _ = db.ClaimOutbox(ctx, 9, at, time.Minute)
	_, _ = db.ClaimOutbox(ctx, 9, at, time.Minute, "k", "l")
	_ = db.FinishOutbox(ctx, "o", at)
	_ = db.RetryOutbox(ctx, "o", at, "")
	_ = db.FailOutbox(ctx, "o", at, "")
	_, _ = db.FailedOutbox(ctx, 9)
	_, _ = db.Events(ctx, "u", 9)
	_, _ = db.Events(ctx, "", 9)
	_, _ = db.InitialAccessToken(ctx, "h")
	_ = db.SpendInitialAccessToken(ctx, "h", at)
	_ = db.DeleteInitialAccessToken(ctx, "h")
	_, _ = db.Registrations(ctx, "", at)
	_, _ = db.Registrations(ctx, "::1", at)
	_ = db.RetireEncryptionKey(ctx, broker.EncryptionKey{ID: "k"})
	_, _ = db.KeptSecrets(ctx, "c")
	_ = db.ForgetSecrets(ctx, "c", "h")
	_ = db.AddTrouble(ctx, broker.Trouble{ClientID: "c"})
	_, _ = db.Troubles(ctx, "c", 9)
	_, _ = db.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}})
	_, _ = db.TakeTokens(ctx, at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 1, Every: time.Hour}})
	_ = db.ReturnToken(ctx, "k")
	_, _ = db.SignInsOf(ctx, "u")
	_ = db.EnqueueUnlessFirst(ctx, broker.OutboxEntry{ID: "o"}, "u")
	_ = db.DeleteFactorsSince(ctx, "u", at)
	_ = db.DeleteRecoveryCodesSince(ctx, "u", at)
	_, _ = db.ForgetIPs(ctx, at)
	_, _ = db.Prune(ctx, at)
	for h := range hotCount {
		queries = append(queries, h.text())
	}
	for _, p := range []*pool{db.read, db.write} {
		queries = slices.AppendSeq(queries, maps.Keys(p.hot.texts))
	}

	for _, q := range queries {
		rows, err := db.write.sql.QueryContext(ctx, "EXPLAIN QUERY PLAN "+q, make([]any, strings.Count(q, "?"))...)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			scan := strings.HasPrefix(detail, "SCAN ") && !strings.Contains(detail, "USING") && detail != "SCAN CONSTANT ROW"
			sorts := strings.Contains(detail, "TEMP B-TREE FOR ORDER BY") && strings.Contains(q, "LIMIT")
			if scan || sorts {
				t.Errorf("%s: %s", q, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if len(queries) < 50 {
		t.Errorf("only %d statements were looked at", len(queries))
	}
}
