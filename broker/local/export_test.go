package local_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/store/storetest"
)

// exportedTables says where the rows of each table that names a person are in an
// export; notExported why they are not.
var (
	exportedTables = map[string]string{
		"user_identities": "identities", "remote_accounts": "remote_accounts", "sessions": "sessions", "sign_ins": "sign_ins", "remembered_browsers": "remembered_browsers", "consents": "consents",
		"grants": "grants", "events": "events", "link_changes": "link_changes", "passkeys": "passkeys", "former_usernames": "former_usernames",
		"factors": "second_factors",
	}
	notExported = map[string]string{
		"attempts":    "journeys to a provider, over within minutes",
		"logins":      "forms that are half filled in, over within a day",
		"mail_tokens": "hashes of secrets that were mailed",
		"mail_codes":  "MACs of codes that were mailed, over within an hour",

		"recovery_codes": "MACs of codes",
		"retired":        "what was removed, for some days; the audit trail tells of it",
	}
	// exportedColumns is the same for the account itself.
	exportedColumns = map[string]string{
		"id": "sub", "email": "email", "email_verified_at": "email_verified_at", "email_vouched_by": "email_vouched_by", "username": "preferred_username",
		"name": "name", "locale": "locale", "phone": "phone_number", "address": "address", "details": "details", "password_set_at": "password_set_at", "admin": "administrator",
		"signed_out_at": "signed_out_everywhere_at", "second_factor_at": "second_factor_at", "verified_at": "verified_at", "verified_by": "verified_by", "created_at": "created_at", "updated_at": "updated_at", "version": "version",
	}
	columnsNotExported = map[string]string{
		"password_hash": "made of a secret; has_password tells that there is one",
		"username_key":  "the username, folded to be found by",
		"email_folded":  "the address, folded to be found by",
		"erase_at":      "whose account is closed does not get here",
		"disabled_at":   "whose account is disabled does not get here",
		"blocked_at":    "whose account is blocked does not get here", "blocked_reason": "the same; the page that refuses them shows it",
		"known_since": "it says of no browser which; signed_out events tell when",
		"waiting_at":  "whose account waits does not get here",
	}
)

