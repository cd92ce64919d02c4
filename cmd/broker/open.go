package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/config"
	"idbroker/store"
)

// database opens the database with its keyring and brings the schema up to date
// where the configuration lets it.
func database(ctx context.Context, cfg config.Config, log *slog.Logger) (*store.DB, store.Keyring, error) {
	ring, made, err := keyring(ctx, cfg)
	if err != nil {
		return nil, ring, err
	}
	if made {
		log.InfoContext(ctx, "keyring made; back it up apart from the database", "file", cfg.Secrets.KeyringFile)
	}
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.DSN.Reveal(), Keys: ring, Log: log, MaxConns: cfg.Database.MaxConns})
	if err != nil {
		return nil, ring, notOpened(err)
	}
	if err := upToDate(ctx, db, cfg, log); err != nil {
		db.Close()
		return nil, ring, err
	}
	return db, ring, nil
}

// notOpened says what an operator can do about a database that was not opened.
func notOpened(err error) error {
	if e, ok := errors.AsType[*broker.Error](err); ok && e.Kind == broker.KindUnavailable {
		return fmt.Errorf("database.dsn: the database is not reached; see to it that it runs, and that address, name and password there are right: %w", e.Err)
	}
	return fmt.Errorf("database.dsn: %w", err)
}

// upToDate migrates, or refuses a schema that lacks migrations. PostgreSQL is
// migrated by an operator, since replicas of the old program may still run.
func upToDate(ctx context.Context, db *store.DB, cfg config.Config, log *slog.Logger) error {
	all, err := db.MigrateStatus(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, m := range all {
		if !m.Applied {
			missing = append(missing, m.Name)
		}
	}
	mode := cfg.Database.Migrate
	switch {
	case len(missing) == 0:
		return nil
	case mode == "always" || mode == "auto" && isSQLite(cfg):
		start := time.Now()
		names, err := db.MigrateUp(ctx)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		log.InfoContext(ctx, "database migrated", "migrations", strings.Join(names, " "), "took", time.Since(start).Round(time.Millisecond).String())
		found, err := anyDoubled(ctx, db)
		if found {
			log.WarnContext(ctx, someDoubled)
		}
		return err
	}
	return fmt.Errorf("the database lacks %s; run: broker migrate up (see what it does with: broker migrate plan), or set database.migrate to always", strings.Join(missing, ", "))
}

// someDoubled is what an operator is told where a migration has found one mailbox on several accounts.
const someDoubled = "some mailboxes have several accounts, in different spellings of their domain; their address finds the oldest. See: broker users list --doubled"

// anyDoubled tells whether there are such accounts. It reads all of them.
func anyDoubled(ctx context.Context, db *store.DB) (bool, error) {
	users, err := db.UsersWho(ctx, broker.UserFilter{Doubled: true}, "", 1)
	return len(users) > 0, err
}

// open is database for a command that is not serve: what it has to say goes to
// standard error.
func (p *program) open(ctx context.Context) (config.Config, *store.DB, store.Keyring, error) {
	cfg, err := p.load()
	if err != nil {
		return cfg, nil, store.Keyring{}, err
	}
	db, ring, err := database(ctx, cfg, p.logger(cfg, slog.LevelWarn))
	return cfg, db, ring, err
}
