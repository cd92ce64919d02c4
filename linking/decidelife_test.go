package linking

import (
	"errors"
	"testing"

	"idbroker/broker"
)

// TestDecideUnlink holds the whole table.
func TestDecideUnlink(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    UnlinkFacts
		want error
	}{
		{"one of two ways in", UnlinkFacts{SignedIn: true, Fresh: true, Owned: true, Opens: true, Others: 1}, nil},
		{"the only way in", UnlinkFacts{SignedIn: true, Fresh: true, Owned: true, Opens: true}, ErrLast},
		{"no way in at all, and this is none", UnlinkFacts{SignedIn: true, Fresh: true, Owned: true}, nil},
		{"nobody is signed in", UnlinkFacts{Owned: true, Opens: true, Others: 1}, broker.ErrSignIn},
		{"an old sign-in", UnlinkFacts{SignedIn: true, Owned: true, Opens: true, Others: 1}, ErrStale},
		{"a disabled account", UnlinkFacts{SignedIn: true, Disabled: true, Fresh: true, Owned: true, Others: 1}, broker.ErrDisabled},
		{"somebody else's identity", UnlinkFacts{SignedIn: true, Fresh: true, Others: 1}, broker.ErrNotFound},
		{"force is for operators", UnlinkFacts{SignedIn: true, Forced: true, Fresh: true, Owned: true, Opens: true}, ErrLast},
		{"an operator", UnlinkFacts{Operator: true, Owned: true, Opens: true, Others: 1}, nil},
		{"an operator, a disabled account", UnlinkFacts{Operator: true, Disabled: true, Owned: true, Opens: true, Others: 1}, nil},
		{"an operator, the only way in", UnlinkFacts{Operator: true, Owned: true, Opens: true}, ErrLast},
		{"an operator who means it", UnlinkFacts{Operator: true, Forced: true, Owned: true, Opens: true}, nil},
		{"an operator, an identity of nobody", UnlinkFacts{Operator: true, Forced: true}, broker.ErrNotFound},
	} {
		if err := DecideUnlink(tt.f); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestDecideUndo holds the whole table.
func TestDecideUndo(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    UndoFacts
		want error
	}{
		{"in time, and another way in stays", UndoFacts{Known: true, WaysIn: 1}, nil},
		{"no way in stays, but the address can choose a password", UndoFacts{Known: true, Recoverable: true}, nil},
		{"no way in stays, and passwords open nothing here", UndoFacts{Known: true}, ErrUndoLast},
		{"a secret that nobody was mailed", UndoFacts{WaysIn: 1}, ErrUndoUnknown},
		{"the second time", UndoFacts{Known: true, Undone: true, WaysIn: 1}, ErrUndoUsed},
		{"too late", UndoFacts{Known: true, Expired: true, WaysIn: 1}, ErrUndoExpired},
		{"a disabled account stays as it is", UndoFacts{Known: true, Disabled: true, WaysIn: 1}, broker.ErrDisabled},
		{"what was removed is somebody else's by now", UndoFacts{Known: true, Elsewhere: true, WaysIn: 1}, ErrUndoTaken},
	} {
		if err := DecideUndo(tt.f); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
