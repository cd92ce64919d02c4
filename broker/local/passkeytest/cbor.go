package passkeytest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/binary"
	"slices"
)

// As much CBOR (RFC 8949) as a device writes.

func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	default:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	}
}

func number(n int) []byte {
	if n < 0 {
		return head(1, uint64(-n-1))
	}
	return head(0, uint64(n))
}

func octets(b []byte) []byte { return append(head(2, uint64(len(b))), b...) }
func word(s string) []byte   { return append(head(3, uint64(len(s))), s...) }

// mapping is a map of encoded keys and values in turn.
func mapping(pairs ...[]byte) []byte {
	return append(head(5, uint64(len(pairs)/2)), slices.Concat(pairs...)...)
}

// cose is the public key (RFC 9052, section 7), said to be for an algorithm.
func (k *Key) cose(alg int) []byte {
	switch p := k.signer.Public().(type) {
	case *ecdsa.PublicKey:
		curve, point := 1, must(p.Bytes())
		if p.Params().BitSize == 384 {
			curve = 2
		}
		half := len(point) / 2
		return mapping(number(1), number(2), number(3), number(alg), number(-1), number(curve), number(-2), octets(point[1:1+half]), number(-3), octets(point[1+half:]))
	case ed25519.PublicKey:
		return mapping(number(1), number(1), number(3), number(alg), number(-1), number(6), number(-2), octets(p))
	case *rsa.PublicKey:
		return mapping(number(1), number(3), number(3), number(alg), number(-1), octets(p.N.Bytes()), number(-2), octets([]byte{1, 0, 1}))
	}
	return nil
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err) // a key that we have just made
	}
	return b
}
