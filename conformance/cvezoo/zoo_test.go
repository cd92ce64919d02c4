package cvezoo

import (
	"slices"
	"testing"

	"idbroker/store/storetest"
)

// exhibit is one advisory.
type exhibit struct {
	id      string // as its publisher named it
	peer    string // whose
	defect  string // in one line
	defence string // ours: what, and in which room
	source  string // where the facts are from
	// without are the mutants in which the attack must succeed.
	without []string
	// attack performs it and tells whether it worked. Whatever is wrong with
	// the preparations fails the test.
	attack func(w *world) bool
	// rows tells that the defence is a row of the database: the attack runs on
	// PostgreSQL too.
	rows bool
}

// exhibits are all of them, in the order of the table.
var exhibits = slices.Concat(proofs, addresses, callbacks, providers, redirects, codes)

// test is the name of the exhibit's tests.
func (e exhibit) test() string { return e.peer + "/" + e.id }

// TestAttacksFail performs every attack on the broker as it is shipped.
func TestAttacksFail(t *testing.T) {
	t.Parallel()
	run(newWorld(t, ""), t, exhibits)
}

// TestAttacksFailOnPostgres performs those whose defence is a row.
func TestAttacksFailOnPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.EmptyPostgres(t))
	run(w, t, slices.DeleteFunc(slices.Clone(exhibits), func(e exhibit) bool { return !e.rows }))
}

func run(w *world, t *testing.T, exhibits []exhibit) {
	for _, e := range exhibits {
		t.Run(e.test(), func(t *testing.T) {
			here := *w
			here.t = t
			defer func() { w.process = here.process }()
			if e.attack(&here) {
				t.Errorf("the attack works here: %s", e.defect)
			}
		})
	}
}

// TestAttacksWorkWithoutTheDefence performs every attack on a broker that lacks
// the defence, where it must succeed: what the tests above show is the defence,
// and not a mistake in the attack.
func TestAttacksWorkWithoutTheDefence(t *testing.T) {
	t.Parallel()
	for _, e := range exhibits {
		t.Run(e.test(), func(t *testing.T) {
			t.Parallel()
			if len(e.without) == 0 {
				t.Fatal("no mutant lacks the defence")
			}
			if !e.attack(newWorld(t, "", e.without...)) {
				t.Errorf("the attack fails without %q, too: it shows nothing", e.without)
			}
		})
	}
}

// TestMutantsAreNeeded: no mutant that no exhibit uses, none that is missing.
func TestMutantsAreNeeded(t *testing.T) {
	used := map[string]bool{}
	for _, e := range exhibits {
		for _, name := range e.without {
			used[name] = true
		}
	}
	for _, m := range mutants {
		if !used[m.Name] {
			t.Errorf("no exhibit uses the mutant %s", m.Name)
		}
		delete(used, m.Name)
	}
	for name := range used {
		t.Errorf("there is no mutant %s", name)
	}
}
