package fetch

import (
	"sync"
	"time"
)

// flight is one request: what it brings, once done is closed.
type flight struct {
	url  string
	done chan struct{}
	body []byte
	err  error
}

// entry is what is known of a URL.
type entry struct {
	body    []byte // the last document; nil none
	fetched time.Time

	last    error     // what came of the last request; nil where it brought body
	ended   time.Time // when
	current *flight   // nil: no request is under way
}

// cache keeps documents and failures by URL.
type cache struct {
	mu      sync.Mutex
	entries map[string]*entry
	kept    int // how many at most; 0: maxKept
}

// claim answers from what is known (body or err), or returns the flight to wait
// for. mine: the caller must make the request and land it. A document serves
// for maxAge, also when a newer request failed: who makes us ask in vain cannot
// take away what we have. After a request there is none for interval.
func (c *cache) claim(url string, maxAge, interval time.Duration, at time.Time) (body []byte, f *flight, mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[url]
	switch {
	case e == nil:
		c.makeRoom()
		e = &entry{}
		c.entries[url] = e
	case e.body != nil && at.Sub(e.fetched) < maxAge:
		return e.body, nil, false, nil
	case e.current != nil:
		return nil, e.current, false, nil
	case at.Sub(e.ended) < interval:
		if e.last != nil {
			return nil, nil, false, e.last
		}
		return e.body, nil, false, nil
	}
	e.current = &flight{url: url, done: make(chan struct{})}
	return nil, e.current, true, nil
}

// land ends a flight.
func (c *cache) land(f *flight, body []byte, err error, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.body, f.err = body, err
	e := c.entries[f.url]
	e.current, e.last, e.ended = nil, err, at
	if err == nil {
		e.body, e.fetched = body, at
	}
	close(f.done)
}

// makeRoom drops the entry that was asked for longest ago, where there are too
// many. What is under way stays; that is bounded by how long a request may take.
func (c *cache) makeRoom() {
	most := c.kept
	if most == 0 {
		most = maxKept
	}
	if len(c.entries) < most {
		return
	}
	oldest := ""
	for url, e := range c.entries {
		if e.current == nil && (oldest == "" || e.ended.Before(c.entries[oldest].ended)) {
			oldest = url
		}
	}
	delete(c.entries, oldest)
}
