package limits_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/limits"
	"idbroker/store"
	"idbroker/store/storetest"
)

// world is a limiter over a real database, and the time in it.
type world struct {
	*testing.T
	*limits.Limiter
	store  *store.DB
	at     time.Time
	pumped int // messages that pump asked for
}

func each(t *testing.T, o limits.Options, fn func(w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		fn(&world{t, limits.New(db, o), db, time.Unix(1_800_000_000, 0), 0})
	})
}

func (w *world) try(v limits.Visitor, account string) limits.Verdict {
	w.Helper()
	got, err := w.Password(context.Background(), w.at, v, account)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

// solve computes what a browser would.
func solve(c broker.Secret) limits.Proof {
	text := []byte(c.Reveal() + ":")
	head, difficulty := len(text), limits.Difficulty(c)
	for i := uint64(0); ; i++ {
		text = strconv.AppendUint(text[:head], i, 10)
		sum := sha256.Sum256(text)
		if bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:])) >= difficulty {
			return limits.Proof{Challenge: c, Solution: string(text[head:])}
		}
	}
}

// small makes the bucket of an account empty soon and that of a network never.
var small = limits.Options{Account: broker.Limit{Burst: 3, Every: time.Hour}, Network: broker.Limit{Burst: 1000, Every: time.Minute}}

// smaller makes the deep bucket empty soon, too.
var smaller = limits.Options{Account: broker.Limit{Burst: 1, Every: time.Hour}, Network: small.Network}

var (
	ada     = limits.Visitor{IP: "192.0.2.1", Browser: "ada's"}
	mallory = limits.Visitor{IP: "198.51.100.7", Browser: "mallory's"}
)

// TestGuesserMustProveWork: after some guesses at an account each further one
// costs work, wherever it comes from and whoever's account it is.
func TestGuesserMustProveWork(t *testing.T) {
	each(t, small, func(w *world) {
		for i := range 3 {
			v := w.try(mallory, "ada@example.org")
			if !v.Allowed() || (v.Next != "") != (i == 2) {
				t.Fatalf("guess %d: %+v", i, v)
			}
		}
		other := limits.Visitor{IP: "203.0.113.9", Browser: "another browser"}
		v := w.try(other, "ada@example.org")
		if v.Allowed() || v.Challenge == "" {
			w.Fatalf("guess without a proof: %+v", v)
		}
		other.Proof = solve(v.Challenge)
		if !w.try(other, "ada@example.org").Allowed() {
			w.Error("a proof does not help")
		}
		if w.try(other, "ada@example.org").Allowed() {
			w.Error("a proof counts twice")
		}
		if !w.try(mallory, "bob@example.org").Allowed() {
			w.Error("guesses at ada slow bob down")
		}
		w.at = w.at.Add(time.Hour)
		if !w.try(mallory, "ada@example.org").Allowed() {
			w.Error("it never ends")
		}
	})
}

// TestNobodyIsLockedOut: however much a stranger guesses, the person comes in: at
// once with a browser that knows the account, with some work with another one.
func TestNobodyIsLockedOut(t *testing.T) {
	each(t, smaller, func(w *world) {
		ada := ada
		ada.Devices = w.Known("", "ada@example.org")
		for range 15 {
			v := w.try(mallory, "ada@example.org")
			for v.Challenge != "" {
				mallory := mallory
				mallory.Proof = solve(v.Challenge)
				if limits.Difficulty(v.Challenge) > 16 {
					break // he gives up
				}
				v = w.try(mallory, "ada@example.org")
			}
		}
		if v := w.try(ada, "ada@example.org"); !v.Allowed() {
			w.Errorf("her own browser: %+v", v)
		}
		ada.Devices, ada.Browser = "", "borrowed"
		v := w.try(ada, "ada@example.org")
		if v.Wait != 0 {
			w.Fatalf("she must wait: %+v", v)
		}
		for range 3 {
			if v.Allowed() {
				return
			}
			ada.Proof = solve(v.Challenge)
			v = w.try(ada, "ada@example.org")
		}
		w.Errorf("work does not let her in: %+v", v)
	})
}

