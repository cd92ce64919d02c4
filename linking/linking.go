// Package linking holds the rules that tie remote identities to accounts: who
// is signed in by an identity, when one may be linked, and when it may be
// removed. It never merges accounts, and an e-mail address leads to one only where
// an operator wants it, the provider verified it and the account proved it here.
//
// A journey to a provider is an attempt, one row, made by Start and spent by
// Finish before the code is exchanged. What the provider proves is laid before
// Decide, a pure function, and its outcome is carried out in the same unit of
// work in which its facts were read.
package linking

import (
	"context"
	"log/slog"
	"time"

	"idbroker/broker"
)

// Store is what linking needs of the database.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	User(ctx context.Context, id broker.UserID) (broker.User, error)
	UserByEmail(ctx context.Context, email string) (broker.User, error)
	UserByUsername(ctx context.Context, username string) (broker.User, error)
	LockUser(ctx context.Context, id broker.UserID) (broker.User, error)
	UpdateUser(ctx context.Context, u broker.User) error
	EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	Upstream(ctx context.Context, idHash string) (broker.Upstream, error)
	SpendLogout(ctx context.Context, l broker.UpstreamLogout, at time.Time) error
	EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error)
	EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error)
	RevokeGrants(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)

	Identity(ctx context.Context, provider, issuer, subject string) (broker.UserIdentity, error)
	KnownIdentity(ctx context.Context, provider, issuer, subject string) (broker.KnownIdentity, error)
	IdentitiesOf(ctx context.Context, user broker.UserID) ([]broker.UserIdentity, error)
	CreateIdentity(ctx context.Context, id broker.UserIdentity) error
	TouchIdentity(ctx context.Context, id string, at time.Time) error
	DeleteIdentity(ctx context.Context, id string) error

	CountPasskeys(ctx context.Context, user broker.UserID) (int, error)

	SaveRemoteAccount(ctx context.Context, a broker.RemoteAccount) (broker.RemoteAccount, error)
	RemoteAccount(ctx context.Context, provider, issuer, subject string) (broker.RemoteAccount, error)
	RemoteAccountsOf(ctx context.Context, user broker.UserID) ([]broker.RemoteAccount, error)
	DeleteRemoteAccount(ctx context.Context, id string) error
	SaveRemoteTokens(ctx context.Context, accountID string, tokens []broker.RemoteToken) error
	RemoteTokens(ctx context.Context, accountID string) ([]broker.RemoteToken, error)

	HeldTokens(ctx context.Context, accountID string) ([]broker.HeldToken, error)
	ClaimRemoteToken(ctx context.Context, t broker.HeldToken, lease string, at, until time.Time) error
	SaveRenewedToken(ctx context.Context, user broker.UserID, t broker.HeldToken, renewed broker.RemoteToken) error
	FailRemoteToken(ctx context.Context, t broker.HeldToken, lease string, f broker.TokenFailure) error
	LostTokensOf(ctx context.Context, user broker.UserID) ([]broker.TokenPlace, error)
	EndingTokens(ctx context.Context, providers []string, at time.Time, least time.Duration, limit int) ([]broker.TokenPlace, error)

	CreateLinkChange(ctx context.Context, c broker.LinkChange) error
	LinkChange(ctx context.Context, undoHash string) (broker.LinkChange, error)
	LinkChangesOf(ctx context.Context, user broker.UserID, limit int) ([]broker.LinkChange, error)
	LinkChangesSince(ctx context.Context, user broker.UserID, since time.Time) ([]broker.LinkChange, error)
	UndoLinkChange(ctx context.Context, id string, at time.Time) error

	CreateAttempt(ctx context.Context, a broker.Attempt) error
	Attempt(ctx context.Context, stateHash string) (broker.Attempt, error)
	SpendAttempt(ctx context.Context, stateHash string, at time.Time) error

	CreateLogin(ctx context.Context, l broker.Login) error
	Login(ctx context.Context, id broker.LoginID) (broker.Login, error)
	SaveLogin(ctx context.Context, l broker.Login) error

	Enqueue(ctx context.Context, e broker.OutboxEntry) error
	AddEvent(ctx context.Context, e broker.Event) error
}

// Apps is what linking needs of the remote apps.
type Apps interface {
	Providers() []broker.Provider
	Provider(id string) (broker.Provider, bool)
	Begin(ctx context.Context, id, state string, o broker.BeginOptions) (broker.Outward, error)
	// Complete returns, beside an error, the tokens that came all the same.
	Complete(ctx context.Context, id string, a broker.Attempt, cb broker.Callback) (broker.Profile, error)
	// Refresh uses a refresh token once; subject is whom the answer must be about.
	Refresh(ctx context.Context, id, subject string, t broker.RemoteToken) (broker.Renewal, error)
	// Revoke ends what tokens stand for, RevokeOnly the tokens and nothing else.
	Revoke(ctx context.Context, id string, tokens []broker.RemoteToken) error
	RevokeOnly(ctx context.Context, id string, tokens []broker.RemoteToken) error
	// Farewell finds a way to sign out at a provider, VerifyLogout reads its word
	// that somebody has.
	Farewell(ctx context.Context, id string, q broker.SignOutRequest) (broker.Farewell, error)
	VerifyLogout(ctx context.Context, id, raw string) (broker.UpstreamLogout, error)
}

