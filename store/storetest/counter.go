package storetest

import (
	"sync"

	"idbroker/store"
)

// Counter counts the statements of the databases that are opened with its
// Option. The zero value is ready.
type Counter struct {
	mu            sync.Mutex
	units, writes int
	reads         int
}

// Option makes a database count in c.
func (c *Counter) Option() Option { return OnStatement(c.note) }

func (c *Counter) note(s store.Statement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.Op == "begin":
		c.units++
	case s.Op == "commit", s.Op == "rollback":
	case s.Op == "select":
		c.reads++
	case !s.Unit:
		c.writes++
	}
}

// Transactions returns how many transactions could write: units of work, and
// writing statements outside of one.
func (c *Counter) Transactions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.units + c.writes
}

// Reads returns how many statements only read.
func (c *Counter) Reads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

// Reset begins to count anew.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.units, c.writes, c.reads = 0, 0, 0
}
