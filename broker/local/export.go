package local

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"idbroker/broker"
)

const (
	// exportedEvents bounds what one export reads of the audit trail: years of a
	// busy person. Export.EventsOmitted says that there is more.
	exportedEvents = 20_000
	// exportedChanges is the same for changes of links, which are kept for days.
	exportedChanges = 1_000
)

// Export is what the broker knows of a person, for the person: no secret is in it,
// nor what was made of one. Times are RFC 3339; what is not known is left out.
type Export struct {
	Issuer        string             `json:"issuer"`
	ExportedAt    time.Time          `json:"exported_at"`
	Profile       ExportedProfile    `json:"profile"`
	Identities    []ExportedIdentity `json:"identities"`      // what opens the account
	Accounts      []ExportedAccount  `json:"remote_accounts"` // what the providers told
	Changes       []ExportedChange   `json:"link_changes"`    // that are not forgotten yet, the last first
	Passkeys      []ExportedPasskey  `json:"passkeys"`
	Factors       []ExportedFactor   `json:"second_factors"`
	Sessions      []ExportedSession  `json:"sessions"`
	SignIns       []ExportedSignIn   `json:"sign_ins"`       // the latest and the one before it
	SignInTimes   int                `json:"sign_ins_total"` // since they are counted
	Remembered    []ExportedBrowser  `json:"remembered_browsers"`
	Consents      []ExportedConsent  `json:"consents"`
	Grants        []ExportedGrant    `json:"grants"`           // that let applications in now
	Former        []ExportedFormer   `json:"former_usernames"` // that nobody else can take; the names are not kept
	Events        []ExportedEvent    `json:"events"`           // the last first
	EventsOmitted bool               `json:"events_omitted,omitempty"`
}

