package broker

import "time"

// Replica is a running broker, as it told of itself.
type Replica struct {
	ID     string // NewID, of each start
	SeenAt time.Time
	Seals  string   // id of the key that it seals with
	Opens  []string // ids of all keys that it knows, Seals included
}
