package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
)

type domainCommands struct {
	List   domainsList   `cmd:"" help:"List the e-mail domains that people came from or that were decided about."`
	Show   domainsShow   `cmd:"" help:"Show what holds for a domain, and who comes from there."`
	Set    domainsSet    `cmd:"" help:"Decide about a domain and its sub-domains."`
	Block  domainsBlock  `cmd:"" help:"Block a domain, and, if you say so, the accounts of its people."`
	Remove domainsRemove `cmd:"" help:"Forget what was decided about a domain."`
	Import domainsImport `cmd:"" help:"Decide about all domains of a file, such as a list of disposable addresses."`
}

// Help teaches.
func (domainCommands) Help() string {
	return `new: its people come in as anybody does. moderated: newcomers wait until you activate them. verified: it vouches for its people; who proves an address there is verified. blocked: nobody proves an address there; who has an account already keeps it.

What is decided about a domain holds for its sub-domains, but for those about which something else is decided. accounts.domains.default says what holds for all others.`
}

type domainView struct {
	Name      string              `json:"domain"`
	Status    broker.DomainStatus `json:"status"`
	Decided   bool                `json:"decided"` // by an operator; or else it is noted only
	FlaggedBy string              `json:"flagged_by,omitempty"`
	CreatedAt time.Time           `json:"created_at,omitzero"`
	UpdatedAt time.Time           `json:"updated_at,omitzero"`
	Accounts  accountCount        `json:"accounts"`
}

type accountCount struct {
	Users     int `json:"users"`
	Active    int `json:"active"`
	Confirmed int `json:"confirmed"`
	Verified  int `json:"verified"`
	Blocked   int `json:"blocked"`
	Waiting   int `json:"waiting"`
}

func (n *accountCount) add(c broker.DomainCount) {
	n.Users, n.Active, n.Confirmed = n.Users+c.Users, n.Active+c.Active, n.Confirmed+c.Confirmed
	n.Verified, n.Blocked, n.Waiting = n.Verified+c.Verified, n.Blocked+c.Blocked, n.Waiting+c.Waiting
}

func viewDomain(d broker.Domain) domainView {
	return domainView{Name: d.Name, Status: d.Status, Decided: d.Decided(), FlaggedBy: d.FlaggedBy, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt}
}

// status is the status as a list shows it.
func (v domainView) status() string {
	if !v.Decided {
		return "(undecided)"
	}
	return string(v.Status)
}

// domainName reads a domain that an operator typed.
func domainName(typed string) (string, error) {
	name, err := broker.DomainName(typed)
	if err != nil {
		return "", fmt.Errorf("%s is not a domain; give one as it stands behind the @, such as example.org", printable(typed))
	}
	return name, nil
}

// countsOf are the accounts of each domain, by its name as DomainName returns it.
func (r *rooms) countsOf(ctx context.Context) (map[string]accountCount, error) {
	counts, err := r.db.DomainCounts(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string]accountCount{}
	for _, c := range counts {
		name, err := broker.DomainName(c.Name)
		if err != nil {
			name = c.Name
		}
		n := by[name]
		n.add(c)
		by[name] = n
	}
	return by, nil
}

type domainsList struct {
	Status  string `enum:",new,moderated,verified,blocked" default:"" placeholder:"STATUS" help:"Only those: new, moderated, verified or blocked."`
	Flagged bool   `help:"Only those that somebody thinks bad."`
	After   string `placeholder:"DOMAIN" help:"Begin after this domain."`
	Limit   int    `default:"100" help:"How many at most."`
	output
}

