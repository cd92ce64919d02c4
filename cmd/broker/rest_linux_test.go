package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxIdle is what an idle broker may hold, in bytes: the promise is 40 MB; it holds 12 to 15.
const maxIdle = 25 << 20

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

// TestPutProgramDown: the pages leave the process, and it goes on with them.
func TestPutProgramDown(t *testing.T) {
	before := inFile(t, "/proc/self/status", "RssFile:")
	if err := putProgramDown(); err != nil {
		t.Fatal(err)
	}
	if after := inFile(t, "/proc/self/status", "RssFile:"); after > before/2 {
		t.Errorf("%d kB of files before, %d kB after", before>>10, after>>10)
	}
}

func TestUnchanged(t *testing.T) {
	entry := func(head, anonymous string) string {
		return head + "\nSize:  4 kB\nRss:  4 kB\nAnonymous:  " + anonymous + " kB\nVmFlags: rd ex mr mw me\n"
	}
	text := entry("00400000-01509000 r-xp 00000000 fe:00 77    /opt/the broker", "0") +
		entry("01509000-02746000 r--p 01109000 fe:00 77    /opt/the broker", "0") +
		entry("02746000-02747000 r--p 01109000 fe:00 77    /opt/the broker", "4") + // relocated
		entry("02747000-02871000 rw-p 02347000 fe:00 77    /opt/the broker", "0") + // to be written
		entry("02871000-02872000 r--s 02347000 fe:00 77    /opt/the broker", "0") + // shared
		entry("7f00000000-7f00001000 r-xp 00000000 fe:00 78    /opt/the broker (deleted)", "0") +
		entry("7f00002000-7f00003000 r-xp 00000000 fe:00 78    /opt/the brokers", "0") +
		entry("7f00004000-7f00005000 r-xp 00000000 00:00 0", "0") +
		entry("7f00006000-7f00006000 r-xp 00000000 fe:00 77    /opt/the broker", "0") + // nothing
		entry("zzz-7f00007000 r-xp 00000000 fe:00 77    /opt/the broker", "0") +
		"7f00008000-7f00009000 r-xp 00000000 fe:00 77    /opt/the broker\nRss: 4 kB\n" // an older kernel tells nothing
	got, err := unchanged(strings.NewReader(text), "/opt/the broker")
	if want := []mapping{{0x400000, 0x1509000}, {0x1509000, 0x2746000}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
}

func FuzzUnchanged(f *testing.F) {
	f.Add("00400000-01509000 r-xp 00000000 fe:00 77 /b\nAnonymous: 0 kB\n")
	f.Add("- r-xp /b\nAnonymous: 0\n\n:\n: :")
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := unchanged(strings.NewReader(text), "/b")
		for _, m := range all {
			if m.from >= m.to || !strings.Contains(text, "r-xp") && !strings.Contains(text, "r--p") {
				t.Errorf("%x of %q", m, text)
			}
		}
	})
}
