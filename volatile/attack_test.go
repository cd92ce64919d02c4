package volatile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store/storetest"
	"idbroker/volatile/volatiletest"
)

// attacked is a Redis with sessions of two people and one of nobody, and somebody who
// reads and writes it as they like.
type attacked struct {
	t    *testing.T
	ctx  context.Context
	at   time.Time
	home volatiletest.Home
	c    *volatiletest.Client
	name map[string]string // what a session is called in Redis, by its hash
	url  *volatiletest.Server
}

func underAttack(t *testing.T) *attacked {
	s := volatiletest.Start(t)
	a := &attacked{t: t, ctx: t.Context(), at: now(), home: volatiletest.Over(t, storetest.New(t), s, "p:"), c: s.Client(), name: map[string]string{}, url: s}
	a.begin()
	return a
}

// begin makes everything anew.
func (a *attacked) begin() {
	a.t.Helper()
	a.c.FlushAll(a.ctx)
	for _, id := range []string{"adas", "eves", "visitors"} {
		ok(a.t, a.home.DeleteSession(a.ctx, id))
	}
	clear(a.name)
	for _, id := range []string{"adas", "eves", "visitors"} {
		s := adas(id, a.at)
		s.UserID = map[string]broker.UserID{"adas": "ada", "eves": "eve"}[id]
		s.UserAgent, s.IP, s.Turn = "browser of "+id, map[string]string{"adas": "192.0.2.1", "eves": "192.0.2.2", "visitors": "192.0.2.3"}[id], 0
		s.Data = []byte("notice of " + id)
		ok(a.t, a.home.CreateSession(a.ctx, s))
		for _, key := range a.c.Keys(a.ctx, "p:s:*").Val() {
			known := false
			for _, name := range a.name {
				known = known || "p:s:"+name == key
			}
			if !known {
				a.name[id] = strings.TrimPrefix(key, "p:s:")
			}
		}
	}
}

func (a *attacked) key(kind, id string) string { return "p:" + kind + ":" + a.name[id] }

func (a *attacked) get(kind, id string) string { return a.c.Get(a.ctx, a.key(kind, id)).Val() }

// stands fails unless what a session shows is its own, if anything.
func (a *attacked) stands(what, id string, expected bool) {
	a.t.Helper()
	s, _, err := a.home.SessionUser(a.ctx, id)
	if expected != (err == nil) || err != nil && !errors.Is(err, broker.ErrNotFound) {
		a.t.Errorf("%s: %s: %v", what, id, err)
	}
	if err == nil && (s.UserAgent != "browser of "+id || s.UserID != map[string]broker.UserID{"adas": "ada", "eves": "eve"}[id] || s.Turn != 0 || !s.LastSeenAt.Equal(a.at)) {
		a.t.Errorf("%s: %s is now %+v", what, id, s)
	}
	if err == nil && (s.IP != "" && !strings.HasPrefix(s.IP, "192.0.2.") || len(s.Data) > 0 && string(s.Data) != "notice of "+id) {
		a.t.Errorf("%s: %s has from elsewhere %q %q", what, id, s.IP, s.Data)
	}
}

// TestForgedRecords: whoever writes to Redis can end a session, but make nothing up and
// move nothing: not between people, not from a visitor, not to another kind, and no turn.
func TestForgedRecords(t *testing.T) {
	a := underAttack(t)
	set := func(kind, id, value string) { a.c.Set(a.ctx, a.key(kind, id), value, 0) }
	for name, attack := range map[string]struct {
		do     func()
		stands bool
	}{
		"nothing":              {func() {}, true},
		"of another person":    {func() { set("s", "adas", a.get("s", "eves")) }, false},
		"of a visitor":         {func() { set("s", "adas", a.get("s", "visitors")) }, false},
		"as a visitor's":       {func() { set("s", "adas", "v"+a.get("s", "adas")[1:]) }, false},
		"another turn":         {func() { set("s", "adas", "s7"+a.get("s", "adas")[2:]) }, false},
		"turn with a zero":     {func() { set("s", "adas", "s00"+a.get("s", "adas")[2:]) }, false},
		"turn with a sign":     {func() { set("s", "adas", "s+0"+a.get("s", "adas")[2:]) }, false},
		"a turn out of range":  {func() { set("s", "adas", "s"+strings.Repeat("9", 30)+a.get("s", "adas")[2:]) }, false},
		"a place as a record":  {func() { set("s", "adas", "s0 "+a.get("i", "adas")) }, false},
		"a notice as a record": {func() { set("s", "adas", "s0 "+a.get("d", "adas")) }, false},
		"a flipped bit":        {func() { b := []byte(a.get("s", "adas")); b[len(b)/2] ^= 1; set("s", "adas", string(b)) }, false},
		"cut off":              {func() { s := a.get("s", "adas"); set("s", "adas", s[:len(s)-1]) }, false},
		"longer":               {func() { set("s", "adas", a.get("s", "adas")+"x") }, false},
		"in the clear":         {func() { set("s", "adas", `s0 {"l":99999999999999,"u":"","t":0,"w":0}`) }, false},
		"empty":                {func() { set("s", "adas", "") }, false},
		"huge":                 {func() { set("s", "adas", a.get("s", "adas")+strings.Repeat("x", 8<<20)) }, false},
		"a list":               {func() { a.c.Del(a.ctx, a.key("s", "adas")); a.c.RPush(a.ctx, a.key("s", "adas"), "x") }, false},
		"a hash":               {func() { a.c.Del(a.ctx, a.key("s", "adas")); a.c.HSet(a.ctx, a.key("s", "adas"), "turn", "0") }, false},
		"a stream": {func() {
			a.c.Del(a.ctx, a.key("s", "adas"))
			a.c.XAdd(a.ctx, a.key("s", "adas"), "a", "b")
		}, false},
		"another's place":       {func() { set("i", "adas", a.get("i", "eves")) }, true},
		"a notice as a place":   {func() { set("i", "adas", a.get("d", "adas")) }, true},
		"a place as a notice":   {func() { set("d", "adas", a.get("i", "adas")) }, true},
		"another's notice":      {func() { set("d", "adas", a.get("d", "eves")) }, true},
		"a huge notice":         {func() { set("d", "adas", strings.Repeat("x", 8<<20)) }, true},
		"a list as a notice":    {func() { a.c.Del(a.ctx, a.key("d", "adas")); a.c.RPush(a.ctx, a.key("d", "adas"), "x") }, true},
		"a notice in the clear": {func() { set("d", "adas", `{"notices":[{"key":"security.stolen"}]}`) }, true},
		"gone":                  {func() { a.c.Del(a.ctx, a.key("s", "adas")) }, false},
	} {
		a.begin()
		attack.do()
		a.stands(name, "adas", attack.stands)
		a.stands(name, "eves", true)
		a.stands(name, "visitors", true)
		if rows := must(a.home.SessionsOf(a.ctx, "ada"))(t); len(rows) == 1 != attack.stands {
			t.Errorf("%s: %d sessions are listed", name, len(rows))
		}
		ok(t, a.home.TouchSession(a.ctx, adas("adas", a.at))) // whatever that finds
		ok(t, a.home.EndSession(a.ctx, "ada", "sid-adas"))
		a.stands(name+", ended", "adas", false)
	}
}

