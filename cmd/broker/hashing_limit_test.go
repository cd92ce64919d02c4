package main

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

const (
	// documented is what docs/operations.md has operators give a broker that computes so many hashes at
	// once (ulimit -d), in KiB: its own, twice the hashes, and a quarter more for the holes that Go leaves.
	documented = (130<<10 + 2*atOnce*20<<10) * 5 / 4
	// tooMany times as many at once have no room there: what they compute with alone is more than that,
	// whatever is left behind, and wherever Go finds a place for it.
	tooMany = 8
)

// TestHashingUnderALimit: the kernel gives a broker the memory that the documents
// say and no more (RLIMIT_DATA: also what Go has mapped and nobody has touched; needs
// no root and no control group). A crowd signs in, some with passwords that are tried in several
// forms, and it stays. A broker that computes eight times as many at once dies there, so it is a limit.
func TestHashingUnderALimit(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("takes some seconds, and wants Linux")
	}
	r := hashing(t, atOnce, documented)
	before := r.memory("VmData")
	var c crowd
	if c.arrive(r); c.in.Load() == 0 || c.broken.Load() > 0 {
		t.Fatalf("%d let in, %d without an answer\n%.2000s", c.in.Load(), c.broken.Load(), r.err.String())
	}
	t.Logf("from %d to %d MiB of %d", before>>10, r.memory("VmData")>>10, documented>>10)
	if status, err := signIn(r.base, "ada@example.org", "correct horse battery"); status != http.StatusSeeOther || err != nil {
		t.Error(status, err)
	}
	r.stop()

	more := hashing(t, tooMany*atOnce, documented)
	for range 3 { // how many meet is chance
		var c crowd
		if c.arrive(more); c.broken.Load() == 0 {
			continue
		}
		_ = more.end() // it is dying: that a connection broke is seen before its end is
		if log := more.err.String(); !strings.Contains(log, "out of memory") && !strings.Contains(log, "cannot allocate memory") {
			t.Errorf("it died of something else:\n%.2000s", log)
		}
		return
	}
	t.Errorf("%d hashes at once have room, too: the limit shows nothing (%d of %d MiB)", tooMany*atOnce, more.memory("VmData")>>10, documented>>10)
}
