package web

import (
	"os"
	"runtime/debug"
	"testing"
)

// garbage is how much of it may lie around before it is collected, in percent of what
// lives: a test leaves almost nothing alive, and collecting was a fifth of their work.
const garbage = 400

func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	os.Exit(m.Run())
}
