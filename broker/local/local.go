// Package local keeps accounts that people have with us: sign-up, proof of the
// e-mail address, passwords, recovery. An account begins when its address is
// proven: before that there is a filled-in form in a login, and no user. So
// nobody can sit on an address that they cannot read, and no account with a
// stranger's password waits for its owner. Where a provider's word was the proof,
// whoever reads the mail of the address takes the account over.
//
// The package never tells whether an address is known: it answers the same and
// mails the owner.
package local

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"idbroker/broker"
)

// Store is what local accounts need of the database.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	User(ctx context.Context, id broker.UserID) (broker.User, error)
	UserByEmail(ctx context.Context, email string) (broker.User, error)
	UserByUsername(ctx context.Context, username string) (broker.User, error)
	UsernameHolders(ctx context.Context, username, mac string, at time.Time) ([]broker.UserID, error)
	GiveUpUsername(ctx context.Context, f broker.FormerUsername) error
	TakeUpUsername(ctx context.Context, user broker.UserID, mac string) error
	ReleaseUsername(ctx context.Context, mac string) error
	FormerUsernamesOf(ctx context.Context, user broker.UserID) ([]broker.FormerUsername, error)
	LockUser(ctx context.Context, id broker.UserID) (broker.User, error)
	CreateUser(ctx context.Context, u broker.User) error
	UpdateUser(ctx context.Context, u broker.User) error
	CountAdmins(ctx context.Context) (int, error)
	LockAdmins(ctx context.Context) ([]broker.UserID, error)
	PasswordForms(ctx context.Context) (map[string]int, error)
	UsersToErase(ctx context.Context, at time.Time, limit int) ([]broker.UserID, error)
	DeleteUser(ctx context.Context, id broker.UserID) error

	HoldDomains(ctx context.Context, change bool) error
	DomainsNamed(ctx context.Context, names []string) ([]broker.Domain, error)
	DomainsUnder(ctx context.Context, name string) ([]broker.Domain, error)
	NoteDomain(ctx context.Context, name string, at time.Time) error
	SaveDomain(ctx context.Context, d broker.Domain) error
	DeleteDomain(ctx context.Context, name string) error
	Addresses(ctx context.Context, after broker.UserID, limit int) ([]broker.User, error)

	CreateLogin(ctx context.Context, l broker.Login) error
	Login(ctx context.Context, id broker.LoginID) (broker.Login, error)
	SaveLogin(ctx context.Context, l broker.Login) error
	DeleteLoginsOf(ctx context.Context, user broker.UserID) error
	VoidLinkChanges(ctx context.Context, user broker.UserID, since time.Time) error

	IdentitiesOf(ctx context.Context, user broker.UserID) ([]broker.UserIdentity, error)
	RemoteAccountsOf(ctx context.Context, user broker.UserID) ([]broker.RemoteAccount, error)
	LinkChangesOf(ctx context.Context, user broker.UserID, limit int) ([]broker.LinkChange, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	SignInsOf(ctx context.Context, user broker.UserID) (broker.SignIns, error)
	GrantsOf(ctx context.Context, user broker.UserID) ([]broker.Grant, error)
	Events(ctx context.Context, user broker.UserID, limit int) ([]broker.Event, error)

	ConsentsOf(ctx context.Context, user broker.UserID) ([]broker.Consent, error)
	DeleteConsent(ctx context.Context, user broker.UserID, client string) error

	EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error)
	EndSession(ctx context.Context, user broker.UserID, sid string) error
	RevokeGrants(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)
	DeleteGrantsOf(ctx context.Context, user broker.UserID) error

	CreateMailToken(ctx context.Context, t broker.MailToken) error
	MailToken(ctx context.Context, hash string) (broker.MailToken, error)
	SpendMailToken(ctx context.Context, hash string, at time.Time) error
	VoidMailTokens(ctx context.Context, user broker.UserID, purpose broker.MailPurpose, at time.Time) error
	VoidMailTokensSince(ctx context.Context, user broker.UserID, purpose broker.MailPurpose, since, at time.Time) error
	ForgetAbout(ctx context.Context, user broker.UserID, purpose broker.MailPurpose) error
	DeleteMailTokensOf(ctx context.Context, user broker.UserID) error

	CreateMailCode(ctx context.Context, c broker.MailCode) error
	MailCode(ctx context.Context, id string) (broker.MailCode, error)
	LastMailCode(ctx context.Context, login broker.LoginID) (broker.MailCode, error)
	CountMailCodes(ctx context.Context, email, browserHash string, hour time.Time, kind broker.MailCodeKind) (toAddress, fromBrowser int, err error)
	ReplaceMailCodes(ctx context.Context, login broker.LoginID, at time.Time) error
	AddressMailCode(ctx context.Context, id string, user broker.UserID, version int, at time.Time) error
	TryMailCode(ctx context.Context, id string, most int, at time.Time) error
	SpendMailCode(ctx context.Context, id string, at time.Time) error
	DeleteMailCodesTo(ctx context.Context, email string) error

	CreateFactor(ctx context.Context, f broker.Factor) error
	Factor(ctx context.Context, user broker.UserID, kind broker.FactorKind) (broker.Factor, error)
	Factors(ctx context.Context, user broker.UserID) ([]broker.Factor, error)
	SendFactorCode(ctx context.Context, id, mac string, since, at time.Time) error
	TryFactorCode(ctx context.Context, id string, most int, since time.Time) error
	SpendFactorCode(ctx context.Context, id, mac string, at time.Time) error
	DeleteFactor(ctx context.Context, user broker.UserID, kind broker.FactorKind) error
	HasRecoveryCode(ctx context.Context, user broker.UserID, mac string) (bool, error)
	ConfirmFactor(ctx context.Context, id string, step int64, at time.Time) error
	UseFactor(ctx context.Context, id string, step int64, at time.Time) error
	DropPendingFactors(ctx context.Context, user broker.UserID, kind broker.FactorKind) error
	DeleteFactors(ctx context.Context, user broker.UserID) error
	DeleteFactorsSince(ctx context.Context, user broker.UserID, since time.Time) error
	CreateRemembered(ctx context.Context, b broker.RememberedBrowser) error
	Remembered(ctx context.Context, user broker.UserID, hash string) (broker.RememberedBrowser, error)
	RememberedOf(ctx context.Context, user broker.UserID) ([]broker.RememberedBrowser, error)
	RehashRemembered(ctx context.Context, before, now string) error
	DeleteRemembered(ctx context.Context, user broker.UserID, id string) error
	ForgetBrowsers(ctx context.Context, user broker.UserID) error
	EndRemembered(ctx context.Context, user broker.UserID, remembered string) ([]string, error)
	CreateRecoveryCode(ctx context.Context, user broker.UserID, mac string, at time.Time) error
	SpendRecoveryCode(ctx context.Context, user broker.UserID, mac string, at time.Time) error
	CountRecoveryCodes(ctx context.Context, user broker.UserID) (int, error)
	DeleteRecoveryCodes(ctx context.Context, user broker.UserID) error
	DeleteRecoveryCodesSince(ctx context.Context, user broker.UserID, since time.Time) error

	CreatePasskey(ctx context.Context, p broker.Passkey) error
	Passkey(ctx context.Context, credentialID string) (broker.Passkey, error)
	PasskeysOf(ctx context.Context, user broker.UserID) ([]broker.Passkey, error)
	UsePasskey(ctx context.Context, u broker.PasskeyUse) error
	RenamePasskey(ctx context.Context, user broker.UserID, id, name string) error
	DeletePasskey(ctx context.Context, user broker.UserID, id string) error
	DeletePasskeysSince(ctx context.Context, user broker.UserID, since time.Time) error
	Retire(ctx context.Context, r broker.Retired) error
	RetiredSince(ctx context.Context, user broker.UserID, since time.Time) ([]broker.Retired, error)
	ForgetRetired(ctx context.Context, user broker.UserID, id string) error
	ForgetAllRetired(ctx context.Context, user broker.UserID) error
	SpendPasskeyChallenge(ctx context.Context, hash string, expires time.Time) error

	Enqueue(ctx context.Context, e broker.OutboxEntry) error
	AddEvent(ctx context.Context, e broker.Event) error
}

