package driver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// tick is the unit of /proc/PID/stat: Linux tells user space 100 a second on
// every architecture that Go runs on (proc(5), sysconf(_SC_CLK_TCK)).
const tick = time.Second / 100

// cpuTime is the user and system time that the processes and their descendants
// have taken, to 10 ms for each: a database server works in children.
func cpuTime(pids []int) (time.Duration, error) {
	if len(pids) == 0 {
		return 0, nil
	}
	all, err := processes()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	counted := map[int]bool{}
	for next := slices.Clone(pids); len(next) > 0; next = next[1:] {
		pid := next[0]
		if counted[pid] {
			continue
		}
		p, ok := all[pid]
		if !ok {
			return 0, fmt.Errorf("CPU time of process %d: there is none", pid)
		}
		counted[pid] = true
		sum += p.cpu
		for child, q := range all {
			if q.parent == pid {
				next = append(next, child)
			}
		}
	}
	return sum, nil
}

// process is what a stat line tells of one.
type process struct {
	parent int
	cpu    time.Duration // its own, and that of the children which it has outlived
}

// processes are all that run, by id.
func processes() (map[int]process, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, err
		}
		if all[pid], err = parseStat(b); err != nil {
			return nil, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
	}
	return all, nil
}

// parseStat reads ppid, utime, stime, cutime and cstime: the 4th field and the
// 14th to the 17th. The second one is the program's name in parentheses, which
// may contain anything.
func parseStat(b []byte) (process, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return process{}, fmt.Errorf("%.40q is no stat line", b)
	}
	fields := bytes.Fields(b[end+1:]) // from the 3rd field on
	if len(fields) < 15 {
		return process{}, fmt.Errorf("%.40q is no stat line", b)
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return process{}, fmt.Errorf("%.40q is no stat line", b)
	}
	p := process{parent: parent}
	for _, f := range fields[11:15] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil || n < 0 || n > int64(100*365*24*time.Hour/tick) {
			return process{}, fmt.Errorf("%.40q is no stat line", b)
		}
		p.cpu += time.Duration(n) * tick
	}
	return p, nil
}

// Resident is the memory of a process in bytes (VmRSS of /proc/PID/status); 0
// where it cannot be read.
func Resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("\nVmRSS:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return n * 1024
}

// CPUTime is the CPU time of one process; 0 where it cannot be read.
func CPUTime(pid int) time.Duration {
	t, err := cpuTime([]int{pid})
	if err != nil {
		return 0
	}
	return t
}
