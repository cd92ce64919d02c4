package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"idbroker/broker"
)

// Where a PostgreSQL comes from: the DSN in BROKER_TEST_POSTGRES, else a
// private cluster for this test process, made with the initdb that is found.
const (
	envPostgres = "BROKER_TEST_POSTGRES"
	envAll      = "BROKER_TEST_ALL"
)

// errNoPostgres: there is no PostgreSQL on this machine.
var errNoPostgres = errors.New("no PostgreSQL: install it (apt-get install postgresql), or set " + envPostgres + " to the DSN of a database in which schemas can be made")

// EmptyPostgres returns the DSN of a fresh schema, which is dropped when the
// test ends.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	base := needPostgres(t)
	schema := "test_" + broker.NewID()
	if err := run(base, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run(base, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return inSchema(t, base, schema)
}

// needPostgres returns the DSN of this process's PostgreSQL. Where there is none the
// test is skipped, or fails where nothing may be missing.
func needPostgres(t testing.TB) string {
	t.Helper()
	base, err := postgres()
	if errors.Is(err, errNoPostgres) && os.Getenv(envAll) != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// inSchema is base, whose names mean those of the schema.
func inSchema(t testing.TB, base, schema string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// run runs a statement on a connection of its own.
func run(dsn, query string) error {
	return with(dsn, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, query)
		return err
	})
}

// with runs fn on a connection of its own.
func with(dsn string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, conn), conn.Close(ctx))
}

// postgres returns the DSN of a PostgreSQL for this process.
var postgres = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv(envPostgres); dsn != "" {
		return dsn, nil
	}
	bin, err := findPostgres()
	if err != nil {
		return "", err
	}
	return startCluster(bin)
})

// findPostgres returns the directory of the newest initdb.
func findPostgres() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(slices.Max(found)), nil
}

// startCluster makes a cluster in a temporary directory, reachable through a
// socket there and nothing else. It does not fsync. A shell waits for the end
// of this process (its standard input ends then), stops the server and removes
// the directory, whatever way the tests ended.
func startCluster(bin string) (string, error) {
	dir, err := os.MkdirTemp("/tmp", "pg-") // short: a socket's path has 107 bytes at most
	if err != nil {
		return "", err
	}
	credential, err := serverUser(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	init.SysProcAttr, init.Dir = credential, dir
	if out, err := init.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	server := exec.Command("/bin/sh", "-c", `"$0" "$@" >log 2>&1 & pid=$!
		cat >/dev/null
		kill -QUIT $pid; wait $pid; cd /; rm -rf "$PGTESTDIR"`,
		filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-h", "", "-F",
		"-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "autovacuum=off")
	server.SysProcAttr, server.Dir = credential, dir
	server.Env = append(os.Environ(), "PGTESTDIR="+dir)
	input, err := server.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := server.Start(); err != nil {
		return "", err
	}
	keep(input)
	dsn := "postgres://postgres@/postgres?host=" + url.QueryEscape(dir)
	deadline := time.Now().Add(30 * time.Second)
	for {
		if err = run(dsn, "SELECT 1"); err == nil {
			return dsn, nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("the private PostgreSQL does not start: %w: %s", err, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// serverUser gives the directory to the user postgres, and says how to become
// that, where we are root: PostgreSQL refuses to run as root.
func serverUser(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for us; the shell cleans up behind us
	if os.Getuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w (PostgreSQL does not run as root, and there is no user postgres)", errNoPostgres)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, int(uid), int(gid))
}

// kept holds open until this process ends what would be closed when it is
// collected: the standard input of the shell, the connection with a lock.
var kept struct {
	sync.Mutex
	open []any
}

func keep(v any) {
	kept.Lock()
	defer kept.Unlock()
	kept.open = append(kept.open, v)
}
