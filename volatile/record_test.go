package volatile

import (
	"strings"
	"testing"
	"time"

	"idbroker/broker"
)

func sealing() *Home {
	return New(nil, &Redis{}, HomeOptions{Key: [32]byte{7}, KeepIPs: time.Hour})
}

// TestRecordBackAndForth: what is written is read.
func TestRecordBackAndForth(t *testing.T) {
	h, at := sealing(), time.UnixMicro(time.Now().UnixMicro()).UTC()
	for _, s := range []broker.Session{
		{IDHash: "x", UserID: "ada"},
		{IDHash: "x", UserID: "ada", UserAgent: strings.Repeat("<", maxAgent), LastSeenAt: at, Turn: maxTurn, TurnedAt: at, ShownAt: at, IP: "fe80::1%eth0", IPAt: at, Data: []byte(strings.Repeat("d", 4096))},
		{IDHash: "x", SID: "sid", CreatedAt: at, ExpiresAt: at, LastSeenAt: at},
	} {
		text, err := h.seenOf(s)
		if err != nil || len(text) > maxSeen || len(h.dataOf(s)) > maxData || len(h.placeOf(s)) > maxPlace {
			t.Fatalf("%d, %d, %d bytes, %v", len(text), len(h.placeOf(s)), len(h.dataOf(s)), err)
		}
		got := broker.Session{IDHash: s.IDHash, UserID: s.UserID}
		visitor, err := h.read(&got, stored{text, h.placeOf(s), h.dataOf(s)}, at)
		if err != nil || visitor != (s.UserID == "") || got.Turn != s.Turn || got.UserAgent != s.UserAgent || got.IP != s.IP || string(got.Data) != string(s.Data) ||
			!got.LastSeenAt.Equal(s.LastSeenAt) || !got.TurnedAt.Equal(s.TurnedAt) || !got.ShownAt.Equal(s.ShownAt) || !got.ExpiresAt.Equal(s.ExpiresAt) || got.SID != s.SID {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestUnwritable: what could not be read is not written.
func TestUnwritable(t *testing.T) {
	h := sealing()
	for name, s := range map[string]broker.Session{
		"agent":    {UserID: "u", UserAgent: strings.Repeat("x", maxAgent+1)},
		"no text":  {UserID: "u", UserAgent: "\xff"},
		"turn":     {UserID: "u", Turn: -1},
		"far turn": {UserID: "u", Turn: maxTurn + 1},
		"sid":      {SID: strings.Repeat("s", maxSID+1)},
		"past":     {UserID: "u", LastSeenAt: time.Unix(-1, 0)},
		"nobody":   {},
	} {
		if text, err := h.seenOf(s); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
	for _, ip := range []string{"", "unknown", "192.0.2.1:80", strings.Repeat("1", 300)} {
		if h.placeOf(broker.Session{IP: ip}) != nil {
			t.Errorf("%q is an address", ip)
		}
	}
	if h.dataOf(broker.Session{Data: make([]byte, maxData)}) != nil {
		t.Error("a notice is longer than what is read of one")
	}
}

// TestForgottenOnRead: an IP that is too old is not shown, also where Redis still has it.
func TestForgottenOnRead(t *testing.T) {
	h, at := sealing(), time.Now()
	s := broker.Session{IDHash: "x", UserID: "ada", IP: "192.0.2.1", IPAt: at.Add(-2 * time.Hour)}
	text, err := h.seenOf(s)
	if err != nil {
		t.Fatal(err)
	}
	got := broker.Session{IDHash: "x"}
	if _, err := h.read(&got, stored{text, h.placeOf(s), nil}, at); err != nil || got.IP != "" {
		t.Errorf("%q, %v", got.IP, err)
	}
}

// FuzzStored: whatever stands in Redis, a session shows what was sealed for it or
// nothing.
func FuzzStored(f *testing.F) {
	h, at := sealing(), time.Unix(1700000000, 0)
	s := broker.Session{IDHash: "x", UserID: "ada", LastSeenAt: at, UserAgent: "ua", Turn: 3, IP: "192.0.2.1", IPAt: at, Data: []byte("data")}
	text, err := h.seenOf(s)
	if err != nil {
		f.Fatal(err)
	}
	other := s
	other.IDHash = "y"
	foreign, _ := h.seenOf(other)
	visitor, _ := h.seenOf(broker.Session{IDHash: "x", SID: "v"})
	f.Add(text, h.placeOf(s), h.dataOf(s))
	f.Add(foreign, h.placeOf(other), h.dataOf(other))
	f.Add(visitor, []byte{}, []byte{})
	f.Add([]byte("s3 "), []byte("{}"), []byte("{}"))
	f.Add([]byte(`s0 {"l":1,"u":"","t":0,"w":0}`), []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, seen, place, data []byte) {
		got := broker.Session{IDHash: "x"}
		visitor, err := h.read(&got, stored{seen, place, data}, at)
		mine := !visitor && got.UserAgent == "ua" && got.Turn == 3 && got.LastSeenAt.Equal(at) || visitor && got.SID == "v"
		if err == nil && !mine { // a worker's seeds are sealed by another process
			t.Fatalf("%q: %+v", seen, got)
		}
		if err == nil && (got.IP != "" && got.IP != s.IP || len(got.Data) > 0 && string(got.Data) != "data") {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzRecord: what is sealed is read strictly: in the one form in which we write it.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"l":1,"u":"Firefox","t":2,"w":3}`))
	f.Add([]byte(`{"l":1,"u":"","t":0,"w":0,"i":"sid","c":1,"e":2}`))
	f.Add([]byte(`{"l":1,"u":"","t":0,"w":0,"l":2}`))
	f.Add([]byte(`{"a":"192.0.2.1","s":1}`))
	f.Add([]byte(`{"a":"192.0.2.1","s":-1}`))
	f.Add([]byte(`{"l":1e99}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := parseSeen(kindSeen, text)
		two, err2 := parseSeen(kindVisitor, text)
		if err == nil && err2 == nil {
			t.Fatalf("%q is of both kinds", text)
		}
		if err == nil && (len(one.Agent) > maxAgent || one.LastSeen < 0 || one.SID != "") || err2 == nil && (len(two.SID) > maxSID || two.Expires < 0) {
			t.Fatalf("%+v %+v", one, two)
		}
		if p, err := parsePlace(text); err == nil && (p.IP == "" || p.Since < 0) {
			t.Fatalf("%+v", p)
		}
	})
}
