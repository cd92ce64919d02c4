package linking_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers"
	"idbroker/providers/providertest"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestDecideToken(t *testing.T) {
	at := time.Now()
	in := func(d time.Duration) time.Time { return at.Add(d) }
	alive := broker.RemoteToken{AccessToken: "a", RefreshToken: "r", ExpiresAt: in(time.Hour), UpdatedAt: in(-time.Hour)}
	ending, ended, single := alive, alive, alive
	ending.ExpiresAt, ended.ExpiresAt = in(30*time.Second), in(0)
	single.RefreshToken = ""
	endedSingle := ended
	endedSingle.RefreshToken = ""
	short := alive // half a minute long: not refreshed each time
	short.ExpiresAt, short.UpdatedAt = in(20*time.Second), in(-10*time.Second)
	for name, tt := range map[string]struct {
		t     broker.HeldToken
		want  linking.TokenStep
		fresh linking.TokenStep // what to do where a fresh one is wanted
	}{
		"alive":                         {broker.HeldToken{RemoteToken: alive}, linking.TokenUse, linking.TokenRefresh},
		"for ever":                      {broker.HeldToken{RemoteToken: broker.RemoteToken{AccessToken: "a"}}, linking.TokenUse, linking.TokenReconnect},
		"within the leeway":             {broker.HeldToken{RemoteToken: ending}, linking.TokenRefresh, linking.TokenRefresh},
		"short-lived":                   {broker.HeldToken{RemoteToken: short}, linking.TokenUse, linking.TokenRefresh},
		"ended":                         {broker.HeldToken{RemoteToken: ended}, linking.TokenRefresh, linking.TokenRefresh},
		"nothing to refresh with":       {broker.HeldToken{RemoteToken: single}, linking.TokenUse, linking.TokenReconnect},
		"ended, nothing":                {broker.HeldToken{RemoteToken: endedSingle}, linking.TokenReconnect, linking.TokenReconnect},
		"another refreshes":             {broker.HeldToken{RemoteToken: ended, LeaseUntil: in(time.Second)}, linking.TokenWait, linking.TokenWait},
		"another refreshes, ending":     {broker.HeldToken{RemoteToken: ending, LeaseUntil: in(time.Second)}, linking.TokenWait, linking.TokenWait},
		"another refreshes, alive":      {broker.HeldToken{RemoteToken: alive, LeaseUntil: in(time.Second)}, linking.TokenUse, linking.TokenWait},
		"another one died over it":      {broker.HeldToken{RemoteToken: ended, LeaseUntil: in(0), AskedAt: in(-time.Minute)}, linking.TokenRefresh, linking.TokenRefresh},
		"failed lately":                 {broker.HeldToken{RemoteToken: ended, RetryAt: in(time.Second)}, linking.TokenLater, linking.TokenRefresh},
		"failed lately, ending":         {broker.HeldToken{RemoteToken: ending, RetryAt: in(time.Second)}, linking.TokenUse, linking.TokenRefresh},
		"failed some time ago":          {broker.HeldToken{RemoteToken: ended, RetryAt: in(0)}, linking.TokenRefresh, linking.TokenRefresh},
		"lost":                          {broker.HeldToken{RemoteToken: ended, State: broker.TokenRefused}, linking.TokenReconnect, linking.TokenRefresh},
		"lost, the access token is not": {broker.HeldToken{RemoteToken: ending, State: broker.TokenUnanswered}, linking.TokenUse, linking.TokenRefresh},
	} {
		if got := linking.DecideToken(tt.t, at, false); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if got := linking.DecideToken(tt.t, at, true); got != tt.fresh {
			t.Errorf("%s, a fresh one wanted: %s, want %s", name, got, tt.fresh)
		}
	}
}

// tokens is a world in which ada has linked "one", and what stands in the
// database about the token there.
type tokens struct {
	*world
	user broker.User
	ref  linking.TokenRef
	raw  *sql.DB
	dsn  string
	keys store.Keyring
}

func eachTokens(t *testing.T, fn func(t *testing.T, w *tokens), edit ...func(*providers.App)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		w := &tokens{dsn: dsn, keys: store.NewKeyring(), raw: storetest.Raw(t, dsn)}
		w.world = newWorld(t, storetest.Open(t, dsn, storetest.Keys(w.keys)), edit...)
		w.user = w.world.user("ada", "hash")
		w.link(w.user, "one", "ada")
		w.ref = linking.TokenRef{User: w.user.ID, Provider: "one"}
		fn(t, w)
	})
}

