package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"idbroker/broker"
)

const (
	// noticeLifetime is how long a session that belongs to nobody is kept. It
	// exists only to carry a notice to the next page.
	noticeLifetime = 10 * time.Minute
	// maxData bounds Session.Data, in bytes.
	maxData = 4096
	// maxNotices bounds what waits to be shown.
	maxNotices = 3
)

// sessionNotice waits in Session.Data to be shown once, on the next page.
type sessionNotice struct {
	Key     string            `json:"key"` // catalog key
	Args    map[string]string `json:"args,omitempty"`
	Problem bool              `json:"problem,omitempty"`
}

// decodeNotices reads Session.Data. What it cannot read is dropped: a notice
// is no fact.
func decodeNotices(data []byte) []sessionNotice {
	var d struct {
		Notices []sessionNotice `json:"notices"`
	}
	if len(data) == 0 || len(data) > maxData || json.Unmarshal(data, &d) != nil {
		return nil
	}
	return d.Notices[:min(len(d.Notices), maxNotices)]
}

// encodeNotices makes Session.Data of flashes; nil where there are none.
func encodeNotices(flashes any) []byte {
	var d struct {
		Notices []sessionNotice `json:"notices"`
	}
	list, _ := flashes.([]any)
	for _, f := range list {
		if n, ok := f.(sessionNotice); ok {
			d.Notices = append(d.Notices, n)
		}
	}
	if len(d.Notices) == 0 {
		return nil
	}
	d.Notices = d.Notices[max(0, len(d.Notices)-maxNotices):]
	data, err := json.Marshal(d)
	if err != nil || len(data) > maxData {
		return nil
	}
	return data
}

// say keeps a notice for the next page. A visitor without a session gets one
// that carries it and nothing else.
func (s *Server) say(w http.ResponseWriter, r *http.Request, n sessionNotice) error {
	v := visitOf(r)
	if v.jar.ID == "" {
		v.jar.Values[rowKey{}] = broker.Session{
			SID: broker.NewID(), CreatedAt: v.at, LastSeenAt: v.at, ExpiresAt: v.at.Add(noticeLifetime),
			UserAgent: broker.RequestOf(r.Context()).UserAgent, IP: broker.RequestOf(r.Context()).IP, IPAt: v.at,
		}
	}
	v.jar.AddFlash(n)
	return s.sessions.Save(r, w, v.jar)
}

// takeNotice returns the notice that waits, and forgets it. A session that
// existed for it alone ends.
func (s *Server) takeNotice(w http.ResponseWriter, r *http.Request) (*notice, error) {
	v := visitOf(r)
	if v == nil || v.jar == nil {
		return nil, nil
	}
	waiting := v.jar.Flashes()
	if len(waiting) == 0 {
		return nil, nil
	}
	n, _ := waiting[len(waiting)-1].(sessionNotice)
	if v.session.UserID == "" {
		if err := s.drop(w, r); err != nil {
			return nil, err
		}
	} else if err := s.sessions.Save(r, w, v.jar); err != nil && !errors.Is(err, broker.ErrNotFound) {
		return nil, fmt.Errorf("save session: %w", err)
	}
	kind := noticeOK
	if n.Problem {
		kind = noticeProblem
	}
	return &notice{Kind: kind, Message: n.Key, Args: n.Args}, nil
}
