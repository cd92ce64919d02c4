package local

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// seenSlot is what one thing takes, in bytes: half a SHA-256, which nobody finds two texts for by accident.
	seenSlot = 16
	// seenSlots are those of a new file; it doubles when it is half full.
	seenSlots = 1 << 12
	// seenChunk is how much of a file that is copied into a larger one is read at once, in bytes.
	seenChunk = 64 << 10
)

// seen remembers what an import has met, in a file without a name: a million people are
// read in as much memory as a hundred. The file is a hash table with open addressing; a slot of zeros is free.
// The zero value has met nothing.
type seen struct {
	file  *os.File // nil: none yet
	slots uint64   // a power of two
	used  uint64
}

// first tells whether something is met for the first time. Errors are those of the file.
func (s *seen) first(what string) (bool, error) {
	sum := sha256.Sum256([]byte(what))
	key := [seenSlot]byte(sum[:seenSlot])
	key[seenSlot-1] |= 1 // never zeros
	if s.used*2 >= s.slots {
		if err := s.grow(); err != nil {
			return false, fmt.Errorf("remember what was read: %w", err)
		}
	}
	first, err := s.put(key)
	if err != nil {
		return false, fmt.Errorf("remember what was read: %w", err)
	}
	return first, nil
}

// put writes a key into the first free slot from its own on, unless it stands before that.
func (s *seen) put(key [seenSlot]byte) (first bool, err error) {
	for i := binary.LittleEndian.Uint64(key[:]); ; i++ {
		at := int64(i&(s.slots-1)) * seenSlot
		var slot [seenSlot]byte
		if _, err := s.file.ReadAt(slot[:], at); err != nil {
			return false, err
		}
		switch slot {
		case key:
			return false, nil
		case [seenSlot]byte{}:
			_, err := s.file.WriteAt(key[:], at)
			if err == nil {
				s.used++
			}
			return err == nil, err
		}
	}
}

// grow goes on in a file of twice the size, or begins one.
func (s *seen) grow() error {
	larger := seen{slots: max(2*s.slots, seenSlots)}
	f, err := os.CreateTemp("", "broker-import-*")
	if err != nil {
		return err
	}
	larger.file = f
	if err := errors.Join(os.Remove(f.Name()), f.Truncate(int64(larger.slots)*seenSlot)); err != nil {
		return errors.Join(err, f.Close())
	}
	if s.file != nil {
		if err := s.copyTo(&larger); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	err = s.close()
	*s = larger
	return err
}

func (s *seen) copyTo(larger *seen) error {
	in := bufio.NewReaderSize(io.NewSectionReader(s.file, 0, int64(s.slots)*seenSlot), seenChunk)
	for range s.slots {
		var slot [seenSlot]byte
		if _, err := io.ReadFull(in, slot[:]); err != nil {
			return err
		}
		if slot == [seenSlot]byte{} {
			continue
		}
		if _, err := larger.put(slot); err != nil {
			return err
		}
	}
	return nil
}

func (s *seen) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
