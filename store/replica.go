package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type replicaRow struct {
	bun.BaseModel `bun:"table:replicas"`

	ID     string             `bun:"id,pk"`
	SeenAt micros             `bun:"seen_at"`
	Seals  string             `bun:"seals"`
	Opens  document[[]string] `bun:"opens"`
}

func (r *replicaRow) replica() broker.Replica {
	return broker.Replica{ID: r.ID, SeenAt: r.SeenAt.time(), Seals: r.Seals, Opens: r.Opens.v}
}

// SaveReplica writes what a replica tells of itself, over what it told before.
func (db *DB) SaveReplica(ctx context.Context, r broker.Replica) error {
	_, err := db.exec(ctx, "save replica", `INSERT INTO replicas (id, seen_at, seals, opens) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, seals = excluded.seals, opens = excluded.opens`,
		r.ID, micro(r.SeenAt), r.Seals, doc(r.Opens))
	return err
}

// Replicas returns those that were seen since a time, by id.
func (db *DB) Replicas(ctx context.Context, since time.Time) ([]broker.Replica, error) {
	rows, err := many[replicaRow](ctx, db, "list replicas", "id", all, "seen_at >= ?", micro(since))
	return each(rows, (*replicaRow).replica), err
}

// DeleteReplica forgets a replica that ends.
func (db *DB) DeleteReplica(ctx context.Context, id string) error {
	_, err := db.exec(ctx, "delete replica", "DELETE FROM replicas WHERE id = ?", id)
	return err
}
