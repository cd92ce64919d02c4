package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
	"idbroker/config"
	"idbroker/i18n"
	"idbroker/outbox"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestRequestHandler(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(newHandler(&b, "auto", slog.LevelInfo)).With("part", "x")
	ctx := broker.WithRequest(context.Background(), broker.Request{ID: "ref1"})
	log.InfoContext(ctx, "one")
	log.InfoContext(ctx, "two", "request", "ref1")
	log.WithGroup("g").Info("three")
	log.DebugContext(ctx, "four")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || strings.Count(lines[0], `"request":"ref1"`) != 1 || strings.Count(lines[1], `"request"`) != 1 || strings.Contains(lines[2], "request") || !strings.Contains(lines[0], `"part":"x"`) {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	slog.New(newHandler(&b, "text", slog.LevelInfo)).InfoContext(ctx, "five")
	if !strings.Contains(b.String(), "request=ref1") {
		t.Error(b.String())
	}
}

func TestHistogram(t *testing.T) {
	hs := histograms{name: "h"}
	for _, d := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, time.Minute, -time.Second} {
		hs.of("route", `a"b`).observe(d)
	}
	var b bytes.Buffer
	hs.write(&b)
	for _, want := range []string{
		`h_bucket{route="a\"b",le="0.001"} 3`, `h_bucket{route="a\"b",le="0.005"} 4`, `h_bucket{route="a\"b",le="10"} 4`,
		`h_bucket{route="a\"b",le="+Inf"} 5`, `h_count{route="a\"b"} 5`, `h_sum{route="a\"b"} 60.004`,
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

// failingApps answers every return from a provider with an error.
type failingApps struct{ err error }

func (failingApps) Providers() []broker.Provider { return nil }
func (failingApps) Provider(id string) (broker.Provider, bool) {
	return broker.Provider{}, id == "orcid"
}
func (failingApps) Begin(context.Context, string, string, broker.BeginOptions) (broker.Outward, error) {
	return broker.Outward{}, nil
}
func (a failingApps) Complete(context.Context, string, broker.Attempt, broker.Callback) (broker.Profile, error) {
	return broker.Profile{}, a.err
}
func (a failingApps) Refresh(context.Context, string, string, broker.RemoteToken) (broker.Renewal, error) {
	return broker.Renewal{}, a.err
}
func (failingApps) Revoke(context.Context, string, []broker.RemoteToken) error     { return nil }
func (failingApps) RevokeOnly(context.Context, string, []broker.RemoteToken) error { return nil }
func (failingApps) Farewell(context.Context, string, broker.SignOutRequest) (broker.Farewell, error) {
	return broker.Farewell{}, nil
}
func (a failingApps) VerifyLogout(context.Context, string, string) (broker.UpstreamLogout, error) {
	return broker.UpstreamLogout{}, a.err
}

func TestCounted(t *testing.T) {
	c := newCounters()
	for kind, want := range map[broker.Kind]string{
		broker.KindForbidden: "refused", broker.KindGone: "stale", broker.KindUnavailable: "unavailable", broker.KindUpstream: "provider_error", broker.KindInternal: "error",
	} {
		apps := countedApps{failingApps{&broker.Error{Kind: kind}}, c}
		_, _ = apps.Complete(context.Background(), "orcid", broker.Attempt{}, broker.Callback{})
		_, _ = apps.Complete(context.Background(), "made up by a stranger", broker.Attempt{}, broker.Callback{})
		_, _ = apps.VerifyLogout(context.Background(), "orcid", "token")
		_, _ = apps.VerifyLogout(context.Background(), "made up by a stranger", "token")
		var b bytes.Buffer
		c.write(&b)
		if !strings.Contains(b.String(), `broker_provider_logouts_total{provider="orcid",outcome="`+want+`"} 1`) {
			t.Errorf("kind %d: no logout %s", kind, want)
		}
		if !strings.Contains(b.String(), `broker_sign_ins_total{provider="orcid",outcome="`+want+`"} 1`) || strings.Contains(b.String(), "stranger") {
			t.Errorf("kind %d: no %s", kind, want)
		}
	}
	kept := countedStore{storetest.New(t), c}
	for _, amr := range []string{broker.AMRKey, broker.AMROTP} {
		e := broker.NewEvent(context.Background(), broker.EventSignedIn, time.Now())
		e.Detail = map[string]string{broker.DetailAMR: amr}
		if err := kept.AddEvent(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, provider := range []string{"", "orcid"} {
		e := broker.NewEvent(context.Background(), broker.EventSignedIn, time.Now())
		e.Provider = provider
		if err := kept.AddEvent(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	c.refused("orcid", fmt.Errorf("journey: %w", broker.ErrDisabled))
	c.refused("orcid", errors.New("whatever a provider says \"}"))
	e := broker.NewEvent(context.Background(), broker.EventSignedOutThere, time.Now())
	e.Provider = "campus"
	if err := kept.AddEvent(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_ = kept.SpendLogout(context.Background(), broker.UpstreamLogout{Provider: "campus", JTI: "jti"}, time.Now())
	}
	c.outbox("mail", "retry")
	c.job("prune", errors.New("x"))
	c.job("prune", nil)
	var b bytes.Buffer
	c.write(&b)
	for _, want := range []string{
		`broker_sign_ins_total{provider="password",outcome="done"} 1`, `broker_sign_ins_total{provider="orcid",outcome="done"} 1`, `broker_events_total{name="session.started"} 4`,
		`broker_sign_ins_total{provider="passkey",outcome="done"} 1`, `broker_sign_ins_total{provider="code",outcome="done"} 1`,
		`broker_provider_refusals_total{provider="orcid",kind="account.disabled"} 1`, `broker_provider_refusals_total{provider="orcid",kind="error"} 1`,
		`broker_outbox_entries_total{kind="mail",outcome="retry"} 1`, `broker_jobs_total{job="prune",outcome="failed"} 1`,
		`broker_provider_logouts_total{provider="campus",outcome="done"} 1`, `broker_provider_logouts_total{provider="campus",outcome="replayed"} 1`, `broker_provider_request_duration_seconds_count{provider="orcid"} 5`,
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}

func TestSay(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("plain"), "plain"},
		{errors.Join(errors.New("a"), errors.New("b\tc")), "a; b c"},
		{errors.New("evil\x1b[2J"), "evil\uFFFD[2J"},
		{broker.ErrNotFound.Because(errors.New("why")), "(why)"},
		{&broker.Error{Message: "no.such.key"}, "no.such.key"},
		{fmt.Errorf("x: %w", store.ErrAway.Because(errors.New("disk is full"))), "disk is full; see to it that the database runs, takes writes and has room"},
		{store.ErrAway, "not reachable"},
		{&local.FormError{Fields: local.Fields{"email": broker.ErrEmail}}, "email: "},
		{config.Problems{{Path: "a", What: "is wrong"}, {Path: "b", What: "too"}}, "configuration: 2 problems\n  a: is wrong\n  b: too"},
	} {
		if got := say(tt.err); !strings.Contains(got, tt.want) {
			t.Errorf("say(%q) = %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{":8081": "localhost:8081", "0.0.0.0:1": "localhost:1", "[::]:1": "localhost:1", "127.0.0.1:8081": "127.0.0.1:8081", "example.org:1": "example.org:1", "x": "x"} {
		if got := reachable(in); got != want {
			t.Errorf("reachable(%q) = %q", in, got)
		}
	}
}

func TestReady(t *testing.T) {
	db := storetest.New(t)
	r := roomsOver(t, db)
	a := &admin{db: db, tokens: r.tokens, counters: newCounters()}
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		a.handler(false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if code, text := ask(readyPath); code != 503 || !strings.Contains(text, "signing key") {
		t.Errorf("without a key: %d %s", code, text)
	}
	if err := r.tokens.EnsureKeys(context.Background()); err != nil {
		t.Fatal(err)
	}
	if code, text := ask(readyPath); code != 200 {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := ask("/debug/pprof/"); code != http.StatusNotFound {
		t.Errorf("profiles beyond loopback: %d", code)
	}
	a.stopping.Store(true)
	if code, text := ask(readyPath); code != 503 || !strings.Contains(text, "shutting down") {
		t.Errorf("%d %s", code, text)
	}
	a.stopping.Store(false)
	db.Close()
	if code, text := ask(readyPath); code != 503 || !strings.Contains(text, "database") {
		t.Errorf("without a database: %d %s", code, text)
	}
	if code, _ := ask(livePath); code != 200 {
		t.Errorf("live: %d", code)
	}
}

// TestPruneKeepsEventsAsConfigured.
func TestPruneKeepsEventsAsConfigured(t *testing.T) {
	for keep, want := range map[time.Duration]int{0: 2, 365 * 24 * time.Hour: 1} {
		db := storetest.New(t)
		s := &server{rooms: roomsOver(t, db), log: slog.New(slog.DiscardHandler)}
		s.cfg.Events.Keep = keep
		for _, age := range []time.Duration{364, 366} {
			if err := db.AddEvent(t.Context(), broker.Event{ID: broker.NewID(), At: time.Now().Add(-age * 24 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := db.Events(t.Context(), "", 9); err != nil || len(left) != want {
			t.Errorf("keep %s: %d events left, %v", keep, len(left), err)
		}
	}
}

// TestPruneEndsExpiredSessions, and puts the word to their applications into the
// outbox.
func TestPruneEndsExpiredSessions(t *testing.T) {
	db := storetest.New(t)
	s := &server{rooms: roomsOver(t, db), log: slog.New(slog.DiscardHandler)}
	s.notices, s.messages = outbox.New(db, nil, s.log, nil), outbox.New(db, nil, s.log, nil)
	at := time.Now()
	for _, err := range []error{
		db.CreateClient(t.Context(), broker.Client{ID: "app", Metadata: broker.ClientMetadata{BackchannelLogoutURI: "https://app.example/out"}}),
		db.CreateSession(t.Context(), broker.Session{IDHash: "h", SID: "s", UserID: "ada", ExpiresAt: at.Add(-time.Second)}),
		db.CreateGrant(t.Context(), broker.Grant{ID: "g", ClientID: "app", UserID: "ada", SID: "s", CreatedAt: at}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for round, want := range []int{1, 0} {
		if err := s.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		entries, err := db.ClaimOutbox(t.Context(), 9, time.Now(), time.Hour, broker.OutboxLogout)
		if err != nil || len(entries) != want {
			t.Errorf("round %d: %d notices, %v", round, len(entries), err)
		}
	}
}

// TestPruneForgetsIPsAsConfigured, and removes sessions that are long over.
func TestPruneForgetsIPsAsConfigured(t *testing.T) {
	for keep, want := range map[time.Duration]string{0: "192.0.2.1", 30 * 24 * time.Hour: ""} {
		db := storetest.New(t)
		s := &server{rooms: roomsOver(t, db), log: slog.New(slog.DiscardHandler)}
		s.notices = outbox.New(db, nil, s.log, nil)
		s.cfg.Sessions.KeepIPs = keep
		now := time.Now()
		long, recent := now.Add(-31*24*time.Hour), now.Add(-29*24*time.Hour)
		for id, noted := range map[string]time.Time{"long": long, "recent": recent} {
			need(t, db.CreateSession(t.Context(), broker.Session{IDHash: id, SID: id, UserID: "ada", IP: "192.0.2.1", IPAt: noted, ExpiresAt: now.Add(time.Hour)}))
			need(t, db.AddEvent(t.Context(), broker.Event{ID: id, At: noted, UserID: "ada", IP: "192.0.2.1"}))
		}
		need(t, db.CreateSession(t.Context(), broker.Session{IDHash: "over", SID: "over", UserID: "ada", ExpiresAt: now.Add(-25 * time.Hour)}))
		need(t, s.prune(t.Context()))
		for id, want := range map[string]string{"long": want, "recent": "192.0.2.1"} {
			row, err := db.Session(t.Context(), id)
			if err != nil || row.IP != want {
				t.Errorf("keep %s, %s: IP %q, %v", keep, id, row.IP, err)
			}
		}
		events, err := db.Events(t.Context(), "ada", 9)
		if err != nil || len(events) != 2 || events[1].IP != want || events[0].IP != "192.0.2.1" {
			t.Errorf("keep %s: events %+v, %v", keep, events, err)
		}
		if _, err := db.Session(t.Context(), "over"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a session that is over: %v", err)
		}
	}
}

// roomsOver wires the rooms as serve does, with the defaults.
func roomsOver(t *testing.T, db *store.DB) *rooms {
	t.Helper()
	cfg, err := config.Parse("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := furnish(cfg, cfg.Server.BaseURL, db, store.NewKeyring(), texts, nil, newCounters(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTokenSecrets(t *testing.T) {
	old := store.NewKeyring()
	ring := old.Rotated()
	secret, older, staged := ring.DeriveEach(tokenPurpose)
	if len(older) != 1 || secret != ring.Derive("tokens") || older[0] != old.Derive("tokens") || secret == older[0] || staged != nil {
		t.Errorf("%d older secrets", len(older))
	}
	_, older, staged = old.Staged().DeriveEach(tokenPurpose)
	if len(older) != 0 || staged == nil || *staged == old.Derive("tokens") {
		t.Error("a staged key is not told apart")
	}
}

// TestMailedCodes: a mailbox opens an account where the operator wants that, or
// where it could choose a new password anyway.
func TestMailedCodes(t *testing.T) {
	for _, tt := range []struct {
		codes, passwords string
		want             local.Codes
	}{
		{"link", "true", local.CodesLink}, {"link", "false", local.CodesOff}, {"off", "true", local.CodesOff},
		{"sign_in", "true", local.CodesSignIn}, {"sign_in", "false", local.CodesSignIn},
	} {
		var cfg config.Config
		cfg.Accounts.EmailCodes, cfg.Accounts.Passwords = tt.codes, tt.passwords == "true"
		if got := mailedCodes(cfg); got != tt.want {
			t.Errorf("%s, passwords %s: %q", tt.codes, tt.passwords, got)
		}
	}
}

func TestWriteSecret(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := writeSecret(name, []byte("a")); err != nil || mode(t, name) != 0o600 {
		t.Fatalf("%v", err)
	}
	if err := writeSecret(name, []byte("b")); err == nil {
		t.Error("a secret was replaced")
	}
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		s := &server{log: slog.New(slog.NewTextHandler(&b, nil)), counters: newCounters()}
		ctx, cancel := context.WithCancel(context.Background())
		runs := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.every(ctx, "test", time.Minute, func(context.Context) error {
				runs++
				switch runs {
				case 1:
					panic("no reason to stop")
				case 2:
					return errors.New("nor this")
				}
				return nil
			})
		}()
		time.Sleep(5 * time.Minute)
		cancel()
		<-done
		if runs != 4 || strings.Count(b.String(), "background job failed") != 2 || !strings.Contains(b.String(), "no reason to stop") {
			t.Errorf("%d runs\n%s", runs, b.String())
		}
	})
}

func TestViewKeys(t *testing.T) {
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	before, after := at.Add(-time.Hour), at.Add(time.Hour)
	c := config.SigningKeys{RotateEvery: 90 * 24 * time.Hour, PublishBefore: time.Hour}
	tests := []struct {
		key   broker.Key
		state broker.KeyState
		next  string
	}{
		{broker.Key{SignsFrom: after}, broker.KeyPublished, "signs from 2026-01-02 01:00"},
		{broker.Key{SignsFrom: before}, broker.KeySigning, "its successor is published on 2026-04-01 22:00"},
		{broker.Key{SignsFrom: before.Add(-c.RotateEvery)}, broker.KeySigning, "within seconds"},
		{broker.Key{SignsFrom: before, RetiresAt: after}, broker.KeySigning, "its successor signs from 2026-01-02 01:00"},
		{broker.Key{SignsFrom: before, RetiresAt: at, ExpiresAt: after}, broker.KeyVerifying, "leaves the JWKS on 2026-01-02 01:00"},
		{broker.Key{SignsFrom: before, RetiresAt: before, ExpiresAt: at, Private: "p4ss"}, broker.KeyRetired, "hints"},
		{broker.Key{SignsFrom: before, RevokedAt: at}, broker.KeyRevoked, "withdrawn on 2026-01-02 00:00"},
	}
	for _, tt := range tests {
		v := viewKeys([]broker.Key{tt.key}, c, at)
		if v[0].State != tt.state || !strings.Contains(v[0].Next, tt.next) {
			t.Errorf("%+v, want %s: %s", v[0], tt.state, tt.next)
		}
		if b, _ := json.Marshal(v); strings.Contains(string(b), "p4ss") {
			t.Error("a private key is printed")
		}
	}
	if v := viewKeys([]broker.Key{{SignsFrom: before}}, config.SigningKeys{PublishBefore: time.Hour}, at); !strings.Contains(v[0].Next, "until somebody rotates") {
		t.Errorf("%+v", v)
	}
}