// TestEndedStaysEnded: who kept a copy of everything in Redis puts it back after the
// session has ended, and after all of its person's have.
func TestEndedStaysEnded(t *testing.T) {
	a := underAttack(t)
	for name, end := range map[string]func() error{
		"one":     func() error { return a.home.EndSession(a.ctx, "ada", "sid-adas") },
		"all":     func() error { _, err := a.home.EndSessions(a.ctx, "ada", ""); return err },
		"deleted": func() error { return a.home.DeleteSession(a.ctx, "adas") },
		"renewed": func() error {
			return a.home.InTx(a.ctx, func(ctx context.Context) error {
				next := adas("next", a.at)
				next.SID = "sid-adas"
				return errors.Join(a.home.CreateSession(ctx, next), a.home.TakeSession(ctx, "adas"))
			})
		},
	} {
		a.begin()
		dumps := map[string]string{}
		for _, key := range a.c.Keys(a.ctx, "p:*").Val() {
			dumps[key] = a.c.Dump(a.ctx, key).Val()
		}
		ok(t, end())
		for key, dump := range dumps {
			ok(t, a.c.RestoreReplace(a.ctx, key, 0, dump).Err())
		}
		a.stands(name, "adas", false)
		a.stands(name, "eves", true)
	}
}

// TestNoFresherThanItWas: what stood at the same place before can be put back, and is
// older than what stands there. It does not outlive the end that the row tells.
func TestNoFresherThanItWas(t *testing.T) {
	a := underAttack(t)
	old := a.get("s", "adas")
	s := must(a.home.Session(a.ctx, "adas"))(t)
	s.LastSeenAt, s.Turn = a.at.Add(time.Minute), 3
	ok(t, a.home.TouchSession(a.ctx, s))
	s.ExpiresAt = a.at.Add(-time.Minute)
	ok(t, a.home.SaveSession(a.ctx, s))
	a.c.Set(a.ctx, a.key("s", "adas"), old, 0) // for ever
	got := must(a.home.Session(a.ctx, "adas"))(t)
	if got.LastSeenAt.After(a.at) || got.Turn != 0 || got.Alive(time.Hour, a.at) {
		t.Errorf("it is %+v", got)
	}
}

// TestRedisTellsNothing: whoever reads all of it finds no person, no address, no browser,
// and nothing that opens anything.
func TestRedisTellsNothing(t *testing.T) {
	a := underAttack(t)
	must(a.home.TakeTokens(a.ctx, a.at, broker.Charge{Key: "k", Limit: broker.Limit{Burst: 2, Every: time.Minute}}))(t)
	var all bytes.Buffer
	keys := a.c.Keys(a.ctx, "*").Val()
	if len(keys) != 10 {
		t.Errorf("%d keys: %q", len(keys), keys)
	}
	for _, key := range keys {
		fmt.Fprintf(&all, "%s %s\n", key, a.c.Get(a.ctx, key).Val())
	}
	for _, word := range []string{"ada", "eve", "visitor", "sid", "192.0.2", "browser", "notice", "orcid", "pwd"} {
		if strings.Contains(all.String(), word) {
			t.Errorf("there is %q", word)
		}
	}
	// The same things are sealed anew each time: two equal records do not look equal.
	one := a.get("s", "adas")
	ok(t, a.home.TouchSession(a.ctx, must(a.home.Session(a.ctx, "adas"))(t)))
	if a.get("s", "adas") == one {
		t.Error("a record is sealed twice in the same way")
	}
}

// TestAnotherKeyring: a broker with another keyring finds and opens nothing of ours.
func TestAnotherKeyring(t *testing.T) {
	a := underAttack(t)
	other := volatiletest.Over(t, storetest.New(t), a.url, "p:", volatiletest.Key([32]byte{1}))
	if _, err := other.Session(a.ctx, "visitors"); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
