package storetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestIdentities(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		for i, id := range []string{"second", "third", "first"} {
			ok(t, db.CreateIdentity(ctx, broker.UserIdentity{ID: id, UserID: u.ID, Subject: id, CreatedAt: at.Add(time.Duration((i+1)%3) * time.Second)}))
		}
		list := must(db.IdentitiesOf(ctx, u.ID))(t)
		same(t, []string{list[0].ID, list[1].ID, list[2].ID}, []string{"first", "second", "third"})
		ok(t, db.TouchIdentity(ctx, "first", at))
		same(t, must(db.Identity(ctx, "", "", "first"))(t).LastUsedAt, at)
		ok(t, db.DeleteIdentity(ctx, "first"))
		for name, err := range map[string]error{
			"delete": db.DeleteIdentity(ctx, "first"),
			"touch":  db.TouchIdentity(ctx, "first", at),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s of a deleted identity = %v", name, err)
			}
		}
		same(t, len(must(db.IdentitiesOf(ctx, u.ID))(t)), 2)
		same(t, len(must(db.IdentitiesOf(ctx, "nobody"))(t)), 0)
	})
}

// TestKnownIdentity reads what the three tables hold, of this identity alone.
func TestKnownIdentity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, v := newUser(t, db), newUser(t, db)
		id, other := filled[broker.UserIdentity](t), filled[broker.UserIdentity](t)
		id.UserID, other.UserID = u.ID, v.ID
		other.Provider, other.Issuer = id.Provider, id.Issuer
		ok(t, db.CreateIdentity(ctx, id))
		ok(t, db.CreateIdentity(ctx, other))
		a := filled[broker.RemoteAccount](t)
		a.UserID, a.Provider, a.Issuer, a.Subject = v.ID, other.Provider, other.Issuer, other.Subject
		must(db.SaveRemoteAccount(ctx, a))(t)
		read := func(ctx context.Context) {
			same(t, must(db.KnownIdentity(ctx, id.Provider, id.Issuer, id.Subject))(t), broker.KnownIdentity{UserIdentity: id, Owner: must(db.User(ctx, u.ID))(t)})
			same(t, must(db.KnownIdentity(ctx, other.Provider, other.Issuer, other.Subject))(t), broker.KnownIdentity{UserIdentity: other, Owner: must(db.User(ctx, v.ID))(t), Account: a})
		}
		read(ctx)
		for range 2 { // the second unit finds the statement prepared
			ok(t, db.InTx(ctx, func(ctx context.Context) error {
				read(ctx)
				return nil
			}))
		}
		for _, key := range [][3]string{{"x", id.Issuer, id.Subject}, {id.Provider, "x", id.Subject}, {id.Provider, id.Issuer, "x"}, {id.Provider, id.Issuer, "\x00"}} {
			if got, err := db.KnownIdentity(ctx, key[0], key[1], key[2]); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%q: %+v, %v", key, got, err)
			}
		}
	})
}

// TestSaveRemoteAccount: the second save is an update that keeps ID and
// CreatedAt, and moves the account to whom it is saved for.
func TestSaveRemoteAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u, v := newUser(t, db), newUser(t, db)
		a := filled[broker.RemoteAccount](t)
		a.UserID = u.ID
		same(t, must(db.SaveRemoteAccount(ctx, a))(t), a)
		b := filled[broker.RemoteAccount](t)
		b.UserID, b.Provider, b.Issuer, b.Subject = v.ID, a.Provider, a.Issuer, a.Subject
		got := must(db.SaveRemoteAccount(ctx, b))(t)
		b.ID, b.CreatedAt = a.ID, a.CreatedAt
		same(t, got, b)
		same(t, must(db.RemoteAccountsOf(ctx, v.ID))(t), []broker.RemoteAccount{b})
		same(t, len(must(db.RemoteAccountsOf(ctx, u.ID))(t)), 0)

		c := filled[broker.RemoteAccount](t)
		c.ID, c.UserID = a.ID, u.ID // an id that another identity's account has
		if _, err := db.SaveRemoteAccount(ctx, c); !errors.Is(err, broker.ErrConflict) {
			t.Errorf("a taken id = %v", err)
		}
		ok(t, db.DeleteRemoteAccount(ctx, a.ID))
		if err := db.DeleteRemoteAccount(ctx, a.ID); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a second delete = %v", err)
		}
	})
}

// TestSaveRemoteAccountRace: sixteen save the account of one person at once;
// one row results, and everybody learns its id.
func TestSaveRemoteAccountRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u := newUser(t, db)
		got := make([]string, racers)
		race(func(i int) {
			a, err := db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: broker.NewID(), UserID: u.ID, Provider: "github", Subject: "7"})
			if err != nil {
				t.Error(err)
			}
			got[i] = a.ID
		})
		for _, id := range got {
			same(t, id, got[0])
		}
	})
}

func TestSaveRemoteTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		a := must(db.SaveRemoteAccount(ctx, broker.RemoteAccount{ID: "a", UserID: u.ID}))(t)
		save := func(tokens ...broker.RemoteToken) map[string]broker.RemoteToken {
			t.Helper()
			ok(t, db.SaveRemoteTokens(ctx, a.ID, tokens))
			m := map[string]broker.RemoteToken{}
			for _, r := range must(db.RemoteTokens(ctx, a.ID))(t) {
				m[r.Kind] = r
			}
			return m
		}
		save(
			broker.RemoteToken{AccessToken: "a1", RefreshToken: "r1", IDToken: "i1", Scopes: []string{"x"}, ExpiresAt: at},
			broker.RemoteToken{Kind: "transfer", AccessToken: "t1"},
		)
		got := save(broker.RemoteToken{AccountID: "ignored", AccessToken: "a2", TokenType: "bearer"}) // no refresh token: the old one stays
		same(t, got[""], broker.RemoteToken{AccountID: "a", AccessToken: "a2", RefreshToken: "r1", TokenType: "bearer"})
		same(t, got["transfer"], broker.RemoteToken{AccountID: "a", Kind: "transfer", AccessToken: "t1"})
		got = save(broker.RemoteToken{AccessToken: "a3", RefreshToken: "r3"}, broker.RemoteToken{AccessToken: "a4", RefreshToken: "r4"})
		same(t, got[""], broker.RemoteToken{AccountID: "a", AccessToken: "a4", RefreshToken: "r4"})
		ok(t, db.SaveRemoteTokens(ctx, a.ID, nil))

		if err := db.SaveRemoteTokens(ctx, "none", []broker.RemoteToken{{AccessToken: "secret-token"}}); err == nil {
			t.Error("tokens of no account were saved")
		}
		ok(t, db.DeleteRemoteAccount(ctx, a.ID))
		same(t, len(must(db.RemoteTokens(ctx, a.ID))(t)), 0)
	})
}

func TestConsents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		for _, id := range []string{"b", "a"} {
			ok(t, db.CreateClient(ctx, broker.Client{ID: id}))
			ok(t, db.SaveConsent(ctx, broker.Consent{UserID: u.ID, ClientID: id, Scopes: []string{"openid"}, CreatedAt: at, UpdatedAt: at}))
		}
		later := at.Add(time.Hour)
		ok(t, db.SaveConsent(ctx, broker.Consent{UserID: u.ID, ClientID: "a", Scopes: []string{"openid", "email"}, CreatedAt: later, UpdatedAt: later}))
		same(t, must(db.Consent(ctx, u.ID, "a"))(t), broker.Consent{UserID: u.ID, ClientID: "a", Scopes: []string{"openid", "email"}, CreatedAt: at, UpdatedAt: later})
		list := must(db.ConsentsOf(ctx, u.ID))(t)
		same(t, []string{list[0].ClientID, list[1].ClientID}, []string{"a", "b"})
		ok(t, db.DeleteConsent(ctx, u.ID, "a"))
		ok(t, db.DeleteConsent(ctx, u.ID, "a"))
		if _, err := db.Consent(ctx, u.ID, "a"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a deleted consent = %v", err)
		}
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "g", ClientID: "b"}))
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "h", ClientID: "a"}))
		ok(t, db.DeleteClient(ctx, "b"))
		if err := db.DeleteClient(ctx, "b"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a second delete = %v", err)
		}
		same(t, len(must(db.ConsentsOf(ctx, u.ID))(t)), 0)
		if _, err := db.Grant(ctx, "g"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a grant of a deleted client = %v", err)
		}
		must(db.Grant(ctx, "h"))(t)
	})
}

func TestUpdateClientAndKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c := filled[broker.Client](t)
		ok(t, db.CreateClient(ctx, c))
		next := filled[broker.Client](t)
		next.ID, next.Version = c.ID, c.Version
		ok(t, db.UpdateClient(ctx, next))
		next.CreatedAt, next.Version = c.CreatedAt, c.Version+1
		same(t, must(db.Client(ctx, c.ID))(t), next)

		k := filled[broker.Key](t)
		k.RevokedAt = time.Time{}
		ok(t, db.CreateKey(ctx, k))
		change := filled[broker.Key](t)
		change.ID = k.ID
		ok(t, db.UpdateKey(ctx, change))
		k.SignsFrom, k.RetiresAt, k.ExpiresAt, k.RevokedAt = change.SignsFrom, change.RetiresAt, change.ExpiresAt, change.RevokedAt
		same(t, must(db.Keys(ctx))(t), []broker.Key{k})
		if err := db.UpdateKey(ctx, broker.Key{ID: k.ID}); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("UpdateKey of a revoked key = %v", err)
		}
		same(t, must(db.Keys(ctx))(t), []broker.Key{k})
		if err := db.UpdateKey(ctx, broker.Key{ID: "none"}); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("UpdateKey of none = %v", err)
		}
	})
}

// TestForgetKnown writes a time of its own, which a change of the user neither counts
// nor overwrites.
func TestForgetKnown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := newUser(t, db)
		ok(t, db.ForgetKnown(ctx, u.ID, at))
		u.Name = "Changed by who read the row before"
		ok(t, db.UpdateUser(ctx, u))
		got := must(db.User(ctx, u.ID))(t)
		if !got.KnownSince.Equal(at) || got.Name != u.Name || got.KnownStamp() == u.KnownStamp() {
			t.Errorf("%+v", got)
		}
		if err := db.ForgetKnown(ctx, "nobody", at); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("of nobody: %v", err)
		}
	})
}
