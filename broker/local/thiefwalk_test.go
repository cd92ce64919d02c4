package local_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"idbroker/store"
	"idbroker/store/storetest"
)

const (
	// thiefSteps is how many steps the walks take on SQLite, thiefShare how many there are
	// to one on PostgreSQL. BROKER_TEST_THIEF_STEPS asks for another number.
	thiefSteps = 3_000
	thiefShare = 10
	// memory is a file system that waits for no disk, where there is one.
	memory = "/dev/shm"
	// longestWalk is long enough to add, remove and add, and to be thrown out and come again.
	longestWalk = 60
)

// told is what stands, in words that can be compared.
func told(stands []string, box, name string, password, closed, owner, thief bool, ways int) string {
	slices.Sort(stands)
	return fmt.Sprintf("%s; %s called %q, password %v, closed %v, owner in %v, thief in %v, %d mails", strings.Join(stands, ", "), box, name, password, closed, owner, thief, ways)
}

func (m *thiefModel) look() string {
	var stands []string
	for i, t := range m.things {
		if t.state == "stands" {
			stands = append(stands, fmt.Sprint(t.kind, " ", i))
		}
	}
	_, owner := m.in(theOwner)
	_, thief := m.in(theThief)
	return told(stands, m.box, m.name, m.password != 0, m.closed, owner, thief, len(m.ways))
}

// thiefWalk lays the model beside the service, step by step.
type thiefWalk struct {
	t     *rapid.T
	m     *thiefModel
	r     *thiefReal
	tally map[string]int // steps that were allowed, and those that were refused
	steps *int
}

// step notes a step with what both say of it, and holds everything to the model and to
// what must never be.
func (w *thiefWalk) step(what string, want, got bool) bool {
	w.t.Helper()
	*w.steps++
	name, _, _ := strings.Cut(what, ",")
	if got {
		w.tally[name]++
	} else {
		w.tally[name+", refused"]++
	}
	w.r.collect()
	w.t.Logf("%v %s: %v", w.m.now, what, got)
	if want != got {
		w.t.Fatalf("%s: allowed %v, want %v", what, got, want)
	}
	if want, got := w.m.look(), w.r.look(); want != got {
		w.t.Fatalf("%s: there is\n%s\nwant\n%s", what, got, want)
	}
	for i, s := range w.m.ways {
		if got := w.r.ways[i]; got.To != s.to+w.r.host {
			w.t.Fatalf("%s: the mail %q went to %s, want %s", what, got.Template, got.To, s.to)
		}
	}
	if grants, _ := w.r.leftovers(); len(grants) > 0 {
		w.t.Fatalf("%s: applications go on in sessions that are over: %v", what, grants)
	}
	if _, in := w.r.in(theThief); in && w.m.guarded && w.m.sharedBy == 0 {
		w.t.Fatalf("%s: the thief got past a second factor that stood before", what)
	}
	return got
}

// pass lets time pass.
func (w *thiefWalk) pass(d time.Duration) {
	time.Sleep(d)
	w.m.now += d
}

func (w *thiefWalk) upTo(n int, what string) int { return rapid.IntRange(0, n-1).Draw(w.t, what) }

// begin makes the account as it was for some time: what its owner has, for long or since
// lately, and what the thief has come by.
func (w *thiefWalk) begin() {
	m, r := w.m, w.r
	m.now, m.theft, m.box, m.password, m.chosen = 0, -1, "ada", 1, 1
	m.knows = [2]map[int]bool{{1: true}, {}}
	m.open(theOwner, sitting{two: true})
	r.open(theOwner, twoFactors(time.Now()))
	for _, kind := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"app", "number", "passkey", "link"}), 0, 3, rapid.ID[string]).Draw(w.t, "has") {
		w.pass(time.Minute)
		w.add(theOwner, kind)
	}
	if m.noPassword && len(m.passkeys()) == 0 {
		w.add(theOwner, "passkey")
	}
	long := w.upTo(4, "long ago") > 0
	if w.pass(time.Hour); long {
		w.pass(8 * 24 * time.Hour)
	}
	m.end(0)
	r.signOut()
	m.guarded = long && len(m.factors()) > 0
	thief := rapid.SampledFrom([]string{"cookie", "password", "cookie and password", "mailbox", "mailbox and password", "cookie and mailbox", "cookie, mailbox and password"}).Draw(w.t, "thief")
	m.cookie, m.mailbox = strings.Contains(thief, "cookie"), strings.Contains(thief, "mailbox")
	if strings.Contains(thief, "password") {
		m.knows[theThief][1] = true
	}
	w.step("begin, the thief has "+thief, true, true)
}

// add gives somebody one more thing.
func (w *thiefWalk) add(by who, kind string) bool {
	m, r, id := w.m, w.r, len(w.m.things)
	what := fmt.Sprintf("add %s, %v, %d", kind, by, id)
	switch kind {
	case "passkey":
		return w.step(what, m.addPasskey(by), r.addPasskey(by, id))
	case "link":
		return w.step(what, m.link(by), r.link(by, id))
	}
	return w.step(what, m.addFactor(by, kind), r.addFactor(by, kind, id))
}

// any is something of a kind that was ever there, rather what stands; -1 there is none.
func (w *thiefWalk) any(mine who, kinds ...string) int {
	var all []int
	for i, t := range w.m.things {
		for range map[bool]int{true: 4, false: 1}[t.state == "stands" && t.who == mine] {
			if slices.Contains(kinds, t.kind) {
				all = append(all, i)
			}
		}
	}
	if len(all) == 0 {
		return -1
	}
	return all[w.upTo(len(all), "which")]
}