// Attacher ties a proven remote identity to an account that begins with it,
// inside the unit of work that creates the account, unties all of one that ends,
// and knows what people call a provider.
type Attacher interface {
	Attach(ctx context.Context, user broker.User, p broker.Profile, at time.Time) error
	// DetachAll removes every identity of a user, inside a unit of work.
	DetachAll(ctx context.Context, user broker.UserID, at time.Time) error
	// DetachSince is DetachAll for those that were linked at a time or after it.
	DetachSince(ctx context.Context, user broker.UserID, since, at time.Time) error
	// RestoreSince links again what stood at a time and was unlinked since.
	RestoreSince(ctx context.Context, user broker.UserID, since, at time.Time) error
	// OpenIdentities counts the identities that open a user's account today.
	OpenIdentities(ctx context.Context, user broker.UserID) (int, error)
	// Provider is the policy of a provider that may be used.
	Provider(id string) (broker.Provider, bool)
	// OwnerOf is the user whose account an identity opens; "" nobody's.
	OwnerOf(ctx context.Context, id broker.UserIdentity) (broker.UserID, error)
	// Adopt writes an identity that another system knew, inside a unit of work.
	Adopt(ctx context.Context, id broker.UserIdentity) error
	Title(provider string) string
}

// Options configures Accounts. The zero value of a field is its default.
type Options struct {
	Issuer      string              // external base URL, no slash at the end; links in mails begin with it
	MinPassword int                 // code points; 0: 8
	MinStrength int                 // least strength of a new password, 1 to 4 as zxcvbn scores; 0: 2, negative: any
	Site        string              // what people call this site: no password; "" nothing
	MaxHashing  int                 // password hashes computed at once; 0: as many as there are processors
	FreshFor    time.Duration       // how recent a sign-in must be to set a first password; 0: 15 minutes
	UndoWithin  time.Duration       // how long a change of the address, or what was added, can be taken back by mail; 0: 7 days
	CloseAfter  time.Duration       // how long an account is kept that its person has closed; 0: 14 days
	NoSignUp    bool                // newcomers cannot begin accounts
	Domains     broker.DomainStatus // of e-mail domains about which nobody has decided; "" broker.DomainNew
	NoPasswords bool                // passwords do not open accounts here: no mail speaks of them
	Welcome     Welcome             // who is told that an account began; "" WelcomeVouched
	Hashing     Argon2              // zero: defaults
	OnHash      func()              // is told of each argon2id that is computed, for metrics; nil: nobody listens
	HMACKey     broker.Secret       // SECURITY_PASSWORD_SALT of the Invenio whose double hashes were imported; "": none
	Peppers     Peppers             // zero: none
	Breached    *Breached           // passwords that nobody may choose; nil: none
	// BreachedRange returns the breached passwords whose SHA-1 begins with five
	// hexadecimal digits, as the range API of Have I Been Pwned does; nil: nobody outside is asked.
	BreachedRange func(ctx context.Context, prefix string) ([]byte, error)
	Codes         Codes      // what a code may be mailed for
	CodeKeys      [][32]byte // keys of mailed codes, the first for new ones; none: one that this process alone has
	NoFactors     bool       // nobody is asked for a second factor, and nobody sets one up
	NeedFactors   bool       // everybody is: who has none sets one up as they sign in
	NoPasskeys    bool       // passkeys do not open accounts here; nor do they where the host of Issuer is no name (PasskeysAt)
	PasskeyKey    [32]byte   // authenticates challenges for passkeys; zero: one that this process alone has
	// RememberFactor is how long a browser may stand in for the second factor that was
	// shown in it; 0: not at all.
	RememberFactor time.Duration
	SMS            bool         // somebody sends messages: a telephone number may be a second factor
	SMSPrefixes    []string     // of the numbers that messages go to ("+41"); none: those of all countries
	Usernames      Usernames    // which usernames people may choose, and sign in with
	Fields         Fielder      // what the operator asks for beside; nil: nothing
	Presets        Presets      // what holds where somebody has chosen nothing
	Log            *slog.Logger // nil: discard
	// EndGrants ends grants and tells the applications, inside a unit of work;
	// nil: the store's RevokeGrants, which tells nobody.
	EndGrants func(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)
}

