package providers

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/providers/providertest"
)

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
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
	var held sync.Map
	go func() {
		for {
			c, err := dead.Accept()
			if err != nil {
				return
			}
			held.Store(c, true)
		}
	}()
	t.Cleanup(func() {
		_ = dead.Close()
		held.Range(func(c, _ any) bool { return c.(net.Conn).Close() == nil })
	})
	fake := providertest.NewOpenID(t, providertest.OpenIDOptions{})
	fake.AddClient(providertest.Client{ID: "c", Secret: testSecret, RedirectURIs: []string{testBase + "/oauth/authorized/op0/"}})
	fake.AddPerson(providertest.Person{Subject: "user-1"})
	const patience = 2 * time.Second
	r, err := New(Options{
		Apps:    append(manyApps(1, fake.Issuer), App{ID: "dead", Kind: "oidc", Issuer: "http://" + dead.Addr().String(), ClientID: "c"}),
		BaseURL: testBase, AllowPrivate: true, limits: limits{lookup: patience},
	})
	if err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	began := time.Now()
	for range 16 {
		waiting.Go(func() {
			_, err := r.Begin(context.Background(), "dead", "s", broker.BeginOptions{})
			wantError(t, "dead", err, ErrUnavailable)
		})
	}
	eventually(t, "connection to the dead one", func() bool {
		n := 0
		held.Range(func(any, any) bool { n++; return true })
		return n > 0
	})
	out, err := r.Begin(context.Background(), "op0", "state", broker.BeginOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cb, err := broker.ParseCallback(fake.Walk(t, out.URL, "user-1").RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Complete(context.Background(), "op0", broker.Attempt{Provider: "op0", RedirectURI: out.RedirectURI, ClientID: out.ClientID, Session: out.Session}, cb)
	if took := time.Since(began); err != nil || took >= patience {
		t.Errorf("the other took %s: %v", took, err)
	}
	waiting.Wait() // and all of them for one lookup, not one after the other
	if took := time.Since(began); took > 3*patience {
		t.Errorf("the dead one held people up for %s", took)
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
	h.fake.Fail(providertest.Discovery, providertest.Failure{Delay: time.Second})
	began := time.Now()
	for range 5 {
		if _, _, err := h.begin(broker.BeginOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Second/2 {
		t.Errorf("somebody waited for %s", took)
	}
	fresh := func() bool {
		_, next, _ := h.reg.byID["op"].provider.(*openID).dir.cached(h.now())
		return next == known
	}
	if fresh() {
		t.Error("the old document counts as fresh")
	}
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