// holding is what somebody shows once more: something that they hold, or codes.
func (w *thiefWalk) holding(by who) (kind string, id int) {
	if w.upTo(4, "recovery code") == 0 {
		for set := len(w.m.codeSets); set > 0; set-- {
			if w.m.codeSets[set-1].who == by {
				return "recovery", set
			}
		}
	}
	var mine []int
	for i, t := range w.m.things {
		if t.who == by && (t.kind == "app" || t.kind == "number") {
			mine = append(mine, i)
		}
	}
	if len(mine) == 0 {
		return "", -1
	}
	id = mine[w.upTo(len(mine), "shown")]
	return w.m.things[id].kind, id
}

// passwordOf is the newest password that somebody knows.
func (w *thiefWalk) passwordOf(by who) int {
	if w.m.knows[by][w.m.password] {
		return w.m.password
	}
	return slices.Max(append(slices.Collect(maps.Keys(w.m.knows[by])), 0))
}

// signIn tries to, with the best that somebody has.
func (w *thiefWalk) signIn(by who) bool {
	m, r := w.m, w.r
	var keys, factors []int
	for i, t := range m.things {
		switch {
		case t.who != by:
		case t.kind == "passkey" && (t.state == "stands" || w.upTo(8, "gone") == 0):
			keys = append(keys, i)
		case t.state == "stands" && t.kind != "link":
			factors = append(factors, i)
		}
	}
	if len(keys) > 0 && (m.noPassword || w.upTo(2, "passkey") == 0) {
		k := keys[len(keys)-1]
		return w.step(fmt.Sprintf("sign in, %v, passkey %d", by, k), m.signIn(by, "passkey", k, "", -1), r.signIn(by, "passkey", k, 0, "", -1, -1))
	}
	password := w.passwordOf(by)
	if m.noPassword || password == 0 {
		return false
	}
	second, id := "new", -1
	switch factors = append(factors, keys...); {
	case len(factors) > 0:
		id = factors[w.upTo(len(factors), "factor")]
		second = m.things[id].kind
	case len(m.factors()) > 0:
		if second, id = w.holding(by); second != "recovery" {
			second, id = "", -1
		}
	}
	next := len(m.things)
	want := m.password == password && m.signIn(by, "password", -1, second, id)
	return w.step(fmt.Sprintf("sign in, %v, password %d, %s %d", by, password, second, id), want, r.signIn(by, "password", -1, password, second, id, next))
}

// doings are what people do, the likely ones several times.
var doings = []string{
	"sign in", "steal", "password", "forgot", "move", "move", "move", "address back", "address back", "take back", "take back", "undo",
	"add passkey", "add app", "add app", "add app", "add number", "add number", "add link", "remove passkey", "remove passkey", "remove factors", "remove factors", "remove factors",
	"remove one", "remove one", "rename", "rename", "renew", "swap", "swap", "unlink", "unlink", "close", "reopen", "operator resets", "operator signs out", "operator renames", "pass",
}

// one is one step of somebody's.
func (w *thiefWalk) one() {
	m := w.m
	w.pass(time.Minute)
	by := theThief
	if w.upTo(4, "who") == 0 {
		by = theOwner
	}
	doing := rapid.SampledFrom(doings).Draw(w.t, "what")
	if _, in := m.in(by); !in && w.upTo(2, "come in") == 0 {
		if doing = "sign in"; by == theThief && m.cookie {
			doing = "steal"
		}
	}
	if m.theft < 0 && by == theThief {
		m.theft = m.now
	}
	w.carryOut(by, doing)
	if m.guarded && len(m.factors()) == 0 && doing != "operator resets" && !m.gaveUp {
		w.t.Fatalf("%s by %v: the owner’s factor is gone", doing, by)
	}
}

// TestThief walks with an owner and a thief over the real service, beside the model: nothing
// of the thief's is left when the owner has used the ways back that were mailed, and
// the owner gets in by themselves.
func TestThief(t *testing.T) {
	want := thiefSteps
	if text := os.Getenv("BROKER_TEST_THIEF_STEPS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("BROKER_TEST_THIEF_STEPS=%q: give a number of steps", text)
		}
		want = n
	}
	if _, err := os.Stat(memory); err == nil { // nothing here is about a disk
		t.Setenv("TMPDIR", memory)
	}
	t.Run("sqlite", func(t *testing.T) { thiefWalks(t, storetest.SQLite(t), want) })
	t.Run("postgres", func(t *testing.T) { thiefWalks(t, storetest.Postgres(t), want/thiefShare) })
}

// thiefWalks takes so many steps over a database, in one bubble of time.
func thiefWalks(t *testing.T, dsn string, want int) {
	synctest.Test(t, func(t *testing.T) {
		var db *store.DB
		steps, walks, ends, tally := 0, 0, map[string]int{}, map[string]int{}
		db = storetest.Open(t, dsn)
		for steps < want && !t.Failed() {
			rapid.Check(timeless{t}, func(rt *rapid.T) {
				if steps >= want {
					return
				}
				walks++
				w := &thiefWalk{t: rt, tally: tally, steps: &steps}
				need, noPassword := w.upTo(3, "need") == 0, w.upTo(4, "no passwords") == 0
				w.m = &thiefModel{need: need, noPassword: noPassword}
				w.r = newThiefReal(t, db, walks, need, noPassword)
				w.begin()
				for range rapid.IntRange(3, longestWalk).Draw(rt, "steps") {
					w.one()
				}
				ends[w.end()]++
			})
		}
		t.Logf("%d steps in %d walks; %v; %v", steps, walks, ends, tally)
	})
}

// timeless is a test without a deadline, which a bubble of time knows nothing of.
type timeless struct{ testing.TB }
