package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

// revive gives entries that were given up back to the outbox: those with ids, or
// all that match where none are named. It returns whose turn it is again; one id
// that cannot be is an error, and nothing is given back. list is the command that
// shows them.
func revive(ctx context.Context, db *store.DB, kind string, ids []string, match func(broker.OutboxEntry) bool, list string) ([]string, error) {
	at, revived := time.Now(), []string{}
	err := db.InTx(ctx, func(ctx context.Context) error {
		which := ids
		if len(which) == 0 {
			entries, err := db.TroubledOutbox(ctx, kind, maxTroubled)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if !e.FailedAt.IsZero() && match(e) {
					which = append(which, e.ID)
				}
			}
		}
		for _, id := range which {
			if err := db.ReviveOutbox(ctx, kind, id, at); errors.Is(err, broker.ErrNotFound) {
				return fmt.Errorf("%s was not given up, or is not there; see: %s", printable(id), list)
			} else if err != nil {
				return err
			}
			revived = append(revived, id)
		}
		return nil
	})
	return revived, err
}

// oneWay tells whether exactly one way to choose entries was given.
func oneWay(given ...bool) bool {
	n := 0
	for _, g := range given {
		if g {
			n++
		}
	}
	return n == 1
}
