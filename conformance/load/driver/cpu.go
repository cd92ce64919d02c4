package driver

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of /proc/PID/stat: Linux tells user space 100 a second on
// every architecture that Go runs on (proc(5), sysconf(_SC_CLK_TCK)).
const tick = time.Second / 100

// cpuTime is the user and system time that the processes have taken, to 10 ms.
func cpuTime(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		t, err := parseStat(b)
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		sum += t
	}
	return sum, nil
}

// parseStat reads utime and stime, the 14th and the 15th field. The second one
// is the program's name in parentheses, which may contain anything.
func parseStat(b []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return 0, fmt.Errorf("%.40q is no stat line", b)
	}
	fields := bytes.Fields(b[end+1:]) // from the 3rd field on
	if len(fields) < 13 {
		return 0, fmt.Errorf("%.40q is no stat line", b)
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil || n < 0 || n > int64(100*365*24*time.Hour/tick) {
			return 0, fmt.Errorf("%.40q is no stat line", b)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
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
