package broker

import (
	"strings"
	"time"
)

// DomainStatus is what an operator thinks of the people of an e-mail domain.
type DomainStatus string

const (
	// DomainNew: its people come in as anybody does.
	DomainNew DomainStatus = "new"
	// DomainModerated: its newcomers wait until an operator activates them.
	DomainModerated DomainStatus = "moderated"
	// DomainVerified: it vouches for its people. Who proves an address there is verified.
	DomainVerified DomainStatus = "verified"
	// DomainBlocked: nobody proves an address there.
	DomainBlocked DomainStatus = "blocked"
)

// DomainStatuses are all of them.
var DomainStatuses = [...]DomainStatus{DomainNew, DomainModerated, DomainVerified, DomainBlocked}

// Domain is an e-mail domain. It stands for its sub-domains, too, but for those
// about which an operator decided otherwise.
type Domain struct {
	Name      string // ASCII (IDNA), lower case, no dot at the end; the key
	Status    DomainStatus
	FlaggedBy string    // who thinks that it is a bad one, such as the name of a list; "" nobody. It decides nothing
	DecidedAt time.Time // when an operator gave it the status; zero: it is noted only since somebody came from there
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Decided tells whether an operator has said something about the domain. Where they
// have not, what they said about the domain above it counts: or else whoever was
// first to come from a sub-domain would have opened it for good.
func (d Domain) Decided() bool { return !d.DecidedAt.IsZero() }

// DomainCount is how many accounts have an address at exactly one domain.
type DomainCount struct {
	Name                                                 string // as it stands in addresses
	Users, Active, Confirmed, Verified, Blocked, Waiting int
}

// DomainAndAbove is a domain and all that it is a sub-domain of, itself first:
// "a.example.org", "example.org", "org".
func DomainAndAbove(name string) []string {
	all := []string{name}
	for {
		_, above, ok := strings.Cut(name, ".")
		if !ok {
			return all
		}
		all, name = append(all, above), above
	}
}

// Standing is what counts for name among the domains that are known: the most
// specific one that an operator has decided about, or fallback.
func Standing(name string, known []Domain, fallback DomainStatus) Domain {
	for _, n := range DomainAndAbove(name) {
		for _, d := range known {
			if d.Name == n && d.Decided() {
				return d
			}
		}
	}
	return Domain{Name: name, Status: fallback}
}