// replica is a Linker of its own over the same database; around may change what
// it sees.
func (w *tokens) replica(around func(linking.Store, linking.Apps) (linking.Store, linking.Apps)) *linking.Linker {
	w.t.Helper()
	var db linking.Store = storetest.Open(w.t, w.dsn, storetest.Keys(w.keys))
	var apps linking.Apps = w.apps
	if around != nil {
		db, apps = around(db, apps)
	}
	return linking.New(db, apps, linking.Options{Issuer: base})
}

func (w *tokens) held() broker.HeldToken {
	w.t.Helper()
	accounts, err := w.db.RemoteAccountsOf(context.Background(), w.user.ID)
	must(w.t, err)
	for _, a := range accounts {
		held, err := w.db.HeldTokens(context.Background(), a.ID)
		must(w.t, err)
		if a.Provider == "one" && len(held) == 1 {
			return held[0]
		}
	}
	return broker.HeldToken{}
}

// set changes the token's row as time would.
func (w *tokens) set(change string) {
	w.t.Helper()
	_, err := w.raw.Exec("UPDATE remote_tokens SET " + change)
	must(w.t, err)
}

// noRefreshToken empties the column, on both databases.
const noRefreshToken = "refresh_token = substr(refresh_token, 1, 0)"

// end makes the access token end.
func (w *tokens) end() { w.set("expires_at = 1") }

// asked is how many token requests the provider has had.
func (w *tokens) asked() int { return w.op.Count(providertest.Token) }

func (w *tokens) get() (broker.RemoteToken, error) { return w.RemoteToken(w.t.Context(), w.ref) }

// wantLost checks that the token waits for the person, and that they are told.
func (w *tokens) wantLost(want broker.TokenState) {
	w.t.Helper()
	if got := w.held().State; got != want {
		w.t.Errorf("state %q, want %q", got, want)
	}
	events, err := w.db.Events(context.Background(), w.user.ID, 100)
	must(w.t, err)
	n := 0
	for _, e := range events {
		if e.Name == broker.EventTokenLost && e.Provider == "one" && e.Detail["reason"] == string(want) {
			n++
		}
	}
	if n != 1 {
		w.t.Errorf("%d events, want one", n)
	}
	links, err := w.Accounts(context.Background(), w.user.ID)
	must(w.t, err)
	if len(links) != 1 || !links[0].Lost {
		w.t.Errorf("links %+v", links)
	}
}

func TestRemoteToken(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		was, n := w.held(), w.asked()
		if got, err := w.get(); err != nil || got.AccessToken != was.AccessToken || w.asked() != n {
			t.Errorf("a token that lives: %+v, %v", got, err)
		}
		w.end()
		got, err := w.get()
		if err != nil || got.AccessToken == was.AccessToken || got.AccessToken == "" || w.asked() != n+1 {
			t.Fatalf("a token that has ended: %+v, %v, %d requests", got, err, w.asked()-n)
		}
		now := w.held()
		if now.RefreshToken == was.RefreshToken || now.IDToken == was.IDToken || now.Version != was.Version+1 || !now.LeaseUntil.IsZero() || !now.AskedAt.IsZero() || time.Until(now.ExpiresAt) < 59*time.Minute {
			t.Errorf("kept: %+v", now)
		}
		w.op.Switch(func(s *providertest.Switches) { s.KeepRefresh = true })
		w.end()
		if _, err := w.get(); err != nil || w.held().RefreshToken != now.RefreshToken {
			t.Errorf("none came back: %v, %+v", err, w.held())
		}
		if fresh, err := w.RenewToken(t.Context(), w.ref); err != nil || fresh.AccessToken != w.held().AccessToken || w.asked() != n+3 {
			t.Errorf("a fresh one was wanted: %v", err)
		}
		for what, ref := range map[string]linking.TokenRef{
			"another kind": {User: w.user.ID, Provider: "one", Kind: "groups"}, "nothing linked": {User: w.user.ID, Provider: "two"},
			"another identity": {User: w.user.ID, Provider: "one", Identity: "x"},
		} {
			_, err := w.RemoteToken(t.Context(), ref)
			wantError(t, what, err, linking.ErrNoToken)
		}
		_, err = w.RemoteToken(t.Context(), linking.TokenRef{User: w.world.user("bob", "hash").ID, Provider: "one"})
		wantError(t, "somebody else", err, linking.ErrNoToken)
		_, err = w.RemoteToken(t.Context(), linking.TokenRef{User: w.user.ID, Provider: "none"})
		wantError(t, "unknown provider", err, linking.ErrUnknownProvider)
		w.set(noRefreshToken)
		w.end()
		_, err = w.get()
		wantError(t, "nothing to refresh with", err, linking.ErrReconnect)
		must(t, w.db.UpdateUser(t.Context(), disabled(w.user)))
		_, err = w.get()
		wantError(t, "a disabled account", err, broker.ErrDisabled)
	})
}

