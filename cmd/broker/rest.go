package main

import (
	"context"
	"errors"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"idbroker/store"
)

const (
	// restEvery is how often the broker asks itself whether it is idle.
	restEvery = time.Minute
	// busyAbove is what a few requests a second allocate meanwhile, in bytes.
	busyAbove = 64 << 20
)

// rest gives memory back while little happens: collectAt lets more lie than an
// idle broker should hold.
type rest struct {
	db        *store.DB
	allocated uint64 // bytes since the start, as of the last look
}

func (l *rest) look(ctx context.Context) error {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	now := sample[0].Value.Uint64()
	idle := now-l.allocated < busyAbove
	l.allocated = now
	if !idle {
		return nil
	}
	return l.free(ctx)
}

func (l *rest) free(ctx context.Context) error {
	err := l.db.Rest(ctx)
	debug.FreeOSMemory()
	return errors.Join(err, putProgramDown())
}
