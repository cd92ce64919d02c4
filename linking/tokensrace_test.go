package linking_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/linking"
	"idbroker/providers/providertest"
)

// TestOneRefreshForMany: the provider replaces refresh tokens, and takes a second
// use of one for theft and ends everything. Two replicas with 32 callers each ask
// once.
func TestOneRefreshForMany(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		other, n := w.replica(nil), w.asked()
		for round := range 3 {
			w.end()
			w.op.Fail(providertest.Token, providertest.Failure{Delay: 100 * time.Millisecond})
			got, errs := make([]broker.RemoteToken, 64), make([]error, 64)
			var all sync.WaitGroup
			for i := range got {
				l := []*linking.Linker{w.Linker, other}[i%2]
				all.Go(func() { got[i], errs[i] = l.RemoteToken(t.Context(), w.ref) })
			}
			all.Wait()
			for i := range got {
				if errs[i] != nil || got[i].AccessToken != got[0].AccessToken {
					t.Fatalf("caller %d: %v, or another token", i, errs[i])
				}
			}
			if asked := w.asked() - n; asked != round+1 {
				t.Fatalf("%d requests in %d rounds", asked, round+1)
			}
		}
		if _, err := w.RenewToken(t.Context(), w.ref); err != nil {
			t.Errorf("the grant did not survive: %v", err)
		}
	})
}

// TestManyWantAFreshOne: of those who come while one is under way, nobody asks
// again.
func TestManyWantAFreshOne(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		n, answer := w.asked(), make(chan struct{})
		w.op.Fail(providertest.Token, providertest.Failure{Until: answer})
		var here, all sync.WaitGroup
		l := w.replica(looking)
		for range 8 {
			here.Add(1)
			all.Go(func() {
				if _, err := l.RenewToken(whoLooks(t.Context(), sync.OnceFunc(here.Done)), w.ref); err != nil {
					t.Error(err)
				}
			})
		}
		go func() {
			here.Wait() // all of them have seen the token that is to be renewed
			close(answer)
		}()
		all.Wait()
		if asked := w.asked() - n; asked != 1 {
			t.Errorf("%d requests", asked)
		}
	})
}

// lookedStore tells whoever looks at a token that they have.
type lookedStore struct{ linking.Store }

type lookedKey struct{}

// whoLooks has looked called after each look at a token.
func whoLooks(ctx context.Context, looked func()) context.Context {
	return context.WithValue(ctx, lookedKey{}, looked)
}

func (s *lookedStore) HeldTokens(ctx context.Context, account string) ([]broker.HeldToken, error) {
	held, err := s.Store.HeldTokens(ctx, account)
	if looked, ok := ctx.Value(lookedKey{}).(func()); ok {
		looked()
	}
	return held, err
}

func looking(db linking.Store, a linking.Apps) (linking.Store, linking.Apps) {
	return &lookedStore{db}, a
}

// faultyStore fails where it is told to.
type faultyStore struct {
	linking.Store
	save func() error
}

func (f *faultyStore) SaveRenewedToken(ctx context.Context, user broker.UserID, t broker.HeldToken, renewed broker.RemoteToken) error {
	if err := f.save(); err != nil {
		return err
	}
	return f.Store.SaveRenewedToken(ctx, user, t, renewed)
}

func faulty(save func() error) func(linking.Store, linking.Apps) (linking.Store, linking.Apps) {
	return func(db linking.Store, a linking.Apps) (linking.Store, linking.Apps) { return &faultyStore{db, save}, a }
}

// killed is what a process leaves that dies after the provider's answer and before
// ours is written.
func (w *tokens) killed() {
	w.t.Helper()
	dying := w.replica(faulty(func() error { panic("killed") }))
	w.end()
	defer func() {
		if recover() != "killed" {
			w.t.Fatal("the process outlived it")
		}
		if now := w.held(); now.AskedAt.IsZero() || time.Until(now.LeaseUntil) < 30*time.Second {
			w.t.Errorf("what was begun is not written down: %+v", now)
		}
	}()
	_, _ = dying.RemoteToken(context.Background(), w.ref)
}

