package local

import (
	"context"

	"idbroker/broker"
)

// mapped makes a list of another, never nil: an empty list says that there is nothing.
func mapped[From, To any](list []From, to func(From) To) []To {
	out := make([]To, 0, len(list))
	for _, one := range list {
		out = append(out, to(one))
	}
	return out
}

func exportIdentity(i broker.UserIdentity) ExportedIdentity {
	return ExportedIdentity{Provider: i.Provider, Issuer: i.Issuer, Subject: i.Subject, LinkedAt: i.CreatedAt, LastUsedAt: i.LastUsedAt}
}

// exportLinks reads what opens the account, what providers told, and what has changed.
func (a *Accounts) exportLinks(ctx context.Context, id broker.UserID, e *Export) error {
	identities, err := a.store.IdentitiesOf(ctx, id)
	if err != nil {
		return err
	}
	accounts, err := a.store.RemoteAccountsOf(ctx, id)
	if err != nil {
		return err
	}
	changes, err := a.store.LinkChangesOf(ctx, id, exportedChanges)
	if err != nil {
		return err
	}
	e.Identities = mapped(identities, exportIdentity)
	e.Accounts = mapped(accounts, func(r broker.RemoteAccount) ExportedAccount {
		return ExportedAccount{
			Provider: r.Provider, Issuer: r.Issuer, Subject: r.Subject, Username: r.Username, Name: r.Name, Email: r.Email, EmailVerified: r.EmailVerified, Locale: r.Locale,
			ProfileURL: r.ProfileURL, Extra: r.Extra, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		}
	})
	snapshot := func(s *broker.LinkSnapshot) *ExportedIdentity {
		if s == nil {
			return nil
		}
		i := exportIdentity(s.Identity)
		return &i
	}
	e.Changes = mapped(changes, func(c broker.LinkChange) ExportedChange {
		return ExportedChange{
			Provider: c.Provider, Added: snapshot(c.Added), Removed: snapshot(c.Removed), ChangedAt: c.ChangedAt, UndoUntil: c.ExpiresAt, UndoneAt: c.UndoneAt,
		}
	})
	return nil
}

// exportFactors reads what the person shows beside the first thing. The number stands
// there whole: it is theirs.
func (a *Accounts) exportFactors(ctx context.Context, id broker.UserID, e *Export) error {
	factors, err := a.store.Factors(ctx, id)
	if err != nil {
		return err
	}
	e.Factors = mapped(factors, func(f broker.Factor) ExportedFactor {
		out := ExportedFactor{Kind: f.Kind, CreatedAt: f.CreatedAt, ConfirmedAt: f.ConfirmedAt, LastUsedAt: f.LastUsedAt, CodeSentAt: f.CodeAt}
		switch {
		case f.Kind == broker.FactorSMS, f.Kind == broker.FactorNextSMS:
			out.Number = f.Number()
		case f.Kind.Former():
			out.Kind, out.Number, out.KeptUntil = "sms-former", f.Number(), f.Until
		}
		return out
	})
	return nil
}

// exportAccess reads what signs the person in, where they are, and which applications may
// see what.
func (a *Accounts) exportAccess(ctx context.Context, id broker.UserID, e *Export) error {
	passkeys, err := a.store.PasskeysOf(ctx, id)
	if err != nil {
		return err
	}
	sessions, err := a.store.SessionsOf(ctx, id)
	if err != nil {
		return err
	}
	signIns, err := a.store.SignInsOf(ctx, id)
	if err != nil {
		return err
	}
	consents, err := a.store.ConsentsOf(ctx, id)
	if err != nil {
		return err
	}
	grants, err := a.store.GrantsOf(ctx, id)
	if err != nil {
		return err
	}
	e.Passkeys = mapped(passkeys, func(p broker.Passkey) ExportedPasskey {
		return ExportedPasskey{
			Name: p.Name, CredentialID: p.CredentialID, PublicKey: p.PublicKey, SignCount: p.SignCount, Syncable: p.Syncable, Synced: p.Synced,
			Transports: p.Transports, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt,
		}
	})
	former, err := a.store.FormerUsernamesOf(ctx, id)
	if err != nil {
		return err
	}
	e.Former = mapped(former, func(f broker.FormerUsername) ExportedFormer {
		return ExportedFormer{GivenUpAt: f.CreatedAt, KeptUntil: f.Until}
	})
	e.Sessions = mapped(sessions, func(s broker.Session) ExportedSession {
		return ExportedSession{
			SID: s.SID, AuthTime: s.AuthTime, AMR: s.AMR, ACR: s.ACR, Provider: s.Provider, UserAgent: s.UserAgent, IP: s.IP, IPAt: s.IPAt,
			Remembered: s.Lasting, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
		}
	})
	e.SignInTimes = signIns.Times
	recent := []broker.SignIn{signIns.Last, signIns.Before}
	e.SignIns = mapped(recent[:min(signIns.Times, len(recent))], func(s broker.SignIn) ExportedSignIn {
		return ExportedSignIn{At: s.At, IP: s.IP, Provider: s.Provider, Detail: s.Detail}
	})
	remembered, err := a.store.RememberedOf(ctx, id)
	if err != nil {
		return err
	}
	e.Remembered = mapped(remembered, func(b broker.RememberedBrowser) ExportedBrowser {
		return ExportedBrowser{Browser: b.Browser, IP: b.IP, CreatedAt: b.CreatedAt, LastUsedAt: b.LastUsedAt, ExpiresAt: b.ExpiresAt}
	})
	e.Consents = mapped(consents, func(c broker.Consent) ExportedConsent {
		return ExportedConsent{ClientID: c.ClientID, Scopes: c.Scopes, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	})
	e.Grants = mapped(grants, func(g broker.Grant) ExportedGrant {
		return ExportedGrant{
			ClientID: g.ClientID, SID: g.SID, Scopes: g.Scopes, Audience: g.Audience, AuthTime: g.AuthTime, Provider: g.Provider,
			CreatedAt: g.CreatedAt, LastUsedAt: g.LastUsedAt, ExpiresAt: g.ExpiresAt,
		}
	})
	return nil
}

// exportEvents reads the audit trail of the account.
func (a *Accounts) exportEvents(ctx context.Context, id broker.UserID, e *Export) error {
	events, err := a.store.Events(ctx, id, exportedEvents+1)
	if err != nil {
		return err
	}
	if e.EventsOmitted = len(events) > exportedEvents; e.EventsOmitted {
		events = events[:exportedEvents]
	}
	e.Events = mapped(events, func(v broker.Event) ExportedEvent {
		return ExportedEvent{At: v.At, Name: v.Name, ClientID: v.ClientID, Provider: v.Provider, SID: v.SID, IP: v.IP, Detail: v.Detail}
	})
	return nil
}
