package broker_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// everyState calls f with an account in each state that there is: every
// combination of facts in which whoever is blocked, waits or has closed is disabled.
func everyState(at time.Time, f func(u broker.User)) {
	for bits := range 1 << 6 {
		u := broker.User{ID: "u", Email: "ada@example.org", UpdatedAt: at.Add(-9 * time.Hour)}
		if bits&1 != 0 {
			u.EmailVerifiedAt = at.Add(-8 * time.Hour)
		}
		if bits&2 != 0 {
			u.VerifiedAt, u.VerifiedBy = at.Add(-7*time.Hour), "example.org"
		}
		if bits&4 != 0 {
			u.DisabledAt, u.EraseAt = at.Add(-6*time.Hour), at.Add(time.Hour)
		}
		if bits&8 != 0 {
			u.DisabledAt, u.WaitingAt = at.Add(-5*time.Hour), at.Add(-5*time.Hour)
		}
		if bits&16 != 0 {
			u.DisabledAt, u.EraseAt = at.Add(-4*time.Hour), time.Time{}
		}
		if bits&32 != 0 {
			u, _ = broker.OpBlock.On(u, "spam", at.Add(-3*time.Hour))
		}
		f(u)
	}
}

// TestTableOfStates holds the table of docs/accounts.md to the rules, from every
// state.
func TestTableOfStates(t *testing.T) {
	text, err := os.ReadFile("../docs/accounts.md")
	if err != nil {
		t.Fatal(err)
	}
	at, rows := time.Now(), 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		op := broker.StateOperation(cells[0])
		if len(cells) != 8 || !strings.Contains(" verify block unblock activate deactivate ", " "+cells[0]+" ") {
			continue
		}
		rows++
		everyState(at, func(u broker.User) {
			got, _ := op.On(u, "a reason", at)
			fact := func(name, want string, before, after time.Time) {
				ok := true
				switch want {
				case "kept":
					ok = after.Equal(before)
				case "cleared":
					ok = after.IsZero()
				case "now":
					ok = !after.IsZero() && (before.IsZero() && after.Equal(at) || !before.IsZero())
				default:
					t.Fatalf("%s: %q means nothing", name, want)
				}
				if !ok {
					t.Errorf("%s of %+v: %s is %v, was %v; the table says %q", op, u, name, after, before, want)
				}
			}
			switch cells[1] {
			case "yes", "no":
				if active := got.DisabledAt.IsZero(); active != (cells[1] == "yes") {
					t.Errorf("%s of %+v: active %t", op, u, active)
				}
			case "as before":
			default:
				t.Fatalf("active: %q", cells[1])
			}
			fact("confirmed", cells[2], u.EmailVerifiedAt, got.EmailVerifiedAt)
			fact("verified", cells[3], u.VerifiedAt, got.VerifiedAt)
			fact("blocked", cells[4], u.BlockedAt, got.BlockedAt)
			fact("waiting", cells[5], u.WaitingAt, got.WaitingAt)
			fact("closed", cells[6], u.EraseAt, got.EraseAt)
			if op.Shuts() != (cells[7] == "yes") {
				t.Errorf("%s: shuts %t", op, op.Shuts())
			}
		})
	}
	if rows != 5 {
		t.Errorf("%d rows", rows)
	}
}

// TestStatesHold: whatever is done, and twice: who is blocked, waits or has closed is
// disabled; who is disabled is refused, with the reason of what weighs most; who is not, is not.
func TestStatesHold(t *testing.T) {
	at := time.Now()
	everyState(at, func(u broker.User) {
		for _, op := range []broker.StateOperation{broker.OpVerify, broker.OpBlock, broker.OpUnblock, broker.OpActivate, broker.OpDeactivate, ""} {
			got, changed := op.On(u, "a reason", at)
			if changed == (reflect.DeepEqual(got, u)) {
				t.Errorf("%s of %+v: changed %t", op, u, changed)
			}
			if twice, again := op.On(got, "a reason", at.Add(time.Minute)); again || !reflect.DeepEqual(twice, got) {
				t.Errorf("%s twice of %+v: %+v", op, u, twice)
			}
			if (got.Blocked() || got.Waiting() || got.Closed()) && !got.Disabled() {
				t.Errorf("%s of %+v lets in whom it must not: %+v", op, u, got)
			}
			if got.BlockedReason != "" && !got.Blocked() || got.VerifiedBy != "" && !got.Verified() {
				t.Errorf("%s of %+v leaves %+v", op, u, got)
			}
			if changed && op.Shuts() && !got.SignedOutAt.Equal(at) {
				t.Errorf("%s of %+v: sign-ins under way go on", op, u)
			}
			why := got.Refusal()
			if (why != nil) != got.Disabled() {
				t.Errorf("%+v: refused with %v", got, why)
			}
			if e, ok := errors.AsType[*broker.Error](why); ok && got.Blocked() && (!errors.Is(why, broker.ErrDisabled) || e.Words() != "account.blocked_for" || e.Args["reason"] != got.BlockedReason) {
				t.Errorf("%+v: refused with %+v", got, e)
			}
		}
		if !u.Blocked() {
			blocked, _ := broker.OpBlock.On(u, "", at)
			back, _ := broker.OpUnblock.On(blocked, "", at)
			if back.Disabled() != (u.Disabled() && (u.Waiting() || !u.Closed())) || back.Waiting() != u.Waiting() {
				t.Errorf("blocked and unblocked, %+v is %+v", u, back)
			}
		}
	})
}

func TestStanding(t *testing.T) {
	at := time.Now()
	decided := func(name string, s broker.DomainStatus) broker.Domain {
		return broker.Domain{Name: name, Status: s, DecidedAt: at}
	}
	noted := func(name string) broker.Domain { return broker.Domain{Name: name, Status: broker.DomainNew} }
	known := []broker.Domain{
		decided("evil.example", broker.DomainBlocked), noted("a.evil.example"), decided("good.evil.example", broker.DomainNew),
		decided("x.good.evil.example", broker.DomainVerified), noted("other.example"),
	}
	for name, want := range map[string]struct {
		status broker.DomainStatus
		by     string
	}{
		"evil.example": {broker.DomainBlocked, "evil.example"}, "a.evil.example": {broker.DomainBlocked, "evil.example"},
		"b.c.evil.example": {broker.DomainBlocked, "evil.example"}, "good.evil.example": {broker.DomainNew, "good.evil.example"},
		"y.good.evil.example": {broker.DomainNew, "good.evil.example"}, "x.good.evil.example": {broker.DomainVerified, "x.good.evil.example"},
		"notevil.example": {broker.DomainModerated, "notevil.example"}, "example": {broker.DomainModerated, "example"},
		"other.example": {broker.DomainModerated, "other.example"},
	} {
		if got := broker.Standing(name, known, broker.DomainModerated); got.Status != want.status || got.Name != want.by {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCleanReason(t *testing.T) {
	for in, want := range map[string]string{"": "", "  Spam \n was  posted. ": "Spam was posted."} {
		if got, ok := broker.CleanReason(in); !ok || got != want {
			t.Errorf("%q: %q, %t", in, got, ok)
		}
	}
	for _, bad := range []string{"a\x1b[31m", "\xff", "a\u202eb", strings.Repeat("é", broker.MaxReason+1)} {
		if got, ok := broker.CleanReason(bad); ok {
			t.Errorf("%q became %q", bad, got)
		}
	}
}
