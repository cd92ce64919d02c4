package local

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"idbroker/broker"
)

const (
	// domainsAtOnce bounds the rows of one unit of work of an import: SQLite has one
	// writer, and people sign in meanwhile.
	domainsAtOnce = 500
	// addressesAtOnce is how many addresses are read at once where people of a domain
	// are looked for.
	addressesAtOnce = 5000
)

// SetDomain gives a domain, as DomainName returns it, a status. flaggedBy nil
// leaves the flag as it is.
func (a *Accounts) SetDomain(ctx context.Context, name string, status broker.DomainStatus, flaggedBy *string) (broker.Domain, error) {
	d := broker.Domain{Name: name}
	err := a.deciding(ctx, func(ctx context.Context) error {
		known, err := a.store.DomainsNamed(ctx, []string{name})
		if err != nil {
			return fmt.Errorf("find domain: %w", err)
		}
		if len(known) == 1 {
			d = known[0]
		}
		if flaggedBy != nil {
			d.FlaggedBy = *flaggedBy
		}
		at := time.Now()
		if d, err = a.decide(ctx, d, status, at); err != nil {
			return err
		}
		return a.domainEvent(ctx, broker.EventDomainSet, map[string]string{"domain": name, "status": string(status)}, at)
	})
	return d, err
}

// deciding is a unit of work that changes what is decided about domains. Nobody proves an
// address meanwhile: or else an account could begin that neither the proof refuses nor
// PeopleOf finds afterwards.
func (a *Accounts) deciding(ctx context.Context, fn func(ctx context.Context) error) error {
	return a.store.InTx(ctx, func(ctx context.Context) error {
		if err := a.store.HoldDomains(ctx, true); err != nil {
			return fmt.Errorf("hold domains: %w", err)
		}
		return fn(ctx)
	})
}

// domainEvent writes an event about domains and nobody in particular.
func (a *Accounts) domainEvent(ctx context.Context, name string, detail map[string]string, at time.Time) error {
	e := broker.NewEvent(ctx, name, at)
	e.Detail = detail
	return a.store.AddEvent(ctx, e)
}

// decide writes what an operator thinks of a domain.
func (a *Accounts) decide(ctx context.Context, d broker.Domain, status broker.DomainStatus, at time.Time) (broker.Domain, error) {
	if d.CreatedAt.IsZero() {
		d.CreatedAt = at
	}
	d.Status, d.DecidedAt, d.UpdatedAt = status, at, at
	if err := a.store.SaveDomain(ctx, d); err != nil {
		return d, fmt.Errorf("save domain: %w", err)
	}
	return d, nil
}

// RemoveDomain forgets a domain and what was decided about it. broker.ErrNotFound.
func (a *Accounts) RemoveDomain(ctx context.Context, name string) error {
	return a.deciding(ctx, func(ctx context.Context) error {
		if err := a.store.DeleteDomain(ctx, name); err != nil {
			return err
		}
		return a.domainEvent(ctx, broker.EventDomainRemoved, map[string]string{"domain": name}, time.Now())
	})
}

// ImportDomains gives many domains a status and a flag, some at a time. Those about
// which an operator has decided are left alone. It tells how many it wrote; after an
// error it can be run again.
func (a *Accounts) ImportDomains(ctx context.Context, names []string, status broker.DomainStatus, flaggedBy string) (written int, err error) {
	for len(names) > 0 {
		some := names[:min(len(names), domainsAtOnce)]
		names = names[len(some):]
		n := 0
		err := a.deciding(ctx, func(ctx context.Context) error {
			n = 0
			rows, err := a.store.DomainsNamed(ctx, some)
			if err != nil {
				return fmt.Errorf("find domains: %w", err)
			}
			known := map[string]broker.Domain{}
			for _, d := range rows {
				known[d.Name] = d
			}
			at := time.Now()
			for _, name := range some {
				d := known[name]
				if d.Decided() {
					continue
				}
				d.Name, d.FlaggedBy = name, flaggedBy
				if _, err := a.decide(ctx, d, status, at); err != nil {
					return err
				}
				n++
			}
			if n == 0 {
				return nil
			}
			return a.domainEvent(ctx, broker.EventDomainSet, map[string]string{"domains": strconv.Itoa(n), "status": string(status), "list": flaggedBy}, at)
		})
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// PeopleOf returns the accounts that a decision about a domain is about: those with
// an address there or at a sub-domain of which nobody decided otherwise, but for those
// that are blocked already. It reads every address.
func (a *Accounts) PeopleOf(ctx context.Context, name string) ([]broker.UserID, error) {
	under, err := a.store.DomainsUnder(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("find sub-domains: %w", err)
	}
	known := append(under, broker.Domain{Name: name, DecidedAt: time.Now()})
	var found []broker.UserID
	for after := broker.UserID(""); ; {
		page, err := a.store.Addresses(ctx, after, addressesAtOnce)
		if err != nil {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
		for _, u := range page {
			after = u.ID
			domain, err := domainOf(u.Email)
			if err != nil || u.Blocked() || domain != name && !strings.HasSuffix(domain, "."+name) {
				continue
			}
			if broker.Standing(domain, known, "").Name == name {
				found = append(found, u.ID)
			}
		}
		if len(page) < addressesAtOnce {
			return found, nil
		}
	}
}
