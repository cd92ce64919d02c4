package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
	"idbroker/store"
)

type secretCommands struct {
	Status secretsStatus `cmd:"" help:"Show the keys of the keyring, what each has sealed, and which of them running brokers know."`
	Rotate secretsRotate `cmd:"" help:"Make a new key and seal everything in the database with it, while brokers serve."`
	Drop   secretsDrop   `cmd:"" help:"Take a key out of the keyring that seals nothing any more."`
}

// Roles of a key of the ring.
const (
	roleSeals  = "seals"
	roleStaged = "staged"
	roleOpens  = "opens"
	roleLost   = "missing"
)

// ringKeyView is a key of the ring, without the key.
type ringKeyView struct {
	ID     string         `json:"id"`
	Role   string         `json:"role"`
	Oldest bool           `json:"oldest,omitempty"` // makes pairwise subjects: it must stay
	Sealed int            `json:"sealed"`           // values in the database
	Tables map[string]int `json:"tables,omitempty"`
}

type replicaView struct {
	ID     string    `json:"id"`
	SeenAt time.Time `json:"seen_at"`
	Seals  string    `json:"seals"`
	Opens  []string  `json:"opens"`
}

type ringView struct {
	Keys     []ringKeyView `json:"keys"`
	Replicas []replicaView `json:"replicas"`
	Resealed int           `json:"resealed"` // by this command
	Next     string        `json:"next"`     // in plain words
}

// viewRing shows a ring and what it has sealed. Keys that have sealed something and
// are not in it come last.
func viewRing(ring store.Keyring, sealed []store.Sealed, replicas []broker.Replica) ringView {
	v := ringView{Keys: []ringKeyView{}, Replicas: []replicaView{}}
	add := func(id, role string) {
		v.Keys = append(v.Keys, ringKeyView{ID: id, Role: role, Tables: map[string]int{}})
	}
	if id := ring.StagedID(); id != "" {
		add(id, roleStaged)
	}
	for i, id := range ring.IDs() {
		add(id, map[bool]string{true: roleSeals, false: roleOpens}[i == 0])
	}
	v.Keys[len(v.Keys)-1].Oldest = true
	for _, s := range sealed {
		at := slices.IndexFunc(v.Keys, func(k ringKeyView) bool { return k.ID == s.KeyID })
		if at < 0 {
			add(s.KeyID, roleLost)
			at = len(v.Keys) - 1
		}
		v.Keys[at].Sealed += s.Count
		v.Keys[at].Tables[s.Table] += s.Count
	}
	for _, r := range replicas {
		v.Replicas = append(v.Replicas, replicaView(r))
	}
	v.Next = v.advice()
	return v
}

// behind is how many values another key than the first has sealed that we have.
func (v ringView) behind() int {
	n := 0
	for _, k := range v.Keys {
		if k.Role == roleOpens || k.Role == roleStaged {
			n += k.Sealed
		}
	}
	return n
}

func (v ringView) advice() string {
	idle := ""
	for _, k := range v.Keys {
		switch {
		case k.Role == roleLost:
			return "values of key " + k.ID + " cannot be read: put its line back into the keyring from your backup"
		case k.Role == roleStaged:
			return "a rotation was begun: finish it with broker secrets rotate"
		case k.Role == roleOpens && !k.Oldest && k.Sealed == 0:
			idle = k.ID
		}
	}
	switch {
	case v.behind() > 0:
		return "older keys still seal values: go on with broker secrets rotate"
	case idle != "":
		return "key " + idle + " seals nothing any more; when no application holds a refresh token from before: broker secrets drop " + idle
	}
	return "nothing to do"
}

