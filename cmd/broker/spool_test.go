package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes counts what arrives.
type writes struct {
	mu    sync.Mutex
	text  bytes.Buffer
	times int
	err   error
}

func (w *writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times++
	w.text.Write(b)
	return len(b), w.err
}

func (w *writes) lines() (lines, times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.text.String(), "\n"), w.times
}

func TestSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &writes{}
		s := &spool{to: out}
		log := slog.New(spoolHandler{slog.NewTextHandler(s, nil), s}).With("a", 1).WithGroup("g")
		want := func(what string, lines, times int) {
			t.Helper()
			synctest.Wait()
			if l, n := out.lines(); l != lines || n != times {
				t.Errorf("%s: %d lines in %d writes, want %d in %d", what, l, n, lines, times)
			}
		}
		log.Info("one")
		log.Info("two")
		want("at once", 0, 0)
		time.Sleep(spoolTime)
		want("after a moment", 2, 1)
		time.Sleep(spoolTime)
		want("nothing waits", 2, 1)
		log.Info("three")
		log.Warn("four")
		want("a warning", 4, 2)
		log.Info("five")
		time.Sleep(spoolTime)
		want("the clock runs again", 5, 3)
		for range 1000 {
			log.Info(strings.Repeat("x", 100))
		}
		if l, n := out.lines(); l < 800 || n < 5 || n > 8 {
			t.Errorf("many: %d lines in %d writes", l, n)
		}
		if err := s.flush(); err != nil {
			t.Error(err)
		}
		want("all of them", 1005, n(out))
		out.err = errors.New("disk full")
		log.Info("lost")
		if err := s.flush(); err == nil {
			t.Error("the error is swallowed")
		}
		time.Sleep(2 * spoolTime)
		if !log.Enabled(context.Background(), slog.LevelInfo) {
			t.Error("the level is lost")
		}
	})
}

func n(w *writes) int { _, times := w.lines(); return times }
