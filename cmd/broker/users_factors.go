package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/broker/local"
)

// factorsView is an account's second factor as an operator sees it.
type factorsView struct {
	User       broker.UserID `json:"user"`
	factorView               // the one that was used last
	Others     []factorView  `json:"others,omitempty"` // beside it
	CodesLeft  int           `json:"recovery_codes_left"`
	Removed    bool          `json:"removed,omitempty"`
	Forgotten  int           `json:"browsers_forgotten,omitempty"`
	Browsers   int           `json:"remembered_browsers"`
}

// factorView is an app or a number.
type factorView struct {
	Kind     string    `json:"kind,omitempty"`   // "" none
	Number   string    `json:"number,omitempty"` // of a number, to recognise it by
	Since    time.Time `json:"since,omitzero"`
	LastUsed time.Time `json:"last_used_at,omitzero"`
}

// factors are the second factors of an account as they stand.
func (r *rooms) factors(ctx context.Context, u broker.User) (factorsView, error) {
	_, codes, err := r.accounts.FactorOf(ctx, u.ID)
	if err != nil {
		return factorsView{}, err
	}
	ways, err := r.accounts.FactorWays(ctx, u.ID)
	if err != nil {
		return factorsView{}, err
	}
	remembered, err := r.accounts.RememberedOf(ctx, u)
	if err != nil {
		return factorsView{}, err
	}
	v := factorsView{User: u.ID, CodesLeft: codes, Browsers: len(remembered)}
	for i, f := range ways {
		one := factorView{string(f.Kind), f.Hint, f.Since, f.LastUsedAt}
		if i == 0 {
			v.factorView = one
		} else {
			v.Others = append(v.Others, one)
		}
	}
	return v, nil
}

func (v factorsView) print(w io.Writer) {
	row(w, "id", v.User)
	switch {
	case v.Removed:
		row(w, "second factor", "removed")
	case v.Kind == "":
		row(w, "second factor", "none")
	default:
		for _, f := range append([]factorView{v.factorView}, v.Others...) {
			row(w, "second factor", strings.TrimSpace(f.Kind+" "+f.Number))
			row(w, "since", f.Since)
			row(w, "last used", f.LastUsed)
		}
		row(w, "recovery codes left", v.CodesLeft)
		row(w, "remembered browsers", v.Browsers)
		if v.Forgotten > 0 {
			row(w, "forgotten", v.Forgotten)
		}
	}
}

type usersFactors struct {
	User   string `arg:"" help:"Id, e-mail address or username."`
	Remove bool   `help:"Remove the second factor and the recovery codes: the person is told."`
	Forget bool   `help:"Ask for it again in every browser that was remembered; sessions that those began without it end."`
	output
}

// Help teaches.
func (usersFactors) Help() string {
	return `Whoever has lost both the app and the recovery codes cannot get in, and choosing a new password by mail does not help. Make sure who asks you, by something other than a mail; then:

	broker users factors ada@example.org --remove

The account opens with the password or a linked account alone from then on, until the person sets a second factor up again. The audit trail and a mail tell of it.`
}

// Run shows or removes the second factor of an account.
func (c usersFactors) Run(ctx context.Context, p *program) error {
	r, u, err := p.roomsFor(ctx, c.User)
	if err != nil {
		return err
	}
	defer r.close()
	v, err := r.factors(ctx, u)
	if err != nil {
		return err
	}
	if c.Forget {
		if v.Forgotten, err = r.accounts.ForgetBrowsers(ctx, u.ID, ""); err != nil {
			return err
		}
		v.Browsers = 0
	}
	if c.Remove {
		err := r.accounts.ResetFactors(ctx, u.ID)
		if errors.Is(err, local.ErrFactorGone) {
			return fmt.Errorf("%s has no second factor", u.ID)
		}
		if err != nil {
			return err
		}
		v.Removed, v.CodesLeft, v.Browsers = true, 0, 0
	}
	return c.print(p.out, v, v.print)
}
