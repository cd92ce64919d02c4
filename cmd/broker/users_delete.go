package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"idbroker/broker/local"
)

type usersDelete struct {
	User string `arg:"" help:"Id, e-mail address or username."`
	Yes  bool   `help:"Really. It cannot be undone."`
	output
}

// Help teaches.
func (usersDelete) Help() string {
	return `Sessions, tokens and consents end, applications that can hear it are told, and what let us act at providers is revoked there. Nothing that names the person stays; the audit trail keeps the id until it is pruned. The address is free for a new account, which gets another id ("sub"): applications do not take it for the old one.

	broker users delete ada@example.org --yes

To keep it with all that it holds, and let nobody in: broker users deactivate.`
}

// Run deletes an account.
func (c usersDelete) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	if !c.Yes {
		return fmt.Errorf("this deletes the account %s of %s for good; add --yes, or keep all of it and let nobody in: broker users deactivate %s", u.ID, printable(u.Email), u.ID)
	}
	if err := r.accounts.Delete(ctx, u.ID); err != nil {
		return err
	}
	return c.print(p.out, map[string]string{"deleted": string(u.ID)}, func(w io.Writer) {
		fmt.Fprintf(w, "deleted: %s (%s)\n", u.ID, printable(u.Email))
	})
}

type usersEmail struct {
	User  string `arg:"" help:"Id, e-mail address or username."`
	Email string `arg:"" help:"The new address."`
	output
}

// Help teaches.
func (usersEmail) Help() string {
	return `The new address counts as not proven until somebody reads a mail there. Whoever reads its mail can open the account with "lost password": mistype it, and you have given the account away. What was mailed to the old address has no effect any more, links that take a change back included.

	broker users email ada@example.org ada@new.example.org`
}

// Run changes an address.
func (c usersEmail) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	u, err = r.accounts.ChangeEmail(ctx, u.ID, c.Email)
	if errors.Is(err, local.ErrSignUpKnown) {
		return fmt.Errorf("%s has an account already; see: broker users show %s", printable(c.Email), printable(c.Email))
	}
	if err != nil {
		return domainAdvice(err, c.Email)
	}
	v := viewUser(u)
	return c.print(p.out, v, func(w io.Writer) {
		v.text(w)
		if !v.EmailVerified {
			fmt.Fprintf(w, "\nTo prove the address, the person opens %s/lost-password/\n", r.base)
		}
	})
}
