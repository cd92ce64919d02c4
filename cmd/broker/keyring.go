package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"idbroker/config"
	"idbroker/store"
)

// makeKeyring is what to run where there is no keyring.
const makeKeyring = "broker keys keyring --file "

// keyring returns the ring that the configuration names. Where the file does
// not exist it is made, but only for a SQLite database that holds nothing yet:
// a second keyring beside a filled database would hide that the first is lost,
// and replicas must share one.
func keyring(ctx context.Context, cfg config.Config) (ring store.Keyring, made bool, err error) {
	ring, found, err := findKeyring(ctx, cfg)
	if err != nil || found {
		return ring, false, err
	}
	ring = store.NewKeyring()
	if err := writeSecret(cfg.Secrets.KeyringFile, ring.Marshal()); err != nil {
		return ring, false, config.Unfit(keyringFile, cfg.Secrets.KeyringFile, "cannot be made: "+err.Error(), "name a place where the broker may write")
	}
	return ring, true, nil
}

// keyringFile is the setting that names the keyring.
const keyringFile = "secrets.keyring_file"

// findKeyring is keyring without making one: found is false where one is to be made.
func findKeyring(ctx context.Context, cfg config.Config) (ring store.Keyring, found bool, err error) {
	if inline := cfg.Secrets.Keyring.Reveal(); inline != "" {
		ring, err = store.ParseKeyring([]byte(inline))
		if err != nil {
			err = config.Problem{Path: "secrets.keyring", What: err.Error(), Fix: "write it as \"broker keys keyring\" prints it"}
		}
		return ring, true, err
	}
	name := cfg.Secrets.KeyringFile
	text, err := os.ReadFile(name)
	switch {
	case err == nil:
		ring, err = store.ParseKeyring(text)
		if err != nil {
			err = config.Unfit(keyringFile, name, "is no keyring: "+err.Error(), "restore it from your backup")
		}
		return ring, true, err
	case !errors.Is(err, fs.ErrNotExist):
		return ring, false, config.Unreadable(keyringFile, name, err, "name a file that the broker may read")
	case !isSQLite(cfg):
		return ring, false, config.Unfit(keyringFile, name, "does not exist", fmt.Sprintf("make it with \"%s%s\" and give the same file to every replica", makeKeyring, name))
	}
	used, err := filled(ctx, cfg)
	if err != nil {
		return ring, false, err
	}
	if used {
		return ring, false, config.Unfit(keyringFile, name, "does not exist, but the database is in use", "restore the file from your backup: without it the sealed part of the database cannot be read")
	}
	return ring, false, nil
}

// filled tells whether a SQLite database has a schema already.
func filled(ctx context.Context, cfg config.Config) (bool, error) {
	info, err := os.Stat(sqlitePath(cfg))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return false, nil
	}
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.DSN.Reveal()})
	if err != nil {
		return false, notOpened(err)
	}
	defer db.Close()
	all, err := db.MigrateStatus(ctx)
	if err != nil {
		return false, err
	}
	for _, m := range all {
		if m.Applied {
			return true, nil
		}
	}
	return false, nil
}

// writeSecret makes a file that its owner alone can read. It never replaces
// one.
func writeSecret(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close(), syncDirectory(filepath.Dir(name))); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// syncDirectory makes a new name survive a crash of the machine.
func syncDirectory(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func isSQLite(cfg config.Config) bool {
	return strings.HasPrefix(cfg.Database.DSN.Reveal(), "sqlite:")
}

func sqlitePath(cfg config.Config) string {
	return strings.TrimPrefix(cfg.Database.DSN.Reveal(), "sqlite:")
}
