package storetest_test

import (
	"context"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestEventsAreInOrder: the last first; nothing was done with an account before it
// began, whichever ids the lines of one moment have.
func TestEventsAreInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for _, e := range []broker.Event{
			{ID: "z", At: at, Name: broker.EventUserCreated}, {ID: "a", At: at, Name: broker.EventSignedIn}, {ID: "m", At: at, Name: broker.EventUserVerified},
			{ID: "b", At: at.Add(-time.Second), Name: broker.EventSignedIn}, {ID: "y", At: at.Add(time.Second), Name: broker.EventSignedIn},
		} {
			e.UserID = "ada"
			ok(t, db.AddEvent(ctx, e))
		}
		for user, want := range map[broker.UserID]string{"ada": "ymabz", "": "ymazb"} {
			got := ""
			for _, e := range must(db.Events(ctx, user, 9))(t) {
				got += e.ID
			}
			same(t, got, want)
		}
	})
}