// Run lists domains.
func (c domainsList) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 || c.Limit > maxUsers {
		return fmt.Errorf("--limit %d: give a number from 1 to %d, and go on with --after", c.Limit, maxUsers)
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	domains, err := r.db.Domains(ctx, broker.DomainStatus(c.Status), c.Flagged, c.After, c.Limit)
	if err != nil {
		return err
	}
	counts, err := r.countsOf(ctx)
	if err != nil {
		return err
	}
	views := make([]domainView, 0, len(domains))
	for _, d := range domains {
		v := viewDomain(d)
		v.Accounts = counts[d.Name]
		views = append(views, v)
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "DOMAIN", "STATUS", "FLAGGED BY", "USERS", "ACTIVE", "CONFIRMED", "VERIFIED", "BLOCKED", "WAITING", "SINCE")
		for _, v := range views {
			n := v.Accounts
			row(w, v.Name, v.status(), v.FlaggedBy, n.Users, n.Active, n.Confirmed, n.Verified, n.Blocked, n.Waiting, v.CreatedAt)
		}
		if len(views) == c.Limit {
			fmt.Fprintf(w, "There may be more: --after %s\n", views[len(views)-1].Name)
		}
	})
}

type domainsShow struct {
	Domain string `arg:"" help:"Domain, such as example.org; or an e-mail address."`
	output
}

// domainShown is a domain with what holds for it.
type domainShown struct {
	domainView
	Holds broker.DomainStatus `json:"holds"`           // what counts today
	By    string              `json:"by,omitempty"`    // the domain about which that was decided; "" accounts.domains.default
	Below accountCount        `json:"with_subdomains"` // accounts there and at sub-domains
}

// Run shows a domain.
func (c domainsShow) Run(ctx context.Context, p *program) error {
	typed := c.Domain
	if email, err := broker.NormalizeEmail(typed); err == nil {
		_, typed, _ = strings.Cut(email, "@")
	}
	name, err := domainName(typed)
	if err != nil {
		return err
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	v, err := r.showDomain(ctx, name)
	if err != nil {
		return err
	}
	return c.print(p.out, v, v.text)
}

func (r *rooms) showDomain(ctx context.Context, name string) (domainShown, error) {
	known, err := r.db.DomainsNamed(ctx, broker.DomainAndAbove(name))
	if err != nil {
		return domainShown{}, err
	}
	v := domainShown{domainView: domainView{Name: name, Status: broker.DomainNew}}
	for _, d := range known {
		if d.Name == name {
			v.domainView = viewDomain(d)
		}
	}
	holds := broker.Standing(name, known, broker.DomainStatus(r.cfg.Accounts.Domains.Default))
	if v.Holds = holds.Status; holds.Decided() {
		v.By = holds.Name
	}
	counts, err := r.countsOf(ctx)
	if err != nil {
		return domainShown{}, err
	}
	v.Accounts = counts[name]
	for at, n := range counts {
		if slices.Contains(broker.DomainAndAbove(at), name) {
			v.Below.add(broker.DomainCount{Users: n.Users, Active: n.Active, Confirmed: n.Confirmed, Verified: n.Verified, Blocked: n.Blocked, Waiting: n.Waiting})
		}
	}
	return v, nil
}

func (v domainShown) text(w io.Writer) {
	row(w, "domain", v.Name)
	row(w, "status", v.status())
	by := "accounts.domains.default"
	if v.By != "" {
		by = v.By
	}
	row(w, "what holds", string(v.Holds)+" by "+by)
	if v.FlaggedBy != "" {
		row(w, "flagged by", v.FlaggedBy)
	}
	row(w, "known since", v.CreatedAt)
	row(w, "accounts", v.Accounts.words())
	row(w, "with sub-domains", v.Below.words())
}

func (n accountCount) words() string {
	return fmt.Sprintf("%d: %d active, %d confirmed, %d verified, %d blocked, %d waiting", n.Users, n.Active, n.Confirmed, n.Verified, n.Blocked, n.Waiting)
}

type domainsRemove struct {
	Domain string `arg:"" help:"Domain, such as example.org."`
	output
}

// Run forgets a domain.
func (c domainsRemove) Run(ctx context.Context, p *program) error {
	name, err := domainName(c.Domain)
	if err != nil {
		return err
	}
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	err = r.accounts.RemoveDomain(ctx, name)
	if errors.Is(err, broker.ErrNotFound) {
		return fmt.Errorf("nothing is known about %s; see: broker domains list", name)
	}
	if err != nil {
		return err
	}
	return c.print(p.out, map[string]string{"removed": name}, func(w io.Writer) { fmt.Fprintf(w, "removed: %s\n", name) })
}
