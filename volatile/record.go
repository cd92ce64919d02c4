package volatile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"idbroker/broker"
)

// What is read of Redis at most, in bytes. More than we write is not ours.
const (
	maxSeen  = 2 << 10 // 255 bytes of user agent, of which JSON may make six times as many
	maxPlace = 256
	maxData  = 4096 + 64 // Session.Data, and what sealing adds
	// maxAgent and maxSID bound two fields, in bytes.
	maxAgent = 255
	maxSID   = 64
	// maxTurn is the highest turn: one every five minutes, for longer than anybody lives.
	maxTurn = 1<<31 - 1
	// maxMicros is the last moment that a record may tell: the year 9999.
	maxMicros = 253402300799999999
)

// errRecord: a record says what none of ours does.
var errRecord = errors.New("malformed record")

// seen is what is sealed of a session: when and with what it was used last. Times are
// microseconds; 0 is never.
type seen struct {
	LastSeen int64  `json:"l"`
	Agent    string `json:"u"`
	Turned   int64  `json:"t"`
	Shown    int64  `json:"w"`

	// Of a session of nobody alone.
	SID     string `json:"i,omitempty"`
	Created int64  `json:"c,omitempty"`
	Expires int64  `json:"e,omitempty"`
}

// place is from where a session was used last.
type place struct {
	IP    string `json:"a"`
	Since int64  `json:"s"`
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}

// strict reads JSON that has one form: the one that we write.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errRecord
	}
	if again, err := json.Marshal(into); err != nil || !bytes.Equal(again, text) {
		return errRecord
	}
	return nil
}

// parseSeen reads the text of a record of a kind.
func parseSeen(kind byte, text []byte) (seen, error) {
	var r seen
	if len(text) > maxSeen {
		return r, errRecord
	}
	if err := strict(text, &r); err != nil {
		return seen{}, err
	}
	for _, m := range []int64{r.LastSeen, r.Turned, r.Shown, r.Created, r.Expires} {
		if m < 0 || m > maxMicros {
			return seen{}, errRecord
		}
	}
	mine := r.SID == "" && r.Created == 0 && r.Expires == 0
	if len(r.Agent) > maxAgent || !utf8.ValidString(r.Agent) || len(r.SID) > maxSID || mine != (kind == kindSeen) {
		return seen{}, errRecord
	}
	return r, nil
}

// parsePlace reads the text of a place.
func parsePlace(text []byte) (place, error) {
	var p place
	if len(text) > maxPlace {
		return p, errRecord
	}
	if err := strict(text, &p); err != nil {
		return place{}, err
	}
	if _, err := netip.ParseAddr(p.IP); err != nil || p.Since < 0 || p.Since > maxMicros {
		return place{}, errRecord
	}
	return p, nil
}

// splitSeen takes apart what stands in Redis: kind and turn in the clear, since the
// script that compares turns has to read them, then a blank and what is sealed.
func splitSeen(stored []byte) (kind byte, turn string, sealed []byte, err error) {
	head, sealed, found := bytes.Cut(stored, []byte{' '})
	if !found || len(stored) > maxSeen || len(head) < 2 || head[0] != kindSeen && head[0] != kindVisitor {
		return 0, "", nil, errRecord
	}
	turn = string(head[1:])
	if n, err := strconv.Atoi(turn); err != nil || n < 0 || n > maxTurn || strconv.Itoa(n) != turn {
		return 0, "", nil, errRecord
	}
	return head[0], turn, sealed, nil
}

// kindOf is the kind of a session's record.
func kindOf(s broker.Session) byte {
	if s.UserID == "" {
		return kindVisitor
	}
	return kindSeen
}

// seenOf is what stands in Redis of a session's last use.
func (h *Home) seenOf(s broker.Session) ([]byte, error) {
	kind, turn := kindOf(s), strconv.Itoa(s.Turn)
	r := seen{LastSeen: micros(s.LastSeenAt), Agent: s.UserAgent, Turned: micros(s.TurnedAt), Shown: micros(s.ShownAt)}
	if kind == kindVisitor {
		r.SID, r.Created, r.Expires = s.SID, micros(s.CreatedAt), micros(s.ExpiresAt)
	}
	text, err := json.Marshal(r)
	if err == nil {
		_, err = parseSeen(kind, text) // what could not be read must not be written
	}
	if err != nil || s.Turn < 0 || s.Turn > maxTurn {
		return nil, fmt.Errorf("session: %w", errRecord)
	}
	return append([]byte(string(kind)+turn+" "), h.sealer.seal(s.IDHash, kind, turn, text)...), nil
}

// placeOf is what stands in Redis of where a session was used; nil where that is not
// known, or what the room cannot keep.
func (h *Home) placeOf(s broker.Session) []byte {
	text, err := json.Marshal(place{IP: s.IP, Since: micros(s.IPAt)})
	if err == nil {
		_, err = parsePlace(text)
	}
	if err != nil {
		return nil
	}
	return h.sealer.seal(s.IDHash, kindPlace, "", text)
}

// dataOf is what stands in Redis of Session.Data; nil where there is none.
func (h *Home) dataOf(s broker.Session) []byte {
	if len(s.Data) == 0 || len(s.Data) > maxData-64 {
		return nil
	}
	return h.sealer.seal(s.IDHash, kindData, "", s.Data)
}

// stored is what Redis has of a session.
type stored struct{ seen, place, data []byte }

// read fills in what Redis knows of a session, and tells whether that is a session of
// nobody. An error says that there is nothing of this session's.
func (h *Home) read(s *broker.Session, from stored, at time.Time) (visitor bool, err error) {
	kind, turn, sealed, err := splitSeen(from.seen)
	if err != nil {
		return false, err
	}
	text, err := h.sealer.open(s.IDHash, kind, turn, sealed)
	if err != nil {
		return false, err
	}
	r, err := parseSeen(kind, text)
	if err != nil {
		return false, err
	}
	s.Turn, _ = strconv.Atoi(turn)
	s.LastSeenAt, s.UserAgent, s.TurnedAt, s.ShownAt = moment(r.LastSeen), r.Agent, moment(r.Turned), moment(r.Shown)
	s.IP, s.IPAt, s.Data = "", time.Time{}, nil
	if visitor = kind == kindVisitor; visitor {
		s.SID, s.CreatedAt, s.ExpiresAt = r.SID, moment(r.Created), moment(r.Expires)
	}
	// The rest may be missing: an IP is forgotten, a notice is shown.
	if text, err := h.sealer.open(s.IDHash, kindPlace, "", from.place); err == nil && len(from.place) <= maxPlace {
		if p, err := parsePlace(text); err == nil && h.remembered(moment(p.Since), at) {
			s.IP, s.IPAt = p.IP, moment(p.Since)
		}
	}
	if data, err := h.sealer.open(s.IDHash, kindData, "", from.data); err == nil && len(from.data) <= maxData {
		s.Data = data
	}
	return visitor, nil
}

// remembered tells whether an IP that was noted at a time is still known.
func (h *Home) remembered(since, at time.Time) bool {
	return h.o.KeepIPs <= 0 || at.Sub(since) < h.o.KeepIPs
}
