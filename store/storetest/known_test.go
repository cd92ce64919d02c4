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

// TestKnownClients: what one replica remembers of a client is found out by the
// statement that follows when another replica changes it, and nothing is written.
func TestKnownClients(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx, at := context.Background(), now()
		here, there := storetest.Open(t, dsn), storetest.Open(t, dsn)
		begin := broker.Client{ID: "wiki", Name: "Wiki", Scopes: []string{"openid"}, CreatedAt: at, UpdatedAt: at}
		ok(t, there.CreateClient(ctx, begin))
		g := broker.Grant{
			ID: "g", ClientID: "wiki", UserID: "ada", CodeHash: "code", CodeExpiresAt: at.Add(time.Hour), RefreshGeneration: 1,
			ExpiresAt: at.Add(time.Hour), CreatedAt: at,
		}
		ok(t, there.CreateGrant(ctx, g))
		if _, known := here.KnownClient("wiki"); known {
			t.Error("known before it was read")
		}
		same(t, must(here.CurrentClient(ctx, "wiki"))(t), begin)
		for name, change := range map[string]func(){
			"disabled": func() {
				c := must(there.Client(ctx, "wiki"))(t)
				c.DisabledAt = at
				ok(t, there.UpdateClient(ctx, c))
			},
			"made anew": func() {
				ok(t, there.DeleteClient(ctx, "wiki"))
				again := begin
				again.CreatedAt = again.CreatedAt.Add(time.Second)
				ok(t, there.CreateClient(ctx, again))
			},
			"removed": func() { ok(t, there.DeleteClient(ctx, "wiki")) },
		} {
			_ = there.DeleteClient(ctx, "wiki")
			ok(t, there.CreateClient(ctx, begin))
			ok(t, there.CreateGrant(ctx, g))
			before := must(here.CurrentClient(ctx, "wiki"))(t)
			stamp := before.Stamp()
			ok(t, here.CreateGrantFor(ctx, broker.Grant{ID: broker.GrantID(name), ClientID: "wiki"}, stamp)) // nothing has changed yet
			change()

			known, _ := here.KnownClient("wiki")
			same(t, known, before)
			if err := here.CreateGrantFor(ctx, broker.Grant{ID: "late", ClientID: "wiki"}, stamp); !errors.Is(err, broker.ErrStale) {
				t.Errorf("%s: CreateGrantFor = %v", name, err)
			}
			if _, err := here.Grant(ctx, "late"); !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s: a grant was written: %v", name, err)
			}
			if _, _, err := here.Refresh(ctx, "g", "wiki", stamp, 1, at, grace, idle); !errors.Is(err, broker.ErrStale) {
				t.Errorf("%s: Refresh = %v", name, err)
			}
			state, err := here.GrantStateByCode(ctx, "code", "wiki")
			if gone := name != "disabled"; gone != errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%s: GrantStateByCode = %v", name, err)
			} else if !gone && (state.Caller == stamp || state.Client.DisabledAt.IsZero() || state.Grant.RefreshGeneration != 1) {
				t.Errorf("%s: %+v", name, state)
			}
			current, err := here.CurrentClient(ctx, "wiki")
			if want, wantErr := there.Client(ctx, "wiki"); !errors.Is(err, broker.ErrNotFound) != (wantErr == nil) || current.Stamp() != want.Stamp() || current.Stamp() == stamp {
				t.Errorf("%s: CurrentClient = %+v, %v, want %+v", name, current, err, want)
			}
		}
	})
}

