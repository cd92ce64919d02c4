package limits_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strconv"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// TestProofs: one counts in the browser that it was made for, soon, and as it
// was made.
func TestProofs(t *testing.T) {
	each(t, small, func(w *world) {
		for range 4 {
			w.try(mallory, "ada@example.org")
		}
		fresh := func() broker.Secret { return w.try(mallory, "ada@example.org").Challenge }
		made := w.at
		for name, attack := range map[string]func(v *limits.Visitor){
			"no solution":     func(v *limits.Visitor) { v.Proof.Solution = "" },
			"wrong solution":  func(v *limits.Visitor) { v.Proof.Solution = "1" + v.Proof.Solution },
			"nearly solved":   func(v *limits.Visitor) { v.Proof.Solution = nearly(v.Proof.Challenge) },
			"signed solution": func(v *limits.Visitor) { v.Proof.Solution = "+" + v.Proof.Solution },
			"long solution":   func(v *limits.Visitor) { v.Proof.Solution = "000000000000000000000" },
			"other browser":   func(v *limits.Visitor) { v.Browser = "another" },
			"no browser":      func(v *limits.Visitor) { v.Browser = "" },
			"too late":        func(*limits.Visitor) { w.at = made.Add(16 * time.Minute) },
			"from the future": func(*limits.Visitor) { w.at = made.Add(-2 * time.Minute) },
			"made easier": func(v *limits.Visitor) {
				b := []byte(v.Proof.Challenge)
				b[0] = 'A' // the difficulty stands first
				v.Proof = solve(broker.Secret(b))
			},
			"another MAC": func(v *limits.Visitor) {
				b := []byte(v.Proof.Challenge)
				b[len(b)-2] ^= 1
				v.Proof = solve(broker.Secret(b))
			},
		} {
			v := mallory
			v.Proof = solve(fresh())
			attack(&v)
			if w.try(v, "ada@example.org").Allowed() {
				w.Errorf("%s: let through", name)
			}
			w.at = made
		}
	})
}

// TestWaitingInstead: who cannot compute waits, one after the other of a network.
func TestWaitingInstead(t *testing.T) {
	each(t, small, func(w *world) {
		for range 4 {
			w.try(mallory, "ada@example.org")
		}
		var proofs []limits.Proof
		for range 8 {
			proofs = append(proofs, limits.Proof{Challenge: w.try(mallory, "ada@example.org").Challenge})
		}
		ask := func(p limits.Proof) limits.Verdict {
			v := mallory
			v.Proof = p
			return w.try(v, "ada@example.org")
		}
		w.at = w.at.Add(limits.Patience() - time.Second)
		if ask(proofs[0]).Allowed() {
			w.Error("let through too early")
		}
		w.at = w.at.Add(time.Second)
		passed, sent := 0, 0
		for _, p := range proofs {
			v := ask(p)
			if v.Allowed() {
				passed++
			}
			if v.Wait > 0 {
				sent++
			}
		}
		if passed != 4 || sent != 4 {
			w.Errorf("%d let through and %d sent away, want 4 and 4", passed, sent)
		}
	})
}

// FuzzProof: nothing that we did not make is a proof, whatever it looks like.
func FuzzProof(f *testing.F) {
	f.Add("", "", "")
	f.Add("AAAA", "1", "x.y")
	empty := refusing{}
	f.Fuzz(func(t *testing.T, challenge, solution, devices string) {
		l := limits.New(empty, limits.Options{Key: [32]byte{1}})
		v, err := l.Password(context.Background(), time.Unix(1_800_000_000, 0), limits.Visitor{
			IP: solution, Browser: "b", Devices: broker.Secret(devices), Proof: limits.Proof{Challenge: broker.Secret(challenge), Solution: solution},
		}, "a")
		if err != nil || v.Allowed() || limits.Difficulty(v.Challenge) != 16 {
			t.Fatal(v, err)
		}
		_ = limits.Difficulty(broker.Secret(challenge))
		_ = l.Known(broker.Secret(devices), "a")
	})
}

// refusing is a database whose buckets are all empty: the fuzzer looks at what
// comes before it.
type refusing struct{}

func (refusing) TakeTokens(_ context.Context, _ time.Time, c ...broker.Charge) ([]broker.Charged, error) {
	out := make([]broker.Charged, len(c))
	for i := range out {
		out[i].Refused = true
	}
	return out, nil
}
func (refusing) ReturnToken(context.Context, ...string) error { return nil }

// nearly is a solution that makes one bit too few.
func nearly(c broker.Secret) string {
	for i := 0; ; i++ {
		sum := sha256.Sum256([]byte(c.Reveal() + ":" + strconv.Itoa(i)))
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) == limits.Difficulty(c)-1 {
			return strconv.Itoa(i)
		}
	}
}