// TestDeathAfterTheAnswer: the next refresh token died with the process. Many
// providers take the old one again for a while; where that is so, nothing is lost.
func TestDeathAfterTheAnswer(t *testing.T) {
	for _, grace := range []bool{true, false} {
		eachTokens(t, func(t *testing.T, w *tokens) {
			w.op.Switch(func(s *providertest.Switches) { s.RefreshAgain = grace })
			n := w.asked()
			w.killed()
			ctx, cancel := context.WithCancel(t.Context())
			looks := 0
			waits := whoLooks(ctx, func() {
				if looks++; looks == 3 {
					cancel()
				}
			})
			if _, err := w.replica(looking).RemoteToken(waits, w.ref); !errors.Is(err, context.Canceled) || w.asked() != n+1 {
				t.Errorf("another one did not wait for the lease: %v", err)
			}
			cancel()
			w.set("lease_until = 1") // a minute later
			_, err := w.get()
			if w.asked() != n+2 {
				t.Errorf("asked %d times", w.asked()-n)
			}
			if grace {
				if err != nil || w.held().State != "" || !w.held().AskedAt.IsZero() {
					t.Errorf("%v, %+v", err, w.held())
				}
				return
			}
			wantError(t, "the provider has no grace", err, linking.ErrReconnect)
			w.wantLost(broker.TokenUnanswered)
		})
	}
}

// TestDatabaseIsAwayForAMoment: the answer is written when it is back, and the
// provider is asked once.
func TestDatabaseIsAwayForAMoment(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		left, n := 3, w.asked()
		ctx, cancel := context.WithCancel(t.Context())
		l := w.replica(faulty(func() error {
			cancel() // the caller has gone: that does not matter
			if left--; left >= 0 {
				return errors.New("no connection")
			}
			return nil
		}))
		w.end()
		got, err := l.RemoteToken(ctx, w.ref)
		if errors.Is(err, context.Canceled) {
			err = nil // told after it was written
		} else if got.AccessToken != w.held().AccessToken {
			t.Error("another token is kept")
		}
		if err != nil || w.asked() != n+1 || w.held().Version != 1 {
			t.Errorf("%v, %d requests, %+v", err, w.asked()-n, w.held())
		}
		if _, err := w.RenewToken(t.Context(), w.ref); err != nil {
			t.Errorf("what is kept is not the newest: %v", err)
		}
	})
}

// TestLateAnswerWins: while we could not write, another replica tried the old
// refresh token and was refused. What we have is the newest all the same.
func TestLateAnswerWins(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		other := w.replica(nil)
		var once sync.Once
		l := w.replica(faulty(func() (err error) {
			once.Do(func() {
				w.set("lease_until = 1")
				w.op.Fail(providertest.Token, providertest.Failure{Status: 400, Body: `{"error":"invalid_grant"}`})
				_, err := other.RemoteToken(context.Background(), w.ref)
				wantError(t, "the other replica", err, linking.ErrReconnect)
			})
			return nil
		}))
		w.end()
		if _, err := l.RemoteToken(t.Context(), w.ref); err != nil || w.held().State != "" || w.held().Version != 1 {
			t.Errorf("%v, %+v", err, w.held())
		}
	})
}

// meanwhile does something between the provider's answer and our writing it down.
type meanwhile struct {
	linking.Apps
	do func()
}

func (m meanwhile) Refresh(ctx context.Context, id, subject string, t broker.RemoteToken) (broker.Renewal, error) {
	r, err := m.Apps.Refresh(ctx, id, subject, t)
	m.do()
	return r, err
}

func (w *tokens) during(do func()) *linking.Linker {
	return w.replica(func(db linking.Store, a linking.Apps) (linking.Store, linking.Apps) { return db, meanwhile{a, do} })
}

// revocations carries out what waits in the outbox for providers.
func (w *tokens) revocations() int {
	w.t.Helper()
	entries, err := w.db.ClaimOutbox(context.Background(), 100, time.Now(), time.Hour, broker.OutboxRevoke)
	must(w.t, err)
	for _, e := range entries {
		must(w.t, w.DeliverRevocation(context.Background(), e.Payload))
		must(w.t, w.db.FinishOutbox(context.Background(), e.ID, time.Now()))
	}
	return len(entries)
}

// TestUnlinkedMeanwhile: what came for somebody who unlinked the account is not
// kept, and ends at the provider; also where the identity is another account's by
// then.
func TestUnlinkedMeanwhile(t *testing.T) {
	for _, relinked := range []bool{false, true} {
		eachTokens(t, func(t *testing.T, w *tokens) {
			bob := w.world.user("bob", "hash")
			l := w.during(func() {
				links, err := w.Accounts(context.Background(), w.user.ID)
				must(t, err)
				must(t, w.Unlink(context.Background(), newBrowser().signedIn(w.user, time.Minute).session, "one", links[0].Identity.ID))
				if relinked {
					w.link(bob, "one", "ada")
				}
			})
			w.end()
			_, err := l.RemoteToken(t.Context(), w.ref)
			wantError(t, "unlinked", err, linking.ErrNoToken)
			var n int
			must(t, w.raw.QueryRow("SELECT count(*) FROM remote_tokens").Scan(&n))
			if want := map[bool]int{true: 1}[relinked]; n != want {
				t.Errorf("%d tokens are kept, want %d", n, want)
			}
			if n := w.revocations(); n != 2 { // what was unlinked, and what came since
				t.Errorf("%d revocations", n)
			}
			live := map[bool]int{true: 1}[relinked]
			if got := w.op.LiveRefreshTokens(); got != live {
				t.Errorf("%d refresh tokens live at the provider, want %d", got, live)
			}
			if relinked {
				w.end()
				if _, err := w.RemoteToken(t.Context(), linking.TokenRef{User: bob.ID, Provider: "one"}); err != nil {
					t.Errorf("what bob gave was ended too: %v", err)
				}
			}
		})
	}
}

