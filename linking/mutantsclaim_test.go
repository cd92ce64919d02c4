package linking_test

import (
	"context"
	"strings"
	"time"

	"idbroker/broker"
)

// claimPromises are what the database keeps of who proved an address, and of codes.
var claimPromises = []string{
	"re-claim ends sessions", "re-claim removes links", "re-claim voids ways back",
	"accounts remember who vouched", "what was vouched for stays so at another address", "linking by e-mail looks for local proof",
	"identities are known by their issuer", "codes work once", "codes are of one browser", "guesses are counted",
	"a changed account voids codes",
}

// reclaims tells whether writing u re-claims its account.
func (d defective) reclaims(ctx context.Context, u broker.User) bool {
	was, err := d.DB.User(ctx, u.ID)
	return err == nil && was.EmailVouchedBy != "" && u.EmailVouchedBy == "" && u.EmailVerified()
}

// claimed is what UpdateUser makes of a user where a promise is broken.
func (d defective) claimed(ctx context.Context, u broker.User) broker.User {
	switch {
	case d.lacks == "what was vouched for stays so at another address" && u.EmailVerifiedAt.IsZero():
		u.EmailVouchedBy = ""
	case !strings.HasPrefix(d.lacks, "re-claim") || !d.reclaims(ctx, u):
	case d.lacks == "re-claim ends sessions":
		*d.claim = u.ID
	}
	return u
}

func (d defective) CreateUser(ctx context.Context, u broker.User) error {
	if d.lacks == "accounts remember who vouched" {
		u.EmailVouchedBy = ""
	}
	return d.failing.CreateUser(ctx, u)
}

func (d defective) LockUser(ctx context.Context, id broker.UserID) (broker.User, error) {
	u, err := d.failing.LockUser(ctx, id)
	if d.lacks == "linking by e-mail looks for local proof" && d.linking {
		u.EmailVouchedBy, u.EmailVerifiedAt = "", u.CreatedAt
	}
	return u, err
}

func (d defective) KnownIdentity(ctx context.Context, provider, issuer, subject string) (broker.KnownIdentity, error) {
	if d.lacks == "identities are known by their issuer" {
		issuer = key{provider: provider}.url()
	}
	return d.failing.KnownIdentity(ctx, provider, issuer, subject)
}

func (d defective) LastMailCode(ctx context.Context, login broker.LoginID) (broker.MailCode, error) {
	c, err := d.failing.LastMailCode(ctx, login)
	if u, found := d.DB.User(ctx, c.UserID); found == nil && d.lacks == "a changed account voids codes" {
		c.Version = u.Version
	}
	return c, err
}

func (d defective) TryMailCode(ctx context.Context, id string, most int, at time.Time) error {
	err := d.failing.TryMailCode(ctx, id, most, at)
	if d.lacks == "codes work once" || d.lacks == "guesses are counted" {
		return nil
	}
	return err
}

func (d defective) SpendMailCode(ctx context.Context, id string, at time.Time) error {
	err := d.failing.SpendMailCode(ctx, id, at)
	if d.lacks == "codes work once" {
		return nil
	}
	return err
}
