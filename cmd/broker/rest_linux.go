package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// putProgramDown takes the pages of the program's file out of this process. What runs next
// is mapped again at its first use, from the file cache of the kernel, where the pages
// stay until memory is short. The start reads four times as much of the program as an idle
// broker does, and the kernel would count it as ours for as long as it has room.
func putProgramDown() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil //nolint:nilerr // no /proc here: nothing is lost
	}
	f, err := os.Open("/proc/self/smaps")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := unchanged(f, program)
	if err != nil {
		return err
	}
	for _, m := range all {
		if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("put the program down: %w", errno)
		}
	}
	return nil
}

// mapping is a piece of a file in memory.
type mapping struct{ from, to uintptr }

// unchanged reads /proc/PID/smaps (proc(5)) and returns where the file called name is mapped and no page of it
// was written to: in a position-independent program read-only data was once written, by whoever
// loaded it, and would be lost.
func unchanged(smaps io.Reader, name string) ([]mapping, error) {
	var all []mapping
	var at mapping
	ours := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		field := strings.Fields(lines.Text())
		if len(field) < 2 {
			continue
		}
		if !strings.HasSuffix(field[0], ":") { // "00400000-01526000 r-xp 00000000 fe:00 1234   /usr/bin/broker"
			_, path, _ := strings.Cut(lines.Text(), "/")
			from, to, _ := strings.Cut(field[0], "-")
			low, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
			high, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
			at = mapping{uintptr(low), uintptr(high)}
			ours = err1 == nil && err2 == nil && low < high && "/"+path == name && (field[1] == "r-xp" || field[1] == "r--p")
			continue
		}
		if ours && field[0] == "Anonymous:" {
			if field[1] == "0" {
				all = append(all, at)
			}
			ours = false
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read smaps: %w", err)
	}
	return all, nil
}