const (
	// minPassword is what NIST SP 800-63B, section 5.1.1.2, asks at least.
	minPassword = 8
	// maxPassword bounds the work of normalising and hashing, in bytes; no
	// passphrase that somebody types is longer.
	maxPassword = 1024
	// freshFor is the default of Options.FreshFor.
	freshFor = 15 * time.Minute
	// undoWithin is the default of Options.UndoWithin, as package linking has it.
	undoWithin = 7 * 24 * time.Hour
)

// Accounts serves local accounts.
type Accounts struct {
	store Store
	links Attacher
	hash  *hasher
	party *webauthn.WebAuthn // nil: no passkeys
	o     Options
	log   *slog.Logger
}

// New returns Accounts over a store.
func New(store Store, links Attacher, o Options) *Accounts {
	if o.MinPassword == 0 {
		o.MinPassword = minPassword
	}
	if o.MinStrength == 0 {
		o.MinStrength = minStrength
	}
	o.MinStrength = min(o.MinStrength, maxStrength)
	if o.FreshFor == 0 {
		o.FreshFor = freshFor
	}
	if o.UndoWithin == 0 {
		o.UndoWithin = undoWithin
	}
	if o.CloseAfter == 0 {
		o.CloseAfter = closeAfter
	}
	if o.Domains == "" {
		o.Domains = broker.DomainNew
	}
	if len(o.CodeKeys) == 0 {
		o.CodeKeys = make([][32]byte, 1)
		_, _ = rand.Read(o.CodeKeys[0][:]) // never fails since Go 1.24
	}
	if o.EndGrants == nil {
		o.EndGrants = store.RevokeGrants
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PasskeyKey == [32]byte{} {
		_, _ = rand.Read(o.PasskeyKey[:]) // never fails since Go 1.24
	}
	a := &Accounts{store: store, links: links, hash: newHasher(o.Hashing, o.MaxHashing, o.HMACKey, o.Peppers, o.OnHash), o: o, log: o.Log}
	if !o.NoPasskeys {
		a.party, _ = newRelyingParty(o.Issuer, o.Site) // nil where it cannot be, which PasskeysAt tells
	}
	return a
}

// mail makes the outbox entry of a mail that somebody asked for.
func mail(ctx context.Context, to, template, locale string, at time.Time, data map[string]string) broker.OutboxEntry {
	r := broker.RequestOf(ctx)
	all := map[string]string{"ip": r.IP, "browser": r.Browser, "when": at.UTC().Format(time.RFC3339)}
	for k, v := range data {
		all[k] = v
	}
	return broker.Mail{To: to, Template: template, Locale: locale, Data: all}.Entry(at)
}

// event writes an event about a user.
func (a *Accounts) event(ctx context.Context, name string, user broker.UserID, at time.Time) error {
	e := broker.NewEvent(ctx, name, at)
	e.UserID = user
	return a.store.AddEvent(ctx, e)
}
