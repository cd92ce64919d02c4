package linking_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"idbroker/store/storetest"
)

// defaultSteps is how many steps the walks over the service take together on
// SQLite: a few seconds. CI sets BROKER_TEST_WALK_STEPS to a million.
const defaultSteps = 10_000

// postgresShare is how many steps on SQLite there are to one on PostgreSQL, which
// answers over a socket.
const postgresShare = 100

func wantSteps(t testing.TB) int {
	text := os.Getenv("BROKER_TEST_WALK_STEPS")
	if text == "" {
		return defaultSteps
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("BROKER_TEST_WALK_STEPS=%q: give a number of steps", text)
	}
	return n
}

// needWalks skips what looks for no race, where only races are looked for.
func needWalks(t *testing.T) {
	t.Helper()
	if wantSteps(t) < defaultSteps {
		t.Skipf("BROKER_TEST_WALK_STEPS asks for less than %d", defaultSteps)
	}
}

// shortWalk is what walks have at least on average, in calls of the service.
const shortWalk = 20

// memory is a file system that waits for no disk, where there is one.
const memory = "/dev/shm"

// garbage is how much of it may lie around before it is collected, in percent of
// what lives: almost nothing lives here.
const garbage = 2000

// TestService walks over the service, on as many databases at once as there are
// processors. Every walker prints its seed; when a walk fails rapid prints that
// walk's, and the shortest walk that fails. -rapid.seed repeats either.
func TestService(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	given := flag.Lookup("rapid.seed").Value.String()
	setFlags(t, "rapid.steps", walkLength, "rapid.checks", "1", "rapid.seed", given)
	if _, err := os.Stat(memory); err == nil { // nothing here is about a disk
		t.Setenv("TMPDIR", memory)
	}
	var all walkers
	want, n := wantSteps(t), runtime.GOMAXPROCS(0)
	for i := range n {
		all.wg.Go(func() {
			t.Run(fmt.Sprint("walker ", i), func(t *testing.T) {
				storetest.EachDSN(t, func(t *testing.T, dsn string) {
					if most := (want + n - 1) / n; strings.HasPrefix(dsn, "sqlite:") {
						all.sqlite.join(all.walk(t, dsn, given, most))
					} else {
						all.postgres.join(all.walk(t, dsn, given, most/postgresShare))
					}
				})
			})
		})
	}
	all.wg.Wait()
	t.Logf("SQLite: %v", &all.sqlite)
	t.Logf("PostgreSQL: %v", &all.postgres)
	if all.sqlite.steps < want && !t.Failed() {
		t.Errorf("%d steps over the service on SQLite, want %d", all.sqlite.steps, want)
	}
	if missing := all.sqlite.poor(); want > 10*defaultSteps && len(missing) > 0 && !t.Failed() {
		t.Errorf("never happened: %v", missing)
	}
}

// walkers walk at once.
type walkers struct {
	wg               sync.WaitGroup
	flags            sync.Mutex // rapid's are one for all
	sqlite, postgres tally
}

// walk walks over a database until the service has been called in so many steps.
func (all *walkers) walk(t *testing.T, dsn, seed string, most int) *tally {
	r, c, began, drawn := newReal(t, dsn), newTally(), time.Now(), sync.Once{}
	all.flags.Lock()
	unlock := func() { drawn.Do(all.flags.Unlock) }
	defer unlock()
	if seed == "0" {
		seed = strconv.FormatUint(rand.Uint64(), 10)
	}
	for name, value := range map[string]string{"rapid.seed": seed, "rapid.checks": strconv.Itoa(most/shortWalk + 1)} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("-rapid.seed=%s", seed)
	rapid.Check(t, func(t *rapid.T) {
		unlock() // rapid has read them
		if c.steps < most {
			r.reset()
			walk(t, r, c)
		}
	})
	t.Logf("%v, %.0f steps a second", c, float64(c.steps)/time.Since(began).Seconds())
	return c
}
