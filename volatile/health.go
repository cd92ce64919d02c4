package volatile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Health is what Redis tells of itself. What it does not tell (some that are rented out
// don't) is zero.
type Health struct {
	Version   string        // "7.2.4"
	Policy    string        // maxmemory-policy
	MaxMemory int64         // bytes; 0: no limit
	Used      int64         // bytes
	RoundTrip time.Duration // that a question took
}

// Evicts tells whether Redis removes keys that have not expired when its memory is full.
func (h Health) Evicts() bool {
	return h.Policy != "" && h.Policy != "noeviction" && h.MaxMemory > 0
}

// Advice says what an operator should change; "" nothing.
func (h Health) Advice() string {
	if !h.Evicts() {
		return ""
	}
	return fmt.Sprintf("redis removes keys when its memory of %d MiB is full (maxmemory-policy %s): people are signed out, and who guesses passwords gets more tries. Set maxmemory-policy to noeviction", h.MaxMemory>>20, h.Policy)
}

// Look asks Redis how it is. Errors: ErrAway.
func (r *Redis) Look(ctx context.Context) (Health, error) {
	start := time.Now()
	if err := r.trip(ctx, "ping", func(b *batch) { b.add("PING") }); err != nil {
		return Health{}, err
	}
	h := Health{RoundTrip: time.Since(start)}
	text, err := r.info(ctx, "server", "memory")
	if err != nil {
		text, _ = r.info(ctx) // before version 7 there was one section at a time; who may not ask learns nothing
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "redis_version":
			h.Version = value
		case "maxmemory_policy":
			h.Policy = value
		case "maxmemory":
			h.MaxMemory, _ = strconv.ParseInt(value, 10, 64)
		case "used_memory":
			h.Used, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return h, nil
}

// info asks for sections of what Redis tells of itself.
func (r *Redis) info(ctx context.Context, sections ...string) (string, error) {
	var b batch
	c := b.add("INFO", anys(sections)...)
	if err := r.conns.send(ctx, &b); err != nil {
		return "", err
	}
	return string(c.bytes()), c.err
}

// errProbe: Redis did not do what it was told.
var errProbe = errors.New("redis gives back something else than was written; is it one server, which keeps what it takes?")

// Try writes, reads, counts and removes as the broker does, and so finds what a user of
// Redis may not do. Errors: ErrAway with the command's answer.
func (r *Redis) Try(ctx context.Context) error {
	key, value := r.prefix+"s:probe-"+rand.Text(), rand.Text()
	var got *command
	if err := r.trip(ctx, "try", func(b *batch) {
		b.set(key, value, time.Minute)
		b.expire(key, time.Minute)
		got = b.read(key, maxSeen)
	}); err != nil {
		return err
	}
	if _, err := r.run(ctx, "try a script", saveData, []string{key, key}, value, 1000); err != nil {
		return err
	}
	if err := r.trip(ctx, "try", func(b *batch) { b.del(key) }); err != nil {
		return err
	}
	if string(got.bytes()) != value {
		return errProbe
	}
	return nil
}
