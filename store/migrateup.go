package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// MigrateStatus lists every migration of the program, in order.
func (db *DB) MigrateStatus(ctx context.Context) ([]Migration, error) {
	done, err := applied(ctx, db.write.bun)
	if err != nil {
		return nil, db.failed("read migrations", err)
	}
	steps, err := db.flavour.unknown(done)
	if err != nil {
		return nil, err
	}
	var list []Migration
	for _, s := range steps {
		if err := db.flavour.read(&s); err != nil {
			return nil, err
		}
		m := Migration{Name: s.name(), SQL: s.up}
		if row, ok := done[s.Name]; ok {
			m.Applied, m.At = true, row.MigratedAt.UTC()
		}
		list = append(list, m)
	}
	return list, nil
}

// MigratePlan lists the migrations that MigrateUp would run, in order.
func (db *DB) MigratePlan(ctx context.Context) ([]Migration, error) {
	list, err := db.MigrateStatus(ctx)
	return slices.DeleteFunc(list, func(m Migration) bool { return m.Applied }), err
}

// MigrateUp runs every migration that is missing, each in a transaction of its
// own, and returns their names; those that were done before an error too.
// Replicas that start together wait for one another.
func (db *DB) MigrateUp(ctx context.Context) ([]string, error) { return db.migrateTo(ctx, "") }

// migrateTo is MigrateUp, ending with a step; "" the last.
func (db *DB) migrateTo(ctx context.Context, last string) ([]string, error) {
	var names []string
	for {
		name, err := db.migrateOne(ctx, func(steps []step, done map[string]migrate.Migration) (*step, bool) {
			for _, s := range steps {
				if _, ok := done[s.Name]; !ok && (last == "" || s.Name <= last) {
					return &s, true
				}
			}
			return nil, true
		})
		if err != nil || name == "" {
			return names, err
		}
		names = append(names, name)
	}
}

// MigrateDown takes the last steps migrations back, each in a transaction of its
// own, and returns their names. What their tables and columns held is lost.
func (db *DB) MigrateDown(ctx context.Context, steps int) ([]string, error) {
	var names []string
	for range steps {
		name, err := db.migrateOne(ctx, func(steps []step, done map[string]migrate.Migration) (*step, bool) {
			for _, s := range slices.Backward(steps) {
				if _, ok := done[s.Name]; ok {
					return &s, false
				}
			}
			return nil, false
		})
		if err != nil || name == "" {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// migrateOne runs the step that choose picks, up or down, and records it, in one
// transaction. It returns its name; "" where choose picks none.
func (db *DB) migrateOne(ctx context.Context, choose func(steps []step, done map[string]migrate.Migration) (_ *step, up bool)) (string, error) {
	name := ""
	err := db.InTx(ctx, func(ctx context.Context) error {
		tx := db.unit(ctx).tx
		if err := db.lockMigrations(ctx, tx); err != nil {
			return db.failed("lock migrations", err)
		}
		done, err := applied(ctx, tx)
		if err != nil {
			return db.failed("read migrations", err)
		}
		steps, err := db.flavour.unknown(done)
		if err != nil {
			return err
		}
		s, up := choose(steps, done)
		if s == nil {
			return nil
		}
		name = s.name()
		if err := db.flavour.read(s); err != nil {
			return err
		}
		sql := s.up
		if !up {
			sql = s.down
		}
		for _, q := range sql {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return db.failed("migration "+name, err)
			}
		}
		if up && s.Name == foldsEmails {
			if err := foldEmails(ctx, tx); err != nil {
				return db.failed("migration "+name, err)
			}
		}
		return db.failed("record migration "+name, record(ctx, tx, s, up, len(done)))
	})
	if err != nil {
		return "", err
	}
	return name, nil
}

// lockMigrations makes others wait, and makes the table of the record.
func (db *DB) lockMigrations(ctx context.Context, tx bun.Tx) error {
	if db.flavour == flavourPostgres {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(migrationLock)); err != nil {
			return err
		}
	}
	_, err := tx.NewCreateTable().Model((*migrate.Migration)(nil)).ModelTableExpr(migrationTable).IfNotExists().Exec(ctx)
	return err
}

// record writes or removes the line of a step.
func record(ctx context.Context, tx bun.Tx, s *step, up bool, before int) error {
	if !up {
		_, err := tx.NewDelete().Model((*migrate.Migration)(nil)).ModelTableExpr(migrationTable).Where("name = ?", s.Name).Exec(ctx)
		return err
	}
	row := s.Migration
	row.GroupID, row.MigratedAt = int64(before+1), time.Now().UTC()
	_, err := tx.NewInsert().Model(&row).ModelTableExpr(migrationTable).Exec(ctx)
	return err
}
