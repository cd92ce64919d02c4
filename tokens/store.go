package tokens

import (
	"context"
	"time"

	"idbroker/broker"
)

// Store is what tokens needs of the database.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	User(ctx context.Context, id broker.UserID) (broker.User, error)
	Client(ctx context.Context, id string) (broker.Client, error)
	ClientsNamed(ctx context.Context, ids []string) (map[string]broker.Client, error)
	Clients(ctx context.Context) ([]broker.Client, error)
	// KnownClient is a client as it was last read, which costs nothing and may be
	// wrong by now; CurrentClient is right. Neither may be written to.
	KnownClient(id string) (broker.Client, bool)
	CurrentClient(ctx context.Context, id string) (broker.Client, error)

	CreateClient(ctx context.Context, c broker.Client) error
	UpdateClient(ctx context.Context, c broker.Client) error
	DeleteClient(ctx context.Context, id string) error
	InitialAccessToken(ctx context.Context, hash string) (broker.InitialAccessToken, error)
	SpendInitialAccessToken(ctx context.Context, hash string, at time.Time) error
	Registrations(ctx context.Context, ip string, since time.Time) (int, error)

	KeepSecret(ctx context.Context, client string, secret broker.Secret) error
	KeptSecrets(ctx context.Context, client string) (map[string]broker.Secret, error)
	ForgetSecret(ctx context.Context, client, hash string) error
	ForgetSecrets(ctx context.Context, client string, but ...string) error

	AddTrouble(ctx context.Context, t broker.Trouble) error

	// SpendAssertion notes the use of an assertion; broker.ErrSpent the second time.
	SpendAssertion(ctx context.Context, client, jtiHash string, expires time.Time) error

	CreatePushedRequest(ctx context.Context, p broker.PushedRequest) error
	PushedRequest(ctx context.Context, uriHash string) (broker.PushedRequest, error)
	SpendPushedRequest(ctx context.Context, uriHash string, at time.Time) error

	CreateGrant(ctx context.Context, g broker.Grant) error
	CreateGrantFor(ctx context.Context, g broker.Grant, stamp broker.ClientStamp) error
	Grant(ctx context.Context, id broker.GrantID) (broker.Grant, error)
	GrantState(ctx context.Context, id broker.GrantID, caller string) (broker.GrantState, error)
	GrantStateByCode(ctx context.Context, codeHash, caller string) (broker.GrantState, error)
	RedeemCode(ctx context.Context, g broker.Grant, at time.Time) error
	Refresh(ctx context.Context, id broker.GrantID, client string, stamp broker.ClientStamp, generation int, at time.Time, grace, idle time.Duration) (broker.Grant, broker.RefreshOutcome, error)
	RevokeGrant(ctx context.Context, id broker.GrantID, reason string, at time.Time) error
	RevokeGrants(ctx context.Context, f broker.GrantFilter, reason string, at time.Time) (int, error)
	Participants(ctx context.Context, f broker.GrantFilter) ([]broker.Participant, error)
	Enqueue(ctx context.Context, e broker.OutboxEntry) error

	// ExpireSession removes an expired session; broker.ErrSpent the second time.
	ExpiredSessions(ctx context.Context, at time.Time, limit int) ([]broker.Session, error)
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	ExpireSession(ctx context.Context, idHash string, at time.Time) error

	SaveConsent(ctx context.Context, c broker.Consent) error
	FinishLogin(ctx context.Context, id broker.LoginID, at time.Time) error

	Keys(ctx context.Context) ([]broker.Key, error)
	LockKeys(ctx context.Context) error
	CreateKey(ctx context.Context, k broker.Key) error
	UpdateKey(ctx context.Context, k broker.Key) error

	EncryptionKeys(ctx context.Context) ([]broker.EncryptionKey, error)
	CreateEncryptionKey(ctx context.Context, k broker.EncryptionKey) error
	RetireEncryptionKey(ctx context.Context, k broker.EncryptionKey) error

	AddEvent(ctx context.Context, e broker.Event) error
}

// Reasons for which a grant ends; they stand in Grant.RevokedReason.
const (
	reasonLogout       = "logout"
	reasonExpired      = "session expired"
	reasonCodeReuse    = "code reuse"
	reasonCodeMismatch = "code mismatch" // the verifier or the redirect URI was wrong
	reasonClient       = "client"        // it revoked a token
)
