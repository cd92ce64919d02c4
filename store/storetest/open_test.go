package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	ok(t, os.WriteFile(text, []byte(strings.Repeat("this is not a database\n", 100)), 0o600))
	for name, dsn := range map[string]string{
		"nothing":           "",
		"no scheme":         "broker.db",
		"another scheme":    "mysql://root:s3cret@localhost/broker",
		"no path":           "sqlite:",
		"memory":            "sqlite::memory:",
		"a directory":       "sqlite:" + dir,
		"no such directory": "sqlite:" + filepath.Join(dir, "none", "broker.db"),
		"NUL":               "sqlite:" + filepath.Join(dir, "a\x00b.db"),
		"another file":      "sqlite:" + text,
		"a broken DSN":      "postgres://broker:s3cret@[::1/broker?sslmode=never",
		"a broken port":     "postgres://broker:s3cret@localhost:port/broker",
		"nobody there":      "postgres://broker:s3cret@127.0.0.1:1/broker?connect_timeout=2",
		"no socket":         "postgres://broker:s3cret@/broker?host=" + dir,
	} {
		var log bytes.Buffer
		db, err := store.Open(context.Background(), store.Options{DSN: dsn, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err == nil {
			t.Errorf("%s: opened, %v", name, db.Close())
			continue
		}
		if strings.Contains(err.Error()+log.String(), "s3cret") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
	if b, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(b), "this is not") {
		t.Errorf("a file that is not a database was changed: %q, %v", b[:20], err)
	}
	if got := must(os.ReadDir(dir))(t); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
}

// TestSQLiteFile: only its owner can read the file and what stands beside it,
// and any name will do.
func TestSQLiteFile(t *testing.T) {
	for _, name := range []string{"broker.db", "a b?c#d%20e&f=g.db", "ünï\U0001F511.db", "file:x.db", "'; --.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := storetest.Open(t, "sqlite:"+path)
		must(db.MigrateUp(context.Background()))(t)
		ok(t, db.Ping(context.Background()))
		must(db.CountUsers(context.Background()))(t)
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(path + suffix)
			ok(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s%s has mode %o", name, suffix, info.Mode().Perm())
			}
		}
	}
}

// TestSQLitePragmas: how the file is kept.
func TestSQLitePragmas(t *testing.T) {
	dsn := storetest.EmptySQLite(t)
	must(storetest.Open(t, dsn).MigrateUp(context.Background()))(t)
	var mode string
	ok(t, storetest.Raw(t, dsn).QueryRow("PRAGMA journal_mode").Scan(&mode))
	same(t, mode, "wal")
}

// TestClosed: a closed database answers with errors.
func TestClosed(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		db, err := store.Open(ctx, store.Options{DSN: dsn})
		ok(t, err)
		ok(t, db.Close())
		for name, err := range map[string]error{
			"ping":  db.Ping(ctx),
			"read":  func() error { _, err := db.User(ctx, "u"); return err }(),
			"hot":   func() error { _, err := db.Client(ctx, "c"); return err }(),
			"unit":  db.InTx(ctx, func(context.Context) error { return nil }),
			"prune": func() error { _, err := db.Prune(ctx, time.Now()); return err }(),
		} {
			if err == nil || errors.Is(err, broker.ErrNotFound) || !strings.Contains(err.Error(), "closed") {
				t.Errorf("%s = %v", name, err)
			}
		}
	})
}

// TestConnectionsDie: the server ends every connection; the pool makes new ones.
func TestConnectionsDie(t *testing.T) {
	dsn := storetest.EmptyPostgres(t)
	ctx := context.Background()
	name := "idbroker-" + broker.NewID() // so that nobody else's connections die
	db := storetest.Open(t, dsn+"&application_name="+name)
	must(db.MigrateUp(ctx))(t)
	ok(t, db.CreateClient(ctx, broker.Client{ID: "c"}))
	must(db.Client(ctx, "c"))(t)
	_, err := storetest.Raw(t, dsn).Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + name + "'")
	ok(t, err)
	time.Sleep(1100 * time.Millisecond) // pgx pings a connection that was idle for a second
	must(db.Client(ctx, "c"))(t)
	ok(t, db.InTx(ctx, func(ctx context.Context) error {
		_, err := db.Client(ctx, "c")
		return err
	}))
}

// TestBubble: the database works inside a synctest bubble.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := storetest.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		u := newUser(t, db)
		time.Sleep(time.Minute)
		race(func(int) {
			if _, err := db.User(ctx, u.ID); err != nil {
				t.Error(err)
			}
			ok(t, db.InTx(ctx, func(ctx context.Context) error { return db.AddEvent(ctx, broker.Event{ID: broker.NewID()}) }))
		})
		same(t, len(events(t, db)), racers)
	})
}

// TestReadersGoOn: a reader is not held up by a unit that has the writer, and
// does not see what it has not committed.
func TestReadersGoOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		outside := context.Background()
		ok(t, db.InTx(outside, func(ctx context.Context) error {
			ok(t, db.CreateUser(ctx, broker.User{ID: "u"}))
			same(t, must(db.CountUsers(outside))(t), 0)
			same(t, must(db.CountUsers(ctx))(t), 1)
			return nil
		}))
		same(t, must(db.CountUsers(outside))(t), 1)
	})
}

// TestRest: memory is given back beside units of work, and nothing is lost.
func TestRest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		ok(t, db.CreateUser(ctx, broker.User{ID: "u"}))
		ok(t, db.Rest(ctx))
		ok(t, db.InTx(ctx, func(ctx context.Context) error { return db.CreateUser(ctx, broker.User{ID: "v"}) }))
		ok(t, db.Rest(ctx))
		same(t, must(db.CountUsers(ctx))(t), 2)
	})
}

// TestSurvivesACrash copies the files of an open SQLite database, as a crash
// would leave them: what was committed is there.
func TestSurvivesACrash(t *testing.T) {
	dsn := storetest.EmptySQLite(t)
	db := storetest.Open(t, dsn)
	ctx := context.Background()
	must(db.MigrateUp(ctx))(t)
	ok(t, db.AddEvent(ctx, broker.Event{ID: "committed"}))
	copied := filepath.Join(t.TempDir(), "broker.db")
	ok(t, db.InTx(ctx, func(ctx context.Context) error {
		ok(t, db.AddEvent(ctx, broker.Event{ID: "under way"}))
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(strings.TrimPrefix(dsn, "sqlite:") + suffix)
			ok(t, err)
			ok(t, os.WriteFile(copied+suffix, b, 0o600))
		}
		return nil
	}))
	same(t, events(t, storetest.Open(t, "sqlite:"+copied)), map[string]bool{"committed": true})
}