// TestWorkGrows: whoever proves work all the time gets harder challenges.
func TestWorkGrows(t *testing.T) {
	each(t, smaller, func(w *world) {
		hardest := 0
		for range 20 {
			v := w.try(mallory, "ada@example.org")
			for hardest <= 16 && v.Challenge != "" {
				hardest = max(hardest, limits.Difficulty(v.Challenge))
				mallory := mallory
				if mallory.Proof = solve(v.Challenge); hardest <= 16 {
					v = w.try(mallory, "ada@example.org")
				}
			}
		}
		if hardest != 20 {
			w.Errorf("hardest %d bits, want 20", hardest)
		}
	})
}

// TestDeviceCookie belongs to accounts, is made by nobody else, and does not open a second bucket.
func TestDeviceCookie(t *testing.T) {
	each(t, small, func(w *world) {
		cookie := w.Known("", "ada@example.org")
		for _, a := range []string{"b", "c", "d", "e", "f", "g", "h"} {
			cookie = w.Known(cookie, a)
		}
		for range 3 {
			w.try(mallory, "ada@example.org")
			w.try(mallory, "eve@example.org")
		}
		ninth := w.Known("", "eve@example.org")
		for i := range 8 {
			ninth = w.Known(ninth, strconv.Itoa(i))
		}
		allowed := func(devices broker.Secret, account string) bool {
			v := ada
			v.Devices = devices
			return w.try(v, account).Allowed()
		}
		if !allowed(cookie, "ada@example.org") {
			w.Error("one of eight names is forgotten")
		}
		if again := w.Known(cookie, "ada@example.org"); len(again) != len(cookie) {
			w.Error("signing in again makes another entry")
		}
		for name, forged := range map[string]broker.Secret{
			"another account": w.Known("", "bob@example.org"), "noise": "xx.yy", "dots": "....", "long": cookie + "." + cookie,
			"changed": "A" + cookie[1:43], "other key": limits.New(nil, limits.Options{Key: [32]byte{1}}).Known("", "eve@example.org"),
			"ninth": ninth,
		} {
			if allowed(forged, "eve@example.org") {
				w.Errorf("%s: it is taken for hers", name)
			}
		}
		// A stolen cookie gives some tries, not endless ones.
		tries := 0
		for allowed(cookie, "ada@example.org") {
			if tries++; tries > 20 {
				w.Fatal("its bucket is never empty")
			}
		}
	})
}

// TestNetworkWaits: one network cannot try for ever, with proofs neither; its
// neighbours are not concerned, and many addresses of one owner are one network.
func TestNetworkWaits(t *testing.T) {
	o := limits.Options{Network: broker.Limit{Burst: 2, Every: time.Hour}, Exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	each(t, o, func(w *world) {
		sent := false
		for i := range 40 {
			v := mallory
			verdict := w.try(v, "account"+strconv.Itoa(i))
			if verdict.Challenge != "" {
				v.Proof = solve(verdict.Challenge)
				verdict = w.try(v, "account"+strconv.Itoa(i))
			}
			if sent = sent || verdict.Wait > 0; sent {
				break
			}
		}
		if !sent {
			w.Error("it tries for ever")
		}
		for ip, want := range map[string]bool{"203.0.113.9": true, "198.51.100.7": false, "::ffff:198.51.100.7": false, "10.1.2.3": true, "127.0.0.1": true, "": true, "nonsense": true} {
			if got := w.try(limits.Visitor{IP: ip, Browser: "b"}, "x"+ip).Allowed(); got != want {
				w.Errorf("%q allowed %v, want %v", ip, got, want)
			}
		}
		for i := range 2 { // one /64, then another of the same /48
			w.try(limits.Visitor{IP: "2001:db8:1:2::" + strconv.Itoa(i+1)}, "six")
		}
		if w.try(limits.Visitor{IP: "2001:db8:1:2:ffff::9"}, "six6").Allowed() {
			w.Error("a /64 is more than one network")
		}
		passed := 0
		for i := range 64 {
			if w.try(limits.Visitor{IP: "2001:db8:7:" + strconv.FormatInt(int64(i), 16) + "::1"}, "many"+strconv.Itoa(i)).Allowed() {
				passed++
			}
		}
		if passed != 20 {
			w.Errorf("a /48 tried %d times, want 20", passed)
		}
	})
}

// TestRight: who knows the password is never asked for work, however often they come.
func TestRight(t *testing.T) {
	each(t, limits.Options{Network: broker.Limit{Burst: 2, Every: time.Hour}, Account: broker.Limit{Burst: 2, Every: time.Hour}}, func(w *world) {
		for range 10 {
			v := w.try(ada, "ada@example.org")
			if !v.Allowed() {
				w.Fatal("asked for work")
			}
			if err := w.Right(context.Background(), v); err != nil {
				w.Fatal(err)
			}
		}
	})
}

// TestManyGuessesAtOnce count one by one.
func TestManyGuessesAtOnce(t *testing.T) {
	each(t, small, func(w *world) {
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				v, err := w.Password(context.Background(), w.at, mallory, "ada@example.org")
				if err != nil {
					w.Error(err)
				} else if v.Allowed() {
					passed.Add(1)
				}
			})
		}
		if all.Wait(); passed.Load() != 3 {
			w.Errorf("%d guesses passed, want 3", passed.Load())
		}
	})
}

