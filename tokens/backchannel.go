package tokens

import (
	"context"
	"fmt"
	"slices"
	"time"

	"idbroker/broker"
)

// EndGrants ends the grants that f selects, and leaves word in the outbox for
// the applications that the people were signed in to (OpenID Connect
// Back-Channel Logout 1.0), in one unit of work. It returns how many grants
// ended.
//
// Where f names a session, its applications are told of that session. Otherwise
// they are told that the person is out everywhere; an application that wants to
// hear of sessions only gets word of each.
func (s *Service) EndGrants(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (ended int, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		who, err := s.store.Participants(ctx, f)
		if err != nil {
			return err
		}
		if ended, err = s.store.RevokeGrants(ctx, f, reason, at); err != nil {
			return err
		}
		if ended == 0 && f.ClientID != "" {
			return nil // there is no more to take back: a repetition must not write to the application again
		}
		return s.tell(ctx, who, f.SID, at)
	})
	if err != nil {
		return 0, fmt.Errorf("end grants: %w", err)
	}
	if ended > 0 {
		s.log.InfoContext(ctx, "grants ended", "user", string(f.UserID), "client", f.ClientID, "sid", f.SID, "count", ended, "reason", reason)
	}
	return ended, nil
}

// tell puts a notice into the outbox for each participant whose application can
// hear it.
func (s *Service) tell(ctx context.Context, who []broker.Participant, sid string, at time.Time) error {
	ids := make([]string, len(who))
	for i, p := range who {
		ids[i] = p.ClientID
	}
	slices.Sort(ids)
	clients, err := s.store.ClientsNamed(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	told := map[broker.LogoutNotice]bool{}
	for _, p := range who {
		c := clients[p.ClientID]
		if c.Metadata.BackchannelLogoutURI == "" || !c.DisabledAt.IsZero() {
			continue
		}
		n := broker.LogoutNotice{URI: c.Metadata.BackchannelLogoutURI, ClientID: c.ID, Alg: c.IDTokenAlg, Subject: s.subjectOf(c, p.UserID)}
		if e := idTokenEncryption(c); e.alg != "" {
			n.EncryptionAlg, n.EncryptionEnc, n.JWKS, n.JWKSURI = e.alg, e.enc, c.Metadata.JWKS, c.Metadata.JWKSURI
		}
		if sid != "" || c.Metadata.BackchannelLogoutSessionRequired {
			n.SID = p.SID
		}
		if n.SID == "" && c.Metadata.BackchannelLogoutSessionRequired || told[n] {
			continue
		}
		told[n] = true
		if err := s.store.Enqueue(ctx, n.Entry(at)); err != nil {
			return fmt.Errorf("tell %s: %w", c.ID, err)
		}
	}
	return nil
}