func (v ringView) text(w io.Writer) {
	row(w, "KEY", "ROLE", "SEALED", "WHAT")
	for _, k := range v.Keys {
		var what []string
		for _, t := range store.SealedTables() {
			if n := k.Tables[t]; n > 0 {
				what = append(what, fmt.Sprintf("%s %d", t, n))
			}
		}
		if k.Oldest {
			what = append(what, "(oldest: makes pairwise subjects)")
		}
		row(w, k.ID, k.Role, k.Sealed, strings.Join(what, ", "))
	}
	for _, r := range v.Replicas {
		row(w, "broker "+r.ID, "seals with "+r.Seals, "knows "+strings.Join(r.Opens, " "), "seen "+when(r.SeenAt))
	}
	fmt.Fprintf(w, "Next: %s.\n", v.Next)
}

// ringOf reads how things stand.
func ringOf(ctx context.Context, r *rooms) (ringView, error) {
	sealed, err := r.db.SealedBy(ctx)
	if err != nil {
		return ringView{}, err
	}
	replicas, err := r.db.Replicas(ctx, time.Now().Add(-ringAlive))
	return viewRing(r.ring, sealed, replicas), err
}

type secretsStatus struct{ output }

// Run shows the ring.
func (c secretsStatus) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	v, err := ringOf(ctx, r)
	if err != nil {
		return err
	}
	return c.print(p.out, v, v.text)
}

// ringFile is the file of the keyring, and what it holds.
func ringFile(r *rooms) (name string, text []byte, err error) {
	if r.cfg.Secrets.Keyring != "" {
		return "", nil, errors.New("secrets.keyring: the keyring stands in the configuration, where it cannot be changed while brokers serve; put it into a file and name that as secrets.keyring_file")
	}
	name = r.cfg.Secrets.KeyringFile
	text, err = os.ReadFile(name)
	if err != nil {
		return "", nil, fmt.Errorf("secrets.keyring_file: %w", err)
	}
	ring, err := store.ParseKeyring(text)
	if err != nil {
		return "", nil, fmt.Errorf("secrets.keyring_file: %s: %w", name, err)
	}
	return name, text, r.setRing(ring)
}

type secretsDrop struct {
	Key string `arg:"" help:"Id of the key, as \"broker secrets status\" shows it."`
	Yes bool   `help:"Do it. Without, it is only said what would happen."`
	output
}

// Help teaches.
func (secretsDrop) Help() string {
	return `It is refused for the key that seals, for one that has sealed anything that is still there, and for the oldest, which makes the subjects of clients with pairwise ones. A staged key can go while no broker seals with it: that gives a rotation up.

What it ends: access and refresh tokens of applications that were made while the key was the first; people sign in there again.`
}

// Run drops a key.
func (c secretsDrop) Run(ctx context.Context, p *program) error {
	r, err := p.rooms(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	name, text, err := ringFile(r)
	if err != nil {
		return err
	}
	v, err := ringOf(ctx, r)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(v.Keys, func(k ringKeyView) bool { return k.ID == c.Key && k.Role != roleLost })
	if at < 0 {
		return fmt.Errorf("the keyring has no key %s; see: broker secrets status", printable(c.Key))
	}
	k := v.Keys[at]
	sealing := slices.ContainsFunc(v.Replicas, func(r replicaView) bool { return r.Seals == k.ID })
	switch {
	case k.Role == roleSeals, sealing:
		return fmt.Errorf("key %s seals what is written now; make another with broker secrets rotate first", k.ID)
	case k.Oldest:
		return fmt.Errorf("key %s is the oldest: it makes the subjects of clients with pairwise ones, which would meet strangers without it; it stays", k.ID)
	case k.Sealed > 0:
		return fmt.Errorf("key %s has sealed %d values that nobody could read without it; seal them anew with broker secrets rotate first", k.ID, k.Sealed)
	case !c.Yes && k.Role == roleOpens:
		return fmt.Errorf("dropping key %s ends the tokens of applications that were made while it was the first, and cannot be taken back without your backup; add --yes to do it", k.ID)
	}
	left := r.ring.Without(k.ID)
	if err := replaceRing(name, text, left); err != nil {
		return err
	}
	if err := r.setRing(left); err != nil {
		return err
	}
	if v, err = ringOf(ctx, r); err != nil {
		return err
	}
	return c.print(p.out, v, v.text)
}
