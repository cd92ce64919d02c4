package storetest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

func TestDomains(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		d := broker.Domain{Name: "evil.example", Status: broker.DomainBlocked, FlaggedBy: "a list", DecidedAt: at, CreatedAt: at, UpdatedAt: at}
		ok(t, db.SaveDomain(ctx, d))
		ok(t, db.NoteDomain(ctx, d.Name, at.Add(1e9))) // changes nothing
		same(t, must(db.DomainsNamed(ctx, []string{"evil.example"}))(t), []broker.Domain{d})
		later := d
		later.Status, later.FlaggedBy, later.DecidedAt, later.UpdatedAt, later.CreatedAt = broker.DomainVerified, "", at.Add(1e9), at.Add(1e9), at.Add(1e9)
		ok(t, db.SaveDomain(ctx, later))
		later.CreatedAt = at
		same(t, must(db.DomainsNamed(ctx, broker.DomainAndAbove("a.b.c.d.e.evil.example")))(t), []broker.Domain{later})

		ok(t, db.NoteDomain(ctx, "a.evil.example", at))
		noted := broker.Domain{Name: "a.evil.example", Status: broker.DomainNew, CreatedAt: at, UpdatedAt: at}
		below := broker.Domain{Name: "b.evil.example", Status: broker.DomainNew, DecidedAt: at, CreatedAt: at, UpdatedAt: at}
		beside := broker.Domain{Name: "notevil.example", Status: broker.DomainBlocked, FlaggedBy: "x", DecidedAt: at, CreatedAt: at, UpdatedAt: at}
		ok(t, errors.Join(db.SaveDomain(ctx, below), db.SaveDomain(ctx, beside)))
		same(t, must(db.DomainsUnder(ctx, "evil.example"))(t), []broker.Domain{below})
		same(t, must(db.Domains(ctx, "", false, "", 9))(t), []broker.Domain{noted, below, later, beside})
		same(t, must(db.Domains(ctx, "", false, "b", 2))(t), []broker.Domain{below, later})
		same(t, must(db.Domains(ctx, broker.DomainBlocked, false, "", 9))(t), []broker.Domain{beside})
		same(t, must(db.Domains(ctx, "", true, "", 9))(t), []broker.Domain{beside})
		if got := must(db.DomainsNamed(ctx, strings.Split(strings.Repeat("x.", 200)+"evil.example,evil.example", ",")))(t); len(got) != 1 {
			t.Errorf("%+v", got)
		}
		ok(t, db.DeleteDomain(ctx, "evil.example"))
		if err := db.DeleteDomain(ctx, "evil.example"); !errors.Is(err, broker.ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestDomainCounts by what stands in addresses, and the filters of a list.
func TestDomainCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, at := context.Background(), now()
		for id, u := range map[broker.UserID]broker.User{
			"a": {Email: "a@example.org", EmailVerifiedAt: at}, "b": {Email: "example.org@example.org", VerifiedAt: at, EmailVerifiedAt: at},
			"c": {Email: "c@sub.example.org", DisabledAt: at, BlockedAt: at, BlockedReason: "spam"}, "d": {Email: "d@b\u00fccher.example", DisabledAt: at, WaitingAt: at}, "e": {EraseAt: at},
		} {
			u.ID, u.CreatedAt, u.UpdatedAt = id, at, at
			ok(t, db.CreateUser(ctx, u))
		}
		same(t, must(db.DomainCounts(ctx))(t), []broker.DomainCount{
			{Name: "b\u00fccher.example", Users: 1, Waiting: 1}, {Name: "example.org", Users: 2, Active: 2, Confirmed: 2, Verified: 1},
			{Name: "sub.example.org", Users: 1, Blocked: 1},
		})
		for want, f := range map[string]broker.UserFilter{
			"a b c d e": {}, "c d": {Disabled: true}, "c": {Blocked: true}, "d": {Waiting: true}, "b": {Verified: true}, "": {Verified: true, Blocked: true},
			"a b e": {Active: true}, "e": {Closed: true}, "a b c": {Domains: []string{"example.org"}}, "a b": {Domains: []string{"example.org"}, Active: true},
			"a b c d": {Domains: []string{"b\u00fccher.example", "example.org"}},
		} {
			var ids []string
			for _, u := range must(db.UsersWho(ctx, f, "", 9))(t) {
				ids = append(ids, string(u.ID))
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("%+v: %s", f, got)
			}
		}
		all := must(db.Addresses(ctx, "b", 2))(t)
		same(t, all, []broker.User{{ID: "c", Email: "c@sub.example.org", BlockedAt: at}, {ID: "d", Email: "d@b\u00fccher.example"}})
	})
}
