package linking_test

import (
	"context"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idbroker/broker"
	"idbroker/store/storetest"
)

// defective is a database on which one promise is not kept.
type defective struct {
	*failing
	lacks   string
	linking bool           // it is linking that asks
	claim   *broker.UserID // who has just been re-claimed
}

func (d defective) SpendAttempt(ctx context.Context, hash string, at time.Time) error {
	if d.lacks == "attempts are spent" {
		return nil
	}
	return d.failing.SpendAttempt(ctx, hash, at)
}

func (d defective) Attempt(ctx context.Context, hash string) (broker.Attempt, error) {
	a, err := d.failing.Attempt(ctx, hash)
	if d.lacks == "attempts know their purpose" {
		a.Purpose = broker.PurposeSignIn
	}
	return a, err
}

func (d defective) MailToken(ctx context.Context, hash string) (broker.MailToken, error) {
	t, err := d.failing.MailToken(ctx, hash)
	if d.lacks == "a changed account voids mailed links" {
		if u, err := d.failing.User(ctx, t.UserID); err == nil {
			t.Version = u.Version
		}
	}
	return t, err
}

func (d defective) EndSessions(ctx context.Context, u broker.UserID, except string) ([]string, error) {
	switch d.lacks {
	case "sessions end":
		return nil, nil
	case "re-claim ends sessions":
		if *d.claim == u {
			*d.claim = ""
			return nil, nil
		}
	case "one's own session stays":
		except = ""
	}
	return d.failing.EndSessions(ctx, u, except)
}

func (d defective) Enqueue(ctx context.Context, e broker.OutboxEntry) error {
	if d.lacks == "tokens are revoked" && e.Kind == broker.OutboxRevoke {
		return nil
	}
	return d.failing.Enqueue(ctx, e)
}

func (d defective) UpdateUser(ctx context.Context, u broker.User) error {
	if d.lacks == "a changed address is unproven" && u.EmailVerifiedAt.IsZero() {
		u.EmailVerifiedAt = u.UpdatedAt
	}
	return d.failing.UpdateUser(ctx, d.claimed(ctx, u))
}

func (d defective) VoidLinkChanges(ctx context.Context, u broker.UserID, since time.Time) error {
	if d.lacks == "a changed address voids ways back" {
		return nil
	}
	if who, err := d.DB.User(ctx, u); err == nil && d.lacks == "re-claim voids ways back" && who.EmailVouchedBy != "" {
		return nil
	}
	return d.failing.VoidLinkChanges(ctx, u, since)
}

func (d defective) DeleteIdentity(ctx context.Context, id string) error {
	if d.lacks == "removed identities go" {
		return nil
	}
	return d.failing.DeleteIdentity(ctx, id)
}

func (d defective) IdentitiesOf(ctx context.Context, u broker.UserID) ([]broker.UserIdentity, error) {
	all, err := d.failing.IdentitiesOf(ctx, u)
	if d.lacks == "the last way in is counted" {
		all = append(all, broker.UserIdentity{ID: "ghost", UserID: u, Provider: "two"})
	}
	return all, err
}

// mutantSteps is what a broken promise may hide in.
const mutantSteps = 100_000

// TestServiceCanFail breaks one promise of the database at a time, under the
// service: the walk finds each. That mailed links and attempts end in time, and that
// mailed links are spent, is not among them: each is refused in two places. Nor is
// that who has no session yet begins anew, or that a re-claim takes the password: a walk may take a
// hundred thousand steps to notice. TestReclaimByCode, TestReclaimBySignUp and TestThrownOutMeanwhile (web)
// look at these directly.
func TestServiceCanFail(t *testing.T) {
	needWalks(t)
	setFlags(t, "rapid.shrinktime", "0s", "rapid.nofailfile", "true", "rapid.steps", walkLength)
	if _, err := os.Stat(memory); err == nil {
		t.Setenv("TMPDIR", memory)
	}
	for _, lacks := range append([]string{
		"units of work", "attempts are spent", "attempts know their purpose",
		"a changed account voids mailed links", "sessions end", "one's own session stays", "tokens are revoked", "a changed address is unproven",
		"a changed address voids ways back", "removed identities go", "the last way in is counted",
	}, claimPromises...) {
		t.Run(lacks, func(t *testing.T) {
			rec, c := &recorder{TB: t}, newTally()
			r := newReal(t, storetest.SQLite(t))
			r.t, r.over, r.db.unitless = rec, defective{failing: r.db, lacks: lacks, claim: new(broker.UserID)}, lacks == "units of work"
			r.loose, r.keeps = lacks == "codes are of one browser", lacks == "re-claim removes links"
			r.restart()
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(rec) {
						panic(p)
					}
				}()
				for c.steps < mutantSteps {
					rapid.Check(rec, func(t *rapid.T) {
						r.reset()
						walk(t, r, c)
					})
				}
			}()
			if !rec.failed {
				t.Errorf("nobody notices in %d steps", c.steps)
			}
			t.Logf("noticed after %d steps", c.steps)
		})
	}
}
