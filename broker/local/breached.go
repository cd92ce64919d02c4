package local

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"idbroker/broker"
)

// A file of breached passwords is a header of one block and a Bloom filter in
// blocks of 64 bytes: a password costs one read, and a list of 40 GB makes a file of 2 GB.
// The passwords are SHA-1 in the public list, and SHA-1 is random enough to
// give the positions: its first 8 bytes the block, the other 12 the bits.
const (
	breachedMagic = "broker breached passwords 1\n"
	blockBytes    = 64
	bitsOfKey     = 8 // bits set for a password
	// keysOfBlock is how many passwords share a block: 16 bits for each. Then
	// about one password in a thousand that nobody leaked is refused with them.
	keysOfBlock = blockBytes * 8 / 16
	// maxBreached bounds the memory of making a file to 8 GiB; the public list has a quarter of it.
	maxBreached = 1 << 32
	// maxBreachedLine bounds a line of the list: 40 hexadecimal digits, a colon, a count.
	maxBreachedLine = 128
)

// Breached is a file that PrepareBreached made. It is read where it is asked,
// and may be asked by many at once.
type Breached struct {
	file   *os.File
	blocks uint64
	// Passwords is how many were put in.
	Passwords uint64
}

// OpenBreached opens a file that PrepareBreached made.
func OpenBreached(name string) (*Breached, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b := &Breached{file: f}
	if err := b.readHeader(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w; make it with \"broker passwords prepare\"", name, err), f.Close())
	}
	return b, nil
}

func (b *Breached) readHeader() error {
	var header [blockBytes]byte
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if _, err := b.file.ReadAt(header[:], 0); err != nil || string(header[:len(breachedMagic)]) != breachedMagic {
		return errors.New("is no prepared file of breached passwords")
	}
	b.blocks = binary.LittleEndian.Uint64(header[32:])
	b.Passwords = binary.LittleEndian.Uint64(header[40:])
	if b.blocks == 0 || b.blocks > maxBreached/keysOfBlock+1 || uint64(info.Size()) != (b.blocks+1)*blockBytes {
		return fmt.Errorf("has %d bytes, which is not what its beginning says: it was cut off or changed", info.Size())
	}
	return nil
}

// Close closes the file.
func (b *Breached) Close() error { return b.file.Close() }

// Contains tells whether password is in the list, in the form in which it was
// typed or in another of its Unicode forms. It is right about those that are, and
// wrong about one in a thousand of those that are not.
func (b *Breached) Contains(password broker.Secret) (bool, error) {
	for _, form := range forms(password) {
		sum := sha1.Sum(form)
		n, bits := place(sum, b.blocks)
		var block [blockBytes]byte
		if _, err := b.file.ReadAt(block[:], int64(n+1)*blockBytes); err != nil {
			return false, fmt.Errorf("read breached passwords: %w", err)
		}
		found := true
		for _, bit := range bits {
			found = found && block[bit/8]&(1<<(bit%8)) != 0
		}
		if found {
			return true, nil
		}
	}
	return false, nil
}

// place is where a SHA-1 lies: its block, and its bits there.
func place(sum [sha1.Size]byte, blocks uint64) (block uint64, bits [bitsOfKey]uint16) {
	block = binary.BigEndian.Uint64(sum[:8]) % blocks
	rest := binary.BigEndian.Uint64(sum[8:16])
	for i := range bits[:7] { // 63 bits of it
		bits[i] = uint16(rest>>(9*i)) & (blockBytes*8 - 1)
	}
	bits[7] = binary.BigEndian.Uint16(sum[16:18]) & (blockBytes*8 - 1)
	return block, bits
}

// PrepareBreached makes the file name of a list as Have I Been Pwned publishes
// it: lines of SHA-1 in hexadecimal, a colon and how often it was seen, in any
// order. Passwords seen less than least times are left out. The file
// appears when it is complete. It takes two bytes of memory for each password.
func PrepareBreached(list io.ReadSeeker, name string, least int) (passwords uint64, err error) {
	n, err := eachBreached(list, least, func([sha1.Size]byte) {})
	if err != nil {
		return 0, err
	}
	switch {
	case n == 0:
		return 0, errors.New("there is no password in the list that was seen so often")
	case n > maxBreached:
		return 0, fmt.Errorf("%d passwords are too many; leave out those that were seen seldom", n)
	}
	if _, err := list.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read the list again: %w", err)
	}
	blocks := (n + keysOfBlock - 1) / keysOfBlock
	filter := make([]byte, blocks*blockBytes)
	again, err := eachBreached(list, least, func(sum [sha1.Size]byte) {
		block, bits := place(sum, blocks)
		for _, bit := range bits {
			filter[block*blockBytes+uint64(bit/8)] |= 1 << (bit % 8)
		}
	})
	if err == nil && again != n {
		err = errors.New("the list changed while it was read")
	}
	if err != nil {
		return 0, err
	}
	header := make([]byte, blockBytes)
	copy(header, breachedMagic)
	binary.LittleEndian.PutUint64(header[32:], blocks)
	binary.LittleEndian.PutUint64(header[40:], n)
	return n, replaceFile(name, header, filter)
}

// replaceFile writes a file that is there whole or not at all. Everybody may
// read it: the list is public.
func replaceFile(name string, parts ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".breached-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	for _, p := range parts {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// eachBreached calls fn for every password of a list that was seen at least so
// often, and counts them.
func eachBreached(list io.Reader, least int, fn func([sha1.Size]byte)) (n uint64, err error) {
	lines := bufio.NewScanner(list)
	lines.Buffer(make([]byte, 0, maxBreachedLine), maxBreachedLine)
	for at := 1; lines.Scan(); at++ {
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		digest, count, counted := bytes.Cut(line, []byte{':'})
		var sum [sha1.Size]byte
		if len(digest) != hex.EncodedLen(sha1.Size) {
			return n, errBreachedLine(at)
		}
		if _, err := hex.Decode(sum[:], digest); err != nil {
			return n, errBreachedLine(at)
		}
		seen := uint64(math.MaxUint64)
		if counted {
			if seen, err = strconv.ParseUint(string(count), 10, 64); err != nil {
				return n, errBreachedLine(at)
			}
		}
		if least <= 0 || seen >= uint64(least) {
			n++
			fn(sum)
		}
	}
	if err := lines.Err(); err != nil {
		return n, fmt.Errorf("read the list after %d passwords: %w", n, err)
	}
	return n, nil
}

func errBreachedLine(n int) error {
	return fmt.Errorf("line %d is not a SHA-1 in hexadecimal, a colon and a count; give the SHA-1 list of Have I Been Pwned, not the one for NTLM", n)
}
