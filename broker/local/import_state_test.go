package local

import (
	"errors"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/store/storetest"
)

// TestImportedStates: whether the address is proven, whether somebody vouches for the person, a block
// with its reason and whether the account opens come as facts of their own, each with its
// time; and nobody comes in who did not there, nor stays out once an operator takes it back.
func TestImportedStates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		a, ctx := importing(t, db), t.Context()
		on := func(day int) time.Time { return time.Date(2020, 1, day, 0, 0, 0, 0, time.UTC) }
		if _, err := a.SetDomain(ctx, "blocked.example", broker.DomainBlocked, nil); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			n        Imported
			want     broker.User // of its times, of the block and of who vouches
			disabled bool
		}{
			{n: Imported{Email: "nothing@example.org"}, want: broker.User{EmailVouchedBy: importedBy}},
			{n: Imported{Email: "proven@example.org", EmailVerified: true}, want: broker.User{EmailVerifiedAt: on(1)}},
			{n: Imported{Email: "confirmed@example.org", ConfirmedAt: on(2)}, want: broker.User{EmailVerifiedAt: on(2)}},
			{n: Imported{Email: "verified@example.org", ConfirmedAt: on(2), VerifiedAt: on(3)}, want: broker.User{EmailVerifiedAt: on(2), VerifiedAt: on(3)}},
			{n: Imported{Email: "unproven@example.org", VerifiedAt: on(3)}, want: broker.User{EmailVouchedBy: importedBy, VerifiedAt: on(3)}},
			{n: Imported{Email: "off@example.org", ConfirmedAt: on(2), Disabled: true}, want: broker.User{EmailVerifiedAt: on(2)}, disabled: true},
			{n: Imported{Email: "blocked@example.org", ConfirmedAt: on(2), BlockedAt: on(4), BlockedReason: " Sent  spam. "},
				want: broker.User{EmailVerifiedAt: on(2), BlockedAt: on(4), BlockedReason: "Sent spam."}, disabled: true},
			{n: Imported{Email: "invenio@example.org", ConfirmedAt: on(2), BlockedAt: on(4), Disabled: true}, want: broker.User{EmailVerifiedAt: on(2), BlockedAt: on(4)}, disabled: true},
			{n: Imported{Email: "old@blocked.example", ConfirmedAt: on(2), BlockedAt: on(4)}, want: broker.User{EmailVerifiedAt: on(2), BlockedAt: on(4)}, disabled: true},
		} {
			tt.n.CreatedAt, tt.n.PasswordHash = on(1), broker.Secret(foreignHashes["bcrypt"])
			if _, err := a.Import().Check(ctx, tt.n); err != nil {
				t.Errorf("%s: %v", tt.n.Email, err)
				continue
			}
			if n, err := a.Import().Write(ctx, []Imported{tt.n}); n != 1 || err != nil {
				t.Errorf("%s: %d, %v", tt.n.Email, n, err)
				continue
			}
			u, err := db.UserByEmail(ctx, tt.n.Email)
			if err != nil || !u.EmailVerifiedAt.Equal(tt.want.EmailVerifiedAt) || u.EmailVouchedBy != tt.want.EmailVouchedBy || !u.VerifiedAt.Equal(tt.want.VerifiedAt) ||
				u.VerifiedBy != "" || !u.BlockedAt.Equal(tt.want.BlockedAt) || u.BlockedReason != tt.want.BlockedReason || u.Disabled() != tt.disabled || u.Waiting() || u.Closed() {
				t.Errorf("%s: %+v, %v", tt.n.Email, u, err)
			}
			_, _, err = a.Authenticate(ctx, tt.n.Email, foreignPassword("bcrypt"))
			if tt.disabled != errors.Is(err, broker.ErrDisabled) || !tt.disabled && err != nil {
				t.Errorf("%s: signs in: %v", tt.n.Email, err)
			}
			if !u.Blocked() {
				continue
			}
			if err := a.SetState(ctx, u.ID, broker.OpUnblock, ""); err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.Authenticate(ctx, tt.n.Email, foreignPassword("bcrypt")); err != nil {
				t.Errorf("%s, unblocked: %v", tt.n.Email, err)
			}
		}
	})
}
