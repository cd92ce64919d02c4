package providers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// metadataFresh is how long a discovery document and keys are used
	// without asking. A key that the provider withdrew is not trusted longer.
	metadataFresh = time.Hour
	// metadataStale is how long a document is used while a new one is looked up
	// behind it, and keys while the provider does not answer: a restart there
	// must not lock people out.
	metadataStale = 24 * time.Hour
	// keysAhead is how long before their time keys are looked up again, when
	// somebody sets out for the provider: they are there when the person is back.
	keysAhead = 15 * time.Minute
	// lookupPause is how long a failed lookup is believed, and how often
	// unknown keys make us ask: forged tokens must not make us a flood.
	lookupPause = 10 * time.Second
)

// wellKnown is where a discovery document is below its issuer.
const wellKnown = "/.well-known/openid-configuration"

// directory knows a provider's metadata and keys. It asks when they are first
// needed, so that the broker starts while the provider is down.
type directory struct {
	issuer string
	client *client
	plain  bool // http endpoints are fine
	now    func() time.Time
	loaded func(metadata) // told of every new document; nil nobody
	log    *slog.Logger

	turn chan struct{} // holds one token: whoever looks up

	mu     sync.Mutex
	found  *metadata
	at     time.Time // of found
	failed time.Time // of the last failure
	err    error     // of the last failure
	keys   *keySet
}

func newDirectory(issuer string, e env, loaded func(metadata)) *directory {
	d := &directory{issuer: issuer, client: e.client, plain: e.allowPrivate, now: e.now, loaded: loaded, log: e.log, turn: make(chan struct{}, 1)}
	return d
}

// metadata returns the document, from memory where there is one. Where that is
// not fresh any more, a new one is looked up in the background: nobody waits for a
// provider that has answered before.
func (d *directory) metadata(ctx context.Context) (metadata, error) {
	m, next, err := d.cached(d.now())
	switch next {
	case ask:
		return d.lookUp(ctx)
	case refresh:
		go d.behind(func(ctx context.Context) { _, _ = d.lookUp(ctx) })
	}
	return m, err
}

// warm looks up keys in the background that are known and will be too old when
// the person who sets out now returns.
func (d *directory) warm() {
	d.mu.Lock()
	keys := d.keys
	d.mu.Unlock()
	if keys != nil && keys.aging(metadataFresh-keysAhead) {
		go d.behind(func(ctx context.Context) { _, _ = keys.get(ctx, metadataFresh-keysAhead) })
	}
}

// behind runs a lookup that nobody waits for. Whatever the provider sends, the
// process lives.
func (d *directory) behind(lookUp func(ctx context.Context)) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in a lookup", "panic", fmt.Sprintf("%T", p))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 2*d.client.limits.lookup)
	defer cancel()
	lookUp(ctx)
}

// lookUp asks for the document, one at a time, unless that has just been done.
func (d *directory) lookUp(ctx context.Context) (metadata, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return metadata{}, classify(ctx.Err())
	}
	if m, next, err := d.cached(d.now()); next == known {
		return m, err
	}
	m, err := d.fetch(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if err != nil {
		if ctx.Err() == nil { // the person did not just leave
			d.failed, d.err = now, err
		}
		return metadata{}, err
	}
	d.found, d.at, d.err = &m, now, nil
	if d.keys == nil || d.keys.url != m.Keys {
		d.keys = newKeySet(m.Keys, d.client, d.now)
	}
	if d.loaded != nil {
		d.loaded(m)
	}
	return m, nil
}

// step is what a look into memory calls for.
type step int

const (
	known   step = iota // use what was found
	refresh             // use it, and look up another
	ask                 // there is nothing: look up
)

// cached returns what is known. The error of a failed lookup is believed for a
// while.
func (d *directory) cached(now time.Time) (metadata, step, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	age, paused := now.Sub(d.at), d.err != nil && now.Sub(d.failed) < lookupPause
	switch {
	case d.found != nil && (age < metadataFresh || age < metadataStale && paused):
		return *d.found, known, nil
	case d.found != nil && age < metadataStale:
		return *d.found, refresh, nil
	case paused:
		return metadata{}, known, d.err
	}
	return metadata{}, ask, nil
}

func (d *directory) fetch(ctx context.Context) (metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, d.client.limits.lookup)
	defer cancel()
	// an issuer may end with "/", which is removed here (section 4.1)
	a, err := d.client.get(ctx, strings.TrimSuffix(d.issuer, "/")+wellKnown, "", "")
	if err != nil {
		return metadata{}, classify(fmt.Errorf("discovery: %w", err))
	}
	if a.Status == http.StatusNotFound {
		return metadata{}, ErrMisconfigured.Becausef("discovery: %s has no document; is the issuer right?", d.issuer)
	}
	if err := a.ok("discovery"); err != nil {
		return metadata{}, err
	}
	if !a.isJSON() {
		return metadata{}, ErrUpstream.Why(whyBroken).Becausef("discovery: %q is no JSON", clean(a.mediaType()))
	}
	m, err := parseMetadata(a.Body, d.issuer, d.plain)
	if errors.Is(err, errIssuer) {
		return metadata{}, ErrMisconfigured.Because(redact(err))
	}
	if err != nil {
		return metadata{}, ErrUpstream.Why(whyBroken).Because(redact(err))
	}
	return m, nil
}

// keySet returns the keys that belong to the metadata.
func (d *directory) keySet(ctx context.Context) (*keySet, error) {
	if _, err := d.metadata(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys, nil
}
