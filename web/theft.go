package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mileusna/useragent"

	"idbroker/broker"
)

// Theft says what is done about copies of a browser's cookies.
type Theft string

const (
	// TheftBasic, the default, ends a session that is used from another browser or
	// system than it began in, and one whose cookies were copied: see turns.
	TheftBasic Theft = "basic"
	// TheftStrict ends it too when it comes from another network or country.
	TheftStrict Theft = "strict"
	// TheftOff lets whoever has the cookie in, wherever they are.
	TheftOff Theft = "off"
)

// Beside the session's cookie, which stays the same, the browser has one that turns:
// every few minutes the answer to a request brings the next value. Of two who hold the
// same cookies only one gets the next value first; when the other shows the one
// before, there are two. That is known as soon as both have been there, and it cannot
// be known who is who, so that the session ends for both.
//
// The next value is a MAC, the same for every request that asks for it, so that tabs
// do not compete. A value that was given out replaces the one before only when
// the browser has shown it: an answer that never arrived signs nobody out.
const (
	// turnEvery is how long a stolen cookie can be of use beside its owner, if both
	// are there. Each turn writes the session's row once more.
	turnEvery = 5 * time.Minute
	// turnOverlap is how long the value before counts after the browser has shown
	// the next one: requests may be under way that were sent with it.
	turnOverlap = time.Minute
)

// What was noticed: the detail broker.DetailWhy.
const (
	theftCopied  = "copied"
	theftBrowser = "browser"
	theftNetwork = "network"
)

// theftGuard notices copied cookies.
type theftGuard struct {
	level   Theft
	key     [32]byte
	country func(ip string) string // ISO 3166 code; "" not known
	cookies cookies
}

// glance is what a look at a session finds.
type glance struct {
	row    broker.Session // as it is to be noted
	note   bool           // it cannot wait until the session is noted anyway
	cookie *http.Cookie   // for the browser; nil none
	why    string         // the session was stolen; "" it was not
}

// look compares a request with the session that its cookie opens.
func (g *theftGuard) look(r *http.Request, secret broker.Secret, row broker.Session, at time.Time) glance {
	seen := glance{row: row}
	if g.level == TheftOff || row.UserID == "" {
		return seen
	}
	request := broker.RequestOf(r.Context())
	switch {
	case !sameBrowser(row.UserAgent, request.UserAgent):
		seen.why = theftBrowser
		return seen
	case g.level == TheftStrict && !g.sameNetwork(row.IP, request.IP):
		seen.why = theftNetwork
		return seen
	}
	now := &seen.row
	switch shown := g.shown(r, secret); {
	case shown > row.Turn: // given out once; the database was restored since
		now.Turn, now.TurnedAt, now.ShownAt, seen.note = shown, at, at, true
	case shown == row.Turn:
		if shown > 0 && row.ShownAt.IsZero() {
			now.ShownAt, seen.note = at, true
		}
		began := row.TurnedAt
		if began.IsZero() {
			began = row.CreatedAt
		}
		if at.Sub(began) >= turnEvery {
			now.Turn, now.TurnedAt, now.ShownAt, seen.note = shown+1, at, time.Time{}, true
			seen.cookie = g.turnCookie(secret, *now, at)
		}
	case shown == row.Turn-1 && row.ShownAt.IsZero(): // the answer was lost, or is on its way
		seen.cookie = g.turnCookie(secret, row, at)
	case shown == row.Turn-1 && at.Sub(row.ShownAt) < turnOverlap: // sent before the answer came
	default:
		seen.why = theftCopied
	}
	return seen
}

// turnCookie carries the turn of a session: its number, and a MAC that nobody can
// make who merely has the session's cookie.
func (g *theftGuard) turnCookie(secret broker.Secret, row broker.Session, at time.Time) *http.Cookie {
	turn := strconv.Itoa(row.Turn)
	maxAge := 0
	if row.Lasting {
		maxAge = int(row.ExpiresAt.Sub(at) / time.Second)
	}
	return g.cookies.make(turnCookie, turn+"."+base64.RawURLEncoding.EncodeToString(g.turnMAC(secret, turn)), maxAge)
}

