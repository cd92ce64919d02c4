package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"idbroker/store/storetest"
)

// others are the tables of the systems that docs/migration.md exports, with a person each.
var others = map[string]string{
	"accounts_user": `CREATE TABLE accounts_user (id serial PRIMARY KEY, username varchar(255), displayname varchar(255), email varchar(255), domain varchar(255), password varchar(255),
			active boolean, confirmed_at timestamp, verified_at timestamp, blocked_at timestamp, profile jsonb, preferences jsonb, version_id integer, created timestamp, updated timestamp);
		CREATE TABLE accounts_useridentity (id varchar(255), method varchar(255), id_user integer, created timestamp, updated timestamp);
		INSERT INTO accounts_user (username, displayname, email, password, active, confirmed_at, profile, preferences, created)
			VALUES ('ada', 'Ada', 'ada@example.org', '` + invenioDouble + `', true, '2020-01-01', '{"full_name": "Ada \"Countess\"\nLovelace"}', '{"locale": "de"}', '2019-05-06 07:08:09.123');
		INSERT INTO accounts_user (email, active) VALUES ('bob@example.org', false);
		INSERT INTO accounts_user (email, active, confirmed_at, blocked_at) VALUES ('eve@example.org', false, '2020-01-01', '2021-03-04 05:06:07');
		UPDATE accounts_user SET verified_at = '2020-02-03' WHERE username = 'ada';
		INSERT INTO accounts_useridentity (id, method, id_user) VALUES ('583231', 'github', 1), ('x', 'elsewhere', 1)`,
	`"user"`: `CREATE TABLE "user" (id serial PRIMARY KEY, email varchar(255), username varchar(255), password varchar(255), active boolean NOT NULL, fs_uniquifier varchar(64),
			confirmed_at timestamp, create_datetime timestamp NOT NULL DEFAULT now());
		INSERT INTO "user" (email, password, active, confirmed_at, create_datetime) VALUES ('ada@example.org', '` + invenioDouble + `', true, '2020-01-01', '2019-05-06 07:08:09');
		INSERT INTO "user" (email, active) VALUES ('bob@example.org', false)`,
}

// TestDocumentedExports runs the SQL of docs/migration.md on such tables, and imports what it says.
func TestDocumentedExports(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "migration.md"))
	if err != nil {
		t.Fatal(err)
	}
	exports := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(exports) != len(others) {
		t.Fatalf("%d exports", len(exports))
	}
	for _, export := range exports {
		for table, schema := range others {
			if !strings.Contains(export[1], "FROM "+table+" u") {
				continue
			}
			t.Run(strings.Trim(table, `"`), func(t *testing.T) {
				lines := exported(t, schema, export[1])
				o := newOperator(t).set("BROKER_ACCOUNTS__INVENIO_PASSWORD_SALT=s3cr3t-salt", "BROKER_PROVIDERS__GITHUB__KIND=github", "BROKER_PROVIDERS__GITHUB__CLIENT_ID=c", "BROKER_PROVIDERS__GITHUB__CLIENT_SECRET=s")
				if _, errs, code := o.try(lines, "users", "import", "-", "--double-hash"); code != 0 {
					t.Fatalf("%s\n%s", errs, lines)
				}
				ada, bob := o.run("users", "show", "ada@example.org"), o.run("users", "show", "bob@example.org")
				for _, want := range []string{"2019-05-06", "password"} {
					if !strings.Contains(ada, want) || strings.Contains(ada, "not proven") {
						t.Errorf("%q is missing in\n%s", want, ada)
					}
				}
				if table == "accounts_user" {
					if eve := o.run("users", "show", "eve@example.org"); !strings.Contains(eve, "2021-03-04 05:06:07") || strings.Contains(eve, "not proven") {
						t.Error(eve)
					}
					if !strings.Contains(ada, "github 583231") || !strings.Contains(ada, "Countess") || !strings.Contains(ada, "2020-02-03") {
						t.Error(ada)
					}
				}
				if !strings.Contains(bob, "not proven") || !strings.Contains(bob, "disabled") {
					t.Error(bob)
				}
			})
		}
	}
}

func exported(t *testing.T, schema, export string) string {
	t.Helper()
	db, err := sql.Open("pgx", storetest.EmptyPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range strings.Split(schema, ";\n") {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err, statement)
		}
	}
	rows, err := db.Query(strings.TrimRight(strings.TrimSpace(export), ";"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines.WriteString(line + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines.String()
}
