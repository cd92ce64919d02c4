package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ory/fosite"

	"idbroker/broker"
)

const (
	// sectorsPerMinute bounds how often registrations make us fetch what they name:
	// strangers must not have us knock at others' doors.
	sectorsPerMinute = 30
	sectorsWindow    = time.Minute
)

var errSectorBusy = &fosite.RFC6749Error{ErrorField: "temporarily_unavailable", DescriptionField: "Too many sector identifiers are being fetched. Try again in a minute.", CodeField: http.StatusTooManyRequests}

// sectorField is what is wrong where a sector identifier is.
const sectorField = "sector_identifier_uri"

// CheckSector fetches the sector identifier of a client, and looks whether it
// lists every redirect URI, letter by letter (OpenID Connect Core 1.0, section
// 8.1; OpenID Connect Dynamic Client Registration 1.0, section 5). It is done
// when a client is registered or changed, and not again. The problem is for
// whoever registers; the error, which may tell of networks, for the operator.
func (s *Service) CheckSector(ctx context.Context, c broker.Client) (*broker.Problem, error) {
	uri := c.Metadata.SectorIdentifierURI
	if uri == "" {
		return nil, nil
	}
	unfetched := &broker.Problem{Field: sectorField, Text: "it cannot be fetched by https from the public Internet; it must answer 200, within five seconds and 256 KiB, without a redirect; after a failure wait half a minute"}
	if s.o.Fetcher == nil {
		return unfetched, errors.New("tokens: nothing is fetched")
	}
	body, err := s.o.Fetcher.Get(ctx, uri, 0)
	if err != nil {
		return unfetched, fmt.Errorf("sector identifier: %w", err)
	}
	listed, err := parseSector(body)
	if err != nil {
		return &broker.Problem{Field: sectorField, Text: "it is no JSON array of redirect URIs"}, err
	}
	for _, redirect := range c.RedirectURIs {
		if !slices.Contains(listed, redirect) {
			return &broker.Problem{Field: sectorField, Text: fmt.Sprintf("the redirect URI %.120q is not in it; add it there, letter by letter", redirect)}, nil
		}
	}
	return nil, nil
}

// parseSector reads the array of a sector identifier.
func parseSector(body []byte) ([]string, error) {
	var list []*string
	if err := json.Unmarshal(body, &list); err != nil || list == nil || slices.Contains(list, nil) || !plainText(string(body)) {
		return nil, errors.New("tokens: no JSON array of texts")
	}
	all := make([]string, len(list))
	for i, one := range list {
		all[i] = *one
	}
	return all, nil
}

// checkSector is CheckSector for an application that registers itself.
func (s *Service) checkSector(ctx context.Context, c broker.Client, at time.Time) error {
	if c.Metadata.SectorIdentifierURI == "" {
		return nil
	}
	if !s.sectors.take(at) {
		return errSectorBusy
	}
	problem, err := s.CheckSector(ctx, c)
	if err != nil {
		s.log.InfoContext(ctx, "sector identifier refused", "client", c.ID, "err", err)
	}
	if problem != nil {
		return refuseMetadata([]broker.Problem{*problem})
	}
	return nil
}

// sectors counts what is fetched for registrations.
type sectors struct {
	mu    sync.Mutex
	since time.Time
	n     int
}

// take tells whether one more may be fetched.
func (s *sectors) take(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.since) >= sectorsWindow {
		s.since, s.n = at, 0
	}
	s.n++
	return s.n <= sectorsPerMinute
}
