package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What an idle broker may hold, in bytes: with a database that is there, and after its first start, which
// makes one: that goes through more of the program, and leaves holes. Two thirds are pages of the program's file.
const (
	maxIdle  = 40 << 20
	maxFirst = 43 << 20
)

// idleStarts is how often a broker may start to show it: what a start takes depends on what else
// the machine does meanwhile, which only ever adds.
const idleStarts = 5

// TestIdleMemory: once the start is over the broker holds no more than it may, in an empty directory and with a
// database that is there, and it goes on answering.
func TestIdleMemory(t *testing.T) {
	for with, most := range map[string]int64{"an empty directory": maxFirst, "a database": maxIdle} {
		least := int64(math.MaxInt64)
		for range idleStarts {
			o := newOperator(t)
			if with == "a database" {
				o.serve().stop()
			}
			fromDisk(t, o.bin)
			r := o.serve()
			least = min(least, settled(t, r))
			if r.stop(); least <= most {
				break
			}
		}
		t.Logf("in %s: %d KiB", with, least>>10)
		if least > most {
			t.Errorf("in %s it holds %d KiB, may %d", with, least>>10, most>>10)
		}
	}
}

// fromDisk has the program read anew, as on a machine where it was installed. What a linker has just written lies in
// the file cache in other pieces, which Linux maps two megabytes more of.
func fromDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil { // what is not written yet stays
		t.Fatal(err)
	}
	const dontNeed = 4 // POSIX_FADV_DONTNEED: all of the file leaves the cache
	if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), 0, 0, dontNeed, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// settled is what a broker holds, in bytes, when that has been the same for a second.
func settled(t *testing.T, r *running) int64 {
	t.Helper()
	if code, _ := get(t, r.base+discoveryPath); code != 200 {
		t.Errorf("discovery: %d", code)
	}
	status := fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid)
	held, since := inFile(t, status, "VmRSS:"), time.Now()
	for began := since; time.Since(since) < time.Second && time.Since(began) < startTime; time.Sleep(50 * time.Millisecond) {
		if now := inFile(t, status, "VmRSS:"); now != held {
			held, since = now, time.Now()
		}
	}
	return held
}

// inFile is a number of kB in a file like /proc/PID/status, in bytes.
func inFile(t *testing.T, name, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+field)
	kB, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(kB, 10, 64)
	if err != nil {
		t.Fatalf("%s in %s: %v", field, name, err)
	}
	return n << 10
}
