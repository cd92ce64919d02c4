package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

// TestUsersSessions: an operator sees where somebody is signed in, ends one session or
// all, with what applications have of them; the account stays open.
func TestUsersSessions(t *testing.T) {
	o, h := newOperator(t), newHearer(t)
	var ada, bob userView
	o.read(&ada, "users", "create", "ada@example.org")
	o.read(&bob, "users", "create", "bob@example.org")
	o.run("clients", "create", "Wiki", "--id", "wiki", "--redirect-uri", "https://wiki.example.org/cb", "--backchannel-logout-uri", h.URL+"/out")
	if text := o.run("users", "sessions", "ada@example.org"); !strings.Contains(text, "signed in nowhere") {
		t.Error(text)
	}
	db, at := o.open(), time.Now().Truncate(time.Microsecond)
	defer db.Close() //nolint:errcheck // it is thrown away
	for sid, s := range map[string]broker.Session{
		"one": {UserID: ada.ID, UserAgent: "Mozilla/5.0 \x1b[31m" + strings.Repeat("x", 200), IP: "192.0.2.7", AMR: []string{"pwd"}}, "two": {UserID: ada.ID, Provider: "orcid"}, "three": {UserID: bob.ID},
		"idle": {UserID: ada.ID, LastSeenAt: at.Add(-3 * time.Hour)},
	} {
		s.IDHash, s.SID, s.AuthTime, s.CreatedAt, s.ExpiresAt = "hash "+sid, sid, at, at, at.Add(time.Hour)
		if s.LastSeenAt.IsZero() {
			s.LastSeenAt = at
		}
		need(t, db.CreateSession(t.Context(), s))
	}
	need(t, db.CreateRemembered(t.Context(), broker.RememberedBrowser{ID: "b", UserID: ada.ID, Hash: "h", CreatedAt: at, ExpiresAt: at.Add(time.Hour)}))
	grants := map[string]broker.GrantID{"one": o.grant("wiki", ada.ID, "one"), "two": o.grant("wiki", ada.ID, "two"), "three": o.grant("wiki", bob.ID, "three")}
	offline := broker.Grant{ID: "offline", ClientID: "wiki", UserID: ada.ID, SID: "two", Scopes: []string{"openid", "offline_access"}, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	need(t, db.CreateGrant(t.Context(), offline))
	stand := func() (all []string) {
		for _, u := range []broker.UserID{ada.ID, bob.ID} {
			list, err := db.GrantsOf(t.Context(), u)
			need(t, err)
			for _, g := range list {
				for name, id := range grants {
					if g.ID == id {
						all = append(all, name)
					}
				}
				if g.ID == offline.ID {
					all = append(all, "offline")
				}
			}
		}
		slices.Sort(all)
		return all
	}

	var list []sessionView
	if o.read(&list, "users", "sessions", "ada@example.org"); len(list) != 2 || !slices.ContainsFunc(list, func(v sessionView) bool { return v.SID == "one" && v.IP == "192.0.2.7" && v.SignedInAt.Equal(at) }) {
		t.Errorf("%+v", list)
	}
	if table := o.run("users", "sessions", "ada@example.org"); !strings.Contains(table, "orcid") || strings.Contains(table, "\x1b") || strings.Contains(table, strings.Repeat("x", shownAgent)) {
		t.Errorf("%q", table)
	}
	o.refuses("users", "sessions", "bob@example.org", "--end", "one") // of somebody else
	o.run("users", "sessions", "ada@example.org", "--end", "one")
	o.refuses("users", "sessions", "ada@example.org", "--end", "one")
	if got := stand(); !slices.Equal(got, []string{"offline", "three", "two"}) {
		t.Errorf("one session ended: %v", got)
	}

	var out struct {
		Ended int `json:"sessions_ended"`
	}
	if o.read(&out, "users", "sign-out", "ada@example.org"); out.Ended != 2 { // two, and idle
		t.Errorf("%+v", out)
	}
	if got := stand(); !slices.Equal(got, []string{"offline", "three"}) {
		t.Errorf("signed out: %v", got)
	}
	if left, err := db.RememberedOf(t.Context(), ada.ID); err != nil || len(left) != 0 {
		t.Errorf("remembered browsers: %v %v", left, err)
	}
	u, err := db.User(t.Context(), ada.ID)
	if need(t, err); u.Disabled() || u.SignedOutAt.IsZero() {
		t.Errorf("%+v", u)
	}
	events, err := db.Events(t.Context(), ada.ID, 9)
	need(t, err)
	ended := 0
	for _, e := range events {
		if e.Name == broker.EventSignedOut && e.Detail["by"] == "operator" && e.SID != "" {
			ended++
		}
	}
	if ended != 3 {
		t.Errorf("%d ends are in the audit trail: %+v", ended, events)
	}
	o.run("users", "sign-out", "ada@example.org", "--offline")
	if got := stand(); !slices.Equal(got, []string{"three"}) {
		t.Errorf("with offline access: %v", got)
	}
	r := o.serve()
	r.await("the notices", func() bool { return len(h.heard()) >= 2 })
	r.stop()
	o.refuses("users", "sign-out", "nobody@example.org")
}

// TestUsersShowAndSearch: what an account did shows, and accounts are found by what
// their people are called.
func TestUsersShowAndSearch(t *testing.T) {
	o := newOperator(t)
	var ada userView
	o.read(&ada, "users", "create", "ada@example.org", "--name", "Ada Lovelace", "--username", "countess")
	o.run("users", "create", "bob@example.com", "--name", "100%_Bob")
	o.run("users", "email", "bob@example.com", "bob@elsewhere.example")
	if ada.ConfirmedAt.IsZero() {
		t.Errorf("%+v", ada)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "confirmed      20") || !strings.Contains(text, "last sign-in   never") || !strings.Contains(text, "sign-ins       0") {
		t.Error(text)
	}
	db, at := o.open(), time.Now().Truncate(time.Microsecond)
	for i, e := range []broker.Event{{IP: "192.0.2.7"}, {IP: "2001:db8::1", Provider: "orcid"}} {
		e.ID, e.Name, e.UserID, e.At = broker.NewID(), broker.EventSignedIn, ada.ID, at.Add(time.Duration(i)*time.Minute)
		need(t, db.AddEvent(t.Context(), e))
	}
	need(t, db.Close())
	o.read(&ada, "users", "show", "ada@example.org")
	if s := ada.SignIns; s == nil || s.Count != 2 || !s.Last.At.Equal(at.Add(time.Minute)) || s.Last.Provider != "orcid" || s.Before.IP != "192.0.2.7" {
		t.Errorf("%+v", s)
	}
	if text := o.run("users", "show", "ada@example.org"); !strings.Contains(text, "with orcid from 2001:db8::1") || !strings.Contains(text, "the one before") {
		t.Error(text)
	}
	for args, want := range map[string]string{
		"--search LOVE": "ada", "--search Countess": "ada", "--search ADA@EX": "ada", "--search %": "bob", "--search 0%_b": "bob", "--search a_a": "", "--search bob": "bob", "--unconfirmed": "bob",
		"--unconfirmed --search ada": "", "--search example": "ada bob", `--search \`: "",
	} {
		var list []userView
		o.read(&list, append([]string{"users", "list"}, strings.Fields(args)...)...)
		var found []string
		for _, v := range list {
			name, _, _ := strings.Cut(v.Email, "@")
			found = append(found, name)
		}
		slices.Sort(found)
		if got := strings.Join(found, " "); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
	for _, bad := range []string{strings.Repeat("x", maxSearch+1), "a\x1bb"} {
		o.refuses("users", "list", "--search", bad)
	}
}
