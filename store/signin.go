package store

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

// signInsRow is kept by the trigger events_sign_in, as a session.started is written
// (migration 0022): a sign-in costs no statement more for it.
type signInsRow struct {
	bun.BaseModel `bun:"table:sign_ins"`

	UserID         string                      `bun:"user_id,pk"`
	Times          int                         `bun:"times"`
	At             micros                      `bun:"at"`
	IP             string                      `bun:"ip"`
	Provider       string                      `bun:"provider"`
	Detail         document[map[string]string] `bun:"detail"`
	BeforeAt       micros                      `bun:"before_at"`
	BeforeIP       string                      `bun:"before_ip"`
	BeforeProvider string                      `bun:"before_provider"`
	BeforeDetail   document[map[string]string] `bun:"before_detail"`
}

// SignInsOf returns the latest sign-ins of a user; the zero value where there was
// none since they are counted.
func (db *DB) SignInsOf(ctx context.Context, user broker.UserID) (broker.SignIns, error) {
	r, err := one[signInsRow](ctx, db, "read sign-ins", "user_id = ?", string(user))
	if errors.Is(err, broker.ErrNotFound) {
		return broker.SignIns{}, nil
	}
	if err != nil {
		return broker.SignIns{}, err
	}
	return broker.SignIns{
		UserID: broker.UserID(r.UserID), Times: r.Times,
		Last:   broker.SignIn{At: r.At.time(), IP: r.IP, Provider: r.Provider, Detail: r.Detail.v},
		Before: broker.SignIn{At: r.BeforeAt.time(), IP: r.BeforeIP, Provider: r.BeforeProvider, Detail: r.BeforeDetail.v},
	}, nil
}

// EnqueueUnlessFirst is Enqueue for who has signed in more than once, the sign-in of
// this unit of work included; for others it does nothing.
func (db *DB) EnqueueUnlessFirst(ctx context.Context, e broker.OutboxEntry, user broker.UserID) error {
	const what = "enqueue"
	row, err := db.rowOfEntry(e)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	args, err := values(row, outboxColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	_, err = db.exec(ctx, what, "INSERT INTO outbox ("+names(outboxColumns)+") SELECT "+marks(len(args))+
		" FROM sign_ins WHERE user_id = ? AND times > 1", append(args, string(user))...)
	return err
}

// ForgetIPs forgets the IPs of sessions, sign-ins, remembered browsers and the audit
// trail that were noted before a time, each by its own time. It works in small batches, each its own
// transaction, and returns how many went, also where it stopped with an error.
func (db *DB) ForgetIPs(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for _, f := range []struct{ table, key, ip, at string }{
		{"sessions", "id_hash", "ip", "ip_at"},
		{"sign_ins", "user_id", "ip", "at"},
		{"sign_ins", "user_id", "before_ip", "before_at"},
		{"events", "id", "ip", "happened_at"},
		{"remembered_browsers", "id", "ip", "created_at"}, // it is noted then, once
	} {
		due := f.at + " < ? AND " + f.ip + " <> ''"
		query := "UPDATE " + f.table + " SET " + f.ip + " = '' WHERE " + f.key + " IN (SELECT " + f.key + " FROM " + f.table +
			" WHERE " + due + " ORDER BY " + f.at + " LIMIT ?) AND " + due // one that was noted anew meanwhile stays
		for {
			n, err := db.exec(ctx, "forget IPs", query, micro(before), pruneBatch, micro(before))
			total += int(n)
			if err != nil {
				return total, err
			}
			if n < pruneBatch {
				break
			}
		}
	}
	return total, nil
}
