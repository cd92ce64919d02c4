package web

import (
	"context"
	"os"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
	"idbroker/volatile/volatiletest"
)

// homeVariable names a Redis (unix:///…) for the sessions and buckets of the worlds that
// are made; "": they are in the database.
const homeVariable = "BROKER_TEST_SESSIONS"

// home is where sessions and buckets are.
type home interface {
	sessionRows
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	Session(ctx context.Context, idHash string) (broker.Session, error)
	TakeSession(ctx context.Context, idHash string) error
	SessionsOf(ctx context.Context, user broker.UserID) ([]broker.Session, error)
	EndSession(ctx context.Context, user broker.UserID, sid string) error
	EndSessions(ctx context.Context, user broker.UserID, exceptSID string) ([]string, error)
	EndRemembered(ctx context.Context, user broker.UserID, remembered string) ([]string, error)
	EndUpstream(ctx context.Context, l broker.UpstreamLogout) ([]broker.Session, error)
	EndLateUpstream(ctx context.Context, since, at time.Time) ([]broker.Session, error)
	ExpireSession(ctx context.Context, idHash string, at time.Time) error
	TakeTokens(ctx context.Context, at time.Time, charges ...broker.Charge) ([]broker.Charged, error)
	ReturnToken(ctx context.Context, keys ...string) error
}

// rest is store.DB one level deeper, so that the home comes first.
type rest struct{ *store.DB }

// database is what a world keeps everything in.
type database struct {
	home
	rest
}

// databaseOf is a database whose sessions are in it, or in the Redis that the variable
// names.
func databaseOf(t testing.TB, db *store.DB) database {
	t.Helper()
	if url := os.Getenv(homeVariable); url != "" {
		return inRedis(t, db, &volatiletest.Server{URL: url})
	}
	return database{db, rest{db}}
}

func inRedis(t testing.TB, db *store.DB, s *volatiletest.Server) database {
	t.Helper()
	return database{volatiletest.Over(t, db, s, "test:"), rest{db}}
}

// TestInRedis: what is promised of sessions holds also where Redis has what changes
// with every visit.
func TestInRedis(t *testing.T) {
	t.Setenv(homeVariable, volatiletest.Start(t).URL)
	for name, test := range map[string]func(*testing.T){
		"life": TestSessionLife, "fixation": TestSessionFixation, "ends": TestSessionEnds, "disabled": TestDisabledUserIsOutAtOnce,
		"touched": TestSessionIsTouchedOnceAMinute, "ended stays ended": TestEndedSessionStaysEnded, "ended links nothing": TestEndedSessionLinksNothing,
		"reset": TestResetEndsWaitingLogins, "notice of a visitor": TestNoticeOfAVisitor, "notices": TestNotices,
		"stolen": TestStolenCookies, "stolen without turn": TestStolenCookiesWithoutTurn, "turns": TestTurnsSignNobodyOut,
		"renewed": TestTurnsOfARenewedSession, "theft forgets": TestTheftForgetsBrowsers, "another browser": TestAnotherBrowser, "theft ends tokens": TestTheftEndsTokens,
		"remember": TestRemember, "remember is offered": TestRememberIsOffered, "remember here": TestRememberHere, "remember behind the factor": TestRememberBehindTheFactor,
		"devices": TestDevicesPage, "sessions page": TestSessionsPage, "stale": TestStaleSession, "password": TestPassword,
		"thrown out meanwhile": TestThrownOutMeanwhile, "blocked": TestBlockedBetweenPasswordAndFactor, "closing": TestClosingAnAccount,
		"provider signs out": TestProviderSignsOut, "logout meets a login": TestLogoutMeetsALoginUnderWay, "sign out at the provider": TestSignOutAtTheProvider,
		"removed passkey": TestRemovedPasskeyEndsItsSessions,
		"step-up":         TestStepUp, "before the factor": TestSessionsFromBeforeTheFactor, "remembered browser": TestRememberedBrowser,
		"guessing": TestGuessing, "network": TestNetworkIsSentAway, "mails": TestMailsAreHeldBack, "factor guesses": TestFactorGuesses,
	} {
		t.Run(name, test)
	}
}
