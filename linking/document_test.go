package linking

import (
	"os"
	"strings"
	"testing"

	"idbroker/broker"
)

// documented is a line of a table in docs/linking.md: the outcome where all of
// its conditions hold and no line above it does.
type documented struct{ conditions, outcome string }

// documentedTable reads a table of docs/linking.md. The first column but one, or
// two, are conditions, the last is the outcome.
func documentedTable(t *testing.T, name string) []documented {
	t.Helper()
	text, err := os.ReadFile("../docs/linking.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- table: "+name+" -->\n")
	table, _, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("docs/linking.md has no table %q", name)
	}
	var lines []documented
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		if i < 2 {
			continue // the head
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		last := len(cells) - 1
		lines = append(lines, documented{strings.Join(cells[:last], ","), strings.TrimSpace(cells[last])})
	}
	return lines
}

// look finds the line for facts whose conditions are told by holds, and returns
// its number.
func look(t *testing.T, lines []documented, holds map[string]bool) int {
	t.Helper()
	for n, l := range lines {
		all := true
		for _, c := range strings.Split(l.conditions, ",") {
			c = strings.TrimSpace(c)
			if c == "" {
				continue
			}
			h, known := holds[c]
			if !known {
				t.Fatalf("line %d: nobody knows what %q means", n+1, c)
			}
			all = all && h
		}
		if all {
			return n
		}
	}
	t.Fatal("no line applies")
	return -1
}

// said is a decision as the tables put it.
func said(outcome string, err error) string {
	if err != nil {
		return "refused: " + err.(*broker.Error).Message
	}
	return outcome
}

// TestDocumentedTables compares every combination of facts with what the page
// for people says, and finds no line that never applies.
func TestDocumentedTables(t *testing.T) {
	check := func(name string, each func(compare func(holds map[string]bool, got string, facts any))) {
		lines := documentedTable(t, name)
		used, wrong := make([]bool, len(lines)), 0
		each(func(holds map[string]bool, got string, facts any) {
			n := look(t, lines, holds)
			used[n] = true
			if want := lines[n].outcome; got != want {
				if wrong++; wrong < 4 {
					t.Errorf("%s: %+v: the code says %q, line %d says %q", name, facts, got, n+1, want)
				}
			}
		})
		for n, u := range used {
			if !u {
				t.Errorf("%s: line %d never applies", name, n+1)
			}
		}
	}
	check("decide", func(compare func(map[string]bool, string, any)) {
		for f := range everyFacts {
			outcome, err := Decide(f)
			compare(map[string]bool{
				"any": true, "sign-in": f.Purpose == broker.PurposeSignIn, "link": f.Purpose == broker.PurposeLink,
				"reauth": f.Purpose == broker.PurposeReauth, "link or reauth": f.Purpose != broker.PurposeSignIn,
				"hidden": f.Hidden, "link-only": f.LinkOnly, "no sign-up": f.SignUp == broker.SignUpNo,
				"automatic": f.SignUp == broker.SignUpAutomatic, "vouched": f.Vouched, "complete": f.Complete, "address free": f.Holder == "",
				"by e-mail": f.LinkByEmail, "asserted": f.Asserted, "address held": f.Holder != "", "holder proven": f.HolderProven,
				"holder enabled": !f.HolderDisabled, "holder has none there": f.HolderOthers == 0,
				"owned": f.Owner != "", "owner disabled": f.OwnerDisabled, "actor disabled": f.ActorDisabled,
				"actor is not who began": f.Actor == "" || f.Actor != f.Expects, "actor is owner": f.Owner == f.Actor, "actor is not owner": f.Owner != f.Actor,
				"not fresh": !f.Fresh, "no others": f.Others == 0, "several others": f.Others > 1,
				"second: add": f.Second == broker.SecondAdd, "second: refuse": f.Second == broker.SecondRefuse, "not agreed": !f.Agreed,
			}, said(string(outcome), err), f)
		}
	})
	check("unlink", func(compare func(map[string]bool, string, any)) {
		for i := range 1 << 7 * 2 {
			on := func(n int) bool { return i&(1<<n) != 0 }
			f := UnlinkFacts{Operator: on(0), Forced: on(1), SignedIn: on(2), Disabled: on(3), Fresh: on(4), Owned: on(5), Opens: on(6)}
			if on(7) {
				f.Others = 1
			}
			compare(map[string]bool{
				"any": true, "person": !f.Operator, "operator": f.Operator, "not signed in": !f.SignedIn, "disabled": f.Disabled,
				"not fresh": !f.Fresh, "not owned": !f.Owned, "last way in": f.Opens && f.Others == 0, "not forced": !f.Forced,
			}, said("removed", DecideUnlink(f)), f)
		}
	})
	check("undo", func(compare func(map[string]bool, string, any)) {
		for i := range 1 << 7 {
			on := func(n int) bool { return i&(1<<n) != 0 }
			f := UndoFacts{Known: on(0), Undone: on(1), Expired: on(2), Disabled: on(3), Elsewhere: on(4), Recoverable: on(5)}
			if on(6) {
				f.WaysIn = 1
			}
			compare(map[string]bool{
				"not known": !f.Known, "undone": f.Undone, "expired": f.Expired, "disabled": f.Disabled, "elsewhere": f.Elsewhere,
				"no way in": f.WaysIn == 0, "not recoverable": !f.Recoverable,
			}, said("undone", DecideUndo(f)), f)
		}
	})
}
