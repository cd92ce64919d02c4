package linking_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"pgregory.net/rapid"
)

// tally counts how the steps of some walks went, by their first word and outcome.
type tally struct {
	steps int // those of the service: what only turns a knob of the harness is not counted
	by    map[string]int
	late  int // refusals for the clock, not for the rules (walker.goOn)
	mu    sync.Mutex
}

func newTally() *tally { return &tally{by: map[string]int{}} }

func (c *tally) String() string { return fmt.Sprintf("%d steps: %v", c.steps, c.by) }

// join adds what another walker counted.
func (c *tally) join(o *tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.steps += o.steps
	for what, n := range o.by {
		c.by[what] += n
	}
}

// poor names what never happened, of what must: a walk that is refused
// everything finds nothing.
func (c *tally) poor() (missing []string) {
	for _, what := range []string{
		"journey signed in", "journey new person", "journey linked", "journey ask to replace", "journey already linked", "journey reauthenticated",
		"journey refused", "finish signed in", "finish refused", "link linked", "link replaced", "link refused", "prove", "prove refused",
		"unlink", "unlink refused", "undo", "undo refused", "operator", "operator refused", "race", "forged refused",
		"delete", "delete refused", "email", "email refused", "forgot", "choose", "choose refused", "go", "go refused", "time", "turn", "restart",
		"journey account began", "journey found by e-mail", "sign began", "choose re-claimed", "prove re-claimed", "type re-claimed",
		"send", "send refused", "type", "type refused", "visit", "set", "set refused",
	} {
		if c.by[what] == 0 {
			missing = append(missing, what)
		}
	}
	return missing
}

func (c *tally) add(what string, got answer, served bool) {
	if served {
		c.steps++
	}
	word, _, _ := strings.Cut(what, " ")
	switch {
	case got.refused:
		word += " refused"
	case got.outcome != "":
		word += " " + string(got.outcome)
	}
	c.by[word]++
}

// claimed counts accounts that a step began, and those that it gave to whoever read their mail.
func (c *tally) claimed(what string, was, m *model) {
	word, _, _ := strings.Cut(what, " ")
	if len(m.users) > len(was.users) {
		c.by[word+" began"]++
	}
	for i, u := range was.users {
		if u.vouched != "" && m.users[i].vouched == "" && !m.users[i].gone {
			c.by[word+" re-claimed"]++
		}
	}
}

func (w *walker) upTo(n int, label string) int { return rapid.IntRange(0, n-1).Draw(w.t, label) }
func (w *walker) yes(label string) bool        { return rapid.Bool().Draw(w.t, label) }
func (w *walker) of(all []string, label string) string {
	return all[w.upTo(len(all), label)]
}
func (w *walker) some(n int, what string) int { // the latest first: old ones are rarely of interest
	return n - 1 - rapid.IntRange(0, min(n, 6)-1).Draw(w.t, what)
}

// live draws mostly what can still go well, otherwise any of the latest.
func (w *walker) live(n int, what string, good func(int) bool) int {
	var all []int
	for i := max(0, n-20); i < n; i++ {
		if good(i) {
			all = append(all, i)
		}
	}
	if len(all) > 0 && w.upTo(4, "any "+what) < 3 {
		return all[w.upTo(len(all), what)]
	}
	return w.some(n, what)
}

func (w *walker) leg(what string) int {
	return w.live(len(w.m.legs), what, func(i int) bool { return !w.m.legs[i].spent })
}

func (w *walker) login(good func(login) bool) int {
	return w.live(len(w.m.logins), "login", func(i int) bool { return !w.m.logins[i].done && good(w.m.logins[i]) })
}

// address draws mostly one that nobody has.
func (w *walker) address() string {
	var free []string
	for _, a := range addresses {
		if !w.m.known(a) {
			free = append(free, a)
		}
	}
	if len(free) > 0 && w.upTo(4, "any address") < 3 {
		return w.of(free, "free address")
	}
	return w.of(addresses, "email")
}

// person draws a user: often one who is half-way in, since that lasts seldom.
func (w *walker) person() int {
	var half []int
	for _, l := range w.m.logins {
		if l.proven && !l.over {
			half = append(half, l.owner)
		}
	}
	if len(half) > 0 && w.yes("half-way in") {
		return half[w.upTo(len(half), "whose")]
	}
	return 1 + w.upTo(max(1, len(w.m.users)), "user")
}

// fault is what happens to a step beside what was asked for.
type fault string

const (
	noFault fault = "well"
	crash   fault = "crash" // it fails when it is to be committed
	lost    fault = "lost"  // it is committed, and nobody is told
)

func (w *walker) fault() fault {
	switch rapid.IntRange(0, 23).Draw(w.t, "fault") {
	case 23:
		w.s.crash()
		return crash
	case 22:
		if w.s.lose() {
			return lost
		}
	}
	return noFault
}

// predict asks the model about a step with a fault.
func (w *walker) predict(f fault, do func(crash bool) answer) answer {
	if f != lost {
		return do(f == crash)
	}
	was := w.m.clone()
	return w.m.lose(was, do(false))
}

// linked draws an identity: mostly one of a user's, so that links are removed at
// all, otherwise any.
func (w *walker) linked(u int) key {
	var own []key
	for k, l := range w.m.links {
		if l.user == u {
			own = append(own, k)
		}
	}
	slices.SortFunc(own, func(a, b key) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	if len(own) > 0 && w.upTo(4, "any") < 2 {
		return own[w.upTo(len(own), "own")]
	}
	k := key{provider: w.of(providerIDs, "provider"), subject: w.of(persons, "subject")}
	if w.upTo(8, "lies") == 7 { // about who says so
		if k.issuer = w.of(providerIDs, "issuer"); k.issuer == k.provider {
			k.issuer = ""
		}
	}
	return k
}
