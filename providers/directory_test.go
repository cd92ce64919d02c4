package providers

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// patience is longer than what need not wait takes on a busy machine.
const patience = time.Minute

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// manyApps are apps at one issuer.
func manyApps(n int, issuer string) []App {
	apps := make([]App, n)
	for i := range apps {
		apps[i] = App{ID: fmt.Sprint("op", i), Kind: "oidc", Issuer: issuer, ClientID: "c", ClientSecret: testSecret}
	}
	return apps
}

// TestStartAsksNobody: a hundred providers cost a start no request.
func TestStartAsksNobody(t *testing.T) {
	fake := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	r, err := New(Options{Apps: manyApps(100, fake.Issuer), BaseURL: testBase, AllowPrivate: true})
	if err != nil || len(r.Providers()) != 100 {
		t.Fatal(err)
	}
	if n := fake.Count(providertest.Discovery) + fake.Count(providertest.JWKS); n != 0 {
		t.Errorf("%d requests at the start", n)
	}
	for range 3 {
		if _, err := r.Begin(context.Background(), "op7", "state", broker.BeginOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := fake.Count(providertest.Discovery); n != 1 {
		t.Errorf("%d requests for the one that somebody goes to", n)
	}
}

// TestDeadProviderDelaysNobodyElse: while many wait for a provider that takes
// connections and says nothing, another lets people in.
func TestDeadProviderDelaysNobodyElse(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taken, answered atomic.Int32
	over := make(chan struct{})
	go func() {
		for {
			c, err := dead.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			go func() {
				<-over
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() { _ = dead.Close() })
	fake := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	fake.AddClient(providertest.Client{ID: "c", Secret: testSecret, RedirectURIs: []string{testBase + "/oauth/authorized/op0/"}})
	fake.AddPerson(providertest.Person{Subject: "user-1"})
	var stopped atomic.Pointer[time.Time] // the clock, where it is
	r, err := New(Options{
		Apps:    append(manyApps(1, fake.Issuer), App{ID: "dead", Kind: "oidc", Issuer: "http://" + dead.Addr().String(), ClientID: "c"}),
		BaseURL: testBase, AllowPrivate: true, limits: limits{lookup: 2 * patience, retry: time.Millisecond},
		now: func() time.Time {
			if at := stopped.Load(); at != nil {
				return *at
			}
			return time.Now()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	for range 16 {
		waiting.Go(func() {
			_, err := r.Begin(context.Background(), "dead", "s", broker.BeginOptions{})
			answered.Add(1)
			wantError(t, "dead", err, ErrUnavailable)
		})
	}
	eventually(t, "connection to the dead one", func() bool { return taken.Load() > 0 })
	out, err := r.Begin(context.Background(), "op0", "state", broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cb, err := broker.ParseCallback(fake.Walk(t, out.URL, "user-1").RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Complete(context.Background(), "op0", broker.Attempt{Provider: "op0", RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session}, cb)
	if err != nil || answered.Load() != 0 {
		t.Errorf("the other waited for the dead one: %v", err)
	}
	now := time.Now()
	stopped.Store(&now) // a failure is believed for a while, however long this machine takes
	close(over)
	waiting.Wait() // all of them for one lookup, not one after the other
	if n := taken.Load(); n > 2 {
		t.Errorf("%d connections for one lookup and its retry", n)
	}
}

// TestRefreshBehindPeople: when a document is not fresh any more, nobody waits for
// the next one, and the next one comes.
func TestRefreshBehindPeople(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatal(err)
	}
	h.pass(metadataFresh)
	dir := h.reg.byID["op"].provider.(*openID).dir
	dir.client.limits.lookup = patience
	answer := make(chan struct{})
	h.fake.Fail(providertest.Discovery, providertest.Failure{Until: answer})
	began := time.Now()
	for range 5 {
		if _, _, err := h.begin(broker.BeginOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took >= patience {
		t.Errorf("somebody waited for %s", took)
	}
	fresh := func() bool {
		_, next, _ := dir.cached(h.now())
		return next == known
	}
	if fresh() {
		t.Error("the old document counts as fresh")
	}
	close(answer)
	eventually(t, "new document", fresh)
	if n := h.fake.Count(providertest.Discovery); n != 2 {
		t.Errorf("%d requests", n)
	}
}

// TestRefreshThatFails: the old document serves, the provider is not asked at each
// sign-in, and what is a day old serves nobody.
func TestRefreshThatFails(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatal(err)
	}
	h.pass(metadataFresh)
	for range 10 {
		h.fake.Fail(providertest.Discovery, providertest.Failure{Status: 500, Body: "{}"})
	}
	dir := h.reg.byID["op"].provider.(*openID).dir
	begin := func() error { _, _, err := h.begin(broker.BeginOptions{}); return err }
	for range 5 {
		if err := begin(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "failure", func() bool { dir.mu.Lock(); defer dir.mu.Unlock(); return dir.err != nil })
	}
	if _, next, _ := dir.cached(h.now()); next != known || h.fake.Count(providertest.Discovery) != 2 {
		t.Errorf("asked %d times within the pause", h.fake.Count(providertest.Discovery)-1)
	}
	h.pass(metadataStale)
	wantError(t, "a day later", begin(), ErrUnavailable)
}

// TestKeysAreThereWhenThePersonIsBack: keys that grow old are looked up while the
// person is at the provider.
func TestKeysAreThereWhenThePersonIsBack(t *testing.T) {
	h := oidcHouse(t, providertest.OpenIDOptions{}, nil)
	if _, err := h.signIn("user-1"); err != nil {
		t.Fatal(err)
	}
	h.pass(metadataFresh - keysAhead - time.Minute)
	if _, _, err := h.begin(broker.BeginOptions{}); err != nil {
		t.Fatal(err)
	}
	h.pass(2 * time.Minute)
	if n := h.fake.Count(providertest.JWKS); n != 1 {
		t.Errorf("%d requests for keys that are young", n)
	}
	for range 3 {
		if _, _, err := h.begin(broker.BeginOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "new keys", func() bool {
		return h.fake.Count(providertest.JWKS) == 2 && !h.reg.byID["op"].provider.(*openID).dir.keys.aging(metadataFresh-keysAhead)
	})
	h.pass(metadataFresh - keysAhead - time.Minute)
	if _, err := h.signIn("user-1"); err != nil || h.fake.Count(providertest.JWKS) != 2 {
		t.Errorf("%v after %d requests", err, h.fake.Count(providertest.JWKS))
	}
}

// BenchmarkStart makes the registry of five and of a hundred providers.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{5, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			apps := manyApps(n, "https://op.example")
			for b.Loop() {
				if _, err := New(Options{Apps: apps, BaseURL: testBase}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