func disabled(u broker.User) broker.User {
	u.DisabledAt = time.Now()
	return u
}

// TestHiddenProviderIsNotAsked: what an operator has hidden is used at no step.
func TestHiddenProviderIsNotAsked(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		hidden := w.replica(func(db linking.Store, a linking.Apps) (linking.Store, linking.Apps) { return db, hiddenApps{a} })
		_, err := hidden.RemoteToken(t.Context(), w.ref)
		wantError(t, "hidden", err, linking.ErrUnknownProvider)
	})
}

type hiddenApps struct{ linking.Apps }

func (h hiddenApps) Provider(id string) (broker.Provider, bool) {
	p, ok := h.Apps.Provider(id)
	p.Hidden = true
	return p, ok
}

// TestTokenFailures: errors overwrite nothing; those that pass are tried again
// later and later, those that don't are told.
func TestTokenFailures(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		was, n := w.held(), w.asked()
		w.end()
		pauses := []time.Duration{time.Minute, 2 * time.Minute, 10 * time.Minute}
		for i, f := range []providertest.Failure{
			{Status: 503, HTML: true}, {Status: 429, Body: "{}"}, {Status: 429, Body: "{}", Header: map[string]string{"Retry-After": "600"}},
		} {
			w.op.Fail(providertest.Token, f)
			for range 3 { // only the first one asks
				_, err := w.get()
				wantError(t, "provider down", err, linking.ErrTokenLater)
			}
			now := w.held()
			if w.asked() != n+i+1 || now.AccessToken != was.AccessToken || now.RefreshToken != was.RefreshToken || now.State != "" || now.Failures != i+1 || now.LastError == "" {
				t.Errorf("%d requests, %+v", w.asked()-n, now)
			}
			if pause := time.Until(now.RetryAt); pause > pauses[i] || pause < pauses[i]-30*time.Second {
				t.Errorf("failure %d: again in %s, want %s", i+1, pause, pauses[i])
			}
			w.set("retry_at = 1")
		}
		if _, err := w.get(); err != nil {
			t.Fatal(err)
		}
		if now := w.held(); now.Failures != 0 || now.LastError != "" || !now.RetryAt.IsZero() || !now.AskedAt.IsZero() {
			t.Errorf("after a success: %+v", now)
		}

		w.op.Fail(providertest.Token, providertest.Failure{Status: 400, Body: `{"error":"invalid_grant"}`})
		w.set("expires_at = " + micros(30*time.Second) + ", updated_at = " + micros(-time.Hour)) // within the leeway
		if got, err := w.get(); err != nil || got.AccessToken != w.held().AccessToken {
			t.Errorf("refused, but the token still lives: %v", err)
		}
		w.wantLost(broker.TokenRefused)
		w.end()
		n = w.asked()
		_, err := w.get()
		wantError(t, "refused", err, linking.ErrReconnect)
		if w.asked() != n {
			t.Error("asked again")
		}
		if _, err := w.RenewToken(t.Context(), w.ref); err != nil || w.held().State != "" {
			t.Errorf("an operator tries once more: %v, %+v", err, w.held())
		}
	})
}

// TestConnectAgain: what was lost comes back with the person.
func TestConnectAgain(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		w.end()
		w.op.Fail(providertest.Token, providertest.Failure{Status: 400, Body: `{"error":"invalid_grant"}`})
		_, err := w.get()
		wantError(t, "refused", err, linking.ErrReconnect)
		w.wantLost(broker.TokenRefused)
		if res := w.link(w.user, "one", "ada"); res.Outcome != linking.AlreadyLinked {
			t.Fatalf("%+v", res)
		}
		links, err := w.Accounts(t.Context(), w.user.ID)
		must(t, err)
		if now := w.held(); now.State != "" || now.Failures != 0 || links[0].Lost {
			t.Errorf("%+v", now)
		}
		w.end()
		if _, err := w.get(); err != nil {
			t.Error(err)
		}
	})
}

// TestTokensOfSomebodyElse: the provider answers with another person's tokens.
func TestTokensOfSomebodyElse(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		was := w.held()
		w.end()
		w.op.AddPerson(providertest.Person{Subject: "ada", Claims: map[string]any{"sub": "mallory"}})
		_, err := w.get()
		wantError(t, "another sub", err, linking.ErrReconnect)
		if now := w.held(); now.AccessToken != was.AccessToken || now.RefreshToken != was.RefreshToken {
			t.Errorf("kept: %+v", now)
		}
		w.wantLost(broker.TokenForeign)
		if e := w.held().LastError; strings.Contains(e, "mallory") {
			t.Errorf("the error names somebody: %s", e)
		}
	})
}

// micros is a time from now as the database has it.
func micros(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).UnixMicro(), 10) }
