package tokens

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"idbroker/broker"
)

// maxFrames bounds the applications of a session that are told through the
// browser: it loads each of them at once.
const maxFrames = 20

// Frame is what a browser loads so that an application hears of a sign-out
// (OpenID Connect Front-Channel Logout 1.0).
type Frame struct {
	URL    string // with iss and sid
	Origin string // where it is, as Content-Security-Policy names it
}

// FrontchannelLogout returns what to load when a session has ended, for the
// applications that were in it: whether their grants live or not. The addresses
// are those that were registered, and https or on loopback.
func (s *Service) FrontchannelLogout(ctx context.Context, user broker.UserID, sid string) ([]Frame, error) {
	if user == "" || sid == "" {
		return nil, nil
	}
	who, err := s.store.Participants(ctx, broker.GrantFilter{UserID: user, SID: sid})
	if err != nil {
		return nil, err
	}
	var frames []Frame
	for _, p := range who {
		c, err := s.store.Client(ctx, p.ClientID)
		if err != nil && !errors.Is(err, broker.ErrNotFound) {
			return nil, err
		}
		if err != nil || !c.DisabledAt.IsZero() || len(frames) == maxFrames {
			continue
		}
		if origin := frameOrigin(c); origin != "" {
			params := url.Values{"iss": {s.o.Issuer}, "sid": {sid}}
			frames = append(frames, Frame{URL: addParams(c.Metadata.FrontchannelLogoutURI, fosite.ResponseModeQuery, params), Origin: origin})
		}
	}
	return frames, nil
}

// frameOrigin is the origin of a client's frontchannel_logout_uri; "" where it
// has none that may be loaded. It is one that people come back to from us
// (section 2): nobody gets a page of a third party loaded here. It is written
// into a header, so it has nothing in it but a host and a port.
func frameOrigin(c broker.Client) string {
	origin := originOf(c.Metadata.FrontchannelLogoutURI)
	if origin == "" || !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return originOf(uri) == origin }) {
		return ""
	}
	return origin
}

// originOf is scheme, host and port of an https URL, or an http one on loopback,
// without user and fragment; "" for anything else.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil, u.User != nil, strings.Contains(uri, "#"), u.Hostname() == "",
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return ""
	case strings.ContainsFunc(u.Host, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-.:[]_", r)
	}):
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}
