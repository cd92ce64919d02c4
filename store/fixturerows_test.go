package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

// t0 is when the fixture was written, as its rows have it. They are long past,
// or end after any test: nobody prunes them.
var (
	t0     = time.Date(2026, 1, 15, 9, 30, 0, 123456000, time.UTC)
	always = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
)

// fixtureKey is a signing key that signs nothing but tests.
const fixtureKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXHqsPwcLnfdrXzkC
CRYb5P7joY1WmwNFLAKq3ZcSms2hRANCAAR+3PWRRA0QVFuqxuK+cL5BpoMiOBfE
WDdlvA5OK6lzL4f2+EEZ6M2h4XjO0StqAKS0muDBVksMzh6EcVu7jKkH
-----END PRIVATE KEY-----
`

// contents is everything that stands in the fixture.
type contents struct {
	users      []broker.User
	identities []broker.UserIdentity
	accounts   []broker.RemoteAccount
	tokens     []broker.RemoteToken
	attempts   []broker.Attempt
	logins     []broker.Login
	sessions   []broker.Session
	clients    []broker.Client
	consents   []broker.Consent
	grants     []broker.Grant
	keys       []broker.Key
	mailTokens []broker.MailToken
	outbox     []broker.OutboxEntry
	events     []broker.Event
}

// fixture is what a small installation looks like after some weeks.
func fixture() contents {
	day := func(n int) time.Time { return t0.AddDate(0, 0, n) }
	hash := func(s string) string { return broker.Secret(s).Hash() }
	const phc = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Zm9yIHRlc3RzIG9ubHksIG5vdCBhIHBhc3N3b3Jk"
	return contents{
		users: []broker.User{
			{ID: "uada", Email: "ada@example.org", EmailVerifiedAt: day(-40), Username: "Ada", Name: "Ada Lovelace", Locale: "en", PasswordHash: phc, PasswordSetAt: day(-40), Admin: true, CreatedAt: day(-40), UpdatedAt: day(-3), Version: 4},
			{ID: "ubea", Email: "bea@example.org", EmailVerifiedAt: day(-20), Username: "Bääh", Name: "Béatrice 🧪 山田", Locale: "de", CreatedAt: day(-20), UpdatedAt: day(-20)},
			{ID: "ucem", Email: "cem@example.org", EmailVerifiedAt: day(-30), Name: "Cem", DisabledAt: day(-2), CreatedAt: day(-30), UpdatedAt: day(-2), Version: 1},
			{ID: "udan", Email: "dan@example.org", Name: "Made by an operator", CreatedAt: day(-1), UpdatedAt: day(-1)},
		},
		identities: []broker.UserIdentity{
			{ID: "iada-github", UserID: "uada", Provider: "github", Issuer: "https://github.com", Subject: "583231", CreatedAt: day(-39), LastUsedAt: day(-1)},
			{ID: "iada-orcid", UserID: "uada", Provider: "orcid", Issuer: "https://orcid.org", Subject: "0000-0002-1825-0097", CreatedAt: day(-38)},
			{ID: "ibea-cern", UserID: "ubea", Provider: "cern", Issuer: "https://auth.cern.ch/auth/realms/cern", Subject: "bea", CreatedAt: day(-20), LastUsedAt: day(-5)},
		},
		accounts: []broker.RemoteAccount{
			{ID: "aada-github", UserID: "uada", Provider: "github", Issuer: "https://github.com", Subject: "583231", ClientID: "Iv1.0123456789abcdef", Username: "ada", Name: "Ada Lovelace", Email: "ada@example.org", EmailVerified: true, ProfileURL: "https://github.com/ada", Extra: json.RawMessage(`{"id": 583231, "company": "Analytical \u00e9ngines"}`), CreatedAt: day(-39), UpdatedAt: day(-1)},
			{ID: "aada-orcid", UserID: "uada", Provider: "orcid", Issuer: "https://orcid.org", Subject: "0000-0002-1825-0097", ClientID: "APP-1", Name: "Ada Lovelace", ProfileURL: "https://orcid.org/0000-0002-1825-0097", CreatedAt: day(-38), UpdatedAt: day(-38)},
			{ID: "abea-cern", UserID: "ubea", Provider: "cern", Issuer: "https://auth.cern.ch/auth/realms/cern", Subject: "bea", Username: "bea", CreatedAt: day(-20), UpdatedAt: day(-5)},
		},
		tokens: []broker.RemoteToken{
			{AccountID: "aada-github", AccessToken: "gho_fixture", TokenType: "bearer", Scopes: []string{"read:user", "user:email"}, UpdatedAt: day(-1)},
			{AccountID: "aada-orcid", AccessToken: "orcid-access", RefreshToken: "orcid-refresh", IDToken: "e30.e30.c2ln", TokenType: "bearer", Scopes: []string{"openid"}, ExpiresAt: day(7000), UpdatedAt: day(-38)},
			{AccountID: "aada-orcid", Kind: "transfer", AccessToken: "transfer-access", UpdatedAt: day(-38)},
		},
		attempts: []broker.Attempt{
			{StateHash: hash("used"), BrowserHash: hash("b"), Provider: "github", Purpose: broker.PurposeSignIn, LoginID: "lopen", ReturnTo: "/", RedirectURI: "https://broker.example/oauth/authorized/github/", ClientID: "Iv1.0123456789abcdef", Session: `{"verifier":"v"}`, CreatedAt: t0, ExpiresAt: t0.Add(broker.AttemptLifetime), UsedAt: t0.Add(time.Minute)},
			{StateHash: hash("open"), BrowserHash: hash("b"), Provider: "orcid", Purpose: broker.PurposeLink, UserID: "uada", RedirectURI: "https://broker.example/oauth/authorized/orcid/", Session: `{"nonce":"n"}`, CreatedAt: t0, ExpiresAt: always},
		},
		logins: []broker.Login{
			{ID: "lopen", BrowserHash: hash("b"), ClientID: "wiki", Request: "client_id=wiki&scope=openid+email&state=xyz", Force: true,
				Remote: &broker.Profile{Provider: "github", Issuer: "https://github.com", Subject: "9", Username: "newcomer", Email: "new@example.org", EmailVerified: true, AMR: []string{"pwd"}, AuthTime: t0, Tokens: []broker.RemoteToken{{AccessToken: "gho_pending", Scopes: []string{"read:user"}, ExpiresAt: always}}, Extra: json.RawMessage(`{"id": 9}`)},
				SignUp: &broker.SignUp{Email: "new@example.org", Name: "New", Username: "new", Locale: "de", PasswordHash: phc}, StartedAt: t0, ExpiresAt: always},
			{ID: "ldone", BrowserHash: hash("c"), ReturnTo: "/account/settings/profile/", UserID: "uada", SID: "sid1", AuthTime: t0, AMR: []string{"pwd"}, ACR: broker.ACRSingle, StartedAt: t0, ExpiresAt: t0.Add(broker.LoginLifetime), FinishedAt: t0.Add(time.Minute)},
		},
		sessions: []broker.Session{
			{IDHash: hash("s1"), SID: "sid1", UserID: "uada", AuthTime: t0, AMR: []string{"pwd"}, ACR: broker.ACRSingle, Data: []byte{0, 1, 255, '\'', '\\'}, UserAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", IP: "192.0.2.7", IPAt: t0, CreatedAt: t0, LastSeenAt: t0.Add(time.Hour), ExpiresAt: always},
			{IDHash: hash("s2"), SID: "sid2", CreatedAt: t0, LastSeenAt: t0, ExpiresAt: always},
		},
		clients: []broker.Client{
			{ID: "spa", Name: "Notebook", AuthMethod: broker.AuthNone, RedirectURIs: []string{"http://127.0.0.1/callback"}, GrantTypes: []string{broker.GrantCode}, Scopes: []string{"openid"}, RequirePKCE: true, CreatedAt: day(-10), UpdatedAt: day(-10), DisabledAt: day(-1), Version: 1},
			{ID: "wiki", Name: "Wiki «Lab»", Secrets: []broker.ClientSecret{{Hash: hash("old"), CreatedAt: day(-30), ExpiresAt: day(1)}, {Hash: hash("new"), CreatedAt: day(-1)}}, AuthMethod: broker.AuthBasic,
				RedirectURIs: []string{"https://wiki.example/cb", "https://wiki.example/cb2?x=1"}, PostLogoutRedirectURIs: []string{"https://wiki.example/"}, GrantTypes: []string{broker.GrantCode, broker.GrantRefresh},
				Scopes: []string{"openid", "profile", "email", "offline_access"}, IDTokenAlg: broker.ES256, FirstParty: true, ClientURI: "https://wiki.example", PolicyURI: "https://wiki.example/privacy", TermsURI: "https://wiki.example/terms", Contacts: []string{"ops@example.org"}, CreatedAt: day(-30), UpdatedAt: day(-1), Version: 3},
		},
		consents: []broker.Consent{
			{UserID: "uada", ClientID: "spa", Scopes: []string{"openid"}, CreatedAt: day(-9), UpdatedAt: day(-9)},
			{UserID: "uada", ClientID: "wiki", Scopes: []string{"openid", "email"}, CreatedAt: day(-29), UpdatedAt: day(-2)},
		},
		grants: []broker.Grant{
			{ID: "glive", ClientID: "wiki", UserID: "uada", SID: "sid1", Scopes: []string{"openid", "offline_access"}, Audience: []string{"https://api.example"}, CodeHash: hash("code1"), CodeExpiresAt: day(-2).Add(time.Minute), CodeUsedAt: day(-2), RedirectURI: "https://wiki.example/cb", CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Nonce: "n-0S6_WzA2Mj", AuthTime: day(-2), AMR: []string{"pwd"}, ACR: broker.ACRSingle, Provider: "github", RefreshGeneration: 3, RefreshRotatedAt: day(-1), RefreshExpiresAt: always, ExpiresAt: always, CreatedAt: day(-2), LastUsedAt: day(-1)},
			{ID: "gcode", ClientID: "wiki", UserID: "ubea", Scopes: []string{"openid"}, CodeHash: hash("code2"), CodeExpiresAt: always, CreatedAt: t0},
			{ID: "gmachine", ClientID: "wiki", Scopes: []string{"jobs"}, ExpiresAt: t0.Add(time.Hour), CreatedAt: t0},
			{ID: "grevoked", ClientID: "spa", UserID: "uada", CodeHash: hash("code3"), CodeExpiresAt: day(-9), CodeUsedAt: day(-9), RefreshGeneration: 2, RevokedAt: day(-8), RevokedReason: "refresh reuse", CreatedAt: day(-9), LastUsedAt: day(-8)},
		},
		keys: []broker.Key{
			{ID: "kold", Alg: broker.ES256, Generation: 1, Private: fixtureKey, CreatedAt: day(-90), SignsFrom: day(-90), RetiresAt: day(-1), ExpiresAt: day(1)},
			{ID: "knew", Alg: broker.ES256, Generation: 2, Private: fixtureKey, CreatedAt: day(-1), SignsFrom: day(-1)},
		},
		mailTokens: []broker.MailToken{
			{Hash: hash("m1"), Purpose: broker.MailSignUp, Email: "new@example.org", LoginID: "lopen", CreatedAt: t0, ExpiresAt: always},
			{Hash: hash("m2"), Purpose: broker.MailReset, Email: "ada@example.org", UserID: "uada", Version: 4, CreatedAt: t0, ExpiresAt: t0.Add(broker.MailTokenLifetime), UsedAt: t0.Add(time.Minute)},
		},
		outbox: []broker.OutboxEntry{
			{ID: "oopen", Kind: broker.OutboxMail, Payload: []byte(`{"to":"new@example.org","template":"sign-up","locale":"de","data":{"token":"t"}}`), CreatedAt: t0, NextAt: t0, Attempts: 2, LastError: "421 try later"},
			{ID: "ofailed", Kind: broker.OutboxMail, Payload: []byte(`{"to":"gone@example.org"}`), CreatedAt: day(-3), NextAt: day(-1), Attempts: 22, LastError: "550 no such user", FailedAt: day(-1)},
		},
		events: []broker.Event{
			{ID: "e2", At: t0, Name: broker.EventSignedIn, UserID: "uada", ClientID: "wiki", Provider: "github", SID: "sid1", RequestID: "r1", IP: "192.0.2.7", Detail: map[string]string{"amr": "pwd"}},
			{ID: "e1", At: day(-40), Name: broker.EventUserCreated, UserID: "uada"},
		},
	}
}

// writeFixtureRows writes the fixture into an empty database.
func writeFixtureRows(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, f := context.Background(), fixture()
	writeAll(t, ctx, f.users, db.CreateUser)
	writeAll(t, ctx, f.identities, db.CreateIdentity)
	writeAll(t, ctx, f.accounts, func(ctx context.Context, a broker.RemoteAccount) error {
		_, err := db.SaveRemoteAccount(ctx, a)
		return err
	})
	writeAll(t, ctx, f.tokens, func(ctx context.Context, r broker.RemoteToken) error {
		return db.SaveRemoteTokens(ctx, r.AccountID, []broker.RemoteToken{r})
	})
	writeAll(t, ctx, f.attempts, db.CreateAttempt)
	writeAll(t, ctx, f.logins, db.CreateLogin)
	writeAll(t, ctx, f.sessions, db.CreateSession)
	writeAll(t, ctx, f.clients, db.CreateClient)
	writeAll(t, ctx, f.consents, db.SaveConsent)
	writeAll(t, ctx, f.grants, db.CreateGrant)
	writeAll(t, ctx, f.keys, db.CreateKey)
	writeAll(t, ctx, f.mailTokens, db.CreateMailToken)
	writeAll(t, ctx, f.outbox, db.Enqueue)
	writeAll(t, ctx, f.events, db.AddEvent)
}

func writeAll[T any](t *testing.T, ctx context.Context, list []T, write func(context.Context, T) error) {
	t.Helper()
	for _, v := range list {
		ok(t, write(ctx, v))
	}
}

// readFixture reads every row of the fixture. A field that a later schema adds
// is its zero value here, or what its migration promises.
func readFixture(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, f := context.Background(), fixture()
	readAll(t, f.users, func(u broker.User) (broker.User, error) { return db.User(ctx, u.ID) })
	readAll(t, f.identities, func(i broker.UserIdentity) (broker.UserIdentity, error) {
		return db.Identity(ctx, i.Provider, i.Issuer, i.Subject)
	})
	readAll(t, f.accounts, func(a broker.RemoteAccount) (broker.RemoteAccount, error) {
		return db.RemoteAccount(ctx, a.Provider, a.Issuer, a.Subject)
	})
	readAll(t, f.tokens, func(want broker.RemoteToken) (broker.RemoteToken, error) {
		list, err := db.RemoteTokens(ctx, want.AccountID)
		for _, r := range list {
			if r.Kind == want.Kind {
				return r, err
			}
		}
		return broker.RemoteToken{}, err
	})
	readAll(t, f.attempts, func(a broker.Attempt) (broker.Attempt, error) { return db.Attempt(ctx, a.StateHash) })
	readAll(t, f.logins, func(l broker.Login) (broker.Login, error) { return db.Login(ctx, l.ID) })
	readAll(t, f.sessions, func(s broker.Session) (broker.Session, error) { return db.Session(ctx, s.IDHash) })
	readAll(t, f.clients, func(c broker.Client) (broker.Client, error) { return db.Client(ctx, c.ID) })
	readAll(t, f.consents, func(c broker.Consent) (broker.Consent, error) { return db.Consent(ctx, c.UserID, c.ClientID) })
	readAll(t, f.grants, func(g broker.Grant) (broker.Grant, error) { return db.Grant(ctx, g.ID) })
	readAll(t, f.mailTokens, func(m broker.MailToken) (broker.MailToken, error) { return db.MailToken(ctx, m.Hash) })
	readAll(t, []contents{{keys: f.keys, events: f.events}}, func(contents) (c contents, err error) {
		keys, err1 := db.Keys(ctx)
		events, err2 := db.Events(ctx, "", 100)
		return contents{keys: keys, events: events}, errors.Join(err1, err2)
	})
}

func readAll[T any](t *testing.T, list []T, read func(T) (T, error)) {
	t.Helper()
	for _, want := range list {
		got, err := read(want)
		ok(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// workOn goes on where the fixture stopped.
func workOn(t *testing.T, db *store.DB) {
	t.Helper()
	ctx, at := context.Background(), time.Now()
	f := fixture()
	if u, err := db.UserByUsername(ctx, "bÄÄH"); err != nil || u.ID != "ubea" {
		t.Errorf("the username is not found ignoring case: %v, %v", u.ID, err)
	}
	ok(t, db.UpdateUser(ctx, f.users[0]))
	if err := db.CreateIdentity(ctx, broker.UserIdentity{ID: "x", UserID: "udan", Provider: "github", Issuer: "https://github.com", Subject: "583231"}); !errors.Is(err, broker.ErrConflict) {
		t.Errorf("an identity opens two accounts: %v", err)
	}
	if _, outcome, err := db.Refresh(ctx, "glive", "wiki", broker.ClientStamp{}, 3, at, time.Minute, time.Hour); outcome != broker.RefreshRotated || err != nil {
		t.Errorf("refresh: %s, %v", outcome, err)
	}
	ok(t, db.RedeemCode(ctx, f.grants[1], at))
	if err := db.RedeemCode(ctx, f.grants[0], at); !errors.Is(err, broker.ErrSpent) {
		t.Errorf("a used code: %v", err)
	}
	ok(t, db.SpendAttempt(ctx, f.attempts[1].StateHash, at))
	ok(t, db.SpendMailToken(ctx, f.mailTokens[0].Hash, at))
	ok(t, db.SaveLogin(ctx, f.logins[0]))
	ok(t, db.FinishLogin(ctx, "lopen", at))
	entries, err := db.ClaimOutbox(ctx, 9, at, time.Minute)
	ok(t, err)
	if len(entries) != 1 || string(entries[0].Payload) != string(f.outbox[0].Payload) || entries[0].Attempts != 3 {
		t.Errorf("claimed %+v", entries)
	}
	ok(t, db.DeleteClient(ctx, "spa"))
	ok(t, db.Ping(ctx))
}
