package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

type secretsRotate struct {
	Wait time.Duration `default:"5m" help:"How long to wait until every running broker knows the new key."`
	output
}

// Help teaches.
func (secretsRotate) Help() string {
	return `It writes a new key into the keyring file, waits until every running broker knows it, makes it the one that seals, and seals everything in the database anew: tokens of providers, signing and encryption keys, secrets of clients, waiting mails, notices and revocations, sign-ins that are under way. Nothing is interrupted, and no token of an application ends. Stopped or killed, it goes on where it was when it is run again; it makes no other key before that is done.

Back up the keyring afterwards: backups from before lack the new key. The old key stays, to verify tokens and make pairwise subjects ("broker secrets drop").

	broker secrets rotate
	broker secrets status`
}

const (
	// rotatePause is how long a new key is known before it seals: commands that
	// read the keyring before have ended by then.
	rotatePause = 3 * time.Second
	// rotateLook is how often it looks whether brokers have noticed.
	rotateLook = 250 * time.Millisecond
	// rotatePasses bounds the passes over the database: the second finds what
	// was written by a command that had read the keyring before the new key sealed.
	rotatePasses = 10
)

var errInterrupted = errors.New("interrupted; nothing is lost: run this again to go on")

// Run rotates.
func (c secretsRotate) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	say := func(format string, args ...any) {
		if !c.JSON {
			fmt.Fprintf(p.out, format+"\n", args...)
		}
	}
	if err := c.newKey(ctx, r, say); err != nil {
		return err
	}
	total, err := reseal(ctx, r, say)
	if err != nil {
		return err
	}
	v, err := ringOf(ctx, r)
	if err != nil {
		return err
	}
	v.Resealed = total
	return c.print(p.out, v, v.text)
}

// newKey makes a new key the first, in the two steps that keep every broker able to
// read what another one writes; or finishes that where it was begun.
func (c secretsRotate) newKey(ctx context.Context, r *rooms, say func(string, ...any)) error {
	name, text, err := ringFile(r)
	if err != nil {
		return err
	}
	v, err := ringOf(ctx, r)
	if err != nil {
		return err
	}
	set := func(ring store.Keyring) error {
		if err := replaceRing(name, text, ring); err != nil {
			return err
		}
		text = ring.Marshal()
		return r.setRing(ring)
	}
	switch {
	case r.ring.StagedID() != "":
		say("Key %s was staged before; going on with it.", r.ring.StagedID())
	case v.behind() > 0, slices.ContainsFunc(v.Replicas, func(b replicaView) bool { return b.Seals != r.ring.IDs()[0] }):
		say("Key %s seals already; going on with what older keys have sealed.", r.ring.IDs()[0])
	default:
		if err := set(r.ring.Staged()); err != nil {
			return err
		}
		say("Key %s is in %s. Waiting until every running broker knows it.", r.ring.StagedID(), name)
	}
	if id := r.ring.StagedID(); id != "" {
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-time.After(rotatePause):
		}
		if err := c.await(ctx, r, "knows key "+id, func(b broker.Replica) bool { return slices.Contains(b.Opens, id) }); err != nil {
			return err
		}
		if err := set(r.ring.Promoted()); err != nil {
			return err
		}
	}
	id := r.ring.IDs()[0]
	say("Key %s is the one that seals. Waiting until every running broker uses it.", id)
	return c.await(ctx, r, "seals with key "+id, func(b broker.Replica) bool { return b.Seals == id })
}

// await waits until every running broker is as it should be.
func (c secretsRotate) await(ctx context.Context, r *rooms, what string, is func(broker.Replica) bool) error {
	for end := time.Now().Add(c.Wait); ; {
		replicas, err := r.db.Replicas(ctx, time.Now().Add(-ringAlive))
		if err != nil {
			return err
		}
		var late []string
		for _, b := range replicas {
			if !is(b) {
				late = append(late, b.ID+" (seen "+when(b.SeenAt)+")")
			}
		}
		switch {
		case len(late) == 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("after %s not every running broker %s: %s; do they read the same keyring file? Nothing is lost: copy it to them (or restart them), and run this again", c.Wait, what, strings.Join(late, ", "))
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-time.After(rotateLook):
		}
	}
}

// reseal passes over the database until it finds nothing of an older key.
func reseal(ctx context.Context, r *rooms, say func(string, ...any)) (int, error) {
	counts, total := map[string]int{}, 0
	for range rotatePasses {
		n, err := r.db.Reseal(ctx, func(table string, n int) { counts[table] += n })
		total += n
		if err != nil {
			return total, fmt.Errorf("%d values are sealed anew, not all: %w; run this again when that is mended", total, err)
		}
		if n == 0 {
			break
		}
	}
	for _, t := range store.SealedTables() {
		if n := counts[t]; n > 0 {
			say("%s: %d values sealed anew", t, n)
		}
	}
	return total, nil
}
