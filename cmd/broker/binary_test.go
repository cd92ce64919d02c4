package main

import (
	"debug/elf"
	"os"
	"testing"
)

// maxBinary is the promise about the size of the program, in bytes.
const maxBinary = 40_000_000

// TestBinaryIsStatic keeps cgo and shared libraries out: one file runs on any
// Linux, and in an empty container.
func TestBinaryIsStatic(t *testing.T) {
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(bin)
	if err != nil || info.Size() > maxBinary {
		t.Errorf("%v: %d bytes", err, info.Size())
	}
	f, err := elf.Open(bin)
	if err != nil {
		if os.Getenv("BROKER_TEST_ALL") == "1" {
			t.Fatalf("not an ELF binary: %v", err)
		}
		t.Skipf("not an ELF binary: %v", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a dynamic linker")
		}
	}
}
