package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// stateView is what was decided about an account beside who it is.
type stateView struct {
	VerifiedAt    time.Time `json:"verified_at,omitzero"`
	VerifiedBy    string    `json:"verified_by,omitempty"` // e-mail domain
	DisabledAt    time.Time `json:"disabled_at,omitzero"`
	BlockedAt     time.Time `json:"blocked_at,omitzero"`
	BlockedReason string    `json:"blocked_reason,omitempty"`
	WaitingAt     time.Time `json:"waiting_at,omitzero"`
	EraseAt       time.Time `json:"erase_at,omitzero"` // its person has closed it
}

func stateOf(u broker.User) stateView {
	return stateView{
		VerifiedAt: u.VerifiedAt, VerifiedBy: u.VerifiedBy, DisabledAt: u.DisabledAt,
		BlockedAt: u.BlockedAt, BlockedReason: u.BlockedReason, WaitingAt: u.WaitingAt, EraseAt: u.EraseAt,
	}
}

func (v stateView) text(w io.Writer) {
	if v.VerifiedBy != "" {
		row(w, "verified", when(v.VerifiedAt)+" by "+v.VerifiedBy)
	} else {
		row(w, "verified", v.VerifiedAt)
	}
	if !v.BlockedAt.IsZero() {
		row(w, "blocked", v.BlockedAt)
		row(w, "reason", v.BlockedReason)
	}
	if !v.WaitingAt.IsZero() {
		row(w, "waiting", "since "+when(v.WaitingAt)+" to be activated")
	}
	switch {
	case !v.EraseAt.IsZero():
		row(w, "closed", when(v.DisabledAt)+" by the person, is erased "+when(v.EraseAt))
	case v.WaitingAt.IsZero():
		row(w, "disabled", v.DisabledAt)
	}
}

// word is the state of an account in a list.
func (v stateView) word() string {
	switch {
	case !v.BlockedAt.IsZero():
		return "blocked"
	case !v.WaitingAt.IsZero():
		return "waiting"
	case !v.EraseAt.IsZero():
		return "closed, erased " + when(v.EraseAt)
	case !v.DisabledAt.IsZero():
		return "disabled"
	case !v.VerifiedAt.IsZero():
		return "verified"
	}
	return "active"
}

type usersBlock struct {
	User   string `arg:"" help:"Id, e-mail address or username."`
	Reason string `help:"Why, in a sentence. The person reads it once they have proven that the account is theirs, and nobody else."`
	output
}

// Help teaches.
func (usersBlock) Help() string {
	return `Sessions, tokens and sign-ins under way end at once, and applications that can hear it are told. Nobody comes in any more; a wrong password is answered as ever. An account that its person has closed is kept.

	broker users block mallory@example.org --reason "Spam was posted from this account."`
}

// Run blocks an account.
func (c usersBlock) Run(ctx context.Context, p *program) error {
	reason, ok := broker.CleanReason(c.Reason)
	if !ok {
		return fmt.Errorf("--reason: give a line of at most %d printable characters", broker.MaxReason)
	}
	return p.setState(ctx, c.User, broker.OpBlock, reason, c.output)
}

type usersUnblock usersShow

// Run takes a block back.
func (c usersUnblock) Run(ctx context.Context, p *program) error {
	return p.setState(ctx, c.User, broker.OpUnblock, "", c.output)
}

type usersVerify usersShow

// Help teaches.
func (usersVerify) Help() string {
	return `You, or somebody whom you trust, vouch for the person, beyond what a mail proves. An account that is blocked, waits or is disabled is opened by it. It lasts until the account is blocked or deactivated, or re-claimed by the owner of its address.`
}

// Run verifies an account.
func (c usersVerify) Run(ctx context.Context, p *program) error {
	return p.setState(ctx, c.User, broker.OpVerify, "", c.output)
}

type usersDisable usersShow

// Run deactivates an account.
func (c usersDisable) Run(ctx context.Context, p *program) error {
	return p.setState(ctx, c.User, broker.OpDeactivate, "", c.output)
}

type usersEnable usersShow

// Run activates an account.
func (c usersEnable) Run(ctx context.Context, p *program) error {
	return p.setState(ctx, c.User, broker.OpActivate, "", c.output)
}

// setState does an operation to an account and shows how it is afterwards.
func (p *program) setState(ctx context.Context, who string, op broker.StateOperation, reason string, o output) error {
	r, u, err := p.roomsFor(ctx, who)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.accounts.SetState(ctx, u.ID, op, reason); err != nil {
		return err
	}
	after, err := r.db.User(ctx, u.ID)
	if err != nil {
		return err
	}
	v := viewUser(after)
	return o.print(p.out, v, func(w io.Writer) {
		v.text(w)
		switch {
		case after.Version == u.Version:
			fmt.Fprint(w, "\nIt was so already: nothing has changed.\n")
		case op == broker.OpUnblock && after.Waiting():
			fmt.Fprintf(w, "\nIt waits to be activated, as before: broker users activate %s\n", u.ID)
		case op == broker.OpUnblock && after.Disabled():
			fmt.Fprintf(w, "\nIt was disabled before it was blocked, and still is: broker users activate %s\n", u.ID)
		case u.Waiting() && !after.Disabled():
			fmt.Fprint(w, "\nThe person is told by mail.\n")
		}
	})
}

// domainAdvice is err, with what an operator can do where it is about a domain.
func domainAdvice(err error, email string) error {
	if errors.Is(err, local.ErrDomainBlocked) || errors.Is(err, local.ErrDomainRefused) {
		return fmt.Errorf("addresses of the domain of %s are not accepted: it is blocked, or accounts.domains.default is; see: broker domains show, broker domains set", printable(email))
	}
	return err
}
