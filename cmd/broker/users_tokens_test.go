package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers/providertest"
)

// tokenOperator is an operator whose ada has linked "campus", and holds a refresh
// token of it that works.
func tokenOperator(t *testing.T, options providertest.OpenIDOptions) (*operator, *providertest.OpenID) {
	t.Helper()
	op := providertest.NewOpenID(t, options)
	bare := newOperator(t)
	callback := "http://127.0.0.1:8080/oauth/authorized/campus/"
	op.AddClient(providertest.Client{ID: "broker", Secret: "right-secret", RedirectURIs: []string{callback}})
	op.AddPerson(providertest.Person{Subject: "1815", Username: "ada"})
	o := bare.set("BROKER_PROVIDERS__CAMPUS__KIND=oidc", "BROKER_PROVIDERS__CAMPUS__ISSUER="+op.Issuer,
		"BROKER_PROVIDERS__CAMPUS__CLIENT_ID=broker", "BROKER_PROVIDERS__CAMPUS__CLIENT_SECRET=right-secret")
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org")
	db := o.open()
	now := time.Now()
	if err := db.CreateIdentity(t.Context(), broker.UserIdentity{ID: "i", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815", CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	account, err := db.SaveRemoteAccount(t.Context(), broker.RemoteAccount{ID: "a", UserID: ada.ID, Provider: "campus", Issuer: op.Issuer, Subject: "1815"})
	if err != nil {
		t.Fatal(err)
	}
	token := broker.RemoteToken{AccessToken: "the-access-token", RefreshToken: broker.Secret(op.GiveRefreshToken("broker", "1815", "openid")), ExpiresAt: now.Add(-time.Minute), UpdatedAt: now.Add(-time.Hour), Scopes: []string{"openid"}}
	if err := db.SaveRemoteTokens(t.Context(), account.ID, []broker.RemoteToken{token}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return o, op
}

// TestUsersTokens: an operator sees what lets us act for somebody, never the
// tokens, and refreshes them.
func TestUsersTokens(t *testing.T) {
	o, op := tokenOperator(t, providertest.OpenIDOptions{})
	var list []remoteTokenView
	o.read(&list, "users", "tokens", "ada@example.org")
	if len(list) != 1 || list[0].Provider != "campus" || !list[0].Refreshable || list[0].Standing != "is refreshed when it is needed" {
		t.Fatalf("%+v", list)
	}
	var one remoteTokenView
	o.read(&one, "users", "tokens", "refresh", "ada@example.org", "campus")
	if one.Standing != "usable" || time.Until(one.ExpiresAt) < 50*time.Minute || op.Count(providertest.Token) != 1 {
		t.Errorf("%+v", one)
	}
	op.Fail(providertest.Token, providertest.Failure{Status: 400, Body: `{"error":"invalid_grant","error_description":"gone"}`})
	if line := o.refuses("users", "tokens", "refresh", "ada@example.org", "campus"); !strings.Contains(line, "Connect the account again") || !strings.Contains(line, "gone") {
		t.Error(line)
	}
	text := o.run("users", "tokens", "ada@example.org") + o.run("users", "tokens", "ada@example.org", "--json")
	if !strings.Contains(text, "needs the person") || strings.Contains(text, "the-access-token") {
		t.Error(text)
	}
	for _, args := range [][]string{{"users", "tokens", "nobody"}, {"users", "tokens", "refresh", "ada@example.org", "none"}, {"users", "tokens", "refresh", "ada@example.org", "campus", "--kind", "x"}} {
		o.refuses(args...)
	}
	o.run("users", "tokens", "refresh", "ada@example.org", "campus")
	if o.read(&list, "users", "tokens", "ada@example.org"); list[0].State != "" || list[0].Standing != "usable" {
		t.Errorf("%+v", list)
	}
}

// TestKilledWhileRefreshing kills the process between the provider's answer and
// our commit. With a provider that has a grace nothing is lost; otherwise the loss
// is told.
func TestKilledWhileRefreshing(t *testing.T) {
	for _, grace := range []bool{true, false} {
		var hold atomic.Bool
		rotated, dead := make(chan struct{}, 1), make(chan struct{})
		o, op := tokenOperator(t, providertest.OpenIDOptions{TokenAnswer: func(providertest.Grant, map[string]any) {
			if hold.Load() { // the old refresh token is used up
				rotated <- struct{}{}
				<-dead
			}
		}})
		op.Switch(func(s *providertest.Switches) { s.RefreshAgain = grace })
		hold.Store(true)
		cmd := o.command("users", "tokens", "refresh", "ada@example.org", "campus")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-rotated
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		hold.Store(false)
		close(dead)
		var list []remoteTokenView
		if o.read(&list, "users", "tokens", "ada@example.org"); !strings.HasPrefix(list[0].Standing, "being refreshed until") {
			t.Fatalf("%+v", list)
		}
		raw, err := sql.Open("sqlite", filepath.Join(o.dir, "broker.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Exec("UPDATE remote_tokens SET lease_until = 1"); err != nil { // a minute passes
			t.Fatal(err)
		}
		raw.Close()
		if grace {
			o.run("users", "tokens", "refresh", "ada@example.org", "campus")
			continue
		}
		o.refuses("users", "tokens", "refresh", "ada@example.org", "campus")
		if o.read(&list, "users", "tokens", "ada@example.org"); list[0].State != broker.TokenUnanswered {
			t.Errorf("%+v", list)
		}
		if text := o.run("users", "tokens", "ada@example.org"); !strings.Contains(text, "answer with the next refresh token was lost") {
			t.Error(text)
		}
	}
}

func TestStanding(t *testing.T) {
	at := time.Now()
	for want, held := range map[string]broker.HeldToken{
		"needs the person: the provider answered with somebody else": {State: broker.TokenForeign},
		"ended; there is no refresh token":                           {RemoteToken: broker.RemoteToken{AccessToken: "a", ExpiresAt: at}},
		"ended; tried again from":                                    {RemoteToken: broker.RemoteToken{AccessToken: "a", RefreshToken: "r", ExpiresAt: at}, RetryAt: at.Add(time.Minute)},
	} {
		if got := standing(held, at); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q (%s)", got, want, linking.DecideToken(held, at, false))
		}
	}
}
