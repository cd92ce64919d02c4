package local

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"idbroker/broker"
)

// zoneList is every name of the time zone database, old ones too, a line each.
//
//go:embed zones.txt
var zoneList string

// Zones are the time zones to offer: each place, under the name of its city.
func Zones() []string {
	return slices.DeleteFunc(strings.Fields(zoneList), func(name string) bool {
		area, _, place := strings.Cut(name, "/")
		return name != "UTC" && (!place || area == "Etc" || area == "US" || area == "Brazil" || area == "Canada" || area == "Chile" || area == "Mexico")
	})
}

// Zone is the time zone of a name of the database; ok is false where there is
// none. "" is UTC, and fine.
func Zone(name string) (loc *time.Location, ok bool) {
	if name == "" {
		return time.UTC, true
	}
	if !broker.ZoneName(name) || !slices.Contains(strings.Fields(zoneList), name) {
		return time.UTC, false
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, false
	}
	return loc, true
}
