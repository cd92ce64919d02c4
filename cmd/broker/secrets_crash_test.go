package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

// TestRotateGoesOn: a rotation that was broken off is finished by the next one,
// wherever it was, and no further key is made for it.
func TestRotateGoesOn(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org") // makes the keyring
	db := o.open()
	if err := db.Enqueue(t.Context(), broker.OutboxEntry{ID: "1", Payload: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old := o.readRing()
	name := filepath.Join(o.dir, "broker.key")
	for what, ring := range map[string]store.Keyring{"staged": old.Staged(), "promoted": old.Staged().Promoted()} {
		if err := os.WriteFile(name, ring.Marshal(), 0o600); err != nil {
			t.Fatal(err)
		}
		var v ringView
		if o.read(&v, "secrets", "status"); v.Next == "nothing to do" {
			t.Errorf("%s: %+v", what, v)
		}
		o.read(&v, "secrets", "rotate")
		if len(v.Keys) != 2 || v.behind() != 0 || v.Resealed == 0 || v.Next != "nothing to do" {
			t.Errorf("%s: %+v", what, v)
		}
		// back to the old key alone, for the next round
		ids := o.readRing().IDs()
		back := o.openRing(o.readRing())
		back.SetKeys(parse(t, append(old.Marshal(), o.readRing().Without(ids[1]).Marshal()...)))
		if _, err := back.Reseal(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := back.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := filepath.Glob(name + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func parse(t *testing.T, text []byte) store.Keyring {
	t.Helper()
	ring, err := store.ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (o *operator) openRing(ring store.Keyring) *store.DB {
	o.t.Helper()
	db, err := store.Open(o.t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(o.dir, "broker.db"), Keys: ring})
	if err != nil {
		o.t.Fatal(err)
	}
	return db
}

// TestRotateWaits: while a running broker does not know the new key, nothing is
// sealed with it; given up, nothing is lost.
func TestRotateWaits(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	old := o.readRing()
	db := o.openRing(old)
	defer db.Close() //nolint:errcheck // it is thrown away
	deaf := broker.Replica{ID: "deaf", SeenAt: time.Now(), Seals: old.IDs()[0], Opens: old.IDs()}
	if err := db.SaveReplica(t.Context(), deaf); err != nil {
		t.Fatal(err)
	}
	_, line, code := o.try("", "secrets", "rotate", "--wait", "1s")
	if code != 1 || !strings.Contains(line, "deaf") || !strings.Contains(line, "run this again") {
		t.Errorf("%d %s", code, line)
	}
	ring := o.readRing()
	if ring.IDs()[0] != old.IDs()[0] || ring.StagedID() == "" {
		t.Error("a key seals that not everybody knows")
	}
	deaf.Opens = append(deaf.Opens, ring.StagedID())
	if err := db.SaveReplica(t.Context(), deaf); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second makes no further key
		if _, line, code = o.try("", "secrets", "rotate", "--wait", "1s"); code != 1 || !strings.Contains(line, "seals with key") {
			t.Errorf("%d %s", code, line)
		}
	}
	if now := o.readRing(); now.Len() != 2 || now.IDs()[0] != ring.StagedID() {
		t.Errorf("keys %v", now.IDs())
	}
}

// TestReplaceRing: a crash leaves the one keyring or the other, and two who change
// it at once do not undo one another.
func TestReplaceRing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ring")
	old := store.NewKeyring()
	if err := writeSecret(name, old.Marshal()); err != nil {
		t.Fatal(err)
	}
	if err := replaceRing(name, []byte("another"), old.Staged()); err == nil {
		t.Error("a change of somebody else's was undone")
	}
	if err := writeSecret(name+".new", []byte("half")); err != nil { // somebody is at it
		t.Fatal(err)
	}
	if err := replaceRing(name, old.Marshal(), old.Staged()); err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("%v", err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(name+".new", long, long); err != nil { // or has died over it
		t.Fatal(err)
	}
	staged := old.Staged()
	if err := replaceRing(name, old.Marshal(), staged); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil || parse(t, text).StagedID() != staged.StagedID() || mode(t, name) != 0o600 {
		t.Errorf("%v", err)
	}
}

// TestRingIsNotTakenAway: a running broker keeps its keys when the file is broken,
// emptied, or lacks the one that seals.
func TestRingIsNotTakenAway(t *testing.T) {
	o := newOperator(t)
	o.run("users", "create", "ada@example.org")
	db := o.open()
	defer db.Close() //nolint:errcheck // it is thrown away
	r := roomsOver(t, db)
	ring := o.readRing()
	if err := r.setRing(ring); err != nil {
		t.Fatal(err)
	}
	r.cfg.Secrets.KeyringFile = filepath.Join(o.dir, "broker.key")
	changes := 0
	w := r.watchRing(func(store.Keyring) { changes++ })
	for what, text := range map[string]string{
		"empty": "", "broken": "x\n", "another": string(store.NewKeyring().Marshal()), "another oldest": string(ring.Marshal()) + string(store.NewKeyring().Marshal()),
	} {
		if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.look(t.Context()); err == nil || r.ring.IDs()[0] != ring.IDs()[0] || changes != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i, next := range []store.Keyring{ring.Staged(), ring.Staged().Promoted()} {
		if err := os.WriteFile(w.file, next.Marshal(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.look(t.Context()); err != nil || changes != i+1 || string(r.ring.Marshal()) != string(next.Marshal()) {
			t.Errorf("%d: %v", i, err)
		}
		replicas, err := db.Replicas(t.Context(), time.Time{})
		if err != nil || len(replicas) != 1 || len(replicas[0].Opens) != 2 {
			t.Errorf("told: %+v, %v", replicas, err)
		}
	}
}

func TestSecretsInTheConfiguration(t *testing.T) {
	o := newOperator(t)
	o = o.set("BROKER_SECRETS__KEYRING=" + strings.TrimSpace(string(store.NewKeyring().Marshal())))
	o.run("users", "create", "ada@example.org")
	if line := o.refuses("secrets", "rotate"); !strings.Contains(line, "secrets.keyring_file") {
		t.Error(line)
	}
	if text := o.run("secrets", "status"); !strings.Contains(text, "nothing to do") {
		t.Error(text)
	}
}