// Options configures a Linker. The zero value of a field is its default.
type Options struct {
	FreshFor    time.Duration // how recent a sign-in must be to change links; 0: 15 minutes
	NoPasswords bool          // passwords do not open accounts here
	Usernames   bool          // a password is asked for together with a username, and nothing else
	Passkeys    bool          // passkeys open accounts
	Codes       bool          // codes by mail do
	Issuer      string        // external base URL, no slash at the end; links in mails begin with it
	UndoWithin  time.Duration // how long a change of links can be taken back; 0: 7 days
	Log         *slog.Logger  // nil: discard
	// Refused is told of every journey that came to nothing, for metrics; nil:
	// nobody listens.
	Refused func(provider string, err error)
	// EndGrants ends grants and tells the applications, inside a unit of work;
	// nil: the store's RevokeGrants, which tells nobody.
	EndGrants func(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)
	// Begin makes the account of an identity that signs up at once, inside a unit
	// of work; provider vouches for the address. nil: nobody does, whatever a
	// provider's policy says.
	Begin func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error)
	// Admits tells, inside a unit of work, whether an address can be proven here at
	// all; where not, the form asks for another one. nil: every address can.
	Admits func(ctx context.Context, email string) (bool, error)
	// Named tells, inside that unit of work, whether an account could have a username that
	// a provider tells, or one like it, or needs none; where not, the form asks. nil: it could.
	Named func(ctx context.Context, wanted string) (bool, error)
	// Username is the username of a user whom a provider calls wanted, inside the
	// unit of work that writes it; nil: that one, where nobody else has it.
	Username func(ctx context.Context, u broker.User, wanted string, at time.Time) (string, error)
}

// freshFor is the default of Options.FreshFor: long enough to come from the
// sign-in page to the settings without hurry, short enough for a machine that
// was left alone.
const freshFor = 15 * time.Minute

// undoWithin is the default of Options.UndoWithin: most people read their mail
// within a week, holidays aside.
const undoWithin = 7 * 24 * time.Hour

// Linker ties identities to users.
type Linker struct {
	store Store
	apps  Apps
	fresh time.Duration
	ways  broker.SiteWays
	log   *slog.Logger

	issuer     string
	undoWithin time.Duration
	refused    func(provider string, err error)
	endGrants  func(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)
	begin      func(ctx context.Context, s broker.SignUp, provider string, at time.Time) (broker.User, error)
	admits     func(ctx context.Context, email string) (bool, error)
	named      func(ctx context.Context, wanted string) (bool, error)
	username   func(ctx context.Context, u broker.User, wanted string, at time.Time) (string, error)
}

// New returns a Linker over a store and the configured apps.
func New(store Store, apps Apps, o Options) *Linker {
	l := &Linker{
		store: store, apps: apps, fresh: o.FreshFor, log: o.Log, issuer: o.Issuer, undoWithin: o.UndoWithin, endGrants: o.EndGrants, begin: o.Begin, admits: o.Admits, named: o.Named,
		ways: broker.SiteWays{Passwords: !o.NoPasswords, UsernamesOnly: o.Usernames, Passkeys: o.Passkeys, Codes: o.Codes},
	}
	if l.fresh == 0 {
		l.fresh = freshFor
	}
	if l.undoWithin == 0 {
		l.undoWithin = undoWithin
	}
	if l.endGrants == nil {
		l.endGrants = store.RevokeGrants
	}
	if l.admits == nil {
		l.admits = func(context.Context, string) (bool, error) { return true, nil }
	}
	if l.named == nil {
		l.named = func(context.Context, string) (bool, error) { return true, nil }
	}
	if l.username = o.Username; l.username == nil {
		l.username = l.firstCome
	}
	if l.refused = o.Refused; l.refused == nil {
		l.refused = func(string, error) {}
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	return l
}

// Providers returns the providers that can be offered, in the operator's order.
func (l *Linker) Providers() []broker.Provider {
	var out []broker.Provider
	for _, p := range l.apps.Providers() {
		if !p.Hidden {
			out = append(out, p)
		}
	}
	return out
}

// provider returns a provider that may be used, or ErrUnknownProvider: a hidden
// one is not there at any step.
func (l *Linker) provider(id string) (broker.Provider, error) {
	p, ok := l.apps.Provider(id)
	if !ok || p.Hidden {
		return broker.Provider{}, ErrUnknownProvider.With("provider", id)
	}
	return p, nil
}

// Provider returns a provider that may be used; ok is false for a hidden or
// unknown one.
func (l *Linker) Provider(id string) (p broker.Provider, ok bool) {
	p, err := l.provider(id)
	return p, err == nil
}

// usable tells whether an identity of the provider signs somebody in today.
func (l *Linker) usable(id string) bool {
	p, err := l.provider(id)
	return err == nil && !p.LinkOnly
}

// Title is what people call a provider; its id where it is not configured any
// more.
func (l *Linker) Title(id string) string {
	if p, ok := l.apps.Provider(id); ok {
		return p.Title
	}
	return id
}
