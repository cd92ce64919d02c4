package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// spoolTime is how long a line waits for others. A system call for each
	// line costs more than a small request does.
	spoolTime = 100 * time.Millisecond
	// spoolSize is how many bytes wait at most.
	spoolSize = 32 << 10
)

// spool collects lines for a moment and writes them at once. A process that is
// killed loses what came in the last spoolTime; warnings and errors do not wait.
type spool struct {
	mu    sync.Mutex
	to    io.Writer
	lines []byte
	armed bool // a flush is on its way
}

// Write implements io.Writer for whole lines.
func (s *spool) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line...)
	if len(s.lines) >= spoolSize {
		return len(line), s.write()
	}
	if !s.armed {
		s.armed = true
		time.AfterFunc(spoolTime, func() { _ = s.flush() })
	}
	return len(line), nil
}

// flush writes what waits.
func (s *spool) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	return s.write()
}

func (s *spool) write() error {
	if len(s.lines) == 0 {
		return nil
	}
	_, err := s.to.Write(s.lines)
	s.lines = s.lines[:0]
	return err
}

// spoolHandler writes through a spool, and at once what somebody must see.
type spoolHandler struct {
	slog.Handler
	spool *spool
}

// Handle implements slog.Handler.
func (h spoolHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		_ = h.spool.flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h spoolHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return spoolHandler{h.Handler.WithAttrs(attrs), h.spool}
}

// WithGroup implements slog.Handler.
func (h spoolHandler) WithGroup(name string) slog.Handler {
	return spoolHandler{h.Handler.WithGroup(name), h.spool}
}
