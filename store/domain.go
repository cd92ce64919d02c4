package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"idbroker/broker"
)

type domainRow struct {
	bun.BaseModel `bun:"table:domains"`

	Name      string `bun:"name,pk"`
	Status    string `bun:"status"`
	FlaggedBy string `bun:"flagged_by"`
	DecidedAt micros `bun:"decided_at"`
	CreatedAt micros `bun:"created_at"`
	UpdatedAt micros `bun:"updated_at"`
}

func rowOfDomain(d broker.Domain) *domainRow {
	return &domainRow{
		Name: d.Name, Status: string(d.Status), FlaggedBy: d.FlaggedBy, DecidedAt: micro(d.DecidedAt), CreatedAt: micro(d.CreatedAt), UpdatedAt: micro(d.UpdatedAt),
	}
}

func (r *domainRow) domain() broker.Domain {
	return broker.Domain{
		Name: r.Name, Status: broker.DomainStatus(r.Status), FlaggedBy: r.FlaggedBy,
		DecidedAt: r.DecidedAt.time(), CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

// DomainsNamed returns those of names that are known.
func (db *DB) DomainsNamed(ctx context.Context, names []string) ([]broker.Domain, error) {
	if len(names) == 0 {
		return nil, nil
	}
	size := 4 // filled up, so that deep sub-domains do not make a statement each
	for size < len(names) {
		size *= 2
	}
	args := make([]any, size)
	for i := range args {
		args[i] = names[min(i, len(names)-1)]
	}
	rows, err := many[domainRow](ctx, db, "find domains", "name", all, "name IN ("+marks(size)+")", args...)
	return each(rows, (*domainRow).domain), err
}

// domainLock is the second half of the advisory lock of HoldDomains ("doms" in ASCII); the
// first is the schema's, since several brokers may share a database.
const domainLock = 0x646f_6d73

// HoldDomains orders, until the unit of work ends, those who let somebody in by what is
// decided about domains and those who decide (change): of the former many go on at once,
// of the latter one. Whoever comes second reads what the first has written, also where
// there was no row to lock. SQLite has one writer and needs nothing. It belongs before
// the read, in a unit of work.
func (db *DB) HoldDomains(ctx context.Context, change bool) error {
	if db.flavour != flavourPostgres {
		return nil
	}
	lock := "pg_advisory_xact_lock_shared"
	if change {
		lock = "pg_advisory_xact_lock"
	}
	_, err := db.exec(ctx, "hold domains", "SELECT "+lock+"(hashtext(current_schema()), ?)", domainLock)
	return err
}

// DomainsUnder returns the known sub-domains of a domain about which an operator
// decided.
func (db *DB) DomainsUnder(ctx context.Context, name string) ([]broker.Domain, error) {
	rows, err := many[domainRow](ctx, db, "list sub-domains", "name", all, "decided_at <> 0 AND substr(name, length(name) - ?) = ?", len(name), "."+name)
	return each(rows, (*domainRow).domain), err
}

// Domains returns at most limit domains by name, those behind after; status ""
// stands for all. flagged: only those that somebody thinks bad.
func (db *DB) Domains(ctx context.Context, status broker.DomainStatus, flagged bool, after string, limit int) ([]broker.Domain, error) {
	if limit <= 0 {
		return nil, nil
	}
	where, args := "name > ?", []any{after}
	if status != "" {
		where, args = where+" AND status = ?", append(args, string(status))
	}
	if flagged {
		where += " AND flagged_by <> ''"
	}
	rows, err := many[domainRow](ctx, db, "list domains", "name", limit, where, args...)
	return each(rows, (*domainRow).domain), err
}

// NoteDomain writes a domain about which nobody has decided, where it is not known.
func (db *DB) NoteDomain(ctx context.Context, name string, at time.Time) error {
	return db.putDomain(ctx, "note domain", broker.Domain{Name: name, Status: broker.DomainNew, CreatedAt: at, UpdatedAt: at}, "DO NOTHING")
}

// SaveDomain writes a domain, over what is known; CreatedAt of that stays.
func (db *DB) SaveDomain(ctx context.Context, d broker.Domain) error {
	return db.putDomain(ctx, "save domain", d,
		"DO UPDATE SET status = excluded.status, flagged_by = excluded.flagged_by, decided_at = excluded.decided_at, updated_at = excluded.updated_at")
}

func (db *DB) putDomain(ctx context.Context, what string, d broker.Domain, otherwise string) error {
	args, err := values(rowOfDomain(d), domainColumns)
	if err != nil {
		return db.doomed(ctx, db.failed(what, err))
	}
	_, err = db.exec(ctx, what, "INSERT INTO domains ("+names(domainColumns)+") VALUES ("+marks(len(args))+") ON CONFLICT (name) "+otherwise, args...)
	return err
}

// DeleteDomain forgets a domain. broker.ErrNotFound.
func (db *DB) DeleteDomain(ctx context.Context, name string) error {
	n, err := db.exec(ctx, "delete domain", "DELETE FROM domains WHERE name = ?", name)
	return must(n, err, broker.ErrNotFound, "delete domain")
}

// DomainCounts counts the accounts of every domain, as it stands in their
// addresses. It reads all accounts: it is for an operator who asks.
func (db *DB) DomainCounts(ctx context.Context) ([]broker.DomainCount, error) {
	const what = "count accounts by domain"
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []struct {
		Name                                                 string
		Users, Active, Confirmed, Verified, Blocked, Waiting int
	}
	// What is left of an address without its longest beginning that ends in "@";
	// the databases have no other function for it in common.
	err = on.NewRaw(`SELECT replace(email, rtrim(email, replace(email, '@', '')), '') AS name, count(*) AS users,
			sum(CASE WHEN disabled_at = 0 THEN 1 ELSE 0 END) AS active, sum(CASE WHEN email_verified_at <> 0 THEN 1 ELSE 0 END) AS confirmed,
			sum(CASE WHEN verified_at <> 0 THEN 1 ELSE 0 END) AS verified, sum(CASE WHEN blocked_at <> 0 THEN 1 ELSE 0 END) AS blocked,
			sum(CASE WHEN waiting_at <> 0 THEN 1 ELSE 0 END) AS waiting
		FROM users WHERE email <> '' GROUP BY 1 ORDER BY 1`).Scan(ctx, &rows)
	if err != nil {
		return nil, db.failed(what, err)
	}
	counts := make([]broker.DomainCount, len(rows))
	for i, r := range rows {
		counts[i] = broker.DomainCount(r)
	}
	return counts, nil
}

// Addresses returns the ids and addresses of at most limit users by id, those
// behind after: enough to find who comes from somewhere.
func (db *DB) Addresses(ctx context.Context, after broker.UserID, limit int) ([]broker.User, error) {
	const what = "list addresses"
	on, err := db.reader(ctx)
	if err != nil {
		return nil, db.failed(what, err)
	}
	var rows []userRow
	err = on.NewRaw("SELECT id, email, blocked_at FROM users WHERE id > ? ORDER BY id LIMIT ?", string(after), limit).Scan(ctx, &rows)
	return each(rows, (*userRow).user), db.failed(what, err)
}
