package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"idbroker/broker"
)

// A migrated schema is some three hundred files, and making and removing them is
// most of what a small test costs a PostgreSQL. So a schema that a test leaves as it
// was made, but for rows, is emptied and given to the next test of the process; any
// other is dropped.

const (
	// spareRows is how many rows an emptied schema may have had: more leave a trace
	// in the size of its tables, and so in plans.
	spareRows = 500
	// spareWait is how long emptying a schema waits for who still uses it.
	spareWait = "2s"
	// sparePrefix begins the names of schemas that are given on. The server of
	// BROKER_TEST_POSTGRES outlives the process that made them: the next one
	// drops them.
	sparePrefix = "spare_"
)

// spare is a migrated schema.
type spare struct {
	name string
	made string // structure, when it was new
}

// spares are the schemas of this process that wait for a test.
var spares struct {
	sync.Mutex
	list []spare
}

// borrow returns the DSN of a fresh, migrated schema for the time of the test.
func borrow(t testing.TB) string {
	t.Helper()
	base := needPostgres(t)
	spares.Lock()
	var s spare
	if n := len(spares.list); n > 0 {
		s, spares.list = spares.list[n-1], spares.list[:n-1]
	}
	spares.Unlock()
	if s.name == "" {
		owner, err := claim()
		if err != nil {
			t.Fatal(err)
		}
		s.name = owner + "_" + broker.NewID()
		if err := run(base, "CREATE SCHEMA "+s.name); err != nil {
			t.Fatal(err)
		}
		migrate(t, inSchema(t, base, s.name))
		if s.made, err = structure(base, s.name); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := empty(base, s); err == nil {
			spares.Lock()
			spares.list = append(spares.list, s)
			spares.Unlock()
			return
		}
		if err := run(base, "DROP SCHEMA "+s.name+" CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return inSchema(t, base, s.name)
}

// structureQuery tells what made a schema: which transactions wrote the rows of the
// catalog that are about it, and whether anybody has collected statistics. $1 is its
// name.
const structureQuery = `
WITH own AS (SELECT oid, xmin FROM pg_class WHERE relnamespace = $1::regnamespace)
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
	SELECT 'relation ' || oid || ' ' || xmin AS line FROM own
	UNION ALL SELECT 'column ' || attrelid || ' ' || attnum || ' ' || a.xmin FROM pg_attribute a JOIN own ON attrelid = own.oid
	UNION ALL SELECT 'trigger ' || t.oid || ' ' || t.xmin FROM pg_trigger t JOIN own ON tgrelid = own.oid
	UNION ALL SELECT 'constraint ' || oid || ' ' || xmin FROM pg_constraint WHERE connamespace = $1::regnamespace
	UNION ALL SELECT 'function ' || oid || ' ' || xmin FROM pg_proc WHERE pronamespace = $1::regnamespace
	UNION ALL SELECT 'statistics ' || starelid || ' ' || staattnum FROM pg_statistic JOIN own ON starelid = own.oid) AS lines`

func structure(base, schema string) (string, error) {
	var made string
	err := with(base, func(ctx context.Context, conn *pgx.Conn) (err error) {
		made, err = structureOn(ctx, conn, schema)
		return err
	})
	return made, err
}

// structureOn tells the migrations, too: their rows stay, and a test may have written some.
func structureOn(ctx context.Context, conn *pgx.Conn, schema string) (string, error) {
	var made, migrations string
	if err := conn.QueryRow(ctx, structureQuery, schema).Scan(&made); err != nil {
		return "", err
	}
	err := conn.QueryRow(ctx, "SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM "+schema+".bun_migrations").Scan(&migrations)
	return made + " " + migrations, err
}

// errNotSpare: the schema is not as it was made.
var errNotSpare = errors.New("storetest: the schema is not as it was made")

// emptyStatement deletes all rows of a schema but those that tell its migrations, and
// sets its counters back. The first argument of Sprintf is the schema's name, the second how
// many rows it may have had.
const emptyStatement = `
DO $$
DECLARE name text; counter regclass; gone bigint; total bigint := 0;
BEGIN
	SET LOCAL lock_timeout = '` + spareWait + `';
	SET LOCAL session_replication_role = replica; -- no trigger, so no foreign key
	FOR name IN SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = '%[1]s'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'bun\_%%' LOOP
		EXECUTE 'DELETE FROM %[1]s.' || name;
		GET DIAGNOSTICS gone = ROW_COUNT;
		total := total + gone;
		IF total > %[2]d THEN RAISE 'too many rows'; END IF;
	END LOOP;
	FOR counter IN SELECT oid FROM pg_class WHERE relnamespace = '%[1]s'::regnamespace AND relkind = 'S' LOOP
		PERFORM setval(counter, (SELECT seqstart FROM pg_sequence WHERE seqrelid = counter), false);
	END LOOP;
END $$`

// empty makes a schema like new; an error says that it can't be.
func empty(base string, s spare) error {
	return with(base, func(ctx context.Context, conn *pgx.Conn) error {
		made, err := structureOn(ctx, conn, s.name)
		if err != nil {
			return err
		}
		if made != s.made {
			return errNotSpare
		}
		_, err = conn.Exec(ctx, fmt.Sprintf(emptyStatement, s.name, spareRows))
		return err
	})
}

// claim returns what the names of this process's schemas begin with. It holds a lock
// under that name while the process lives, by which others know that they are in
// use, and drops the schemas of processes that have ended.
var claim = sync.OnceValues(func() (string, error) {
	base, err := postgres()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return "", err
	}
	owner := sparePrefix + broker.NewID()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", owner); err != nil {
		return "", errors.Join(err, conn.Close(ctx))
	}
	keep(conn)
	return owner, sweep(ctx, conn)
})

func sweep(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, $1)", sparePrefix)
	if err != nil {
		return err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, schema := range schemas {
		owner := schema[:min(len(schema), len(sparePrefix)+len(broker.NewID()))]
		var free bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtext($1))", owner).Scan(&free); err != nil {
			return err
		}
		if !free {
			continue
		}
		_, dropped := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock(hashtext($1))", owner); err != nil || dropped != nil {
			return errors.Join(dropped, err)
		}
	}
	return nil
}
