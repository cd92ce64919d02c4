package oidf

import (
	"context"
	"fmt"
	"slices"
)

// walk does on the pages what the configuration says the person does, beginning
// at the address that was opened, and returns the tasks in which they had to act.
// It ends when the browser is back at the application, or when no task is left.
func (b *Browser) walk(ctx context.Context, entries []Entry, visits map[int]int, opened string) (acted []string, err error) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return matches(e.Match, opened) })
	for i >= 0 && entries[i].MatchLimit > 0 && visits[i] >= entries[i].MatchLimit {
		next := slices.IndexFunc(entries[i+1:], func(e Entry) bool { return matches(e.Match, opened) })
		if next < 0 {
			return nil, fmt.Errorf("no entry of the configuration's browser is left for %s: all reached their match-limit", clip(opened, 100))
		}
		i += 1 + next
	}
	if i < 0 || b.back != nil {
		return nil, nil
	}
	visits[i]++
	for _, t := range entries[i].Tasks {
		if b.back != nil || b.page == nil {
			return acted, nil // the rest is about the page after it
		}
		if t.Match != "" && !matches(t.Match, b.page.URL.String()) {
			if t.Optional {
				continue
			}
			return acted, nil // not there: the module says what it expected
		}
		did, err := b.perform(ctx, t)
		if did {
			acted = append(acted, t.Task)
		}
		if err != nil {
			return acted, fmt.Errorf("task %q: %w", t.Task, err)
		}
	}
	return acted, nil
}

// perform does one task and tells whether anything was typed or clicked.
func (b *Browser) perform(ctx context.Context, t Task) (did bool, err error) {
	for _, c := range t.Commands {
		if b.back != nil || b.page == nil {
			return did, nil
		}
		if c.Verb == "wait" && (c.By == "contains" || c.By == "match") {
			pattern := map[string]string{"contains": "*" + c.Target + "*", "match": c.Target}[c.By]
			if matches(pattern, b.page.URL.String()) {
				continue
			}
			if _, err := b.settle(ctx); err != nil { // frames and Refresh take their time
				return did, err
			}
			if b.back == nil && !matches(pattern, b.page.URL.String()) {
				return did, fmt.Errorf("waited for an address like %s and stands at %s", pattern, b.page)
			}
			continue
		}
		n := b.page.find(c.By, c.Target)
		switch {
		case c.Verb == "wait-element-invisible":
			if n != nil {
				return did, fmt.Errorf("the element with %s %q does not go away on %s", c.By, c.Target, b.page)
			}
			continue
		case n == nil && c.Optional:
			continue
		case n == nil:
			return did, fmt.Errorf("there is no element with %s %q on %s", c.By, c.Target, b.page)
		}
		switch c.Verb {
		case "text":
			b.page.typed[n], did = c.Value, true
		case "click":
			did = true
			if err := b.click(ctx, n); err != nil {
				return did, err
			}
		default: // wait
			if c.pattern != nil && !c.pattern.MatchString(text(n)) {
				return did, fmt.Errorf("%q does not match %q on %s", clip(text(n), 200), c.Value, b.page)
			}
		}
	}
	return did, nil
}