// TestSignedInMeanwhile: the newer refresh token stays, whichever answer is
// written last.
func TestSignedInMeanwhile(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		var signedIn broker.HeldToken
		l := w.during(func() {
			w.journey(newBrowser(), "one", broker.PurposeSignIn, "ada")
			signedIn = w.held()
		})
		w.end()
		got, err := l.RemoteToken(t.Context(), w.ref)
		if err != nil || got.AccessToken != signedIn.AccessToken || w.held().RefreshToken != signedIn.RefreshToken {
			t.Errorf("%v", err)
		}
		w.end()
		if _, err := w.get(); err != nil {
			t.Errorf("the newer grant was ended: %v", err)
		}
	})
}

// TestSignedInWithoutARefreshToken: a sign-in that brings none leaves the refresh
// token that is being replaced to whoever replaces it.
func TestSignedInWithoutARefreshToken(t *testing.T) {
	eachTokens(t, func(t *testing.T, w *tokens) {
		l := w.during(func() {
			now := w.held()
			now.RefreshToken, now.AccessToken = "", "of the sign-in"
			must(t, w.db.SaveRemoteTokens(context.Background(), now.AccountID, []broker.RemoteToken{now.RemoteToken}))
		})
		w.end()
		if _, err := l.RemoteToken(t.Context(), w.ref); err != nil {
			t.Fatal(err)
		}
		w.end()
		if _, err := w.get(); err != nil {
			t.Errorf("the next refresh token was dropped: %v", err)
		}
	})
}

// TestKeepTokens: refresh tokens that would end of disuse are used in time; those
// that follow a session at the provider are not prolonged.
func TestKeepTokens(t *testing.T) {
	const day = 24 * time.Hour
	eachTokens(t, func(t *testing.T, w *tokens) {
		keep := func(what string, want int, change string) {
			t.Helper()
			w.set("retry_at = 0, lease_until = 0, state = ''")
			w.set(change)
			n := w.asked()
			kept, err := w.KeepTokens(t.Context())
			if err != nil || kept != want || w.asked()-n != want {
				t.Errorf("%s: kept %d, want %d; %d requests, %v", what, kept, want, w.asked()-n, err)
			}
		}
		life := func(ago, left time.Duration) string {
			return "updated_at = " + micros(-ago) + ", refresh_expires_at = " + micros(left)
		}
		keep("for ever", 0, "refresh_expires_at = 0")
		keep("half of its life", 0, life(90*day, 90*day))
		keep("two thirds of its life", 1, life(121*day, 59*day))
		keep("a session", 0, life(9*time.Hour, time.Hour))
		keep("it has ended", 0, life(181*day, -day))
		keep("being refreshed", 0, life(150*day, 30*day)+", lease_until = "+micros(time.Minute))
		keep("failed lately", 0, life(150*day, 30*day)+", retry_at = "+micros(time.Minute))
		keep("lost", 0, life(150*day, 30*day)+", state = 'refused'")
		keep("nothing to use", 0, life(150*day, 30*day)+", "+noRefreshToken)
		w.link(w.user, "one", "ada")
		must(t, w.db.UpdateUser(t.Context(), disabled(w.user)))
		keep("a disabled account", 0, life(150*day, 30*day))
		enabled, err := w.db.User(t.Context(), w.user.ID)
		must(t, err)
		enabled.DisabledAt = time.Time{}
		must(t, w.db.UpdateUser(t.Context(), enabled))
		w.op.Fail(providertest.Token, providertest.Failure{Status: 503, HTML: true})
		w.set(life(150*day, 30*day))
		if kept, err := w.KeepTokens(t.Context()); kept != 0 || err != nil || w.held().Failures != 1 {
			t.Errorf("a provider that is down: %d, %v, %+v", kept, err, w.held())
		}
		keep("a little later", 1, life(150*day, 30*day))
	})
}