// TestOff: nothing is counted.
func TestOff(t *testing.T) {
	l := limits.New(nil, limits.Options{Off: true})
	for range 100 {
		v, err := l.Password(context.Background(), time.Now(), mallory, "ada@example.org")
		m, err2 := l.Mail(context.Background(), time.Now(), mallory, "ada@example.org", true)
		if err != nil || err2 != nil || !v.Allowed() || !m.Allowed() || m.Silent {
			t.Fatal(v, m, err, err2)
		}
		if err := l.Right(context.Background(), v); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMailsToOneMailbox: what stands behind "+" fills nobody's mailbox beyond what the
// address itself would, and a browser that knows the address still has mails of its own.
func TestMailsToOneMailbox(t *testing.T) {
	each(t, limits.Options{}, func(w *world) {
		mailed := func(i int, devices broker.Secret, address string) bool {
			v, err := w.Mail(context.Background(), w.at, limits.Visitor{IP: "192.0." + strconv.Itoa(i) + ".1", Browser: "b", Devices: devices}, address, false)
			if err != nil {
				w.Fatal(err)
			}
			return v.Allowed() && !v.Silent
		}
		sent := 0
		for i := range 20 {
			if mailed(i, "", "ada+"+strconv.Itoa(i)+"@example.org") {
				sent++
			}
		}
		if sent != 4 {
			w.Errorf("%d mails to one mailbox", sent)
		}
		if mailed(30, "", "ada@example.org") || !mailed(31, "", "+ada@example.org") || !mailed(32, "", "ada@example.com") {
			w.Error("counted with another mailbox, or not with its own")
		}
		if !mailed(33, w.Known("", "ada+1@example.org"), "ada+1@example.org") {
			w.Error("a browser that knows the address gets none")
		}
	})
}

// TestUsernamesCost: names that a member asks for cost work after twice as many as the tries
// at an account, and take nothing from the tries at a password.
func TestUsernamesCost(t *testing.T) {
	each(t, small, func(w *world) {
		ask := func(v limits.Visitor, user broker.UserID) limits.Verdict {
			got, err := w.Username(t.Context(), w.at, v, user)
			if err != nil {
				w.Fatal(err)
			}
			return got
		}
		v := mallory
		for i := range 6 {
			v.IP = "198.51.100." + strconv.Itoa(i)
			if got := ask(v, "mallory"); !got.Allowed() {
				w.Fatalf("name %d: %+v", i, got)
			}
		}
		got := ask(v, "mallory")
		if got.Challenge == "" {
			w.Fatalf("one more: %+v", got)
		}
		v.Proof = solve(got.Challenge)
		if !ask(v, "mallory").Allowed() || ask(v, "mallory").Allowed() {
			w.Error("a proof does not count once")
		}
		if !ask(mallory, "ada").Allowed() || !w.try(mallory, "mallory").Allowed() {
			w.Error("somebody else, or the password, is held up, too")
		}
	})
}