// TestExportKnowsEveryTable: what is kept of a person is exported, or somebody has
// written down why it is not.
func TestExportKnowsEveryTable(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		a, l := linkedAccounts(t, db)
		ctx := t.Context()
		p := somebody(t, db, a, l, "ada@example.org")
		now := time.Now()
		must(t, db.SaveConsent(ctx, broker.Consent{UserID: p.ID, ClientID: "app", Scopes: []string{"openid"}, CreatedAt: now, UpdatedAt: now}))
		must(t, db.CreatePasskey(ctx, broker.Passkey{ID: "k", UserID: p.ID, CredentialID: "AQ", Name: "phone", CreatedAt: now}))
		must(t, db.CreateRemembered(ctx, broker.RememberedBrowser{ID: "b", UserID: p.ID, Hash: "h", Browser: "Firefox, Linux", CreatedAt: now, ExpiresAt: now}))
		number, app := broker.NumberSecret("+41227676111"), broker.NewSecret()
		must(t, db.CreateFactor(ctx, broker.Factor{ID: "f", UserID: p.ID, Kind: broker.FactorSMS, Secret: number, CreatedAt: now}))
		must(t, db.CreateFactor(ctx, broker.Factor{ID: "g", UserID: p.ID, Kind: broker.FactorTOTP, Secret: app, CreatedAt: now}))
		u := p.User
		u.EmailVouchedBy, u.Username, u.Locale, u.Phone, u.SignedOutAt, u.SecondFactorAt, u.UpdatedAt = "hub", "ada", "de", "+41227676222", now, now, now
		u.VerifiedAt, u.VerifiedBy = now, "example.org"
		u.Address = broker.Address{Street: "1 Esplanade des Particules"}
		u.Details = broker.Details{Zone: "Europe/Zurich"}
		must(t, db.GiveUpUsername(ctx, broker.FormerUsername{MAC: "m", UserID: u.ID, CreatedAt: now}))
		must(t, db.UpdateUser(ctx, u))
		must(t, db.AddEvent(ctx, broker.Event{ID: broker.NewID(), Name: broker.EventSignedIn, UserID: p.ID, At: now, IP: "192.0.2.1", Provider: "hub"}))
		e, err := a.Export(ctx, p.session)
		must(t, err)
		text, err := json.Marshal(e)
		must(t, err)
		var told map[string]any
		must(t, json.Unmarshal(text, &told))
		profile := told["profile"].(map[string]any)

		tables := columns(t, dsn)
		if len(tables) < 15 {
			t.Fatalf("only %d tables", len(tables))
		}
		for table, columns := range tables {
			if !slices.Contains(columns, "user_id") {
				continue
			}
			key, exported := exportedTables[table]
			if list, _ := told[key].([]any); exported && len(list) == 0 {
				t.Errorf("%s: there is nothing in %q", table, key)
			}
			if !exported && notExported[table] == "" {
				t.Errorf("%s names a person: export it, or say in notExported why not", table)
			}
		}
		for _, column := range tables["users"] {
			key, exported := exportedColumns[column]
			if value, ok := profile[key]; exported && (!ok || value == "") {
				t.Errorf("users.%s: there is no %q", column, key)
			}
			if !exported && columnsNotExported[column] == "" {
				t.Errorf("users.%s: export it, or say in columnsNotExported why not", column)
			}
		}
		for _, list := range []map[string]string{exportedTables, notExported} {
			for table := range list {
				if !slices.Contains(tables[table], "user_id") {
					t.Errorf("%s is not a table that names a person", table)
				}
			}
		}

		if f := e.Factors; f[0].Number+f[1].Number != "+41227676111" {
			t.Errorf("%+v", f)
		}

		// No secret, and nobody else.
		for _, secret := range []string{app.Reveal(), strings.TrimPrefix(number.Reveal(), "+41227676111 "), "at the hub", u.PasswordHash.Reveal(), p.session.IDHash, p.reset.Hash(), p.reset.Reveal(), p.undo.Hash(), string(p.grant.ID)} {
			if secret == "" || strings.Contains(string(text), secret) {
				t.Errorf("the export holds %q", secret)
			}
		}
	})
}

// columns are the columns of every table.
func columns(t *testing.T, dsn string) map[string][]string {
	t.Helper()
	raw := storetest.Raw(t, dsn)
	rows, err := raw.Query("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
	if err != nil {
		rows, err = raw.Query("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'")
	}
	must(t, err)
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var table, column string
		must(t, rows.Scan(&table, &column))
		all[table] = append(all[table], column)
	}
	must(t, rows.Err())
	return all
}

// TestExport: it is for a recent session, about its user alone, and it is seen.
func TestExport(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		a, ctx := accounts(t, db), t.Context()
		u, eve := signUp(t, db, a, "ada@example.org"), signUp(t, db, a, "eve@example.org")
		s := startSession(t, db, u)
		startSession(t, db, eve)
		stale := s
		stale.AuthTime = s.AuthTime.Add(-16 * time.Minute)
		for what, s := range map[string]broker.Session{"an old sign-in": stale, "nobody": {}} {
			if e, err := a.Export(ctx, s); !errors.Is(err, broker.ErrSignIn) || !reflect.DeepEqual(e, local.Export{}) {
				t.Errorf("%s: %+v, %v", what, e, err)
			}
		}
		e, err := a.Export(ctx, s)
		if err != nil || e.Profile.Subject != u.ID || e.Profile.Email != u.Email || len(e.Sessions) != 1 || e.Sessions[0].SID != s.SID || e.EventsOmitted {
			t.Errorf("%+v, %v", e, err)
		}
		text, err := json.Marshal(e)
		if err != nil || strings.Contains(string(text), "eve@") || strings.Contains(string(text), "null") {
			t.Errorf("%s, %v", text, err)
		}
		if events, err := db.Events(ctx, u.ID, 1); err != nil || events[0].Name != broker.EventExported {
			t.Errorf("%+v, %v", events, err)
		}
	})
}
