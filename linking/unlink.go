package linking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idbroker/broker"
)

// Unlink removes an identity of the session's user, with what we know of it and
// its tokens. It needs a recent sign-in (link.stale) and keeps the last way in
// (link.last). Providers that are hidden or no longer configured can be unlinked.
func (l *Linker) Unlink(ctx context.Context, s broker.Session, provider, identityID string) error {
	at := time.Now()
	f := UnlinkFacts{SignedIn: s.UserID != "", Fresh: s.Fresh(l.fresh, at)}
	return l.unlink(ctx, f, s.UserID, at, func(ctx context.Context, user broker.User, i broker.UserIdentity) error {
		removed, err := l.detach(ctx, i, at)
		if err != nil {
			return err
		}
		return l.changed(ctx, user, broker.LinkChange{Provider: i.Provider, Removed: removed}, "unlinked", l.Title(i.Provider), at)
	}, func(i broker.UserIdentity) bool { return i.Provider == provider && i.ID == identityID }, l.Title(provider))
}

// UnlinkFor is Unlink by an operator: it ends the user's sessions too, and the
// person, who is told, cannot take it back. The last way in goes only when
// forced (link.last).
func (l *Linker) UnlinkFor(ctx context.Context, id broker.UserID, identityID string, forced bool) error {
	at := time.Now()
	return l.unlink(ctx, UnlinkFacts{Operator: true, Forced: forced}, id, at, func(ctx context.Context, user broker.User, i broker.UserIdentity) error {
		if _, err := l.detach(ctx, i, at); err != nil {
			return err
		}
		if err := l.signOut(ctx, user, "", "operator", at); err != nil {
			return err
		}
		return l.tell(ctx, user, "unlinked-for-you", l.Title(i.Provider), nil, at)
	}, func(i broker.UserIdentity) bool { return i.ID == identityID }, "")
}

// unlink gathers the facts about the identity that which names, decides, and
// lets do carry it out, in one unit of work.
func (l *Linker) unlink(ctx context.Context, f UnlinkFacts, id broker.UserID, at time.Time,
	do func(context.Context, broker.User, broker.UserIdentity) error, which func(broker.UserIdentity) bool, title string,
) error {
	err := l.store.InTx(ctx, func(ctx context.Context) error {
		var user broker.User
		var found broker.UserIdentity
		if id != "" {
			var err error
			if user, err = l.store.LockUser(ctx, id); err != nil { // two tabs cannot each remove the last but one
				return fmt.Errorf("lock user: %w", err)
			}
			f.Disabled = user.Disabled()
			identities, err := l.store.IdentitiesOf(ctx, id)
			if err != nil {
				return fmt.Errorf("identities: %w", err)
			}
			has, err := l.openers(ctx, user)
			if err != nil {
				return err
			}
			for _, i := range identities {
				if which(i) {
					found, f.Owned, f.Opens, f.Others = i, true, l.usable(i.Provider), l.waysIn(has, identities, i.ID).Lasting()
				}
			}
		}
		if err := DecideUnlink(f); err != nil {
			return err
		}
		return do(ctx, user, found)
	})
	if e, ok := errors.AsType[*broker.Error](err); ok && title != "" && (errors.Is(err, ErrLast) || errors.Is(err, ErrStale)) {
		return e.With("provider", title)
	}
	return err
}

// signOut ends the sessions of a user but one, with the grants that hang on
// them, and whatever has been authenticated and has not become a session yet.
// Grants of sessions that are over end too: a thief may have let an application
// in for good, and left.
func (l *Linker) signOut(ctx context.Context, user broker.User, exceptSID, reason string, at time.Time) error {
	ended, err := l.store.EndSessions(ctx, user.ID, exceptSID)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, sid := range ended {
		if _, err := l.endGrants(ctx, broker.GrantFilter{UserID: user.ID, SID: sid}, reason, at); err != nil {
			return fmt.Errorf("end grants: %w", err)
		}
	}
	if _, err := l.store.RevokeGrants(ctx, broker.GrantFilter{UserID: user.ID, ExceptSID: exceptSID}, reason, at); err != nil {
		return fmt.Errorf("revoke grants: %w", err)
	}
	user.SignedOutAt, user.UpdatedAt = at, at
	if err := l.store.UpdateUser(ctx, user); err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return nil
}
