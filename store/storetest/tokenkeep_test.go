package storetest_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// kept is a token with a refresh token, as it stands in the database.
func kept(t *testing.T, db *store.DB) broker.HeldToken {
	t.Helper()
	ctx := context.Background()
	ok(t, db.CreateUser(ctx, broker.User{ID: "u"}))
	must(db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "a", UserID: "u", Provider: "p", Issuer: "i", Subject: "s"}))(t)
	ok(t, db.SaveRemoteTokens(ctx, "a", []broker.RemoteToken{{
		Kind: "k", AccessToken: "a1", RefreshToken: "r1", IDToken: "i1", Scopes: []string{"x"}, ExpiresAt: now(), RefreshExpiresAt: now().Add(lease), UpdatedAt: now(),
	}}))
	return must(db.HeldTokens(ctx, "a"))(t)[0]
}

// TestClaimRemoteToken: of many one gets it, until the lease ends; nobody who has
// read what does not stand any more.
func TestClaimRemoteToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		was := kept(t, db)
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				switch err := db.ClaimRemoteToken(ctx, was, broker.NewID(), at, at.Add(lease)); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, broker.ErrSpent):
					t.Error(err)
				}
			})
		}
		all.Wait()
		same(t, won.Load(), int32(1))
		claimed := must(db.HeldTokens(ctx, "a"))(t)[0]
		same(t, claimed.LeaseUntil, at.Add(lease))
		same(t, claimed.AskedAt, at)
		spent(t, db.ClaimRemoteToken(ctx, claimed, "l", at.Add(lease-1), at.Add(2*lease)))
		spent(t, db.ClaimRemoteToken(ctx, was, "l", at.Add(lease), at.Add(2*lease))) // asked meanwhile
		ok(t, db.ClaimRemoteToken(ctx, claimed, "l", at.Add(lease), at.Add(2*lease)))
		same(t, must(db.HeldTokens(ctx, "a"))(t)[0].AskedAt, at) // the first one that was not answered
	})
}

// TestSaveRenewedToken: what did not come stays; an answer to another refresh
// token, to one of another user's, or to one that is gone is not written.
func TestSaveRenewedToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		was := kept(t, db)
		ok(t, db.ClaimRemoteToken(ctx, was, "l", at, at.Add(lease)))
		spent(t, db.SaveRenewedToken(ctx, "another", was, broker.RemoteToken{AccessToken: "evil"}))
		ok(t, db.SaveRenewedToken(ctx, "u", was, broker.RemoteToken{Kind: "ignored", AccessToken: "a2", Scopes: []string{"y"}, ExpiresAt: at.Add(lease), UpdatedAt: at}))
		got := must(db.HeldTokens(ctx, "a"))(t)[0]
		same(t, got, broker.HeldToken{Version: 1, RemoteToken: broker.RemoteToken{
			AccountID: "a", Kind: "k", AccessToken: "a2", RefreshToken: "r1", IDToken: "i1", Scopes: []string{"y"}, ExpiresAt: at.Add(lease), UpdatedAt: at,
		}})
		spent(t, db.SaveRenewedToken(ctx, "u", was, broker.RemoteToken{AccessToken: "late"}))
		ok(t, db.SaveRenewedToken(ctx, "u", got, broker.RemoteToken{AccessToken: "a3", RefreshToken: "r3", IDToken: "i3"}))
		got = must(db.HeldTokens(ctx, "a"))(t)[0]
		same(t, []broker.Secret{got.AccessToken, got.RefreshToken, got.IDToken}, []broker.Secret{"a3", "r3", "i3"})
		ok(t, db.DeleteRemoteAccount(ctx, "a"))
		spent(t, db.SaveRenewedToken(ctx, "u", got, broker.RemoteToken{AccessToken: "late"}))
	})
}

// TestFailRemoteToken: nothing of the token changes; whoever has lost the lease
// changes nothing at all.
func TestFailRemoteToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		was := kept(t, db)
		ok(t, db.ClaimRemoteToken(ctx, was, "l", at, at.Add(lease)))
		f := broker.TokenFailure{RetryAt: at.Add(time.Hour), Error: "why", Unanswered: true}
		spent(t, db.FailRemoteToken(ctx, was, "another", f))
		ok(t, db.FailRemoteToken(ctx, was, "l", f))
		want := was
		want.RetryAt, want.Failures, want.LastError, want.AskedAt = f.RetryAt, 1, "why", at
		same(t, must(db.HeldTokens(ctx, "a"))(t)[0], want)
		spent(t, db.FailRemoteToken(ctx, was, "l", f))

		later := at.Add(2 * time.Hour)
		ok(t, db.ClaimRemoteToken(ctx, want, "m", later, later.Add(lease)))
		f = broker.TokenFailure{State: broker.TokenUnanswered}
		ok(t, db.FailRemoteToken(ctx, want, "m", f))
		got := must(db.HeldTokens(ctx, "a"))(t)[0]
		same(t, got.AskedAt, at) // the old one is still unanswered
		same(t, got.Failures, 2)
		lost := must(db.LostTokensOf(ctx, "u"))(t)
		same(t, lost, []broker.TokenPlace{{AccountID: "a", Kind: "k", UserID: "u", Provider: "p", Issuer: "i", Subject: "s", State: broker.TokenUnanswered}})
		same(t, len(must(db.LostTokensOf(ctx, "another"))(t)), 0)

		// A sign-in that brings no refresh token does not bring the dead one back.
		ok(t, db.SaveRemoteTokens(ctx, "a", []broker.RemoteToken{{Kind: "k", AccessToken: "a2"}}))
		same(t, must(db.HeldTokens(ctx, "a"))(t)[0], broker.HeldToken{Version: 1, RemoteToken: broker.RemoteToken{AccountID: "a", Kind: "k", AccessToken: "a2"}})
		same(t, len(must(db.LostTokensOf(ctx, "u"))(t)), 0)
	})
}

// TestEndingTokens: at most so many, the first to end first, of the providers
// that are named.
func TestEndingTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		ok(t, db.CreateUser(ctx, broker.User{ID: "u"}))
		for _, p := range []string{"1", "2", "3"} {
			must(db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: p, UserID: "u", Provider: p, Subject: p}))(t)
			ok(t, db.SaveRemoteTokens(ctx, p, []broker.RemoteToken{{
				AccessToken: "a", RefreshToken: "r", UpdatedAt: at.Add(-100 * time.Hour), RefreshExpiresAt: at.Add(10*time.Hour - time.Duration(p[0])*time.Minute),
			}}))
		}
		names := func(providers []string, limit int) string {
			all := ""
			for _, p := range must(db.EndingTokens(ctx, providers, at, lease, limit))(t) {
				all += p.AccountID
			}
			return all
		}
		same(t, names([]string{"1", "2", "3"}, 9), "321")
		same(t, names([]string{"1", "2", "3"}, 2), "32")
		same(t, names([]string{"1"}, 9), "1")
		same(t, names(nil, 9)+names([]string{"1"}, 0), "")
	})
}

// spent checks that a claim or its end came too late.
func spent(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, broker.ErrSpent) {
		t.Errorf("%v, want broker.ErrSpent", err)
	}
}
