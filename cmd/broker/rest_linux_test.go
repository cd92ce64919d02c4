package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxIdle is what an idle broker may hold, in bytes. Two thirds of it are pages of the program's file.
const maxIdle = 40 << 20

// TestIdleMemory: soon after the start the broker holds no more than it may, with a database that
// is there and in an empty directory, and it goes on answering.
func TestIdleMemory(t *testing.T) {
	o := newOperator(t)
	for _, with := range []string{"an empty directory", "a database"} {
		r := o.serve()
		held := int64(math.MaxInt64)
		for began := time.Now(); held > maxIdle && time.Since(began) < startTime; time.Sleep(50 * time.Millisecond) {
			held = inFile(t, fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid), "VmRSS:")
		}
		if held > maxIdle {
			t.Errorf("in %s it holds %d MB", with, held>>20)
		}
		if code, _ := get(t, r.base+discoveryPath); code != 200 {
			t.Errorf("discovery: %d", code)
		}
		r.stop()
	}
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
