package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

const (
	// ringEvery is how soon a replica notices that the keyring has changed.
	ringEvery = 5 * time.Second
	// beatEvery is how often a replica whose keyring has not changed says that it
	// is there.
	beatEvery = 30 * time.Second
	// ringAlive is how long after its last word a replica is taken to run: it may
	// have missed two.
	ringAlive = 2*beatEvery + 2*ringEvery
)

// setRing makes the rooms use a keyring: what the database holds is sealed with
// its first key, our tokens are made with the secret of that, and those of every
// key are read. The staged one's too: other replicas may have promoted it already.
func (r *rooms) setRing(ring store.Keyring) error {
	secret, others, staged := ring.DeriveEach(tokenPurpose)
	if staged != nil {
		others = append(others, *staged)
	}
	if err := r.tokens.SetSecrets(secret, others); err != nil {
		return err
	}
	r.db.SetKeys(ring)
	r.ring = ring
	return nil
}

// watched is the keyring of a broker that serves.
type watched struct {
	rooms   *rooms
	id      string // of the replica
	file    string // "" the keyring stands in the configuration
	text    []byte // that was read last
	beatAt  time.Time
	changed func(store.Keyring)
}

func (r *rooms) watchRing(changed func(store.Keyring)) *watched {
	w := &watched{rooms: r, id: broker.NewID(), changed: changed, text: r.ring.Marshal()}
	if r.cfg.Secrets.Keyring == "" {
		w.file = r.cfg.Secrets.KeyringFile
	}
	return w
}

// look reads the keyring anew where it has changed, and tells the others which
// keys we know. A file that is no keyring, or lacks the key that we seal with, is
// refused: the one before stays.
func (w *watched) look(ctx context.Context) error {
	err := w.reload()
	ring, now := w.rooms.ring, time.Now()
	if w.beatAt.IsZero() || now.Sub(w.beatAt) >= beatEvery {
		opens := ring.IDs()
		if id := ring.StagedID(); id != "" {
			opens = append(opens, id)
		}
		if e := w.rooms.db.SaveReplica(ctx, broker.Replica{ID: w.id, SeenAt: now, Seals: ring.IDs()[0], Opens: opens}); e != nil {
			return errors.Join(err, e)
		}
		w.beatAt = now
	}
	return err
}

func (w *watched) reload() error {
	if w.file == "" {
		return nil
	}
	text, err := os.ReadFile(w.file)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	if bytes.Equal(text, w.text) {
		return nil
	}
	ring, err := store.ParseKeyring(text)
	if err != nil {
		return fmt.Errorf("keyring: %s: %w", w.file, err)
	}
	if bytes.Equal(ring.Marshal(), w.rooms.ring.Marshal()) {
		w.text = text // comments alone
		return nil
	}
	old := w.rooms.ring.IDs()
	if ids := ring.IDs(); !slices.Contains(ids, old[0]) || ids[len(ids)-1] != old[len(old)-1] {
		return fmt.Errorf("keyring: %s lacks the key that seals, or the oldest; the keyring of before stays in use: restore the file from your backup", w.file)
	}
	if err := w.rooms.setRing(ring); err != nil {
		return err
	}
	w.text, w.beatAt = text, time.Time{}
	w.changed(ring)
	return nil
}

// leave tells the others that nobody needs to wait for us.
func (w *watched) leave(ctx context.Context) { _ = w.rooms.db.DeleteReplica(ctx, w.id) }

// replaceRing writes a keyring over the file that holds was, so that whoever reads
// it meanwhile sees the one or the other, whole. It refuses where somebody else
// has changed the file since, or is about to.
func replaceRing(name string, was []byte, ring store.Keyring) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	next := name + ".new"
	if info, err := os.Stat(next); err == nil && time.Since(info.ModTime()) > time.Minute { // somebody died over it
		_ = os.Remove(next)
	}
	err = writeSecret(next, ring.Marshal())
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: somebody else is changing the keyring", next)
	}
	if err != nil {
		return fmt.Errorf("%w; where the keyring is mounted read-only, change it by hand: docs/operations.md says how", err)
	}
	now, err := os.ReadFile(name)
	if err == nil && !bytes.Equal(now, was) {
		err = errors.New("somebody else has changed the keyring")
	}
	if err == nil {
		err = os.Rename(next, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return syncDirectory(filepath.Dir(name))
}
