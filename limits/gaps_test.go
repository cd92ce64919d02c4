package limits_test

import (
	"strconv"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
)

// TestRefusedNetworkEmptiesNoAccount: somebody whose network has had enough goes on
// guessing, without a proof, with a bad one, or after they were sent away. Ada, elsewhere, notices nothing.
func TestRefusedNetworkEmptiesNoAccount(t *testing.T) {
	o := limits.Options{Account: broker.Limit{Burst: 3, Every: time.Hour}, Network: broker.Limit{Burst: 1, Every: time.Hour}}
	each(t, o, func(w *world) {
		w.try(mallory, "somebody") // his network's last
		away := false
		for i := range 30 {
			v := mallory
			v.Proof = limits.Proof{Challenge: broker.Secret("made up " + strconv.Itoa(i)), Solution: "1"}
			for _, v := range []limits.Visitor{mallory, v} {
				if verdict := w.try(v, "ada@example.org"); verdict.Allowed() {
					w.Fatal("his network is let through")
				}
			}
			if v.Proof = solve(w.try(mallory, "ada@example.org").Challenge); i > 0 {
				away = away || w.try(v, "account"+strconv.Itoa(i)).Wait > 0
			}
		}
		if !away {
			w.Error("he was never sent away")
		}
		for i := range 3 {
			if v := w.try(limits.Visitor{IP: "192.0." + strconv.Itoa(i) + ".1", Browser: "hers"}, "ada@example.org"); !v.Allowed() {
				w.Fatalf("her try %d: %+v", i, v)
			}
		}
	})
}

// TestWaitersFromManyNetworks: who owns many networks, and waits in each instead of
// computing, guesses no faster at one account for it. Who computes is let through meanwhile.
func TestWaitersFromManyNetworks(t *testing.T) {
	each(t, small, func(w *world) {
		for range 4 {
			w.try(mallory, "ada@example.org")
		}
		var waiters []limits.Visitor
		for i := range 40 {
			v := limits.Visitor{IP: "203." + strconv.Itoa(i) + ".113.9", Browser: "browser " + strconv.Itoa(i)}
			v.Proof.Challenge = w.try(v, "ada@example.org").Challenge
			waiters = append(waiters, v)
		}
		w.at = w.at.Add(limits.Patience())
		passed := 0
		for _, v := range waiters {
			verdict := w.try(v, "ada@example.org")
			if verdict.Allowed() {
				passed++
			} else if verdict.Wait != 0 {
				w.Error("sent away for what others do")
			}
		}
		if passed != 8 {
			w.Errorf("%d let through, want 8", passed)
		}
		v := ada
		v.Proof = solve(w.try(v, "ada@example.org").Challenge)
		if !w.try(v, "ada@example.org").Allowed() {
			w.Error("computing does not help any more")
		}
		w.at = w.at.Add(15 * time.Second)
		v = limits.Visitor{IP: "192.0.2.77", Browser: "late"}
		v.Proof.Challenge = w.try(v, "ada@example.org").Challenge
		if w.at = w.at.Add(limits.Patience()); !w.try(v, "ada@example.org").Allowed() {
			w.Error("waiting never helps again")
		}
	})
}

// TestOwnerOfAnIPv4Network: who owns a /24 tries ten times as often as from one address, and no more.
func TestOwnerOfAnIPv4Network(t *testing.T) {
	each(t, limits.Options{Network: broker.Limit{Burst: 2, Every: time.Hour}}, func(w *world) {
		passed := 0
		for i := range 64 {
			if w.try(limits.Visitor{IP: "203.0.113." + strconv.Itoa(i), Browser: "b"}, "account"+strconv.Itoa(i)).Allowed() {
				passed++
			}
		}
		if passed != 20 {
			w.Errorf("a /24 tried %d times, want 20", passed)
		}
	})
}

// TestNobodysChallenge: a visitor without a cookie gets no challenge that another one could solve for them.
func TestNobodysChallenge(t *testing.T) {
	each(t, small, func(w *world) {
		for range 4 {
			w.try(mallory, "ada@example.org")
		}
		v := limits.Visitor{IP: mallory.IP}
		v.Proof = solve(w.try(v, "ada@example.org").Challenge)
		if w.try(v, "ada@example.org").Allowed() {
			w.Error("a proof of nobody's counts")
		}
	})
}

// TestKnownBrowserComputesLittle: whatever strangers have proven at an account, the browser that it
// knows, whose person has forgotten which password it was, gets easy challenges.
func TestKnownBrowserComputesLittle(t *testing.T) {
	each(t, smaller, func(w *world) {
		for hardest := 0; hardest <= 16; {
			v := w.try(mallory, "ada@example.org")
			if v.Challenge == "" {
				continue
			}
			if hardest = limits.Difficulty(v.Challenge); hardest <= 16 {
				mallory := mallory
				mallory.Proof = solve(v.Challenge)
				hardest = limits.Difficulty(w.try(mallory, "ada@example.org").Challenge)
			}
		}
		ada := ada
		ada.Devices = w.Known("", "ada@example.org")
		for range 5 {
			v := w.try(ada, "ada@example.org")
			if v.Challenge != "" {
				ada := ada
				ada.Proof = solve(v.Challenge)
				v = w.try(ada, "ada@example.org")
			}
			if !v.Allowed() {
				w.Fatalf("asked for %d bits", limits.Difficulty(v.Challenge))
			}
		}
	})
}