// ExportedProfile is an account by the claims of OpenID Connect Core 1.0, section
// 5.1, and what we add to them.
type ExportedProfile struct {
	Subject         broker.UserID  `json:"sub"`
	Email           string         `json:"email,omitempty"`
	EmailVerifiedAt time.Time      `json:"email_verified_at,omitzero"`
	EmailVouchedBy  string         `json:"email_vouched_by,omitempty"` // provider
	Username        string         `json:"preferred_username,omitempty"`
	Name            string         `json:"name,omitempty"`
	Locale          string         `json:"locale,omitempty"`
	Phone           string         `json:"phone_number,omitempty"`
	Address         broker.Address `json:"address,omitzero"`
	Details         broker.Details `json:"details,omitzero"`
	HasPassword     bool           `json:"has_password"`
	PasswordSetAt   time.Time      `json:"password_set_at,omitzero"`
	Admin           bool           `json:"administrator"`
	VerifiedAt      time.Time      `json:"verified_at,omitzero"`
	VerifiedBy      string         `json:"verified_by,omitempty"`     // e-mail domain
	SecondFactorAt  time.Time      `json:"second_factor_at,omitzero"` // since when one is asked for
	SignedOutAt     time.Time      `json:"signed_out_everywhere_at,omitzero"`
	CreatedAt       time.Time      `json:"created_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
	Version         int            `json:"version"`
}

// ExportedIdentity is a remote identity that opens the account.
type ExportedIdentity struct {
	Provider   string    `json:"provider"`
	Issuer     string    `json:"issuer"`
	Subject    string    `json:"subject"`
	LinkedAt   time.Time `json:"linked_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// ExportedAccount is what a provider told of the person.
type ExportedAccount struct {
	Provider      string          `json:"provider"`
	Issuer        string          `json:"issuer"`
	Subject       string          `json:"subject"`
	Username      string          `json:"username,omitempty"`
	Name          string          `json:"name,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified"`
	Locale        string          `json:"locale,omitempty"`
	ProfileURL    string          `json:"profile_url,omitempty"`
	Extra         json.RawMessage `json:"extra,omitempty"`
	CreatedAt     time.Time       `json:"created_at"`
	UpdatedAt     time.Time       `json:"updated_at"`
}

// ExportedChange is a change of what opens the account.
type ExportedChange struct {
	Provider  string            `json:"provider"`
	Added     *ExportedIdentity `json:"added,omitempty"`
	Removed   *ExportedIdentity `json:"removed,omitempty"`
	ChangedAt time.Time         `json:"changed_at"`
	UndoUntil time.Time         `json:"undo_until"`
	UndoneAt  time.Time         `json:"undone_at,omitzero"`
}

// ExportedPasskey is a passkey that opens the account.
type ExportedPasskey struct {
	Name         string    `json:"name"`
	CredentialID string    `json:"credential_id"`
	PublicKey    []byte    `json:"public_key"` // COSE, base64
	SignCount    int64     `json:"sign_count"`
	Syncable     bool      `json:"backup_eligible"` // as WebAuthn calls it
	Synced       bool      `json:"backup_state"`
	Transports   []string  `json:"transports,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero"`
}

// ExportedFactor is a second factor: an app, of which only a secret is kept, or a
// number that codes are sent to.
type ExportedFactor struct {
	Kind        broker.FactorKind `json:"kind"`
	Number      string            `json:"phone_number,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	ConfirmedAt time.Time         `json:"confirmed_at,omitzero"` // it is not asked for before that
	LastUsedAt  time.Time         `json:"last_used_at,omitzero"`
	CodeSentAt  time.Time         `json:"code_sent_at,omitzero"`
	KeptUntil   time.Time         `json:"kept_until,omitzero"` // of a number that was replaced: how long it can be put back
}

// ExportedSession is a browser where the person is signed in.
type ExportedSession struct {
	SID        string    `json:"sid"`
	AuthTime   time.Time `json:"auth_time"`
	AMR        []string  `json:"amr,omitempty"`
	ACR        string    `json:"acr,omitempty"`
	Provider   string    `json:"provider,omitempty"`
	UserAgent  string    `json:"user_agent,omitempty"`
	IP         string    `json:"ip,omitempty"` // as it was seen last
	IPAt       time.Time `json:"ip_at,omitzero"`
	Remembered bool      `json:"remembered,omitempty"` // it outlives the browser
	CreatedAt  time.Time `json:"created_at"`
	LastSeenAt time.Time `json:"last_seen_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// ExportedSignIn is a sign-in of the person.
type ExportedSignIn struct {
	At       time.Time         `json:"at"`
	IP       string            `json:"ip,omitempty"`
	Provider string            `json:"provider,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// ExportedBrowser is a browser in which the person's second factor is not asked for.
type ExportedBrowser struct {
	Browser    string    `json:"browser,omitempty"`
	IP         string    `json:"ip,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// ExportedConsent is what the person has allowed an application to see.
type ExportedConsent struct {
	ClientID  string    `json:"client_id"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ExportedGrant is a sign-in to an application that still lets it in.
type ExportedGrant struct {
	ClientID   string    `json:"client_id"`
	SID        string    `json:"sid,omitempty"`
	Scopes     []string  `json:"scopes"`
	Audience   []string  `json:"audience,omitempty"`
	AuthTime   time.Time `json:"auth_time,omitzero"`
	Provider   string    `json:"provider,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
}

// ExportedFormer is a username that was given up.
type ExportedFormer struct {
	GivenUpAt time.Time `json:"given_up_at"`
	KeptUntil time.Time `json:"kept_until,omitzero"` // zero: for ever
}

// ExportedEvent is a line of the audit trail.
type ExportedEvent struct {
	At       time.Time         `json:"at"`
	Name     string            `json:"name"`
	ClientID string            `json:"client_id,omitempty"`
	Provider string            `json:"provider,omitempty"`
	SID      string            `json:"sid,omitempty"`
	IP       string            `json:"ip,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// Export returns what is known of the user of a recent session. It leaves an event:
// whoever else was at the browser would be seen. Errors: broker.ErrSignIn.
func (a *Accounts) Export(ctx context.Context, s broker.Session) (Export, error) {
	at := time.Now()
	if !s.Fresh(a.o.FreshFor, at) {
		return Export{}, broker.ErrSignIn
	}
	u, err := a.store.User(ctx, s.UserID)
	if err != nil {
		return Export{}, fmt.Errorf("find user: %w", err)
	}
	e := Export{Issuer: a.o.Issuer, ExportedAt: at, Profile: exportProfile(u)}
	for _, read := range []func(context.Context, broker.UserID, *Export) error{a.exportLinks, a.exportFactors, a.exportAccess, a.exportEvents} {
		if err := read(ctx, u.ID, &e); err != nil {
			return Export{}, fmt.Errorf("export: %w", err)
		}
	}
	return e, a.event(ctx, broker.EventExported, u.ID, at)
}

func exportProfile(u broker.User) ExportedProfile {
	return ExportedProfile{
		Subject: u.ID, Email: u.Email, EmailVerifiedAt: u.EmailVerifiedAt, EmailVouchedBy: u.EmailVouchedBy, Username: u.Username, Name: u.Name,
		Locale: u.Locale, Phone: u.Phone, Address: u.Address, Details: u.Details, HasPassword: u.HasPassword(), PasswordSetAt: u.PasswordSetAt, Admin: u.Admin,
		VerifiedAt: u.VerifiedAt, VerifiedBy: u.VerifiedBy, SecondFactorAt: u.SecondFactorAt, SignedOutAt: u.SignedOutAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}
}
