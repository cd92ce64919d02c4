package volatile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// batch is commands that Redis is sent together, and then what it has answered to each.
type batch struct{ commands []*command }

// command is one command and its answer, which is there when the batch was sent.
type command struct {
	name string
	args []any

	value any   // nil: there is nothing
	err   error // which Redis answered instead
}

// bytes is the answer of a command that reads a string; nil where there is none.
func (c *command) bytes() []byte {
	b, _ := c.value.([]byte)
	return b
}

func (b *batch) add(name string, args ...any) *command {
	c := &command{name: name, args: args}
	b.commands = append(b.commands, c)
	return c
}

// set writes a value for a time of a millisecond at least.
func (b *batch) set(key string, value any, life time.Duration) {
	b.add("SET", key, value, "PX", life.Milliseconds())
}

// read reads the bytes 0 to last of a value.
func (b *batch) read(key string, last int) *command { return b.add("GETRANGE", key, 0, last) }

// expire gives a key another time; with 0 it is gone.
func (b *batch) expire(key string, life time.Duration) { b.add("PEXPIRE", key, life.Milliseconds()) }

func (b *batch) del(keys ...string) { b.add("DEL", anys(keys)...) }

// eval runs a script, and sends it along.
func (b *batch) eval(s script, keys []string, args ...any) *command {
	return b.add("EVAL", s.words(s.text, keys, args)...)
}

// evalKnown runs a script that Redis may know; noScript if it does not.
func (b *batch) evalKnown(s script, keys []string, args ...any) *command {
	return b.add("EVALSHA", s.words(s.hash, keys, args)...)
}

// exchange sends the commands, waits for all the answers, and notes them. Its error is the
// connection's, which is of no more use then; what Redis answers is none.
func (b *batch) exchange(conn redis.Conn, timeout time.Duration) error {
	if len(b.commands) == 0 {
		return nil
	}
	for _, c := range b.commands {
		if err := conn.Send(c.name, c.args...); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	answers, err := redis.Values(redis.DoWithTimeout(conn, timeout, "")) // no command: the answers to all
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if len(answers) != len(b.commands) {
		return fmt.Errorf("receive: %d answers to %d commands", len(answers), len(b.commands))
	}
	for i, c := range b.commands {
		c.value, c.err = answers[i], nil
		if e, refused := answers[i].(redis.Error); refused {
			c.value, c.err = nil, e
		}
	}
	return nil
}

// readOnly tells whether Redis has refused a command since it is a copy of another: the
// address leads elsewhere now, and the connection is of the time before.
func (b *batch) readOnly() bool {
	return slices.ContainsFunc(b.commands, func(c *command) bool {
		return c.err != nil && strings.Contains(c.err.Error(), "READONLY ") // of a script, it is in the middle
	})
}

// lost tells whether an answer of Redis says that what stands there is not ours.
func lost(err error) bool { return refused(err, "WRONGTYPE ") }

// noScript tells whether Redis does not know a script, or no more.
func noScript(err error) bool { return refused(err, "NOSCRIPT ") }

func refused(err error, how string) bool {
	e, ok := errors.AsType[redis.Error](err)
	return ok && strings.HasPrefix(string(e), how)
}

// script is what Redis runs as one step.
type script struct{ text, hash string }

func newScript(text string) script {
	return script{text, redis.NewScript(0, text).Hash()}
}

// words are the arguments of EVAL and its like.
func (script) words(what string, keys []string, args []any) []any {
	return slices.Concat([]any{what, len(keys)}, anys(keys), args)
}

func anys(words []string) []any {
	all := make([]any, len(words))
	for i, w := range words {
		all[i] = w
	}
	return all
}
