package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/linking"
)

// linkView is a link as an operator sees it.
type linkView struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Issuer     string    `json:"issuer"`
	Subject    string    `json:"subject"`
	Username   string    `json:"username,omitempty"`
	Configured bool      `json:"configured"`
	Opens      bool      `json:"opens_account"`
	OnlyWayIn  bool      `json:"only_way_in"`
	LinkedAt   time.Time `json:"linked_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// standing says in words what a link is good for.
func (v linkView) standing() string {
	switch {
	case !v.Configured:
		return "provider not offered"
	case !v.Opens:
		return "does not sign in"
	case v.OnlyWayIn:
		return "only way in"
	}
	return "signs in"
}

type usersLinks struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	output
}

// Help teaches.
func (usersLinks) Help() string {
	return `What the columns say holds today: a provider that is hidden, link-only or no longer configured lets nobody in. Remove a link with "broker users unlink".`
}

// Run lists what is linked to an account.
func (c usersLinks) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	_, views, err := links(ctx, r, c.User)
	if err != nil {
		return err
	}
	return c.print(p.out, views, func(w io.Writer) {
		row(w, "ID", "PROVIDER", "SUBJECT", "USERNAME", "STANDING", "LINKED", "LAST USED")
		for _, v := range views {
			row(w, v.ID, v.Provider, v.Subject, v.Username, v.standing(), v.LinkedAt, v.LastUsedAt)
		}
	})
}

// links finds a user and what is linked to their account.
func links(ctx context.Context, r *rooms, who string) (broker.User, []linkView, error) {
	u, err := findUser(ctx, r.db, who)
	if err != nil {
		return u, nil, err
	}
	all, err := r.linker.Accounts(ctx, u.ID)
	if err != nil {
		return u, nil, err
	}
	views := make([]linkView, 0, len(all))
	for _, l := range all {
		i := l.Identity
		views = append(views, linkView{
			ID: i.ID, Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject, Username: l.Account.Username, Configured: l.Configured,
			Opens: l.OpensAccount, OnlyWayIn: !l.CanRemove, LinkedAt: i.CreatedAt, LastUsedAt: i.LastUsedAt,
		})
	}
	return u, views, nil
}

type usersUnlink struct {
	User  string `arg:"" help:"Id, e-mail address or username."`
	Link  string `arg:"" help:"Id of the link, as \"broker users links\" shows it; or the provider, where the account has one link there."`
	Force bool   `help:"Also where it is the only way in. The person then needs \"lost password\"."`
	output
}

// Help teaches.
func (usersUnlink) Help() string {
	return `The person is signed out everywhere and told by mail. What let applications act for them at the provider ends there too, as soon as a running broker can ask the provider.

	broker users links ada@example.org
	broker users unlink ada@example.org github`
}

// Run removes a link.
func (c usersUnlink) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	u, views, err := links(ctx, r, c.User)
	if err != nil {
		return err
	}
	var found []linkView
	for _, v := range views {
		if v.ID == c.Link || v.Provider == c.Link {
			found = append(found, v)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("%s has no link %s; see: broker users links %s", printable(c.User), printable(c.Link), printable(c.User))
	case len(found) > 1:
		ids := make([]string, len(found))
		for i, v := range found {
			ids[i] = v.ID
		}
		return fmt.Errorf("%s has %d links at %s; name one of %s", printable(c.User), len(found), printable(c.Link), strings.Join(ids, ", "))
	}
	err = r.linker.UnlinkFor(ctx, u.ID, found[0].ID, c.Force)
	if errors.Is(err, linking.ErrLast) {
		return fmt.Errorf("%s is the only way in for %s; they can set a password at %s/lost-password/ first, or use --force", printable(found[0].Provider), printable(c.User), r.base)
	}
	if err != nil {
		return err
	}
	return c.print(p.out, found[0], func(w io.Writer) {
		fmt.Fprintf(w, "unlinked: %s %s\nThe person is signed out everywhere and will be told by mail.\n", found[0].Provider, printable(found[0].Subject))
	})
}
