package local

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"idbroker/broker"
)

// Errors about e-mail domains. They tell of the domain and of no account.
var (
	// ErrDomainBlocked: a form has an address of a domain that is not accepted here.
	ErrDomainBlocked = &broker.Error{Kind: broker.KindInvalid, Message: "email.domain_blocked", Field: "email"}
	// ErrDomainRefused is the same where the address has just been proven.
	ErrDomainRefused = &broker.Error{Kind: broker.KindForbidden, Message: "email.domain_blocked"}
)

// IsPublicSuffix tells whether strangers register their domains directly below one
// (publicsuffix.org), so that vouching for it vouches for all of them.
func IsPublicSuffix(name string) bool {
	suffix, _ := publicsuffix.PublicSuffix(name)
	return suffix == name
}

// domainOf is the domain of a normal address, as broker.DomainName returns it.
func domainOf(email string) (string, error) {
	_, domain, _ := strings.Cut(email, "@")
	return broker.DomainName(domain)
}

// standing is what counts for the domain of an address: the most specific decision, or
// the default.
func (a *Accounts) standing(ctx context.Context, email string) (name string, d broker.Domain, err error) {
	if name, err = domainOf(email); err != nil {
		return "", d, err
	}
	known, err := a.store.DomainsNamed(ctx, broker.DomainAndAbove(name))
	if err != nil {
		return "", d, fmt.Errorf("find domain: %w", err)
	}
	return name, broker.Standing(name, known, a.o.Domains), nil
}

// admit refuses an address that somebody wants to prove where its domain is blocked.
func (a *Accounts) admit(ctx context.Context, email string) error {
	name, d, err := a.standing(ctx, email)
	if err == nil && d.Status == broker.DomainBlocked {
		return ErrDomainBlocked.With("domain", name)
	}
	return err
}

// Admits tells whether an address can be proven here: its domain is not blocked.
func (a *Accounts) Admits(ctx context.Context, email string) (bool, error) {
	_, d, err := a.standing(ctx, email)
	return err == nil && d.Status != broker.DomainBlocked, err
}

// confirm is called where the address of an account has just been proven, inside the unit
// of work that writes u. It asks about the domain once more, since forms and mails
// take their time; notes a domain that nobody came from before; and gives and takes
// the word of a domain that vouches for its people. Whoever decides about a domain at
// the same moment waits until the unit ends, and then finds this account; or this waits for them.
func (a *Accounts) confirm(ctx context.Context, u *broker.User, at time.Time) (broker.DomainStatus, error) {
	if err := a.store.HoldDomains(ctx, false); err != nil {
		return "", fmt.Errorf("hold domains: %w", err)
	}
	name, d, err := a.standing(ctx, u.Email)
	switch {
	case err != nil:
		return "", err
	case d.Status == broker.DomainBlocked:
		return "", ErrDomainRefused.With("domain", name)
	}
	if err := a.store.NoteDomain(ctx, name, at); err != nil {
		return "", fmt.Errorf("note domain: %w", err)
	}
	return d.Status, a.vouchFor(ctx, u, d, at)
}

// vouchFor makes the account verified where d is a domain that vouches for its people, and
// takes back what another domain had said. An operator's word stays.
func (a *Accounts) vouchFor(ctx context.Context, u *broker.User, d broker.Domain, at time.Time) error {
	switch {
	case d.Status != broker.DomainVerified:
		if u.VerifiedBy != "" {
			u.VerifiedAt, u.VerifiedBy = time.Time{}, ""
		}
		return nil
	case u.Verified() && (u.VerifiedBy == "" || u.VerifiedBy == d.Name):
		return nil
	}
	u.VerifiedAt, u.VerifiedBy = at, d.Name
	e := broker.NewEvent(ctx, broker.EventUserVerified, at)
	e.UserID, e.Detail = u.ID, map[string]string{"domain": d.Name}
	return a.store.AddEvent(ctx, e)
}
