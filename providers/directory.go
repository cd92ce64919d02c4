package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// metadataFresh is how long a discovery document and keys are used
	// without asking. A key that the provider withdrew is not trusted longer.
	metadataFresh = time.Hour
	// metadataStale is how long they are used while the provider does not
	// answer: a restart there must not lock people out.
	metadataStale = 24 * time.Hour
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

	turn chan struct{} // holds one token: whoever looks up

	mu     sync.Mutex
	found  *metadata
	at     time.Time // of found
	failed time.Time // of the last failure
	err    error     // of the last failure
	keys   *keySet
}

func newDirectory(issuer string, e env, loaded func(metadata)) *directory {
	d := &directory{issuer: issuer, client: e.client, plain: e.allowPrivate, now: e.now, loaded: loaded, turn: make(chan struct{}, 1)}
	return d
}

// metadata returns the document, from memory where it is fresh. A stale one is
// better than none.
func (d *directory) metadata(ctx context.Context) (metadata, error) {
	if m, err, ok := d.cached(d.now()); ok {
		return m, err
	}
	select { // one lookup at a time
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return metadata{}, classify(ctx.Err())
	}
	if m, err, ok := d.cached(d.now()); ok {
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
		if d.found != nil && now.Sub(d.at) < metadataStale {
			return *d.found, nil
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

// cached returns what is known; false: ask.
func (d *directory) cached(now time.Time) (metadata, error, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	age := now.Sub(d.at)
	switch {
	case d.found != nil && age < metadataFresh:
		return *d.found, nil, true
	case d.err != nil && now.Sub(d.failed) < lookupPause:
		if d.found != nil && age < metadataStale {
			return *d.found, nil, true
		}
		return metadata{}, d.err, true
	}
	return metadata{}, nil, false
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