func (g *theftGuard) turnMAC(secret broker.Secret, turn string) []byte {
	mac := hmac.New(sha256.New, g.key[:])
	mac.Write([]byte("turn\x00" + secret.Reveal() + "\x00" + turn))
	return mac.Sum(nil)[:16]
}

// shown is the turn that a request shows; 0 none that is this session's. The MAC is of the
// number as it was written here.
func (g *theftGuard) shown(r *http.Request, secret broker.Secret) int {
	turn, text, _ := strings.Cut(g.cookies.read(r, turnCookie), ".")
	n, err := strconv.Atoi(turn)
	mac, err2 := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || err2 != nil || !hmac.Equal(mac, g.turnMAC(secret, turn)) {
		return 0
	}
	return n
}

// sameBrowser tells whether two user agents may be one browser on one system: of any
// version, since browsers are upgraded in the middle of a day. Phones and tablets that
// ask for the page "for desktop computers" call themselves another system of their
// kind. "" was not known, and is any.
func sameBrowser(was, is string) bool {
	if was == is || was == "" {
		return true
	}
	a, b := useragent.Parse(was), useragent.Parse(is)
	return a.Name == b.Name && kindOfSystem(a.OS) == kindOfSystem(b.OS)
}

// kindOfSystem makes one of the systems that pass for one another.
func kindOfSystem(os string) string {
	switch os {
	case useragent.IOS, useragent.MacOS:
		return useragent.MacOS
	case useragent.Android, useragent.Linux, useragent.ChromeOS:
		return useragent.Linux
	}
	return os
}

// Networks that one subscriber has: what TheftStrict compares.
const (
	networkBits4 = 24
	networkBits6 = 48
)

// sameNetwork tells whether two addresses may be one subscriber's. Those of different
// families cannot be compared (browsers go from one to the other all day), but their
// countries can. What is not known is any.
func (g *theftGuard) sameNetwork(was, is string) bool {
	a, err := netip.ParseAddr(was)
	b, err2 := netip.ParseAddr(is)
	if err != nil || err2 != nil {
		return true
	}
	if a, b = a.Unmap(), b.Unmap(); a.Is4() == b.Is4() {
		bits := networkBits6
		if a.Is4() {
			bits = networkBits4
		}
		prefix, err := a.Prefix(bits)
		return err == nil && prefix.Contains(b.WithZone(""))
	}
	from, to := g.country(was), g.country(is)
	return from == "" || to == "" || from == to
}

// stolen is a session that a look has found to be stolen.
type stolen struct {
	row  broker.Session
	user broker.User
	why  string
}

// endStolen ends a session that was stolen, tells its person by mail, and whoever is
// there with a notice.
func (s *Server) endStolen(w http.ResponseWriter, r *http.Request, st stolen) error {
	v, ctx := visitOf(r), r.Context()
	request := broker.RequestOf(ctx)
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.EndSession(ctx, st.row.UserID, st.row.SID); err != nil {
			return err
		}
		if err := s.sessionEnded(ctx, st.row.UserID, st.row.SID, v.at); err != nil {
			return err
		}
		// Whoever copied cookies has the one that stands in for the second factor, too.
		if _, err := s.accounts.ForgetBrowsers(ctx, st.row.UserID, ""); err != nil {
			return err
		}
		e := broker.NewEvent(ctx, broker.EventSessionStolen, v.at)
		e.UserID, e.SID, e.Detail = st.row.UserID, st.row.SID, map[string]string{broker.DetailWhy: st.why}
		if err := s.store.AddEvent(ctx, e); err != nil || !st.user.EmailVerified() {
			return err
		}
		return s.store.Enqueue(ctx, s.mailFrom(request, st.user, "session-stolen", v.at).Entry(v.at))
	})
	if errors.Is(err, broker.ErrNotFound) {
		err = nil // another request has ended it
	}
	if err != nil {
		return fmt.Errorf("end stolen session: %w", err)
	}
	s.o.Wake()
	s.log.WarnContext(ctx, "session ended: a copy of its cookies was used", "user", st.row.UserID, "why", st.why, "ip", request.IP)
	s.setState(w, "")
	return s.say(w, r, sessionNotice{Key: "security.stolen", Problem: true})
}