// TestGrantState is what its parts are.
func TestGrantState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		user := broker.User{ID: "ada", Email: "ada@example.org", EmailVerifiedAt: at, Username: "Ada", Name: "Ada", Locale: "de", Phone: "+41227676111", Address: broker.Address{Country: "CH"}, PasswordHash: "$", CreatedAt: at, UpdatedAt: at, Admin: true}
		ok(t, db.CreateUser(ctx, user))
		for _, id := range []string{"wiki", "api"} {
			ok(t, db.CreateClient(ctx, broker.Client{ID: id, Scopes: []string{"openid"}, CreatedAt: at, UpdatedAt: at}))
		}
		g := broker.Grant{ID: "g", ClientID: "wiki", UserID: "ada", CodeHash: "code", Scopes: []string{"openid", "email"}, AuthTime: at, CreatedAt: at, LastUsedAt: at}
		ok(t, db.CreateGrant(ctx, g))
		ok(t, db.CreateGrant(ctx, broker.Grant{ID: "machine", ClientID: "gone"}))
		s := must(db.GrantState(ctx, "g", "api"))(t)
		user.PasswordHash, user.CreatedAt, user.Admin = "", time.Time{}, false
		client := must(db.Client(ctx, "wiki"))(t)
		want := broker.GrantState{Grant: g, Client: client, User: user, Caller: must(db.Client(ctx, "api"))(t).Stamp()}
		want.Grant.CodeHash, want.Grant.CreatedAt, want.Grant.LastUsedAt = "", time.Time{}, time.Time{} // concern no token
		same(t, s, want)
		want.Caller = broker.ClientStamp{}
		same(t, must(db.GrantState(ctx, "g", ""))(t), want)
		same(t, must(db.GrantStateByCode(ctx, "code", "wiki"))(t), broker.GrantState{Grant: must(db.Grant(ctx, "g"))(t), Client: client, User: user, Caller: client.Stamp()})
		if s := must(db.GrantStateByCode(ctx, "code", "api"))(t); s.Caller.Known {
			t.Errorf("another client's code: %+v", s.Caller)
		}
		s = must(db.GrantState(ctx, "machine", ""))(t)
		same(t, s, broker.GrantState{Grant: must(db.Grant(ctx, "machine"))(t)})
		for _, err := range []error{
			func() error { _, err := db.GrantState(ctx, "none", "api"); return err }(),
			func() error { _, err := db.GrantStateByCode(ctx, "", "api"); return err }(),
			func() error { _, err := db.GrantState(ctx, "\x00", "api"); return err }(),
		} {
			if !errors.Is(err, broker.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestKnownClientsInUnits: what a unit reads and rolls back is not remembered.
func TestKnownClientsInUnits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		undone := errors.New("undone")
		err := db.InTx(ctx, func(ctx context.Context) error {
			ok(t, db.CreateClient(ctx, broker.Client{ID: "wiki", CreatedAt: at, UpdatedAt: at}))
			same(t, must(db.CurrentClient(ctx, "wiki"))(t).ID, "wiki")
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if c, known := db.KnownClient("wiki"); known {
			t.Errorf("known: %+v", c)
		}
		if _, err := db.CurrentClient(ctx, "wiki"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("CurrentClient = %v", err)
		}
	})
}

// TestSessionUser is what its parts are.
func TestSessionUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		u := broker.User{ID: "ada", Email: "ada@example.org", Username: "Ada", PasswordHash: "$", Admin: true, CreatedAt: at, UpdatedAt: at}
		ok(t, db.CreateUser(ctx, u))
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: "s", SID: "sid", UserID: "ada", AMR: []string{"pwd"}, AuthTime: at, CreatedAt: at, ExpiresAt: at}))
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: "nobody", UserID: "gone"}))
		session, user, err := db.SessionUser(ctx, "s")
		ok(t, err)
		same(t, session, must(db.Session(ctx, "s"))(t))
		same(t, user, must(db.User(ctx, "ada"))(t))
		session, user, err = db.SessionUser(ctx, "nobody")
		ok(t, err)
		same(t, session, must(db.Session(ctx, "nobody"))(t))
		same(t, user, broker.User{})
		if _, _, err := db.SessionUser(ctx, "none"); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("SessionUser = %v", err)
		}
	})
}
