package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// fill gives every exported field of *v, at any depth, a value that is neither
// zero nor like another's, so that a field that no column keeps shows.
func fill(t *testing.T, v any) {
	t.Helper()
	n := 0
	var set func(v reflect.Value)
	set = func(v reflect.Value) {
		n++
		text := "väl \U0001F511 " + string(rune('a'+n%26)) + broker.NewID()
		switch x := v.Addr().Interface().(type) {
		case *time.Time:
			*x = time.Date(2026, 3, 1, 12, 0, n, n*1000, time.UTC)
			return
		case *json.RawMessage:
			*x = json.RawMessage(`{"n": ` + string(rune('0'+n%10)) + `, "t":"` + text + `"}`)
			return
		}
		switch v.Kind() {
		case reflect.String:
			v.SetString(text)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(n))
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			if v.Type().Elem().Kind() == reflect.Uint8 {
				v.SetBytes([]byte{0, 255, byte(n), '\'', '\\'})
				return
			}
			for i := range v.Len() {
				set(v.Index(i))
			}
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			for _, key := range []string{"ключ", "'"} {
				e := reflect.New(v.Type().Elem()).Elem()
				set(e)
				if raw, ok := e.Interface().(json.RawMessage); ok { // a document of values keeps no spaces between them
					e.SetBytes([]byte(strings.ReplaceAll(string(raw), `: `, `:`)))
					e.SetBytes([]byte(strings.ReplaceAll(string(e.Bytes()), `, `, `,`)))
				}
				v.SetMapIndex(reflect.ValueOf(key), e)
			}
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			set(v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				set(v.Field(i))
			}
		default:
			t.Fatalf("fill: %s", v.Type())
		}
	}
	set(reflect.ValueOf(v).Elem())
}

// filled returns a filled T.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	fill(t, &v)
	return v
}

// same compares through reflection: a broker.Secret prints as "[redacted]".
func same(t *testing.T, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Kind() == reflect.Struct {
		for i := range g.NumField() {
			if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
				t.Errorf("%s.%s = %#v, want %#v", g.Type(), g.Type().Field(i).Name, g.Field(i).Interface(), w.Field(i).Interface())
			}
		}
		return
	}
	t.Errorf("got %#v, want %#v", got, want)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns v.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// newUser creates a user.
func newUser(t *testing.T, db *store.DB) broker.User {
	t.Helper()
	u := filled[broker.User](t)
	ok(t, db.CreateUser(context.Background(), u))
	return u
}

