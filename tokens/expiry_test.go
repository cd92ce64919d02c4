package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
)

// sessionRow writes the row of a session of the person.
func (w *world) sessionRow(id string, expires time.Time) broker.Session {
	w.t.Helper()
	s := w.session
	s.IDHash, s.SID, s.CreatedAt, s.LastSeenAt, s.ExpiresAt = "hash of "+id, id, expires.Add(-time.Hour), expires.Add(-time.Hour), expires
	must(w.t, w.db.CreateSession(w.t.Context(), s))
	return s
}

// TestStayGoesOnInAnotherRow: who signs in anew in two tabs at once leaves a row
// behind that no cookie leads to. Its end is not that of the stay.
func TestStayGoesOnInAnotherRow(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.hears("app", hearing, false)
		at := time.Now().UTC()
		left := w.sessionRow("stay", at)
		stands := left
		stands.IDHash, stands.ExpiresAt = "hash of another", at.Add(time.Hour)
		must(t, w.db.CreateSession(t.Context(), stands))
		w.session = stands
		online := w.tokens("app", "scope", "openid")
		if n, err := w.s.EndExpiredSessions(t.Context(), at); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if _, err := w.db.Session(t.Context(), left.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the row that was left: %v", err)
		}
		if got := w.notices(); len(got) != 0 || w.userInfo(online.str("access_token")).status != 200 {
			t.Errorf("the stay was ended: %+v", got)
		}
		if n, err := w.s.EndExpiredSessions(t.Context(), stands.ExpiresAt); n != 1 || err != nil {
			t.Errorf("at its end: %d, %v", n, err)
		}
	})
}

// TestExpiredSessionsAreTold: at their end, once, each to its applications, and
// what was given to outlast them stays.
func TestExpiredSessionsAreTold(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.hears("app", hearing, false)
		at := time.Now().UTC()
		over := w.sessionRow("over", at)
		stands := w.sessionRow("stands", at.Add(time.Second))
		w.session = over
		online, offline := w.tokens("app", "scope", "openid"), w.tokens("app")
		w.session = stands
		w.tokens("app")

		if n, err := w.s.EndExpiredSessions(t.Context(), at.Add(-time.Second)); n != 0 || err != nil {
			t.Fatalf("before the end: %d, %v", n, err)
		}
		var wait sync.WaitGroup
		ended := make([]int, 4)
		for i := range ended { // replicas
			wait.Go(func() {
				n, err := w.s.EndExpiredSessions(t.Context(), at)
				if ended[i] = n; err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		want := []broker.LogoutNotice{{URI: hearing, ClientID: "app", Subject: string(w.user.ID), SID: "over"}}
		if got := w.notices(); !slices.Equal(got, want) || ended[0]+ended[1]+ended[2]+ended[3] != 1 {
			t.Errorf("notices %+v, ended %v", got, ended)
		}
		if _, err := w.db.Session(t.Context(), over.IDHash); !errors.Is(err, broker.ErrNotFound) {
			t.Errorf("the row of the expired session: %v", err)
		}
		if _, err := w.db.Session(t.Context(), stands.IDHash); err != nil {
			t.Errorf("the row of the other session: %v", err)
		}
		wantError(t, "a token of the session", w.userInfo(online.str("access_token")), 401, "invalid_token")
		if a := w.refresh("app", offline.str("refresh_token")); a.status != 200 {
			t.Errorf("offline_access: %d %s", a.status, a.body)
		}
	})
}

// TestExpiredSessionIsEndedWhole: where the applications cannot be told, the row
// stays, and the next round tells them.
func TestExpiredSessionIsEndedWhole(t *testing.T) {
	w := newWorld(t)
	w.hears("app", hearing, false)
	at := time.Now().UTC()
	w.session = w.sessionRow("over", at)
	w.tokens("app")
	whole := w.s.store
	w.s.store = mute{whole}
	if n, err := w.s.EndExpiredSessions(t.Context(), at); n != 0 || err == nil {
		t.Fatalf("ended %d, %v", n, err)
	}
	w.s.store = whole
	if n, err := w.s.EndExpiredSessions(t.Context(), at); n != 1 || err != nil || len(w.notices()) != 1 {
		t.Errorf("the next round: %d, %v", n, err)
	}
}

// mute is a store whose outbox takes nothing.
type mute struct{ Store }

func (mute) Enqueue(context.Context, broker.OutboxEntry) error { return errors.New("the disk is full") }

// TestManyExpiredSessions: more than are read at a time.
func TestManyExpiredSessions(t *testing.T) {
	w := newWorld(t)
	at := time.Now().UTC()
	for i := range expireBatch + 1 {
		w.sessionRow(fmt.Sprint(i), at)
	}
	if n, err := w.s.EndExpiredSessions(t.Context(), at); n != expireBatch+1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
