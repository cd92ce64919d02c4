package main

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

const (
	// mappedHash is what a hash takes of the limit, in KiB: Go maps four MiB at a time.
	mappedHash = 20 << 10
	// spareMemory is what a crowd takes beside its hashes, in KiB. It is less than a hash: Linux
	// lets the mapping through that passes the limit, and refuses the next. One more at
	// once takes two: its own, and what it leaves behind.
	spareMemory = 12 << 10
)

// limitFor is the memory, in KiB, in which a broker that computes so many hashes at once must
// do, as docs/operations.md tells operators: what it has without, and twice the hashes.
func limitFor(t *testing.T, atOnce int) int {
	t.Helper()
	r := hashing(t, atOnce, 0)
	first := r.memory("VmData") // with one hash
	r.stop()
	return first + (2*atOnce-1)*mappedHash + spareMemory
}

// TestHashingUnderALimit: the kernel gives a broker the memory that its configuration
// comes to and no more (RLIMIT_DATA: also what Go has mapped and nobody has touched; needs
// no root and no control group). A crowd signs in, some with passwords that are tried in several
// forms, and it stays. A broker that computes one more at once dies there, so the limit is no wider than it says.
func TestHashingUnderALimit(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("takes some seconds, and wants Linux")
	}
	limit := limitFor(t, atOnce)

	r := hashing(t, atOnce, limit)
	before := r.memory("VmData")
	var c crowd
	if c.arrive(r); c.in.Load() == 0 || c.broken.Load() > 0 {
		t.Fatalf("%d let in, %d without an answer\n%.2000s", c.in.Load(), c.broken.Load(), r.err.String())
	}
	t.Logf("from %d to %d MiB of %d", before>>10, r.memory("VmData")>>10, limit>>10)
	if status, err := signIn(r.base, "ada@example.org", "correct horse battery"); status != http.StatusSeeOther || err != nil {
		t.Error(status, err)
	}
	r.stop()

	more := hashing(t, atOnce+1, limit)
	for range 3 { // how many meet is chance
		var c crowd
		if c.arrive(more); c.broken.Load() > 0 {
			break
		}
	}
	select {
	case <-more.done:
		if log := more.err.String(); !strings.Contains(log, "out of memory") && !strings.Contains(log, "cannot allocate memory") {
			t.Errorf("it died of something else:\n%.2000s", log)
		}
	default:
		t.Errorf("%d hashes at once have room, too: the limit shows nothing (%d of %d MiB)", atOnce+1, more.memory("VmData")>>10, limit>>10)
	}
}
