package local

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// TestSeen: a thing is met for the first time once, however often the file has grown
// meanwhile, and whatever else fell on its slot.
func TestSeen(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var s seen
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	const many = 5 * seenSlots
	for i := range many {
		if first, err := s.first(strconv.Itoa(i)); !first || err != nil {
			t.Fatalf("%d: first %v, %v", i, first, err)
		}
	}
	if s.slots < 2*many || s.used != many {
		t.Errorf("%d of %d slots are used", s.used, s.slots)
	}
	for i := range many {
		if first, err := s.first(strconv.Itoa(i)); first || err != nil {
			t.Fatalf("%d again: first %v, %v", i, first, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files with a name: %v, %v", left, err)
	}
}

// TestSeenIsASet compares it with a map.
func TestSeenIsASet(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		var s seen
		defer func() { _ = s.close() }()
		known := map[string]bool{}
		for _, what := range rapid.SliceOfN(rapid.StringN(0, 2, -1), 0, 200).Draw(t, "things") {
			first, err := s.first(what)
			if err != nil || first == known[what] {
				t.Fatalf("%q: first %v, %v", what, first, err)
			}
			known[what] = true
		}
	})
}

// TestSeenNeighbours: who shares a slot with others moves on, past the end of the file to its beginning.
func TestSeenNeighbours(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var s seen
	if err := s.grow(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	for i := range byte(9) {
		key := [seenSlot]byte{0: 0xff, 1: 0x0f, 8: i, seenSlot - 1: 1} // all want the last slot
		for round, want := range []bool{true, false} {
			if first, err := s.put(key); first != want || err != nil {
				t.Errorf("%d, round %d: first %v, %v", i, round, first, err)
			}
		}
	}
}

// TestSeenFails: what cannot be remembered is an error, and nothing new.
func TestSeenFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	var s seen
	if first, err := s.first("x"); first || err == nil {
		t.Errorf("without a directory: first %v, %v", first, err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	if first, err := s.first("x"); !first || err != nil {
		t.Fatalf("first %v, %v", first, err)
	}
	if err := s.file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"x", "y"} {
		if first, err := s.first(what); first || err == nil {
			t.Errorf("%s: first %v, %v", what, first, err)
		}
	}
}

// TestSeenTakesNoMemory: what is remembered lies in the file.
func TestSeenTakesNoMemory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var s seen
	defer func() { _ = s.close() }()
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const many = 8 * seenSlots
	before := heap()
	for i := range many {
		if _, err := s.first(strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > many {
		t.Errorf("%d things take %d bytes", many, grown)
	}
	runtime.KeepAlive(&s)
}
