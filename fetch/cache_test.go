package fetch

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestCache plays the life of a document: fetched, refreshed in vain, fetched
// again. Each step is a wish and what comes of it.
func TestCache(t *testing.T) {
	c := &cache{entries: map[string]*entry{}}
	t0 := time.Unix(0, 0)
	broken := errors.New("broken")
	const age, interval = 10 * time.Minute, 30 * time.Second
	for i, step := range []struct {
		at     time.Duration
		maxAge time.Duration
		call   bool // the network is asked
		body   string
		err    error // of the call, or of the answer
	}{
		{0, age, true, "one", nil},
		{time.Second, age, false, "one", nil},
		{time.Second, 0, false, "one", nil}, // not so soon
		{interval, 0, true, "", broken},     // an unknown key
		{interval + 1, 0, false, "", broken},
		{interval + 1, age, false, "one", nil}, // what we have stays good
		{2 * interval, 0, true, "two", nil},
		{2*interval + age - 1, age, false, "two", nil},
		{2*interval + age, age, true, "", broken},
		{2*interval + age + 1, age, false, "", broken}, // too old by now
		{3*interval + age, age, true, "three", nil},
	} {
		body, f, mine, err := c.claim("u", step.maxAge, interval, t0.Add(step.at))
		if mine != step.call || (f != nil) != step.call {
			t.Fatalf("step %d: %q, %v, call %v", i, body, err, mine)
		}
		if mine {
			if _, other, again, _ := c.claim("u", 0, interval, t0.Add(step.at)); other != f || again {
				t.Fatalf("step %d: a second flight", i)
			}
			var answer []byte
			if step.err == nil {
				answer = []byte(step.body)
			}
			c.land(f, answer, step.err, t0.Add(step.at))
			<-f.done
			continue
		}
		if string(body) != step.body || err != step.err {
			t.Errorf("step %d: %q, %v", i, body, err)
		}
	}
}

// TestDocumentServesWhileItIsRefreshed: nobody waits for a refresh that somebody
// else asked for.
func TestDocumentServesWhileItIsRefreshed(t *testing.T) {
	c := &cache{entries: map[string]*entry{}}
	_, f, _, _ := c.claim("u", 0, time.Second, time.Unix(0, 0))
	c.land(f, []byte("x"), nil, time.Unix(0, 0))
	if _, _, mine, _ := c.claim("u", 0, time.Second, time.Unix(5, 0)); !mine {
		t.Fatal("no refresh")
	}
	if body, f, _, _ := c.claim("u", time.Minute, time.Second, time.Unix(5, 0)); f != nil || string(body) != "x" {
		t.Errorf("%q, %v", body, f)
	}
}

func TestCacheIsBounded(t *testing.T) {
	for kept, most := range map[int]int{0: maxKept, 3: 3} {
		c := &cache{entries: map[string]*entry{}, kept: kept}
		for i := range most + 10 {
			_, f, _, _ := c.claim(fmt.Sprint(i), 0, time.Second, time.Unix(int64(i), 0))
			c.land(f, []byte{}, nil, time.Unix(int64(i), 0))
		}
		if len(c.entries) != most || c.entries["0"] != nil || c.entries[fmt.Sprint(most+9)] == nil {
			t.Errorf("%d entries, want %d", len(c.entries), most)
		}
	}
}