// TestRoundTrip writes every field of everything and reads it back, and the same
// for the zero value: a field without a column makes it red.
func TestRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		u := newUser(t, db)
		same(t, must(db.User(ctx, u.ID))(t), u)
		same(t, must(db.UserByEmail(ctx, u.Email))(t), u)
		same(t, must(db.UserByUsername(ctx, u.Username))(t), u)
		bare := broker.User{ID: "bare"}
		ok(t, db.CreateUser(ctx, bare))
		same(t, must(db.User(ctx, "bare"))(t), bare)

		id := filled[broker.UserIdentity](t)
		id.UserID = u.ID
		ok(t, db.CreateIdentity(ctx, id))
		same(t, must(db.Identity(ctx, id.Provider, id.Issuer, id.Subject))(t), id)
		same(t, must(db.IdentitiesOf(ctx, u.ID))(t), []broker.UserIdentity{id})

		a := filled[broker.RemoteAccount](t)
		a.UserID = u.ID
		same(t, must(db.SaveRemoteAccount(ctx, a))(t), a)
		same(t, must(db.RemoteAccount(ctx, a.Provider, a.Issuer, a.Subject))(t), a)
		same(t, must(db.RemoteAccountsOf(ctx, u.ID))(t), []broker.RemoteAccount{a})

		tok := filled[broker.RemoteToken](t)
		tok.AccountID = a.ID
		ok(t, db.SaveRemoteTokens(ctx, a.ID, []broker.RemoteToken{tok}))
		same(t, must(db.RemoteTokens(ctx, a.ID))(t), []broker.RemoteToken{tok})

		f := filled[broker.Factor](t)
		f.UserID = u.ID
		ok(t, db.CreateFactor(ctx, f))
		same(t, must(db.Factor(ctx, u.ID, f.Kind))(t), f)
		same(t, must(db.Factors(ctx, u.ID))(t), []broker.Factor{f})

		remembered := filled[broker.RememberedBrowser](t)
		remembered.UserID = u.ID
		ok(t, db.CreateRemembered(ctx, remembered))
		same(t, must(db.Remembered(ctx, u.ID, remembered.Hash))(t), remembered)
		same(t, must(db.RememberedOf(ctx, u.ID))(t), []broker.RememberedBrowser{remembered})

		lc := filled[broker.LinkChange](t)
		lc.UserID = u.ID
		lc.Added.Account.Extra, lc.Removed.Account.Extra = json.RawMessage(`{"n":1}`), nil // spaces may go
		ok(t, db.CreateLinkChange(ctx, lc))
		same(t, must(db.LinkChange(ctx, lc.UndoHash))(t), lc)
		for _, id := range []string{"bare", "bare 2"} { // without a secret there is nothing to find it by
			ok(t, db.CreateLinkChange(ctx, broker.LinkChange{ID: id, UserID: u.ID}))
		}
		_, err := db.LinkChange(ctx, "")
		if !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a change without a secret was found: %v", err)
		}
		same(t, must(db.LinkChangesOf(ctx, u.ID, 1))(t), []broker.LinkChange{lc})

		at := filled[broker.Attempt](t)
		ok(t, db.CreateAttempt(ctx, at))
		same(t, must(db.Attempt(ctx, at.StateHash))(t), at)
		if a, err := db.OpenAttempt(ctx, at.BrowserHash, at.Provider, at.CreatedAt); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("a used attempt is open: %+v, %v", a, err)
		}
		for i, id := range []string{"early", "late", "expired", "elsewhere"} {
			open := at
			open.StateHash, open.UsedAt, open.CreatedAt = id, time.Time{}, at.CreatedAt.Add(time.Duration(i)*time.Second)
			switch id {
			case "expired":
				open.ExpiresAt = at.CreatedAt
			case "elsewhere":
				open.BrowserHash = "another"
			}
			ok(t, db.CreateAttempt(ctx, open))
			if id == "late" {
				same(t, must(db.OpenAttempt(ctx, at.BrowserHash, at.Provider, at.CreatedAt))(t), open)
			}
		}
		same(t, must(db.OpenAttempt(ctx, at.BrowserHash, at.Provider, at.CreatedAt))(t).StateHash, "late")
		ok(t, db.CreateAttempt(ctx, broker.Attempt{StateHash: "bare"}))
		same(t, must(db.Attempt(ctx, "bare"))(t), broker.Attempt{StateHash: "bare"})

		l := filled[broker.Login](t)
		ok(t, db.CreateLogin(ctx, l))
		same(t, must(db.Login(ctx, l.ID))(t), l)
		ok(t, db.CreateLogin(ctx, broker.Login{ID: "bare"}))
		same(t, must(db.Login(ctx, "bare"))(t), broker.Login{ID: "bare"})

		s := filled[broker.Session](t)
		s.Grace = time.Time{} // of a request
		s.ExpiresAt = time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
		ok(t, db.CreateSession(ctx, s))
		same(t, must(db.Session(ctx, s.IDHash))(t), s)
		same(t, must(db.SessionsOf(ctx, s.UserID))(t), []broker.Session{s})
		ok(t, db.CreateSession(ctx, broker.Session{IDHash: "bare"}))
		same(t, must(db.Session(ctx, "bare"))(t), broker.Session{IDHash: "bare"})

		c := filled[broker.Client](t)
		ok(t, db.CreateClient(ctx, c))
		same(t, must(db.Client(ctx, c.ID))(t), c)
		same(t, must(db.Clients(ctx))(t), []broker.Client{c})
		ok(t, db.CreateClient(ctx, broker.Client{ID: "bare"}))
		same(t, must(db.Client(ctx, "bare"))(t), broker.Client{ID: "bare"})
		same(t, must(db.ClientsNamed(ctx, nil))(t), map[string]broker.Client{})
		several := []string{c.ID}
		for i := range 1100 { // more than a statement asks for
			several = append(several, "unknown-"+strconv.Itoa(i))
		}
		same(t, must(db.ClientsNamed(ctx, append(several, "bare")))(t), map[string]broker.Client{c.ID: c, "bare": {ID: "bare"}})

		con := filled[broker.Consent](t)
		con.UserID, con.ClientID = u.ID, c.ID
		ok(t, db.SaveConsent(ctx, con))
		same(t, must(db.Consent(ctx, u.ID, c.ID))(t), con)
		same(t, must(db.ConsentsOf(ctx, u.ID))(t), []broker.Consent{con})

		g := filled[broker.Grant](t)
		ok(t, db.CreateGrant(ctx, g))
		same(t, must(db.Grant(ctx, g.ID))(t), g)
		same(t, must(db.GrantByCode(ctx, g.CodeHash))(t), g)
		for _, id := range []broker.GrantID{"bare", "bare 2"} { // no code is not a code
			ok(t, db.CreateGrant(ctx, broker.Grant{ID: id}))
			same(t, must(db.Grant(ctx, id))(t), broker.Grant{ID: id})
		}

		k := filled[broker.Key](t)
		ok(t, db.CreateKey(ctx, k))
		same(t, must(db.Keys(ctx))(t), []broker.Key{k})

		m := filled[broker.MailToken](t)
		ok(t, db.CreateMailToken(ctx, m))
		same(t, must(db.MailToken(ctx, m.Hash))(t), m)

		code := filled[broker.MailCode](t)
		ok(t, db.CreateMailCode(ctx, code))
		same(t, must(db.MailCode(ctx, code.ID))(t), code)
		same(t, must(db.LastMailCode(ctx, code.LoginID))(t), code)

		e := filled[broker.Event](t)
		ok(t, db.AddEvent(ctx, e))
		same(t, must(db.Events(ctx, e.UserID, 10))(t), []broker.Event{e})
		same(t, must(db.Events(ctx, "", 10))(t), []broker.Event{e})

		o := filled[broker.OutboxEntry](t)
		ok(t, db.Enqueue(ctx, o))
		o.Payload = nil // a list for people
		same(t, must(db.FailedOutbox(ctx, 10))(t), []broker.OutboxEntry{o})

		ok(t, db.Ping(ctx))
	})
}
